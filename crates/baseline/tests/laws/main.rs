//! What must hold of the baseline, seen from outside.

mod build;

use std::collections::BTreeMap;

use build::{DAY, HOUR, Made, routine};
use proptest::prelude::*;
use tagwarden_baseline::{Baseline, Settings};
use tagwarden_core::{Entry, Scores, StateDelta};

/// What a state store keeps.
#[derive(Debug, Default, Clone, PartialEq)]
struct Store(BTreeMap<(String, Vec<u8>), Vec<u8>>);

impl Store {
    fn save(&mut self, baseline: &mut Baseline) -> usize {
        let mut delta = StateDelta::default();
        baseline.delta(&mut delta);
        for entry in &delta.entries {
            let key = (entry.space.clone().into_owned(), entry.key.clone());
            match &entry.value {
                Some(value) => self.0.insert(key, value.clone()),
                None => self.0.remove(&key),
            };
        }
        delta.entries.len()
    }

    /// A fresh baseline that was given everything, last entry first if `backwards`.
    fn load(&self, settings: Settings, backwards: bool) -> Baseline {
        let mut baseline = Baseline::new(settings);
        let mut entries: Vec<Entry> = self
            .0
            .iter()
            .map(|((space, key), value)| Entry {
                space: space.clone().into(),
                key: key.clone(),
                value: Some(value.clone()),
            })
            .collect();
        entries.push(Entry { space: "tags".into(), key: b"another room's".to_vec(), value: Some(vec![1]) });
        if backwards {
            entries.reverse();
        }
        for entry in &entries {
            baseline.restore(entry);
        }
        baseline
    }
}

fn loud(scores: &Scores) -> bool {
    scores.threshold.is_some_and(|threshold| scores.score > threshold)
}

#[test]
fn the_days_before_anything_was_learned_are_quiet() {
    let mut baseline = Baseline::new(Settings::default());
    let scores = routine(&mut baseline, 9);
    let (first, then) = scores.split_at(700);
    assert!(first.iter().all(|s| s.percentile.is_none() && s.threshold.is_none()));
    assert!(then.iter().all(|s| s.percentile.is_some() && s.threshold.is_some()));
    assert!(first[0].reasons.is_empty() && first[0].score == 0.0, "{:?}", first[0]);
    assert!(!then.iter().any(loud), "a routine day says nothing");
}

#[test]
fn a_place_with_few_changes_has_no_reference() {
    let mut baseline = Baseline::new(Settings::default());
    let mut day_of = |day: i64, changes: i64| {
        let made = |n| Made::ordinary("ana@example.net", day * DAY + n).taught_to(&mut baseline);
        (0..changes).map(made).filter(|scores| scores.percentile.is_some()).count()
    };
    assert_eq!((0..40).map(|day| day_of(day, 10)).sum::<usize>(), 0, "28 days hold 280");
    assert_eq!(day_of(40, 40), 0, "one day is judged by those before it");
    assert_eq!(day_of(41, 10), 10, "and lifts the next above 300");
}

#[test]
fn a_new_transition_stands_out_and_says_why() {
    let mut baseline = Baseline::new(Settings::default());
    routine(&mut baseline, 10);
    let odd = Made::ordinary("ana@example.net", 10 * DAY).tag("Environment", Some("prd"), Some("dev"));
    let scores = odd.judged_by(&mut baseline);
    assert!(loud(&scores) && scores.percentile > Some(99.0), "{scores:?}");
    assert_eq!(scores.reasons[0], "Environment prd → dev: 0 of 1,000 changes in account nimbus-prd");

    let stop = Made::ordinary("ana@example.net", 12 * DAY).action("StopLogging").judged_by(&mut baseline);
    assert!(loud(&stop), "{stop:?}");
    assert_eq!(
        stop.reasons,
        ["StopLogging: first time by ana@example.net (340 calls known, last 3 days ago)"],
        "{stop:?}"
    );
    let again = Made::ordinary("ana@example.net", 12 * DAY).action("StopLogging");
    again.taught_to(&mut baseline);
    let again = Made { at: 14 * DAY, ..again }.judged_by(&mut baseline);
    assert!(again.score < stop.score);
    assert_eq!(again.reasons, ["StopLogging: 1 of 341 calls by ana@example.net, last 2 days ago"]);
}

