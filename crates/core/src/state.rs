//! What a worker remembers, and the one commit by which it moves on.

use std::borrow::Cow;
use std::future::Future;

use serde::{Deserialize, Serialize};

use crate::{Move, Positions, Retry, Versions};

/// One remembered thing: a name space, a key, and its value or its removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Whose it is: `tags`, `session`, `count`, ...
    pub space: Cow<'static, str>,
    /// The key within the space.
    pub key: Vec<u8>,
    /// The value; `None` removes the key.
    pub value: Option<Vec<u8>>,
}

/// All that an epoch changed in what is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateDelta {
    /// Entries to set or remove; a key occurs once.
    pub entries: Vec<Entry>,
    /// Ids seen for the first time, by the event's day ([`crate::Timestamp::day`]).
    pub seen: Vec<(i64, Vec<u128>)>,
}

impl StateDelta {
    /// Sets `key` in `space`.
    pub fn set(&mut self, space: &'static str, key: impl Into<Vec<u8>>, value: Vec<u8>) {
        self.entries.push(Entry { space: Cow::Borrowed(space), key: key.into(), value: Some(value) });
    }

    /// Removes `key` from `space`.
    pub fn remove(&mut self, space: &'static str, key: impl Into<Vec<u8>>) {
        self.entries.push(Entry { space: Cow::Borrowed(space), key: key.into(), value: None });
    }
}

/// What is about to be sealed: written before the first object of an epoch, so that whoever finds it can finish
/// exactly it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The epoch's number, from 1.
    pub epoch: u64,
    /// The writer's lane under `_log/`.
    pub lane: String,
    /// What the epoch reads, in pull order.
    pub moves: Vec<Move>,
    /// The versions in force.
    pub versions: Versions,
    /// Reads were archived too.
    pub archive_read_only: bool,
    /// One object key per event date, in order of date.
    pub objects: Vec<String>,
    /// Where the epoch's rejects go, if it has any.
    pub quarantine: Option<String>,
}

/// A file of a sealed epoch, as `_log` names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedFile {
    /// The object's key under the archive's root.
    pub key: String,
    /// Rows in it.
    pub rows: u64,
    /// Its SHA-256, in hex.
    pub sha256: String,
}

/// A sealed epoch: its objects are durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// What was intended.
    pub intent: Intent,
    /// What is there.
    pub files: Vec<SealedFile>,
    /// Rejected records in the quarantine object.
    pub quarantined: u64,
}

/// What a store held when a worker took it over.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The fence under which this worker may write: one more than its predecessor's.
    pub fence: u64,
    /// Where each partition stands.
    pub positions: Positions,
    /// The last epoch that was advanced; 0 before the first.
    pub epoch: u64,
    /// An epoch that was about to be sealed.
    pub intent: Option<Intent>,
    /// The archive that this state belongs to; `None` for a fresh store.
    pub archive_id: Option<String>,
}

/// Why a store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another worker has taken over; this one must stop and write nothing more.
    #[error("state: found fence {found}, wanted {wanted}: another worker has taken over")]
    Stale {
        /// The fence in the store.
        found: u64,
        /// This worker's fence.
        wanted: u64,
    },
    /// The store belongs to another archive or was written by another schema.
    #[error("state: {0}")]
    Mismatch(String),
    /// The store could not be read or written.
    #[error("state: {what}")]
    Failed {
        /// What was attempted on what.
        what: String,
        /// Worth another try?
        retry: Retry,
        /// What the store said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Where a worker's memory is kept.
///
/// Called by the engine, from one task: [`load`](Self::load) once, then `intend`, `advance` by turns. Both are
/// idempotent under the same fence and epoch. `advance` is one commit: positions, entries and seen ids are stored
/// together or not at all. None of them may be cancelled half-way.
pub trait StateStore {
    /// Takes the store over under a new fence and hands every entry to `each`.
    fn load(&mut self, each: &mut dyn FnMut(Entry)) -> impl Future<Output = Result<Loaded, StateError>>;

    /// Ties a fresh store to an archive.
    fn bind(&mut self, archive_id: &str) -> impl Future<Output = Result<(), StateError>>;

    /// Writes down what is about to be sealed.
    fn intend(&mut self, fence: u64, intent: &Intent) -> impl Future<Output = Result<(), StateError>>;

    /// Moves on: `moves` of the intent, `delta` and the epoch's number in one commit; the intent is gone after it.
    fn advance(
        &mut self,
        fence: u64,
        sealed: &Sealed,
        delta: &StateDelta,
    ) -> impl Future<Output = Result<(), StateError>>;

    /// Hands every id seen on `day` to `each`, in no order.
    fn seen_on(&self, day: i64, each: &mut dyn FnMut(u128)) -> Result<(), StateError>;

    /// Whether `id` was seen on `day`, exactly.
    fn was_seen(&self, day: i64, id: u128) -> Result<bool, StateError>;
}
