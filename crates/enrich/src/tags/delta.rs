//! What an edit does to each key, given what was known before it.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use tagwarden_core::{TagDelta, TagEdit, TagOp, TagOperation, Text};

use super::history::{Fact, History, Known};

/// What `CloudTrail` writes in place of a value that it does not show.
pub(crate) const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// Edits with more keys are looked up in one pass over the history.
const MANY: usize = 32;

/// What was known just before an edit.
enum Before<'h> {
    Nothing,
    History(&'h History, i64),
    Folded(BTreeMap<&'h str, &'h Arc<str>>, &'h History, i64),
}

impl Before<'_> {
    fn at(&self, key: &str) -> Known<'_> {
        match self {
            Self::Nothing => Known::Unknown,
            Self::History(history, time) => history.at(*time, |known| known == key),
            Self::Folded(values, history, time) => match values.get(key) {
                Some(value) => Known::Value(value),
                None => match history.at(*time, |known| known == key) {
                    Known::Value(_) => Known::Unknown,
                    other => other,
                },
            },
        }
    }
}

fn owned<'a>(value: &Arc<str>) -> Text<'a> {
    Text::Owned((**value).to_owned())
}

/// Keys set, each once, with the last value given; in the order of their first mention.
fn unique<'e, 'a>(set: &'e [(Text<'a>, Text<'a>)]) -> Vec<(&'e Text<'a>, &'e Text<'a>)> {
    let mut out: Vec<(&Text<'a>, &Text<'a>)> = Vec::with_capacity(set.len());
    let mut places: FxHashMap<&str, usize> = FxHashMap::default();
    for (key, value) in set {
        let at = if set.len() > MANY {
            places.get(&**key).copied()
        } else {
            out.iter().position(|(known, _)| *known == key)
        };
        if let Some(pair) = at.and_then(|at| out.get_mut(at)) {
            pair.1 = value;
            continue;
        }
        if set.len() > MANY {
            places.insert(key, out.len());
        }
        out.push((key, value));
    }
    out
}

/// The edit's deltas in the order of the request, removed keys last.
///
/// `untouched` says of a key that a witness lists whether it is listed for completeness only.
pub(crate) fn deltas<'a>(
    edit: &TagEdit<'a>,
    history: Option<&History>,
    time: i64,
    untouched: impl Fn(&str) -> bool,
) -> Vec<TagDelta<'a>> {
    let Some(operation) = edit.operation else { return Vec::new() };
    let before = match history {
        // A resource that is being made had no tags, whatever another one of its name had.
        Some(history) if operation != TagOperation::Create => {
            if edit.set.len() + edit.remove.len() > MANY {
                Before::Folded(history.values(time), history, time)
            } else {
                Before::History(history, time)
            }
        }
        _ => Before::Nothing,
    };
    let mut out = Vec::with_capacity(edit.set.len() + edit.remove.len());
    let set = unique(&edit.set);
    for (key, value) in &set {
        let (key, new) = ((*key).clone(), (**value != HIDDEN).then(|| (*value).clone()));
        if operation == TagOperation::State && untouched(&key) {
            out.push(TagDelta { key, old: new.clone(), new, op: TagOp::Unchanged });
            continue;
        }
        let (old, op) = match before.at(&key) {
            _ if operation == TagOperation::Create => (None, TagOp::Added),
            Known::Value(old) if new.is_none() => (Some(owned(old)), TagOp::Unknown),
            Known::Value(old) if new.as_deref() == Some(&**old) => (new.clone(), TagOp::Unchanged),
            Known::Value(old) => (Some(owned(old)), TagOp::Modified),
            Known::Absent => (None, TagOp::Added),
            Known::Unknown => (None, TagOp::Unknown),
        };
        out.push(TagDelta { key, old, new, op });
    }
    for (key, only) in &edit.remove {
        let (old, new, op) = match before.at(key) {
            Known::Value(old) if only.as_deref().is_some_and(|only| *only != **old) => {
                (Some(owned(old)), Some(owned(old)), TagOp::Unchanged)
            }
            Known::Value(old) => (Some(owned(old)), None, TagOp::Removed),
            Known::Absent => (None, None, TagOp::Unchanged),
            Known::Unknown => (None, None, TagOp::Removed),
        };
        out.push(TagDelta { key: key.clone(), old, new, op });
    }
    if operation == TagOperation::Replace
        && let Some(history) = history
    {
        let kept: FxHashSet<&str> = set.iter().map(|(key, _)| &***key).collect();
        for (key, old) in history.values(time) {
            let listed = kept.contains(key) || edit.remove.iter().any(|(removed, _)| removed == key);
            if !listed {
                out.push(TagDelta {
                    key: Text::Owned(key.to_owned()),
                    old: Some(owned(old)),
                    new: None,
                    op: TagOp::Removed,
                });
            }
        }
    }
    out
}

/// What is to be remembered of an edit; nothing for a witness's report.
pub(crate) fn facts(edit: &TagEdit<'_>, intern: &mut impl FnMut(&str) -> Arc<str>) -> Vec<Fact> {
    let mut facts = Vec::with_capacity(edit.set.len() + edit.remove.len() + 1);
    match edit.operation {
        None | Some(TagOperation::State) => return facts,
        Some(TagOperation::Replace | TagOperation::Create) => facts.push(Fact::Full),
        Some(TagOperation::Add | TagOperation::Remove) => {}
    }
    if edit.partial {
        facts.push(Fact::Doubt);
    }
    for (key, value) in unique(&edit.set) {
        let key = intern(key);
        facts.push(if value == HIDDEN { Fact::Hidden(key) } else { Fact::Set(key, intern(value)) });
    }
    for (key, only) in &edit.remove {
        let key = intern(key);
        facts.push(match only {
            Some(only) => Fact::GoneIf(key, intern(only)),
            None => Fact::Gone(key),
        });
    }
    facts
}
