//! What to do with an epoch that a dead worker left half-sealed: first a decision over facts, then the doing.

use tagwarden_core::{Clock, Intent, Loaded, Move, Source, StateError, StateStore, Versions};

use crate::SystemClock;
use crate::pipeline::{EngineError, Finished, Pipeline};
use crate::stages::{Archive, Decode, Outbox, Stages};

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

impl<S, T, D, J, A, O> Pipeline<S, T, D, J, A, O>
where
    S: Source,
    T: StateStore,
    D: Decode,
    J: Stages,
    A: Archive,
    O: Outbox,
{
    /// Loads memory and finishes what a predecessor left open. `Some` if this run ends with that.
    pub(crate) async fn recover(&mut self) -> Result<Option<Finished>, EngineError> {
        let stages = &mut self.stages;
        let mut unread = None;
        let mut each = |entry| {
            if let Err(what) = stages.restore(&entry) {
                unread.get_or_insert(what);
            }
        };
        let loaded = self.state.load(&mut each).await?;
        if let Some(what) = unread {
            return Err(StateError::Mismatch(what).into());
        }
        self.open.epoch = loaded.epoch + 1;
        self.open.fence = loaded.fence;
        self.open.positions = loaded.positions.clone();
        let kept = self.outbox.kept(loaded.epoch);
        let kept = kept.map_err(|e| EngineError::Outbox { epoch: loaded.epoch, source: Box::new(e) })?;
        self.open.kept = kept.into_iter().collect();
        let repeatable = self.source.repeatable() && !self.shut_out;
        match decide(&loaded, repeatable, &self.versions) {
            Decision::GoOn => {}
            Decision::ReplayUnder(intent) => return Ok(Some(Finished::Under(intent.versions))),
            Decision::Replay(intent) => {
                if !self.replay(&intent).await? {
                    return Ok(Some(Finished::Recut));
                }
            }
            Decision::ShutOut(intent) => {
                self.salvage(&intent).await?;
                // What judging remembered of the rows that did not land is gone with a fresh start.
                return Ok(Some(Finished::Recovered));
            }
        }
        if self.only_recover {
            return Ok(Some(Finished::Recovered));
        }
        self.source.start(&self.open.positions)?;
        Ok(None)
    }

    /// Reads the records of `intent` again and seals exactly them; false if they can't be had so.
    async fn replay(&mut self, intent: &Intent) -> Result<bool, EngineError> {
        self.limits.archive_read_only = intent.archive_read_only;
        self.source.start(&self.open.positions)?;
        let wanted: u64 = intent.moves.iter().map(|m| m.records).sum();
        while self.open.records < wanted {
            let pulled = self.source.pull(self.at_most(wanted - self.open.records)).await;
            let Some(pulled) = self.retried(pulled).await? else { return Ok(false) };
            self.take(&pulled)?;
        }
        if !same_records(&intent.moves, &std::mem::take(&mut self.open.moves)) {
            return Ok(false);
        }
        self.tell(O::commit_all)?;
        self.finish(intent).await?;
        Ok(true)
    }

    /// Shuts a late writer out of `intent`, and takes into memory what did land of it.
    async fn salvage(&mut self, intent: &Intent) -> Result<(), EngineError> {
        let failed = |e| EngineError::Archive { epoch: intent.epoch, source: Box::new(e) };
        let mut sealed = self.archive.shut_out(intent).await.map_err(failed)?;
        // The positions stay: what did not land is read again, and what did land is known by its ids.
        sealed.intent.moves.clear();
        for file in sealed.files.iter().filter(|f| f.rows > 0) {
            for raw in self.archive.raw_events(&file.key).await.map_err(failed)? {
                self.remember(&raw)?;
            }
        }
        self.advance(&sealed).await
    }

    /// Takes one archived event into memory, as if it had just been judged.
    fn remember(&mut self, raw: &[u8]) -> Result<(), EngineError> {
        let Self { decoder, stages, open, state, .. } = self;
        let Ok(event) = decoder.decode(raw, SystemClock.now()) else { return Ok(()) };
        if !open.seen.first_time(state, event.time.day(), event.key)? {
            return Ok(());
        }
        stages.feed(&event);
        let mut hits = Vec::new();
        stages.event_rules(&event, &mut hits);
        let mut changes = Vec::new();
        stages.normalise(&event, &mut changes);
        let actor = stages.actor(&event);
        for change in &changes {
            let enriched = stages.enrich(&event, &actor, change);
            let scores = stages.score(&event, &actor, change, &enriched);
            let assessment = stages.judge(&event, &actor, change, &enriched, &hits, scores);
            stages.settle(&event, &actor, change, &enriched, &assessment);
        }
        Ok(())
    }
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
