//! Incidents and their benign twins: which kinds there are, when they happen, and who is made to act.
//!
//! A new kind is one file here with a [`Kind`], and one line in [`KINDS`].

mod abac_escalation;
mod cast;
mod ci_token_misused;
mod console_drift;
mod cost_rewrite;
mod denied_probing;
mod dormant_user;
mod group_opened;
mod iam_user_night;
mod kill_switch_tag;
mod logging_off;
mod mass_untag_leaked_key;
mod plan;
mod prod_retagged;
mod s3_unprotected;
mod slow_retagging;
mod unused_region;

pub(crate) use cast::Cast;
use cast::become_actor;
pub(crate) use plan::plan;

use crate::world::{Label, World};

/// One kind of incident.
struct Kind {
    /// The name in the truth.
    name: &'static str,
    /// In the team's working hours, at any hour, or in its night.
    hours: Hours,
    /// Over how many days it goes, at most.
    days: i64,
    /// Plays the malicious form or the twin.
    play: fn(&mut World, i64, &Cast),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hours {
    Working,
    Any,
    Night,
}

const KINDS: [Kind; 15] = [
    prod_retagged::KIND,
    mass_untag_leaked_key::KIND,
    group_opened::KIND,
    iam_user_night::KIND,
    logging_off::KIND,
    abac_escalation::KIND,
    cost_rewrite::KIND,
    dormant_user::KIND,
    console_drift::KIND,
    slow_retagging::KIND,
    s3_unprotected::KIND,
    ci_token_misused::KIND,
    unused_region::KIND,
    denied_probing::KIND,
    kill_switch_tag::KIND,
];

/// Plays an incident; all records it makes carry its label.
pub(crate) fn play(world: &mut World, now: i64, cast: &Cast) {
    let kind = &KINDS[cast.kind];
    world.label = Some(Label { incident: cast.id.clone(), scenario: kind.name, malicious: cast.malicious });
    let told = world.told;
    for form in 0..4 {
        (kind.play)(world, now, &Cast { variant: cast.variant + form, ..cast.clone() });
        // Where a form finds nothing to act on, the next one is played; what goes on later may well have come to an end.
        if world.told > told || cast.step > 0 {
            break;
        }
    }
    world.label = None;
}
