//! Who, where, whose and when: what is known around a change before anybody judges it.
//!
//! [`Enricher`] joins three things: the [`Directory`] (what the operator knows, fixed while it is in force), the
//! [`Sessions`] (who is behind temporary credentials, from sign-in and role events) and the [`TagStore`] (tags before
//! a change, which `CloudTrail` does not tell). No clock, no network, no randomness: time is the event's.

mod actor;
mod calendar;
mod directory;
mod enricher;
mod environment;
mod inventory;
mod network;
mod other_accounts;
mod pattern;
mod sessions;
mod settings;
mod tags;
#[cfg(test)]
mod testing;

pub use directory::Directory;
pub use enricher::Enricher;
pub use inventory::{Account, Inventory, InventoryError, InventoryNetworks, KnownTags, Person, Ranges, Roles, Team};
pub use sessions::Sessions;
pub use settings::{
    BusinessHours, EnvironmentSettings, EnvironmentSource, NamePattern, NetworkSettings, Settings, TagKeys,
};
pub use tags::TagStore;

/// Remembered state that can't be read back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("state: space `{space}`, key `{key}`: {what}")]
pub struct RestoreError {
    /// The entry's name space.
    pub space: String,
    /// The entry's key, as text.
    pub key: String,
    /// What was found and what was wanted.
    pub what: String,
}

impl RestoreError {
    fn new(entry: &tagwarden_core::Entry, what: &dyn std::fmt::Display) -> Self {
        let key = String::from_utf8_lossy(&entry.key).into_owned();
        Self { space: entry.space.clone().into_owned(), key, what: what.to_string() }
    }
}
