//! Input that can't be used, and errors that answer one question.

use std::time::Duration;

use crate::change::words;

words! {
    /// Where a record was found unusable.
    Stage {
        /// Reading and cutting the stream.
        Frame = "frame",
        /// Parsing the event.
        Decode = "decode",
        /// Checking what every event must have.
        Validate = "validate",
    }
}

/// Why a record goes to quarantine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{stage}: {reason}")]
pub struct Fault {
    /// Where it was found.
    pub stage: Stage,
    /// What was found and what was wanted.
    pub reason: String,
}

impl Fault {
    /// A fault at `stage`.
    pub fn new(stage: Stage, reason: impl Into<String>) -> Self {
        Self { stage, reason: reason.into() }
    }
}

/// The one question that an error at a seam answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Worth another try, not before `after` if the other side said so.
    Retry {
        /// The wait that the other side asked for.
        after: Option<Duration>,
    },
    /// This item will never be taken; go on with the next.
    RejectItem,
    /// Going on would do harm.
    Stop,
}
