//! Slack, through a channel's incoming webhook.
//!
//! Source: Slack API, "Sending messages using incoming webhooks" and "Rate limits": `200` with the body `ok` is success,
//! one message a second per channel, `429` carries `Retry-After` in seconds. A webhook can't edit and has no
//! idempotency key.

mod config;
mod format;
#[cfg(test)]
mod tests;

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use tagwarden_core::{AlertMessage, Notifier, NotifyError, Receipt, Retry, Secret};
use tokio::sync::Mutex;
use tokio::time::Instant;

pub use config::{Config, ConfigError};
pub use format::payload;

/// A webhook answers within this or not at all.
const PATIENCE: Duration = Duration::from_secs(10);

/// Slack takes one message a second per channel.
const SPACING: Duration = Duration::from_secs(1);

/// One channel.
#[derive(Debug)]
pub struct Slack {
    client: reqwest::Client,
    address: Secret,
    spacing: Duration,
    /// When the next message may leave; held while one is sent.
    next: Mutex<Option<Instant>>,
}

impl Slack {
    /// From the config; reads the address.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        Self::new(config.address()?)
    }

    /// For the webhook at `address`.
    pub fn new(address: Secret) -> Result<Self, ConfigError> {
        let url = config::parse(&address)?;
        let mut builder = reqwest::Client::builder()
            .timeout(PATIENCE)
            // A redirect would carry the alert to somebody the operator didn't name.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("tagwarden/", env!("CARGO_PKG_VERSION")));
        if matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|e| ConfigError::Client(e.without_url()))?;
        Ok(Self { client, address, spacing: SPACING, next: Mutex::new(None) })
    }

    /// With another time between messages; for endpoints that are not Slack's own.
    #[must_use]
    pub fn spaced(mut self, spacing: Duration) -> Self {
        self.spacing = spacing;
        self
    }

    async fn post(&self, message: &AlertMessage) -> Result<Receipt, NotifyError> {
        let url = config::parse(&self.address)
            .map_err(|e| NotifyError { what: format!("slack: {e}"), retry: Retry::Stop })?;
        let sent = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .body(payload(message).to_string())
            .send()
            .await;
        let response = sent.map_err(|e| unreached(&e.without_url()))?;
        let status = response.status();
        let after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let body = response.text().await.map_err(|e| unreached(&e.without_url()))?;
        judge(status, after, &body, &self.address)
    }
}

impl Notifier for Slack {
    async fn notify(&self, message: &AlertMessage) -> Result<Receipt, NotifyError> {
        let mut next = self.next.lock().await;
        if let Some(at) = *next {
            tokio::time::sleep_until(at).await;
        }
        let answer = self.post(message).await;
        *next = Some(Instant::now() + self.spacing);
        answer
    }
}

/// What an answer means.
fn judge(status: StatusCode, after: Option<Duration>, body: &str, address: &Secret) -> Result<Receipt, NotifyError> {
    if status == StatusCode::OK && body.trim() == "ok" {
        return Ok(Receipt { reference: None });
    }
    let retry = match status.as_u16() {
        // A 200 that doesn't say `ok` is some box in between.
        200..=299 | 408 | 425 | 500..=599 => Retry::Retry { after },
        429 => Retry::Retry { after: after.or(Some(SPACING)) },
        // The webhook, its channel or its workspace is gone, or posting there is forbidden.
        300..=399 | 401 | 403 | 404 | 410 => Retry::Stop,
        _ => Retry::RejectItem,
    };
    // Some gateways quote the request in their answer.
    let path =
        address.expose().split_once("//").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    let mut told: String = body.chars().filter(|c| !c.is_control()).take(200).collect();
    if !path.is_empty() && body.contains(path) {
        "an answer that quotes the webhook's address".clone_into(&mut told);
    }
    Err(NotifyError { what: format!("slack: post a message: found {status} \"{told}\", want 200 \"ok\""), retry })
}

/// No answer: the cause in words, without the address.
fn unreached(error: &reqwest::Error) -> NotifyError {
    let mut what = format!("slack: post a message: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        what = format!("{what}: {next}");
        cause = next.source();
    }
    let retry = if error.is_builder() { Retry::Stop } else { Retry::Retry { after: None } };
    NotifyError { what, retry }
}
