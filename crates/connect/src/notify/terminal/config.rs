//! The terminal as a destination.

use serde::{Deserialize, Serialize};

/// A terminal destination.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The name that routes know it by.
    pub name: String,
    /// In colour.
    #[serde(default)]
    pub color: bool,
}
