//! A trained model: what was ordinary in a stretch of history, frozen, so that every worker judges by the same.
//!
//! [`crate::Training`] makes one, [`Model::to_bytes`] and [`Model::from_bytes`] carry it. Scores under two models are not
//! compared, so a worker's own reference days begin anew with each ([`Model::scale`]); until there are enough of them the
//! model's own reference stands in.

mod bytes;
mod frozen;

use tagwarden_core::RuleHit;

use crate::Kind;
use crate::blend::{self, Oddest};
use crate::dbscan::{CorePoints, Nearest};
use crate::features::{Family, Row};
use crate::forest::Forest;
use crate::peers::Peers;
use crate::reference;
use crate::rerank::Rerank;
use crate::spread;
use crate::tails::Tails;

pub use bytes::{LAYOUT_VERSION, ModelError};

/// What a model was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The first moment of the window, in milliseconds since 1970.
    pub from: i64,
    /// The first moment after the window.
    pub to: i64,
    /// Events learned from.
    pub events: u64,
    /// Changes learned from.
    pub changes: u64,
    /// Events left out because they belong to incidents.
    pub excluded: u64,
    /// Where all random draws came from.
    pub seed: u64,
    /// The SHA-256 over the files that were read.
    pub data: [u8; 32],
}

/// A trained model.
#[derive(Clone, PartialEq)]
pub struct Model {
    pub(crate) about: About,
    pub(crate) spread: spread::Frozen,
    pub(crate) forest: Forest,
    /// Of the forest's scores; one column.
    pub(crate) forest_tails: Tails,
    pub(crate) core: CorePoints,
    /// Of the distances to the nearest core point; one column.
    pub(crate) distance_tails: Tails,
    /// The window's actors by what they do.
    pub(crate) peers: Peers,
    /// What verdicts taught, if they did.
    pub(crate) rerank: Option<Rerank>,
    /// How scores were spread and the threshold, by [`Kind`].
    pub(crate) references: [reference::Frozen; Kind::ALL.len()],
    pub(crate) scale: u64,
}

/// By what it was made from: a million numbers tell nobody anything.
impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("about", &self.about).field("scale", &self.scale).finish_non_exhaustive()
    }
}

/// What a model's forest says of one change.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct OfForest {
    /// From 0 to 1.
    pub(crate) score: f64,
    /// How rare as high a score is, in nats.
    pub(crate) tail: f64,
}

impl Model {
    /// What it was made from.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The score above which a change is anomalous until a worker has reference days of its own.
    pub fn threshold(&self, kind: Kind) -> f64 {
        self.reference(kind).threshold
    }

    /// The score of a change on which `hits` hit, as [`crate::Baseline::score`] and [`crate::Baseline::add_rules`] have it
    /// under this model.
    pub(crate) fn score(&self, kind: Kind, row: &Row, quiet: bool, hits: &[RuleHit]) -> f64 {
        let oddest = Oddest::of(row, &self.spread);
        let families = oddest.families();
        let (forest, distance) = match kind {
            Kind::Dbscan => (0.0, self.nearest(&families).map_or(0.0, |found| self.distance_tail(found.distance))),
            _ => (self.forest(&families).tail, 0.0),
        };
        let rules = blend::rules(hits, &self.spread);
        let score = blend::score(kind, oddest.sum(), forest, distance, quiet) + rules;
        self.rerank(kind).map_or(score, |rerank| rerank.score(score, &families, rules))
    }

    /// How many core points there are, and the distance within which a change belongs to one.
    pub fn core_points(&self) -> (usize, f32) {
        (self.core.len(), self.core.tolerance())
    }

    pub(crate) fn reference(&self, kind: Kind) -> &reference::Frozen {
        let [blend, forest, dbscan] = &self.references;
        match kind {
            Kind::Blend => blend,
            Kind::Forest => forest,
            Kind::Dbscan => dbscan,
        }
    }

    /// What verdicts add to scores of this kind: those of one tail alone stay what they are.
    pub(crate) fn rerank(&self, kind: Kind) -> Option<&Rerank> {
        self.rerank.as_ref().filter(|_| kind == Kind::Blend)
    }

    /// What scores of this kind are of: a number of the model's content, never 0, which is "no model".
    pub(crate) fn scale(&self, kind: Kind) -> u64 {
        crate::hash::mix(self.scale, crate::hash::text(kind.name())) | 1
    }

    pub(crate) fn forest(&self, families: &[f32; Family::COUNT]) -> OfForest {
        let score = self.forest.score(families);
        OfForest { score, tail: self.forest_tails.tail(0, crate::features::as_f32(score)) }
    }

    /// Which families make a row unusual to the forest: their shares of the path credit, those below 0 left out, 1 in sum;
    /// evenly where there is none.
    pub(crate) fn shares(&self, families: &[f32; Family::COUNT]) -> [f64; Family::COUNT] {
        let mut credit = [0.0; Family::COUNT];
        self.forest.explain(families, &mut credit);
        let credit = credit.map(|part| part.max(0.0));
        let sum: f64 = credit.iter().sum();
        if sum > 0.0 { credit.map(|part| part / sum) } else { [1.0 / Family::COUNT as f64; Family::COUNT] }
    }

    /// The nearest core point; `None` if the window held no crowd.
    pub(crate) fn nearest(&self, families: &[f32; Family::COUNT]) -> Option<Nearest> {
        self.core.nearest(families)
    }

    /// How rare it is to be as far from every crowd, in nats.
    pub(crate) fn distance_tail(&self, distance: f32) -> f64 {
        self.distance_tails.tail(0, distance)
    }
}

#[cfg(test)]
mod tests;
