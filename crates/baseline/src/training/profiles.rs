//! What all actors of a window did, in bounded memory; the order of events has no say.

use std::collections::BTreeMap;

use tagwarden_core::{Actor, Enriched, Event};

use crate::hash::text;
use crate::profile::{Deed, NAMED, Profile, Row};
use crate::reasons::quote;

/// Actors kept; of more, those whose hashes are smallest, which is a sample that does not hang on order (bottom-k).
pub(crate) const MOST_ACTORS: usize = 1 << 12;
/// Names kept of each distribution, in all and of one actor, likewise.
const MOST_NAMES: usize = 1 << 12;
const MOST_SAID: usize = 1 << 6;

/// Names and their shares, in the order of the names' hashes.
pub(crate) type Shares<'p> = BTreeMap<u64, (&'p str, f64)>;

/// What is known of each actor, and what hashes stand for.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Profiles {
    by_actor: BTreeMap<u64, Seen>,
    names: [BTreeMap<u64, Box<str>>; NAMED],
}

#[derive(Debug, Clone, PartialEq)]
struct Seen {
    actor: Box<str>,
    profile: Profile,
    /// By name, how often. Columns may hold several names, so they can't tell.
    said: [BTreeMap<u64, u32>; NAMED],
}

/// An actor of whom enough is known.
pub(crate) struct Known<'p> {
    /// By the hash that features use.
    pub(crate) actor: u64,
    pub(crate) name: &'p str,
    pub(crate) row: Row,
}

impl Profiles {
    /// Counts one event for its actor.
    pub(crate) fn add(&mut self, event: &Event<'_>, actor: &Actor<'_>, enriched: &Enriched<'_>) {
        let deed = Deed::of(event, actor, enriched);
        let named = deed.names();
        let named = || named.iter().map(|name| (text(name), name));
        // Whoever is kept: the order of actors must not tell.
        for ((key, name), names) in named().zip(&mut self.names) {
            kept(names, key, MOST_NAMES, || quote(name).as_ref().into());
        }
        let fresh = || Seen {
            actor: actor.key.as_str().into(),
            profile: Profile::default(),
            said: std::array::from_fn(|_| BTreeMap::new()),
        };
        let Some(seen) = kept(&mut self.by_actor, text(&actor.key), MOST_ACTORS, fresh) else { return };
        seen.profile.add(&deed, event.time.0);
        for ((key, _), said) in named().zip(&mut seen.said) {
            if let Some(count) = kept(said, key, MOST_SAID, || 0) {
                *count = count.saturating_add(1);
            }
        }
    }

    /// The actors of whom enough is known, in the order of their hashes.
    pub(crate) fn known(&self) -> Vec<Known<'_>> {
        let all = self.by_actor.iter().map(|(actor, seen)| (*actor, seen));
        all.filter_map(|(actor, seen)| Some(Known { actor, name: &seen.actor, row: seen.profile.row()? })).collect()
    }

    /// The mean shares of each distribution's names among some actors.
    pub(crate) fn shares(&self, actors: &[u64]) -> [Shares<'_>; NAMED] {
        std::array::from_fn(|distribution| self.shares_of(distribution, actors))
    }

    fn shares_of(&self, distribution: usize, actors: &[u64]) -> Shares<'_> {
        let mut shares = BTreeMap::new();
        for seen in actors.iter().filter_map(|actor| self.by_actor.get(actor)) {
            for (name, count) in seen.said.get(distribution).into_iter().flatten() {
                let Some(words) = self.names.get(distribution).and_then(|names| names.get(name)) else { continue };
                let (_, share) = shares.entry(*name).or_insert((words.as_ref(), 0.0));
                *share += f64::from(*count) / f64::from(seen.profile.events()) / actors.len() as f64;
            }
        }
        shares
    }
}

/// How many actors are kept, and how many names in all.
#[cfg(test)]
impl Profiles {
    pub(crate) fn room(&self) -> (usize, usize) {
        let said = self.by_actor.values().flat_map(|seen| &seen.said).map(BTreeMap::len).max().unwrap_or(0);
        assert!(said <= MOST_SAID);
        (self.by_actor.len(), self.names.iter().map(BTreeMap::len).sum())
    }
}

/// What is kept by a hash, made if need be; of more than `most`, those with the smallest hashes stay. One that went never
/// comes back, so what stays was counted from its first.
pub(super) fn kept<T>(all: &mut BTreeMap<u64, T>, key: u64, most: usize, fresh: impl FnOnce() -> T) -> Option<&mut T> {
    if all.len() >= most && !all.contains_key(&key) {
        let last = all.last_entry().filter(|last| *last.key() > key)?;
        last.remove();
    }
    Some(all.entry(key).or_insert_with(fresh))
}
