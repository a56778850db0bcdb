//! Sigma rules and correlations, tag policy, severity, disposition: change to assessment. Pure, time passed in.
//!
//! [`Rules`] are Sigma files. What a rule reads is the `CloudTrail` record as received (`eventName`,
//! `requestParameters.bucketName`, ...) and, as `tagwarden.<name>`, what is known of the change:
//!
//! - every column that is known before judging, by its name in [`tagwarden_core::columns`]: `tagwarden.change_kind`,
//!   `tagwarden.environment`, `tagwarden.via`, `tagwarden.score`, ... Of lists and maps: `tagwarden.tags.key` (also `old`,
//!   `new`, `op`), `tagwarden.tag.<key>.old` (also `new`, `op`), `tagwarden.details.<name>`, `tagwarden.missing_tags`.
//! - `actor` (its key), `principal`, `team`, `actor_root`, `business_hours`, `local_hour` (0-23), `local_weekday` (0 is
//!   Monday), `source_identity_missing`
//! - `family`, `tag_operation`, `tags_changed` and `tags_removed` (how many), `tags_known`, `ordinal`, `denied`, `witness`
//! - `environment_before`, `production_before`, `production_after`, `production` (one of the two), `left_production`
//! - `outside_accounts`: AWS accounts that the change lets in, or that made the call, and that are neither the company's
//!   nor a vendor's; absent while the inventory names no account
//! - by the tag policy, of a resource that existed: `protected_keys_changed` (keys that this actor may not change, but
//!   did), `access_keys_changed` (set, changed or removed keys among [`Policy::access_keys`]), `automation_keys_changed`
//!   (changed or removed keys among [`Policy::automation_keys`]), `governed_keys_changed` (keys on which anything hangs),
//!   `governed_keys_rewritten` (those of them changed or removed, their old value known); of any: `invalid_tags` (keys set to a value that is not allowed)
//!
//! What is empty or not known is absent, so `|exists` asks whether there is anything. A name that does not exist is a
//! fault when the rules are loaded. Keyword rules look through the record alone.
//!
//! A rule that reads no `tagwarden.` field is asked once per event, reads included; the others once per change. Two
//! attributes are ours: `tagwarden_reason`, a sentence with `{name}` for the names above (in a correlation also
//! `{count}`), and `tagwarden_runbook`, what to do. Of correlations, `event_count` and `value_count` with `gte` or `gt`,
//! `temporal` and `temporal_ordered` without a condition are counted, over detection rules; a rule that a correlation counts is no hit of its own unless `generate` is true.
//!
//! # Disposition
//! A change is *production-critical* if its environment before or after is production and a rule of level high or more
//! hits, or somebody changed a protected key who may not. Guard rails (the trail, the root user) often stand in accounts
//! of no such environment: a rule of level critical counts there too, where the environment is one of
//! [`Policy::guarded`] (by default `security` and `shared`) or not known. Then:
//!
//! - `page`: production-critical and severity critical, or severity high and anomalous. Never for a denied call or a
//!   witness.
//! - `notify`: any other production-critical change, and any anomalous one.
//! - `digest`: a rule of level medium or more, a protected key or a value that is not allowed, elsewhere.
//! - `archive_only`: all else, and every witness that confirms a change.
//! - `suppressed`: would have been told, but a [`Suppression`] holds. One that names a rule takes away that rule's hits
//!   only; what is left decides.
//!
//! Severity is that of the worst hit, else what the call is worth by itself.

mod compile;
#[cfg(test)]
mod differential;
mod fields;
mod index;
mod judge;
#[cfg(test)]
mod judge_tests;
mod plan;
mod policy;
mod record;
mod rules;
mod severity;
#[cfg(test)]
mod shipped;
mod sieve;
mod template;
#[cfg(test)]
mod testing;
mod windows;

pub use judge::{Judge, RowParts};
pub use policy::{Policy, Suppression};
pub use rules::{RuleError, RuleFault, Rules};
