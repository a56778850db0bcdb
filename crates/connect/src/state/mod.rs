//! State stores.

pub(crate) mod sqlite;
