//! The lines behind the plots: recall against groups a day, precision against recall.

use std::collections::BTreeSet;

use super::Judged;
use super::groups::{by_day, ranked};

/// Groups a day up to which recall is drawn.
pub const MOST_A_DAY: usize = 50;
/// Points of a precision-recall curve, about.
const POINTS: usize = 300;

/// The lines of one scorer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curves {
    /// The share of attacks found at 1, 2, .. [`MOST_A_DAY`] groups a day; 0 if there is no attack.
    pub recall: Vec<f64>,
    /// Recall and precision over events, by falling score.
    pub precision: Vec<(f64, f64)>,
}

/// Draws the lines of `scores`, one per case.
pub fn curves(judged: &Judged, scores: &[f64]) -> Curves {
    let attacks: BTreeSet<usize> = judged.cases.iter().filter_map(super::Case::attack).collect();
    let groups = ranked(judged, scores);
    let days = by_day(&groups);
    let mut found = BTreeSet::new();
    let recall = (0..MOST_A_DAY).map(|place| {
        let told = days.values().filter_map(|day| day.get(place));
        found.extend(told.flat_map(|group| group.attacks.iter().copied()));
        found.len() as f64 / attacks.len().max(1) as f64
    });
    let recall = recall.collect();
    let total = judged.cases.iter().filter(|case| case.attack().is_some()).count() as f64;
    let mut precision = Vec::new();
    let mut drawn = f64::NEG_INFINITY;
    steps(judged, scores, &|_| 1.0, |hit, missed| {
        let recall = hit / total.max(1.0);
        if recall - drawn >= 1.0 / POINTS as f64 {
            precision.push((recall, hit / (hit + missed)));
            drawn = recall;
        }
    });
    Curves { recall, precision }
}

/// Goes down the scores, equal ones in one step, and gives the weight hit and the number of others so far.
pub(super) fn steps(judged: &Judged, scores: &[f64], weight: &impl Fn(usize) -> f64, mut step: impl FnMut(f64, f64)) {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    // A stable sort: within a step weights are added up in the order of the cases.
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let (mut hit, mut missed) = (0.0, 0.0);
    for equal in order.chunk_by(|a, b| scores[*a].total_cmp(&scores[*b]).is_eq()) {
        for at in equal {
            match judged.cases[*at].attack() {
                Some(attack) => hit += weight(attack),
                None => missed += 1.0,
            }
        }
        step(hit, missed);
    }
}
