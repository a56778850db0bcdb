//! One leaf's slots to the bytes of a column chunk: levels, dictionary, pages, statistics.
//!
//! Text is interned once for an epoch, so a chunk's dictionary is made by looking keys up, not by hashing values; and
//! all chunks share one compressor.

use std::ops::Range;

use bytes::Bytes;
use parquet::basic::{BoundaryOrder, CompressionCodec, Encoding, PageType};
use parquet::bloom_filter::Sbbf;
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder, PageEncodingStats};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use rustc_hash::FxHashMap;
use zstd::bulk::Compressor;

use crate::hybrid;
use crate::leaf::{Bounds, EMPTY, Leaf, NO_LIST, NONE, Values, at, statistics};

/// Most rows of a page.
const PAGE_ROWS: usize = 20_000;

/// Bytes of values at which a page ends, unless the leaf wishes otherwise.
const PAGE_BYTES: usize = 1 << 20;

/// Fewer bytes than this are stored as they are: compressing them takes more time than it saves room.
const COMPRESSED_FROM: usize = 1024;

/// What readers want of a leaf beside its values.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wish {
    /// The least and the greatest value, of the chunk and of each page.
    pub(crate) statistics: bool,
    /// A bloom filter.
    pub(crate) bloom: bool,
    /// Another value in each row, so a dictionary would be made only to be thrown away.
    pub(crate) unique: bool,
    /// Bytes of values in a page, if other than usual.
    pub(crate) page: Option<usize>,
}

/// A chunk's bytes and what the footer tells of it.
pub(crate) type Chunk = (Bytes, ColumnCloseResult);

/// Makes chunks; keeps its room from one to the next.
pub(crate) struct Chunks {
    compressor: Compressor<'static>,
    /// The place in the chunk's dictionary of each of the epoch's keys, [`ABSENT`] between chunks.
    places: Vec<u32>,
    /// The chunk's dictionary: a key each.
    used: Vec<i32>,
    /// The place in the dictionary of each slot that has a value.
    entries: Vec<u32>,
    levels: Vec<u32>,
    body: Vec<u8>,
    compressed: Vec<u8>,
}

const ABSENT: u32 = u32::MAX;

impl Chunks {
    pub(crate) fn new(level: i32) -> Result<Self, ParquetError> {
        Ok(Self {
            compressor: Compressor::new(level)?,
            places: Vec::new(),
            used: Vec::new(),
            entries: Vec::new(),
            levels: Vec::new(),
            body: Vec::new(),
            compressed: Vec::new(),
        })
    }

    /// The chunk of `leaf`, which has `rows` rows.
    pub(crate) fn encode(
        &mut self,
        column: &ColumnDescPtr,
        leaf: &Leaf<'_>,
        rows: usize,
        wish: Wish,
    ) -> Result<Chunk, ParquetError> {
        let mut open = Open {
            sink: TrackedWrite::new(Vec::new()),
            offsets: OffsetIndexBuilder::new(),
            pages: 0,
            data_at: 0,
            uncompressed: 0,
            codec: CompressionCodec::UNCOMPRESSED,
        };
        let dictionary = (!wish.unique && self.look_up(leaf)).then(|| self.dictionary(leaf.values));
        let mut index = wish.statistics.then(|| ColumnIndexBuilder::new(column.physical_type()));
        let (mut row, mut entry) = (0, 0);
        while row < rows {
            let limit = wish.page.unwrap_or(PAGE_BYTES);
            let slots = self.page(column, leaf, row..rows, dictionary.as_ref().map(|_| &mut entry), limit);
            let page_rows = slots.rows;
            if row == 0 {
                if self.body.len() + dictionary.as_ref().map_or(0, Bytes::len) >= COMPRESSED_FROM {
                    open.codec = CompressionCodec::ZSTD;
                }
                if let Some(bytes) = &dictionary {
                    self.put_dictionary(&mut open, bytes)?;
                }
            }
            let encoding = if dictionary.is_some() { Encoding::RLE_DICTIONARY } else { Encoding::PLAIN };
            self.put_page(&mut open, slots.slots.len(), page_rows, encoding)?;
            if let Some(index) = &mut index {
                let keys = leaf.keys.get(slots.slots).unwrap_or_default();
                let nulls = keys.iter().filter(|key| **key < 0).count();
                match leaf.values.bounds(keys.iter().copied()).map(Bounds::encoded) {
                    Some((least, greatest)) => index.append(false, least, greatest, count(nulls)),
                    None if nulls == keys.len() => index.append(true, Vec::new(), Vec::new(), count(nulls)),
                    // Nothing can be told of this page, so nothing of the chunk's pages.
                    None => index.to_invalid(),
                }
            }
            row += page_rows;
        }
        // One page's bounds are the chunk's.
        let index = index.filter(|index| open.pages > 1 && index.valid());
        self.close(column, leaf, rows, wish, dictionary.as_ref(), open, index)
    }

