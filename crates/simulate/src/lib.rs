//! An organisation that makes realistic `CloudTrail` events, with labelled incidents.
//!
//! Everything follows from a [`Spec`]: the same spec gives the same bytes. [`generate`] streams the
//! records in the order of their event time, [`write()`] puts them into a folder with the truth beside them.

mod acts;
mod calendar;
mod calls;
mod company;
mod estate;
mod generate;
mod incidents;
mod inventory;
mod names;
mod people;
mod places;
mod record;
mod rng;
mod roster;
mod sessions;
mod spec;
mod words;
mod world;
mod write;

pub use calendar::{Day, DayParseError};
pub use company::Company;
pub use generate::{Simulated, Truth, generate};
pub use inventory::inventory_json;
pub use spec::{Spec, demo_spec};
pub use write::{Summary, write};
