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
    resources: FxHashMap<Arc<str>, Resource>,
    /// Resources that changed since the last call of [`delta`](Self::delta); one that was forgotten may be listed again.
    dirty: Vec<Arc<str>>,
    texts: Texts,
    /// The newest time that any resource tells of. What is forgotten is measured by it, so that it does not depend on
    /// when one sweeps.
    clock: i64,
    swept: i64,
}

#[derive(Debug, Default)]
struct Resource {
    history: History,
    /// It is listed among those that changed.
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
        self.resources.get(key).map(|resource| &resource.history).filter(|history| !history.over(self.clock))
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
        let mut fresh = Resource::default();
        let (resource, is_new) = match self.resources.get_mut(&*key) {
            Some(known) => (known, false),
            None => (&mut fresh, true),
        };
        if ends {
            if is_new || resource.history.over(self.clock) {
                return;
            }
            resource.history.end(event.time.0);
        } else {
            if resource.history.over(self.clock) {
                resource.history = History::default();
            }
            resource.history.insert(event.time.0, Some(change_id(event, change)), facts);
        }
        if !std::mem::replace(&mut resource.dirty, true) {
            let key: Arc<str> = key.into();
            self.dirty.push(key.clone());
            if is_new {
                self.resources.insert(key, fresh);
            }
        }
        self.clock = self.clock.max(event.time.0);
        if self.clock - self.swept > history::KEEP_MS {
            self.sweep();
        }
    }

    fn sweep(&mut self) {
        self.swept = self.clock;
        let (clock, dirty) = (self.clock, &mut self.dirty);
        self.resources.retain(|key, resource| {
            let over = resource.history.over(clock);
            if over {
                dirty.push(key.clone());
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
            self.resources.insert(key.into(), Resource { history, dirty: false });
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
                let texts = &mut self.texts;
                let history = History::decode(value, &mut |text| texts.intern(text))
                    .map_err(|error| RestoreError::new(entry, &error))?;
                self.clock = self.clock.max(history.newest());
                self.resources.insert(key.into(), Resource { history, dirty: false });
            }
        }
        Ok(())
    }

    /// Appends what has changed since the last call, by key.
    pub fn delta(&mut self, out: &mut StateDelta) {
        let mut dirty = std::mem::take(&mut self.dirty);
        dirty.sort_unstable();
        dirty.dedup();
        for key in dirty {
            match self.resources.get_mut(&key) {
                Some(resource) => {
                    resource.dirty = false;
                    out.set(SPACE, key.as_bytes(), resource.history.encode());
                }
                None => out.remove(SPACE, key.as_bytes()),
            }
        }
    }
}

/// `<event_id>.<ordinal>`.
fn change_id(event: &Event<'_>, change: &Change<'_>) -> Box<str> {
    let mut id = String::with_capacity(event.id.len() + 2);
    id.push_str(&event.id);
    id.push('.');
    match u8::try_from(change.ordinal) {
        Ok(digit @ 0..10) => id.push(char::from(b'0' + digit)),
        _ => id.push_str(&change.ordinal.to_string()),
    }
    id.into()
}

/// Whether a call deletes resources of a type: `DeleteVolume` an `AWS::EC2::Volume`, but `DeleteBucketPolicy` no
/// bucket.
fn deletes(action: &str, kind: &str) -> bool {
    let Some(what) = action.strip_prefix("Delete").or_else(|| action.strip_prefix("Terminate")) else { return false };
    let name = kind.rsplit("::").next().unwrap_or_default();
    !name.is_empty() && (what == name || what.strip_suffix('s') == Some(name))
}
