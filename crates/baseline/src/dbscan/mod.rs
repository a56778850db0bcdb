//! DBSCAN (Ester, Kriegel, Sander, Xu: "A density-based algorithm for discovering clusters", KDD 1996): groups of rows
//! that lie close together, and noise; a new row belongs with the nearest core point.
//!
//! [`fit`] gives what the textbook gives, with an index and without the textbook's visits to every pair of neighbours:
//! whether a row is a core point is known once enough neighbours are found, and two that are in one group already need
//! not be compared. Rows are far apart by the square root of the sum of squared differences.

mod core;
mod fit;
mod join;
mod tree;

pub use core::{CorePoints, Nearest};
pub use fit::{Dbscan, FitError, Settings, fit};

#[cfg(test)]
mod tests;
