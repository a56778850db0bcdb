//! Decode and normalise: envelopes, CloudTrail, witnesses; tables of operations and families; redaction. Pure.

mod normalise;
mod redact;
mod tables;

pub use normalise::normalise;
pub use redact::{redact, redact_raw};
pub use tables::is_tag_operation;
