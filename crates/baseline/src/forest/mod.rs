//! Isolation forest (Liu, Ting, Zhou: "Isolation Forest", ICDM 2008) on flat arrays.
//!
//! What is rare and different is cut off from the rest by few random cuts. [`Forest::fit`] grows random trees on
//! samples of the rows; [`Forest::score`] says how early a row is cut off, from 0 (as deep as anything) to 1 (at once).
//! The same rows, settings and seed give the same bits, whatever the number of threads.

mod bytes;
mod explain;
mod grow;
mod random;
mod score;

use crate::matrix::{Matrix, MatrixError};
use grow::Grower;

/// What a forest is grown with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Trees, 1 to [`MOST_TREES`].
    pub trees: usize,
    /// Rows drawn for each tree, without replacement, 1 to [`MOST_SAMPLE`]; all rows if there are fewer.
    pub sample: usize,
    /// Where all random draws come from.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { trees: 100, sample: 4096, seed: 0 }
    }
}

/// The most trees of a forest.
pub const MOST_TREES: usize = 4096;
/// The most rows of a tree: two bytes count them and name their places.
pub const MOST_SAMPLE: usize = 1 << 16;
/// The most columns: two bytes name them, and two names are used otherwise.
pub const MOST_COLUMNS: usize = (1 << 16) - 2;

/// Why no forest was grown.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum FitError {
    /// The rows are none to learn from.
    #[error(transparent)]
    Rows(#[from] MatrixError),
    /// A setting, or the number of columns, is out of bounds.
    #[error("found {found} {name}, want 1 to {most}")]
    Bounds {
        /// What is counted.
        name: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        most: usize,
    },
}

/// A node in eight bytes, so that one memory access brings it.
///
/// An inner node sends a row to the first node of its pair if the row's value is below `key`, else to the second. A leaf
/// sends every row to itself, so that all rows take the same number of steps and no branch depends on the data: its
/// column is one after the real ones, which is below (or, for the second node of a pair, above) every key; what a leaf
/// has for a key are the bits of its path length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Node {
    key: i32,
    column: u16,
    pair: u16,
}

/// Where a tree's nodes are: pairs of siblings, parents before children; the root is the first node of the first pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tree {
    /// Index of its first node in `Forest::nodes`.
    start: usize,
    /// How many nodes it has.
    nodes: usize,
    /// Steps from the root to the deepest leaf.
    depth: usize,
}

/// A grown forest.
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    columns: usize,
    /// Rows that each tree was grown on.
    sample: usize,
    /// `c(sample)`: the path length of what is neither early nor late.
    usual: f64,
    trees: Vec<Tree>,
    nodes: Vec<Node>,
    /// For each node, the rows that reached it while it grew, less one.
    counts: Vec<u16>,
    /// For each such count, log2 of the rows.
    halvings: Vec<f32>,
}

impl Forest {
    /// Grows a forest on `rows`, on up to `threads` threads.
    ///
    /// # Errors
    /// [`FitError::Rows`] without rows or if a value is NaN or infinite; [`FitError::Bounds`] if a setting is 0 or too
    /// great, or there are too many columns.
    pub fn fit(rows: Matrix<'_>, settings: &Settings, threads: usize) -> Result<Self, FitError> {
        let bounds = [
            ("trees", settings.trees, MOST_TREES),
            ("rows per tree", settings.sample, MOST_SAMPLE),
            ("columns", rows.columns(), MOST_COLUMNS),
        ];
        for (name, found, most) in bounds {
            if found == 0 || found > most {
                return Err(FitError::Bounds { name, found, most });
            }
        }
        rows.check()?;
        let sample = settings.sample.min(rows.rows());
        let mut forest = Self::empty(rows.columns(), sample);
        // Each thread grows a run of trees, and the runs are put one after another: as if one thread had done it.
        let threads = threads.clamp(1, settings.trees);
        let starts: Vec<usize> = (0..=threads).map(|thread| thread * settings.trees / threads).collect();
        let grow = |from: usize, to: usize| {
            let mut grower = Grower::new(rows, sample);
            (from..to).for_each(|tree| grower.tree(settings.seed, tree as u64));
            grower.grown()
        };
        let grown = std::thread::scope(|scope| {
            let mut runs = starts.windows(2).filter_map(|run| Some((*run.first()?, *run.last()?)));
            let first = runs.next();
            let others: Vec<_> = runs.map(|(from, to)| scope.spawn(move || grow(from, to))).collect();
            let mut grown: Vec<_> = first.into_iter().map(|(from, to)| grow(from, to)).collect();
            for other in others {
                match other.join() {
                    Ok(run) => grown.push(run),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            grown
        });
        for (trees, nodes, counts) in grown {
            forest.put(trees, nodes, counts);
        }
        Ok(forest)
    }

    fn empty(columns: usize, sample: usize) -> Self {
        let usual = mean_path(sample);
        let halvings = (1..=sample).map(|rows| (rows as f32).log2()).collect();
        Self { columns, sample, usual, trees: Vec::new(), nodes: Vec::new(), counts: Vec::new(), halvings }
    }

    /// Puts a run of trees after those that are there.
    fn put(&mut self, trees: Vec<Tree>, nodes: Vec<Node>, counts: Vec<u16>) {
        let start = self.nodes.len();
        if start == 0 {
            (self.trees, self.nodes, self.counts) = (trees, nodes, counts);
            return;
        }
        self.trees.extend(trees.into_iter().map(|tree| Tree { start: tree.start + start, ..tree }));
        self.nodes.extend(nodes);
        self.counts.extend(counts);
    }

    /// How many numbers a row has.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// How many trees there are.
    pub fn trees(&self) -> usize {
        self.trees.len()
    }

    /// How many rows each tree was grown on.
    pub fn sample(&self) -> usize {
        self.sample
    }
}

/// `c(n)` of the paper: the mean number of cuts that a search among `n` rows takes, `2 H(n-1) - 2 (n-1) / n`.
fn mean_path(rows: usize) -> f64 {
    if rows < 2 {
        return 0.0;
    }
    let harmonic: f64 = (1..rows).map(|i| 1.0 / i as f64).sum();
    2.0 * harmonic - 2.0 * (rows as f64 - 1.0) / rows as f64
}

/// A number that is ordered among `i32` as `value` is among `f32`; both zeros are one, and NaN is above all.
fn key(value: f32) -> i32 {
    let value = if value.is_nan() { f32::NAN } else { value + 0.0 };
    let bits = value.to_bits().cast_signed();
    bits ^ ((bits >> 31).cast_unsigned() >> 1).cast_signed()
}

#[cfg(test)]
#[expect(clippy::float_cmp, clippy::cast_possible_truncation, reason = "the same bits are what is promised")]
mod tests;
