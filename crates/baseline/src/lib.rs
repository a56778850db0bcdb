//! What is normal here: surprisal learned online, its percentile, a threshold in alerts per day, reasons in words.
//!
//! Pure: no clock but the events' time, no randomness. [`Baseline::score`] judges a change by the state before it,
//! [`Baseline::learn`] takes it in afterwards.

mod baseline;
mod bucket;
mod features;
mod hash;
mod reasons;
mod reference;
mod settings;
mod surprisal;
mod table;

pub use baseline::Baseline;
pub use settings::Settings;
