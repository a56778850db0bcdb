//! Grouping, routing, ledger and outbox, message building.
