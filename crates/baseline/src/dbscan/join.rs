//! Joins core points that are neighbours into groups (Tarjan: "Efficiency of a good but not linear set union
//! algorithm", 1975), and skips whole boxes of points that are in one group already.

use super::tree::Tree;

/// What is known of the points in a node's box.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Inside {
    /// They may be in several groups.
    Mixed,
    /// All are in the group of this point.
    One(u32),
    /// There are none.
    Nobody,
}

/// Groups while they grow together.
pub(super) struct Joined<'t> {
    tree: &'t Tree,
    /// For each point another of its group, itself for the one that stands for all.
    parents: Vec<u32>,
    /// For each node. Groups only grow, so what is in one group stays so.
    inside: Vec<Inside>,
}

impl<'t> Joined<'t> {
    /// Every point alone.
    pub(super) fn new(tree: &'t Tree) -> Self {
        let parents = (0..u32::MAX).take(tree.points()).collect();
        let mut inside = vec![Inside::Mixed; tree.nodes()];
        // Where a search does not begin, of nodes 0 and 1, is no node.
        if let Some(none) = inside.get_mut(1 - tree.root()) {
            *none = Inside::Nobody;
        }
        Self { tree, parents, inside }
    }

    /// The point that stands for the group of `point`.
    pub(super) fn root(&mut self, mut point: u32) -> u32 {
        loop {
            let parent = self.parent(point);
            if parent == point {
                return point;
            }
            let above = self.parent(parent);
            if let Some(to) = self.parents.get_mut(point as usize) {
                *to = above;
            }
            point = above;
        }
    }

    fn parent(&self, point: u32) -> u32 {
        self.parents.get(point as usize).copied().unwrap_or(point)
    }

    fn unite(&mut self, one: u32, other: u32) {
        let (one, other) = (self.root(one), self.root(other));
        if let Some(to) = self.parents.get_mut(one.max(other) as usize) {
            *to = one.min(other);
        }
    }

    /// Joins point `number`, which lies at `at`, with all points of a node whose squared distance is up to `limit`.
    pub(super) fn join(&mut self, node: usize, number: u32, at: &[f32], limit: f32) {
        match self.inside.get(node).copied() {
            Some(Inside::Mixed) => {}
            Some(Inside::One(other)) if self.root(other) != self.root(number) => {}
            _ => return,
        }
        let tree = self.tree;
        let now = if let Some(children) = tree.children(node, at) {
            let mut now = Inside::Nobody;
            for (squared, child) in children {
                if squared <= limit {
                    self.join(child, number, at, limit);
                }
            }
            for (_, child) in children.into_iter().filter(|(_, child)| *child > node) {
                let inside = self.inside.get(child).copied().unwrap_or(Inside::Nobody);
                now = self.both(now, inside);
            }
            now
        } else {
            let mut now = Inside::Nobody;
            for (other, squared) in tree.numbers(node).iter().zip(tree.distances(node, at, limit).iter().flatten()) {
                if *squared <= limit {
                    self.unite(number, *other);
                }
            }
            for other in tree.numbers(node) {
                if (*other as usize) < self.parents.len() {
                    now = self.both(now, Inside::One(*other));
                }
            }
            now
        };
        if let Some(inside) = self.inside.get_mut(node) {
            *inside = now;
        }
    }

    fn both(&mut self, left: Inside, right: Inside) -> Inside {
        match (left, right) {
            (Inside::Nobody, other) | (other, Inside::Nobody) => other,
            (Inside::One(left), Inside::One(right)) if self.root(left) == self.root(right) => Inside::One(left),
            _ => Inside::Mixed,
        }
    }
}
