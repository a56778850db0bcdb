use proptest::prelude::*;

use super::random::Random;
use super::{FitError, Forest, MOST_SAMPLE, Settings, key, mean_path};
use crate::matrix::{Matrix, MatrixError};

/// Rows of roughly normal numbers (sums of twelve uniform ones).
fn normal(seed: u64, rows: usize, columns: usize) -> Vec<f32> {
    let mut random = Random::of_tree(seed, u64::MAX);
    (0..rows * columns).map(|_| (0..12).map(|_| random.share() as f32).sum::<f32>() - 6.0).collect()
}

fn small(seed: u64) -> Settings {
    Settings { trees: 20, sample: 64, seed }
}

#[test]
fn mean_paths_are_the_paper_s() {
    assert_eq!([0, 1, 2].map(mean_path), [0.0, 0.0, 1.0]);
    // c(3) = 2 (1 + 1/2) - 4/3; c(256) by its definition with exact fractions.
    assert!((mean_path(3) - 5.0 / 3.0).abs() < 1e-12);
    assert!((mean_path(256) - 10.248_689_925_634_562).abs() < 1e-9, "{}", mean_path(256));
}

#[test]
fn keys_are_in_the_order_of_numbers() {
    let rising = [f32::NEG_INFINITY, f32::MIN, -1.5, -1e-45, 0.0, 1e-45, 1.0, f32::MAX, f32::INFINITY, f32::NAN];
    let keys = rising.map(key);
    assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
    assert_eq!((key(-0.0), key(-f32::NAN)), (key(0.0), key(f32::NAN)));
    assert!(keys[0] > i32::MIN && keys[9] < i32::MAX, "leaves have these");
}

#[test]
fn what_cannot_be_learned_from_is_refused() {
    let fit = |values: &[f32], settings| Forest::fit(Matrix::new(values, 2).unwrap(), &settings, 1).unwrap_err();
    assert_eq!(fit(&[], small(0)), FitError::Rows(MatrixError::Empty));
    let found = fit(&[1.0, 2.0, 3.0, f32::NAN], small(0));
    assert_eq!(found.to_string(), "found NaN in row 1, column 1, want a finite number");
    let found = fit(&[1.0, 2.0], Settings { sample: MOST_SAMPLE + 1, ..small(0) });
    assert_eq!(found.to_string(), "found 65537 rows per tree, want 1 to 65536");
    let found = fit(&[1.0, 2.0], Settings { trees: 0, ..small(0) });
    assert_eq!(found.to_string(), "found 0 trees, want 1 to 4096");
}

#[test]
fn one_row_and_constant_rows_say_nothing() {
    let one = Forest::fit(Matrix::new(&[1.0, 2.0], 2).unwrap(), &small(0), 4).unwrap();
    assert_eq!(one.score(&[9.0, 9.0]), 0.5);
    let values = [3.0; 2 * 100];
    let same = Forest::fit(Matrix::new(&values, 2).unwrap(), &small(0), 1).unwrap();
    assert_eq!(same.nodes.len(), 2 * 20, "no cut is made");
    assert!((same.score(&[9.0, 9.0]) - 0.5).abs() < 1e-7);
}

/// Constant columns are passed over, as long as one is not constant.
#[test]
fn one_column_that_varies_is_enough() {
    let mut values = vec![3.0; 64 * 10];
    values.iter_mut().skip(7).step_by(10).zip(0_u8..).for_each(|(value, n)| *value = n.into());
    let forest = Forest::fit(Matrix::new(&values, 10).unwrap(), &small(2), 1).unwrap();
    assert!(forest.trees.iter().all(|tree| tree.depth == 6), "all trees are grown to the limit");
    assert!(forest.nodes.iter().all(|node| node.column == 7 || node.column >= 10));
}

