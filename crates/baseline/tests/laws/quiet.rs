//! When the baseline says nothing: the first days, places with few changes, what is ordinary, what is asked in between.

use tagwarden_baseline::Baseline;
use tagwarden_core::{ActorKind, Scores, Severity};

use crate::build::{DAY, HOUR, Made, SETTLED, fresh, routine, settled};
use crate::restart::Store;

pub(crate) fn loud(scores: &Scores) -> bool {
    scores.threshold.is_some_and(|threshold| scores.score > threshold)
}

#[test]
fn the_days_before_anything_was_learned_are_quiet() {
    let scores = routine(&mut fresh(), 20);
    // Three days settle, three more hold 300 changes; then a week of scores makes a reference.
    let (first, then) = scores.split_at(600);
    assert!(first.iter().all(|s| s.tails.is_none() && s.score == 0.0 && s.reasons.is_empty()));
    assert!(then.iter().all(|s| s.tails.is_some()));
    let (first, then) = scores.split_at(1300);
    assert!(first.iter().all(|s| s.percentile.is_none() && s.threshold.is_none()));
    assert!(then.iter().all(|s| s.percentile.is_some() && s.threshold.is_some()));
    let loud: Vec<_> = then.iter().filter(|scores| loud(scores)).collect();
    assert!(loud.is_empty(), "a routine day says nothing: {loud:?}");
    assert!(scores.iter().skip(1).all(|s| s.surprisal_sum > 0.0), "the plain sum needs no reference");
}

#[test]
fn a_place_with_few_changes_has_no_reference() {
    let mut baseline = fresh();
    let mut day_of = |day: i64, changes: i64| {
        let made = |n| Made::ordinary("ana@example.net", day * DAY + n).taught_to(&mut baseline);
        (0..changes).map(made).filter(|scores| scores.tails.is_some()).count()
    };
    assert_eq!((0..40).map(|day| day_of(day, 10)).sum::<usize>(), 0, "28 days hold 280");
    assert_eq!(day_of(40, 40), 0, "one day is judged by those before it");
    assert_eq!(day_of(41, 10), 10, "and lifts the next above 300");
}

#[test]
fn what_is_always_new_is_not_odd() {
    let mut baseline = settled();
    let build = |version| {
        let made = Made::ordinary("ci-deploy", SETTLED * DAY).tag("build", Some("0"), Some(version));
        Made { kind: ActorKind::Workload, resource: "i-2".to_owned(), ..made }
    };
    let new = build("10.0").judged_by(&mut baseline);
    assert!(!loud(&new), "{new:?}");
    assert!(new.reasons.iter().all(|reason| !reason.contains("build")), "{new:?}");
    let seen = build("3.14").judged_by(&mut baseline);
    assert!(seen.score <= new.score, "a build seen once is no odder than a new one: {seen:?}");
}

#[test]
fn what_did_not_change_says_nothing() {
    let mut baseline = settled();
    let bare = Made::ordinary("ana@example.net", SETTLED * DAY);
    let same = bare.clone().tag("Owner", Some("nobody"), Some("nobody"));
    assert_eq!(same.judged_by(&mut baseline), bare.judged_by(&mut baseline));
}

#[test]
fn judging_changes_nothing() {
    let mut baseline = settled();
    let mut store = Store::default();
    assert!(store.save(&mut baseline) > 0);
    let probe = Made::ordinary("ana@example.net", SETTLED * DAY)
        .tag("Environment", Some("prd"), Some("dev"))
        .hit("rule", Severity::High);
    let probe = Made { access_key: Some("AKIA1".to_owned()), ..probe };
    let first = probe.judged_by(&mut baseline);
    Made { who: "new@example.net".to_owned(), ..probe.clone() }.at(30 * DAY).judged_by(&mut baseline);
    assert_eq!(probe.judged_by(&mut baseline), first);
    assert_eq!(store.save(&mut baseline), 0, "nothing to save");
}

