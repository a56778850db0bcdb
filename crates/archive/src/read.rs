//! What recovery asks of a file that is there.

use std::sync::Arc;

use arrow_array::StringArray;
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
    let mut found = placed(key, file)?;
    found.sort();
    Ok(found.into_iter().map(|(_, _, raw)| raw).collect())
}

/// The `raw_event` texts of `file` with partition and position, in the order of its rows, nulls left out.
pub(crate) fn placed(key: &str, file: Bytes) -> Result<Vec<(Arc<str>, Position, Bytes)>, ArchiveError> {
    read_raw(file).map_err(|error| corrupt(key, &*error))
}

fn read_raw(file: Bytes) -> Result<Vec<(Arc<str>, Position, Bytes)>, Trouble> {
    let (raw, ingest) = (Column::RawEvent.name(), Column::Ingest.name());
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), [raw, ingest]);
    let mut found = Vec::new();
    // Many rows come from one partition: its name is kept once.
    let mut last: Arc<str> = "".into();
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
        let unpacked = Bytes::from_owner(Unpacked(texts.clone()));
        for ((text, partition), position) in texts.iter().zip(partitions).zip(positions) {
            let Some(text) = text else { continue };
            let position =
                Position::deserialize(IntoDeserializer::<Unlike>::into_deserializer(position.unwrap_or("")))?;
            let raw = unpacked.slice_ref(text.as_bytes());
            if partition.is_some_and(|partition| *partition != *last) {
                last = partition.unwrap_or("").into();
            }
            found.push((Arc::clone(&last), position, raw));
        }
    }
    Ok(found)
}

/// Texts where they were unpacked to: they are most of what is read, and need not be copied.
struct Unpacked(StringArray);

impl AsRef<[u8]> for Unpacked {
    fn as_ref(&self) -> &[u8] {
        self.0.value_data()
    }
}

fn corrupt(key: &str, error: &dyn std::fmt::Display) -> ArchiveError {
    ArchiveError::Corrupt { key: key.to_owned(), what: error.to_string() }
}
