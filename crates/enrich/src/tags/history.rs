//! One resource's tags as a short history of facts, in the order of (event time, arrival).

mod stored;

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

const MINUTE_MS: i64 = 60_000;

/// How long versions are kept apart before they become one.
pub(crate) const KEEP_MS: i64 = 24 * 60 * MINUTE_MS;

/// How far a witness and the change that it confirms may lie apart.
const CONFIRM_MS: i64 = 15 * MINUTE_MS;

/// How long changes are kept to be confirmed, which leaves room for late witnesses.
const RECENT_MS: i64 = 60 * MINUTE_MS;

const MAX_RECENT: usize = 32;

/// Facts at which the older half becomes one version early.
const MAX_FACTS: usize = 2048;

/// What one version says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fact {
    /// The key has this value.
    #[serde(rename = "s")]
    Set(Arc<str>, Arc<str>),
    /// The key is gone.
    #[serde(rename = "g")]
    Gone(Arc<str>),
    /// The key is gone if it had this value.
    #[serde(rename = "i")]
    GoneIf(Arc<str>, Arc<str>),
    /// The key was set to a value that the event does not show.
    #[serde(rename = "h")]
    Hidden(Arc<str>),
    /// Keys that nothing newer sets are absent.
    #[serde(rename = "f")]
    Full,
    /// Something was changed that the event does not show: what was absent may be there now.
    #[serde(rename = "d")]
    Doubt,
}

impl Fact {
    fn key(&self) -> Option<&Arc<str>> {
        match self {
            Self::Set(key, _) | Self::Gone(key) | Self::GoneIf(key, _) | Self::Hidden(key) => Some(key),
            Self::Full | Self::Doubt => None,
        }
    }
}

/// What is known of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known<'h> {
    Value(&'h Arc<str>),
    Absent,
    Unknown,
}

/// Event time in milliseconds, number of the version, fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry(i64, u32, Fact);

/// A change that a witness may still confirm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Recent(i64, u32, Box<str>);

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct History {
    #[serde(rename = "e")]
    entries: Vec<Entry>,
    #[serde(rename = "r")]
    recent: Vec<Recent>,
    #[serde(rename = "n")]
    next: u32,
    /// Before this time single versions are no longer told apart.
    #[serde(rename = "o")]
    floor: Option<i64>,
    /// When the resource was deleted.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    gone: Option<i64>,
    /// Entries that are known to need no more folding.
    #[serde(skip)]
    settled: usize,
}

impl History {
    /// Notes that the resource was deleted, unless something newer is known of it.
    pub(crate) fn end(&mut self, time: i64) {
        if self.newest() <= time {
            self.gone = Some(time);
        }
    }

    /// Whether the resource was deleted so long before `clock` that no late event can be about it.
    pub(crate) fn over(&self, clock: i64) -> bool {
        self.gone.is_some_and(|gone| gone < clock.saturating_sub(2 * KEEP_MS))
    }

    /// The newest time that it tells of.
    pub(crate) fn newest(&self) -> i64 {
        self.entries.last().map_or(i64::MIN, |entry| entry.0).max(self.gone.unwrap_or(i64::MIN))
    }

    /// Facts not newer than `time`; none where versions are no longer told apart.
    fn until(&self, time: i64) -> &[Entry] {
        if self.floor.is_some_and(|floor| time < floor) {
            return &[];
        }
        let at = self.entries.partition_point(|entry| entry.0 <= time);
        self.entries.get(..at).unwrap_or_default()
    }

