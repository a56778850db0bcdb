//! What stands out, and what is said of it.

use tagwarden_core::{NetworkClass, Severity};

use crate::build::{DAY, HOUR, MINUTE, Made, SETTLED, settled};
use crate::quiet::loud;

const NOW: i64 = SETTLED * DAY;

#[test]
fn a_new_transition_stands_out_and_says_why() {
    let mut baseline = settled();
    // Both values are known, the way from one to the other is not.
    let back = |at| Made::ordinary("ana@example.net", at).tag("Environment", Some("prd"), Some("stage"));
    let odd = back(NOW).judged_by(&mut baseline);
    assert!(loud(&odd) && odd.percentile > Some(99.0), "{odd:?}");
    assert_eq!(odd.reasons, ["Environment prd → stage: 0 of 1,400 changes of Environment in account nimbus-prd"]);
    back(NOW).taught_to(&mut baseline);
    // No silence in between, which would be odd by itself.
    for n in 1..6 {
        Made::ordinary("ana@example.net", NOW + n * 8 * HOUR).taught_to(&mut baseline);
    }
    let again = back(NOW + 2 * DAY).judged_by(&mut baseline);
    assert!(again.score < odd.score, "{} after {}", again.score, odd.score);
    let wanted = "Environment prd → stage: 1 of 1,401 changes of Environment in account nimbus-prd, last 2 days ago";
    assert_eq!(again.reasons, [wanted]);
}

#[test]
fn a_new_colleague_is_judged_as_the_team_is() {
    let mut baseline = settled();
    // A place where now and then somebody new begins.
    let new = |n: i64| {
        Made::ordinary(&format!("new{n}@example.net"), NOW + n * DAY).tag("Environment", Some("dev"), Some("stage"))
    };
    let scores: Vec<f64> = (0..12).map(|n| new(n).taught_to(&mut baseline).score).collect();
    let ordinary = new(12).judged_by(&mut baseline);
    assert!(ordinary.score < 0.6 * scores[0], "{} {scores:?}", ordinary.score);
    // What only the team's past can tell, as the newcomer has none.
    let elsewhere = Made { ip: "198.51.100.9".to_owned(), ..new(12) };
    assert!(elsewhere.judged_by(&mut baseline).score > ordinary.score + 2.0);
    let denied = Made { error: Some("AccessDenied"), ..new(12) };
    assert!(denied.judged_by(&mut baseline).score > ordinary.score);
}

#[test]
fn colleagues_and_other_accounts_are_counted_in_words() {
    let mut baseline = settled();
    let stop = Made::ordinary("ben@example.net", NOW).action("StopLogging");
    stop.taught_to(&mut baseline);
    // Twice by one person is not two persons.
    Made { call: 1, ..stop.clone() }.taught_to(&mut baseline);
    let by_ana = Made::ordinary("ana@example.net", NOW + 2 * HOUR).action("StopLogging").judged_by(&mut baseline);
    let said = by_ana.reasons.iter().find(|reason| reason.starts_with("StopLogging: first time by ana@example.net"));
    assert!(said.is_some_and(|said| said.contains("1 other of team platform")), "{by_ana:?}");
    assert!(said.is_some_and(|said| said.contains("(476 calls known, last yesterday)")), "{by_ana:?}");
    let owner = |value| Made::ordinary("ben@example.net", NOW + HOUR).tag("Environment", Some("dev"), value);
    Made { account: "444455556666".to_owned(), ..owner(Some("lab")) }.taught_to(&mut baseline);
    let here = Made { call: 1, ..owner(Some("lab")) }.judged_by(&mut baseline);
    let said = here.reasons.iter().find(|reason| reason.starts_with("Environment"));
    assert!(
        said.is_some_and(|said| {
            said.contains("0 of 1,400") && said.ends_with("in account nimbus-prd; known in 1 other account")
                || said.contains("by ben@example.net")
        }),
        "{here:?}"
    );
}

