//! Records that could not be used: kept whole, one JSON line each, with stage and reason.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tagwarden_core::{Partition, Position, Stage};

use crate::ArchiveError;

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
    /// `<lane>-<epoch>-<place>`, the place counted from 1: the same for good.
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

/// One line of a quarantine object.
#[derive(Serialize, Deserialize)]
struct Line {
    source: String,
    partition: Partition,
    position: Position,
    stage: Stage,
    reason: String,
    /// The bytes received, in base 64.
    received: String,
}

/// The quarantine object that holds `records`.
pub(crate) fn encode(records: &[Rejected]) -> Result<Vec<u8>, serde_json::Error> {
    let mut object = Vec::new();
    for record in records {
        let line = Line {
            source: record.source.clone(),
            partition: record.partition.clone(),
            position: record.position.clone(),
            stage: record.stage,
            reason: record.reason.clone(),
            received: STANDARD.encode(&record.bytes),
        };
        serde_json::to_writer(&mut object, &line)?;
        object.push(b'\n');
    }
    Ok(object)
}

/// How many records the quarantine object `object` holds.
pub(crate) fn count(object: &[u8]) -> u64 {
    object.split_inclusive(|byte| *byte == b'\n').count() as u64
}

/// The records of the quarantine object `object`, which lies under `key`.
pub(crate) fn decode(key: &str, object: &[u8]) -> Result<Vec<Quarantined>, ArchiveError> {
    let corrupt = |place: usize, what: String| ArchiveError::Corrupt {
        key: key.to_owned(),
        what: format!("line {place}: {what}"),
    };
    let name = key.trim_start_matches("_quarantine/").trim_end_matches(".ndjson").replace('/', "-");
    let lines = object.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    (1..)
        .zip(lines)
        .map(|(place, line)| {
            let line: Line = serde_json::from_slice(line).map_err(|error| corrupt(place, error.to_string()))?;
            let bytes = STANDARD.decode(&line.received).map_err(|error| corrupt(place, error.to_string()))?;
            Ok(Quarantined {
                id: format!("{name}-{place}"),
                bytes,
                source: line.source,
                partition: line.partition.to_string(),
                position: line.position,
                stage: line.stage,
                reason: line.reason,
            })
        })
        .collect()
}
