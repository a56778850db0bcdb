//! Parquet schema and writer, epoch log, quarantine.
//!
//! [`Archive`] is the one door: rows and rejects are appended to an open epoch in memory, [`Archive::seal`] makes them
//! durable under the archive's root. Arrow types stay inside.

mod archive;
mod cells;
mod chunk;
mod encode;
mod epoch;
mod error;
mod history;
mod hybrid;
mod leaf;
mod quarantine;
mod read;
mod schema;
mod settings;
mod store;
mod texts;

pub use archive::Archive;
pub use error::ArchiveError;
pub use history::{History, PastEpoch};
pub use quarantine::{Quarantined, Rejected};
pub use settings::{Raw, Settings};
