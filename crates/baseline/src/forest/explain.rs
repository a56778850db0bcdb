//! Which columns made a row unusual: each cut's part in the path length.

use super::{Forest, score::path};

/// Trees in flight at once, as in scoring.
const LANES: usize = 4;

impl Forest {
    /// Gives each column its part in how early the row is cut off, into `parts`; positive made it more unusual.
    ///
    /// A cut's part is `log2(n_parent / n_child) - 1`: how many halvings it was worth, less the step it took, in terms
    /// of the rows that reached both nodes while the tree grew; it is its column's. Where growth stopped above single
    /// rows, the difference between the leaf's `log2(n)` and its mean path `c(n)` is the last cut's. Summed over the
    /// trees and averaged, so that `log2(sample) - sum(parts) = path_length(row)`, and
    /// `score = 2^(-path_length / c(sample))`.
    ///
    /// `row` is as in [`Forest::score`]; `parts` beyond [`Forest::columns`] become 0, those that it has no room for are
    /// left out.
    pub fn explain(&self, row: &[f32], parts: &mut [f64]) {
        let (mut room, mut more) = ([0; 128], Vec::new());
        let keys = self.keys_of(row, &mut room, &mut more);
        // With places for what leaves have for columns; nothing is added there but in a tree without cuts.
        let (mut room, mut more) = ([0.0; 128], Vec::new());
        let sums = if let Some(sums) = room.get_mut(..keys.len()) {
            sums
        } else {
            more.resize(keys.len(), 0.0);
            &mut more
        };
        for trees in self.trees.chunks(LANES) {
            let mut at = [0; LANES];
            for (at, tree) in at.iter_mut().zip(trees) {
                *at = tree.start;
            }
            let start = at;
            let mut left = at.map(|at| self.halvings_at(at));
            let mut steps = [0.0; LANES];
            let mut last = [self.columns; LANES];
            let depth = trees.iter().map(|tree| tree.depth).max().unwrap_or(0);
            for _ in 0..depth {
                for lane in 0..LANES {
                    let node = self.nodes[at[lane]];
                    let column = usize::from(node.column);
                    let second = keys[column] >= node.key;
                    let next = start[lane] + usize::from(node.pair) * 2 + usize::from(second);
                    // A leaf leads to itself: from there on, nothing is added any more.
                    let moved = next != at[lane];
                    let step = f64::from(u8::from(moved));
                    let after = self.halvings_at(next);
                    sums[column] += left[lane] - after - step;
                    steps[lane] += step;
                    last[lane] = if moved { column } else { last[lane] };
                    (at[lane], left[lane]) = (next, after);
                }
            }
            for lane in 0..trees.len() {
                let rest = f64::from(path(self.nodes[at[lane]])) - steps[lane];
                sums[last[lane]] += left[lane] - rest;
            }
        }
        let trees = self.trees.len() as f64;
        parts.fill(0.0);
        for (part, sum) in parts.iter_mut().zip(sums.iter().take(self.columns)) {
            *part = *sum / trees;
        }
    }

    /// What [`Forest::explain`]'s parts are taken from: `log2(sample)`, the path length of a row that every cut halves
    /// the others for.
    pub fn halvings(&self) -> f64 {
        self.halvings.last().copied().map_or(0.0, f64::from)
    }

    /// How often the rows that reached a node can be halved.
    fn halvings_at(&self, node: usize) -> f64 {
        f64::from(self.halvings[usize::from(self.counts[node])])
    }
}