/// Bytes of a tree that would lead in circles, out of it, or on beyond its depth.
#[test]
fn trees_that_lead_astray_are_refused() {
    let forest = Forest::fit(Matrix::new(&normal(9, 100, 2), 2).unwrap(), &small(9), 1).unwrap();
    let inner = forest.nodes.iter().rposition(|node| node.column < 2).unwrap();
    let pairs = forest.trees.last().unwrap().nodes / 2;
    let told = |forest: &Forest| Forest::from_bytes(&forest.to_bytes()).unwrap_err().to_string();
    for pair in [0, forest.nodes[inner].pair - 1, u16::try_from(pairs).unwrap(), u16::MAX] {
        let mut forest = forest.clone();
        forest.nodes[inner].pair = pair;
        assert!(told(&forest).contains("tree 19 with nodes that lead astray"), "{pair}: {}", told(&forest));
    }
    let mut deeper = forest.clone();
    deeper.trees[3].depth -= 1;
    assert!(told(&deeper).contains("tree 3 with"), "{}", told(&deeper));
    let mut round = forest.clone();
    let last = round.nodes.last_mut().unwrap();
    (last.column, last.pair) = (0, 0);
    assert!(told(&round).contains("tree 19 with"), "{}", told(&round));
    let mut wider = forest.clone();
    wider.nodes[inner].column = 4;
    assert!(told(&wider).contains("tree 19 with"), "{}", told(&wider));
    let mut more = forest;
    more.counts[0] = 64;
    assert!(told(&more).contains("up to 64"), "{}", told(&more));
}

/// The whole range of sample sizes: as many leaves as two bytes can count.
#[test]
fn the_greatest_sample_fits() {
    let values = normal(5, MOST_SAMPLE, 3);
    let settings = Settings { trees: 2, sample: MOST_SAMPLE, seed: 5 };
    let forest = Forest::fit(Matrix::new(&values, 3).unwrap(), &settings, 2).unwrap();
    assert_eq!(forest.trees[0].depth, 16);
    assert!(forest.nodes.len() > 10_000, "{}", forest.nodes.len());
    assert_eq!(Forest::from_bytes(&forest.to_bytes()).unwrap(), forest);
    assert!(forest.score(&[40.0, 0.0, 0.0]) > forest.score(&[0.0; 3]) + 0.1);
}

/// More columns than the room that is kept ready for one row.
#[test]
fn many_columns() {
    let mut values = normal(6, 300, 500);
    values[7 * 500 + 250..8 * 500].fill(40.0);
    let rows = Matrix::new(&values, 500).unwrap();
    let forest = Forest::fit(rows, &Settings { trees: 600, sample: 256, seed: 6 }, 2).unwrap();
    let mut scores = vec![0.0; 300];
    forest.score_batch(rows, 2, &mut scores).unwrap();
    assert_eq!(scores[7], scores.iter().copied().fold(0.0, f32::max));
    assert_eq!(scores[7], forest.score(rows.row(7)) as f32);
}

#[test]
fn rows_of_another_shape_are_refused() {
    let forest = Forest::fit(Matrix::new(&normal(1, 100, 4), 4).unwrap(), &small(1), 1).unwrap();
    let values = normal(1, 10, 5);
    let found = forest.score_batch(Matrix::new(&values, 5).unwrap(), 1, &mut [0.0; 10]).unwrap_err();
    assert_eq!(found, MatrixError::Shape { values: 50, columns: 4 });
    assert!(forest.score_batch(Matrix::new(&values, 5).unwrap(), 1, &mut [0.0; 9]).is_err());
    assert_eq!(forest.score(&[1.0]), forest.score(&[1.0, 0.0, 0.0, 0.0, 7.0]));
}

/// A column pushed out of its range is the first that is named.
#[test]
fn a_planted_column_is_named_first() {
    const COLUMNS: usize = 20;
    let values = normal(11, 20_000, COLUMNS);
    let forest = Forest::fit(Matrix::new(&values, COLUMNS).unwrap(), &Settings::default(), 2).unwrap();
    let fresh = normal(12, 500, COLUMNS);
    let mut parts = [0.0; COLUMNS];
    let mut first = 0;
    for (case, row) in Matrix::new(&fresh, COLUMNS).unwrap().iter().enumerate() {
        let (mut row, planted) = (row.to_vec(), case % COLUMNS);
        row[planted] = if case % 2 == 0 { 5.0 } else { -5.0 };
        forest.explain(&row, &mut parts);
        let named = (0..COLUMNS).max_by(|a, b| parts[*a].total_cmp(&parts[*b])).unwrap();
        first += usize::from(named == planted);
    }
    assert!(first * 100 >= 500 * 84, "named first in {first} of 500");
}

/// What is far from the rest scores higher, by Liu's own measure of it.
#[test]
fn the_far_is_unusual() {
    let values = normal(3, 5000, 5);
    let forest = Forest::fit(Matrix::new(&values, 5).unwrap(), &Settings::default(), 2).unwrap();
    assert!(forest.score(&[0.0; 5]) < 0.5);
    assert!(forest.score(&[6.0, -6.0, 6.0, -6.0, 6.0]) > 0.6);
}

