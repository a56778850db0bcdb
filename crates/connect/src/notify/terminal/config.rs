//! The terminal as a destination.

use serde::{Deserialize, Serialize};

/// A terminal destination.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The name that routes know it by.
    pub name: String,
    /// In colour and with links to click; else by whether somebody watches.
    #[serde(default)]
    pub color: Option<bool>,
    /// How much of an alert is shown.
    #[serde(default)]
    pub style: Style,
}

/// How much of an alert is shown.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// All of it, as a box.
    #[default]
    Box,
    /// What a locked phone shows, on one line.
    Line,
}