#[test]
fn asking_ahead_freezes_nothing() {
    let run = |ask: bool| {
        let mut baseline = settled();
        let tomorrow = Made::ordinary("ana@example.net", SETTLED * DAY);
        for n in 0..50 {
            let today =
                Made::ordinary("ben@example.net", (SETTLED - 1) * DAY + 23 * HOUR + n).action(&format!("New{n}"));
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
fn learning_does_not_lean_on_what_was_judged_in_between() {
    let odd = Made::ordinary("ana@example.net", SETTLED * DAY).tag("Environment", Some("prd"), Some("dev"));
    let other = Made::ordinary("ben@example.net", SETTLED * DAY + 1).action("StopLogging");
    let run = |in_between: bool| {
        let mut baseline = settled();
        let scores = odd.judged_by(&mut baseline);
        if in_between {
            other.judged_by(&mut baseline);
        }
        odd.learnt_by(&mut baseline, &scores);
        if in_between {
            other.judged_by(&mut baseline);
        }
        // Another call: what was judged before the first was learned no longer holds.
        let again = Made { call: 1, ..odd.clone() };
        again.learnt_by(&mut baseline, &scores);
        let mut store = Store::default();
        store.save(&mut baseline);
        store
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn a_late_event_counts_for_the_newest_day() {
    let mut baseline = settled();
    let mut store = Store::default();
    store.save(&mut baseline);
    let before = store.clone();
    Made::ordinary("ana@example.net", 3 * DAY).taught_to(&mut baseline);
    store.save(&mut baseline);
    for space in ["reference", "spread"] {
        let changed: Vec<_> = store.changed_since(&before).filter(|(in_space, _)| in_space == space).collect();
        let newest = u16::try_from(SETTLED - 1).expect("small").to_be_bytes().to_vec();
        assert_eq!(changed, [&(space.to_owned(), newest)], "{space}");
    }
}

#[test]
fn one_more_of_the_same_reads_teaches_nothing() {
    let mut baseline = settled();
    let read = |action: &str, minutes: i64| Made {
        read_only: true,
        call: minutes.unsigned_abs(),
        ..Made::ordinary("ana@example.net", SETTLED * DAY + minutes * HOUR / 60).action(action)
    };
    read("DescribeInstances", 0).taught_to(&mut baseline);
    let mut store = Store::default();
    store.save(&mut baseline);
    let before = store.clone();
    read("DescribeInstances", 5).taught_to(&mut baseline);
    store.save(&mut baseline);
    assert_eq!(store.changed_since(&before).count(), 0);
    read("DescribeVolumes", 6).taught_to(&mut baseline);
    store.save(&mut baseline);
    assert!(store.changed_since(&before).count() > 5, "another read does");
    let changed = Made { read_only: false, ..read("DescribeVolumes", 7) };
    let before = store.clone();
    changed.taught_to(&mut baseline);
    store.save(&mut baseline);
    assert!(store.changed_since(&before).count() > 5, "so does what changes something");
}

fn numbers(scores: &Scores) -> Vec<f64> {
    let some = [scores.percentile, scores.threshold, scores.tails, scores.forest, scores.peer_distance];
    some.into_iter().flatten().chain([scores.score, scores.surprisal_sum]).collect()
}

#[test]
fn odd_input_gives_numbers_all_the_same() {
    let mut baseline = settled();
    let mut sound = |made: Made| {
        let scores = made.clone().taught_to(&mut baseline);
        assert!(numbers(&scores).iter().all(|x| x.is_finite() && *x >= 0.0), "{scores:?} of {made:?}");
        assert!(scores.percentile.is_none_or(|percentile| percentile <= 100.0));
        assert!(scores.reasons.len() <= 3);
    };
    let now = SETTLED * DAY;
    let odd = Made::ordinary("ana@example.net", now);
    // The clock jumps back and forth; the years 1 and 9999.
    let year = 365 * DAY;
    for at in [now, now - 20 * DAY, now + HOUR, 0, -1, -1969 * year, now, 8030 * year, now] {
        sound(Made { access_key: Some("AKIA1".to_owned()), ..odd.clone() }.at(at).tag(
            "Environment",
            Some("dev"),
            None,
        ));
    }
    sound((0..10_000).fold(odd.clone(), |made, n| made.tag(&format!("key-{n}"), Some("a"), Some("b"))));
    let long = "é\u{0}".repeat(100_000);
    let empty = Made { agent: Some(""), access_key: Some(String::new()), team: Some(String::new()), ..odd.clone() };
    sound(Made { ip: long.clone(), resource: long.clone(), account: long.clone(), ..odd.clone() }.tag(
        &long,
        None,
        Some(&long),
    ));
    sound(Made {
        ip: String::new(),
        region: String::new(),
        account: String::new(),
        resource: String::new(),
        who: String::new(),
        error: Some(""),
        ..empty.action("").tag("", Some(""), Some("x")).tag("", None, None)
    });
    sound(Made { issues: Some(""), ..odd.clone() });
    sound(Made { ordinal: u32::MAX, ..odd.clone() });
    sound(Made { ordinal: 7, who: "never seen, and not with its first change".to_owned(), ..odd });
}

#[test]
fn a_crafted_event_costs_no_more_than_so_many_tags() {
    let mut baseline: Baseline = settled();
    let with = |tags: usize| {
        let bare = Made::ordinary("ana@example.net", SETTLED * DAY);
        (0..tags).fold(bare, |made, n| made.tag(&format!("key-{n}"), None, Some("x")))
    };
    let (most, more) = (with(64).judged_by(&mut baseline), with(300).judged_by(&mut baseline));
    assert_eq!(most, more);
    assert_ne!(with(63).judged_by(&mut baseline), most);
}
