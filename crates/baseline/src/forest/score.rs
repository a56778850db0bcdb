//! Scores: several rows, or trees, go down at a time, so that one's memory access is another's time to compare.

use super::{Forest, MOST_SAMPLE, Node, Tree, key};
use crate::matrix::{Matrix, MatrixError};

/// Rows (or trees) in flight at once.
const LANES: usize = 8;
/// As many nodes as a pair's two bytes can name: no place in it needs a check.
const NODES: usize = MOST_SAMPLE * 2;
/// As many keys as a column's two bytes can name, and those of the other lanes: no place in it needs a check.
const WINDOW: usize = (1 << 16) + LANES;
/// Fewer rows than this are scored one by one.
const FEW: usize = 64;

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
        let each = rows.rows().div_ceil(threads.max(1)).max(FEW);
        let mut parts = scores.chunks_mut(each).zip((0..).step_by(each));
        std::thread::scope(|scope| {
            let first = parts.next();
            for (scores, start) in parts {
                scope.spawn(move || self.score_part(rows.part(start, scores.len()), scores));
            }
            if let Some((scores, start)) = first {
                self.score_part(rows.part(start, scores.len()), scores);
            }
        });
        Ok(())
    }

    #[expect(clippy::cast_possible_truncation, reason = "the nearest is wanted")]
    fn score_part(&self, rows: Matrix<'_>, scores: &mut [f32]) {
        // Rows of a block: their keys, a column after the other, are as many as two bytes can name.
        let block = (1 << 16) / (self.columns + 2) / LANES * LANES;
        if block == 0 || rows.rows() < FEW {
            for (score, row) in scores.iter_mut().zip(rows.iter()) {
                *score = self.score(row) as f32;
            }
            return;
        }
        let mut keys = vec![0; WINDOW + block];
        let mut nodes = vec![Node { key: 0, column: 0, pair: 0 }; NODES];
        let mut paths = vec![0.0; block];
        for (scores, start) in scores.chunks_mut(block).zip((0..).step_by(block)) {
            self.fill(&mut keys, block, rows.part(start, scores.len()));
            paths.fill(0.0);
            for tree in &self.trees {
                self.put_tree(&mut nodes, *tree, block);
                let Some(nodes) = nodes.first_chunk::<NODES>() else { return };
                for (tile, paths) in paths.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                    let Some(keys) = keys.get(tile * LANES..).and_then(<[i32]>::first_chunk) else { return };
                    for (sum, path) in paths.iter_mut().zip(descend(nodes, keys, tree.depth)) {
                        *sum += f64::from(path);
                    }
                }
            }
            for (score, paths) in scores.iter_mut().zip(&paths) {
                *score = self.to_score(*paths) as f32;
            }
        }
    }

    /// Puts the keys of a block's rows column after column, and those that leaves ask for, below and above all others.
    fn fill(&self, keys: &mut [i32], block: usize, rows: Matrix<'_>) {
        for (place, row) in rows.iter().enumerate() {
            for (to, value) in keys.iter_mut().skip(place).step_by(block).zip(row) {
                *to = key(*value);
            }
        }
        for (to, key) in keys.chunks_exact_mut(block).skip(self.columns).zip([i32::MIN, i32::MAX]) {
            to.fill(key);
        }
    }

    /// Copies a tree to where each of its columns says where in a block that column begins.
    fn put_tree(&self, nodes: &mut [Node], tree: Tree, block: usize) {
        let from = self.nodes.get(tree.start..tree.start + tree.nodes).unwrap_or_default();
        for (to, node) in nodes.iter_mut().zip(from) {
            let column = u16::try_from(usize::from(node.column) * block).unwrap_or(u16::MAX);
            *to = Node { column, ..*node };
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
        let values = row.iter().copied().chain(std::iter::repeat(0.0)).take(self.columns);
        for (to, key) in keys.iter_mut().zip(values.map(key).chain([i32::MIN, i32::MAX])) {
            *to = key;
        }
        keys
    }

    fn to_score(&self, paths: f64) -> f64 {
        let usual = self.usual * self.trees.len() as f64;
        // Of one row alone nothing is known.
        if usual > 0.0 { (-paths / usual).exp2() } else { 0.5 }
    }
}

/// The path lengths in one tree of the rows whose keys `keys` begins with.
fn descend(nodes: &[Node; NODES], keys: &[i32; WINDOW], depth: usize) -> [f32; LANES] {
    let mut at = [0; LANES];
    for _ in 0..depth {
        for (lane, at) in at.iter_mut().enumerate() {
            let node = nodes[*at % NODES];
            let second = keys[usize::from(node.column) + lane] >= node.key;
            *at = usize::from(node.pair) * 2 + usize::from(second);
        }
    }
    at.map(|at| path(nodes[at % NODES]))
}

/// The path length that a leaf has for a key.
pub(super) fn path(leaf: Node) -> f32 {
    f32::from_bits(leaf.key.cast_unsigned())
}
