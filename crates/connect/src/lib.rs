//! The outside world: sources, notifiers and state stores, one folder each.

mod files;
pub mod notify;
mod state;
mod stdin;

pub use files::{Files, Reading};
pub use state::sqlite::{SqliteSnapshot, SqliteState};
pub use stdin::Stdin;
