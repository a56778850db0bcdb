//! Who does the same job, seen from outside: a model names the group, and of a new actor the nearest once it is known.

use std::sync::{Arc, LazyLock};

use tagwarden_baseline::{About, Baseline, Card, Model, Settings, Training};
use tagwarden_core::{ActorKind, Entry, StateDelta};

use crate::build::{DAY, HOUR, Made, with};

const PEOPLE: [&str; 4] = ["ana@example.net", "ben@example.net", "cem@example.net", "dia@example.net"];
const JOBS: [&str; 3] = ["ci-deploy", "ci-test", "ci-sweep"];

/// One call of somebody who works as people do here, or as jobs do.
fn one(who: &str, human: bool, at: i64) -> Made {
    let made = Made::ordinary(who, at).tag("Environment", Some("dev"), Some("stage"));
    let kind = if human { ActorKind::Human } else { ActorKind::Workload };
    Made { kind, agent: Some(if human { "aws-cli/2.15 windows" } else { "Boto3/1.35 linux" }), ..made }
}

/// A day's calls; who is asked first differs with `turn`.
fn day(day: i64, turn: usize) -> Vec<Made> {
    let mut all: Vec<Made> = Vec::new();
    for n in 0..16 {
        let mut now: Vec<Made> = PEOPLE.iter().map(|who| one(who, true, 0)).collect();
        now.extend(JOBS.iter().map(|who| one(who, false, 0)));
        let many = now.len();
        now.rotate_left(turn % many);
        all.extend(now.into_iter().map(|made| made.at(day * DAY + n * HOUR)));
    }
    all
}

fn learned(turn: usize, threads: usize, more: &[Made]) -> (Model, Card) {
    let mut baseline = with(Settings::default());
    let mut training = Training::new(0, 3.0);
    for made in (0..12).flat_map(|of| day(of, turn)).chain(more.iter().cloned()) {
        let scores = made.judged_by(&mut baseline);
        made.with(|event, actor, _, enriched| {
            baseline.train(&mut training, event, actor, enriched, &made.hits, &scores);
        });
        made.learnt_by(&mut baseline, &scores);
    }
    let about = About { from: 0, to: 12 * DAY, events: 1000, changes: 1000, excluded: 0, seed: 0, data: [0; 32] };
    baseline.trained(training, about, None, threads).expect("a model")
}

static MODEL: LazyLock<Arc<Model>> = LazyLock::new(|| Arc::new(learned(0, 1, &[]).0));

fn judging() -> Baseline {
    let mut baseline = with(Settings::default());
    baseline.judge_by(Arc::clone(&MODEL));
    for made in (0..4).flat_map(|of| day(of, 0)) {
        made.taught_to(&mut baseline);
    }
    baseline
}

/// The group that the change's actor is said to be of.
fn group(baseline: &mut Baseline, made: &Made) -> Option<String> {
    let mut scores = made.judged_by(baseline);
    baseline.peers(&mut scores);
    scores.peer_group
}

#[test]
fn groups_are_the_same_whoever_comes_first_and_however_many_threads_there_are() {
    let (model, card) = learned(0, 1, &[]);
    let sizes: Vec<u32> = card.peer_groups.iter().map(|group| group.actors).collect();
    assert_eq!((sizes, card.actors_alone.len()), (vec![4, 3], 0), "{:?}", card.peer_groups);
    assert!(learned(0, 3, &[]).0.to_bytes() == model.to_bytes(), "threads");
    for turn in 1..4 {
        assert_eq!(learned(turn, 2, &[]).1.peer_groups, card.peer_groups);
    }
}

#[test]
fn a_new_actor_is_of_the_nearest_group_after_thirty_events_and_a_restart_remembers() {
    let mut baseline = judging();
    let mut scores = one("ana@example.net", true, 5 * DAY).judged_by(&mut baseline);
    baseline.peers(&mut scores);
    let people = scores.peer_group.expect("a group of the model");
    assert!(people.starts_with("people by api (aws-cli)"), "{people}");
    for n in 0..29 {
        one("eva@example.net", true, 5 * DAY + n * HOUR / 10).taught_to(&mut baseline);
    }
    let last = one("eva@example.net", true, 5 * DAY + 4 * HOUR);
    assert_eq!(group(&mut baseline, &last), None, "29 events are too few");
    let mut delta = StateDelta::default();
    baseline.delta(&mut delta);
    let mut again = with(Settings::default());
    again.judge_by(Arc::clone(&MODEL));
    delta.entries.iter().for_each(|entry: &Entry| again.restore(entry));
    for baseline in [&mut baseline, &mut again] {
        last.taught_to(baseline);
        assert_eq!(group(baseline, &last).as_ref(), Some(&people));
    }
}

#[test]
fn an_hour_like_no_others_is_named_with_who_and_when() {
    let mut odd: Vec<Made> = Vec::new();
    for n in 0..12 {
        let made = one("ben@example.net", true, 11 * DAY + 20 * HOUR + n * HOUR / 20).action(&format!("Odd{n}"));
        odd.push(Made { region: "xx-north-9".to_owned(), ip: "198.51.100.9".to_owned(), ..made });
    }
    let (_, card) = learned(0, 1, &odd);
    let worst = card.odd_hours.farthest.first().expect("an odd hour");
    assert_eq!((worst.actor.as_str(), worst.hour.as_str()), ("ben@example.net", "1970-01-12T20:00:00.000Z"));
    assert_eq!((worst.events, worst.odd_in.is_empty()), (12, false), "{worst:?}");
    assert!(card.odd_hours.noise * 20 <= card.odd_hours.hours, "{:?}", card.odd_hours);
    assert!(card.to_markdown().contains("| ben@example.net | 1970-01-12T20:00:00.000Z | 12 |"));
}
