//! Measures the forest, the tails and DBSCAN on a file of little-endian `f32` rows; one line of JSON. Pin it to a core.
//!
//! `forest_bench fit|one FILE COLUMNS TREES SAMPLE`, `tails FILE COLUMNS`, `dbscan FILE COLUMNS TOLERANCE MIN_POINTS NEW`
//! (`NEW` holds rows to find the nearest core point of), `linfa FILE COLUMNS TOLERANCE MIN_POINTS`, and
//! `scores FILE COLUMNS TREES SAMPLE SEED OUT`, which writes the rows' scores as `f32`.

use std::error::Error;
use std::hint::black_box;

use linfa::ParamGuard;
use linfa::traits::Transformer;
use linfa_clustering::Dbscan;
use ndarray::ArrayView2;
use rustix::time::{ClockId, clock_gettime};
use tagwarden_baseline::forest::{Forest, Settings};
use tagwarden_baseline::tails::Tails;
use tagwarden_baseline::{Matrix, dbscan};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["fit", file, columns, trees, sample] => {
            let (values, columns) = (read(file)?, columns.parse()?);
            let settings = Settings { trees: trees.parse()?, sample: sample.parse()?, seed: 1 };
            fit(Matrix::new(&values, columns)?, &settings)
        }
        ["one", file, columns, trees, sample] => {
            let (values, columns) = (read(file)?, columns.parse()?);
            let settings = Settings { trees: trees.parse()?, sample: sample.parse()?, seed: 1 };
            one(Matrix::new(&values, columns)?, &settings)
        }
        ["dbscan", file, columns, tolerance, min_points, new] => {
            let (values, new, columns) = (read(file)?, read(new)?, columns.parse()?);
            let settings = dbscan::Settings { tolerance: tolerance.parse()?, min_points: min_points.parse()? };
            groups(Matrix::new(&values, columns)?, &settings, Matrix::new(&new, columns)?)
        }
        ["linfa", file, columns, tolerance, min_points] => {
            linfa_groups(&read(file)?, columns.parse()?, tolerance.parse()?, min_points.parse()?)
        }
        ["tails", file, columns] => {
            let (values, columns) = (read(file)?, columns.parse()?);
            let rows = Matrix::new(&values, columns)?;
            let start = cpu();
            let tails = Tails::fit(rows)?;
            let fit = cpu() - start;
            let row = quantiles(rows, |row| {
                black_box(row.iter().enumerate().map(|(column, x)| tails.tail(column, *x)).sum::<f64>());
            });
            println!(r#"{{"fit_s":{fit},"row_us":{row:?}}}"#);
            Ok(())
        }
        ["scores", file, columns, trees, sample, seed, out] => {
            let (values, columns) = (read(file)?, columns.parse()?);
            let settings = Settings { trees: trees.parse()?, sample: sample.parse()?, seed: seed.parse()? };
            let rows = Matrix::new(&values, columns)?;
            let mut scores = vec![0.0; rows.rows()];
            Forest::fit(rows, &settings, 1)?.score_batch(rows, 1, &mut scores)?;
            let bytes: Vec<u8> = scores.iter().flat_map(|score| score.to_le_bytes()).collect();
            Ok(std::fs::write(out, bytes)?)
        }
        _ => Err("found other arguments, want those of the first lines of this file".into()),
    }
}

fn read(file: &str) -> Result<Vec<f32>, Box<dyn Error>> {
    let bytes = std::fs::read(file)?;
    Ok(bytes.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect())
}

/// Seconds of this thread's own time: what others do on the machine does not count.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Seconds of the fastest of nine fits and of nine scorings of all rows.
fn fit(rows: Matrix<'_>, settings: &Settings) -> Result<(), Box<dyn Error>> {
    let (mut fit, mut batch) = (f64::INFINITY, f64::INFINITY);
    let mut scores = vec![0.0; rows.rows()];
    for _ in 0..9 {
        let start = cpu();
        let forest = black_box(Forest::fit(rows, settings, 1)?);
        fit = fit.min(cpu() - start);
        let start = cpu();
        forest.score_batch(rows, 1, &mut scores)?;
        batch = batch.min(cpu() - start);
        black_box(&scores);
    }
    println!(r#"{{"fit_s":{fit},"batch_s":{batch},"rows":{}}}"#, rows.rows());
    Ok(())
}

/// Microseconds of single events: their score, and their parts.
fn one(rows: Matrix<'_>, settings: &Settings) -> Result<(), Box<dyn Error>> {
    let forest = Forest::fit(rows, settings, 1)?;
    let bytes = forest.to_bytes();
    let mut load = f64::INFINITY;
    for _ in 0..5 {
        let start = cpu();
        black_box(Forest::from_bytes(&bytes)?);
        load = load.min(cpu() - start);
    }
    let score = quantiles(rows, |row| {
        black_box(forest.score(row));
    });
    let mut parts = vec![0.0; rows.columns()];
    let explain = quantiles(rows, |row| {
        forest.explain(row, &mut parts);
        black_box(&parts);
    });
    println!(r#"{{"load_ms":{},"score_us":{score:?},"explain_us":{explain:?},"bytes":{}}}"#, load * 1e3, bytes.len());
    Ok(())
}

/// Seconds of a fit; microseconds of finding the nearest core point of the rows in `new`.
fn groups(rows: Matrix<'_>, settings: &dbscan::Settings, new: Matrix<'_>) -> Result<(), Box<dyn Error>> {
    let start = cpu();
    let found = dbscan::fit(rows, settings)?;
    let fit = cpu() - start;
    let predict = quantiles(new, |row| {
        black_box(found.core.nearest(row));
    });
    let groups = found.groups.iter().flatten().max().map_or(0, |group| group + 1);
    let noise = found.groups.iter().filter(|group| group.is_none()).count();
    let core = found.core.len();
    println!(r#"{{"fit_s":{fit},"groups":{groups},"noise":{noise},"core":{core},"predict_us":{predict:?}}}"#);
    Ok(())
}

/// Seconds of linfa's own.
fn linfa_groups(values: &[f32], columns: usize, tolerance: f32, min_points: usize) -> Result<(), Box<dyn Error>> {
    let rows = ArrayView2::from_shape((values.len() / columns, columns), values)?;
    let start = cpu();
    let found = Dbscan::params(min_points).tolerance(tolerance).check()?.transform(&rows);
    let fit = cpu() - start;
    let groups = found.iter().flatten().max().map_or(0, |group| group + 1);
    let noise = found.iter().filter(|group| group.is_none()).count();
    println!(r#"{{"fit_s":{fit},"groups":{groups},"noise":{noise}}}"#);
    Ok(())
}

/// The median, the 99th percentile and the greatest time of one call, in microseconds, the clock's own included.
fn quantiles(rows: Matrix<'_>, mut call: impl FnMut(&[f32])) -> [f64; 3] {
    let mut times = Vec::with_capacity(rows.rows());
    for row in rows.iter() {
        let start = cpu();
        call(row);
        times.push((cpu() - start) * 1e6);
    }
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| times.get(percent * times.len().saturating_sub(1) / 100).copied().unwrap_or(f64::NAN);
    [at(50), at(99), at(100)]
}
