//! The days that a change is compared with: how scores were spread, and which groups stood out.

use std::collections::{BTreeMap, BTreeSet};

use tagwarden_core::{Entry, StateDelta};

use crate::Settings;
use crate::features::FEATURES_VERSION;
use crate::surprisal::ORDINARY;

/// Groups kept per day, highest first.
pub(crate) const GROUPS_KEPT: usize = 64;
pub(crate) const SPACE: &str = "reference";
const BINS: usize = 512;
/// Bins per doubling of `1 + score`: at a score of 20 nats a bin is 0.23 nats wide; the last begins at 254.
const PER_DOUBLING: f64 = 64.0;
/// Fewer changes than this are no reference.
const LEAST_CHANGES: u64 = 300;
/// However rarely a place changes, what is no rarer than this among its changes is not anomalous.
const LEAST_SHARE: f64 = 0.98;

#[derive(Debug, Clone)]
struct Day {
    /// What its scores are of: those of two models are not compared.
    scale: u64,
    /// Changes by score.
    bins: Vec<u32>,
    /// The highest score of each group (one actor within one hour), of the highest groups, in no order.
    groups: Vec<(f64, u64)>,
    /// The lowest of those groups once there are as many as are kept: what is lower changes nothing.
    lowest: Option<f64>,
    /// The score of the day's last group within what a day may tell; `None` while there is room.
    full: Option<f64>,
    dirty: bool,
}

impl Day {
    fn new() -> Self {
        Self { scale: 0, bins: vec![0; BINS], groups: Vec::new(), lowest: None, full: None, dirty: false }
    }

    fn learn(&mut self, score: f64, group: u64, most: usize) {
        if let Some(bin) = self.bins.get_mut(bin_of(score)) {
            *bin = bin.saturating_add(1);
        }
        self.dirty = true;
        if self.lowest.is_some_and(|lowest| score < lowest) {
            return;
        }
        if let Some((highest, _)) = self.groups.iter_mut().find(|(_, g)| *g == group) {
            if *highest >= score {
                return;
            }
            *highest = score;
        } else if self.groups.len() < GROUPS_KEPT {
            self.groups.push((score, group));
        } else if let Some(lowest) = self.groups.iter_mut().min_by(|a, b| order(a, b))
            && order(lowest, &(score, group)).is_lt()
        {
            *lowest = (score, group);
        }
        self.find_lowest();
        self.find_full(most);
    }

    /// Finds the `most`-highest group.
    fn find_full(&mut self, most: usize) {
        let mut scores: Vec<f64> = self.groups.iter().map(|(score, _)| *score).collect();
        let at = most.saturating_sub(1);
        self.full = (at < scores.len()).then(|| *scores.select_nth_unstable_by(at, |a, b| b.total_cmp(a)).1);
    }

    fn find_lowest(&mut self) {
        if self.groups.len() >= GROUPS_KEPT {
            self.lowest = self.groups.iter().map(|(score, _)| *score).min_by(f64::total_cmp);
        }
    }

    fn encode(&self) -> Vec<u8> {
        let used: Vec<_> = (0u16..).zip(&self.bins).filter(|(_, count)| **count > 0).collect();
        let mut groups = self.groups.clone();
        groups.sort_by(order);
        let mut out = self.scale.to_be_bytes().to_vec();
        out.extend(u16::try_from(used.len()).unwrap_or(0).to_be_bytes());
        for (bin, count) in used {
            out.extend(bin.to_be_bytes());
            out.extend(count.to_be_bytes());
        }
        for (score, group) in groups {
            out.extend(score.to_be_bytes());
            out.extend(group.to_be_bytes());
        }
        out
    }

    /// `None` if the bytes are none of [`encode`](Self::encode)'s.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (scale, rest) = bytes.split_first_chunk::<8>()?;
        let (used, rest) = rest.split_first_chunk::<2>()?;
        let (bins, groups) = rest.split_at_checked(usize::from(u16::from_be_bytes(*used)) * 6)?;
        let mut day = Self { scale: u64::from_be_bytes(*scale), ..Self::new() };
        for &[b0, b1, c0, c1, c2, c3] in bins.as_chunks::<6>().0 {
            *day.bins.get_mut(usize::from(u16::from_be_bytes([b0, b1])))? = u32::from_be_bytes([c0, c1, c2, c3]);
        }
        let (groups, rest) = groups.as_chunks::<16>();
        for group in groups {
            let (score, group) = (group.first_chunk()?, group.last_chunk()?);
            day.groups.push((f64::from_be_bytes(*score), u64::from_be_bytes(*group)));
        }
        day.find_lowest();
        rest.is_empty().then_some(day)
    }
}

