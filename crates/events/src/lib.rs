//! Decode and normalise: envelopes, CloudTrail, witnesses; tables of operations and families; redaction. Pure.
