//! One module per command.

pub mod check;
pub mod demo;
pub mod drift;
pub mod evaluate;
pub mod judge;
pub mod quarantine;
pub mod run;
pub mod simulate;
pub mod train;
pub mod verdict;
