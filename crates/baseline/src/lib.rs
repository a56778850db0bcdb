//! What is normal here: surprisal learned online, its percentile, a threshold in alerts per day, reasons in words.
//!
//! Pure: no clock but the events' time, no randomness without a seed. [`Baseline::score`] judges a change by the state
//! before it, [`Baseline::learn`] takes it in afterwards.
//!
//! Models that are learned from rows of numbers, each by itself: [`forest`], [`tails`], [`dbscan`]. They take a
//! [`Matrix`], and what they learned goes into bytes and back. [`Training`] puts them together into a [`Model`].

mod actors;
mod baseline;
mod blend;
mod bucket;
mod bytes;
mod card;
pub mod dbscan;
pub mod evaluate;
mod features;
pub mod forest;
mod governed;
mod hash;
mod heard;
mod matrix;
mod memo;
mod model;
mod peers;
mod profile;
mod reasons;
mod reference;
mod rerank;
mod settings;
mod shadow;
mod slots;
mod spread;
mod surprisal;
mod table;
pub mod tails;
mod training;

pub use baseline::Baseline;
pub use bytes::BytesError;
pub use card::{Card, Shift};
pub use features::{FEATURES_VERSION, Family, Feature, Row, quiet};
pub use governed::Governed;
pub use matrix::{Matrix, MatrixError};
pub use model::{About, LAYOUT_VERSION, Model, ModelError};
pub use peers::PeerGroup;
pub use reasons::{quote, thousands};
pub use rerank::{Example, Interval, Trial, Verdicts, Weight};
pub use settings::{Kind, Settings};
pub use shadow::Agreement;
pub use training::hours::{OddHour, OddHours};
pub use training::{Training, TrainingError};
