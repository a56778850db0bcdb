//! What can go wrong while alerts are kept and delivered.

use std::path::PathBuf;

/// Why an alert could not be kept or delivered.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    /// The ledger could not be opened, read or written.
    #[error("alert ledger: {what}")]
    Ledger {
        /// What was attempted.
        what: &'static str,
        /// What the database said.
        #[source]
        source: rusqlite::Error,
    },
    /// The ledger's file could not be opened.
    #[error("alert ledger: open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the database said.
        #[source]
        source: rusqlite::Error,
    },
    /// The ledger was written by another version.
    #[error("alert ledger: found schema {found}, wanted {wanted}")]
    Schema {
        /// The version in the file.
        found: String,
        /// The version of this program.
        wanted: &'static str,
    },
    /// What the ledger holds could not be read back.
    #[error("alert ledger: {what}")]
    Content {
        /// What was read.
        what: &'static str,
        /// What was odd about it.
        #[source]
        source: serde_json::Error,
    },
    /// The destination refused in a way that another try would not mend; its messages stay in the ledger.
    #[error("destination {destination}: {reason}")]
    Stopped {
        /// The destination's name.
        destination: String,
        /// What the notifier said.
        reason: String,
    },
}

impl AlertError {
    pub(crate) fn ledger(what: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| Self::Ledger { what, source }
    }

    pub(crate) fn content(what: &'static str) -> impl FnOnce(serde_json::Error) -> Self {
        move |source| Self::Content { what, source }
    }
}
