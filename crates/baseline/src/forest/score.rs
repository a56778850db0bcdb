//! Scores: rows go down the trees several at a time, so that one's memory access is another's time to compare.

use super::{Forest, Node, key};
use crate::matrix::{Matrix, MatrixError};

/// Rows (or trees) in flight at once.
const LANES: usize = 8;
/// The keys of a column for the rows of a tile.
type Keys = [i32; LANES];
/// Keys of rows in work at once, in bytes: with a tree beside them they fit the second cache.
const BLOCK: usize = 1 << 18;

impl Forest {
    /// How unusual a row is: `2^(-E(h) / c(sample))`, from 0 to 1, greater is more unusual, about 0.5 is usual.
    ///
    /// `row` has [`Forest::columns`] numbers; a missing one counts as 0, more are left alone, NaN is above every number.
    pub fn score(&self, row: &[f32]) -> f64 {
        self.to_score(self.paths_of(row))
    }

    /// The mean path length, leaves' mean included: `E(h)`. Shorter is more unusual; [`Forest::explain`] takes it apart.
    pub fn path_length(&self, row: &[f32]) -> f64 {
        self.paths_of(row) / self.trees.len() as f64
    }

    /// Scores all rows into `scores`, on up to `threads` threads; each is the nearest `f32` to what
    /// [`Forest::score`] gives.
    ///
    /// # Errors
    /// [`MatrixError::Shape`] if the rows have other columns than the forest, or `scores` is not one per row.
    pub fn score_batch(&self, rows: Matrix<'_>, threads: usize, scores: &mut [f32]) -> Result<(), MatrixError> {
        if rows.columns() != self.columns || rows.rows() != scores.len() {
            return Err(MatrixError::Shape { values: rows.values().len(), columns: self.columns });
        }
        let block = (BLOCK / (self.columns + 2) / size_of::<Keys>()).max(1) * LANES;
        let each = rows.rows().div_ceil(threads.max(1)).max(block);
        let mut parts = scores.chunks_mut(each).zip((0..).step_by(each));
        std::thread::scope(|scope| {
            let first = parts.next();
            for (scores, start) in parts {
                scope.spawn(move || self.score_part(rows.part(start, scores.len()), block, scores));
            }
            if let Some((scores, start)) = first {
                self.score_part(rows.part(start, scores.len()), block, scores);
            }
        });
        Ok(())
    }

    #[expect(clippy::cast_possible_truncation, reason = "the nearest is wanted")]
    fn score_part(&self, rows: Matrix<'_>, block: usize, scores: &mut [f32]) {
        let height = self.columns + 2;
        let mut keys: Vec<Keys> = Vec::new();
        let mut paths: Vec<[f64; LANES]> = Vec::new();
        for (scores, start) in scores.chunks_mut(block).zip((0..).step_by(block)) {
            let tiles = scores.len().div_ceil(LANES);
            keys.clear();
            keys.resize(tiles * height, [0; LANES]);
            paths.clear();
            paths.resize(tiles, [0.0; LANES]);
            for (tile, keys) in keys.chunks_exact_mut(height).enumerate() {
                for lane in 0..LANES {
                    let row = rows.row(start + tile * LANES + lane);
                    fill(keys.iter_mut().filter_map(|keys| keys.get_mut(lane)), row, self.columns);
                }
            }
            for tree in &self.trees {
                let nodes = self.nodes.get(tree.start..tree.start + tree.nodes).unwrap_or_default();
                for (keys, paths) in keys.chunks_exact(height).zip(&mut paths) {
                    let reached = descend(nodes, keys, tree.depth);
                    for (sum, path) in paths.iter_mut().zip(reached) {
                        *sum += f64::from(path);
                    }
                }
            }
            for (score, paths) in scores.iter_mut().zip(paths.as_flattened()) {
                *score = self.to_score(*paths) as f32;
            }
        }
    }

    /// The sum of a row's path lengths, in the order of the trees as in a batch.
    fn paths_of(&self, row: &[f32]) -> f64 {
        let mut room = [0; 128];
        let mut more = Vec::new();
        let keys = self.keys_of(row, &mut room, &mut more);
        let mut sum = 0.0;
        for trees in self.trees.chunks(LANES) {
            let mut at = [0; LANES];
            for (at, tree) in at.iter_mut().zip(trees) {
                *at = tree.start;
            }
            let start = at;
            let depth = trees.iter().map(|tree| tree.depth).max().unwrap_or(0);
            for _ in 0..depth {
                for lane in 0..LANES {
                    let node = self.nodes[at[lane]];
                    let second = keys[usize::from(node.column)] >= node.key;
                    at[lane] = start[lane] + usize::from(node.pair) * 2 + usize::from(second);
                }
            }
            for at in at.iter().take(trees.len()) {
                sum += f64::from(path(self.nodes[*at]));
            }
        }
        sum
    }

    /// The row's keys and the two that leaves ask for, in `room` if it is enough, else in `more`.
    pub(super) fn keys_of<'r>(&self, row: &[f32], room: &'r mut [i32; 128], more: &'r mut Vec<i32>) -> &'r [i32] {
        let height = self.columns + 2;
        let keys = if let Some(keys) = room.get_mut(..height) {
            keys
        } else {
            more.resize(height, 0);
            more
        };
        fill(keys.iter_mut(), row, self.columns);
        keys
    }

    fn to_score(&self, paths: f64) -> f64 {
        let usual = self.usual * self.trees.len() as f64;
        // Of one row alone nothing is known.
        if usual > 0.0 { (-paths / usual).exp2() } else { 0.5 }
    }
}

/// Puts a row's keys, and the keys that leaves ask for, below and above all others.
fn fill<'k>(keys: impl Iterator<Item = &'k mut i32>, row: &[f32], columns: usize) {
    let values = row.iter().copied().chain(std::iter::repeat(0.0)).take(columns);
    let all = values.map(key).chain([i32::MIN, i32::MAX]);
    for (to, key) in keys.zip(all) {
        *to = key;
    }
}

/// The path lengths of a tile's rows in one tree.
#[inline(never)]
fn descend(nodes: &[Node], keys: &[Keys], depth: usize) -> [f32; LANES] {
    let mut at = [0; LANES];
    for _ in 0..depth {
        for lane in 0..LANES {
            let node = nodes[at[lane]];
            let second = keys[usize::from(node.column)][lane] >= node.key;
            at[lane] = usize::from(node.pair) * 2 + usize::from(second);
        }
    }
    at.map(|at| path(nodes[at]))
}

/// The path length that a leaf has for a key.
pub(super) fn path(leaf: Node) -> f32 {
    f32::from_bits(leaf.key.cast_unsigned())
}
