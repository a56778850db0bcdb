//! What must hold of what verdicts teach: it is what a logistic regression says, and only used where it helps.

use tagwarden_core::FAMILIES;

use super::{COLUMNS, Example, MOST, Rerank, fit, learn};
use crate::bytes::{Reader, Writer};
use crate::hash::mix;

const TOOL: usize = 1;

/// From 0 to below 12 nats.
fn nats(n: u64, column: u64) -> f32 {
    f32::from(u16::try_from(mix(mix(n, 5), column) % 1200).unwrap()) / 100.0
}

/// Alerts and groups that are odd at random. Of the alerts, those odd in their tool are the incidents, unless `blind`:
/// then the incidents are any.
fn past(blind: bool) -> (Vec<Example>, Vec<Example>) {
    let example = |n: u64, alert: bool| {
        let mut families = [0.0; FAMILIES];
        (0..).zip(&mut families).for_each(|(column, tail)| *tail = nats(n, column));
        families[TOOL] = if alert && n.is_multiple_of(5) { 9.0 } else { 0.0 };
        let incident = alert && n % 5 == u64::from(blind);
        let sum: f32 = families.iter().sum();
        Example { incident, score: f64::from(sum), families, rules: 0.0 }
    };
    ((0..100).map(|n| example(n, true)).collect(), (1000..1400).map(|n| example(n, false)).collect())
}

/// The figures were worked out by linfa-logistic 0.8.1 with `alpha(25.0)` and `gradient_tolerance(1e-10)`.
#[test]
fn the_weights_are_those_of_a_logistic_regression() {
    let column = |i: u16, j: u16| (i * 7 + j * 13 + i * j) % 11;
    let example = |i: u16| {
        let mut families = [0.0; FAMILIES];
        (0..).zip(&mut families).for_each(|(j, tail)| *tail = f32::from(column(i, j)));
        let incident = column(i, 0) + column(i, 12) > 11 || i.is_multiple_of(9);
        Example { incident, score: 0.0, families, rules: column(i, 12).into() }
    };
    let wanted: [f64; COLUMNS] = [
        0.266_734_57,
        0.143_708_34,
        0.059_254_88,
        0.062_500_35,
        0.0,
        0.143_622_54,
        -0.199_550_12,
        -0.028_930_04,
        0.130_167_90,
        -0.143_479_57,
        0.077_957_20,
        0.266_734_57,
        0.143_708_34,
    ];
    let weights = fit::logistic(&(0..60).map(example).collect::<Vec<_>>());
    for (found, wanted) in weights.iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-6, "{weights:?}");
    }
}

#[test]
fn what_marks_incidents_lifts_and_the_rest_sinks_within_bounds() {
    let (alerts, groups) = past(false);
    let (rerank, verdicts) = learn(&alerts, &groups, 0);
    let rerank = rerank.unwrap();
    assert!(verdicts.in_use && verdicts.left_out.is_none());
    assert_eq!((verdicts.alerts, verdicts.incidents, verdicts.groups), (100, 20, 400));
    let most = verdicts.weights.iter().max_by(|a, b| a.log_odds.total_cmp(&b.log_odds)).unwrap();
    assert_eq!(most.of, "tool");
    let trial = verdicts.trial.unwrap();
    assert!(
        trial.gain.low > 0.0 && trial.average_precision_reranked.is > trial.average_precision.is + 0.05,
        "{trial:?}"
    );
    let gain = |tool: f32| {
        let mut families = [4.0; FAMILIES];
        families[TOOL] = tool;
        rerank.score(50.0, &families, 0.0) - 50.0
    };
    assert!(gain(9.0) > 1.0 && gain(0.0) < 0.0, "{} {}", gain(9.0), gain(0.0));
    assert!((gain(1e6) - MOST).abs() < 1e-9 && (gain(-1e6) + MOST).abs() < 1e-9);
    assert!(rerank.score(1.0, &[0.0; FAMILIES], 0.0) >= 0.0, "no score is below 0");
    let mean: f64 = alerts.iter().map(|alert| rerank.odds(&alert.families, alert.rules)).sum();
    assert!(mean.abs() < 1e-9, "a mean alert gains nothing: {mean}");
}

#[test]
fn verdicts_that_say_nothing_are_left_out_and_too_few_are_told() {
    let (alerts, groups) = past(true);
    let (rerank, verdicts) = learn(&alerts, &groups, 0);
    assert!(rerank.is_none() && !verdicts.in_use && verdicts.trial.is_some());
    assert_eq!(verdicts.left_out.as_deref(), Some("no better than the score alone by more than chance"));
    // Of 36 alerts in order, 8 are incidents; of 35 too, and so of 29; of 34, 7.
    let told = |alerts: &[Example]| learn(alerts, &groups, 0).1.left_out.filter(|why| why.starts_with("want 30"));
    let (alerts, _) = past(false);
    assert_eq!(told(&alerts[..36]), None);
    let few = told(&alerts[..35]);
    assert_eq!(few.as_deref(), Some("want 30, of them 8 incidents and 8 others at least"));
    let incidents: Vec<Example> = alerts.iter().map(|alert| Example { incident: true, ..*alert }).collect();
    assert_eq!(told(&incidents), few);
    assert_eq!(told(&[&incidents[..8], &alerts[1..3]].concat()), few);
}

#[test]
fn it_comes_back_from_its_bytes() {
    let (alerts, groups) = past(false);
    let rerank = learn(&alerts, &groups, 0).0.unwrap();
    let mut to = Writer::default();
    rerank.put(&mut to);
    let mut from = Reader::new(&to.bytes);
    assert_eq!((Rerank::take(&mut from), from.end()), (Ok(rerank), Ok(())));
    to.bytes[8..16].copy_from_slice(&f64::NAN.to_le_bytes());
    assert!(Rerank::take(&mut Reader::new(&to.bytes)).is_err());
}
