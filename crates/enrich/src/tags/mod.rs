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
    resources: FxHashMap<Box<str>, Resource>,
    dirty: Vec<Box<str>>,
    texts: Texts,
}

#[derive(Debug, Default)]
struct Resource {
    history: History,
    dirty: bool,
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
        self.resources.get(key).map(|resource| &resource.history)
    }

    /// Remembers what a change that happened did to tags.
    pub(crate) fn apply(&mut self, event: &Event<'_>, change: &Change<'_>) {
        let Some(key) = resource_key(event, change) else { return };
        let texts = &mut self.texts;
        let facts = delta::facts(&change.tags, &mut |text| texts.intern(text));
        if facts.is_empty() {
            return;
        }
        if !self.resources.contains_key(&*key) {
            self.resources.insert(key.clone().into(), Resource::default());
        }
        let Some(resource) = self.resources.get_mut(&*key) else { return };
        let id = format!("{}.{}", event.id, change.ordinal);
        resource.history.insert(event.time.0, Some(id.into()), facts);
        if !std::mem::replace(&mut resource.dirty, true) {
            self.dirty.push(key.into());
        }
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
            let mut resource = Resource::default();
            resource.history.insert(i64::MIN, None, facts);
            self.resources.insert(key.into(), resource);
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
                self.resources.insert(key.into(), Resource { history, dirty: false });
            }
        }
        Ok(())
    }

    /// Appends what has changed since the last call, by key.
    pub fn delta(&mut self, out: &mut StateDelta) {
        let mut dirty = std::mem::take(&mut self.dirty);
        dirty.sort_unstable();
        for key in dirty {
            let Some(resource) = self.resources.get_mut(&key) else { continue };
            resource.dirty = false;
            if let Ok(value) = serde_json::to_vec(&resource.history) {
                out.set(SPACE, key.as_bytes(), value);
            }
        }
    }
}
