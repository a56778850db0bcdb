//! Correlations: how often, with how many different values, or after what else something happened within a span of event
//! time.

use std::collections::{BTreeMap, BTreeSet};

use rsigma_parser::{ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType, WindowMode};
use rustc_hash::FxHashMap;
use tagwarden_core::{Entry, StateDelta};

/// The name space of windows in what a worker remembers.
const SPACE: &str = "window";

/// Groups remembered per correlation; the one that was quiet longest, in order of arrival, leaves first.
const MAX_GROUPS: usize = 4096;

/// Matches of one rule kept in a group of a sequence.
const PER_RULE: usize = 16;

/// Parts a correlation's id, and a group's values, in keys.
const SEPARATOR: char = '\u{1f}';

/// What a correlation counts.
#[derive(Debug, Clone)]
pub(crate) struct Correlation {
    /// Its id, else its title: the first part of its keys.
    pub(crate) id: String,
    /// Fields whose values make a group.
    pub(crate) group_by: Vec<String>,
    /// What of a match counts.
    pub(crate) counts: Counts,
    /// Milliseconds.
    span: i64,
    /// Fires from this count on.
    threshold: usize,
}

/// What of the matches within a span counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Counts {
    /// Each.
    Matches,
    /// The different values of a field.
    Values(String),
    /// The different rules that matched.
    Rules,
    /// The rules that matched, one after the other as the correlation lists them; of matches in one second any may be the
    /// first.
    RulesInOrder,
}

impl Correlation {
    /// Reads the parts that Tagwarden counts.
    pub(crate) fn compile(rule: &CorrelationRule) -> Result<Self, String> {
        if rule.window != WindowMode::Sliding {
            return Err(format!("found window {}, wanted sliding", rule.window.as_str()));
        }
        if !rule.aliases.is_empty() {
            return Err("found aliases, wanted fields that all the rules share".to_owned());
        }
        let span = i64::try_from(rule.timespan.seconds).ok().and_then(|seconds| seconds.checked_mul(1000));
        let span = span.filter(|ms| (1..=7 * 86_400_000).contains(ms));
        let span = span.ok_or_else(|| format!("found timespan {}, wanted up to 7d", rule.timespan.original))?;
        let (counts, threshold) = match rule.correlation_type {
            CorrelationType::EventCount => threshold(&rule.condition, false)?,
            CorrelationType::ValueCount => threshold(&rule.condition, true)?,
            CorrelationType::Temporal => (Counts::Rules, all_rules(rule)?),
            CorrelationType::TemporalOrdered => (Counts::RulesInOrder, all_rules(rule)?),
            other => {
                let wanted = "event_count, value_count, temporal or temporal_ordered";
                return Err(format!("found type {}, wanted {wanted}", other.as_str()));
            }
        };
        let id = rule.id.clone().unwrap_or_else(|| rule.title.clone());
        Ok(Self { id, group_by: rule.group_by.clone(), counts, span, threshold })
    }

    /// The field whose values count.
    pub(crate) fn field(&self) -> Option<&String> {
        if let Counts::Values(field) = &self.counts { Some(field) } else { None }
    }

    /// Each of its rules counts by itself.
    pub(crate) fn takes_steps(&self) -> bool {
        matches!(self.counts, Counts::Rules | Counts::RulesInOrder)
    }

    /// What stands for a match: of the rule at `place` in the correlation's list, with `text` in the field.
    pub(crate) fn value(&self, place: usize, text: &str) -> u64 {
        match self.counts {
            Counts::Matches => 0,
            Counts::Values(_) => hash(text),
            Counts::Rules | Counts::RulesInOrder => place as u64,
        }
    }

    /// Matches kept per group: enough for the threshold in some windows side by side.
    fn capacity(&self) -> usize {
        (4 * self.threshold).max(64)
    }
}

/// How many rules must match: all.
fn all_rules(rule: &CorrelationRule) -> Result<usize, String> {
    match &rule.condition {
        // What the parser makes of none.
        CorrelationCondition::Threshold { predicates, field: None, .. }
            if *predicates == [(ConditionOperator::Gte, 1)] => {}
        _ => {
            return Err(format!(
                "found a condition with {}, wanted none: all its rules",
                rule.correlation_type.as_str()
            ));
        }
    }
    let rules = rule.rules.len();
    if (2..=16).contains(&rules) { Ok(rules) } else { Err(format!("found {rules} rules, wanted 2 to 16")) }
}

