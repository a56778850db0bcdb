//! What the baseline remembers of an actor's last hours and days: bursts, echoes, travel, silence, newness.

use std::sync::Arc;

use tagwarden_baseline::{Baseline, Settings};
use tagwarden_core::{ActorKind, NetworkClass, Scores};

use crate::build::{DAY, HOUR, MINUTE, Made, SETTLED, settled, with};

const NOW: i64 = SETTLED * DAY;

fn says(scores: &Scores, words: &str) -> bool {
    scores.reasons.iter().any(|reason| reason.contains(words))
}

/// `calls` calls of one kind by `who`, a second apart; what was said of the last.
fn burst(baseline: &mut Baseline, who: &str, at: i64, calls: i64) -> Scores {
    let one = |n: i64| {
        let made =
            Made::ordinary(who, at + n * 1000).action("DeleteTags").tag("Environment", Some("dev"), Some("stage"));
        Made { kind: ActorKind::Workload, resource: format!("i-{}", n % 40), ..made }
    };
    (0..calls).map(|n| one(n).taught_to(baseline)).last().unwrap_or_default()
}

#[test]
fn a_burst_is_measured_against_the_actor_s_own_most() {
    let mut baseline = settled();
    // One machine does much every day, the other does little.
    for day in SETTLED..SETTLED + 8 {
        burst(&mut baseline, "ci-busy", day * DAY, 40);
        burst(&mut baseline, "ci-deploy", day * DAY + 12 * HOUR, 1);
    }
    let then = (SETTLED + 8) * DAY;
    let busy = burst(&mut baseline.clone(), "ci-busy", then, 40);
    let idle = burst(&mut baseline.clone(), "ci-deploy", then, 40);
    assert!(!says(&busy, "within"), "{busy:?}");
    assert!(says(&idle, "within"), "{idle:?}");
    assert!(idle.score > busy.score + 3.0, "{} {}", idle.score, busy.score);
    // What it once did is its own from then on.
    burst(&mut baseline, "ci-deploy", then, 40);
    let again = burst(&mut baseline, "ci-deploy", then + DAY, 40);
    assert!(!says(&again, "within") && again.score + 3.0 < idle.score, "{again:?}");
}

#[test]
fn calls_far_apart_are_no_burst() {
    let mut baseline = settled();
    let slow = |n: i64| Made::ordinary("ben@example.net", NOW + n * 2 * HOUR).action("DeleteTags");
    let scores: Vec<Scores> = (0..40).map(|n| slow(n).taught_to(&mut baseline)).collect();
    assert!(scores.iter().all(|scores| !says(scores, "within 10 minutes") && !says(scores, "within an hour")));
}

#[test]
fn an_echo_lasts_an_hour_and_no_longer() {
    let call = |at| Made::ordinary("ana@example.net", at).tag("Environment", Some("dev"), Some("stage"));
    let abroad = Made { region: "sa-east-1".to_owned(), ..call(NOW) };
    let after = |minutes: i64, odd: bool| {
        let mut baseline = settled();
        if odd { abroad.clone() } else { call(NOW) }.taught_to(&mut baseline);
        call(NOW + minutes * MINUTE).judged_by(&mut baseline).score
    };
    assert!(after(1, true) > after(1, false) + 2.0, "{} {}", after(1, true), after(1, false));
    assert!(after(59, true) > after(59, false) + 2.0, "{} {}", after(59, true), after(59, false));
    assert!((after(61, true) - after(61, false)).abs() < 0.5, "{} {}", after(61, true), after(61, false));
    // It is the actor's own.
    let mut baseline = settled();
    abroad.taught_to(&mut baseline);
    let other = Made { who: "ben@example.net".to_owned(), ..call(NOW + MINUTE) };
    let (with, without) = (other.judged_by(&mut baseline), other.judged_by(&mut settled()));
    assert!(with.score < without.score + 0.5, "{with:?} {without:?}");
}

