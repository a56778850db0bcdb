//! Grouping, routing, ledger and outbox, message building, delivery.
//!
//! [`Outbox::offer`] takes judged changes: suppressed ones are noted, repeats known, the rest grouped, routed and written
//! down in one commit. A [`Courier`] per destination takes what is due from the same file over its own connection and
//! hands it to a [`tagwarden_core::Notifier`], so a dead destination never holds up an offer. Order: inhibit, silence,
//! dedupe, group, route, deliver. What people then found it to be comes back by [`Ledger::judge`].

mod courier;
mod error;
mod group;
mod kept;
mod ledger;
mod message;
mod offer;
mod outbox;
mod precision;
mod queue;
mod route;
mod schedule;
mod settings;
mod verdict;

pub use courier::{Courier, Drain};
pub use error::AlertError;
pub use ledger::{Counts, Ledger, Told};
pub use offer::{Offer, RuleName, TagChange};
pub use outbox::{OfferOutcome, Outbox};
pub use precision::{Cause, Precision, precision};
pub use settings::{Route, Settings, Span, Threshold};
pub use verdict::{JudgedAlert, Judgement, Verdict, Which};
