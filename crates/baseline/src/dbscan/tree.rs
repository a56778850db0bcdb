//! A balanced k-d tree (Bentley, 1975) with a tight box around each node and sixteen points to a leaf.

use crate::matrix::Matrix;

/// Points of a leaf: as many as are compared together.
pub(super) const LEAF: usize = 16;
/// The point number of a leaf's unused place.
const NONE: u32 = u32::MAX;

/// The bits of a child's number, beside those of its distance.
const CHILD: u64 = 0xffff_ffff;

/// Nodes whose boxes are looked at together.
pub(super) const FOUR: usize = 4;

/// Points where they are found. Node 1 is the root, node `i` has the halves `2 i` and `2 i + 1`, and all leaves are on one
/// level; which points are whose follows from their number alone. A search takes two levels at a step: the children of
/// node `i` are the four from `4 i` on. If the leaves are on an odd level it begins at node 0, which is none, and whose
/// children are 0, 1 (with boxes infinitely far), 2 and 3.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tree {
    columns: usize,
    points: usize,
    /// The first leaf's node, a power of two.
    first_leaf: usize,
    /// For each leaf column after column, [`LEAF`] values each; unused places are infinitely far.
    values: Vec<f32>,
    /// For each leaf, which points they are; rising within a leaf.
    numbers: Vec<u32>,
    /// For each four nodes column after column, the least values of each one's points, then the greatest.
    boxes: Vec<f32>,
}

impl Tree {
    /// Over all `rows`, numbered in their order; fewer than 2^32 - 1.
    pub(super) fn new(rows: Matrix<'_>) -> Self {
        let mut order: Vec<u32> = (0..NONE).take(rows.rows()).collect();
        let leaves = leaves(order.len());
        // Each level halves what the one above it made, at the median of the widest column.
        let mut nodes = 1;
        while nodes < leaves {
            for node in 0..nodes {
                let (start, end) = (share(order.len(), node, nodes), share(order.len(), node + 1, nodes));
                let middle = share(order.len(), node * 2 + 1, nodes * 2) - start;
                let Some(part) = order.get_mut(start..end) else { continue };
                let column = widest(rows, part);
                let value = |row: &u32| rows.row(*row as usize).get(column).copied().unwrap_or(0.0);
                if middle < part.len() {
                    part.select_nth_unstable_by(middle, |a, b| value(a).total_cmp(&value(b)));
                }
            }
            nodes *= 2;
        }
        for leaf in 0..leaves {
            let (start, end) = (share(order.len(), leaf, leaves), share(order.len(), leaf + 1, leaves));
            order.get_mut(start..end).unwrap_or_default().sort_unstable();
        }
        Self::of_ordered(rows.columns(), &order, |_, number| rows.row(number as usize))
    }

