//! What must hold of groups of actors, whoever they are.

use tagwarden_core::{Actor, ActorKind, Enriched, Event, EventKind, Identity, Timestamp, Via};
use tagwarden_json::Tape;

use super::Peers;
use crate::hash::{mix, text};
use crate::profile::{Deed, LEAST_EVENTS, Profile};
use crate::slots::Kept;
use crate::training::profiles::{MOST_ACTORS, Profiles};

/// Services by weight, way in, environment, whether only read.
#[derive(Clone, Copy)]
struct Job {
    services: &'static [&'static str],
    via: Via,
    kind: ActorKind,
    environment: &'static str,
    read_only: bool,
}

const DATABASES: Job = Job {
    services: &["rds", "rds", "dynamodb"],
    via: Via::Console,
    kind: ActorKind::Human,
    environment: "prod",
    read_only: true,
};
const RELEASES: Job = Job {
    services: &["lambda", "ecs", "iam"],
    via: Via::Iac,
    kind: ActorKind::Workload,
    environment: "stage",
    read_only: false,
};

/// The `n`-th event of one who has this job.
fn does<T>(job: Job, who: &str, n: usize, run: impl FnOnce(&Event<'_>, &Actor<'_>, &Enriched<'_>) -> T) -> T {
    let mut tape = Tape::new();
    let node = tape.parse("{}").unwrap();
    let event = Event {
        id: "e".into(),
        key: 1,
        shared_id: None,
        kind: EventKind::ApiCall,
        time: Timestamp(i64::try_from(n).unwrap()),
        account_id: "1".into(),
        region: "r".into(),
        source: format!("{}.amazonaws.com", job.services[n % job.services.len()]).into(),
        name: "A".into(),
        action: "A".into(),
        error_code: None,
        read_only: job.read_only,
        source_ip: None,
        user_agent: None,
        identity: Identity::default(),
        request: None,
        response: None,
        record: node,
        envelope: node,
        fault: None,
    };
    let actor = Actor {
        kind: Some(job.kind),
        human: None,
        identity_type: None,
        arn: None,
        session: None,
        principal: None,
        access_key_id: None,
        via: job.via,
        root: false,
        chain: vec![],
        key: who.to_owned(),
        team: None,
        network: None,
        local_hour: u8::try_from(8 + n % 8).unwrap(),
        local_weekday: 1,
        business_hours: true,
        source_identity_missing: false,
    };
    run(&event, &actor, &Enriched { environment: Some(job.environment.into()), ..Enriched::default() })
}

fn profile(job: Job, events: usize) -> Profile {
    let mut profile = Profile::default();
    for n in 0..events {
        does(job, "x", n, |event, actor, enriched| profile.add(&Deed::of(event, actor, enriched), event.time.0));
    }
    profile
}

/// Four people at databases, three pipelines, one of both kinds in turn, one of whom little is known; in another order
/// for another seed.
fn company(seed: u64) -> Profiles {
    let mut all: Vec<(Job, String, usize)> = Vec::new();
    for n in 0..48 {
        all.extend((0..4).map(|who| (DATABASES, format!("dba{who}"), n)));
        all.extend((0..3).map(|who| (RELEASES, format!("ci{who}"), n)));
        all.push((if n % 2 == 0 { DATABASES } else { RELEASES }, "both".to_owned(), n));
        all.extend((n < 20).then(|| (DATABASES, "new".to_owned(), n)));
    }
    all.sort_by_key(|(_, who, n)| mix(mix(seed, text(who)), *n as u64));
    let mut profiles = Profiles::default();
    for (job, who, n) in all {
        does(job, &who, n, |event, actor, enriched| profiles.add(event, actor, enriched));
    }
    profiles
}

#[test]
fn who_does_the_same_is_one_group_with_a_name_that_tells_it() {
    let (peers, alone) = Peers::fit(&company(0)).unwrap();
    let name = |who: &str| peers.of(text(who), None).map(|group| (group.name.as_str(), group.actors));
    for who in 0..4 {
        assert_eq!(
            name(&format!("dba{who}")),
            Some(("people by console, in prod: mostly rds reads, dynamodb reads", 4))
        );
    }
    let releases = name("ci0").unwrap();
    assert!(releases.0.starts_with("workloads by iac, in stage: mostly ") && releases.1 == 3, "{releases:?}");
    assert!(releases.0.contains("writes") && !releases.0.contains("rds"), "{releases:?}");
    assert_eq!((name("both"), alone), (None, vec!["both".to_owned()]), "noise");
    assert!(peers.knows(text("both")) && !peers.knows(text("new")), "of whom little is known is not known");
    assert_eq!(Peers::from_bytes(&peers.to_bytes()).unwrap(), peers);
}

#[test]
fn the_order_of_events_has_no_say() {
    let first = Peers::fit(&company(0)).unwrap();
    for seed in 1..4 {
        let other = Peers::fit(&company(seed)).unwrap();
        assert!(other == first && other.0.to_bytes() == first.0.to_bytes(), "{seed}");
    }
}

#[test]
fn a_new_actor_belongs_to_the_nearest_group_once_enough_is_known_or_to_none() {
    let (peers, _) = Peers::fit(&company(0)).unwrap();
    let of = |job: Job, events: usize| peers.of(text("new"), Some(&profile(job, events))).map(|group| group.actors);
    let least = LEAST_EVENTS as usize;
    assert_eq!([of(DATABASES, least - 1), of(DATABASES, least), of(DATABASES, 3000)], [None, Some(4), Some(4)]);
    assert_eq!(of(RELEASES, least), Some(3));
    assert_eq!(of(Job { via: Via::Api, services: &["sqs"], ..RELEASES }, least), None, "a job that nobody has");
    let changed = peers.of(text("dba0"), Some(&profile(RELEASES, 3000))).unwrap();
    assert_eq!(changed.actors, 4, "the model says what it saw; the next one says otherwise");
}

#[test]
fn who_changes_jobs_is_in_another_group_of_the_next_model() {
    let mut profiles = company(0);
    for n in 48..96 {
        for who in 0..3 {
            does(RELEASES, &format!("ci{who}"), n, |event, actor, enriched| profiles.add(event, actor, enriched));
        }
    }
    let mut next = Profiles::default();
    for n in 0..48 {
        for (job, who) in [(RELEASES, "dba0"), (RELEASES, "ci0"), (RELEASES, "ci1")] {
            does(job, who, n, |event, actor, enriched| next.add(event, actor, enriched));
        }
    }
    let of = |profiles: &Profiles| {
        let (peers, _) = Peers::fit(profiles).unwrap();
        peers.of(text("dba0"), None).map(|group| group.name.clone())
    };
    assert!(of(&profiles).is_some_and(|name| name.starts_with("people by console")));
    assert!(of(&next).is_some_and(|name| name.starts_with("workloads by iac")));
}

#[test]
fn of_nobody_and_of_one_there_is_no_group() {
    let nobody = Peers::fit(&Profiles::default()).unwrap();
    assert_eq!(nobody, (Peers::default(), vec![]));
    assert_eq!(Peers::from_bytes(&nobody.0.to_bytes()).unwrap(), nobody.0);
    let mut profiles = Profiles::default();
    for n in 0..50 {
        does(DATABASES, "dba0", n, |event, actor, enriched| profiles.add(event, actor, enriched));
    }
    let (peers, alone) = Peers::fit(&profiles).unwrap();
    assert_eq!((peers.of(text("dba0"), None), alone), (None, vec!["dba0".to_owned()]));
    assert_eq!(peers.of(text("new"), Some(&profile(DATABASES, 50))), None, "one is no group");
    assert_eq!(Peers::from_bytes(&peers.to_bytes()).unwrap(), peers);
}

#[test]
fn a_hundred_thousand_actors_take_as_much_room_as_four_thousand_whatever_their_order() {
    let all = |backwards: bool| {
        let mut profiles = Profiles::default();
        for n in 0..100_000 {
            let n = if backwards { 99_999 - n } else { n };
            // What is crafted: each event has names of its own.
            does(DATABASES, &format!("actor{n}"), n, |event, actor, enriched| {
                let event = Event { source: format!("service{n}").into(), ..event.clone() };
                profiles.add(&event, actor, enriched);
            });
        }
        profiles
    };
    let (forth, back) = (all(false), all(true));
    let (actors, names) = forth.room();
    assert_eq!((actors, names <= 3 * MOST_ACTORS), (MOST_ACTORS, true), "{names}");
    assert!(forth == back);
}

#[test]
fn amounts_do_not_count_and_profiles_come_back_from_their_bytes() {
    let (few, many) = (profile(DATABASES, 48), profile(DATABASES, 480));
    let apart: f32 = few.row().unwrap().iter().zip(many.row().unwrap()).map(|(a, b)| (a - b) * (a - b)).sum();
    assert!(apart < 1e-9, "{apart}");
    let other = profile(RELEASES, 48).row().unwrap();
    let apart: f32 = few.row().unwrap().iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum();
    assert!((apart - 0.8).abs() < 1e-5, "they have only their hours in common: {apart}");
    let mut bytes = Vec::new();
    many.encode(&mut bytes);
    assert_eq!(Profile::decode(&bytes), Some(many));
    assert_eq!(Profile::decode(&bytes[..bytes.len() - 1]), None);
}

#[test]
fn bytes_that_are_no_groups_are_told() {
    let (peers, _) = Peers::fit(&company(0)).unwrap();
    let bytes = peers.to_bytes();
    for cut in 0..bytes.len() {
        assert!(Peers::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    let told = |at: usize, value: u32| {
        let mut bytes = bytes.clone();
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        Peers::from_bytes(&bytes).unwrap_err().to_string()
    };
    assert_eq!(told(0, u32::MAX), "at byte 4: found 4294967295 groups, want 0 to 4096");
    assert_eq!(told(8, 5000), "at byte 12: found 5000 bytes of a name, want 0 to 4096");
}
