//! An organisation that makes realistic CloudTrail events, with labelled incidents.