/// What counts, and from which number on the correlation fires.
fn threshold(condition: &CorrelationCondition, valued: bool) -> Result<(Counts, usize), String> {
    let CorrelationCondition::Threshold { predicates, field, .. } = condition else {
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
    let counts = match (valued, field.as_deref()) {
        (false, None) => Counts::Matches,
        (true, Some([field])) => Counts::Values(field.clone()),
        (true, _) => return Err("found no single field to count the values of, wanted condition.field".to_owned()),
        (false, Some(_)) => return Err("found a field in the condition, wanted none with event_count".to_owned()),
    };
    Ok((counts, threshold))
}

/// One match: when, and what [`Correlation::value`] says of it.
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
    /// Counts a match at `time` (ms), with what [`Correlation::value`] says of it, in the group of `values`, and says how
    /// many the window now holds if that is enough to fire.
    ///
    /// The window is the span that ends at the group's newest match, if the match at hand lies within it; for an
    /// older one it is the span that ends there.
    pub(crate) fn count(&mut self, rule: &Correlation, values: &[&str], value: u64, time: i64) -> Option<usize> {
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
        group.insert(rule, Match { time, value });
        let count = group.within(rule, Match { time, value });
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
        if matches!(rule.counts, Counts::Values(_) | Counts::Rules) {
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
        // Of a sequence each rule has room of its own: many matches of one must not push out what came before them.
        let apart = rule.counts == Counts::RulesInOrder;
        let rivals = |one: &&Match| !apart || one.value == new.value;
        let room = if apart { PER_RULE } else { rule.capacity() };
        if self.matches.iter().filter(rivals).count() > room {
            let far = |end: Option<&Match>| end.map_or(0, |end| end.time.abs_diff(new.time));
            let (first, last) = (self.matches.iter().find(rivals), self.matches.iter().rfind(rivals));
            let leaves = if far(first) >= far(last) { first } else { last }.copied();
            if let Some(at) = self.matches.iter().position(|one| Some(*one) == leaves) {
                self.matches.remove(at);
            }
        }
    }

    /// How many the window around a match holds.
    fn within(&self, rule: &Correlation, at: Match) -> usize {
        if rule.counts == Counts::RulesInOrder {
            return if self.is_complete(rule, at) { rule.threshold } else { 0 };
        }
        let newest = self.matches.iter().rev().map(|one| one.time).find(|newest| newest - at.time < rule.span);
        let end = newest.unwrap_or(at.time).max(at.time);
        let window = self.matches.iter().filter(|one| one.time <= end && one.time > end - rule.span);
        if rule.counts == Counts::Matches {
            return window.count();
        }
        window.map(|one| one.value).collect::<BTreeSet<_>>().len()
    }

    /// Whether the match is part of a sequence within the span: of the rules before it the latest matches that still are
    /// before it, of those behind it the earliest.
    fn is_complete(&self, rule: &Correlation, at: Match) -> bool {
        let of = |value: u64| self.matches.iter().filter(move |one| one.value == value).map(|one| one.time);
        let before = |time: i64, value: u64| of(value).filter(|known| *known <= time).max();
        let behind = |time: i64, value: u64| of(value).filter(|known| *known >= time).min();
        let start = (0..at.value).rev().try_fold(at.time, before);
        let end = (at.value + 1..rule.threshold as u64).try_fold(at.time, behind);
        matches!((start, end), (Some(start), Some(end)) if end - start < rule.span)
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
    use super::{Correlation, Counts, Windows};
    use proptest::prelude::*;
    use tagwarden_core::StateDelta;

    fn rule(field: bool, threshold: usize) -> Correlation {
        Correlation {
            id: "c".into(),
            group_by: vec!["tagwarden.actor".into()],
            counts: if field { Counts::Values("tagwarden.resource_id".into()) } else { Counts::Matches },
            span: 600_000,
            threshold,
        }
    }

    #[test]
    fn fires_from_the_threshold_on_and_forgets_what_is_older_than_the_span() {
        let (rule, mut windows) = (rule(true, 3), Windows::default());
        let mut see = |value: &str, second: i64| windows.count(&rule, &["ana"], rule.value(0, value), second * 1000);
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
        let mut see = |value: &str, second: i64| windows.count(&rule, &["ana"], rule.value(0, value), second * 1000);
        assert_eq!(see("a", 1000), None);
        assert_eq!(see("b", 1400), None);
        assert_eq!(see("late", 900), Some(3));
        assert_eq!(see("much later than the span", 2), None);
    }

    fn of_rules(counts: Counts, rules: usize) -> Correlation {
        Correlation { counts, threshold: rules, ..rule(false, 0) }
    }

    #[test]
    fn all_rules_within_the_span_fire_in_any_order() {
        let (rule, mut windows) = (of_rules(Counts::Rules, 3), Windows::default());
        let mut see = |place: usize, second: i64| windows.count(&rule, &["ana"], rule.value(place, ""), second * 1000);
        assert_eq!([see(2, 0), see(2, 10), see(0, 20)], [None; 3]);
        assert_eq!(see(1, 500), Some(3));
        assert_eq!(see(1, 900), None, "the first are too long ago");
    }

    #[test]
    fn a_sequence_fires_in_its_order_alone() {
        let (rule, mut windows) = (of_rules(Counts::RulesInOrder, 3), Windows::default());
        let mut see =
            |who: &str, place: usize, second: i64| windows.count(&rule, &[who], rule.value(place, ""), second * 1000);
        assert_eq!([see("ana", 2, 0), see("ana", 1, 10), see("ana", 0, 20)], [None; 3], "backwards");
        assert_eq!([see("ana", 1, 30), see("ana", 0, 40)], [None; 2], "what begins anew takes nothing back");
        assert_eq!(see("ana", 2, 50), Some(3));
        assert_eq!(see("ana", 2, 619), Some(3), "again, less than the span after it began");
        assert_eq!(see("ana", 2, 620), None, "too late");
        assert_eq!([see("late", 2, 100), see("late", 0, 80)], [None; 2]);
        assert_eq!(see("late", 1, 90), Some(3), "whatever arrives last completes it");
        assert_eq!([see("at once", 0, 7), see("at once", 1, 7), see("at once", 2, 7)], [None, None, Some(3)]);
    }

    #[test]
    fn a_flood_of_one_step_hides_no_other() {
        let (rule, mut windows) = (of_rules(Counts::RulesInOrder, 3), Windows::default());
        let mut see = |place: usize, second: i64| windows.count(&rule, &["ana"], rule.value(place, ""), second * 1000);
        assert_eq!(see(0, 0), None);
        assert!((1..500).all(|second| see(1, second).is_none()));
        assert_eq!(see(2, 500), Some(3));
    }

    #[test]
    fn groups_are_apart_and_bounded() {
        let (rule, mut windows) = (rule(false, 2), Windows::default());
        for at in 0..super::MAX_GROUPS + 10 {
            assert_eq!(windows.count(&rule, &[&at.to_string()], 0, 0), None);
        }
        assert_eq!(windows.groups.len(), super::MAX_GROUPS);
        assert_eq!(windows.count(&rule, &["5000"], 0, 0), None, "never seen");
        assert_eq!(windows.count(&rule, &["0"], 0, 0), None, "quiet longest, so forgotten");
        assert_eq!(windows.count(&rule, &["4000"], 0, 0), Some(2));
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
        fn what_is_restored_answers_alike(seen in matches(), cut in 0usize..200, kind in 0usize..4) {
            let rule = match kind {
                0 | 1 => rule(kind == 1, 4),
                2 => of_rules(Counts::Rules, 4),
                _ => of_rules(Counts::RulesInOrder, 4),
            };
            let (mut one, mut two) = (Windows::default(), Windows::default());
            let mut store = std::collections::BTreeMap::new();
            let cut = cut.min(seen.len());
            let feed = |windows: &mut Windows, (actor, value, second): &(u8, u8, i64)| {
                let value = rule.value(usize::from(*value) % 4, &value.to_string());
                windows.count(&rule, &[&actor.to_string()], value, second * 1000)
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
                let value = rule.value(0, &value.to_string());
                let counted = windows.count(&rule, &[&actor.to_string()], value, second * 1000);
                prop_assert_eq!(counted, Some(plain.len()));
            }
        }
    }

    #[test]
    fn a_correlation_that_is_no_more_leaves_the_state() {
        let (rule, mut windows) = (rule(false, 2), Windows::default());
        windows.count(&rule, &["ana"], 0, 0);
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
