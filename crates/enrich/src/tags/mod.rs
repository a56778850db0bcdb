//! The tags that resources had, by event time.

mod delta;
mod history;
mod key;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use tagwarden_core::{Change, Entry, Event, StateDelta};

use crate::{KnownTags, RestoreError};

pub(crate) use delta::deltas;
pub(crate) use history::{History, Known};
pub(crate) use key::resource_key;

/// The state's name space.
pub(crate) const SPACE: &str = "tags";

/// Tags of resources, with 24 hours of versions ordered by (event time, arrival).
///
/// The old value of a key is the one that the newest version before the event gave it; an event that comes late slots
/// in behind and leaves the current value alone.
#[derive(Debug, Default)]
pub struct TagStore {
    resources: FxHashMap<Box<str>, History>,
    dirty: FxHashSet<Box<str>>,
    texts: Texts,
    /// The newest time that any resource tells of. What is forgotten is measured by it, so that it does not depend on
    /// when one sweeps.
    clock: i64,
    swept: i64,
}

/// One copy of each key and value in use.
#[derive(Debug, Default)]
struct Texts {
    texts: FxHashSet<Arc<str>>,
    sweep_at: usize,
}

impl Texts {
    fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        if self.texts.len() >= self.sweep_at {
            self.texts.retain(|text| Arc::strong_count(text) > 1);
            self.sweep_at = (self.texts.len() * 2).max(4096);
        }
        let text: Arc<str> = text.into();
        self.texts.insert(text.clone());
        text
    }
}

impl TagStore {
    /// Resources about which something is known.
    pub fn len(&self) -> usize {
        self.resources.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    pub(crate) fn history(&self, key: &str) -> Option<&History> {
        self.resources.get(key).filter(|history| !history.over(self.clock))
    }

    /// Remembers what a change that happened did to tags. A deleted resource's are kept for two days, for late events.
    pub(crate) fn apply(&mut self, event: &Event<'_>, change: &Change<'_>) {
        let texts = &mut self.texts;
        let facts = delta::facts(&change.tags, &mut |text| texts.intern(text));
        let ends = facts.is_empty() && deletes(&event.action, &change.resource_type);
        if facts.is_empty() && !ends {
            return;
        }
        let Some(key) = resource_key(event, change) else { return };
        if ends {
            let clock = self.clock;
            let Some(history) = self.resources.get_mut(&*key).filter(|h| !h.over(clock)) else { return };
            history.end(event.time.0);
        } else {
            if !self.resources.contains_key(&*key) {
                self.resources.insert(key.clone().into(), History::default());
            }
            let Some(history) = self.resources.get_mut(&*key) else { return };
            if history.over(self.clock) {
                *history = History::default();
            }
            let id = format!("{}.{}", event.id, change.ordinal);
            history.insert(event.time.0, Some(id.into()), facts);
        }
        if !self.dirty.contains(&*key) {
            self.dirty.insert(key.into());
        }
        self.clock = self.clock.max(event.time.0);
        if self.clock - self.swept > history::KEEP_MS {
            self.sweep();
        }
    }

    fn sweep(&mut self) {
        self.swept = self.clock;
        let (clock, dirty) = (self.clock, &mut self.dirty);
        self.resources.retain(|key, history| {
            let over = history.over(clock);
            if over {
                dirty.insert(key.clone());
            }
            !over
        });
    }

    /// Takes in complete sets of tags from before the first event, for resources about which nothing is known yet.
    /// They enter the state once an event touches the resource.
    pub fn seed(&mut self, tags: &KnownTags) {
        for (arn, tags) in &tags.0 {
            let key = key::of_arn(arn);
            if self.resources.contains_key(&*key) {
                continue;
            }
            let mut facts = vec![history::Fact::Full];
            facts.extend(tags.iter().map(|(k, v)| history::Fact::Set(self.texts.intern(k), self.texts.intern(v))));
            let mut history = History::default();
            history.insert(i64::MIN, None, facts);
            self.resources.insert(key.into(), history);
        }
    }

    /// Takes back one entry of the space `tags`.
    ///
    /// # Errors
    /// An entry that this type did not write.
    pub fn restore(&mut self, entry: &Entry) -> Result<(), RestoreError> {
        let key = std::str::from_utf8(&entry.key).map_err(|error| RestoreError::new(entry, &error))?;
        match &entry.value {
            None => _ = self.resources.remove(key),
            Some(value) => {
                let mut history: History =
                    serde_json::from_slice(value).map_err(|error| RestoreError::new(entry, &error))?;
                history.intern(&mut |text| self.texts.intern(text));
                self.clock = self.clock.max(history.newest());
                self.resources.insert(key.into(), history);
            }
        }
        Ok(())
    }

    /// Appends what has changed since the last call, by key.
    pub fn delta(&mut self, out: &mut StateDelta) {
        let mut dirty: Vec<_> = std::mem::take(&mut self.dirty).into_iter().collect();
        dirty.sort_unstable();
        for key in dirty {
            match self.resources.get(&key).and_then(|history| serde_json::to_vec(history).ok()) {
                Some(value) => out.set(SPACE, key.as_bytes(), value),
                None => out.remove(SPACE, key.as_bytes()),
            }
        }
    }
}

/// Whether a call deletes resources of a type: `DeleteVolume` an `AWS::EC2::Volume`, but `DeleteBucketPolicy` no
/// bucket.
fn deletes(action: &str, kind: &str) -> bool {
    let what = action.strip_prefix("Delete").or_else(|| action.strip_prefix("Terminate"));
    let name = kind.rsplit("::").next().filter(|name| !name.is_empty());
    what.zip(name).is_some_and(|(what, name)| what == name || what.strip_suffix('s') == Some(name))
}
