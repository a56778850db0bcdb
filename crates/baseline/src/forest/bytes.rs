//! A forest as bytes, for the model file, and back.
//!
//! `TWF1`, then little-endian: columns, sample, trees (`u32` each); for each tree its nodes and its depth (`u32` each);
//! for each node key (`i32`), column and pair (`u16` each); for each node the rows that reached it, less one (`u16`).

use super::{Forest, MOST_COLUMNS, MOST_SAMPLE, MOST_TREES, Node, Tree};
use crate::bytes::{BytesError, Reader, Writer};

const MARK: [u8; 4] = *b"TWF1";

impl Forest {
    /// The forest as bytes, the same on every machine; 10 for each node.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.raw(&MARK);
        for count in [self.columns, self.sample, self.trees.len()] {
            to.count(count);
        }
        for tree in &self.trees {
            to.count(tree.nodes);
            to.count(tree.depth);
        }
        for node in &self.nodes {
            to.raw(&node.key.to_le_bytes());
            to.raw(&node.column.to_le_bytes());
            to.raw(&node.pair.to_le_bytes());
        }
        self.counts.iter().for_each(|count| to.raw(&count.to_le_bytes()));
        to.bytes
    }

    /// The forest that [`Forest::to_bytes`] gave these bytes for.
    ///
    /// # Errors
    /// [`BytesError`] if they are cut short, too many, or name a node or column that is not there: whatever is read
    /// can be asked for scores.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BytesError> {
        let mut from = Reader::new(bytes);
        from.mark(MARK)?;
        let columns = from.count("columns", 1..=MOST_COLUMNS)?;
        let sample = from.count("rows per tree", 1..=MOST_SAMPLE)?;
        let trees = from.count("trees", 1..=MOST_TREES)?;
        let mut forest = Self::empty(columns, sample);
        let mut start = 0;
        for _ in 0..trees {
            let nodes = from.count("nodes", 2..=2 * MOST_SAMPLE)?;
            let depth = from.count("steps", 0..=MOST_SAMPLE)?;
            if nodes % 2 == 1 {
                return Err(from.wrong(format!("{nodes} nodes"), "pairs of nodes"));
            }
            forest.trees.push(Tree { start, nodes, depth });
            start += nodes;
        }
        let nodes = from.groups::<8>(start)?;
        forest.nodes = nodes
            .iter()
            .map(|&[a, b, c, d, e, f, g, h]| Node {
                key: i32::from_le_bytes([a, b, c, d]),
                column: u16::from_le_bytes([e, f]),
                pair: u16::from_le_bytes([g, h]),
            })
            .collect();
        let counts = from.groups::<2>(start)?;
        forest.counts = counts.iter().map(|&count| u16::from_le_bytes(count)).collect();
        from.end()?;
        if let Some(count) = forest.counts.iter().find(|count| usize::from(**count) >= sample) {
            return Err(from.wrong(format!("a node of {count} rows and one more"), format!("up to {sample}")));
        }
        match forest.trees.iter().position(|tree| !forest.is_whole(*tree)) {
            Some(tree) => Err(from.wrong(format!("tree {tree} with nodes that lead astray"), "a tree")),
            None => Ok(forest),
        }
    }

    /// Whether each pair has one parent, before it, leaves lead to themselves, and no leaf is deeper than told.
    fn is_whole(&self, tree: Tree) -> bool {
        let Some(nodes) = self.nodes.get(tree.start..tree.start + tree.nodes) else { return false };
        // How deep each pair is; 0 is a pair that nothing led to yet.
        let mut depths = vec![0_u32; nodes.len() / 2];
        if let Some(root) = depths.first_mut() {
            *root = 1;
        }
        let mut deepest = 1;
        let mut fine = true;
        for (pair, siblings) in nodes.as_chunks::<2>().0.iter().enumerate() {
            let depth = depths.get(pair).copied().unwrap_or(0);
            fine &= depth > 0;
            for (node, second) in siblings.iter().zip([0, 1]) {
                let column = usize::from(node.column);
                if column < self.columns {
                    let Some(child) = depths.get_mut(usize::from(node.pair)) else { return false };
                    fine &= *child == 0 && usize::from(node.pair) > pair;
                    *child = depth + 1;
                    deepest = deepest.max(depth + 1);
                } else {
                    let path = f32::from_bits(node.key.cast_unsigned());
                    fine &= column == self.columns + second && usize::from(node.pair) == pair && path >= 0.0;
                }
            }
        }
        fine && tree.depth + 1 == deepest as usize
    }
}
