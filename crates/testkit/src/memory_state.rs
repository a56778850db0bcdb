//! A state store in memory, to open as often as wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tagwarden_core::{Entry, Intent, Loaded, Move, Positions, Retry, Sealed, StateDelta, StateError, StateStore};

#[derive(Default)]
struct Held {
    fence: u64,
    epoch: u64,
    archive_id: Option<String>,
    intent: Option<Intent>,
    positions: Positions,
    entries: BTreeMap<(String, Vec<u8>), Vec<u8>>,
    seen: BTreeMap<i64, BTreeSet<u128>>,
}

/// A state store in memory; a clone is another worker on the same store.
#[derive(Clone, Default)]
pub struct MemoryState {
    held: Arc<Mutex<Held>>,
}

impl MemoryState {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything remembered, in order of space and key.
    pub fn entries(&self) -> Vec<Entry> {
        self.held().entries.iter().map(entry).collect()
    }

    /// Where each partition stands.
    pub fn positions(&self) -> Positions {
        self.held().positions.clone()
    }

    /// The last epoch that was advanced.
    pub fn epoch(&self) -> u64 {
        self.held().epoch
    }

    /// The epoch that is about to be sealed.
    pub fn intent(&self) -> Option<Intent> {
        self.held().intent.clone()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn entry(((space, key), value): (&(String, Vec<u8>), &Vec<u8>)) -> Entry {
    Entry { space: space.clone().into(), key: key.clone(), value: Some(value.clone()) }
}

impl Held {
    fn fenced(&self, fence: u64) -> Result<(), StateError> {
        if self.fence == fence { Ok(()) } else { Err(StateError::Stale { found: self.fence, wanted: fence }) }
    }

    fn moved(&self, moves: &[Move]) -> Result<Positions, StateError> {
        let mut positions = self.positions.clone();
        positions.apply(moves).map_err(|error| refused(error.to_string()))?;
        Ok(positions)
    }
}

fn refused(why: String) -> StateError {
    StateError::Failed { what: "writing to memory".to_owned(), retry: Retry::Stop, source: why.into() }
}

impl StateStore for MemoryState {
    async fn load(&mut self, each: &mut dyn FnMut(Entry)) -> Result<Loaded, StateError> {
        let mut held = self.held();
        held.fence += 1;
        held.entries.iter().map(entry).for_each(each);
        Ok(Loaded {
            fence: held.fence,
            positions: held.positions.clone(),
            epoch: held.epoch,
            intent: held.intent.clone(),
            archive_id: held.archive_id.clone(),
        })
    }

    async fn bind(&mut self, archive_id: &str) -> Result<(), StateError> {
        let mut held = self.held();
        match &held.archive_id {
            Some(bound) if bound != archive_id => Err(StateError::Mismatch(format!(
                "found the state of archive `{bound}`, wanted that of `{archive_id}`"
            ))),
            _ => {
                held.archive_id = Some(archive_id.to_owned());
                Ok(())
            }
        }
    }

    async fn intend(&mut self, fence: u64, intent: &Intent) -> Result<(), StateError> {
        let mut held = self.held();
        held.fenced(fence)?;
        match &held.intent {
            Some(open) if open == intent => return Ok(()),
            Some(open) => return Err(refused(format!("found an open intent for epoch {}", open.epoch))),
            None => {}
        }
        if intent.epoch != held.epoch + 1 {
            return Err(refused(format!("found epoch {}, wanted {}", intent.epoch, held.epoch + 1)));
        }
        held.moved(&intent.moves)?;
        held.intent = Some(intent.clone());
        Ok(())
    }

    async fn advance(&mut self, fence: u64, sealed: &Sealed, delta: &StateDelta) -> Result<(), StateError> {
        let mut held = self.held();
        held.fenced(fence)?;
        let epoch = sealed.intent.epoch;
        if epoch == held.epoch {
            return Ok(());
        }
        let open = held.intent.as_ref().map(|intent| intent.epoch);
        if open != Some(epoch) {
            return Err(refused(format!("found the intent of epoch {open:?}, wanted that of {epoch}")));
        }
        held.positions = held.moved(&sealed.intent.moves)?;
        for Entry { space, key, value } in delta.entries.clone() {
            let key = (space.into_owned(), key);
            match value {
                Some(value) => held.entries.insert(key, value),
                None => held.entries.remove(&key),
            };
        }
        for (day, ids) in &delta.seen {
            held.seen.entry(*day).or_default().extend(ids);
        }
        (held.epoch, held.intent) = (epoch, None);
        Ok(())
    }

    fn seen_on(&self, day: i64, each: &mut dyn FnMut(u128)) -> Result<(), StateError> {
        self.held().seen.get(&day).into_iter().flatten().copied().for_each(each);
        Ok(())
    }

    fn was_seen(&self, day: i64, id: u128) -> Result<bool, StateError> {
        Ok(self.held().seen.get(&day).is_some_and(|ids| ids.contains(&id)))
    }
}
