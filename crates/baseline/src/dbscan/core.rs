//! Core points kept after learning: where a new row belongs, and how far from it.

use super::tree::Tree;
use crate::bytes::{BytesError, Reader, Writer};
use crate::matrix::Matrix;

const MARK: [u8; 4] = *b"TWD1";
const MOST_COLUMNS: usize = 1 << 12;
const MOST_POINTS: usize = 1 << 28;
/// How much greater the squared distance of what is found beyond the tolerance may be than that of the nearest: a tenth
/// in distance. Far from everything nearly all points are nearly as near, and to tell them apart takes long.
const FARTHER: f32 = 1.21;

/// The nearest core point of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nearest {
    /// Its group, from 0.
    pub group: u32,
    /// How far it is, in the rows' own units. Above the tolerance that was learned with, the row would be noise.
    pub distance: f32,
}

/// The core points that differ, with their groups.
#[derive(Debug, Clone, PartialEq)]
pub struct CorePoints {
    tolerance: f32,
    /// By the points' numbers in `tree`.
    groups: Vec<u32>,
    tree: Tree,
}

impl CorePoints {
    /// `groups` has one for each point of `tree`.
    pub(super) fn new(tolerance: f32, groups: Vec<u32>, tree: Tree) -> Self {
        Self { tolerance, groups, tree }
    }

    /// How many core points are kept; equal ones are one.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether all rows were noise.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The greatest distance at which rows were neighbours.
    pub fn tolerance(&self) -> f32 {
        self.tolerance
    }

    /// How many numbers a row has.
    pub fn columns(&self) -> usize {
        self.tree.columns()
    }

    /// The nearest core point of `row`, of equally near ones the first that was learned from, if it is within the
    /// tolerance. Beyond, one that is at most a tenth farther than the nearest.
    ///
    /// `None` without core points, if all are so far that `f32` cannot tell, or if `row` has other columns than those learned from or a value that is NaN or
    /// infinite.
    pub fn nearest(&self, row: &[f32]) -> Option<Nearest> {
        if row.len() != self.columns() || !row.iter().all(|value| value.is_finite()) {
            return None;
        }
        let (point, squared) = nearest(&self.tree, row, self.tolerance * self.tolerance, f32::MAX)?;
        Some(Nearest { group: *self.groups.get(point as usize)?, distance: squared.sqrt() })
    }

    /// The points as bytes, the same on every machine.
    ///
    /// `TWD1`, then little-endian: columns, points (`u32` each), tolerance (`f32`); in the tree's order for each point
    /// its number and group (`u32` each), then for each its values (`f32`).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.raw(&MARK);
        to.count(self.columns());
        to.count(self.len());
        to.raw(&self.tolerance.to_le_bytes());
        for number in self.tree.order() {
            to.u32(number);
            to.u32(self.groups.get(number as usize).copied().unwrap_or(0));
        }
        self.tree.values().for_each(|value| to.raw(&value.to_le_bytes()));
        to.bytes
    }

    /// The points that [`CorePoints::to_bytes`] gave these bytes for.
    ///
    /// # Errors
    /// [`BytesError`] if they are cut short, too many, name a point twice or have a value that is NaN or infinite.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BytesError> {
        let mut from = Reader::new(bytes);
        from.mark(MARK)?;
        let columns = from.count("columns", 1..=MOST_COLUMNS)?;
        let points = from.count("points", 0..=MOST_POINTS)?;
        let tolerance = from.groups::<4>(1)?.first().map_or(0.0, |value| f32::from_le_bytes(*value));
        let named = from.groups::<8>(points)?;
        let mut order = Vec::with_capacity(points);
        let mut groups = vec![None; points];
        for &[a, b, c, d, e, f, g, h] in named {
            let number = u32::from_le_bytes([a, b, c, d]);
            match groups.get_mut(number as usize) {
                Some(group @ None) => *group = Some(u32::from_le_bytes([e, f, g, h])),
                _ => return Err(from.wrong(format!("point {number} again or too great"), "each point once")),
            }
            order.push(number);
        }
        let values = from.groups::<4>(points * columns)?;
        let values: Vec<f32> = values.iter().map(|value| f32::from_le_bytes(*value)).collect();
        let finite = values.iter().all(|value| value.is_finite());
        if !(finite && tolerance > 0.0 && tolerance.is_finite()) {
            return Err(from.wrong("a value that is NaN or infinite", "finite numbers"));
        }
        from.end()?;
        let matrix = Matrix::new(&values, columns).map_err(|error| from.wrong(error.to_string(), "whole rows"))?;
        let tree = Tree::of_ordered(columns, &order, |place, _| matrix.row(place));
        Ok(Self { tolerance, groups: groups.into_iter().flatten().collect(), tree })
    }
}

/// The nearest point if its squared distance is up to `exact`; else one whose squared distance is up to `most` and at most
/// [`FARTHER`] times the nearest's. With its squared distance.
pub(super) fn nearest(tree: &Tree, row: &[f32], exact: f32, most: f32) -> Option<(u32, f32)> {
    let mut best = (u32::MAX, most);
    search(tree, tree.root(), row, exact, &mut best);
    (best.0 != u32::MAX).then_some(best)
}

#[expect(clippy::float_cmp, reason = "of two points equally near, to the bit, the first is taken")]
fn search(tree: &Tree, node: usize, row: &[f32], exact: f32, best: &mut (u32, f32)) {
    let Some(children) = tree.children_by_distance(node, row) else {
        let distances = tree.distances(node, row, best.1);
        for (number, squared) in tree.numbers(node).iter().zip(distances.iter().flatten().copied()) {
            if squared < best.1 || (squared == best.1 && *number < best.0) {
                *best = (*number, squared);
            }
        }
        return;
    };
    for (squared, child) in children {
        // Sorted, so none after it will do; as far as the best is near enough, it may be the earlier point.
        if squared > best.1 || (squared > exact && squared * FARTHER >= best.1) {
            break;
        }
        search(tree, child, row, exact, best);
    }
}