#[test]
fn two_places_within_minutes_are_travel_and_a_vpn_is_not() {
    let from = |ip: &str, network, at| Made {
        ip: ip.to_owned(),
        network: Some(network),
        ..Made::ordinary("ana@example.net", at)
    };
    let second = |network, minutes: i64, kind| {
        let mut baseline = settled();
        // Both places are known.
        for (days, ip, class) in [
            (3, "192.0.2.9", NetworkClass::Internet),
            (2, "192.0.2.9", network),
            (1, "198.51.100.7", NetworkClass::Internet),
        ] {
            let before = from(ip, class, NOW - days * DAY);
            Made { kind, ..before }.taught_to(&mut baseline);
        }
        let first = from("198.51.100.7", NetworkClass::Internet, NOW);
        Made { kind, ..first }.taught_to(&mut baseline);
        Made { kind, ..from("192.0.2.9", network, NOW + minutes * MINUTE) }.judged_by(&mut baseline)
    };
    let travel = |scores: &Scores| says(scores, "from elsewhere");
    let at_once = second(NetworkClass::Internet, 5, ActorKind::Human);
    assert!(travel(&at_once), "{at_once:?}");
    assert!(!travel(&second(NetworkClass::Internet, 13 * 60, ActorKind::Human)));
    assert!(!travel(&second(NetworkClass::Vpn, 5, ActorKind::Human)));
    assert!(!travel(&second(NetworkClass::Internet, 5, ActorKind::Workload)), "machines have no place");
    // An event that comes late tells of the same journey, not of a faster one.
    let late = second(NetworkClass::Internet, -13 * 60, ActorKind::Human);
    assert!(!travel(&late), "{late:?}");
}

#[test]
fn a_long_silence_stands_out() {
    let baseline = settled();
    let after = |days: i64| {
        let call = Made::ordinary("ben@example.net", NOW + days * DAY);
        // The others go on, so that it is the silence of one.
        let mut baseline = baseline.clone();
        for day in 0..days {
            for n in 0..50 {
                Made::ordinary("ana@example.net", NOW + day * DAY + n * HOUR / 5).taught_to(&mut baseline);
            }
        }
        call.judged_by(&mut baseline)
    };
    let (soon, late) = (after(0), after(20));
    assert!(late.score > soon.score + 2.0, "{} {}", late.score, soon.score);
    assert!(says(&late, "silence") && !says(&soon, "silence"), "{late:?} {soon:?}");
}

#[test]
fn a_new_actor_stands_out_less_from_day_to_day() {
    let mut baseline = settled();
    let mut on = |days: i64, call| {
        let made = Made::ordinary("cleo@example.net", NOW + days * DAY + call);
        made.tag("Environment", Some("dev"), Some("stage")).taught_to(&mut baseline)
    };
    let first = on(0, 0);
    assert!(says(&first, "new here"), "{first:?}");
    let second = on(1, 2 * HOUR);
    let fourth = on(3, 4 * HOUR);
    assert!(second.score < first.score, "{} {}", second.score, first.score);
    assert!(!says(&fourth, "new here"), "{fourth:?}");
}

/// Under a model scores begin on the fourth day, which may be less than three days after the first event.
#[test]
fn nobody_is_new_where_all_are() {
    let began = DAY - HOUR;
    let on_its_first_call = |at| {
        let mut baseline = with(Settings::default());
        baseline.judge_by(Arc::clone(&crate::parts::MODEL));
        for n in 0..50 {
            Made::ordinary("ana@example.net", began + n * HOUR).taught_to(&mut baseline);
        }
        Made::ordinary("cleo@example.net", at).judged_by(&mut baseline)
    };
    let (early, later) = (on_its_first_call(3 * DAY), on_its_first_call(4 * DAY));
    assert!(early.tails.is_some() && !says(&early, "new here"), "{early:?}");
    assert!(says(&later, "new here"), "{later:?}");
}

#[test]
fn a_new_long_lived_key_stands_out() {
    let mut baseline = settled();
    let with = |key: &str, at| Made { access_key: Some(key.to_owned()), ..Made::ordinary("ana@example.net", at) };
    let scores = ["AKIANEW", "ASIANEW"].map(|key| with(key, NOW).judged_by(&mut baseline));
    assert!(scores[0].score > scores[1].score + 2.0, "{scores:?}");
    assert!(says(&scores[0], "access key new here") && !says(&scores[1], "access key"), "{scores:?}");
    with("AKIANEW", NOW).taught_to(&mut baseline);
    let later = with("AKIANEW", NOW + 4 * DAY).judged_by(&mut baseline);
    assert!(!says(&later, "access key"), "{later:?}");
}
