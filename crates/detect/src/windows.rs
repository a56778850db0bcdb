//! Correlations: how often, or with how many different values, something happened within a span of event time.

use std::collections::{BTreeMap, BTreeSet};

use rsigma_parser::{ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType, WindowMode};
use rustc_hash::FxHashMap;
use tagwarden_core::{Entry, StateDelta};

/// The name space of windows in what a worker remembers.
const SPACE: &str = "window";

/// Groups remembered per correlation; the one that was quiet longest, in order of arrival, leaves first.
const MAX_GROUPS: usize = 4096;

/// Parts a correlation's id, and a group's values, in keys.
const SEPARATOR: char = '\u{1f}';

/// What a correlation counts.
#[derive(Debug, Clone)]
pub(crate) struct Correlation {
    /// Its id, else its title: the first part of its keys.
    pub(crate) id: String,
    /// Fields whose values make a group.
    pub(crate) group_by: Vec<String>,
    /// The field whose different values count; `None` counts matches.
    pub(crate) field: Option<String>,
    /// Milliseconds.
    span: i64,
    /// Fires from this count on.
    threshold: usize,
}

impl Correlation {
    /// Reads the parts that Tagwarden counts.
    pub(crate) fn compile(rule: &CorrelationRule) -> Result<Self, String> {
        let valued = match rule.correlation_type {
            CorrelationType::EventCount => false,
            CorrelationType::ValueCount => true,
            other => return Err(format!("found type {}, wanted event_count or value_count", other.as_str())),
        };
        if rule.window != WindowMode::Sliding {
            return Err(format!("found window {}, wanted sliding", rule.window.as_str()));
        }
        if !rule.aliases.is_empty() {
            return Err("found aliases, wanted fields that all the rules share".to_owned());
        }
        let CorrelationCondition::Threshold { predicates, field, .. } = &rule.condition else {
            return Err("found a condition over rules, wanted gte or gt and a number".to_owned());
        };
        let [(operator, number)] = predicates.as_slice() else {
            return Err(format!("found {} conditions, wanted one", predicates.len()));
        };
        let threshold = match operator {
            ConditionOperator::Gte => *number,
            ConditionOperator::Gt => number.saturating_add(1),
            _ => return Err("found another comparison, wanted gte or gt".to_owned()),
        };
        let threshold = usize::try_from(threshold).ok().filter(|n| (1..=10_000).contains(n));
        let threshold = threshold.ok_or_else(|| format!("found the number {number}, wanted 1 to 10000"))?;
        let field = match (valued, field.as_deref()) {
            (false, None) => None,
            (true, Some([field])) => Some(field.clone()),
            (true, _) => return Err("found no single field to count the values of, wanted condition.field".to_owned()),
            (false, Some(_)) => return Err("found a field in the condition, wanted none with event_count".to_owned()),
        };
        let span = i64::try_from(rule.timespan.seconds).ok().and_then(|seconds| seconds.checked_mul(1000));
        let span = span.filter(|ms| (1..=7 * 86_400_000).contains(ms));
        let span = span.ok_or_else(|| format!("found timespan {}, wanted up to 7d", rule.timespan.original))?;
        let id = rule.id.clone().unwrap_or_else(|| rule.title.clone());
        Ok(Self { id, group_by: rule.group_by.clone(), field, span, threshold })
    }

    /// Matches kept per group: enough for the threshold in some windows side by side.
    fn capacity(&self) -> usize {
        (4 * self.threshold).max(64)
    }
}

/// One match: when, and the hash of the value that counts (0 where matches count).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Match {
    time: i64,
    value: u64,
}

#[derive(Debug, Default)]
struct Group {
    /// When the group was last touched, in order of arrival.
    touched: u64,
    /// In order of time.
    matches: Vec<Match>,
}

/// What the correlations of one judge have counted so far.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    groups: FxHashMap<String, Group>,
    /// Per correlation, the groups in order of their last touch.
    order: BTreeMap<String, BTreeMap<u64, String>>,
    /// Touches so far.
    touches: u64,
    dirty: BTreeSet<String>,
}

