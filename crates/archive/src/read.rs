//! What recovery asks of a file that is there.

use arrow_array::cast::AsArray;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::ParquetMetaDataReader;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as Unlike;
use tagwarden_core::Position;
use tagwarden_core::columns::Column;

use crate::ArchiveError;

type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// How many rows the Parquet file `file`, which lies under `key`, holds.
pub(crate) fn rows(key: &str, file: &Bytes) -> Result<u64, ArchiveError> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(file).map_err(|error| corrupt(key, &error))?;
    u64::try_from(metadata.file_metadata().num_rows()).map_err(|error| corrupt(key, &error))
}

/// The `raw_event` texts of `file` by partition and position, nulls left out.
pub(crate) fn raw_events(key: &str, file: Bytes) -> Result<Vec<Bytes>, ArchiveError> {
    let mut found = read_raw(file).map_err(|error| corrupt(key, &*error))?;
    found.sort();
    Ok(found.into_iter().map(|(_, _, raw)| raw).collect())
}

fn read_raw(file: Bytes) -> Result<Vec<(String, Position, Bytes)>, Trouble> {
    let (raw, ingest) = (Column::RawEvent.name(), Column::Ingest.name());
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), [raw, ingest]);
    let mut found = Vec::new();
    for batch in builder.with_projection(mask).with_batch_size(1024).build()? {
        let batch = batch?;
        let member = |name: &str| {
            let ingest = batch.column_by_name(ingest)?.as_struct_opt()?;
            ingest.column_by_name(name)?.as_string_opt::<i32>()
        };
        let missing = || "found other columns, wanted `raw_event` and `ingest`";
        let texts = batch.column_by_name(raw).and_then(|column| column.as_string_opt::<i32>()).ok_or_else(missing)?;
        let (partitions, positions) =
            (member("partition").ok_or_else(missing)?, member("position").ok_or_else(missing)?);
        for ((text, partition), position) in texts.iter().zip(partitions).zip(positions) {
            let Some(text) = text else { continue };
            let position =
                Position::deserialize(IntoDeserializer::<Unlike>::into_deserializer(position.unwrap_or("")))?;
            let raw = Bytes::copy_from_slice(text.as_bytes());
            found.push((partition.unwrap_or("").to_owned(), position, raw));
        }
    }
    Ok(found)
}

fn corrupt(key: &str, error: &dyn std::fmt::Display) -> ArchiveError {
    ArchiveError::Corrupt { key: key.to_owned(), what: error.to_string() }
}
