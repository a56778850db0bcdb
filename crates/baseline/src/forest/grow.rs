//! Grows trees: draws rows, cuts them at random, down to single rows or the height limit.

use super::random::{Random, draw};
use super::{Node, Tree, key, mean_path};
use crate::matrix::Matrix;

/// Grows one tree after another, with the same room for all.
pub(super) struct Grower<'a> {
    rows: Matrix<'a>,
    sample: usize,
    /// ceil(log2(sample)), as in the paper.
    limit: usize,
    /// `c(n)` for n up to `sample`.
    mean_paths: Vec<f64>,
    taken: Vec<u64>,
    drawn: Vec<usize>,
    /// The drawn rows, column after column.
    values: Vec<f32>,
    /// Places in a column, each node's next to each other.
    places: Vec<u16>,
    /// The values at a node's places, in their order.
    at_node: Vec<f32>,
    /// Places that go right, until those that go left are in place.
    right: Vec<u16>,
    columns: Vec<u16>,
    open: Vec<Open>,
    trees: Vec<Tree>,
    nodes: Vec<Node>,
    counts: Vec<u16>,
}

/// A node still to be made.
struct Open {
    node: usize,
    start: usize,
    end: usize,
    depth: usize,
    /// The first so many of `columns` are not known to be constant among these rows.
    live: usize,
}

/// A cut: values below `at` go left.
struct Cut {
    column: u16,
    at: f32,
}

impl<'a> Grower<'a> {
    /// For trees of `sample` of the `rows`; `sample` is at least 1 and at most the number of rows and 65,536.
    pub(super) fn new(rows: Matrix<'a>, sample: usize) -> Self {
        let mut mean_paths = vec![0.0; sample + 1];
        let mut harmonic = 0.0;
        for (n, mean) in mean_paths.iter_mut().enumerate().skip(2) {
            harmonic += 1.0 / (n as f64 - 1.0);
            *mean = 2.0 * harmonic - 2.0 * (n as f64 - 1.0) / n as f64;
        }
        Self {
            rows,
            sample,
            limit: sample.next_power_of_two().trailing_zeros() as usize,
            mean_paths,
            taken: vec![0; rows.rows().div_ceil(64)],
            drawn: Vec::with_capacity(sample),
            values: vec![0.0; sample * rows.columns()],
            places: vec![0; sample],
            at_node: vec![0.0; sample],
            right: vec![0; sample],
            columns: Vec::new(),
            open: Vec::new(),
            trees: Vec::new(),
            nodes: Vec::new(),
            counts: Vec::new(),
        }
    }

    /// All trees so far, their nodes and their counts.
    pub(super) fn grown(self) -> (Vec<Tree>, Vec<Node>, Vec<u16>) {
        (self.trees, self.nodes, self.counts)
    }

    /// Grows tree number `tree`.
    pub(super) fn tree(&mut self, seed: u64, tree: u64) {
        let mut random = Random::of_tree(seed, tree);
        draw(&mut random, self.rows.rows(), self.sample, &mut self.taken, &mut self.drawn);
        self.gather();
        self.columns.clear();
        self.columns.extend((0..u16::MAX).take(self.rows.columns()));
        for (place, at) in self.places.iter_mut().zip(0..=u16::MAX) {
            *place = at;
        }
        let start = self.nodes.len();
        let mut deepest = 0;
        self.add_pair();
        self.open.push(Open { node: 0, start: 0, end: self.sample, depth: 0, live: self.columns.len() });
        while let Some(mut open) = self.open.pop() {
            deepest = deepest.max(open.depth);
            let rows = open.end - open.start;
            let cut = if rows < 2 || open.depth == self.limit { None } else { self.cut(&mut random, &mut open) };
            let made = match cut {
                Some(cut) => {
                    let pair = (self.nodes.len() - start) / 2;
                    let middle = self.part(&open, cut.at);
                    self.add_pair();
                    let (node, depth, live) = (pair * 2, open.depth + 1, open.live);
                    self.open.push(Open { node: node + 1, start: middle, end: open.end, depth, live });
                    self.open.push(Open { node, start: open.start, end: middle, depth, live });
                    Node { key: key(cut.at), column: cut.column, pair: short(pair) }
                }
                None => self.leaf(open.node, open.depth, rows),
            };
            if let (Some(node), Some(count)) =
                (self.nodes.get_mut(start + open.node), self.counts.get_mut(start + open.node))
            {
                *node = made;
                *count = short(rows - 1);
            }
        }
        self.trees.push(Tree { start, nodes: self.nodes.len() - start, depth: deepest });
    }

