//! Fits the logistic regression, by Newton's method.

use super::{COLUMNS, Example};

/// The L2 penalty: weights are taken to come from a normal distribution around 0 with a deviation of 0.2 log-odds per nat,
/// so that a family at its rarest, ten nats, moves the log-odds by two.
const L2: f64 = 25.0;
/// A step is halved until the loss falls; one this short that does not lower it is the end.
const SHORTEST: f64 = 1e-6;
/// The columns, then the intercept, which is not penalised.
const SIZE: usize = COLUMNS + 1;

type Row = [f64; SIZE];

/// The log-odds per nat of each column.
pub(super) fn logistic(examples: &[Example]) -> [f64; COLUMNS] {
    let rows: Vec<(Row, f64)> = examples.iter().map(|example| (row(example), example.incident.into())).collect();
    let mut weights = [0.0; SIZE];
    let mut lowest = loss(&rows, &weights);
    loop {
        let step = step(&rows, &weights);
        let mut share = 1.0;
        let next = loop {
            let mut next = weights;
            add(&mut next, &step, -share);
            if loss(&rows, &next) < lowest {
                break next;
            }
            share /= 2.0;
            if share < SHORTEST {
                let mut columns = [0.0; COLUMNS];
                columns.copy_from_slice(&weights[..COLUMNS]);
                return columns;
            }
        };
        (weights, lowest) = (next, loss(&rows, &next));
    }
}

fn row(example: &Example) -> Row {
    let mut row = [1.0; SIZE];
    row[..COLUMNS].copy_from_slice(&example.columns());
    row
}

fn odds(row: &Row, weights: &Row) -> f64 {
    row.iter().zip(weights).map(|(x, weight)| x * weight).sum()
}

/// The negative log-likelihood and the penalty.
fn loss(rows: &[(Row, f64)], weights: &Row) -> f64 {
    let of_row = |(row, label): &(Row, f64)| {
        let odds = odds(row, weights);
        odds.max(0.0) + (-odds.abs()).exp().ln_1p() - label * odds
    };
    let penalty: f64 = weights.iter().take(COLUMNS).map(|weight| weight * weight).sum();
    rows.iter().map(of_row).sum::<f64>() + 0.5 * L2 * penalty
}

/// The slope of the loss over its curvature.
fn step(rows: &[(Row, f64)], weights: &Row) -> Row {
    let mut slope = weights.map(|weight| L2 * weight);
    slope[COLUMNS] = 0.0;
    let mut curvature = [[0.0; SIZE]; SIZE];
    for (at, line) in curvature.iter_mut().enumerate().take(COLUMNS) {
        line[at] = L2;
    }
    for (row, label) in rows {
        let likely = 1.0 / (1.0 + (-odds(row, weights)).exp());
        add(&mut slope, row, likely - label);
        for (line, x) in curvature.iter_mut().zip(row) {
            add(line, row, likely * (1.0 - likely) * x);
        }
    }
    solve(curvature, slope)
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
