//! Measures how well scores find labelled incidents, as the people who read alerts would see it.
//!
//! People read *groups*: what one actor did within one hour. A group opens with its first event and holds for 3,600
//! seconds; its score is its highest; it hits an incident if it holds one of its malicious events. Budgets are groups per
//! UTC day. Equal scores of groups are put in order by the MD5 of the group's name, as public judges of such alerts do,
//! so that a scorer with few distinct scores is neither lucky nor unlucky.
//!
//! Pure: truth comes in here, after all judging is done, and goes nowhere else.

mod curves;
mod explanations;
mod groups;
mod md5;
mod metrics;
mod onehot;

use tagwarden_core::Timestamp;

pub use curves::{Curves, MOST_A_DAY, curves};
pub use explanations::{Explanations, explanations, field};
pub use metrics::{Delays, Metrics, Share, TimeToDetect, measure};
pub use onehot::{OneHot, Place};

use crate::hash::mix;

/// What was judged, with the truth laid beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judged {
    /// Names of actors; [`Case::actor`] counts from 0.
    pub actors: Vec<String>,
    /// What truth names, attacks and benign twins; [`Label::incident`] counts from 0.
    pub incidents: Vec<Incident>,
    /// One per event, in the order of judging.
    pub cases: Vec<Case>,
}

/// One attack, or one benign twin of an attack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Its name.
    pub name: String,
    /// What kind of attack it is, or looks like.
    pub scenario: String,
}

/// One event that was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// When it happened.
    pub time: Timestamp,
    /// Who did it, in [`Judged::actors`].
    pub actor: usize,
    /// Changes nothing: a read or a sign-in.
    pub quiet: bool,
    /// What truth says of it; `None` for ordinary life.
    pub label: Option<Label>,
}

/// What truth says of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// The incident or twin that it belongs to, in [`Judged::incidents`].
    pub incident: usize,
    /// Part of an attack; else of something that only looks like one.
    pub malicious: bool,
}

impl Case {
    /// The incident of which this is a malicious event.
    pub(crate) fn attack(&self) -> Option<usize> {
        self.label.filter(|label| label.malicious).map(|label| label.incident)
    }

    /// The twin of which this is an event.
    pub(crate) fn twin(&self) -> Option<usize> {
        self.label.filter(|label| !label.malicious).map(|label| label.incident)
    }
}

/// `count` scores from 0 to 1 that know nothing: what chance reaches. The same seed gives the same scores.
pub fn random(count: usize, seed: u64) -> Vec<f64> {
    (0..count as u64).map(|at| (mix(seed, at) >> 11) as f64 / (1_u64 << 53) as f64).collect()
}

#[cfg(test)]
mod tests;
