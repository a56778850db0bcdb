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
    /// The file is there, and no worker has kept alerts in it.
    #[error("alert ledger: found no alerts' tables in {}, wanted a worker's state file", path.display())]
    NoLedger {
        /// The file.
        path: PathBuf,
    },
    /// No alert is called so.
    #[error(
        "alert: found `{found}`, but {why}; wanted the eight letters in an alert's message, or a change_id that was told"
    )]
    NoAlert {
        /// What was asked for.
        found: String,
        /// What is known of it.
        why: &'static str,
    },
    /// Several alerts are called so.
    #[error("alert: found several that `{found}` may mean, wanted one of {ids}")]
    ManyAlerts {
        /// What was asked for.
        found: String,
        /// The `change_id`s that opened them.
        ids: String,
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
