//! Measures what was judged, and beside it what simpler scorers reach on the same events.

use anyhow::{Context, Result};
use serde_json::{Map, Value as Json, json};
use tagwarden_baseline::evaluate::{self, Curves, Explanations, Metrics, curves, explanations, measure};
use tagwarden_core::Timestamp;

use super::witness::Judged;

/// The seed of what knows nothing.
const CHANCE: u64 = 1;

/// One scorer and how it did.
pub(super) struct Scorer {
    /// For people.
    pub(super) name: &'static str,
    /// In JSON.
    key: &'static str,
    pub(super) metrics: Metrics,
    pub(super) curves: Curves,
}

/// What was judged, measured: ours first, then those it is compared with.
pub(super) struct Comparison {
    pub(super) ours: Scorer,
    pub(super) others: Vec<Scorer>,
    pub(super) explanations: Explanations,
}

impl Comparison {
    pub(super) fn of(case: &evaluate::Judged, judged: &Judged, rules: bool) -> Result<Self> {
        let scorer = |name, key, scores: &[f64]| Scorer {
            name,
            key,
            metrics: measure(case, scores),
            curves: curves(case, scores),
        };
        let scores: Vec<f64> = judged.events.iter().map(|event| event.score).collect();
        let fields: Vec<&[String]> = judged.events.iter().map(|event| event.fields.as_slice()).collect();
        let mut others = Vec::new();
        let sums: Vec<f64> = judged.events.iter().map(|event| event.surprisal_sum).collect();
        others.push(scorer("sum of surprisals", "surprisal_sum", &sums));
        if rules {
            let worst: Vec<f64> = judged.events.iter().map(|event| f64::from(event.rules)).collect();
            others.push(scorer("rules alone", "rules", &worst));
        }
        let places: Vec<_> = judged.events.iter().map(|event| event.place).collect();
        let forest = judged.one_hot.scores(&places).context("one-hot forest")?;
        others.push(scorer("one-hot forest", "one_hot_forest", &forest));
        others.push(scorer("chance", "random", &evaluate::random(judged.events.len(), CHANCE)));
        Ok(Self {
            ours: scorer("tagwarden", "tagwarden", &scores),
            others,
            explanations: explanations(case, &scores, &fields),
        })
    }

    /// Ours first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Scorer> {
        std::iter::once(&self.ours).chain(&self.others)
    }

    /// Our figures under their own names, and those of the others under `compared`.
    pub(super) fn json(&self, judged: &Judged, until: Timestamp) -> Json {
        let figures = |metrics: &Metrics| match json!(metrics) {
            Json::Object(figures) => figures,
            _ => Map::new(),
        };
        let mut out = Map::new();
        out.insert("train_until".into(), until.to_string().into());
        out.insert("learned".into(), judged.learned.into());
        out.insert("quarantined".into(), judged.quarantined.into());
        out.extend(figures(&self.ours.metrics));
        out.insert("explanation_hits".into(), json!(self.explanations));
        let others = self.others.iter().map(|other| (other.key.to_owned(), Json::Object(figures(&other.metrics))));
        out.insert("compared".into(), Json::Object(others.collect()));
        Json::Object(out)
    }
}
