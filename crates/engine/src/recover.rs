//! What to do with an epoch that a dead worker left half-sealed: a decision over facts, no I/O.

use tagwarden_core::{Intent, Loaded, Move, Versions};

/// How to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing was under way, or nothing that left a trace: go on from the positions.
    GoOn,
    /// Read the intent's moves once more and seal exactly them.
    Replay(Intent),
    /// As above, but another config was in force: finish under that one first.
    ReplayUnder(Intent),
    /// The input can't be cut so again: shut the late writer out and go on from what did land.
    ShutOut(Intent),
}

/// Decides from what the store held, whether the source can go back, and the versions in force now.
///
/// | intent | source | versions | decision |
/// |---|---|---|---|
/// | none | any | any | go on |
/// | some | repeatable | same | replay |
/// | some | repeatable | other | replay under the old ones |
/// | some | not repeatable | any | shut out |
pub fn decide(loaded: &Loaded, repeatable: bool, versions: &Versions) -> Decision {
    match &loaded.intent {
        None => Decision::GoOn,
        Some(intent) if !repeatable => Decision::ShutOut(intent.clone()),
        Some(intent) if intent.versions == *versions => Decision::Replay(intent.clone()),
        Some(intent) => Decision::ReplayUnder(intent.clone()),
    }
}

/// Joins `step` to `moves`: contiguous stretches of one partition are one move.
pub(crate) fn join(moves: &mut Vec<Move>, step: Move) {
    match moves.last_mut() {
        Some(last) if last.partition == step.partition && last.to == step.from => {
            last.to = step.to;
            last.records += step.records;
        }
        _ => moves.push(step),
    }
}

/// Whether `replayed` read the same records as `intended`: a partition's end may be noted a pull earlier or later, so
/// stretches without records don't count.
pub(crate) fn same_records(intended: &[Move], replayed: &[Move]) -> bool {
    let key = |m: &Move| (m.partition.clone(), m.from.clone(), m.records);
    let full = |moves: &[Move]| moves.iter().filter(|m| m.records > 0).map(key).collect::<Vec<_>>();
    full(intended) == full(replayed)
}

#[cfg(test)]
mod tests {
    use super::{Decision, decide, join, same_records};
    use tagwarden_core::{Intent, Loaded, Move, Position, Versions};

    fn step(partition: &str, from: u64, to: u64, records: u64) -> Move {
        Move { partition: partition.into(), from: Position::offset(from), to: Position::offset(to), records }
    }

    #[test]
    fn the_truth_table() {
        let versions = Versions { config: "a".into(), ..Versions::default() };
        let intent = Intent {
            epoch: 3,
            lane: "0".into(),
            moves: vec![step("f", 0, 9, 2)],
            versions: versions.clone(),
            archive_read_only: false,
            objects: vec![],
            quarantine: None,
        };
        let other = Versions { config: "b".into(), ..Versions::default() };
        let open = Loaded { intent: Some(intent.clone()), ..Loaded::default() };
        assert_eq!(decide(&Loaded::default(), true, &versions), Decision::GoOn);
        assert_eq!(decide(&Loaded::default(), false, &versions), Decision::GoOn);
        assert_eq!(decide(&open, true, &versions), Decision::Replay(intent.clone()));
        assert_eq!(decide(&open, true, &other), Decision::ReplayUnder(intent.clone()));
        assert_eq!(decide(&open, false, &versions), Decision::ShutOut(intent.clone()));
        assert_eq!(decide(&open, false, &other), Decision::ShutOut(intent));
    }

    #[test]
    fn stretches_join_and_compare() {
        let mut moves = vec![];
        for next in [step("f", 0, 5, 1), step("f", 5, 9, 2), step("g", 0, 3, 1), step("f", 9, 9, 0)] {
            join(&mut moves, next);
        }
        assert_eq!(moves, [step("f", 0, 9, 3), step("g", 0, 3, 1), step("f", 9, 9, 0)]);
        assert!(same_records(&moves, &[step("f", 0, 8, 3), step("g", 0, 3, 1)]));
        assert!(!same_records(&moves, &[step("f", 0, 9, 3), step("g", 0, 3, 2)]));
        assert!(!same_records(&moves, &[step("f", 0, 9, 3), step("h", 0, 3, 1)]));
    }
}
