//! The score: the oddest families of features, and the rules by how rarely they hit here.
//!
//! Features are compared as tails ([`crate::spread`]). Within a family the oddest speaks for all. Of the families the
//! three oddest count in full and the next three less and less: an attack is rarely odd in one way only, and a change
//! that is a little odd in every way is ordinary life. A call that is odd enough speaks alone. A call that changes
//! nothing by itself, a read or a sign-in, is worth less; what was odd about it speaks on in the changes of the hour
//! after it.

use tagwarden_core::{Parts, RuleHit, Severity};

use crate::Kind;
use crate::features::{Family, Feature, Row};
use crate::spread::Frozen;

/// What the oddest families count for, oddest first.
const WEIGHTS: [f64; 6] = [1.0, 1.0, 1.0, 0.7, 0.5, 0.3];
/// What an odd call counts for where it outweighs all families together. Of ordinary changes one in 200 has a weighted
/// sum 2.5 times the tail that one in 200 has in its oddest family, whichever that is. The call is what nobody can do in
/// another's usual way; all else is odd too often to speak alone.
const CALL_ALONE: f64 = 2.5;
/// What the tail of a trained forest's score counts for.
const FOREST: f64 = 0.5;
/// What a call that changes nothing is worth less, in nats.
const QUIET: f64 = 3.0;
/// A rule that hits never gets this much per step of severity; one that hits daily gets less, as its hits are rare.
const PER_SEVERITY: f64 = 4.0;
/// Rarity from which a rule counts in full, in nats: once in 22,000 changes.
const RARE: f64 = 10.0;

/// The oddest feature of each family, and its tail.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Oddest {
    by_family: [(f64, Option<Feature>); Family::COUNT],
}

impl Oddest {
    pub(crate) fn of(row: &Row, frozen: &Frozen) -> Self {
        let mut oddest = Self::default();
        for (feature, x) in Feature::ALL.into_iter().zip(row.values()) {
            if *x <= 0.0 {
                continue;
            }
            let tail = frozen.tail(feature, *x);
            if let Some(slot) = oddest.by_family.get_mut(feature.family() as usize)
                && tail > slot.0
            {
                *slot = (tail, Some(feature));
            }
        }
        oddest
    }

    /// Families by their oddest feature, oddest first; equal ones in their own order.
    pub(crate) fn ranked(&self) -> impl Iterator<Item = (f64, Feature)> {
        let mut ranked = self.by_family;
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        ranked.into_iter().filter_map(|(tail, feature)| Some((tail, feature?)))
    }

    /// Each family's tail, in the order of [`Family`]: what a model learns from.
    pub(crate) fn families(&self) -> [f32; Family::COUNT] {
        self.by_family.map(|(tail, _)| crate::features::as_f32(tail))
    }

    /// The weighted sum, or what the call is worth alone.
    pub(crate) fn sum(&self) -> f64 {
        // Mostly a handful of families is odd at all: each finds its place among the oddest so far.
        let mut oddest = [0.0f64; WEIGHTS.len()];
        for (mut tail, _) in self.by_family.into_iter().filter(|(tail, _)| *tail > 0.0) {
            for place in &mut oddest {
                (*place, tail) = (place.max(tail), place.min(tail));
            }
        }
        let together: f64 =
            oddest.into_iter().zip(WEIGHTS).filter(|(tail, _)| *tail > 0.0).map(|(tail, weight)| tail * weight).sum();
        together.max(self.call_alone())
    }

    fn call_alone(&self) -> f64 {
        CALL_ALONE * self.by_family[Family::What as usize].0
    }

    /// What each family adds to the sum.
    fn weighted(&self) -> [f64; Family::COUNT] {
        let mut all = [0.0; Family::COUNT];
        for ((tail, feature), weight) in self.ranked().zip(WEIGHTS) {
            all[feature.family() as usize] = tail * weight;
        }
        let alone = self.call_alone();
        if alone > all.iter().sum() {
            all = [0.0; Family::COUNT];
            all[Family::What as usize] = alone;
        }
        all
    }
}

/// The score of a change that no rule hit: `tails` are the weighted families, `forest` and `distance` the tails of what
/// a model says; without one both are 0.
pub(crate) fn score(kind: Kind, tails: f64, forest: f64, distance: f64, quiet: bool) -> f64 {
    let whole = match kind {
        Kind::Blend => tails + FOREST * forest,
        Kind::Forest => forest,
        Kind::Dbscan => distance,
    };
    if quiet { (whole - QUIET).max(0.0) } else { whole }
}

/// What [`score`] is the sum of; `shares` says which family the forest speaks of, 1 in sum.
pub(crate) fn parts(
    kind: Kind,
    oddest: &Oddest,
    forest: f64,
    shares: &[f64; Family::COUNT],
    distance: f64,
    quiet: bool,
) -> Parts {
    let (families, forest, distance) = match kind {
        Kind::Blend => (oddest.weighted(), FOREST * forest, 0.0),
        Kind::Forest => ([0.0; Family::COUNT], forest, 0.0),
        Kind::Dbscan => ([0.0; Family::COUNT], 0.0, distance),
    };
    let mut parts = Parts { families, forest: shares.map(|share| share * forest), distance, ..Parts::default() };
    if quiet {
        parts.quiet = -QUIET.min(parts.sum());
    }
    parts
}