/// By score; equal scores by group, so that it does not matter in which order groups came.
fn order(a: &(f64, u64), b: &(f64, u64)) -> std::cmp::Ordering {
    a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
}

/// The reference of one day, frozen at its turn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frozen {
    /// Changes in lower bins, by bin.
    pub(crate) below: Vec<u64>,
    pub(crate) total: u64,
    /// The score above which a change is anomalous.
    pub(crate) threshold: f64,
}

impl Frozen {
    /// From the number of changes in each bin, and the scores of groups of which so many may be told.
    pub(crate) fn new(bins: impl IntoIterator<Item = u64>, mut groups: Vec<f64>, may_tell: usize) -> Self {
        let mut total = 0;
        let mut below = Vec::with_capacity(BINS);
        for count in bins {
            below.push(total);
            total += count;
        }
        groups.sort_by(|a, b| b.total_cmp(a));
        let by_groups = groups.get(may_tell).copied().unwrap_or(0.0);
        let ordinary = below.partition_point(|below| (*below as f64) < LEAST_SHARE * total as f64);
        Self { below, total, threshold: by_groups.max(edge(ordinary)).max(ORDINARY) }
    }

    /// From scores, each of one change.
    pub(crate) fn of_scores(scores: impl Iterator<Item = f64>, groups: Vec<f64>, may_tell: usize) -> Self {
        let mut bins = vec![0; BINS];
        for score in scores {
            if let Some(bin) = bins.get_mut(bin_of(score)) {
                *bin += 1;
            }
        }
        Self::new(bins, groups, may_tell)
    }

    /// Share of the reference's changes with a lower score, 0..=100; scores of one bin count as equal.
    pub(crate) fn percentile(&self, score: f64) -> f64 {
        self.below.get(bin_of(score)).map_or(0.0, |below| 100.0 * *below as f64 / self.total as f64)
    }
}

/// The days, today's included.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    days: BTreeMap<u16, Day>,
    keep: usize,
    warm_up: usize,
    alerts_per_day: f64,
    dropped: BTreeSet<u16>,
    /// What scores are of now.
    scale: u64,
    /// What counts until days of this scale are enough.
    until_then: Option<Frozen>,
    /// What the days before this one give: known from them, so not stored.
    frozen: Option<(u16, Option<Frozen>)>,
}

impl Reference {
    pub(crate) fn new(settings: &Settings) -> Self {
        let days = |days: u32| usize::try_from(days).unwrap_or(usize::MAX).max(1);
        Self {
            days: BTreeMap::new(),
            keep: days(settings.reference_days),
            warm_up: days(settings.warm_up_days),
            alerts_per_day: settings.alerts_per_day,
            dropped: BTreeSet::new(),
            // Even, as a model's never is.
            scale: u64::from(FEATURES_VERSION) << 1,
            until_then: None,
            frozen: None,
        }
    }

    /// From now on scores are of this scale; until there are days of it, `until_then` is the reference.
    pub(crate) fn rescale(&mut self, scale: u64, until_then: Frozen) {
        (self.scale, self.until_then, self.frozen) = (scale, Some(until_then), None);
    }

    /// What scores are of now; without a model, which features.
    pub(crate) fn scale(&self) -> u64 {
        self.scale
    }

    /// The day that a change of `day` counts for: a late one counts for the newest day.
    pub(crate) fn today(&self, day: i64) -> u16 {
        let day = u16::try_from(day.max(0)).unwrap_or(u16::MAX);
        self.days.last_key_value().map_or(day, |(&newest, _)| day.max(newest))
    }

    /// What `today` is compared with; `None` while too little is known.
    pub(crate) fn frozen(&mut self, today: u16) -> Option<&Frozen> {
        if self.frozen.as_ref().is_none_or(|(day, _)| *day != today) {
            self.frozen = Some((today, self.freeze(today)));
        }
        self.frozen.as_ref().and_then(|(_, frozen)| frozen.as_ref()).or(self.until_then.as_ref())
    }

    fn freeze(&self, today: u16) -> Option<Frozen> {
        let comparable = self.days.range(..today).rev().map(|(_, day)| day).filter(|day| day.scale == self.scale);
        let days: Vec<&Day> = comparable.take(self.keep).collect();
        let in_bin = |bin| days.iter().filter_map(|day| day.bins.get(bin)).map(|count| u64::from(*count)).sum::<u64>();
        let bins: Vec<u64> = (0..BINS).map(in_bin).collect();
        if days.len() < self.warm_up || bins.iter().sum::<u64>() < LEAST_CHANGES {
            return None;
        }
        let groups = days.iter().flat_map(|day| day.groups.iter().map(|(score, _)| *score)).collect();
        Some(Frozen::new(bins, groups, may_tell(self.alerts_per_day, days.len())))
    }

