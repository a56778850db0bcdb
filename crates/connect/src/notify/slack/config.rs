//! Where a channel's webhook address comes from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tagwarden_core::Secret;

/// A Slack destination. Exactly one of the three addresses is given: an address is a secret, whoever has it can post.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The name that routes know it by.
    pub name: String,
    /// The address itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<Secret>,
    /// A file that holds the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_url_file: Option<PathBuf>,
    /// An environment variable that holds the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_url_env: Option<String>,
}

/// Why there is no usable address. None of these say what was read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// None or several ways to the address.
    #[error("found {0} of webhook_url, webhook_url_file and webhook_url_env, want one")]
    Ways(usize),
    /// The file could not be read.
    #[error("webhook_url_file: read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The variable is not set, or is not text.
    #[error("webhook_url_env: found no variable {0}")]
    Env(String),
    /// What was read is no address.
    #[error("webhook address: found text that is no http or https URL")]
    Address,
    /// The HTTP client could not be made.
    #[error("http client for the webhook")]
    Client(#[source] reqwest::Error),
}

impl Config {
    /// Every fault that shows without reading files or the environment.
    pub(super) fn check(&self) -> Vec<(&'static str, ConfigError)> {
        let ways = [self.webhook_url.is_some(), self.webhook_url_file.is_some(), self.webhook_url_env.is_some()];
        let ways = ways.into_iter().filter(|way| *way).count();
        let mut faults = Vec::new();
        if ways != 1 {
            faults.push(("webhook_url", ConfigError::Ways(ways)));
        }
        if self.webhook_url.as_ref().is_some_and(|url| parse(url).is_err()) {
            faults.push(("webhook_url", ConfigError::Address));
        }
        faults
    }

    /// Every fault, as `key: found X, want Y`, without reading files or the environment.
    pub fn faults(&self) -> Vec<String> {
        self.check().into_iter().map(|(key, fault)| format!("{key}: {fault}")).collect()
    }

    /// Reads the address from where it is kept.
    pub fn address(&self) -> Result<Secret, ConfigError> {
        if let Some((_, fault)) = self.check().into_iter().next() {
            return Err(fault);
        }
        let text = if let Some(url) = &self.webhook_url {
            url.expose().to_owned()
        } else if let Some(path) = &self.webhook_url_file {
            std::fs::read_to_string(path).map_err(|source| ConfigError::File { path: path.clone(), source })?
        } else {
            let name = self.webhook_url_env.clone().unwrap_or_default();
            std::env::var(&name).map_err(|_| ConfigError::Env(name))?
        };
        Ok(Secret::new(text.trim()))
    }
}

pub(super) fn parse(address: &Secret) -> Result<reqwest::Url, ConfigError> {
    let url = reqwest::Url::parse(address.expose().trim()).map_err(|_| ConfigError::Address)?;
    if matches!(url.scheme(), "http" | "https") && url.has_host() { Ok(url) } else { Err(ConfigError::Address) }
}
