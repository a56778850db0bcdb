//! The company: accounts, teams, people, networks and tag conventions, all drawn from the seed.

use crate::spec::Spec;

/// Who and what exists before the first event.
#[derive(Debug, Clone)]
pub struct Company {}

impl Company {
    /// The company of this spec.
    pub fn new(_spec: &Spec) -> Self {
        Self {}
    }
}