    /// The score above which a change of `today` is anomalous. On a day that has told what it may on average, a
    /// group must stand out from those told already: an odd day does not wake anybody twenty times.
    pub(crate) fn threshold(&mut self, today: u16) -> Option<f64> {
        let threshold = self.frozen(today)?.threshold;
        let full = self.days.get(&today).filter(|day| day.scale == self.scale).and_then(|day| day.full);
        Some(full.map_or(threshold, |full| threshold.max(full)))
    }

    pub(crate) fn alerts_per_day(&self) -> f64 {
        self.alerts_per_day
    }

    /// Groups that one day may tell.
    fn most(&self) -> usize {
        floor(self.alerts_per_day).max(1)
    }

    /// Takes a change in; true at a day's turn.
    pub(crate) fn learn(&mut self, today: u16, score: f64, group: u64) -> bool {
        // A day ahead may have been asked about before this one ended.
        self.frozen.take_if(|(day, _)| *day > today);
        let most = self.most();
        if let Some(mut newest) = self.days.last_entry()
            && *newest.key() == today
        {
            let newest = newest.get_mut();
            if newest.scale != self.scale {
                *newest = Day { scale: self.scale, ..Day::new() };
            }
            newest.learn(score, group, most);
            return false;
        }
        let mut day = Day { scale: self.scale, ..Day::new() };
        day.learn(score, group, most);
        self.days.insert(today, day);
        // Today is not yet of the reference, so one more than `keep`.
        while self.days.len() > self.keep + 1 {
            self.dropped.extend(self.days.pop_first().map(|(day, _)| day));
        }
        true
    }

    /// Takes back a stored entry of this space.
    pub(crate) fn restore(&mut self, entry: &Entry) {
        if let (Ok(key), Some(day)) =
            (<[u8; 2]>::try_from(entry.key.as_slice()), entry.value.as_deref().and_then(Day::decode))
        {
            let mut day = day;
            day.find_full(self.most());
            self.days.insert(u16::from_be_bytes(key), day);
            self.frozen = None;
        }
    }

    /// Adds the days that changed since the last call.
    pub(crate) fn delta(&mut self, delta: &mut StateDelta) {
        for day in std::mem::take(&mut self.dropped) {
            delta.remove(SPACE, day.to_be_bytes());
        }
        for (number, day) in &mut self.days {
            if std::mem::take(&mut day.dirty) {
                delta.set(SPACE, number.to_be_bytes(), day.encode());
            }
        }
    }
}

/// How many groups may be told in so many days.
pub(crate) fn may_tell(alerts_per_day: f64, days: usize) -> usize {
    floor(alerts_per_day * days as f64)
}

fn bin_of(score: f64) -> usize {
    floor(PER_DOUBLING * (1.0 + score.max(0.0)).log2()).min(BINS - 1)
}