impl Windows {
    /// Counts a match at `time` (ms) in the group of `values`, and says how many the window now holds if that is
    /// enough to fire.
    ///
    /// The window is the span that ends at the group's newest match, if the match at hand lies within it; for an
    /// older one it is the span that ends there.
    pub(crate) fn count(&mut self, rule: &Correlation, values: &[&str], counted: &str, time: i64) -> Option<usize> {
        let mut key = rule.id.clone();
        for value in values {
            key.push(SEPARATOR);
            key.push_str(value);
        }
        self.touches += 1;
        let order = self.order.entry(rule.id.clone()).or_default();
        let group = self.groups.entry(key.clone()).or_default();
        order.remove(&group.touched);
        group.touched = self.touches;
        order.insert(self.touches, key.clone());
        let value = if rule.field.is_some() { hash(counted) } else { 0 };
        group.insert(rule, Match { time, value });
        let count = group.within(rule, time);
        self.dirty.insert(key);
        if order.len() > MAX_GROUPS
            && let Some((_, quiet)) = order.pop_first()
        {
            self.groups.remove(&quiet);
            self.dirty.insert(quiet);
        }
        (count >= rule.threshold).then_some(count)
    }

    /// Takes back a remembered group; a group of a correlation that is no more is forgotten with the next delta.
    pub(crate) fn restore(&mut self, entry: &Entry, known: impl Fn(&str) -> bool) {
        if entry.space != SPACE {
            return;
        }
        let Ok(key) = String::from_utf8(entry.key.clone()) else { return };
        let id = key.split(SEPARATOR).next().unwrap_or_default();
        let group = entry.value.as_deref().and_then(Group::decode);
        let Some(group) = group.filter(|_| known(id)) else {
            self.dirty.insert(key);
            return;
        };
        self.touches = self.touches.max(group.touched);
        self.order.entry(id.to_owned()).or_default().insert(group.touched, key.clone());
        self.groups.insert(key, group);
    }

    /// Hands out what changed since the last call.
    pub(crate) fn delta(&mut self, out: &mut StateDelta) {
        for key in std::mem::take(&mut self.dirty) {
            match self.groups.get(&key) {
                Some(group) => out.set(SPACE, key, group.encode()),
                None => out.remove(SPACE, key),
            }
        }
    }
}

impl Group {
    fn insert(&mut self, rule: &Correlation, new: Match) {
        if rule.field.is_some() {
            // A value seen again within the span only moves on: repeats must not push other values out.
            let near = |old: &Match| old.value == new.value && old.time.abs_diff(new.time) < rule.span.unsigned_abs();
            if let Some(at) = self.matches.iter().position(near) {
                if self.matches.get(at).is_some_and(|old| old.time >= new.time) {
                    return;
                }
                self.matches.remove(at);
            }
        }
        let at = self.matches.partition_point(|old| *old <= new);
        self.matches.insert(at, new);
        if self.matches.len() > rule.capacity() {
            let distance = |end: Option<&Match>| end.map_or(0, |end| end.time.abs_diff(new.time));
            if distance(self.matches.first()) >= distance(self.matches.last()) {
                self.matches.remove(0);
            } else {
                self.matches.pop();
            }
        }
    }

    /// How many the window around `time` holds.
    fn within(&self, rule: &Correlation, time: i64) -> usize {
        let newest = self.matches.iter().rev().map(|one| one.time).find(|newest| newest - time < rule.span);
        let end = newest.unwrap_or(time).max(time);
        let window = self.matches.iter().filter(|one| one.time <= end && one.time > end - rule.span);
        if rule.field.is_some() { window.map(|one| one.value).collect::<BTreeSet<_>>().len() } else { window.count() }
    }

    /// Little-endian numbers: the touch, then time and value of each match.
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(8 + 16 * self.matches.len());
        out.extend(self.touched.to_le_bytes());
        for one in &self.matches {
            out.extend(one.time.to_le_bytes());
            out.extend(one.value.to_le_bytes());
        }
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (touched, rest) = bytes.split_first_chunk::<8>()?;
        let (pairs, []) = rest.as_chunks::<16>() else { return None };
        let matches = pairs.iter().map(|pair| {
            let number = u128::from_le_bytes(*pair);
            // The lower half is the time, the upper half the value.
            #[expect(clippy::cast_possible_truncation, reason = "each half is taken on purpose")]
            let (time, value) = ((number as u64).cast_signed(), (number >> 64) as u64);
            Match { time, value }
        });
        Some(Self { touched: u64::from_le_bytes(*touched), matches: matches.collect() })
    }
}

