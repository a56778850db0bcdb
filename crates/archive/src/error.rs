//! Why the archive could not do what was asked.

use tagwarden_core::Retry;

/// Why the archive could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A setting is out of range.
    #[error("archive.{0}")]
    Settings(String),
    /// The root holds something else than this version writes.
    #[error("archive root: {0}")]
    Mismatch(String),
    /// The intent does not fit the open epoch: the input was not cut as it was before.
    #[error("epoch {epoch}: {what}")]
    Intent {
        /// The epoch.
        epoch: u64,
        /// What was found and what was wanted.
        what: String,
    },
    /// An object is not what its name says.
    #[error("object `{key}`: {what}")]
    Corrupt {
        /// The object's key.
        key: String,
        /// What was found and what was wanted.
        what: String,
    },
    /// The store did not take or give an object.
    #[error("{action} `{key}`")]
    Store {
        /// What was attempted.
        action: &'static str,
        /// On which key.
        key: String,
        /// What the store said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Rows could not be encoded or decoded.
    #[error("{action} parquet")]
    Parquet {
        /// What was attempted.
        action: &'static str,
        /// What the library said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ArchiveError {
    /// Whether another try may help: a store's trouble may pass, all else stays as it is.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Store { .. } => Retry::Retry { after: None },
            Self::Settings(_)
            | Self::Mismatch(_)
            | Self::Intent { .. }
            | Self::Corrupt { .. }
            | Self::Parquet { .. } => Retry::Stop,
        }
    }
}
