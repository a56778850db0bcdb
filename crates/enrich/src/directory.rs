//! What the operator knows, compiled for look-ups.

use crate::{Inventory, Settings};

/// Accounts, people, teams, roles, networks and hours. Immutable.
#[derive(Debug)]
pub struct Directory {}

impl Directory {
    /// Compiles config and inventory.
    ///
    /// # Errors
    /// All faults at once, each as `path: found X, wanted Y`; paths are those of the config's part and, with
    /// `inventory.` before them, of the inventory.
    pub fn build(_settings: &Settings, _inventory: Option<&Inventory>) -> Result<Self, Vec<String>> {
        Ok(Self {})
    }
}
