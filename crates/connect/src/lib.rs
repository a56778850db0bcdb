//! The outside world: sources, notifiers and state stores, one folder each.
