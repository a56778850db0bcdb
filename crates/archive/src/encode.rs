//! Rows of an epoch to the bytes of a Parquet file, column by column.

use std::sync::Arc;

use arrow_schema::Field;
use bytes::Bytes;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{BloomFilterPosition, EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{ColumnPath, SchemaDescriptor};
use tagwarden_core::columns::{Column, SCHEMA_VERSION};

use crate::cells::Frozen;
use crate::schema::SCHEMA;
use crate::{ArchiveError, Settings};

/// The schema version's name in file metadata.
pub(crate) const VERSION_KEY: &str = "tagwarden.schema_version";

/// Readers on the Java side trust a text column's statistics only if the writer names itself as `<name> version <n>`.
const CREATED_BY: &str = "tagwarden version 1";

/// Point look-ups go by these.
const LOOKED_UP: [Column; 6] = [
    Column::EventId,
    Column::ResourceId,
    Column::ResourceArn,
    Column::ActorHuman,
    Column::AccessKeyId,
    Column::SourceIp,
];

/// Another value in each row, so a dictionary would be built only to be thrown away.
fn unique() -> [ColumnPath; 5] {
    let path = |column: Column| ColumnPath::from(column.name());
    let position = ColumnPath::new(vec![Column::Ingest.name().to_owned(), "position".to_owned()]);
    [path(Column::ChangeId), path(Column::EventId), path(Column::RawSha256), path(Column::RawEvent), position]
}

/// Rows can be skipped by the least and the greatest of these; of the others nobody computes them.
const WITH_STATISTICS: [Column; 19] = [
    Column::EventTime,
    Column::SeenTime,
    Column::AccountId,
    Column::AccountName,
    Column::Region,
    Column::EventSource,
    Column::EventName,
    Column::ErrorCode,
    Column::ReadOnly,
    Column::ActorKind,
    Column::ResourceType,
    Column::Environment,
    Column::Owner,
    Column::ChangeKind,
    Column::AnomalyPercentile,
    Column::Score,
    Column::SurprisalSum,
    Column::Severity,
    Column::Disposition,
];

/// Rows gathered at once: keys of that many stay in a core's cache.
const BATCH: usize = 8192;

/// Bytes of a row in a file, or a little more: room to ask for at once.
const ROW: usize = 256;

/// Bytes of `raw_event` in one page: more compress better, fewer let a reader fetch less for one row.
const RAW_PAGE: usize = 512 << 10;

fn properties(
    schema: &SchemaDescriptor,
    columns: &[Frozen<'_>],
    settings: &Settings,
    rows: usize,
) -> Result<WriterProperties, ParquetError> {
    let path = |column: Column| ColumnPath::from(column.name());
    let sorted_by = |wanted: Column| {
        let place = leaf(wanted)?;
        Some(SortingColumn { column_idx: place, descending: false, nulls_first: true })
    };
    let mut properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_key_value_metadata(Some(vec![KeyValue::new(VERSION_KEY.to_owned(), SCHEMA_VERSION.to_string())]))
        .set_sorting_columns([Column::AccountId, Column::EventTime].into_iter().map(sorted_by).collect())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(settings.compression_level)?))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_bloom_filter_position(BloomFilterPosition::AfterRowGroup)
        .set_column_data_page_size_limit(path(Column::RawEvent), RAW_PAGE);
    for column in WITH_STATISTICS {
        properties = properties.set_column_statistics_enabled(path(column), EnabledStatistics::Page);
    }
    for path in unique() {
        properties = properties.set_column_dictionary_enabled(path, false);
    }
    let uniform = columns.iter().flat_map(|column| column.uniform().iter().copied());
    for (leaf, _) in schema.columns().iter().zip(uniform).filter(|(_, uniform)| *uniform) {
        // A few bytes in all: not worth a compressor.
        properties = properties.set_column_compression(leaf.path().clone(), Compression::UNCOMPRESSED);
    }
    let distinct = rows.min(settings.row_group_rows).max(1) as u64;
    for column in LOOKED_UP {
        properties = properties
            .set_column_bloom_filter_enabled(path(column), true)
            .set_column_bloom_filter_fpp(path(column), 0.01)
            .set_column_bloom_filter_max_ndv(path(column), distinct);
    }
    Ok(properties.build())
}

/// The place of a plain column among the file's leaves.
fn leaf(wanted: Column) -> Option<i32> {
    let before = Column::ALL.iter().take_while(|column| **column != wanted);
    i32::try_from(before.map(|column| leaves(SCHEMA.field(*column as usize))).sum::<usize>()).ok()
}

/// How many leaves a field has.
fn leaves(field: &Field) -> usize {
    use arrow_schema::DataType::{List, Map, Struct};
    match field.data_type() {
        List(inner) | Map(inner, _) => leaves(inner),
        Struct(members) => members.iter().map(|member| leaves(member)).sum(),
        _ => 1,
    }
}

/// The file that holds `rows` of `columns`, in that order; an empty file for no rows.
pub(crate) fn encode(columns: &[Frozen<'_>], rows: &[u32], settings: &Settings) -> Result<Vec<u8>, ArchiveError> {
    write(columns, rows, settings)
        .map_err(|source| ArchiveError::Parquet { action: "encode rows as", source: source.into() })
}

fn write(columns: &[Frozen<'_>], rows: &[u32], settings: &Settings) -> Result<Vec<u8>, ParquetError> {
    let schema = ArrowSchemaConverter::new().schema_root("tagwarden").convert(&SCHEMA)?;
    let properties = Arc::new(properties(&schema, columns, settings, rows.len())?);
    let mut file =
        SerializedFileWriter::new(Vec::with_capacity(rows.len() * ROW), schema.root_schema_ptr(), properties)?;
    let writers = ArrowRowGroupWriterFactory::new(&file, SCHEMA.clone());
    for (number, group) in rows.chunks(settings.row_group_rows).enumerate() {
        let mut all = writers.create_column_writers(number)?.into_iter();
        let mut row_group = file.next_row_group()?;
        for (cells, field) in columns.iter().zip(SCHEMA.fields()) {
            let mut leaves: Vec<_> = all.by_ref().take(leaves(field)).collect();
            if let Some(slices) = cells.slices() {
                let column =
                    row_group.next_column()?.ok_or_else(|| ParquetError::General("no column left".to_owned()))?;
                write_slices(column, slices, group)?;
                continue;
            }
            for batch in group.chunks(BATCH) {
                let array = cells.gather(field, batch)?;
                for (leaf, writer) in compute_leaves(field, &array)?.iter().zip(&mut leaves) {
                    writer.write(leaf)?;
                }
            }
            for leaf in leaves {
                leaf.close()?.append_to_row_group(&mut row_group)?;
            }
        }
        row_group.close()?;
    }
    file.into_inner()
}

/// Writes texts straight from where the input lies.
fn write_slices(
    mut column: SerializedColumnWriter<'_>,
    slices: &[Option<Bytes>],
    rows: &[u32],
) -> Result<(), ParquetError> {
    for rows in rows.chunks(1024) {
        let found = || rows.iter().map(|&row| slices.get(row as usize).and_then(Option::as_ref));
        let values: Vec<ByteArray> = found().flatten().map(|slice| slice.clone().into()).collect();
        let present: Vec<i16> = found().map(|slice| i16::from(slice.is_some())).collect();
        column.typed::<ByteArrayType>().write_batch(&values, Some(&present), None)?;
    }
    column.close()
}
