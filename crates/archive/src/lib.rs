//! Parquet schema and writer, epoch log, quarantine.