#[test]
fn what_is_odd_is_named_with_its_count_and_its_age() {
    let mut baseline = settled();
    let away = Made {
        ip: "198.51.100.9".to_owned(),
        region: "sa-east-1".to_owned(),
        error: Some("AccessDenied"),
        ..Made::ordinary("ben@example.net", NOW + DAY)
    };
    let reasons = away.judged_by(&mut baseline).reasons;
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    for wanted in ["region sa-east-1: ", "from 198.51.100.9 ", "denied CreateTags: "] {
        assert!(reasons.iter().any(|reason| reason.starts_with(wanted)), "{wanted} in {reasons:?}");
    }
    for reason in reasons {
        assert!(reason.ends_with(" known, last 2 days ago)") || reason.contains(", last 2 days ago"), "{reason}");
    }
}

#[test]
fn many_tags_are_one_change() {
    let mut baseline = settled();
    // New keys are seen now and then, so that one is not as far out as can be.
    for n in 0..60 {
        let made = Made::ordinary("ana@example.net", NOW + n * HOUR);
        made.tag(&format!("known-{n}"), None, Some("x")).taught_to(&mut baseline);
    }
    let mut made = Made::ordinary("ana@example.net", NOW + 3 * DAY).tag("key-0", None, Some("x"));
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
fn a_call_on_many_resources_is_one_call() {
    let mut baseline = settled();
    let call = |at| Made::ordinary("ana@example.net", at).action("StopInstances").tag("off", None, Some("x"));
    let mut scores = vec![];
    for ordinal in 0..20 {
        scores
            .push(Made { ordinal, resource: format!("i-{}", ordinal % 7), ..call(NOW) }.taught_to(&mut baseline).score);
    }
    // What is odd about the call is odd about each of its changes; what they have in common becomes known with the first.
    assert!(scores.iter().skip(1).all(|score| *score > scores[0] / 2.0), "{scores:?}");
    let again = call(NOW + 2 * DAY).judged_by(&mut baseline);
    let said = again.reasons.iter().find(|reason| reason.starts_with("StopInstances"));
    assert_eq!(said.map(String::as_str), Some("StopInstances: 1 of 477 calls by ana@example.net, last 2 days ago"));
}

#[test]
fn a_value_that_looks_like_another_is_told_apart() {
    let mut baseline = settled();
    let set = |value: &str| Made::ordinary("ana@example.net", NOW + DAY).tag("Environment", Some("dev"), Some(value));
    // New values are seen now and then; that one looks like another is not.
    for n in 0..20 {
        set(&format!("lab-{n}x")).at(NOW + n * HOUR).taught_to(&mut baseline);
    }
    let (forged, other) = (set("St-age").judged_by(&mut baseline), set("lab").judged_by(&mut baseline));
    assert!(forged.score > other.score, "{forged:?} {other:?}");
    let looks = |reasons: &[String]| reasons.iter().any(|reason| reason.contains("looks the same"));
    assert!(looks(&forged.reasons) && !looks(&other.reasons), "{forged:?} {other:?}");
}

#[test]
fn a_rule_that_hits_daily_weighs_less_than_one_that_never_did() {
    let mut baseline = settled();
    for day in SETTLED..SETTLED + 10 {
        for n in 0..100 {
            let made = Made::ordinary("ana@example.net", day * DAY + n * HOUR / 5);
            let made = if n % 10 == 0 { made.hit("daily", Severity::High) } else { made };
            made.taught_to(&mut baseline);
        }
    }
    let probe = Made::ordinary("ana@example.net", (SETTLED + 10) * DAY);
    let mut score = |made: Made| made.judged_by(&mut baseline).score;
    let bare = score(probe.clone());
    let daily = score(probe.clone().hit("daily", Severity::High));
    let rare = score(probe.clone().hit("rare", Severity::High));
    assert!(bare < daily && daily + 3.0 < rare, "{bare} {daily} {rare}");
    assert_eq!(
        score(probe.clone().hit("daily", Severity::High).hit("rare", Severity::High)).to_bits(),
        rare.to_bits(),
        "the weightiest counts, not the sum"
    );
    assert!(score(probe.clone().hit("rare", Severity::Critical)) > rare);
    assert!(score(probe.clone().hit("rare", Severity::Medium)) < rare);
    assert_eq!(score(probe.hit("rare", Severity::Info)).to_bits(), bare.to_bits());
}

#[test]
fn a_read_is_worth_less_than_a_change() {
    let mut baseline = settled();
    let odd = Made { region: "sa-east-1".to_owned(), ..Made::ordinary("ana@example.net", NOW).action("ListTags") };
    let read = Made { read_only: true, ..odd.clone() }.judged_by(&mut baseline);
    let write = odd.judged_by(&mut baseline);
    assert!(read.score + 2.0 < write.score, "{} {}", read.score, write.score);
}

#[test]
fn an_access_key_used_elsewhere_than_where_it_was_issued_stands_out() {
    let mut baseline = settled();
    let call = |at, ip: &str| Made {
        ip: ip.to_owned(),
        network: Some(NetworkClass::Vpn),
        agent: Some("aws-cli/2.15"),
        access_key: Some("ASIA1".to_owned()),
        ..Made::ordinary("ana@example.net", at)
    };
    let issuing = Made { access_key: None, issues: Some("ASIA1"), ..call(NOW, "203.0.113.7") };
    issuing.taught_to(&mut baseline);
    call(NOW + MINUTE, "203.0.113.7").taught_to(&mut baseline);
    let same = call(NOW + 2 * MINUTE, "203.0.113.7").judged_by(&mut baseline);
    assert!(same.reasons.iter().all(|reason| !reason.starts_with("access key used")), "{same:?}");
    let moved = call(NOW + 2 * MINUTE, "203.0.113.99").judged_by(&mut baseline);
    assert!(moved.score > same.score + 2.0, "{} {}", moved.score, same.score);
    assert!(moved.reasons.iter().any(|reason| reason.starts_with("access key used")), "{moved:?}");
    let tool = Made { agent: Some("Boto3/1.35"), ..call(NOW + 2 * MINUTE, "203.0.113.7") }.judged_by(&mut baseline);
    assert!(tool.score > same.score, "{} {}", tool.score, same.score);
}

#[test]
fn a_detail_never_seen_stands_out_and_one_that_is_always_new_does_not() {
    let mut baseline = settled();
    let names = ["a1", "b2", "c3", "d4", "e5", "f6"];
    let run = |n: usize, size, image| Made {
        call: 7,
        details: vec![("instance_type", size), ("image", image)],
        ..Made::ordinary("ci-deploy", NOW + i64::try_from(n).expect("small") * HOUR)
    };
    for n in 0..60 {
        let size = if n % 2 == 0 { "t3.micro" } else { "m5.large" };
        run(n, size, names.get(n / 10).copied().unwrap_or("z")).taught_to(&mut baseline);
    }
    let said = |made: Made, baseline: &mut _| made.judged_by(baseline).reasons.join("; ");
    let new = said(run(60, "p4d.24xlarge", "f6"), &mut baseline);
    let wanted = "tags changed, its instance type p4d.24xlarge: 0 of 60 such changes in account nimbus-prd";
    assert!(new.contains(wanted), "{new}");
    let ordinary = said(run(60, "t3.micro", "f6"), &mut baseline);
    assert!(!ordinary.contains("instance type"), "{ordinary}");
}

#[test]
fn another_account_stands_out_once_and_a_stranger_more_than_a_neighbour() {
    let mut baseline = settled();
    let share = |n: i64, other, known| Made {
        call: 9,
        other: Some((other, known)),
        ..Made::ordinary("ana@example.net", NOW + n * HOUR)
    };
    for n in 0..40 {
        share(n, "222222222222", true).taught_to(&mut baseline);
    }
    let usual = share(40, "222222222222", true).judged_by(&mut baseline);
    let neighbour = share(40, "333333333333", true).judged_by(&mut baseline);
    let stranger = share(40, "999999999999", false).judged_by(&mut baseline);
    assert!(usual.score < neighbour.score && neighbour.score < stranger.score, "{usual:?} {neighbour:?} {stranger:?}");
    let wanted = "unknown AWS account 999999999999: 0 of 40 dealings with other accounts in account nimbus-prd";
    assert!(stranger.reasons.iter().any(|reason| reason == wanted), "{stranger:?}");
}