/// Rows with ties, constant columns and wild values, as counts and flags have them.
fn rows() -> impl Strategy<Value = (Vec<f32>, usize)> {
    let value = prop_oneof![
        3 => (0_u8..4).prop_map(f32::from),
        3 => -10.0..10.0_f32,
        1 => Just(0.0),
        1 => prop_oneof![Just(f32::MAX), Just(f32::MIN), Just(-0.0), Just(1e-45)],
    ];
    (1..7_usize).prop_flat_map(move |columns| {
        let rows = prop::collection::vec(prop::collection::vec(value.clone(), columns), 1..90);
        (rows.prop_map(|rows| rows.concat()), Just(columns))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn threads_change_no_bit((values, columns) in rows(), seed: u64, threads in 2..9_usize) {
        let rows = Matrix::new(&values, columns).unwrap();
        let one = Forest::fit(rows, &small(seed), 1).unwrap();
        prop_assert_eq!(&Forest::fit(rows, &small(seed), threads).unwrap(), &one);
        prop_assert!(rows.rows() < 3 || one.nodes.len() == 40
            || Forest::fit(rows, &small(seed ^ 1), 1).unwrap() != one, "the seed counts");
    }

    #[test]
    fn scores_are_shares_and_do_not_depend_on_company((values, columns) in rows(), seed: u64, turn: usize) {
        let rows = Matrix::new(&values, columns).unwrap();
        let forest = Forest::fit(rows, &small(seed), 1).unwrap();
        let mut scores = vec![0.0; rows.rows()];
        forest.score_batch(rows, 3, &mut scores).unwrap();
        let turn = turn % rows.rows();
        let mut turned = values.clone();
        turned.rotate_left(turn * columns);
        let mut again = vec![0.0; rows.rows()];
        forest.score_batch(Matrix::new(&turned, columns).unwrap(), 1, &mut again).unwrap();
        again.rotate_right(turn);
        prop_assert_eq!(&scores, &again);
        for (row, score) in rows.iter().zip(scores) {
            prop_assert!((0.0..=1.0).contains(&score));
            prop_assert_eq!(score, forest.score(row) as f32);
        }
    }

    #[test]
    fn parts_sum_to_the_path((values, columns) in rows(), seed: u64, at: prop::sample::Index) {
        let rows = Matrix::new(&values, columns).unwrap();
        let forest = Forest::fit(rows, &small(seed), 1).unwrap();
        let row = rows.row(at.index(rows.rows()));
        let mut parts = vec![f64::NAN; columns];
        forest.explain(row, &mut parts);
        let path = forest.path_length(row);
        if forest.nodes.len() > 2 * forest.trees() {
            let sum = forest.halvings() - parts.iter().sum::<f64>();
            prop_assert!((sum - path).abs() < 1e-6, "{sum} {path}");
        }
        let score = (-path / mean_path(forest.sample())).exp2();
        prop_assert!(forest.sample() == 1 || (score - forest.score(row)).abs() < 1e-9);
    }

    #[test]
    fn bytes_give_the_forest_back((values, columns) in rows(), seed: u64, cut: prop::sample::Index) {
        let rows = Matrix::new(&values, columns).unwrap();
        let forest = Forest::fit(rows, &small(seed), 1).unwrap();
        let bytes = forest.to_bytes();
        prop_assert_eq!(Forest::from_bytes(&bytes).unwrap(), forest);
        prop_assert!(Forest::from_bytes(&bytes[..cut.index(bytes.len())]).is_err());
        prop_assert!(Forest::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    }

    /// Whatever is read can be asked: a changed byte is refused or gives other numbers, never a panic.
    #[test]
    fn changed_bytes_do_no_harm((values, columns) in rows(), at: prop::sample::Index, bits in 1..=255_u8) {
        let rows = Matrix::new(&values, columns).unwrap();
        let mut bytes = Forest::fit(rows, &small(1), 1).unwrap().to_bytes();
        *at.get_mut(&mut bytes) ^= bits;
        if let Ok(forest) = Forest::from_bytes(&bytes) {
            let row = vec![0.5; forest.columns()];
            forest.score(&row);
            forest.explain(&row, &mut vec![0.0; forest.columns()]);
        }
    }
}
