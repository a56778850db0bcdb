//! Where memory is kept: one folder per kind of store.

pub(crate) mod sqlite;
