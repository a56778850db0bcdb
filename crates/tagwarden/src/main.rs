//! Knows who changed what in an AWS organisation, and which few changes matter.

fn main() {}
