//! The days that a change is compared with.

/// Groups kept per day, highest first.
pub(crate) const GROUPS_KEPT: usize = 64;
