//! How each feature was spread over the reference days, and how far out a number lies: calibrated right tails.
//!
//! A tail is `-ln` of the share of the reference's changes that were at least as odd, so that a region never seen and a
//! burst of calls can be compared. A number of 0 is ordinary whatever its share. Beyond everything seen it still
//! grows a little, so that the odder of two new things comes first.

use std::collections::BTreeMap;

use tagwarden_core::{Entry, StateDelta};

use crate::features::{FEATURES_VERSION, Feature, Row};
use crate::hash::text;

pub(crate) const SPACE: &str = "spread";
const FEATURES: usize = Feature::ALL.len();
/// Bins per doubling of `1 + x`, and how many doublings: at 8 nats a bin is 0.25 wide, the last begins at 63.
const STEPS: usize = 32;
pub(crate) const BINS: usize = 6 * STEPS;
/// The first days know nothing, so everything is odd in them: they are no reference.
const SETTLING_DAYS: usize = 3;
/// Fewer changes than this are no reference.
const LEAST_CHANGES: u32 = 300;

/// One day's counts.
#[derive(Debug, Clone)]
struct Day {
    /// Calls, and changes.
    calls: u32,
    changes: u32,
    /// By feature and bin; numbers of 0 are left out.
    bins: Vec<u32>,
    /// Changes on which a rule hit, by the rule's number.
    rules: BTreeMap<u64, u32>,
    dirty: bool,
}

impl Default for Day {
    fn default() -> Self {
        Self { calls: 0, changes: 0, bins: vec![0; FEATURES * BINS], rules: BTreeMap::new(), dirty: false }
    }
}

/// What the days before one give.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frozen {
    /// The tail of each feature's bins.
    pub(crate) tails: Vec<f32>,
    pub(crate) changes: u32,
    pub(crate) rules: BTreeMap<u64, u32>,
}

impl Frozen {
    /// How far out `x` lies among the reference's numbers of `feature`, in nats.
    pub(crate) fn tail(&self, feature: Feature, x: f32) -> f64 {
        if x <= 0.0 {
            return 0.0;
        }
        self.tails.get(feature as usize * BINS + bin_of(x)).copied().unwrap_or(0.0).into()
    }

    /// How rarely a rule hits, in nats.
    pub(crate) fn rule_tail(&self, id: &str) -> f64 {
        let hits = self.rules.get(&text(id)).copied().unwrap_or(0);
        ((f64::from(self.changes) + 1.0) / (f64::from(hits) + 1.0)).ln()
    }
}

/// The days, today's included.
#[derive(Debug, Clone)]
pub(crate) struct Spread {
    days: BTreeMap<u16, Day>,
    /// The first day there ever was.
    first: Option<u16>,
    keep: usize,
    dropped: Vec<u16>,
    frozen: Option<(u16, Option<Frozen>)>,
}

impl Spread {
    pub(crate) fn new(days: u32) -> Self {
        let keep = usize::try_from(days).unwrap_or(usize::MAX).max(1);
        Self { days: BTreeMap::new(), first: None, keep, dropped: Vec::new(), frozen: None }
    }

    /// What `today` is compared with; `None` while too little is known.
    pub(crate) fn frozen(&mut self, today: u16) -> Option<&Frozen> {
        if self.frozen.as_ref().is_none_or(|(day, _)| *day != today) {
            self.frozen = Some((today, self.freeze(today)));
        }
        self.frozen.as_ref().and_then(|(_, frozen)| frozen.as_ref())
    }

    /// The first day of which something can be said; `None` before anything was learned.
    fn settled(&self) -> Option<u16> {
        Some(self.first?.saturating_add(u16::try_from(SETTLING_DAYS).unwrap_or(0)))
    }

    /// Whether enough was learned before `today` that what is new says something.
    pub(crate) fn is_settled(&self, today: u16) -> bool {
        self.settled().is_some_and(|settled| settled <= today)
    }

    /// The days of which something can be said, as far as they are kept.
    pub(crate) fn days(&self) -> Vec<u16> {
        let settled = self.settled().unwrap_or(u16::MAX);
        self.days.range(settled..).map(|(day, _)| *day).collect()
    }

    fn freeze(&self, today: u16) -> Option<Frozen> {
        self.freeze_between(0, today)
    }

    /// What the days from `from` to before `today` give.
    pub(crate) fn freeze_between(&self, from: u16, today: u16) -> Option<Frozen> {
        let settled = self.settled()?.max(from);
        let mut counts = vec![0u32; FEATURES * BINS];
        let (mut calls, mut changes, mut rules) = (0, 0, BTreeMap::new());
        for (_, day) in self.days.range(settled.min(today)..today).rev().take(self.keep) {
            calls += day.calls;
            changes += day.changes;
            for (sum, count) in counts.iter_mut().zip(&day.bins) {
                *sum += count;
            }
            for (rule, count) in &day.rules {
                *rules.entry(*rule).or_default() += count;
            }
        }
        if changes < LEAST_CHANGES {
            return None;
        }
        let mut tails = vec![0f32; FEATURES * BINS];
        for ((feature, tails), counts) in
            Feature::ALL.into_iter().zip(tails.chunks_exact_mut(BINS)).zip(counts.chunks_exact(BINS))
        {
            let of = if feature.is_of_call() { calls } else { changes };
            right_tails(counts, of, tails);
        }
        Some(Frozen { tails, changes, rules })
    }

