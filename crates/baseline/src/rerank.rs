//! Learns from verdicts on alerts which kinds of oddness people here care about, and ranks by it.
//!
//! A logistic regression tells incidents from other judged alerts by the score, the tails of the families and what rules
//! added. All but the score is held back by an L2 penalty, so few verdicts leave the score as it is. What the rest says,
//! measured in nats of the score, is added to it, within bounds. It is used only if it ranks judged alerts that it has
//! not seen better than the score alone, by more than chance ([`Trial`]).

mod fit;
mod trial;

use serde::Serialize;
use tagwarden_core::FAMILIES;

use crate::bytes::{BytesError, Reader, Writer};
use crate::features::Family;

pub use trial::{Interval, Trial};

/// Tails of the families, and what rules added.
const COLUMNS: usize = FAMILIES + 1;
/// The most that verdicts add to a score or take from it, in nats.
const MOST: f64 = 6.0;
/// Log-odds that a nat of the score is taken to be worth at least, where it tells incidents from others badly.
const LEAST_ODDS: f64 = 0.02;
/// Fewer judged alerts than this teach nothing, nor do fewer of either kind.
const LEAST: usize = 30;
const LEAST_OF_EACH: usize = 8;

/// An alert with a verdict, as its most unusual change was scored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Example {
    /// It was an incident; else it was expected or benign.
    pub incident: bool,
    /// The score without what verdicts had added.
    pub score: f64,
    /// The tails of the families.
    pub families: [f32; FAMILIES],
    /// What rules had added.
    pub rules: f64,
}

impl Example {
    fn columns(&self) -> [f64; COLUMNS] {
        columns(&self.families, self.rules)
    }
}

fn columns(families: &[f32; FAMILIES], rules: f64) -> [f64; COLUMNS] {
    let mut columns = [rules; COLUMNS];
    for (to, from) in columns.iter_mut().zip(families) {
        *to = f64::from(*from);
    }
    columns
}

fn dot(a: &[f64; COLUMNS], b: &[f64; COLUMNS]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// What verdicts have taught.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rerank {
    /// What a change that is odd in no way gains, in nats: a mean alert gains nothing.
    intercept: f64,
    /// Nats of score per nat.
    weights: [f64; COLUMNS],
}

impl Rerank {
    /// What `examples` teach, which must hold both kinds.
    fn of(examples: &[Example]) -> Self {
        let [score, odds @ ..] = fit::logistic(examples);
        let weights = odds.map(|odds| odds / score.max(LEAST_ODDS));
        let all = examples.iter().map(|example| dot(&weights, &example.columns()));
        Self { intercept: -all.sum::<f64>() / examples.len() as f64, weights }
    }

    /// A score with what verdicts add to it.
    pub(crate) fn score(&self, score: f64, families: &[f32; FAMILIES], rules: f64) -> f64 {
        let gain = self.intercept + dot(&self.weights, &columns(families, rules));
        (score + gain.clamp(-MOST, MOST)).max(0.0)
    }

    /// The weights by name, for the card.
    fn named(&self) -> Vec<Weight> {
        let names = Family::ALL.map(Family::name).into_iter().chain(["rules"]);
        names.zip(self.weights).map(|(of, nats)| Weight { of, nats }).collect()
    }

    /// Intercept and weights, `f64` each.
    pub(crate) fn put(&self, to: &mut Writer) {
        [self.intercept].iter().chain(&self.weights).for_each(|number| to.raw(&number.to_le_bytes()));
    }

    pub(crate) fn take(from: &mut Reader<'_>) -> Result<Self, BytesError> {
        let mut next = || from.groups::<8>(1).map(|all| all.first().map_or(f64::NAN, |b| f64::from_le_bytes(*b)));
        let intercept = next()?;
        let mut weights = [0.0; COLUMNS];
        for weight in &mut weights {
            *weight = next()?;
        }
        if !weights.iter().chain([&intercept]).all(|number| number.is_finite()) {
            return Err(from.wrong("a weight that is NaN or infinite", "finite numbers"));
        }
        Ok(Self { intercept, weights })
    }
}

/// What verdicts taught, for the model's card.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdicts {
    /// Judged alerts.
    pub alerts: usize,
    /// Incidents among them.
    pub incidents: usize,
    /// Whether they rank.
    pub in_use: bool,
    /// Why they don't, if so.
    pub left_out: Option<String>,
    /// How alerts were ranked that it had not seen; `None` if they are too few.
    pub trial: Option<Trial>,
    /// What each family and the rules count for; empty if they are too few.
    pub weights: Vec<Weight>,
}

/// What one column of the regression counts for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Weight {
    /// A family of features, or `rules`.
    pub of: &'static str,
    /// Nats added to the score, per nat.
    pub nats: f64,
}

/// Learns from judged alerts, in the order in which they were opened; gives what is to be used, and what there is to say.
pub(crate) fn learn(examples: &[Example], seed: u64) -> (Option<Rerank>, Verdicts) {
    let alerts = examples.len();
    let incidents = examples.iter().filter(|example| example.incident).count();
    let mut verdicts =
        Verdicts { alerts, incidents, in_use: false, left_out: None, trial: None, weights: Vec::new() };
    if alerts < LEAST || incidents.min(alerts - incidents) < LEAST_OF_EACH {
        verdicts.left_out = Some(format!(
            "found {alerts} judged alerts with {incidents} incidents, want {LEAST}, with {LEAST_OF_EACH} incidents and \
             {LEAST_OF_EACH} others at least"
        ));
        return (None, verdicts);
    }
    let rerank = Rerank::of(examples);
    let trial = Trial::of(examples, seed);
    verdicts.in_use = trial.is_better();
    if !verdicts.in_use {
        verdicts.left_out = Some("it does not rank judged alerts better than the score alone by more than chance".into());
    }
    (verdicts.trial, verdicts.weights) = (Some(trial), rerank.named());
    (verdicts.in_use.then_some(rerank), verdicts)
}