    /// Fills `used` and `entries`; `false` where the values take less room without a dictionary.
    fn look_up(&mut self, leaf: &Leaf<'_>) -> bool {
        self.used.clear();
        self.entries.clear();
        let keys = leaf.keys.iter().copied().filter(|key| *key >= 0);
        match leaf.values {
            Values::Texts(texts) => {
                self.places.resize(self.places.len().max(texts.texts()), ABSENT);
                for key in keys {
                    let Some(place) = self.places.get_mut(key.unsigned_abs() as usize) else { continue };
                    if *place == ABSENT {
                        *place = narrow(self.used.len());
                        self.used.push(key);
                    }
                    self.entries.push(*place);
                }
                for key in &self.used {
                    if let Some(place) = self.places.get_mut(key.unsigned_abs() as usize) {
                        *place = ABSENT;
                    }
                }
            }
            Values::Times(times) => {
                let mut known: FxHashMap<i64, u32> = FxHashMap::default();
                for key in keys {
                    let next = narrow(self.used.len());
                    let place = *known.entry(at(times, key).unwrap_or_default()).or_insert(next);
                    if place == next {
                        self.used.push(key);
                    }
                    self.entries.push(place);
                }
            }
            Values::Slices(_) | Values::Doubles(_) | Values::Bools(_) => return false,
        }
        self.used.len() * 2 <= self.entries.len() || self.pays(leaf)
    }

    /// Whether a dictionary of `used` takes less room than the values themselves.
    fn pays(&self, leaf: &Leaf<'_>) -> bool {
        let room = |key: i32| match leaf.values {
            Values::Texts(_) => leaf.values.text(key).map_or(0, <[u8]>::len) + 4,
            _ => 8,
        };
        let plain: usize = leaf.keys.iter().filter(|key| **key >= 0).map(|key| room(*key)).sum();
        let texts: usize = self.used.iter().map(|key| room(*key)).sum();
        let width = hybrid::width(narrow(self.used.len())) as usize;
        texts + self.entries.len() * width / 8 < plain
    }

    /// The dictionary page's values.
    fn dictionary(&self, values: Values<'_>) -> Bytes {
        let mut bytes = Vec::new();
        self.used.iter().for_each(|key| values.write(*key, &mut bytes));
        bytes.into()
    }

    /// Writes one page of `rows` to `body`. `entry` counts the dictionary's entries that were written.
    fn page(
        &mut self,
        column: &ColumnDescPtr,
        leaf: &Leaf<'_>,
        rows: Range<usize>,
        entry: Option<&mut usize>,
        limit: usize,
    ) -> PageSpan {
        let start = |row: usize| leaf.starts.map_or(row, |starts| starts.get(row).copied().unwrap_or(0));
        let mut end = rows.end.min(rows.start + PAGE_ROWS);
        let dictionary = entry.is_some();
        if !dictionary && matches!(leaf.values, Values::Texts(_) | Values::Slices(_)) {
            end = Self::cut(leaf, rows.start..end, limit);
        }
        let slots = start(rows.start)..start(end);
        let keys = leaf.keys.get(slots.clone()).unwrap_or_default();
        self.body.clear();
        self.write_levels(column, leaf, rows.start..end, keys);
        if let Some(entry) = entry {
            let present = keys.iter().filter(|key| **key >= 0).count();
            let entries = self.entries.get(*entry..*entry + present).unwrap_or_default();
            let width = hybrid::width(narrow(self.used.len().saturating_sub(1)));
            self.body.push(u8::try_from(width).unwrap_or(u8::MAX));
            hybrid::encode(entries, width, &mut self.body);
            *entry += present;
        } else if let Values::Bools(bools) = leaf.values {
            let bits: Vec<bool> = keys.iter().filter_map(|key| at(bools, *key)).collect();
            let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
            self.body.extend(bits.chunks(8).map(byte));
        } else {
            for key in keys.iter().filter(|key| **key >= 0) {
                leaf.values.write(*key, &mut self.body);
            }
        }
        PageSpan { rows: end - rows.start, slots }
    }

