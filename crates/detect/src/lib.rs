//! Sigma rules and correlations, tag policy, severity, disposition: change to assessment. Pure, time passed in.

mod judge;
mod policy;
mod rules;

pub use judge::{Judge, RowParts};
pub use policy::{Policy, Suppression};
pub use rules::{RuleError, RuleFault, Rules};