#[test]
fn what_is_always_new_is_not_odd() {
    let mut baseline = Baseline::new(Settings::default());
    routine(&mut baseline, 10);
    let build = Made::ordinary("ci-deploy", 10 * DAY).tag("build", Some("0"), Some("10.0")).judged_by(&mut baseline);
    assert!(build.score < 1.0 && !loud(&build), "{build:?}");
    let seen = Made::ordinary("ci-deploy", 10 * DAY).tag("build", Some("0"), Some("3.14")).judged_by(&mut baseline);
    assert!(seen.score <= build.score, "a build seen once is no odder than a new one: {seen:?}");
}

#[test]
fn a_new_colleague_is_judged_as_the_team_is() {
    let mut baseline = Baseline::new(Settings::default());
    routine(&mut baseline, 10);
    let new = Made::ordinary("cleo@example.net", 10 * DAY).tag("Environment", Some("dev"), Some("stage"));
    let ordinary = new.judged_by(&mut baseline);
    assert!(!loud(&ordinary), "{ordinary:?}");
    let elsewhere = Made { region: "sa-east-1".to_owned(), account: "999999999999".to_owned(), ..new.clone() };
    assert!(elsewhere.judged_by(&mut baseline).score > ordinary.score + 2.0);
    let denied = Made { denied: true, ..new };
    assert!(denied.judged_by(&mut baseline).score > ordinary.score);
}

#[test]
fn colleagues_and_other_accounts_are_counted_in_words() {
    let mut baseline = Baseline::new(Settings::default());
    routine(&mut baseline, 10);
    let stop = Made::ordinary("ben@example.net", 10 * DAY).action("StopLogging");
    stop.taught_to(&mut baseline);
    // Twice by one person is not two persons.
    stop.taught_to(&mut baseline);
    let by_ana = Made::ordinary("ana@example.net", 10 * DAY).action("StopLogging").judged_by(&mut baseline);
    let wanted = "StopLogging: first time by ana@example.net (340 calls known, last yesterday); \
                  1 other of team platform did";
    assert_eq!(by_ana.reasons, [wanted]);
    let elsewhere = Made { account: "444455556666".to_owned(), ..stop };
    elsewhere.clone().tag("Owner", None, Some("x")).taught_to(&mut baseline);
    let tagged = elsewhere.tag("Owner", Some("x"), None).judged_by(&mut baseline);
    assert!(tagged.reasons.iter().all(|reason| !reason.starts_with("Owner")), "one of one is no surprise: {tagged:?}");
    let key = Made::ordinary("ana@example.net", 10 * DAY).tag("Owner", None, Some("y")).judged_by(&mut baseline);
    assert_eq!(key.reasons[0], "tag key Owner: 0 of 2,000 tag changes in account nimbus-prd; known in 1 other account");
    let away = Made {
        ip: "198.51.100.9".to_owned(),
        region: "sa-east-1".to_owned(),
        denied: true,
        ..Made::ordinary("ben@example.net", 11 * DAY)
    };
    assert_eq!(
        away.judged_by(&mut baseline).reasons,
        [
            "region sa-east-1: first time by ben@example.net (333 calls known, last yesterday)",
            "from network 198.51: first time by ben@example.net (333 calls known, last yesterday)",
            "denied CreateTags: first time by ben@example.net (333 calls known, last yesterday)",
        ]
    );
}

#[test]
fn many_tags_are_one_change() {
    let mut baseline = Baseline::new(Settings::default());
    routine(&mut baseline, 10);
    let mut made = Made::ordinary("ana@example.net", 10 * DAY).tag("key-0", None, Some("x"));
    let one = made.judged_by(&mut baseline);
    for n in 1..8 {
        made = made.tag(&format!("key-{n}"), None, Some("x"));
    }
    let eight = made.judged_by(&mut baseline);
    assert_eq!(eight.score.to_bits(), one.score.to_bits());
    assert!(eight.surprisal_sum > one.surprisal_sum + 7.0, "the plain sum counts each");
    assert!(eight.reasons.len() <= 3);
}

