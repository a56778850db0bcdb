//! Ways to tell people: one folder each.

pub mod slack;
pub mod terminal;

use serde::{Deserialize, Serialize};

/// One destination of the config, by `kind`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Destination {
    /// A Slack channel, through its incoming webhook.
    Slack(slack::Config),
    /// The terminal that Tagwarden runs in.
    Terminal(terminal::Config),
}

impl Destination {
    /// The name that routes know it by.
    pub fn name(&self) -> &str {
        match self {
            Self::Slack(config) => &config.name,
            Self::Terminal(config) => &config.name,
        }
    }

    /// Every fault as `key: found X, want Y`; needs no network.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = match self {
            Self::Slack(config) => config.faults(),
            Self::Terminal(_) => Vec::new(),
        };
        if self.name().is_empty() {
            faults.push("name: found \"\", want a name".to_owned());
        }
        faults
    }
}
