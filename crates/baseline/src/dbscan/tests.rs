use std::collections::BTreeMap;

use linfa::traits::Transformer;
use ndarray::ArrayView2;
use proptest::prelude::*;

use super::{CorePoints, FitError, Settings, fit};
use crate::matrix::{Matrix, MatrixError};

/// By the definition, pair by pair.
fn core_rows(rows: Matrix<'_>, settings: &Settings) -> Vec<bool> {
    let near = |a: &[f32], b: &[f32]| squared(a, b) <= settings.tolerance * settings.tolerance;
    rows.iter().map(|a| rows.iter().filter(|b| near(a, b)).count() >= settings.min_points).collect()
}

fn squared(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn linfa_groups(values: &[f32], columns: usize, settings: &Settings) -> Vec<Option<usize>> {
    let array = ArrayView2::from_shape((values.len() / columns, columns), values).unwrap();
    let found = linfa_clustering::Dbscan::params(settings.min_points).tolerance(settings.tolerance);
    linfa::ParamGuard::check(found).unwrap().transform(&array).to_vec()
}

/// Both give the same rows a group, and core points that one has in a group the other has as well. Returns how many
/// groups there are.
fn same_but_for_edges(values: &[f32], columns: usize, settings: &Settings) -> usize {
    let rows = Matrix::new(values, columns).unwrap();
    let ours = fit(rows, settings).unwrap();
    let linfa = linfa_groups(values, columns, settings);
    let is_core = core_rows(rows, settings);
    let mut pairs = BTreeMap::new();
    for (row, (ours, linfa)) in ours.groups.iter().zip(&linfa).enumerate() {
        assert_eq!(ours.is_some(), linfa.is_some(), "row {row}: {ours:?} {linfa:?}");
        if is_core[row] {
            assert_eq!(*pairs.entry(ours.unwrap()).or_insert(linfa.unwrap()), linfa.unwrap(), "row {row}");
        }
    }
    let of_linfa: std::collections::BTreeSet<_> = pairs.values().collect();
    assert_eq!(of_linfa.len(), pairs.len(), "groups that linfa keeps apart or together");
    assert!(pairs.keys().copied().eq(0..u32::try_from(pairs.len()).unwrap()), "numbered without gaps");
    for (row, group) in rows.iter().zip(&ours.groups) {
        let nearest = ours.core.nearest(row);
        match group {
            Some(group) => assert_eq!(nearest.unwrap().group, *group),
            None => assert!(nearest.is_none_or(|nearest| nearest.distance > settings.tolerance)),
        }
    }
    pairs.len()
}

#[test]
fn two_groups_and_noise() {
    let values = [[0.0, 0.0], [9.0, 9.0], [0.0, 1.0], [1.0, 0.0], [5.0, 5.0], [9.0, 8.0], [8.0, 9.0], [0.0, 2.0]];
    let settings = Settings { tolerance: 1.0, min_points: 3 };
    let found = fit(Matrix::new(values.as_flattened(), 2).unwrap(), &settings).unwrap();
    assert_eq!(found.groups, [Some(0), Some(1), Some(0), Some(0), None, Some(1), Some(1), Some(0)]);
    // Core points are those with three within 1: the corners of both groups, and (0, 1).
    assert_eq!(found.core.len(), 3);
    let nearest = found.core.nearest(&[9.0, 12.0]).unwrap();
    assert_eq!((nearest.group, nearest.distance), (1, 3.0));
    assert_eq!(found.core.nearest(&[0.0, 0.5]).unwrap().group, 0);
    assert_eq!(same_but_for_edges(values.as_flattened(), 2, &settings), 2);
}

#[test]
fn equal_rows_are_one_core_point() {
    let values = [[1.0, 2.0], [1.0, 2.0], [-0.0, 1.0], [-0.0, 4.0], [0.0, 1.0], [1.0, 2.0], [-0.0, 4.0]];
    let settings = Settings { tolerance: 0.5, min_points: 2 };
    let found = fit(Matrix::new(values.as_flattened(), 2).unwrap(), &settings).unwrap();
    let [a, b, c] = [0, 1, 2].map(Some);
    assert_eq!(found.groups, [a, a, b, c, b, a, c]);
    assert_eq!(found.core.len(), 3);
}

#[test]
fn what_cannot_be_learned_from_is_refused() {
    let settings = Settings { tolerance: 1.0, min_points: 2 };
    let rows = |values| Matrix::new(values, 2).unwrap();
    let found = fit(rows(&[1.0, f32::NAN]), &settings).unwrap_err();
    assert_eq!(found.to_string(), "found NaN in row 0, column 1, want a finite number");
    assert_eq!(fit(rows(&[]), &settings), Err(FitError::Rows(MatrixError::Empty)));
    for tolerance in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e30] {
        let found = fit(rows(&[1.0, 2.0]), &Settings { tolerance, ..settings });
        assert!(matches!(found, Err(FitError::Tolerance(_))));
    }
    assert_eq!(fit(rows(&[1.0, 2.0]), &Settings { min_points: 0, ..settings }), Err(FitError::MinPoints));
    let noise = fit(rows(&[1.0, 2.0, 8.0, 9.0]), &settings).unwrap();
    assert_eq!((noise.groups, noise.core.is_empty()), (vec![None, None], true));
    assert_eq!(noise.core.nearest(&[1.0, 2.0]), None);
    let one = fit(rows(&[1.0, 2.0]), &Settings { min_points: 1, ..settings }).unwrap();
    assert_eq!(one.core.nearest(&[1.0, f32::NAN]), None);
    assert_eq!(one.core.nearest(&[1.0]), None);
}

