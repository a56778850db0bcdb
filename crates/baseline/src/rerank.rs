//! Learns from verdicts on alerts which kinds of oddness people here care about, and ranks by it.
//!
//! A logistic regression with L2 penalty, over the tails of the families and what rules added, tells incidents from other
//! alerts and from what nobody was told of. Judged alerts alone would mislead it: all of them stand out, so what stands
//! out little in one way does in another, and oddness that matters everywhere else seems to speak for harmlessness. What
//! the log-odds of a change differ from those of a mean alert is added to its score, within bounds. It is used only if it
//! ranks incidents that it has not seen better than the score alone, by more than chance ([`Trial`]).

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
const MOST: f64 = 3.0;
/// Fewer judged alerts than this teach nothing, nor do fewer of either kind.
const LEAST: usize = 30;
const LEAST_OF_EACH: usize = 8;

/// An alert with a verdict, or a group (one actor within one hour) that nobody was told of or judged, as its most unusual
/// change was scored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Example {
    /// It was found to be an incident.
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
    /// Less what a mean alert has by its weights.
    intercept: f64,
    /// Log-odds per nat.
    weights: [f64; COLUMNS],
}

impl Rerank {
    /// What judged alerts teach, incidents among them, beside groups that are none.
    fn of(alerts: &[Example], groups: &[Example]) -> Self {
        let weights = fit::logistic(&[alerts, groups].concat());
        let all: f64 = alerts.iter().map(|alert| dot(&weights, &alert.columns())).sum();
        Self { intercept: -all / alerts.len() as f64, weights }
    }

    /// A score with what verdicts add to it.
    pub(crate) fn score(&self, score: f64, families: &[f32; FAMILIES], rules: f64) -> f64 {
        (score + self.odds(families, rules).clamp(-MOST, MOST)).max(0.0)
    }

    /// The log-odds, less those of a mean alert.
    fn odds(&self, families: &[f32; FAMILIES], rules: f64) -> f64 {
        self.intercept + dot(&self.weights, &columns(families, rules))
    }

    /// The weights by name, for the card.
    fn named(&self) -> Vec<Weight> {
        let names = Family::ALL.map(Family::name).into_iter().chain(["rules"]);
        names.zip(self.weights).map(|(of, log_odds)| Weight { of, log_odds }).collect()
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
    /// Groups of the last days beside them.
    pub groups: usize,
    /// Whether they rank.
    pub in_use: bool,
    /// Why they don't, if so.
    pub left_out: Option<String>,
    /// How incidents were ranked that it had not seen; `None` if they are too few.
    pub trial: Option<Trial>,
    /// What each family and the rules count for; empty if they are too few.
    pub weights: Vec<Weight>,
}

/// What one column of the regression counts for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Weight {
    /// A family of features, or `rules`.
    pub of: &'static str,
    /// Log-odds of an incident per nat, which is what it adds to the score.
    pub log_odds: f64,
}

/// Learns from judged alerts, and from groups that are no incidents, both in the order of their time; gives what is to be
/// used, and what there is to say.
pub(crate) fn learn(alerts: &[Example], groups: &[Example], seed: u64) -> (Option<Rerank>, Verdicts) {
    let (judged, incidents) = (alerts.len(), alerts.iter().filter(|alert| alert.incident).count());
    let mut verdicts = Verdicts {
        alerts: judged,
        incidents,
        groups: groups.len(),
        in_use: false,
        left_out: None,
        trial: None,
        weights: Vec::new(),
    };
    if judged < LEAST || incidents.min(judged - incidents) < LEAST_OF_EACH {
        let wanted = format!("want {LEAST}, of them {LEAST_OF_EACH} incidents and {LEAST_OF_EACH} others at least");
        verdicts.left_out = Some(wanted);
        return (None, verdicts);
    }
    let rerank = Rerank::of(alerts, groups);
    let trial = Trial::of(alerts, groups, seed);
    verdicts.in_use = trial.is_better();
    if !verdicts.in_use {
        verdicts.left_out = Some("no better than the score alone by more than chance".into());
    }
    (verdicts.trial, verdicts.weights) = (Some(trial), rerank.named());
    (verdicts.in_use.then_some(rerank), verdicts)
}

#[cfg(test)]
mod tests;
