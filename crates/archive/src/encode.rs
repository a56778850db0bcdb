//! Rows of an epoch to the bytes of a Parquet file, column by column.

use std::sync::Arc;

use arrow_schema::Field;
use parquet::arrow::ArrowSchemaConverter;
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{BloomFilterPosition, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::SchemaDescriptor;
use tagwarden_core::columns::{Column, SCHEMA_VERSION};

use crate::chunk::{Chunks, Wish};
use crate::epoch::Columns;
use crate::schema::SCHEMA;
use crate::{ArchiveError, Settings};

/// The schema version's name in file metadata.
pub(crate) const VERSION_KEY: &str = "tagwarden.schema_version";

/// Readers on the Java side trust a text column's statistics only if the writer names itself as `<name> version <n>`.
const CREATED_BY: &str = "tagwarden version 1";

/// Point look-ups go by these. They have bounds, too: `DuckDB` asks a filter only where there are some.
const LOOKED_UP: [Column; 6] = [
    Column::EventId,
    Column::ResourceId,
    Column::ResourceArn,
    Column::ActorHuman,
    Column::AccessKeyId,
    Column::SourceIp,
];

/// Another value in each row or event, as has the position in `ingest`.
const UNIQUE: [Column; 4] = [Column::ChangeId, Column::EventId, Column::RawSha256, Column::RawEvent];

/// Rows can be skipped by the least and the greatest of these.
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

/// Bytes of a row in a file, or a little more: room to ask for at once.
const ROW: usize = 256;

/// Bytes of `raw_event` in one page: more compress better, fewer let a reader fetch less for one row.
const RAW_PAGE: usize = 512 << 10;

/// Makes the files of a seal.
pub(crate) struct Encoder {
    schema: SchemaDescriptor,
    properties: WriterPropertiesPtr,
    chunks: Chunks,
    row_group_rows: usize,
}

impl Encoder {
    pub(crate) fn new(settings: &Settings) -> Result<Self, ArchiveError> {
        let ready = || -> Result<Self, ParquetError> {
            Ok(Self {
                schema: ArrowSchemaConverter::new().schema_root("tagwarden").convert(&SCHEMA)?,
                properties: Arc::new(properties()),
                chunks: Chunks::new(settings.compression_level)?,
                row_group_rows: settings.row_group_rows,
            })
        };
        ready().map_err(failed)
    }

    /// The file that holds `rows` of `columns`, in that order; an empty file for no rows.
    pub(crate) fn file(&mut self, columns: &Columns<'_>, rows: &[u32]) -> Result<Vec<u8>, ArchiveError> {
        self.write(columns, rows).map_err(failed)
    }

    fn write(&mut self, columns: &Columns<'_>, rows: &[u32]) -> Result<Vec<u8>, ParquetError> {
        let room = Vec::with_capacity(rows.len() * ROW);
        let mut file = SerializedFileWriter::new(room, self.schema.root_schema_ptr(), self.properties.clone())?;
        for group in rows.chunks(self.row_group_rows) {
            let mut row_group = file.next_row_group()?;
            let mut descriptions = self.schema.columns().iter();
            let events = columns.events_of(group);
            for (cells, column) in columns.columns.iter().zip(Column::ALL) {
                let mut place = 0;
                cells.leaves(if column.is_of_event() { &events } else { group }, |leaf| {
                    let description =
                        descriptions.next().ok_or_else(|| ParquetError::General("no column left".to_owned()))?;
                    let (bytes, close) = self.chunks.encode(description, leaf, group.len(), wish(*column, place))?;
                    place += 1;
                    row_group.append_column(&bytes, close)
                })?;
            }
            row_group.close()?;
        }
        file.into_inner()
    }
}

fn failed(source: ParquetError) -> ArchiveError {
    ArchiveError::Parquet { action: "encode rows as", source: source.into() }
}

/// Whether the `place`-th leaf of `column` is one of mostly different values.
pub(crate) fn is_unique(column: Column, place: usize) -> bool {
    // The third member of `ingest` is the position.
    UNIQUE.contains(&column) || (column == Column::Ingest && place == 2)
}

/// What readers want of the `place`-th leaf of `column`.
fn wish(column: Column, place: usize) -> Wish {
    Wish {
        statistics: WITH_STATISTICS.contains(&column) || LOOKED_UP.contains(&column),
        bloom: LOOKED_UP.contains(&column),
        unique: is_unique(column, place),
        page: (column == Column::RawEvent).then_some(RAW_PAGE),
    }
}

fn properties() -> WriterProperties {
    let sorted_by = |wanted: Column| {
        let place = leaf(wanted)?;
        Some(SortingColumn { column_idx: place, descending: false, nulls_first: true })
    };
    WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_key_value_metadata(Some(vec![KeyValue::new(VERSION_KEY.to_owned(), SCHEMA_VERSION.to_string())]))
        .set_sorting_columns([Column::AccountId, Column::EventTime].into_iter().map(sorted_by).collect())
        .set_bloom_filter_position(BloomFilterPosition::AfterRowGroup)
        .build()
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