/// FNV-1a, 64 bits: kept in state, so it must not change with a library.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::{Correlation, Windows};
    use proptest::prelude::*;
    use tagwarden_core::StateDelta;

    fn rule(field: bool, threshold: usize) -> Correlation {
        Correlation {
            id: "c".into(),
            group_by: vec!["tagwarden.actor".into()],
            field: field.then(|| "tagwarden.resource_id".into()),
            span: 600_000,
            threshold,
        }
    }

    #[test]
    fn fires_from_the_threshold_on_and_forgets_what_is_older_than_the_span() {
        let (rule, mut windows) = (rule(true, 3), Windows::default());
        let mut see = |value: &str, second: i64| windows.count(&rule, &["ana"], value, second * 1000);
        assert_eq!(see("a", 0), None);
        assert_eq!(see("a", 1), None, "the same value again is no new value");
        assert_eq!(see("b", 300), None);
        assert_eq!(see("c", 599), Some(3));
        assert_eq!(see("d", 901), None, "a and b are older than ten minutes: c and d are left");
        assert_eq!(see("e", 902), Some(3));
    }

    #[test]
    fn a_late_event_counts_within_the_span() {
        let (rule, mut windows) = (rule(true, 3), Windows::default());
        let mut see = |value: &str, second: i64| windows.count(&rule, &["ana"], value, second * 1000);
        assert_eq!(see("a", 1000), None);
        assert_eq!(see("b", 1400), None);
        assert_eq!(see("late", 900), Some(3));
        assert_eq!(see("much later than the span", 2), None);
    }

    #[test]
    fn groups_are_apart_and_bounded() {
        let (rule, mut windows) = (rule(false, 2), Windows::default());
        for at in 0..super::MAX_GROUPS + 10 {
            assert_eq!(windows.count(&rule, &[&at.to_string()], "", 0), None);
        }
        assert_eq!(windows.groups.len(), super::MAX_GROUPS);
        assert_eq!(windows.count(&rule, &["5000"], "", 0), None, "never seen");
        assert_eq!(windows.count(&rule, &["0"], "", 0), None, "quiet longest, so forgotten");
        assert_eq!(windows.count(&rule, &["4000"], "", 0), Some(2));
        let mut delta = StateDelta::default();
        windows.delta(&mut delta);
        assert_eq!(delta.entries.iter().filter(|entry| entry.value.is_some()).count(), super::MAX_GROUPS);
    }

    /// Actor, value and second of a match.
    fn matches() -> impl Strategy<Value = Vec<(u8, u8, i64)>> {
        proptest::collection::vec((0u8..3, 0u8..12, 0i64..3000), 0..200)
    }

    proptest! {
        #[test]
        fn what_is_restored_answers_alike(seen in matches(), cut in 0usize..200, field: bool) {
            let rule = rule(field, 4);
            let (mut one, mut two) = (Windows::default(), Windows::default());
            let mut store = std::collections::BTreeMap::new();
            let cut = cut.min(seen.len());
            let feed = |windows: &mut Windows, (actor, value, second): &(u8, u8, i64)| {
                windows.count(&rule, &[&actor.to_string()], &value.to_string(), second * 1000)
            };
            for some in &seen[..cut] {
                feed(&mut one, some);
                let mut delta = StateDelta::default();
                one.delta(&mut delta);
                store.extend(delta.entries.into_iter().map(|entry| (entry.key.clone(), entry)));
            }
            for entry in store.values() {
                two.restore(entry, |id| id == "c");
            }
            for some in &seen[cut..] {
                prop_assert_eq!(feed(&mut one, some), feed(&mut two, some));
            }
        }

        #[test]
        fn in_order_the_count_is_the_plain_one(mut seen in matches()) {
            seen.sort_by_key(|(_, _, second)| *second);
            let rule = rule(true, 1);
            let mut windows = Windows::default();
            for (at, (actor, value, second)) in seen.iter().enumerate() {
                let plain: std::collections::BTreeSet<_> = seen[..=at].iter()
                    .filter(|(a, _, s)| a == actor && second - s < 600)
                    .map(|(_, v, _)| v)
                    .collect();
                let counted = windows.count(&rule, &[&actor.to_string()], &value.to_string(), second * 1000);
                prop_assert_eq!(counted, Some(plain.len()));
            }
        }
    }

    #[test]
    fn a_correlation_that_is_no_more_leaves_the_state() {
        let (rule, mut windows) = (rule(false, 2), Windows::default());
        windows.count(&rule, &["ana"], "", 0);
        let mut delta = StateDelta::default();
        windows.delta(&mut delta);
        let mut later = Windows::default();
        for entry in &delta.entries {
            later.restore(entry, |_| false);
        }
        let mut forgotten = StateDelta::default();
        later.delta(&mut forgotten);
        assert!(forgotten.entries.iter().all(|entry| entry.value.is_none()) && forgotten.entries.len() == 1);
    }
}
