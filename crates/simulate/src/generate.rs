//! The stream of records, in event-time order.

use serde::Serialize;

use crate::spec::Spec;
use crate::world::World;

/// One `CloudTrail` record and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulated {
    /// When it happened, in milliseconds since 1970 UTC (`eventTime` shows whole seconds).
    pub time_ms: i64,
    /// The record: minified JSON, members in `CloudTrail`'s order.
    pub json: String,
    /// Set for the events of an incident or of its benign twin.
    pub truth: Option<Truth>,
}

/// What an event of an incident, or of a benign twin, is part of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Truth {
    /// The record's `eventID`.
    pub event_id: String,
    /// Which incident or twin, unique in the run: `inc-001`, `twin-001`.
    pub incident: String,
    /// The kind, such as `prod_retagged` or `slow_retagging`.
    pub scenario: String,
    /// False for a twin: the same acts in an innocent context.
    pub malicious: bool,
}

/// The records of a spec, in event-time order, made as they are asked for: memory does not grow with the days.
pub fn generate(spec: &Spec) -> impl Iterator<Item = Simulated> + use<> {
    let mut world = World::new(spec);
    std::iter::from_fn(move || world.next())
}
