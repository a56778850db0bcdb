//! The path of a record on one page, and what keeps it safe: epochs, recovery, retry, shutdown, counts.
//!
//! Start reading in [`pipeline`]. Nothing here knows a vendor, a file format or a rule: the rooms come in through the
//! traits of [`stages`] and of `tagwarden_core`.

mod clock;
mod counts;
mod meter;
pub mod pipeline;
mod recover;
mod retry;
mod seen;
pub mod stages;

pub use clock::{EventClock, SystemClock};
pub use counts::Counts;
pub use meter::{Meter, Step};
pub use pipeline::{EngineError, Finished, Limits, Pipeline, Stop};
pub use recover::{Decision, decide};
pub use retry::Backoff;
pub use seen::Seen;