    /// Counts what was measured of a change; `first` is true for the first change of its call.
    pub(crate) fn learn<'r>(&mut self, today: u16, row: &Row, first: bool, rules: impl Iterator<Item = &'r str>) {
        // A day ahead may have been asked about before this one ended.
        self.frozen.take_if(|(day, _)| *day > today);
        self.first.get_or_insert(today);
        let day = self.days.entry(today).or_default();
        day.dirty = true;
        day.calls = day.calls.saturating_add(first.into());
        day.changes = day.changes.saturating_add(1);
        for (feature, x) in Feature::ALL.into_iter().zip(row.values()) {
            if *x > 0.0
                && (first || !feature.is_of_call())
                && let Some(count) = day.bins.get_mut(feature as usize * BINS + bin_of(*x))
            {
                *count += 1;
            }
        }
        for rule in rules {
            *day.rules.entry(text(rule)).or_default() += 1;
        }
        // What falls out of the window could not be seen again, however many days pass.
        while self.days.len() > self.keep + SETTLING_DAYS + 1 {
            if let Some((day, _)) = self.days.pop_first() {
                self.dropped.push(day);
            }
        }
    }

    /// Takes back what [`delta`](Self::delta) gave out, in any order.
    pub(crate) fn restore(&mut self, entry: &Entry) {
        let (Some(value), Ok(day)) = (entry.value.as_deref(), entry.key.as_slice().try_into()) else { return };
        let day = u16::from_be_bytes(day);
        // Bins are found by a feature's place in a row: those of other features would count for the wrong ones.
        if let Some((first, read)) = Day::decode(value) {
            self.first = Some(first);
            self.days.insert(day, read);
        } else {
            self.dropped.push(day);
        }
    }

    /// Adds the days that changed since the last call.
    pub(crate) fn delta(&mut self, delta: &mut StateDelta) {
        let first = self.first.unwrap_or(0);
        for (number, day) in self.days.iter_mut().filter(|(_, day)| day.dirty) {
            day.dirty = false;
            delta.set(SPACE, number.to_be_bytes(), day.encode(first));
        }
        // A day that could not be read may have begun anew.
        for day in self.dropped.drain(..).filter(|day| !self.days.contains_key(day)) {
            delta.remove(SPACE, day.to_be_bytes());
        }
    }
}

/// `-ln((k + 1) / (n + 1))` for each bin, where `k` of `n` numbers lie in it or above.
fn right_tails(counts: &[u32], of: u32, tails: &mut [f32]) {
    let n = f64::from(of) + 1.0;
    let highest = counts.iter().rposition(|count| *count > 0);
    let edge_of_highest = highest.map_or(0.0, edge);
    let mut above = 0u32;
    for (bin, (count, tail)) in counts.iter().zip(tails.iter_mut()).enumerate().rev() {
        above = above.saturating_add(*count);
        let beyond = if highest.is_none_or(|highest| bin > highest) {
            ((edge(bin) - edge_of_highest) / (edge_of_highest + 1.0)).min(2.0)
        } else {
            0.0
        };
        *tail = as_f32((n / (f64::from(above.min(of)) + 1.0)).ln() + beyond);
    }
}

/// The least number in a bin.
fn edge(bin: usize) -> f64 {
    let (doublings, step) = (bin / STEPS, bin % STEPS);
    (1u64 << doublings) as f64 * (1.0 + step as f64 / STEPS as f64) - 1.0
}

/// Reads the bin off the number's own exponent and leading digits.
fn bin_of(x: f32) -> usize {
    const DIGITS: u32 = 23 - STEPS.ilog2();
    let one = 1.0f32.to_bits() >> DIGITS;
    let bits = (1.0 + x.max(0.0)).to_bits() >> DIGITS;
    (bits.saturating_sub(one) as usize).min(BINS - 1)
}

#[expect(clippy::cast_possible_truncation, reason = "a tail is good to seven digits")]
fn as_f32(x: f64) -> f32 {
    x as f32
}

impl Day {
    fn encode(&self, first: u16) -> Vec<u8> {
        let mut out = FEATURES_VERSION.to_be_bytes().to_vec();
        out.extend(first.to_be_bytes());
        for number in [self.calls, self.changes, u32::try_from(self.rules.len()).unwrap_or(0)] {
            out.extend(number.to_be_bytes());
        }
        for (rule, count) in &self.rules {
            out.extend(rule.to_be_bytes());
            out.extend(count.to_be_bytes());
        }
        for (bin, count) in (0u16..).zip(&self.bins).filter(|(_, count)| **count > 0) {
            out.extend(bin.to_be_bytes());
            out.extend(count.to_be_bytes());
        }
        out
    }

