//! How far a source has been read: progress is a type with laws.
//!
//! A [`Move`] covers `(from, to]` of one partition. Applied to [`Positions`] it must start exactly where the partition
//! stands: a gap would lose records, an overlap would repeat them, and either leaves the positions untouched.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A part of a source that is read in order: a file, a shard.
pub type Partition = Arc<str>;

/// How far a partition has been read. Ordered as the source orders its records.
///
/// The text is the source's own; digits are compared as numbers of any length, so that Kinesis's unpadded sequence
/// numbers and byte offsets order by value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(String);

impl Position {
    /// Before the first record.
    pub fn start() -> Self {
        Self::default()
    }

    /// After the record that ends at byte `offset`.
    pub fn offset(offset: u64) -> Self {
        Self(offset.to_string())
    }

    /// From the source's own text: digits, without leading zeros.
    pub fn digits(text: &str) -> Option<Self> {
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| Self(text.trim_start_matches('0').to_owned()).or_zero())
    }

    fn or_zero(self) -> Self {
        if self.0.is_empty() { Self("0".to_owned()) } else { self }
    }

    /// The byte offset; 0 at the start.
    pub fn as_offset(&self) -> Option<u64> {
        if self.0.is_empty() { Some(0) } else { self.0.parse().ok() }
    }

    /// The text, empty at the start.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Ord for Position {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Position {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Progress over `(from, to]` of one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The partition.
    pub partition: Partition,
    /// Where it stood before.
    pub from: Position,
    /// Where it stands after.
    pub to: Position,
    /// Records in between, broken ones included.
    pub records: u64,
}

/// A move that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoveError {
    /// The move starts elsewhere than the partition stands.
    #[error("partition `{partition}`: found a move from `{}`, wanted one from `{}`", from.as_str(), at.as_str())]
    NotHere {
        /// The partition.
        partition: Partition,
        /// Where the move starts.
        from: Position,
        /// Where the partition stands.
        at: Position,
    },
    /// The move ends before it starts.
    #[error("partition `{partition}`: found a move from `{}` back to `{}`", from.as_str(), to.as_str())]
    Backwards {
        /// The partition.
        partition: Partition,
        /// Where the move starts.
        from: Position,
        /// Where it ends.
        to: Position,
    },
}

/// Where each partition stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Positions(BTreeMap<Partition, Position>);

impl Positions {
    /// Where `partition` stands.
    pub fn get(&self, partition: &str) -> Position {
        self.0.get(partition).cloned().unwrap_or_default()
    }

    /// Sets where `partition` stands, as loaded from a store.
    pub fn set(&mut self, partition: Partition, position: Position) {
        self.0.insert(partition, position);
    }

    /// All partitions and where they stand.
    pub fn iter(&self) -> impl Iterator<Item = (&Partition, &Position)> {
        self.0.iter()
    }

    /// Applies `moves` in order; all or none.
    ///
    /// # Errors
    /// The first move that does not start where its partition stands, or goes backwards.
    pub fn apply(&mut self, moves: &[Move]) -> Result<(), MoveError> {
        let mut next: BTreeMap<&Partition, &Position> = BTreeMap::new();
        let start = Position::start();
        for step in moves {
            let at = next.get(&step.partition).copied().or(self.0.get(&step.partition)).unwrap_or(&start);
            if *at != step.from {
                let (partition, from) = (step.partition.clone(), step.from.clone());
                return Err(MoveError::NotHere { partition, from, at: at.clone() });
            }
            if step.to < step.from {
                let Move { partition, from, to, .. } = step.clone();
                return Err(MoveError::Backwards { partition, from, to });
            }
            next.insert(&step.partition, &step.to);
        }
        let moved: Vec<_> = next.into_iter().map(|(p, to)| (p.clone(), to.clone())).collect();
        self.0.extend(moved);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Move, Position, Positions};
    use proptest::prelude::*;

    fn step(partition: &str, from: u64, to: u64) -> Move {
        let from = if from == 0 { Position::start() } else { Position::offset(from) };
        Move { partition: partition.into(), from, to: Position::offset(to), records: 1 }
    }

    #[test]
    fn sequence_numbers_order_by_value() {
        let long = Position::digits("49590338271490256608559692538361571095921575989136588898").unwrap();
        assert!(Position::digits("9").unwrap() < Position::digits("10").unwrap());
        assert!(Position::digits("00010").unwrap() < long);
        assert!(Position::start() < Position::offset(0));
        assert_eq!(Position::digits("12a"), None);
    }

    #[test]
    fn a_gap_an_overlap_and_a_step_back_change_nothing() {
        let mut positions = Positions::default();
        positions.apply(&[step("a", 0, 10)]).unwrap();
        let before = positions.clone();
        for bad in [step("a", 5, 20), step("a", 12, 20), step("a", 0, 20), step("b", 0, 2)] {
            assert!(positions.apply(&[step("a", 10, 11), step("b", 0, 1), bad]).is_err());
            assert_eq!(positions, before);
        }
        assert!(positions.apply(&[step("a", 10, 9)]).is_err());
    }

    proptest! {
        #[test]
        fn moves_add_up_however_they_are_cut(ends in prop::collection::btree_set(1u64..10_000, 1..30), cut in 0usize..30) {
            let ends: Vec<u64> = ends.into_iter().collect();
            let moves: Vec<Move> = ends.iter().scan(0, |at, &to| { let m = step("p", *at, to); *at = to; Some(m) }).collect();
            let (mut once, mut twice) = (Positions::default(), Positions::default());
            once.apply(&moves).unwrap();
            let (first, second) = moves.split_at(cut.min(moves.len()));
            twice.apply(first).unwrap();
            twice.apply(second).unwrap();
            prop_assert_eq!(&once, &twice);
            // A move never applies twice, unless it moves nothing.
            prop_assert!(once.apply(&moves).is_err());
        }
    }
}
