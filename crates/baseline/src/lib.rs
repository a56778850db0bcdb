//! What is normal here: surprisal learned online, its percentile, a threshold in alerts per day, reasons in words.
//!
//! Pure: no clock but the events' time, no randomness. [`Baseline::score`] judges a change by the state before it,
//! [`Baseline::learn`] takes it in afterwards.

mod baseline;
mod bytes;
pub mod dbscan;
mod features;
pub mod forest;
mod hash;
mod matrix;
mod reasons;
mod reference;
mod settings;
mod surprisal;
mod table;
pub mod tails;

pub use baseline::Baseline;
pub use bytes::BytesError;
pub use matrix::{Matrix, MatrixError};
pub use settings::Settings;
