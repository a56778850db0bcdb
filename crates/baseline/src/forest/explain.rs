//! Which columns made a row unusual: each cut's part in the path length.

use super::{Forest, MOST_SAMPLE, score::path};

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
        let mut room = [0; 128];
        let mut more = Vec::new();
        let keys = self.keys_of(row, &mut room, &mut more);
        parts.fill(0.0);
        for tree in &self.trees {
            let (mut at, mut column, mut depth) = (tree.start, None, 0_u32);
            let mut rows = self.rows_at(at);
            // A leaf leads to itself, and only a leaf does.
            for _ in 0..tree.depth {
                let node = self.nodes[at];
                let second = keys[usize::from(node.column)] >= node.key;
                let next = tree.start + usize::from(node.pair) * 2 + usize::from(second);
                if next == at {
                    break;
                }
                let child = self.rows_at(next);
                column = Some(usize::from(node.column));
                if let Some(part) = parts.get_mut(usize::from(node.column)) {
                    *part += (rows / child).log2() - 1.0;
                }
                (at, rows, depth) = (next, child, depth + 1);
            }
            if let Some(part) = column.and_then(|column| parts.get_mut(column)) {
                *part += rows.log2() - (f64::from(path(self.nodes[at])) - f64::from(depth));
            }
        }
        let trees = self.trees.len() as f64;
        parts.iter_mut().for_each(|part| *part /= trees);
    }

    /// What [`Forest::explain`]'s parts are taken from: `log2(sample)`, the path length of a row that every cut halves
    /// the others for.
    pub fn halvings(&self) -> f64 {
        (self.sample as f64).log2()
    }

    fn rows_at(&self, node: usize) -> f64 {
        const { assert!(MOST_SAMPLE - 1 == u16::MAX as usize) };
        f64::from(self.counts[node]) + 1.0
    }
}
