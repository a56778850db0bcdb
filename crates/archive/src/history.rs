//! Reads an archive back as it was written: epoch by epoch, each event as received, in the order of the input.
//!
//! No more than one epoch's events are held at a time, so memory is bounded by the largest epoch, not by the archive.

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tagwarden_core::{Intent, Position, Sealed};

use crate::store::{Store, sha256};
use crate::{ArchiveError, read};

/// Events of a span of event dates, epoch by epoch.
#[derive(Debug)]
pub struct History {
    store: Store,
    /// Keys of the log, in order of lane and epoch; those read already are gone.
    logs: std::vec::IntoIter<String>,
    from: String,
    to: String,
    data: Sha256,
}

/// One epoch's events.
#[derive(Debug, Default)]
pub struct PastEpoch {
    /// The epoch's number in its lane.
    pub epoch: u64,
    /// The events as received (or redacted, if the archive keeps them so), in the order of the input.
    pub events: Vec<Bytes>,
}

/// An event with what it is sorted by: the move that read it, and where.
struct Placed {
    /// The step, and how the position's text begins: enough to tell most apart without asking memory for the text.
    rank: (usize, usize, u128),
    position: Position,
    raw: Bytes,
}

impl History {
    pub(crate) async fn open(store: &Store, from: String, to: String) -> Result<Self, ArchiveError> {
        let logs = store.by_lane("_log").await?.into_iter();
        Ok(Self { store: store.clone(), logs, from, to, data: Sha256::new() })
    }

    /// Epochs not yet read.
    pub fn epochs_left(&self) -> usize {
        self.logs.len()
    }

    /// The next epoch; `None` after the last. Epochs without files in the span come with no events.
    ///
    /// # Errors
    /// A log or a file that is not there, can't be read, or is not what the log says: its SHA-256 is another.
    pub async fn next(&mut self) -> Result<Option<PastEpoch>, ArchiveError> {
        let Some(key) = self.logs.next() else { return Ok(None) };
        let line = self.store.must_get(&key).await?;
        let sealed: Sealed = serde_json::from_slice(&line)
            .map_err(|error| ArchiveError::Corrupt { key: key.clone(), what: error.to_string() })?;
        let mut placed = Vec::new();
        for file in &sealed.files {
            if file.rows == 0 || !self.is_within(&file.key) {
                continue;
            }
            let bytes = self.store.must_get(&file.key).await?;
            let found = sha256(&bytes);
            if found != file.sha256 {
                let what = format!("found SHA-256 {found}, wanted {}, which `{key}` names", file.sha256);
                return Err(ArchiveError::Corrupt { key: file.key.clone(), what });
            }
            self.data.update(format!("{} {}\n", file.key, file.sha256));
            let mut last = None;
            for (partition, position, raw) in read::placed(&file.key, bytes)? {
                let step = step_of(&sealed.intent, &mut last, &partition, &position);
                placed.push(Placed { rank: rank(step, &position), position, raw });
            }
        }
        placed.sort_unstable_by(|a, b| a.rank.cmp(&b.rank).then_with(|| a.position.cmp(&b.position)));
        let events = placed.into_iter().map(|placed| placed.raw).collect();
        Ok(Some(PastEpoch { epoch: sealed.intent.epoch, events }))
    }

    /// The SHA-256 over keys and SHA-256 of the files read so far.
    pub fn data_sha256(&self) -> [u8; 32] {
        self.data.clone().finalize().into()
    }

    /// Whether the file's event date lies in the span; one whose key names no date does.
    fn is_within(&self, key: &str) -> bool {
        let date = key.split('/').find_map(|part| part.strip_prefix("dt="));
        date.is_none_or(|date| *self.from <= *date && *date < *self.to)
    }
}

/// In the order of steps, and within one in that of positions: the shorter text first, of equally long ones the lesser.
fn rank(step: usize, position: &Position) -> (usize, usize, u128) {
    let text = position.as_str().as_bytes();
    (step, text.len(), text.iter().take(16).fold(0, |head, byte| head << 8 | u128::from(*byte)))
}

/// Which of the epoch's moves read this position. `last` is the answer before: rows of one move mostly come together.
fn step_of(intent: &Intent, last: &mut Option<usize>, partition: &Arc<str>, position: &Position) -> usize {
    let covers = |at: usize| {
        intent.moves.get(at).is_some_and(|m| m.partition == *partition && m.from < *position && *position <= m.to)
    };
    let known = last.filter(|at| covers(*at));
    let step = known.or_else(|| (0..intent.moves.len()).find(|at| covers(*at))).unwrap_or(usize::MAX);
    *last = Some(step);
    step
}

#[cfg(test)]
mod tests {
    use super::{rank, step_of};
    use std::sync::Arc;
    use tagwarden_core::{Intent, Move, Position, Versions};

    #[test]
    fn partitions_read_in_turn_are_told_apart() {
        let step = |partition: &str, from: u64, to: u64| {
            let from = if from == 0 { Position::start() } else { Position::offset(from) };
            Move { partition: partition.into(), from, to: Position::offset(to), records: 1 }
        };
        let intent = Intent {
            epoch: 1,
            lane: "0".to_owned(),
            moves: vec![step("b", 0, 9), step("a", 5, 20), step("b", 9, 100)],
            versions: Versions::default(),
            archive_read_only: false,
            objects: Vec::new(),
            quarantine: None,
        };
        let [a, b]: [Arc<str>; 2] = ["a".into(), "b".into()];
        let mut last = None;
        for (partition, position, step) in [(&a, 6, 1), (&a, 20, 1), (&b, 9, 0), (&b, 10, 2), (&b, 100, 2), (&b, 1, 0)]
        {
            assert_eq!(
                step_of(&intent, &mut last, partition, &Position::offset(position)),
                step,
                "{partition} {position}"
            );
        }
        assert_eq!(step_of(&intent, &mut last, &a, &Position::offset(21)), usize::MAX, "read by nobody: last");
    }

    /// Offsets, and the sequence numbers of Kinesis, which are longer than what a rank holds.
    #[test]
    fn ranks_are_in_the_order_of_steps_and_positions() {
        let digits = |text: &str| Position::digits(text).expect("digits");
        let long = "49590338271490256608559692538361571095921575989136588898";
        let longer = format!("1{}", "0".repeat(long.len()));
        let after = long.replace("8898", "8899");
        let positions = ["0", "7", "10", "99", "100", "1234567890123456", "1234567890123457", long, &after, &longer];
        let mut ranked: Vec<_> =
            [1, 2].into_iter().flat_map(|step| positions.map(|p| (rank(step, &digits(p)), digits(p)))).collect();
        let wanted = ranked.clone();
        ranked.reverse();
        ranked.sort_unstable();
        assert_eq!(ranked, wanted);
    }
}