    /// What was known at `time` of the newest key that `matches`.
    pub(crate) fn at(&self, time: i64, matches: impl Fn(&str) -> bool) -> Known<'_> {
        lookup(self.until(time), matches)
    }

    /// Whether the tags at `time` were known in full.
    pub(crate) fn full(&self, time: i64) -> bool {
        let marker = self.until(time).iter().rev().find(|entry| matches!(entry.2, Fact::Full | Fact::Doubt));
        marker.is_some_and(|entry| entry.2 == Fact::Full)
    }

    /// All that was known at `time`, by key; keys known to be absent are left out.
    pub(crate) fn values(&self, time: i64) -> BTreeMap<&str, &Arc<str>> {
        let mut values: BTreeMap<&str, &Arc<str>> = BTreeMap::new();
        for Entry(_, _, fact) in self.until(time) {
            match fact {
                Fact::Set(key, value) => _ = values.insert(key, value),
                Fact::Gone(key) | Fact::Hidden(key) => _ = values.remove(&**key),
                Fact::GoneIf(key, value) => {
                    if values.get(&**key) == Some(&value) {
                        values.remove(&**key);
                    }
                }
                Fact::Full => values.clear(),
                Fact::Doubt => {}
            }
        }
        values
    }

    /// Adds one version behind all that are not newer.
    pub(crate) fn insert(&mut self, time: i64, change_id: Option<Box<str>>, facts: Vec<Fact>) {
        // Something else bears the name now.
        self.gone = self.gone.filter(|gone| time < *gone);
        let version = self.next;
        self.next = self.next.wrapping_add(1);
        let at = self.entries.partition_point(|entry| entry.0 <= time);
        let facts = facts.into_iter().map(|fact| Entry(time, version, fact));
        if at == self.entries.len() {
            self.entries.extend(facts);
        } else {
            self.entries.splice(at..at, facts);
        }
        let newest = self.entries.last().map_or(time, |entry| entry.0);
        if let Some(id) = change_id {
            self.recent.push(Recent(time, version, id));
        }
        self.recent.retain(|recent| recent.0 >= newest.saturating_sub(RECENT_MS));
        if let Some(surplus) = self.recent.len().checked_sub(MAX_RECENT) {
            self.recent.drain(..surplus);
        }
        let mut horizon = newest.saturating_sub(KEEP_MS);
        if self.entries.len() > MAX_FACTS {
            horizon = horizon.max(self.entries.get(self.entries.len() / 2).map_or(horizon, |entry| entry.0));
        }
        self.fold(horizon);
    }

    /// Makes one version of all facts not newer than `horizon`.
    fn fold(&mut self, horizon: i64) {
        let old = self.entries.partition_point(|entry| entry.0 <= horizon);
        if old == self.settled {
            return;
        }
        let rest = self.entries.split_off(old);
        let mut kept = Vec::with_capacity(old);
        let mut seen: FxHashSet<&str> = FxHashSet::default();
        let mut doubt = false;
        for (at, Entry(time, version, fact)) in self.entries.iter().enumerate().rev() {
            let Some(key) = fact.key() else {
                if *fact == Fact::Full {
                    kept.push(Entry(*time, *version, Fact::Full));
                    break;
                }
                if !std::mem::replace(&mut doubt, true) {
                    kept.push(Entry(*time, *version, Fact::Doubt));
                }
                continue;
            };
            if seen.insert(key) {
                let fact = match fact {
                    Fact::GoneIf(..) => match lookup(self.entries.get(..=at).unwrap_or_default(), |k| *k == **key) {
                        Known::Value(value) => Fact::Set(key.clone(), value.clone()),
                        Known::Absent => Fact::Gone(key.clone()),
                        Known::Unknown => Fact::Hidden(key.clone()),
                    },
                    other => other.clone(),
                };
                kept.push(Entry(*time, *version, fact));
            }
        }
        kept.reverse();
        if kept.len() < old {
            self.floor = self.floor.max(Some(horizon));
        }
        self.settled = kept.len();
        kept.extend(rest);
        self.entries = kept;
    }

    /// Shares texts after they were read back.
    fn intern(&mut self, intern: &mut impl FnMut(&str) -> Arc<str>) {
        for Entry(_, _, fact) in &mut self.entries {
            match fact {
                Fact::Set(key, value) | Fact::GoneIf(key, value) => (*key, *value) = (intern(key), intern(value)),
                Fact::Gone(key) | Fact::Hidden(key) => *key = intern(key),
                Fact::Full | Fact::Doubt => {}
            }
        }
    }

    /// The newest change within 15 minutes of `time` with which what a witness saw agrees: every key in `changed` has
    /// the value (or the absence) that such a change gave it.
    pub(crate) fn confirmed<'k>(
        &self,
        time: i64,
        changed: impl Iterator<Item = (&'k str, Option<&'k str>)>,
    ) -> Option<&str> {
        let near = |recent: &&Recent| recent.0.abs_diff(time) <= CONFIRM_MS.unsigned_abs();
        let candidates: Vec<&Recent> = self.recent.iter().filter(near).collect();
        if candidates.is_empty() {
            return None;
        }
        let mut newest: Option<&Recent> = None;
        for (key, value) in changed {
            let agrees = |recent: &&&Recent| self.agrees(recent.1, key, value);
            let found = candidates.iter().filter(agrees).max_by_key(|recent| (recent.0, recent.1))?;
            if newest.is_none_or(|newest| (newest.0, newest.1) < (found.0, found.1)) {
                newest = Some(found);
            }
        }
        newest.map(|recent| &*recent.2)
    }

    /// Whether `version` left `key` at `value`, as far as its event shows.
    fn agrees(&self, version: u32, key: &str, value: Option<&str>) -> bool {
        let (mut replaced, mut doubt) = (false, false);
        for Entry(_, _, fact) in self.entries.iter().rev().filter(|entry| entry.1 == version) {
            match fact {
                Fact::Set(k, v) if **k == *key => return value == Some(&**v),
                Fact::Gone(k) | Fact::GoneIf(k, _) if **k == *key => return value.is_none(),
                Fact::Hidden(k) if **k == *key => return value.is_some(),
                Fact::Full => replaced = true,
                Fact::Doubt => doubt = true,
                _ => {}
            }
        }
        doubt || (replaced && value.is_none())
    }
}

/// What is known after `entries` of the newest key that `matches`. A doubt leaves known values alone and makes every
/// absence before it unknown.
fn lookup(entries: &[Entry], matches: impl Fn(&str) -> bool) -> Known<'_> {
    let absent = |doubt: bool| if doubt { Known::Unknown } else { Known::Absent };
    let mut doubt = false;
    // Conditional removals met on the way back, with whether a doubt came after them; they wait for the value that
    // they are about.
    let mut conditions: Vec<(&Arc<str>, bool)> = Vec::new();
    for Entry(_, _, fact) in entries.iter().rev() {
        match fact {
            Fact::Full => return absent(doubt),
            Fact::Doubt => doubt = true,
            Fact::Set(key, value) if matches(key) => {
                let first = conditions.iter().rev().find(|(only, _)| *only == value);
                return first.map_or(Known::Value(value), |(_, doubt)| absent(*doubt));
            }
            Fact::Gone(key) if matches(key) => return absent(doubt),
            Fact::Hidden(key) if matches(key) => return Known::Unknown,
            Fact::GoneIf(key, value) if matches(key) => conditions.push((value, doubt)),
            _ => {}
        }
    }
    Known::Unknown
}
