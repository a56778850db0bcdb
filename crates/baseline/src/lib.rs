//! What is normal here: surprisal learned online, its percentile, a threshold in alerts per day, reasons in words.
//!
//! Pure: no clock but the events' time, no randomness without a seed. [`Baseline::score`] judges a change by the state
//! before it, [`Baseline::learn`] takes it in afterwards.
//!
//! Models that are learned from rows of numbers, each by itself: [`forest`], [`tails`], [`dbscan`]. They take a
//! [`Matrix`], and what they learned goes into bytes and back.

mod actors;
mod baseline;
mod blend;
mod bucket;
mod bytes;
pub mod dbscan;
mod features;
mod governed;
pub mod forest;
mod hash;
mod matrix;
mod reasons;
mod reference;
mod settings;
mod slots;
mod spread;
mod surprisal;
mod table;
pub mod tails;

pub use baseline::Baseline;
pub use features::{FEATURES_VERSION, Family, Feature, Row};
pub use governed::Governed;
pub use bytes::BytesError;
pub use matrix::{Matrix, MatrixError};
pub use settings::Settings;
