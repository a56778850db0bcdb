//! Sigma rules and correlations, tag policy, severity, disposition: change to assessment. Pure, time passed in.
