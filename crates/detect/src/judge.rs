//! One change, weighed: hits, scores and policy become severity and disposition.

use tagwarden_core::{Actor, Assessment, Change, Enriched, Entry, Event, RuleHit, Scores, StateDelta};

use crate::{Policy, Rules};

/// What is known of one change before it is judged.
#[derive(Debug, Clone, Copy)]
pub struct RowParts<'a> {
    /// The event.
    pub event: &'a Event<'a>,
    /// Who did it.
    pub actor: &'a Actor<'a>,
    /// What was done to which resource.
    pub change: &'a Change<'a>,
    /// What is known around it.
    pub enriched: &'a Enriched<'a>,
}

/// Judges changes one after another; its clock is the events' time.
#[derive(Debug)]
pub struct Judge {
    rules: Rules,
}

impl Judge {
    /// A judge with nothing in its windows.
    ///
    /// # Errors
    /// Every fault of the policy at once, as `path: found X, wanted Y`.
    pub fn new(rules: Rules, _policy: Policy) -> Result<Self, Vec<String>> {
        Ok(Self { rules })
    }

    /// The rules in force.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Judges one change. `event_hits` is what [`Rules::match_event`] found for its event.
    pub fn judge(&mut self, _row: RowParts<'_>, event_hits: &[RuleHit], scores: Scores) -> Assessment {
        Assessment { hits: event_hits.to_vec(), scores, ..Assessment::default() }
    }

    /// Takes back one remembered window; entries of other spaces are left alone.
    pub fn restore(&mut self, _entry: &Entry) {}

    /// Hands out what changed in the windows since the last call, under space `window`.
    pub fn delta(&mut self, _out: &mut StateDelta) {}
}