    /// Where a page of plain texts that starts with `rows` ends: with the row that fills it.
    fn cut(leaf: &Leaf<'_>, rows: Range<usize>, limit: usize) -> usize {
        let mut bytes = 0;
        for row in rows.clone() {
            let slots = leaf.starts.map_or(row..row + 1, |starts| {
                starts.get(row).copied().unwrap_or(0)..starts.get(row + 1).copied().unwrap_or(0)
            });
            let keys = leaf.keys.get(slots).unwrap_or_default();
            bytes += keys.iter().filter_map(|key| leaf.values.text(*key)).map(<[u8]>::len).sum::<usize>();
            if bytes >= limit {
                return row + 1;
            }
        }
        rows.end
    }

    /// Appends repetition and definition levels to `body`.
    fn write_levels(&mut self, column: &ColumnDescPtr, leaf: &Leaf<'_>, rows: Range<usize>, keys: &[i32]) {
        if let Some(starts) = leaf.starts {
            let first = starts.get(rows.start).copied().unwrap_or(0);
            self.levels.clear();
            self.levels.resize(keys.len(), 1);
            for start in starts.get(rows).unwrap_or_default() {
                if let Some(level) = self.levels.get_mut(start - first) {
                    *level = 0;
                }
            }
            self.sized(|levels, body| hybrid::encode(levels, 1, body));
        }
        let full = u32::try_from(column.max_def_level()).unwrap_or(0);
        let width = hybrid::width(full);
        if keys.iter().all(|key| *key >= 0) {
            self.sized(|_, body| hybrid::run_of(full, keys.len(), width, body));
            return;
        }
        let level = |key: &i32| match *key {
            NONE => full - 1,
            EMPTY => 1,
            NO_LIST => 0,
            _ => full,
        };
        self.levels.clear();
        self.levels.extend(keys.iter().map(level));
        self.sized(|levels, body| hybrid::encode(levels, width, body));
    }

    /// Appends what `write` makes of the levels, behind its length.
    fn sized(&mut self, write: impl FnOnce(&[u32], &mut Vec<u8>)) {
        let at = self.body.len();
        self.body.extend_from_slice(&[0; 4]);
        write(&self.levels, &mut self.body);
        let length = narrow(self.body.len() - at - 4);
        if let Some(room) = self.body.get_mut(at..at + 4) {
            room.copy_from_slice(&length.to_le_bytes());
        }
    }

