//! The archive's root: open, append, seal, recover.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use object_store::ObjectStore;
use tagwarden_core::{Intent, Row, Sealed};

use crate::{ArchiveError, Quarantined, Rejected, Settings};

/// One writer's view of an archive: its root and the open epoch.
pub struct Archive {
    id: String,
}

impl Archive {
    /// Opens the archive in `folder`, which is made if it is not there, to write under `lane`.
    pub async fn open(folder: &Path, lane: &str, settings: Settings) -> Result<Self, ArchiveError> {
        todo!()
    }

    /// Opens the archive at the root of `store`.
    pub async fn open_store(store: Arc<dyn ObjectStore>, lane: &str, settings: Settings) -> Result<Self, ArchiveError> {
        todo!()
    }

    /// The archive's id: 32 hex digits, chosen when it was made.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether no epoch was ever sealed here, by any lane.
    pub async fn is_empty(&self) -> Result<bool, ArchiveError> {
        todo!()
    }

    /// Appends `row` to the open epoch. `raw` is the event as received, kept by reference until the seal; else the
    /// row's own `raw_event` counts.
    pub fn push(&mut self, row: &Row<'_>, raw: Option<Bytes>) {
        todo!()
    }

    /// Appends a record to the open epoch's quarantine.
    pub fn reject(&mut self, record: Rejected) {
        todo!()
    }

    /// Rows in the open epoch.
    pub fn rows(&self) -> u64 {
        todo!()
    }

    /// Bytes that the open epoch holds in memory.
    pub fn bytes(&self) -> u64 {
        todo!()
    }

    /// What sealing the open epoch as `epoch` would write: one key per event date, in order of date, and the
    /// quarantine's key if anything was rejected.
    pub fn plan(&self, epoch: u64) -> (Vec<String>, Option<String>) {
        todo!()
    }

    /// Keeps `bytes` under their SHA-256, which is returned.
    pub async fn put_version(&self, bytes: &[u8]) -> Result<String, ArchiveError> {
        todo!()
    }

    /// The bytes kept under the SHA-256 `name`.
    pub async fn get_version(&self, name: &str) -> Result<Vec<u8>, ArchiveError> {
        todo!()
    }

    /// Makes the open epoch durable as `intent` says: each object, the quarantine, the log; then empties it.
    pub async fn seal(&mut self, intent: &Intent, on_step: &mut dyn FnMut(&str)) -> Result<Sealed, ArchiveError> {
        todo!()
    }

    /// Finishes an intent whose input can't be cut again: an empty file under each key that is absent.
    pub async fn shut_out(&self, intent: &Intent) -> Result<Sealed, ArchiveError> {
        todo!()
    }

    /// The `raw_event` texts of one object in the order in which they were read, nulls left out.
    pub async fn raw_events(&self, key: &str) -> Result<Vec<Bytes>, ArchiveError> {
        todo!()
    }

    /// Everything in quarantine, by lane, epoch and place.
    pub async fn quarantined(&self) -> Result<Vec<Quarantined>, ArchiveError> {
        todo!()
    }
}