/// What the rules that hit add to the score: the weightiest counts.
pub(crate) fn rules(hits: &[RuleHit], frozen: &Frozen) -> f64 {
    let weight = |hit: &RuleHit| {
        let steps = match hit.severity {
            Severity::Info => 0.0,
            Severity::Low => 1.0,
            Severity::Medium => 2.0,
            Severity::High => 3.0,
            Severity::Critical => 4.0,
        };
        PER_SEVERITY * steps * frozen.rule_tail(&hit.id).min(RARE) / RARE
    };
    hits.iter().map(weight).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::{CALL_ALONE, Oddest, rules, score};
    use crate::Kind;
    use crate::features::{Family, Feature, Row};
    use crate::spread::{BINS, Frozen};
    use tagwarden_core::{RuleHit, Severity};

    /// A place where every oddness has a tail of its own bin's number, and one rule of two hits every tenth time.
    fn frozen() -> Frozen {
        let tails = (0..Feature::ALL.len() * BINS).map(|at| crate::features::as_f32((at % BINS) as f64)).collect();
        Frozen { tails, changes: 99_999, rules: [(crate::hash::text("daily"), 9_999)].into() }
    }

    fn row(odd: &[(Feature, f64)]) -> Row {
        let mut row = Row::default();
        for (feature, x) in odd {
            row.raise(*feature, *x);
        }
        row
    }

    fn same(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    fn sum(odd: &[(Feature, f64)]) -> f64 {
        Oddest::of(&row(odd), &frozen()).sum()
    }

    #[test]
    fn the_oddest_of_a_family_speaks_for_all() {
        let one = sum(&[(Feature::Region, 3.0)]);
        assert!(one > 0.0 && same(sum(&[(Feature::Region, 3.0), (Feature::Account, 1.0)]), one));
        assert!(sum(&[(Feature::Region, 3.0), (Feature::Tool, 1.0)]) > one);
        let ranked: Vec<_> =
            Oddest::of(&row(&[(Feature::Tool, 1.0), (Feature::Account, 3.0), (Feature::Region, 2.0)]), &frozen())
                .ranked()
                .map(|(_, feature)| feature)
                .collect();
        assert_eq!(ranked, [Feature::Account, Feature::Tool], "oddest first, none for what is ordinary");
    }

    #[test]
    fn three_families_count_in_full_and_three_less_and_less() {
        let mut of_families: Vec<Feature> =
            Feature::ALL.into_iter().fold(vec![], |mut firsts: Vec<Feature>, feature| {
                if firsts.iter().all(|first| first.family() != feature.family()) {
                    firsts.push(feature);
                }
                firsts
            });
        assert_eq!(of_families.len(), Family::COUNT);
        // The call would speak alone.
        of_families.sort_by_key(|feature| feature.family() == Family::What);
        let odd: Vec<(Feature, f64)> = of_families.iter().map(|feature| (*feature, 1.0)).collect();
        let one = sum(&odd[..1]);
        let gained: Vec<f64> = (1..=9).map(|n| (sum(&odd[..n]) - sum(&odd[..n - 1])) / one).collect();
        for (gained, wanted) in gained.into_iter().zip([1.0, 1.0, 1.0, 0.7, 0.5, 0.3, 0.0, 0.0, 0.0]) {
            assert!((gained - wanted).abs() < 1e-9, "{gained} {wanted}");
        }
    }

    #[test]
    fn a_call_speaks_alone_until_all_together_say_more() {
        let one = sum(&[(Feature::Region, 3.0)]);
        let call = (Feature::Action, 3.0);
        assert!(same(sum(&[call]), CALL_ALONE * one));
        assert!(same(sum(&[call, (Feature::Region, 3.0)]), CALL_ALONE * one), "two say less");
        let three = [call, (Feature::Region, 3.0), (Feature::Tool, 3.0)];
        assert!(same(sum(&three), 3.0 * one));
        for odd in [&three[..1], &three[..2], &three] {
            let oddest = Oddest::of(&row(odd), &frozen());
            assert!(same(oddest.weighted().iter().sum(), oddest.sum()), "parts are of the same sum");
        }
    }

    #[test]
    fn a_rule_weighs_by_severity_and_by_how_rarely_it_hits() {
        let hit = |id: &str, severity| RuleHit { id: id.into(), title: id.into(), severity, reason: None };
        let weight = |hits: &[RuleHit]| rules(hits, &frozen());
        let (daily, rare) = (hit("daily", Severity::High), hit("rare", Severity::High));
        assert!((weight(std::slice::from_ref(&rare)) - 12.0).abs() < 1e-9, "three steps of four, in full");
        let (often, worst) = (weight(std::slice::from_ref(&daily)), weight(&[hit("rare", Severity::Critical)]));
        assert!(often > 0.0 && often < 3.0 && worst > 15.0, "{often} {worst}");
        assert!(same(weight(&[daily, rare.clone()]), weight(&[rare])), "the weightiest");
        assert!(weight(&[hit("rare", Severity::Info)]) == 0.0 && weight(&[]) == 0.0);
    }

    #[test]
    fn a_read_is_worth_less_but_never_less_than_nothing() {
        assert!(score(Kind::Blend, 10.0, 0.0, 0.0, true) < score(Kind::Blend, 10.0, 0.0, 0.0, false));
        assert!(score(Kind::Blend, 1.0, 0.0, 0.0, true) == 0.0);
        assert!(score(Kind::Blend, 1.0, 4.0, 9.0, false) > 1.0, "the forest has a say");
        assert!(same(score(Kind::Forest, 1.0, 4.0, 9.0, false), 4.0));
        assert!(same(score(Kind::Dbscan, 1.0, 4.0, 9.0, false), 9.0));
    }
}