/// The lowest score of a bin.
fn edge(bin: usize) -> f64 {
    (bin as f64 / PER_DOUBLING).exp2() - 1.0
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates at both ends")]
fn floor(x: f64) -> usize {
    x as usize
}

#[cfg(test)]
mod tests {
    use super::{Day, GROUPS_KEPT, Reference, bin_of, edge};
    use crate::Settings;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn settings(alerts_per_day: f64) -> Settings {
        Settings { alerts_per_day, warm_up_days: 1, ..Settings::default() }
    }

    #[test]
    fn bins_keep_the_order() {
        for bin in 0..super::BINS {
            assert_eq!(bin_of(edge(bin) + 1e-9), bin);
        }
        assert_eq!([bin_of(-1.0), bin_of(f64::NAN), bin_of(1e9)], [0, 0, super::BINS - 1]);
    }

    #[test]
    fn so_many_days_are_looked_back_on_and_no_more() {
        let mut reference = Reference::new(&Settings { reference_days: 2, ..settings(3.0) });
        for (day, score) in [(1, 5.0), (2, 10.0), (5, 20.0)] {
            for n in 0..200 {
                reference.learn(day, score, n);
            }
        }
        // Asked the next day, and once that day has begun.
        for _ in 0..2 {
            let frozen = reference.frozen(6).expect("a reference");
            let percentiles = [7.0, 15.0, 30.0].map(|score| format!("{}", frozen.percentile(score)));
            assert_eq!(percentiles, ["0", "50", "100"]);
            reference.learn(6, 40.0, 1);
            reference.frozen = None;
        }
    }

    #[test]
    fn a_quiet_place_is_held_by_the_share_not_by_the_count() {
        let mut reference = Reference::new(&settings(3.0));
        for n in 0..1000u32 {
            reference.learn(1, f64::from(n) / 100.0, 7);
        }
        let threshold = reference.frozen(2).expect("a reference").threshold;
        assert!((9.8..=10.0).contains(&threshold), "one group a day, three allowed: {threshold}");
    }

    #[test]
    fn a_day_that_told_its_share_asks_for_more() {
        let mut reference = Reference::new(&Settings { alerts_per_day: 2.0, warm_up_days: 2, ..Settings::default() });
        for day in 0..2 {
            for n in 0..400 {
                reference.learn(day, 1.0, n % 20);
            }
            reference.learn(day, 10.0, 1000);
        }
        reference.learn(2, 1.0, 0);
        let before = reference.threshold(2).expect("a reference");
        reference.learn(2, 20.0, 1);
        assert_eq!(reference.threshold(2), Some(before));
        reference.learn(2, 30.0, 2);
        assert_eq!(reference.threshold(2), Some(20.0));
        // A restart finds the day as full as it was.
        let mut delta = tagwarden_core::StateDelta::default();
        reference.delta(&mut delta);
        let mut again = Reference::new(&Settings { alerts_per_day: 2.0, warm_up_days: 2, ..Settings::default() });
        delta.entries.iter().for_each(|entry| again.restore(entry));
        assert_eq!(again.threshold(2), Some(20.0));
    }

    proptest! {
        /// On the reference days at most so many groups lie above the threshold, and one more would at any lower one.
        #[test]
        fn the_threshold_keeps_its_promise(
            days in proptest::collection::vec(proptest::collection::vec((0u64..90, 0.0..60.0f64), 100..300), 3..6),
            allowed in 0u32..9,
        ) {
            let mut reference = Reference::new(&settings(f64::from(allowed)));
            let mut highest = BTreeMap::new();
            for (number, day) in (10u16..).zip(&days) {
                for &(group, score) in day {
                    reference.learn(number, score, group);
                    let best = highest.entry((number, group)).or_insert(score);
                    *best = score.max(*best);
                }
            }
            let threshold = reference.frozen(99).expect("a reference").threshold;
            let most = usize::try_from(allowed).expect("small") * days.len();
            prop_assert!(highest.values().filter(|score| **score > threshold).count() <= most);
            // And it is no higher than that asks for, or the share of ordinary changes.
            let lower = (threshold + 1.0) / (1.0 + edge(1)) - 1.0 - 1e-9;
            let above = days.iter().flatten().filter(|(_, score)| *score >= lower).count() as f64;
            let changes = days.iter().map(Vec::len).sum::<usize>() as f64;
            prop_assert!(highest.values().filter(|s| **s >= threshold).count() > most || above > 0.01 * changes || threshold <= 3.0);
        }

        #[test]
        fn the_percentile_rises_with_the_score(scores in proptest::collection::vec(0.0..99.0f64, 300..400), a in 0.0..120.0f64, b in 0.0..120.0f64) {
            let mut reference = Reference::new(&settings(3.0));
            for score in &scores {
                reference.learn(5, *score, 1);
            }
            let frozen = reference.frozen(6).expect("a reference");
            let (low, high) = (frozen.percentile(a.min(b)), frozen.percentile(a.max(b)));
            prop_assert!(low <= high && (0.0..=100.0).contains(&low) && (0.0..=100.0).contains(&high));
            let lower = scores.iter().filter(|score| **score < a).count() as f64 / scores.len() as f64 * 100.0;
            prop_assert!(frozen.percentile(a) <= lower + 1e-9);
            prop_assert!(frozen.percentile(a + 2.0) >= lower - 1e-9);
        }

        #[test]
        fn a_day_is_stored_and_read_back(scores in proptest::collection::vec((0.0..400.0f64, 0u64..200), 0..300)) {
            let mut day = Day::new();
            for (score, group) in &scores {
                day.learn(*score, *group, 6);
            }
            let read = Day::decode(&day.encode()).expect("its own bytes");
            prop_assert_eq!(&read.bins, &day.bins);
            prop_assert_eq!(read.encode(), day.encode());
            // The groups kept are the highest there were, by their highest score.
            let mut highest = BTreeMap::new();
            for (score, group) in scores {
                let best = highest.entry(group).or_insert(score);
                *best = score.max(*best);
            }
            let mut wanted: Vec<f64> = highest.into_values().collect();
            wanted.sort_by(|a, b| b.total_cmp(a));
            wanted.truncate(GROUPS_KEPT);
            let mut kept: Vec<f64> = day.groups.iter().map(|(score, _)| *score).collect();
            kept.sort_by(|a, b| b.total_cmp(a));
            prop_assert_eq!(kept, wanted);
        }
    }
}
