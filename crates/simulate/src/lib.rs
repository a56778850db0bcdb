//! An organisation that makes realistic CloudTrail events, with labelled incidents.
//!
//! Everything follows from a [`Spec`]: the same spec gives the same bytes. [`generate`] streams the
//! records in the order of their event time, [`write`] puts them into a folder with the truth beside them.

mod calendar;
mod company;
mod generate;
mod inventory;
mod rng;
mod spec;
mod write;

pub use calendar::{Day, DayParseError};
pub use company::Company;
pub use generate::{Simulated, Truth, generate};
pub use inventory::inventory_json;
pub use spec::{Spec, demo_spec};
pub use write::{Summary, write};
