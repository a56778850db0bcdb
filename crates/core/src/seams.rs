//! The traits at the seams: sources, notifiers, clock.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Disposition, Fault, Move, Partition, Position, Positions, Retry, Severity, Timestamp};

/// Bytes and a position.
#[derive(Debug, Clone)]
pub struct Record {
    /// One event as received.
    pub bytes: Bytes,
    /// Where it was read.
    pub partition: Partition,
    /// Where the partition stands once it is done.
    pub position: Position,
    /// When the source took it in; `None` for files.
    pub arrival: Option<Timestamp>,
    /// The source could not cut a whole event out of these bytes.
    pub fault: Option<Fault>,
}

/// Records together with the progress they mean: never one without the other.
#[derive(Debug, Clone, Default)]
pub struct Pulled {
    /// The records, in order.
    pub records: Vec<Record>,
    /// Moves that cover every record read, those that turned out empty included.
    pub moves: Vec<Move>,
    /// How far the source is behind, if it knows: bytes left for files, milliseconds for streams.
    pub behind: Option<u64>,
}

/// Why a source gave nothing.
#[derive(Debug, thiserror::Error)]
#[error("source: {what}")]
pub struct SourceError {
    /// What was attempted on what.
    pub what: String,
    /// Worth another try?
    pub retry: Retry,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Where records come from.
///
/// Called by the engine, from one task: `start` once, then `pull` until it gives `None`. `pull` is cancel-safe: dropped
/// before it is ready it has moved nothing. After a restart from the same positions the same records come in the same
/// order, unless [`repeatable`](Self::repeatable) says no.
pub trait Source {
    /// The source's name in `ingest.source` and metrics.
    fn name(&self) -> &str;

    /// Whether a position can be gone back to. Standard input can't.
    fn repeatable(&self) -> bool;

    /// Begins after `positions`.
    fn start(&mut self, positions: &Positions) -> Result<(), SourceError>;

    /// At most `max` records; `None` once a finite source is at its end.
    fn pull(&mut self, max: usize) -> impl Future<Output = Result<Option<Pulled>, SourceError>>;
}

/// One message to one destination, complete: a notifier only dresses and sends it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertMessage {
    /// The alert's id; the same for its updates.
    pub alert_id: String,
    /// Opening, counted follow-up, or digest.
    pub state: String,
    /// What a locked phone shows: human, act, old → new, resource, account; at most 150 characters.
    pub text: String,
    /// The headline, at most 150 characters.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// What was decided.
    pub disposition: Disposition,
    /// When the first change happened.
    pub first: Timestamp,
    /// When the last change happened.
    pub last: Timestamp,
    /// Changes in the group so far.
    pub changes: u64,
    /// Label and text, in the order to show them: who, did what, old → new, where.
    pub fields: Vec<(String, String)>,
    /// Why it stands out, one per line.
    pub reasons: Vec<String>,
    /// Label and address: resource, CloudTrail event, runbook.
    pub links: Vec<(String, String)>,
}

/// What a destination answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The destination's own id for the message, if it gives one.
    pub reference: Option<String>,
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
#[error("notifier: {what}")]
pub struct NotifyError {
    /// What was attempted and what was answered, without secrets.
    pub what: String,
    /// Worth another try?
    pub retry: Retry,
}

/// Somebody who tells people. The ledger, not the notifier, knows what was sent.
pub trait Notifier: Send + Sync {
    /// Sends one message; returns once the other side has taken it. Not cancel-safe: a dropped call may have arrived.
    fn notify(&self, message: &AlertMessage) -> impl Future<Output = Result<Receipt, NotifyError>> + Send;
}

/// What time it is.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Waits.
    fn sleep(&self, wait: Duration) -> impl Future<Output = ()> + Send;
}

impl<T: Notifier> Notifier for Arc<T> {
    fn notify(&self, message: &AlertMessage) -> impl Future<Output = Result<Receipt, NotifyError>> + Send {
        T::notify(self, message)
    }
}
