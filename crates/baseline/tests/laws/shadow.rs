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

/// Two models: of a place where one change in ten is odd, and of one where every second is.
static MODELS: LazyLock<[Arc<Model>; 2]> = LazyLock::new(|| [learned(0), learned(1)]);

fn learned(seed: u64) -> Arc<Model> {
    let mut baseline = with(SETTINGS);
    let mut training = Training::new(seed, 3.0);
    for made in days(0..10, if seed == 0 { 10 } else { 2 }) {
        let scores = made.judged_by(&mut baseline);
        made.with(|event, actor, _, enriched| {
            baseline.train(&mut training, event, actor, enriched, &made.hits, &scores);
        });
        made.learnt_by(&mut baseline, &scores);
    }
    let about = About { from: 0, to: 10 * DAY, events: 1000, changes: 1000, excluded: 0, seed, data: [0; 32] };
    Arc::new(baseline.trained(training, about, None, 1).expect("a model").0)
}

/// A hundred changes a day, one in so many with an action and a tag that are new, some with a rule.
fn days(days: std::ops::Range<i64>, every: i64) -> Vec<Made> {
    let rule = RuleHit { id: "r".into(), title: "r".into(), severity: Severity::High, reason: None };
    let one = |n: i64| {
        let who = ["ana@example.net", "ben@example.net"][usize::from(n % 2 == 1)];
        let at = n / 100 * DAY + n % 100 * HOUR / 5;
        let made = Made::ordinary(who, at).tag("Environment", Some("dev"), Some("stage"));
        let mut made =
            if n % every == every - 1 { made.action(&format!("New{n}")).tag("x", None, Some("y")) } else { made };
        if n % 30 == 9 {
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
    days(of, 10).iter().map(|made| made.taught_to(baseline)).collect()
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
    let threshold = |at: usize| MODELS[at].threshold(SETTINGS.kind);
    let mut alone = Vec::new();
    for (one, other) in [(0, 1), (1, 0)] {
        let (mut shadowed, mut without) = (judging(one, Some(other)), judging(one, None));
        let mut wanted = Agreement::default();
        for (said, by_itself) in taught(&mut shadowed, 3..6).into_iter().zip(taught(&mut without, 3..6)) {
            let shadow = said.shadow.expect("within its days").score;
            match (said.score > threshold(one), shadow > threshold(other)) {
                (true, true) => wanted.both += 1,
                (true, false) => wanted.in_force += 1,
                (false, true) => wanted.shadow += 1,
                (false, false) => wanted.neither += 1,
            }
            assert_eq!(Scores { shadow: None, ..said }, by_itself);
        }
        assert_eq!((shadowed.agreement(), without.agreement()), (Some(wanted), None));
        alone.push((wanted.in_force > 0, wanted.shadow > 0));
    }
    assert_eq!(alone, [(false, true), (true, false)], "the two are too much alike for a test");
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