#[test]
fn a_crafted_event_costs_no_more_than_so_many_tags() {
    let mut baseline = Baseline::new(Settings::default());
    routine(&mut baseline, 1);
    let with = |tags: usize| {
        (0..tags).fold(Made::ordinary("ana@example.net", DAY), |made, n| made.tag(&format!("key-{n}"), None, Some("x")))
    };
    let (most, more) = (with(256).judged_by(&mut baseline), with(300).judged_by(&mut baseline));
    assert_eq!(most, more);
    assert_ne!(with(255).judged_by(&mut baseline), most);
}

#[test]
fn a_call_on_many_resources_is_one_call() {
    let mut baseline = Baseline::new(Settings::default());
    routine(&mut baseline, 10);
    let call = Made::ordinary("ana@example.net", 10 * DAY).action("StopInstances").tag("off", None, Some("x"));
    for ordinal in 0..20 {
        Made { ordinal, ..call.clone() }.taught_to(&mut baseline);
    }
    let reasons = call.judged_by(&mut baseline).reasons;
    assert_eq!(
        reasons,
        [
            "StopInstances: 1 of 341 calls by ana@example.net, last today",
            "tag key off: 20 of 2,020 tag changes in account nimbus-prd, last today",
        ]
    );
}

#[test]
fn what_did_not_change_says_nothing() {
    let mut baseline = Baseline::new(Settings::default());
    routine(&mut baseline, 10);
    let bare = Made::ordinary("ana@example.net", 10 * DAY);
    let same = bare.clone().tag("Owner", Some("nobody"), Some("nobody"));
    assert_eq!(same.judged_by(&mut baseline), bare.judged_by(&mut baseline));
}

#[test]
fn a_late_event_counts_for_the_newest_day() {
    let mut baseline = Baseline::new(Settings::default());
    routine(&mut baseline, 10);
    let mut store = Store::default();
    store.save(&mut baseline);
    let before = store.clone();
    Made::ordinary("ana@example.net", 3 * DAY).taught_to(&mut baseline);
    store.save(&mut baseline);
    let reference: Vec<_> =
        store.0.iter().filter(|(key, value)| key.0 == "reference" && before.0.get(key) != Some(value)).collect();
    assert_eq!(reference.len(), 1);
    assert_eq!(reference[0].0.1, 9u16.to_be_bytes());
}

#[test]
fn judging_changes_nothing() {
    let mut baseline = Baseline::new(Settings::default());
    routine(&mut baseline, 8);
    let mut store = Store::default();
    assert!(store.save(&mut baseline) > 0);
    let probe = Made::ordinary("ana@example.net", 8 * DAY).tag("Environment", Some("prd"), Some("dev"));
    let first = probe.judged_by(&mut baseline);
    Made { at: 30 * DAY, ..probe.clone() }.judged_by(&mut baseline);
    assert_eq!(probe.judged_by(&mut baseline), first);
    assert_eq!(store.save(&mut baseline), 0, "nothing to save");
}

