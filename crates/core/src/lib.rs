//! Domain types, positions and checkpoint laws, faults, and the traits at the seams.
//!
//! Every other room points here and this one points nowhere (but to the JSON tape): no runtime, no cloud SDK, no
//! Arrow, no HTTP.

mod assess;
mod change;
pub mod columns;
mod event;
mod fault;
mod position;
mod seams;
mod secret;
mod short_id;
mod state;
mod time;

pub use assess::{Assessment, Disposition, FAMILIES, Parts, RuleHit, Scores, Severity, Shadow};
pub use change::{
    Actor, ActorKind, Change, Enriched, Family, NetworkClass, OtherAccount, TagDelta, TagEdit, TagOp, TagOperation, Via,
};
pub use columns::{Ingest, Row, Value, Versions};
pub use event::{Event, EventKind, Identity, SessionIssuer};
pub use fault::{Fault, Retry, Stage};
pub use position::{Move, MoveError, Partition, Position, Positions};
pub use seams::{AlertMessage, Clock, Notifier, NotifyError, Pulled, Receipt, Record, Source, SourceError};
pub use secret::Secret;
pub use short_id::{short_id, short_id_as_typed};
pub use state::{Entry, Intent, Loaded, Sealed, SealedFile, StateDelta, StateError, StateStore};
pub use time::{Timestamp, TimestampError};

/// Text that is borrowed from the event where it can be.
pub type Text<'a> = std::borrow::Cow<'a, str>;