    fn put_dictionary(&mut self, open: &mut Open, bytes: &Bytes) -> Result<(), ParquetError> {
        let buf = self.compressed(open.codec, Some(bytes))?;
        let page = Page::DictionaryPage {
            buf,
            num_values: narrow(self.used.len()),
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        open.put(page, bytes.len())?;
        open.data_at = open.sink.bytes_written();
        Ok(())
    }

    fn put_page(&mut self, open: &mut Open, slots: usize, rows: usize, encoding: Encoding) -> Result<(), ParquetError> {
        let buf = self.compressed(open.codec, None)?;
        let page = Page::DataPage {
            buf,
            num_values: narrow(slots),
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let at = open.sink.bytes_written();
        open.put(page, self.body.len())?;
        let size = i32::try_from(open.sink.bytes_written() - at)?;
        open.offsets.append_offset_and_size(count(at), size);
        open.offsets.append_row_count(count(rows));
        open.pages += 1;
        Ok(())
    }

    /// `bytes`, or the page in `body`, as they go into the file.
    fn compressed(&mut self, codec: CompressionCodec, bytes: Option<&Bytes>) -> Result<Bytes, ParquetError> {
        let plain = bytes.map_or(self.body.as_slice(), Bytes::as_ref);
        if codec == CompressionCodec::UNCOMPRESSED {
            return Ok(bytes.cloned().unwrap_or_else(|| Bytes::copy_from_slice(plain)));
        }
        self.compressed.clear();
        self.compressed.reserve(zstd::zstd_safe::compress_bound(plain.len()));
        self.compressor.compress_to_buffer(plain, &mut self.compressed)?;
        Ok(Bytes::copy_from_slice(&self.compressed))
    }

    #[expect(clippy::too_many_arguments, reason = "all that a chunk was made of")]
    fn close(
        &self,
        column: &ColumnDescPtr,
        leaf: &Leaf<'_>,
        rows: usize,
        wish: Wish,
        dictionary: Option<&Bytes>,
        open: Open,
        index: Option<ColumnIndexBuilder>,
    ) -> Result<Chunk, ParquetError> {
        let stats = |page_type, encoding, count| PageEncodingStats { page_type, encoding, count };
        let (mut encodings, mut pages) = (vec![Encoding::PLAIN, Encoding::RLE], Vec::new());
        let encoding = if dictionary.is_some() {
            encodings.push(Encoding::RLE_DICTIONARY);
            pages.push(stats(PageType::DICTIONARY_PAGE, Encoding::PLAIN, 1));
            Encoding::RLE_DICTIONARY
        } else {
            Encoding::PLAIN
        };
        pages.push(stats(PageType::DATA_PAGE, encoding, open.pages));
        let bytes = Bytes::from(open.sink.into_inner()?);
        let mut metadata = ColumnChunkMetaData::builder(column.clone())
            .set_encodings(encodings)
            .set_page_encoding_stats(pages)
            .set_compression_codec(open.codec)
            .set_num_values(count(leaf.keys.len()))
            .set_total_compressed_size(count(bytes.len()))
            .set_total_uncompressed_size(count(open.uncompressed))
            .set_dictionary_page_offset(dictionary.map(|_| 0))
            .set_data_page_offset(count(open.data_at));
        // A dictionary has each value once.
        let different = if dictionary.is_some() { self.used.as_slice() } else { leaf.keys };
        if wish.statistics {
            let nulls = leaf.keys.iter().filter(|key| **key < 0).count();
            let bounds = leaf.values.bounds(different.iter().copied());
            metadata = metadata.set_statistics(statistics(leaf.values, bounds, nulls as u64));
        }
        let bloom_filter = wish.bloom.then(|| bloom(leaf.values, different)).transpose()?;
        let result = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: rows as u64,
            metadata: metadata.build()?,
            bloom_filter,
            column_index: index
                .map(|mut index| {
                    index.set_boundary_order(BoundaryOrder::UNORDERED);
                    index.build()
                })
                .transpose()?,
            offset_index: Some(open.offsets.build()),
        };
        Ok((bytes, result))
    }
}

fn bloom(values: Values<'_>, keys: &[i32]) -> Result<Sbbf, ParquetError> {
    let texts = || keys.iter().filter_map(|key| values.text(*key));
    let mut filter = Sbbf::new_with_ndv_fpp(texts().count().max(1) as u64, 0.01)?;
    texts().for_each(|text| filter.insert(text));
    Ok(filter)
}

/// A count within a page or chunk, which the format bounds.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What one page holds.
struct PageSpan {
    rows: usize,
    slots: Range<usize>,
}

/// A chunk in the making.
struct Open {
    sink: TrackedWrite<Vec<u8>>,
    offsets: OffsetIndexBuilder,
    pages: i32,
    /// Where the first data page starts.
    data_at: usize,
    /// Bytes before compression, headers included.
    uncompressed: usize,
    codec: CompressionCodec,
}

impl Open {
    fn put(&mut self, page: Page, uncompressed: usize) -> Result<(), ParquetError> {
        let written = SerializedPageWriter::new(&mut self.sink).write_page(CompressedPage::new(page, uncompressed))?;
        self.uncompressed += written.uncompressed_size;
        Ok(())
    }
}
