//! Records that could not be used: kept whole, one JSON line each, with stage and reason.

use bytes::Bytes;
use tagwarden_core::{Partition, Position, Stage};

/// A record on its way into quarantine.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// What was received.
    pub bytes: Bytes,
    /// The source's name.
    pub source: String,
    /// The partition it was read from.
    pub partition: Partition,
    /// Where the partition stood after it.
    pub position: Position,
    /// Where it was found unusable.
    pub stage: Stage,
    /// What was found and what was wanted.
    pub reason: String,
}

/// A record in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// `<lane>-<epoch>-<place>`: the same for good.
    pub id: String,
    /// What was received.
    pub bytes: Vec<u8>,
    /// The source's name.
    pub source: String,
    /// The partition it was read from.
    pub partition: String,
    /// Where the partition stood after it.
    pub position: Position,
    /// Where it was found unusable.
    pub stage: Stage,
    /// What was found and what was wanted.
    pub reason: String,
}
