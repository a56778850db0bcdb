//! A model in the shadow: it speaks for its days, is counted, and decides nothing.

use std::sync::{Arc, LazyLock};

use tagwarden_baseline::{About, Agreement, Baseline, Model, Settings, Training};
use tagwarden_core::{Entry, RuleHit, Scores, Severity, StateDelta};

use crate::build::{DAY, HOUR, Made, routine, with};

const SETTINGS: Settings = Settings {
    kind: tagwarden_baseline::Kind::Blend,
    alerts_per_day: 3.0,
    reference_days: 28,
    warm_up_days: 7,
    shadow_days: 3,
    max_counters: 1_000_000,
};

/// Two models of one place, which differ in what was odd there.
static MODELS: LazyLock<[Arc<Model>; 2]> = LazyLock::new(|| [learned(0), learned(1)]);

fn learned(seed: u64) -> Arc<Model> {
    let mut baseline = with(SETTINGS);
    let mut training = Training::new(seed, 3.0);
    for (at, made) in days(0..10).into_iter().enumerate() {
        let scores = made.judged_by(&mut baseline);
        // The second has not seen what the last people do.
        if seed == 0 || at % 50 > 3 {
            made.with(|event, actor, _, _| baseline.train(&mut training, event, actor, &made.hits, &scores));
        }
        made.learnt_by(&mut baseline, &scores);
    }
    let about = About { from: 0, to: 10 * DAY, events: 1000, changes: 1000, excluded: 0, seed, data: [0; 32] };
    Arc::new(baseline.trained(training, about, 1).expect("a model").0)
}

/// A hundred changes a day, each tenth odd in one way or another, some with a rule.
fn days(days: std::ops::Range<i64>) -> Vec<Made> {
    let rule = RuleHit { id: "r".into(), title: "r".into(), severity: Severity::High, reason: None };
    let one = |n: i64| {
        let who = ["ana@example.net", "ben@example.net"][usize::from(n % 2 == 1)];
        let at = n / 100 * DAY + n % 100 * HOUR / 5;
        let made = Made::ordinary(who, at).tag("Environment", Some("dev"), Some("stage"));
        let mut made = if n % 10 == 7 { made.action(&format!("New{n}")).tag("x", None, Some("y")) } else { made };
        if n % 30 == 7 {
            made.hits.push(rule.clone());
        }
        made
    };
    (days.start * 100..days.end * 100).map(one).collect()
}

/// Settled here, under a model and with a shadow.
fn judging(in_force: usize, shadow: Option<usize>) -> Baseline {
    let mut baseline = with(SETTINGS);
    baseline.judge_by(Arc::clone(&MODELS[in_force]));
    if let Some(shadow) = shadow {
        baseline.shadow_by(Arc::clone(&MODELS[shadow]));
    }
    routine(&mut baseline, 3);
    baseline
}

fn taught(baseline: &mut Baseline, of: std::ops::Range<i64>) -> Vec<Scores> {
    days(of).iter().map(|made| made.taught_to(baseline)).collect()
}

fn sum(agreement: Agreement) -> u64 {
    agreement.both + agreement.in_force + agreement.shadow + agreement.neither
}

#[test]
fn a_model_agrees_with_itself_and_is_silent_after_its_days() {
    let mut baseline = judging(0, Some(0));
    for said in taught(&mut baseline, 3..6) {
        let shadow = said.shadow.expect("within its days");
        assert_eq!((Some(shadow.percentile), shadow.score.to_bits()), (said.percentile, said.score.to_bits()));
    }
    let agreement = baseline.agreement().expect("a shadow");
    assert_eq!((agreement.in_force, agreement.shadow, sum(agreement)), (0, 0, 300), "{agreement:?}");
    assert!(agreement.both > 0 && agreement.neither > 0 && !agreement.over, "{agreement:?}");
    assert!(taught(&mut baseline, 6..7).iter().all(|said| said.shadow.is_none()));
    assert_eq!(baseline.agreement(), Some(Agreement { over: true, ..agreement }));
}

#[test]
fn another_model_is_counted_and_decides_nothing() {
    let (mut shadowed, mut without) = (judging(0, Some(1)), judging(0, None));
    let mut differ = 0;
    for (said, alone) in taught(&mut shadowed, 3..6).into_iter().zip(taught(&mut without, 3..6)) {
        differ += u32::from(said.shadow.map(|shadow| shadow.score) != Some(said.score));
        assert_eq!(Scores { shadow: None, ..said }, alone);
    }
    let agreement = shadowed.agreement().expect("a shadow");
    assert!(differ > 10 && agreement.neither > 0 && agreement.both > 0, "{differ} {agreement:?}");
    assert_eq!(sum(agreement), 300);
    assert_eq!(without.agreement(), None);
}

#[test]
fn a_restart_knows_when_it_began_and_another_pair_begins_anew() {
    let mut baseline = judging(0, Some(1));
    taught(&mut baseline, 3..5);
    let mut delta = StateDelta::default();
    baseline.delta(&mut delta);
    let restored = |in_force: usize, shadow: usize| {
        let mut again = with(SETTINGS);
        again.judge_by(Arc::clone(&MODELS[in_force]));
        again.shadow_by(Arc::clone(&MODELS[shadow]));
        delta.entries.iter().for_each(|entry: &Entry| again.restore(entry));
        again
    };
    let mut again = restored(0, 1);
    assert_eq!(again.agreement(), baseline.agreement());
    let mut other = restored(1, 0);
    assert_eq!(other.agreement(), Some(Agreement::default()));
    assert_eq!(taught(&mut again, 5..7), taught(&mut baseline, 5..7));
    assert_eq!(again.agreement(), baseline.agreement());
    assert!(again.agreement().is_some_and(|agreement| agreement.over && sum(agreement) == 300));
    taught(&mut other, 5..7);
    assert!(other.agreement().is_some_and(|agreement| !agreement.over && sum(agreement) == 200));
}