/// Many groups, some of them touching, with more points than a leaf has.
fn rows() -> impl Strategy<Value = (Vec<f32>, usize)> {
    (1..5_usize).prop_flat_map(|columns| {
        // Whole numbers make ties, and no two ways of summing differ in them.
        let whole = prop::collection::vec((0_u8..12).prop_map(f32::from), columns);
        let whole = prop::collection::vec(whole, 1..400).prop_map(|rows| rows.concat());
        let any = prop::collection::vec(prop::collection::vec(0.0..12.0_f32, columns), 1..400);
        (prop_oneof![whole, any.prop_map(|rows| rows.concat())], Just(columns))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn groups_are_linfa_s((values, columns) in rows(), tolerance in 1..5_u8, min_points in 2..7_usize) {
        same_but_for_edges(&values, columns, &Settings { tolerance: f32::from(tolerance), min_points });
    }

    #[test]
    fn the_nearest_is_the_nearest((values, columns) in rows(), row in prop::collection::vec(-3.0..15.0_f32, 4)) {
        let rows = Matrix::new(&values, columns).unwrap();
        let settings = Settings { tolerance: 2.0, min_points: 3 };
        let found = fit(rows, &settings).unwrap();
        let core = core_rows(rows, &settings);
        let to_core = rows.iter().zip(&core).filter(|(_, core)| **core).map(|(other, _)| squared(&row, other));
        let nearest = to_core.min_by(f32::total_cmp).map(f32::sqrt);
        let found_nearest = found.core.nearest(&row[..columns]).map(|found| found.distance);
        match nearest {
            Some(nearest) if nearest > 2.0 => {
                let found = found_nearest.unwrap();
                prop_assert!((nearest..=nearest * 1.1001).contains(&found), "{found} {nearest}");
            }
            _ => prop_assert_eq!(found_nearest, nearest),
        }
        let groups = found.groups.iter().filter_map(|group| *group);
        prop_assert_eq!(found.core.is_empty(), groups.max().is_none());
    }

    #[test]
    fn bytes_give_the_points_back((values, columns) in rows(), cut: prop::sample::Index, at: prop::sample::Index, bits in 1..=255_u8) {
        let rows = Matrix::new(&values, columns).unwrap();
        let core = fit(rows, &Settings { tolerance: 2.0, min_points: 3 }).unwrap().core;
        let mut bytes = core.to_bytes();
        prop_assert_eq!(CorePoints::from_bytes(&bytes).unwrap(), core);
        prop_assert!(CorePoints::from_bytes(&bytes[..cut.index(bytes.len())]).is_err());
        prop_assert!(CorePoints::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
        *at.get_mut(&mut bytes) ^= bits;
        if let Ok(core) = CorePoints::from_bytes(&bytes) {
            core.nearest(&vec![0.5; core.columns()]);
        }
    }
}
