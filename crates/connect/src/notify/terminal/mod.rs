//! The terminal: an alert as it would read in Slack.

mod config;
mod format;
#[cfg(test)]
mod tests;

use std::io::{ErrorKind, Write};
use std::sync::{Mutex, PoisonError};

use tagwarden_core::{AlertMessage, Notifier, NotifyError, Receipt, Retry};

pub use config::{Config, Style};
pub use format::{clean, draw, line};

/// Writes alerts to `W`, one box or one line each.
#[derive(Debug)]
pub struct Terminal<W> {
    out: Mutex<W>,
    color: bool,
    style: Style,
}

impl<W: Write + Send> Terminal<W> {
    /// Draws to `out`, in colour if asked.
    pub fn new(out: W, color: bool, style: Style) -> Self {
        Self { out: Mutex::new(out), color, style }
    }

    fn print(&self, message: &AlertMessage) -> std::io::Result<()> {
        let text = match self.style {
            Style::Box => draw(message, self.color),
            Style::Line => line(message, self.color),
        };
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

impl<W: Write + Send> Notifier for Terminal<W> {
    async fn notify(&self, message: &AlertMessage) -> Result<Receipt, NotifyError> {
        self.print(message).map(|()| Receipt { reference: None }).map_err(|e| NotifyError {
            what: format!("terminal: write an alert: {e}"),
            // Nobody reads a closed pipe again.
            retry: if e.kind() == ErrorKind::BrokenPipe { Retry::Stop } else { Retry::Retry { after: None } },
        })
    }
}
