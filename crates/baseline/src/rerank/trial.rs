//! Whether verdicts help: judged alerts, ranked by what the others teach.

use serde::Serialize;

use super::{Example, Rerank};
use crate::hash::mix;

const FOLDS: usize = 5;
/// Samples drawn with replacement for an interval.
const DRAWS: u64 = 1000;

/// How well incidents are ranked among other judged alerts and groups: by the score alone, and by what the other folds
/// taught.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trial {
    /// Average precision: score alone.
    pub average_precision: Interval,
    /// Re-ranked.
    pub average_precision_reranked: Interval,
    /// Area under the ROC curve: score alone.
    pub roc_auc: Interval,
    /// Re-ranked.
    pub roc_auc_reranked: Interval,
    /// How much average precision is gained.
    pub gain: Interval,
}

/// A figure, and the 95 % interval that a bootstrap gives (Efron: "Bootstrap methods", 1979).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The figure.
    pub is: f64,
    /// 2.5 % of the samples lie below.
    pub low: f64,
    /// 2.5 % of the samples lie above.
    pub high: f64,
}

impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.3} ({:.3} to {:.3})", self.is, self.low, self.high)
    }
}

impl Trial {
    /// Five-fold cross-validation. A fold is a stretch of time, so that the alerts of one incident, which are much alike,
    /// are rarely in two.
    pub(super) fn of(alerts: &[Example], groups: &[Example], seed: u64) -> Self {
        let kind = |incident: bool| alerts.iter().filter(|alert| alert.incident == incident).copied().collect();
        let kinds: [Vec<Example>; 3] = [kind(true), kind(false), groups.to_vec()];
        let mut ranked = Vec::with_capacity(alerts.len() + groups.len());
        for fold in 0..FOLDS {
            let parts = kinds.each_ref().map(|all| without(all, fold));
            let [(incidents, _), (others, _), (groups, _)] = &parts;
            let rerank = Rerank::of(&[incidents.as_slice(), others].concat(), groups);
            ranked.extend(parts.iter().flat_map(|(_, held_out)| held_out).map(|example| Ranked {
                incident: example.incident,
                scores: [example.score, rerank.score(example.score, &example.families, example.rules)],
            }));
        }
        let figures = Figures::of(&ranked);
        let (incidents, others): (Vec<_>, Vec<_>) = ranked.into_iter().partition(|ranked| ranked.incident);
        let mut drawn: Vec<Figures> = Vec::new();
        for draw in 0..DRAWS {
            let from = |all: &[Ranked], part: u64| -> Vec<Ranked> {
                let pick = |at: u64| all.get(below(mix(mix(seed, part), mix(draw, at)), all.len())).copied();
                (0..all.len() as u64).filter_map(pick).collect()
            };
            drawn.push(Figures::of(&[from(&incidents, 0), from(&others, 1)].concat()));
        }
        let interval = |figure: fn(&Figures) -> f64| {
            let mut all: Vec<f64> = drawn.iter().map(figure).collect();
            all.sort_unstable_by(f64::total_cmp);
            let tail = all.len() / 40;
            let at = |place: usize| all.get(place).copied().unwrap_or_default();
            Interval { is: figure(&figures), low: at(tail), high: at(all.len().saturating_sub(tail + 1)) }
        };
        Self {
            average_precision: interval(|figures| figures.precision[0]),
            average_precision_reranked: interval(|figures| figures.precision[1]),
            roc_auc: interval(|figures| figures.auc[0]),
            roc_auc_reranked: interval(|figures| figures.auc[1]),
            gain: interval(|figures| figures.precision[1] - figures.precision[0]),
        }
    }

    /// More average precision, and not by chance.
    pub(super) fn is_better(&self) -> bool {
        self.gain.low > 0.0
    }
}

/// All but one of [`FOLDS`] stretches of equal length, and that one.
fn without(all: &[Example], fold: usize) -> (Vec<Example>, Vec<Example>) {
    let edge = |fold: usize| fold * all.len() / FOLDS;
    let (before, rest) = all.split_at(edge(fold));
    let (inside, after) = rest.split_at(edge(fold + 1) - edge(fold));
    ([before, after].concat(), inside.to_vec())
}

/// A number below `end` from random bits.
#[expect(clippy::cast_possible_truncation, reason = "the upper half of the product is below `end`")]
fn below(bits: u64, end: usize) -> usize {
    ((u128::from(bits) * end as u128) >> 64) as usize
}

#[derive(Debug, Clone, Copy)]
struct Ranked {
    incident: bool,
    /// Alone, and re-ranked.
    scores: [f64; 2],
}

#[derive(Debug, Clone, Copy)]
struct Figures {
    precision: [f64; 2],
    auc: [f64; 2],
}

impl Figures {
    fn of(ranked: &[Ranked]) -> Self {
        let [alone, again] = [0, 1].map(|by| figures(ranked, by));
        Self { precision: [alone.0, again.0], auc: [alone.1, again.1] }
    }
}

/// Average precision and the area under the ROC curve; equal scores are one step.
fn figures(ranked: &[Ranked], by: usize) -> (f64, f64) {
    let mut order: Vec<(f64, bool)> = ranked.iter().map(|ranked| (ranked.scores[by], ranked.incident)).collect();
    order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let all = order.iter().filter(|(_, incident)| *incident).count() as f64;
    let (mut hits, mut misses, mut precision, mut area) = (0.0, 0.0, 0.0, 0.0);
    for step in order.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let incidents = step.iter().filter(|(_, incident)| *incident).count() as f64;
        let others = step.len() as f64 - incidents;
        area += others * (hits + incidents / 2.0);
        (hits, misses) = (hits + incidents, misses + others);
        precision += incidents / all * hits / (hits + misses);
    }
    (precision, area / (all * misses))
}