    /// The first day of all and this one; `None` if the bytes are none of `encode`'s, or of other features.
    fn decode(bytes: &[u8]) -> Option<(u16, Self)> {
        let (_, bytes) =
            bytes.split_first_chunk().filter(|(version, _)| **version == FEATURES_VERSION.to_be_bytes())?;
        let (first, rest) = bytes.split_first_chunk()?;
        let (head, rest) = rest.split_first_chunk::<12>()?;
        let &[calls, changes, rules] = head.as_chunks::<4>().0 else { return None };
        let rules = usize::try_from(u32::from_be_bytes(rules)).ok()?;
        let (rules, rest) = rest.split_at_checked(rules.checked_mul(12)?)?;
        let (bins, rest) = rest.as_chunks::<6>();
        let rule = |bytes: &[u8; 12]| {
            Some((u64::from_be_bytes(*bytes.first_chunk()?), u32::from_be_bytes(*bytes.last_chunk()?)))
        };
        let mut day = Self {
            calls: u32::from_be_bytes(calls),
            changes: u32::from_be_bytes(changes),
            rules: rules.as_chunks().0.iter().map(rule).collect::<Option<_>>()?,
            ..Self::default()
        };
        for &[high, low, a, b, c, d] in bins {
            *day.bins.get_mut(usize::from(u16::from_be_bytes([high, low])))? = u32::from_be_bytes([a, b, c, d]);
        }
        rest.is_empty().then_some((u16::from_be_bytes(*first), day))
    }
}

#[cfg(test)]
mod tests {
    use super::{BINS, Spread, bin_of, edge};
    use crate::features::{FEATURES_VERSION, Feature, Row};
    use tagwarden_core::StateDelta;

    fn row(feature: Feature, x: f64) -> Row {
        let mut row = Row::default();
        row.raise(feature, x);
        row
    }

    fn taught() -> Spread {
        let mut spread = Spread::new(28);
        for day in 1..=10 {
            for n in 0..100 {
                let hit = (n == 0).then_some("rule");
                spread.learn(day, &row(Feature::Region, f64::from(n) / 10.0), true, hit.into_iter());
            }
        }
        spread
    }

    #[test]
    fn bins_keep_the_order_and_their_edges() {
        for bin in 0..BINS {
            #[expect(clippy::cast_possible_truncation, reason = "test numbers")]
            let x = edge(bin) as f32;
            assert_eq!(bin_of(x + 1e-4 * (1.0 + x)), bin, "{x}");
        }
        assert_eq!([bin_of(-1.0), bin_of(f32::NAN), bin_of(1e9)], [0, 0, BINS - 1]);
    }

    #[test]
    fn tails_rise_and_go_on_beyond_what_was_seen() {
        let mut spread = taught();
        assert!(spread.frozen(4).is_none(), "the first days are no reference");
        let frozen = spread.frozen(11).expect("a reference");
        assert!(frozen.tail(Feature::Region, 0.0) == 0.0);
        let tails: Vec<f64> = (1u8..40).map(|n| frozen.tail(Feature::Region, f32::from(n) / 2.0)).collect();
        assert!(tails.is_sorted(), "{tails:?}");
        assert!((frozen.tail(Feature::Region, 5.0) - 2f64.ln()).abs() < 0.1);
        assert!(frozen.tail(Feature::Region, 30.0) > frozen.tail(Feature::Region, 15.0));
        assert!(frozen.rule_tail("rule") < frozen.rule_tail("another"));
    }

    #[test]
    fn a_day_is_stored_and_read_back() {
        let mut spread = taught();
        let mut delta = StateDelta::default();
        spread.delta(&mut delta);
        let mut again = Spread::new(28);
        delta.entries.iter().rev().for_each(|entry| again.restore(entry));
        let (was, is) = (spread.frozen(11).expect("one").clone(), again.frozen(11).expect("one").clone());
        assert_eq!((was.tails, was.rules, was.changes), (is.tails, is.rules, is.changes));
    }

    #[test]
    fn days_of_other_features_are_no_reference_and_do_not_stay() {
        let (mut spread, mut delta) = (taught(), StateDelta::default());
        spread.delta(&mut delta);
        let mut again = Spread::new(28);
        for entry in &mut delta.entries {
            let version = entry.value.as_mut().and_then(|value| value.first_chunk_mut::<4>()).expect("a version");
            *version = (FEATURES_VERSION + 1).to_be_bytes();
            again.restore(entry);
        }
        assert!(again.frozen(11).is_none() && !again.is_settled(11), "what is new says nothing yet");
        // The newest day goes on under the features of now.
        again.learn(10, &row(Feature::Region, 1.0), true, std::iter::empty());
        let mut delta = StateDelta::default();
        again.delta(&mut delta);
        let kept = |entry: &&tagwarden_core::Entry| entry.value.is_some();
        let kept: Vec<_> = delta.entries.iter().filter(kept).map(|entry| entry.key.as_slice()).collect();
        assert_eq!((kept, delta.entries.len()), (vec![&10u16.to_be_bytes()[..]], 10));
    }
}
