//! What is normal here: surprisal learned online, its percentile, a threshold in alerts per day, reasons in words.
//!
//! Pure: no clock but the events' time, no randomness. [`Baseline::score`] judges a change by the state before it,
//! [`Baseline::learn`] takes it in afterwards.

mod actors;
mod baseline;
mod blend;
mod bucket;
mod features;
mod governed;
mod hash;
mod reasons;
mod reference;
mod settings;
mod slots;
mod spread;
mod surprisal;
mod table;

pub use baseline::Baseline;
pub use features::{FEATURES_VERSION, Family, Feature, Row};
pub use governed::Governed;
pub use settings::Settings;
