//! Decode and normalise: envelopes, CloudTrail, witnesses; tables of operations and families; redaction. Pure.

mod arn;
mod decode;
mod exposure;
mod instance;
mod member;
mod names;
mod normalise;
pub mod notification;
mod policy;
mod redact;
mod security_group;
mod tables;
mod tag_targets;
mod tags;
mod witness;

pub use decode::{Decoder, MAX_EVENT};
pub use names::feeds_sessions;
pub use normalise::{normalise, secret_read};
pub use redact::{redact, redact_raw, redacted};
pub use tables::is_tag_operation;
