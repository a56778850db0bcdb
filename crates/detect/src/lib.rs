//! Sigma rules and correlations, tag policy, severity, disposition: change to assessment. Pure, time passed in.

mod compile;
mod fields;
mod index;
mod judge;
mod policy;
mod record;
mod rules;
mod severity;
mod template;
mod windows;

pub use judge::{Judge, RowParts};
pub use policy::{Policy, Suppression};
pub use rules::{RuleError, RuleFault, Rules};
