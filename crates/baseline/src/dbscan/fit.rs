//! Which rows lie close together: core points, their groups, the rows at their edges.

use super::core::{CorePoints, nearest};
use super::join::Joined;
use super::tree::Tree;
use crate::matrix::{Matrix, MatrixError};

/// What is close, and how many make a crowd.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// The greatest distance at which two rows are neighbours, above 0; its square is finite too.
    pub tolerance: f32,
    /// Neighbours that make a row a core point, itself included; at least 1.
    pub min_points: usize,
}

/// Why no groups were looked for.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum FitError {
    /// The rows are none to learn from.
    #[error(transparent)]
    Rows(#[from] MatrixError),
    /// No distance is within it.
    #[error("found a tolerance of {0}, want a number above 0 with a finite square")]
    Tolerance(f32),
    /// Every row alone would be a group.
    #[error("found 0 as the neighbours of a core point, want at least 1")]
    MinPoints,
}

/// What [`fit`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Dbscan {
    /// For each row its group; `None` is noise. Groups are numbered in the order of their first core points' rows. A row
    /// at the edge of several groups is in that of its nearest core point, of equally near ones the first.
    pub groups: Vec<Option<u32>>,
    /// To judge new rows by.
    pub core: CorePoints,
}

/// Finds the groups of `rows`, fewer than 2^32 - 1 of them.
///
/// # Errors
/// [`FitError`] without rows, if a value or the tolerance is NaN or infinite, or a setting is 0.
pub fn fit(rows: Matrix<'_>, settings: &Settings) -> Result<Dbscan, FitError> {
    rows.check()?;
    let Settings { tolerance, min_points } = *settings;
    // Written so that NaN, which no comparison holds for, is refused too.
    let limit = tolerance * tolerance;
    if !(limit > 0.0 && limit.is_finite() && tolerance > 0.0) {
        return Err(FitError::Tolerance(tolerance));
    }
    if min_points == 0 {
        return Err(FitError::MinPoints);
    }
    let is_core = core_rows(rows, limit, min_points);
    let (firsts, point_of) = distinct(rows, &is_core);
    let values: Vec<f32> = firsts.iter().flat_map(|row| rows.row(*row)).copied().collect();
    let Ok(points) = Matrix::new(&values, rows.columns()) else { return Err(MatrixError::Empty.into()) };
    let tree = Tree::new(points);
    let mut joined = Joined::new(&tree);
    for (number, point) in (0..).zip(points.iter()) {
        joined.join(tree.root(), number, point, limit);
    }
    // Points are in the order of their first rows, so this numbers groups in that order.
    let mut group_of_root = vec![None; firsts.len()];
    let mut count = 0;
    let mut groups_of_points = Vec::with_capacity(firsts.len());
    for number in (0..u32::MAX).take(firsts.len()) {
        let root = joined.root(number) as usize;
        let group = *group_of_root.get_mut(root).map_or(&mut None, |group| group).get_or_insert_with(|| {
            count += 1;
            count - 1
        });
        groups_of_points.push(group);
    }
    let groups = rows.iter().zip(&point_of).map(|(row, point)| {
        let point = match point {
            Some(point) => Some(*point),
            None => nearest(&tree, row, limit, limit).map(|(point, _)| point),
        };
        groups_of_points.get(point? as usize).copied()
    });
    Ok(Dbscan { groups: groups.collect(), core: CorePoints::new(tolerance, groups_of_points, tree) })
}

/// For each row whether it has enough neighbours.
fn core_rows(rows: Matrix<'_>, limit: f32, min_points: usize) -> Vec<bool> {
    let tree = Tree::new(rows);
    let enough = |row| {
        let mut missing = min_points;
        count(&tree, tree.root(), row, limit, &mut missing);
        missing == 0
    };
    rows.iter().map(enough).collect()
}

/// Takes the neighbours in a node's box off `missing`, until none is.
fn count(tree: &Tree, node: usize, row: &[f32], limit: f32, missing: &mut usize) {
    let Some(children) = tree.children_by_distance(node, row) else {
        let found = tree.distances(node, row, limit).iter().flatten().filter(|squared| **squared <= limit).count();
        *missing = missing.saturating_sub(found);
        return;
    };
    for (squared, child) in children {
        if squared <= limit && *missing > 0 {
            count(tree, child, row, limit, missing);
        }
    }
}

/// The first core row of each place, in the order of the rows; and for each core row the number of its place.
fn distinct(rows: Matrix<'_>, is_core: &[bool]) -> (Vec<usize>, Vec<Option<u32>>) {
    let mut order: Vec<usize> = (0..rows.rows()).filter(|row| is_core.get(*row) == Some(&true)).collect();
    // The zeros are one place, though not one in this order: adding 0 makes them one.
    let place = |row: usize| rows.row(row).iter().map(|value| value + 0.0);
    let by_place = |a: &usize, b: &usize| {
        let different = place(*a).zip(place(*b)).map(|(a, b)| a.total_cmp(&b)).find(|order| order.is_ne());
        different.unwrap_or(a.cmp(b))
    };
    order.sort_unstable_by(by_place);
    let mut first_of = vec![None; rows.rows()];
    let mut first = None;
    for row in order {
        let same = first.filter(|first| place(*first).eq(place(row)));
        first = same.or(Some(row));
        if let Some(to) = first_of.get_mut(row) {
            *to = first;
        }
    }
    let mut firsts = Vec::new();
    let mut point_of: Vec<Option<u32>> = vec![None; rows.rows()];
    for (row, first) in first_of.iter().enumerate() {
        let Some(first) = *first else { continue };
        let point = if first == row {
            firsts.push(row);
            u32::try_from(firsts.len() - 1).ok()
        } else {
            point_of.get(first).copied().flatten()
        };
        if let Some(to) = point_of.get_mut(row) {
            *to = point;
        }
    }
    (firsts, point_of)
}