    /// Over points in the order that [`Tree::order`] gave, with the values that `row` gives for each place in that order
    /// and point number there. Any other order makes a slow tree, not a wrong one.
    pub(super) fn of_ordered<'r>(columns: usize, order: &[u32], row: impl Fn(usize, u32) -> &'r [f32]) -> Self {
        let leaves = leaves(order.len());
        let mut values = vec![f32::INFINITY; leaves * LEAF * columns];
        let mut numbers = vec![NONE; leaves * LEAF];
        // Node by node: a row of least values and one of greatest.
        let nowhere = [vec![f32::INFINITY; columns], vec![f32::NEG_INFINITY; columns]].concat();
        let mut boxes = nowhere.repeat((leaves * 2).next_multiple_of(FOUR));
        let of_leaves = values.chunks_exact_mut(LEAF * columns).zip(numbers.chunks_exact_mut(LEAF));
        for (leaf, (values, numbers)) in of_leaves.enumerate() {
            let start = share(order.len(), leaf, leaves);
            let part = order.get(start..share(order.len(), leaf + 1, leaves)).unwrap_or_default();
            let (low, high) = corners(&mut boxes, leaves + leaf, columns);
            for (place, number) in part.iter().enumerate() {
                if let Some(to) = numbers.get_mut(place) {
                    *to = *number;
                }
                let row = row(start + place, *number);
                for ((to, value), (low, high)) in
                    values.iter_mut().skip(place).step_by(LEAF).zip(row).zip(low.iter_mut().zip(high.iter_mut()))
                {
                    *to = *value;
                    *low = low.min(*value);
                    *high = high.max(*value);
                }
            }
        }
        for node in (1..leaves).rev() {
            for child in [node * 2, node * 2 + 1] {
                let (own, below) = boxes.split_at_mut(child * columns * 2);
                let (low, high) = corners(own, node, columns);
                let (child_low, child_high) = corners(below, 0, columns);
                low.iter_mut().zip(child_low).for_each(|(low, child)| *low = low.min(*child));
                high.iter_mut().zip(child_high).for_each(|(high, child)| *high = high.max(*child));
            }
        }
        // Node 1 and the one before it are nobody's children.
        boxes.splice(0..columns * 4, nowhere.repeat(2));
        let mut together = Vec::with_capacity(boxes.len());
        for four in boxes.chunks_exact(columns * 2 * FOUR) {
            for column in 0..columns {
                together.extend(four.iter().skip(column).step_by(columns).step_by(2));
                together.extend(four.iter().skip(column + columns).step_by(columns).step_by(2));
            }
        }
        let boxes = together;
        Self { columns, points: order.len(), first_leaf: leaves, values, numbers, boxes }
    }

    /// The points' numbers as the leaves have them.
    pub(super) fn order(&self) -> impl Iterator<Item = u32> + '_ {
        self.numbers.iter().copied().filter(|number| *number != NONE)
    }

    /// The points' values, in the same order.
    pub(super) fn values(&self) -> impl Iterator<Item = f32> + '_ {
        let leaves = self.values.chunks_exact(LEAF * self.columns).zip(self.numbers.chunks_exact(LEAF));
        leaves.flat_map(|(values, numbers)| {
            let used = numbers.iter().filter(|number| **number != NONE).count();
            (0..used).flat_map(|place| values.iter().skip(place).step_by(LEAF).copied())
        })
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    pub(super) fn points(&self) -> usize {
        self.points
    }

    /// How many nodes there are, the unused node 0 included.
    pub(super) fn nodes(&self) -> usize {
        self.first_leaf * 2
    }

    /// Where a search begins.
    pub(super) fn root(&self) -> usize {
        1 - self.first_leaf.trailing_zeros() as usize % 2
    }

    /// A node's children, with the squared distance from `point` to the nearest place in each one's box; `None` for a
    /// leaf.
    ///
    /// Summed in the order of [`Tree::distances`], so that it is not above any of its points' even by rounding.
    pub(super) fn children(&self, node: usize, point: &[f32]) -> Option<[(f32, usize); FOUR]> {
        if node >= self.first_leaf {
            return None;
        }
        let size = self.columns * FOUR * 2;
        let boxes = self.boxes.get(node * size..(node + 1) * size).unwrap_or_default();
        let mut sums = [0.0; FOUR];
        for (column, at) in boxes.as_chunks::<{ FOUR * 2 }>().0.iter().zip(point) {
            let (low, high) = column.split_at(FOUR);
            for ((sum, low), high) in sums.iter_mut().zip(low).zip(high) {
                let (below, above) = (low - at, at - high);
                let off = if below > above { below } else { above };
                let off = if off > 0.0 { off } else { 0.0 };
                *sum += off * off;
            }
        }
        let mut child = node * FOUR;
        Some(sums.map(|sum| {
            child += 1;
            (sum, child - 1)
        }))
    }

    /// The same, the nearest first.
    pub(super) fn children_by_distance(&self, node: usize, point: &[f32]) -> Option<[(f32, usize); FOUR]> {
        // A distance is not below 0, so its bits are in its order: one word holds it and the child, and which of two is
        // nearer, which is anybody's guess, is chosen without a branch.
        let four = self.children(node, point)?;
        let mut four = four.map(|(squared, child)| u64::from(squared.to_bits()) << 32 | child as u64);
        for (a, b) in [(0, 1), (2, 3), (0, 2), (1, 3), (1, 2)] {
            let (one, other) = (four[a], four[b]);
            let swap = other < one & !CHILD;
            four[a] = if swap { other } else { one };
            four[b] = if swap { one } else { other };
        }
        let squared = |word: u64| f32::from_bits(u32::try_from(word >> 32).unwrap_or(u32::MAX));
        Some(four.map(|word| (squared(word), usize::try_from(word & CHILD).unwrap_or(0))))
    }

    /// The squared distances from `point` to a leaf's points, infinity for unused places; `None` if all are above `most`.
    pub(super) fn distances(&self, leaf: usize, point: &[f32], most: f32) -> Option<[f32; LEAF]> {
        let start = (leaf - self.first_leaf) * LEAF * self.columns;
        let values = self.values.get(start..start + LEAF * self.columns).unwrap_or_default();
        let mut sums = [0.0; LEAF];
        for (values, at) in values.as_chunks::<LEAF>().0.iter().zip(point) {
            for (sum, value) in sums.iter_mut().zip(values) {
                let off = at - value;
                *sum += off * off;
            }
        }
        any_within(&sums, most).then_some(sums)
    }

    /// Which points a leaf has.
    pub(super) fn numbers(&self, leaf: usize) -> &[u32] {
        let start = (leaf - self.first_leaf) * LEAF;
        self.numbers.get(start..start + LEAF).unwrap_or_default()
    }
}

/// Looks at all, without a branch for each.
fn any_within(sums: &[f32; LEAF], most: f32) -> bool {
    sums.map(|sum| u8::from(sum <= most)) != [0; LEAF]
}

/// As few leaves as hold so many points, a power of two.
fn leaves(points: usize) -> usize {
    points.div_ceil(LEAF).next_power_of_two()
}

/// Where part `part` of `parts` of `all` begins.
fn share(all: usize, part: usize, parts: usize) -> usize {
    ((all as u128 * part as u128) / parts as u128) as usize
}

fn widest(rows: Matrix<'_>, part: &[u32]) -> usize {
    let mut low = vec![f32::INFINITY; rows.columns()];
    let mut high = vec![f32::NEG_INFINITY; rows.columns()];
    for number in part {
        for ((low, high), value) in low.iter_mut().zip(&mut high).zip(rows.row(*number as usize)) {
            *low = low.min(*value);
            *high = high.max(*value);
        }
    }
    let widths = low.iter().zip(&high).map(|(low, high)| high - low);
    widths.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(column, _)| column)
}

fn corners(boxes: &mut [f32], node: usize, columns: usize) -> (&mut [f32], &mut [f32]) {
    let start = node * columns * 2;
    boxes.get_mut(start..start + columns * 2).unwrap_or_default().split_at_mut(columns)
}
