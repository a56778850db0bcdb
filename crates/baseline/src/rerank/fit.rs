//! Fits the logistic regression.

use super::{COLUMNS, Example};

/// The penalty on the weights of all columns but the score: they are taken to come from a normal distribution around 0
/// with a deviation of 0.2 log-odds per nat, so that a family at its rarest, ten nats, moves the log-odds by two.
const L2: f64 = 25.0;
const ROUNDS: usize = 20_000;
const CLOSE: f64 = 1e-9;
/// The intercept and the score, which are not penalised, then the columns.
const SIZE: usize = COLUMNS + 2;
const FREE: usize = 2;

type Row = [f64; SIZE];

/// The log-odds per nat of the score and of each column.
///
/// Each round goes to the lowest point of a quadratic that touches the loss and lies above it, so the loss falls in every
/// round (Böhning, Lindsay: "Monotonicity of quadratic-approximation algorithms", 1988).
pub(super) fn logistic(examples: &[Example]) -> [f64; COLUMNS + 1] {
    let rows: Vec<(Row, f64)> = examples.iter().map(|example| (row(example), example.incident.into())).collect();
    let mut curvature = [[0.0; SIZE]; SIZE];
    for (row, _) in &rows {
        for (line, a) in curvature.iter_mut().zip(row) {
            add(line, row, 0.25 * a);
        }
    }
    for (at, line) in curvature.iter_mut().enumerate().skip(FREE) {
        line[at] += L2;
    }
    let mut weights = [0.0; SIZE];
    for _ in 0..ROUNDS {
        let mut slope = weights.map(|weight| L2 * weight);
        slope[..FREE].fill(0.0);
        for (row, label) in &rows {
            let odds: f64 = row.iter().zip(&weights).map(|(x, weight)| x * weight).sum();
            add(&mut slope, row, 1.0 / (1.0 + (-odds).exp()) - label);
        }
        let step = solve(curvature, slope);
        add(&mut weights, &step, -1.0);
        if step.iter().all(|step| step.abs() < CLOSE) {
            break;
        }
    }
    let [_intercept, rest @ ..] = weights;
    rest
}

fn row(example: &Example) -> Row {
    let mut row = [1.0; SIZE];
    row[1] = example.score;
    row[FREE..].copy_from_slice(&example.columns());
    row
}

fn add(to: &mut Row, from: &Row, times: f64) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += times * from);
}

/// Solves `a x = b` by elimination; `a` is symmetric and positive definite, so no pivot is 0.
fn solve(mut a: [Row; SIZE], mut b: Row) -> Row {
    for at in 0..SIZE {
        let (line, known) = (a[at], b[at]);
        for below in at + 1..SIZE {
            let times = a[below][at] / line[at];
            add(&mut a[below], &line, -times);
            b[below] -= times * known;
        }
    }
    for at in (0..SIZE).rev() {
        let known: f64 = a[at].iter().zip(b).skip(at + 1).map(|(a, x)| a * x).sum();
        b[at] = (b[at] - known) / a[at][at];
    }
    b
}
