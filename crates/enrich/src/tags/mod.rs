//! The tags that resources had, by event time.

/// Tags of resources with 24 hours of versions.
#[derive(Debug, Default)]
pub struct TagStore {}