#[test]
fn asking_ahead_freezes_nothing() {
    let run = |ask: bool| {
        let mut baseline = Baseline::new(Settings::default());
        routine(&mut baseline, 10);
        let tomorrow = Made::ordinary("ana@example.net", 10 * DAY);
        for n in 0..50 {
            let today = Made::ordinary("ben@example.net", 9 * DAY + 23 * HOUR + n).action(&format!("New{n}"));
            let scores = today.judged_by(&mut baseline);
            if ask {
                tomorrow.judged_by(&mut baseline);
            }
            today.learnt_by(&mut baseline, &scores);
        }
        tomorrow.action("New51").judged_by(&mut baseline)
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn a_restart_within_a_day_keeps_the_reference_of_its_morning() {
    let settings = Settings::default();
    let mut baseline = Baseline::new(settings);
    routine(&mut baseline, 10);
    for n in 0..50 {
        Made::ordinary("ben@example.net", 10 * DAY + n).action(&format!("New{n}")).taught_to(&mut baseline);
    }
    let mut store = Store::default();
    store.save(&mut baseline);
    let mut again = store.load(settings, false);
    let probe = Made::ordinary("ana@example.net", 10 * DAY + HOUR).tag("Environment", Some("prd"), Some("dev"));
    assert_eq!(probe.judged_by(&mut again), probe.judged_by(&mut baseline));
}

#[test]
fn learning_does_not_lean_on_what_was_judged_in_between() {
    let odd = Made::ordinary("ana@example.net", 2 * DAY).tag("Environment", Some("prd"), Some("dev"));
    let other = Made::ordinary("ben@example.net", 2 * DAY + 1).action("StopLogging");
    let run = |in_between: bool| {
        let mut baseline = Baseline::new(Settings::default());
        routine(&mut baseline, 2);
        let scores = odd.judged_by(&mut baseline);
        if in_between {
            other.judged_by(&mut baseline);
        }
        odd.learnt_by(&mut baseline, &scores);
        if in_between {
            other.judged_by(&mut baseline);
        }
        // The same event again: what was judged before it was learned no longer holds.
        odd.learnt_by(&mut baseline, &scores);
        let mut store = Store::default();
        store.save(&mut baseline);
        store
    };
    assert_eq!(run(true), run(false));
}

fn made() -> impl Strategy<Value = (i64, Made)> {
    let tag = (0u8..4, proptest::option::of(0u8..5), proptest::option::of(0u8..40));
    let step = prop_oneof![9 => 0..HOUR, 1 => DAY..3 * DAY, 1 => -2 * DAY..0];
    let who = (0u8..6, proptest::option::of(0u8..2), 0u8..9, proptest::bool::weighted(0.1));
    (step, who, 0u8..3, 0u8..3, proptest::collection::vec(tag, 0..4)).prop_map(|(step, who, account, region, tags)| {
        let (who, team, action, denied) = who;
        let name = |n: u8| format!("v{n}");
        let made = Made {
            ordinal: u32::from(account),
            at: 0,
            who: name(who),
            team: team.map(name),
            action: name(action),
            denied,
            account: name(account),
            region: name(region),
            ip: format!("10.{region}.0.1"),
            tags: tags.into_iter().map(|(key, old, new)| (name(key), old.map(name), new.map(name))).collect(),
        };
        (step, made)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Wherever the run is cut and whatever was forgotten for want of room, a restart can't be seen.
    #[test]
    fn a_restart_changes_no_score(
        steps in proptest::collection::vec(made(), 1..600),
        cuts in proptest::collection::btree_set(0usize..600, 0..6),
        max_counters in prop_oneof![Just(1_000_000u32), 60..800u32],
        backwards: bool,
    ) {
        let settings = Settings { warm_up_days: 1, reference_days: 4, max_counters, ..Settings::default() };
        let mut undisturbed = Baseline::new(settings);
        let mut restarted = Baseline::new(settings);
        let (mut store, mut whole) = (Store::default(), Store::default());
        let mut at = 100 * DAY;
        for (n, (step, made)) in steps.into_iter().enumerate() {
            if cuts.contains(&n) {
                store.save(&mut restarted);
                restarted = store.load(settings, backwards);
            }
            at += step;
            let made = Made { at, ..made };
            let (a, b) = (made.taught_to(&mut undisturbed), made.taught_to(&mut restarted));
            prop_assert_eq!(a.score.to_bits(), b.score.to_bits());
            prop_assert_eq!(a.surprisal_sum.to_bits(), b.surprisal_sum.to_bits());
            prop_assert_eq!(a.percentile.map(f64::to_bits), b.percentile.map(f64::to_bits));
            prop_assert_eq!(a.threshold.map(f64::to_bits), b.threshold.map(f64::to_bits));
            prop_assert!(a.score.is_finite() && a.score >= 0.0 && a.score <= a.surprisal_sum + 1e-9);
            prop_assert_eq!(a.reasons, b.reasons);
        }
        if max_counters == 1_000_000 {
            // With room for all nothing waits to be swept, and then the bytes are the same too.
            store.save(&mut restarted);
            whole.save(&mut undisturbed);
            prop_assert_eq!(store, whole);
        }
    }

    /// Garbage in the store is not taken for learning, and never a panic.
    #[test]
    fn foreign_bytes_are_left_alone(key in proptest::collection::vec(any::<u8>(), 0..9), value in proptest::collection::vec(any::<u8>(), 0..60)) {
        let mut baseline = Baseline::new(Settings::default());
        for space in ["count", "reference"] {
            baseline.restore(&Entry { space: space.into(), key: key.clone(), value: Some(value.clone()) });
            baseline.restore(&Entry { space: space.into(), key: key.clone(), value: None });
        }
        let scores = Made::ordinary("ana@example.net", DAY).taught_to(&mut baseline);
        prop_assert!(scores.surprisal_sum >= 0.0);
    }
}
