//! Sigma rules and correlations, tag policy, severity, disposition: change to assessment. Pure, time passed in.

mod compile;
#[cfg(test)]
mod differential;
mod fields;
mod index;
mod judge;
mod policy;
mod record;
mod rules;
mod severity;
#[cfg(test)]
mod shipped;
mod template;
#[cfg(test)]
mod testing;
mod windows;

pub use judge::{Judge, RowParts};
pub use policy::{Policy, Suppression};
pub use rules::{RuleError, RuleFault, Rules};