    /// Copies the drawn rows into columns: a node looks at one column only.
    fn gather(&mut self) {
        for (place, row) in self.drawn.iter().enumerate() {
            let to = self.values.iter_mut().skip(place).step_by(self.sample);
            for (to, value) in to.zip(self.rows.row(*row)) {
                *to = *value;
            }
        }
    }

    /// Room for two siblings. They begin as leaves that nothing reached, which the unused sibling of the root remains.
    fn add_pair(&mut self) {
        let start = self.trees.last().map_or(0, |tree| tree.start + tree.nodes);
        for _ in 0..2 {
            let leaf = self.leaf(self.nodes.len() - start, 0, 1);
            self.nodes.push(leaf);
            self.counts.push(0);
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "path lengths are small, and stored as `f32`")]
    fn leaf(&self, node: usize, depth: usize, rows: usize) -> Node {
        let path = depth as f64 + self.mean_paths.get(rows).copied().unwrap_or_else(|| mean_path(rows));
        let column = self.rows.columns() + node % 2;
        Node { key: (path as f32).to_bits().cast_signed(), column: short(column), pair: short(node / 2) }
    }

    /// A random place between the least and the greatest value of a random column; none if all are constant.
    fn cut(&mut self, random: &mut Random, open: &mut Open) -> Option<Cut> {
        while open.live > 0 {
            let choice = random.below(open.live);
            let column = *self.columns.get(choice)?;
            let (low, high) = self.look(open, column)?;
            if low < high {
                return Some(Cut { column, at: between(low, high, random.share()) });
            }
            // Constant here is constant below as well; what is behind `live` stays there until the parent's is restored.
            open.live -= 1;
            self.columns.swap(choice, open.live);
        }
        None
    }

    /// Copies a node's values of a column to `at_node`; the least and the greatest.
    fn look(&mut self, open: &Open, column: u16) -> Option<(f32, f32)> {
        let from = usize::from(column) * self.sample;
        let values = self.values.get(from..from + self.sample)?;
        let places = self.places.get(open.start..open.end)?;
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        for (to, place) in self.at_node.iter_mut().zip(places) {
            let value = *values.get(usize::from(*place))?;
            *to = value;
            low = if value < low { value } else { low };
            high = if value > high { value } else { high };
        }
        Some((low, high))
    }

    /// Puts a node's places that go left first, by the values last looked at; where the right ones begin.
    fn part(&mut self, open: &Open, at: f32) -> usize {
        let Some(places) = self.places.get_mut(open.start..open.end) else { return open.start };
        let (mut left, mut right) = (0, 0);
        // Each place is written to both sides, and only one side counts it: no branch to guess wrong.
        for i in 0..places.len().min(self.at_node.len()).min(self.right.len()) {
            let (place, goes_left) = (places[i], self.at_node[i] < at);
            places[left] = place;
            self.right[right] = place;
            left += usize::from(goes_left);
            right += usize::from(!goes_left);
        }
        for (to, place) in places.iter_mut().skip(left).zip(&self.right) {
            *to = *place;
        }
        open.start + left
    }
}

/// The value at `share` of the way from `low` to `high`, above `low` so that both sides of the cut have rows.
#[expect(clippy::cast_possible_truncation, reason = "between two `f32`")]
fn between(low: f32, high: f32, share: f64) -> f32 {
    let at = (f64::from(low) + share * (f64::from(high) - f64::from(low))) as f32;
    if at > low { at.min(high) } else { low.next_up() }
}

/// Counts and places fit: rows per tree and columns are limited on entry.
fn short(value: usize) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}
