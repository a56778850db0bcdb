//! The laws of grouping: in event time, in the order of offering, whatever the batches and restarts.

use std::path::Path;

use proptest::prelude::*;
use tagwarden_core::{Assessment, Disposition, Family, RuleHit, Severity, Shadow, Timestamp};

use super::{OfferOutcome, Outbox};
use crate::message::sample::offer;
use crate::{Ledger, Offer, Route, Settings};

const MINUTE: i64 = 60_000;

fn outbox(path: &Path) -> Outbox {
    Outbox::open(path, Settings::default(), vec!["soc".into(), "ops".into()]).unwrap()
}

/// Offers each with the clock at its own time; a batch each.
fn offer_all(outbox: &mut Outbox, offers: &[Offer]) -> OfferOutcome {
    let mut sum = OfferOutcome::default();
    for one in offers {
        sum += outbox.offer(one.event_time, 1, std::slice::from_ref(one)).unwrap();
    }
    sum
}

/// Every alert with its members, as the ledger has them.
fn groups(ledger: &Ledger) -> Vec<(String, u64, i64, i64, String)> {
    let sql = "SELECT g.opener, g.changes, g.first, g.last, (SELECT group_concat(change_id) FROM (SELECT change_id \
               FROM alert_change c WHERE c.group_id = g.id ORDER BY seq)) FROM alert_group g ORDER BY g.opener";
    let mut statement = ledger.db.prepare(sql).unwrap();
    let rows = statement
        .query_map([], |r| Ok((r.get(0)?, r.get::<_, i64>(1)?.unsigned_abs(), r.get(2)?, r.get(3)?, r.get(4)?)))
        .unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// Every message: destination, kind, when due, and what it tells.
fn messages(ledger: &Ledger) -> Vec<(String, String, i64, String)> {
    let sql = "SELECT m.destination, m.kind, m.due, (SELECT group_concat(change_id) FROM (SELECT c.change_id FROM \
               alert_fate f JOIN alert_change c ON c.seq = f.seq WHERE f.message_id = m.id ORDER BY c.seq)) \
               FROM alert_message m ORDER BY 1, 2, 3, 4";
    let mut statement = ledger.db.prepare(sql).unwrap();
    let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn alerts(offers: &[Offer]) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = outbox(&dir.path().join("s"));
    let outcome = offer_all(&mut outbox, offers);
    let found = groups(outbox.ledger());
    assert_eq!(outcome.opened, found.len() as u64);
    assert_eq!(found.iter().map(|group| group.1).sum::<u64>(), offers.len() as u64);
    found.len()
}

#[test]
fn one_actor_without_an_hour_of_silence_is_one_alert() {
    let first = offer("a.0", 0);
    let second = |at: i64| offer("b.0", at);
    assert_eq!(alerts(&[first.clone(), second(60 * MINUTE)]), 1);
    assert_eq!(alerts(&[first.clone(), second(60 * MINUTE + 1)]), 2);
    assert_eq!(alerts(&[first.clone(), second(-60 * MINUTE)]), 1);
    assert_eq!(alerts(&[first.clone(), second(-60 * MINUTE - 1)]), 2);
    assert_eq!(alerts(&[first.clone(), second(50 * MINUTE), offer("c.0", 110 * MINUTE)]), 1);
    assert_eq!(alerts(&[first.clone(), Offer { actor: "else".into(), ..second(1) }]), 2);
    assert_eq!(alerts(&[first.clone(), Offer { family: Family::Iam, ..second(1) }]), 1);
    assert_eq!(alerts(&[first.clone(), Offer { environment_before: Some("stage".into()), ..second(1) }]), 1);
    let run = |one: Offer| Offer { change_set_id: Some("run-7".into()), ..one };
    assert_eq!(alerts(&[run(first.clone()), run(Offer { family: Family::Iam, ..second(90 * MINUTE) })]), 1);
    assert_eq!(alerts(&[run(first.clone()), run(second(24 * 60 * MINUTE + 1))]), 2);
    assert_eq!(alerts(&[run(first), second(1)]), 2);
}

#[test]
fn an_alert_does_not_go_on_for_ever() {
    let steady: Vec<Offer> = (0..30).map(|i| offer(&format!("e{i}.0"), i * 50 * MINUTE)).collect();
    assert_eq!(alerts(&steady), 2);
}

#[test]
fn copies_of_one_call_and_witnesses_are_no_news() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = outbox(&dir.path().join("s"));
    let call = Offer { shared_event_id: Some("call".into()), ..offer("a.0", 0) };
    let copy =
        Offer { shared_event_id: Some("call".into()), account_id: "2".into(), actor: "x".into(), ..offer("b.0", 0) };
    let other = Offer { shared_event_id: Some("call".into()), actor: "x".into(), ..offer("b.1", 0) };
    let witness = Offer { confirms: Some("a.0".into()), actor: String::new(), ..offer("w.0", 5 * MINUTE) };
    let outcome = offer_all(&mut outbox, &[call, copy, witness]);
    assert_eq!((outcome.opened, outcome.joined), (1, 2));
    assert_eq!(groups(outbox.ledger())[0].1, 1);
    assert_eq!(messages(outbox.ledger()).len(), 2, "one for each destination");
    assert_eq!(offer_all(&mut outbox, &[other]).opened, 1, "another resource of the call is another change");
    assert!(outbox.ledger().counts().unwrap().values().all(|c| c.adds_up() && c.pending == 4));
}

#[test]
fn suppressed_changes_are_on_record_and_nobody_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = outbox(&dir.path().join("s"));
    let silent =
        Offer { disposition: Disposition::Suppressed, suppressed_by: Some("ops until 2027".into()), ..offer("a.0", 0) };
    assert_eq!(offer_all(&mut outbox, &[silent]).suppressed, 1);
    assert_eq!(messages(outbox.ledger()), []);
    let counts = outbox.ledger().counts().unwrap();
    assert!(counts.values().all(|c| c.suppressed == 1 && c.adds_up()));
    let by: String =
        outbox.ledger().db.query_row("SELECT offer ->> 'suppressed_by' FROM alert_change", [], |r| r.get(0)).unwrap();
    assert_eq!(by, "ops until 2027");
}

#[test]
fn what_is_late_quiet_or_too_much_is_told_in_digests() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(&dir.path().join("s"), Settings::default(), vec!["soc".into()]).unwrap();
    let now = offer("x.0", 0).event_time;
    let many = |name: &str, at: i64, n: usize, disposition| -> Vec<Offer> {
        let one = |i| Offer { actor: format!("{name}{i}"), disposition, ..offer(&format!("{name}{i}.0"), at) };
        (0..n).map(one).collect()
    };
    outbox.offer(now, 1, &many("late", -6 * 60 * MINUTE - 1, 5, Disposition::Notify)).unwrap();
    outbox.offer(now, 1, &many("quiet", 0, 4, Disposition::Digest)).unwrap();
    outbox.offer(now, 1, &many("loud", -6 * 60 * MINUTE, 23, Disposition::Page)).unwrap();
    let count = |kind: &str| {
        let told = messages(outbox.ledger());
        let told: Vec<_> = told.iter().filter(|m| m.1 == kind).collect();
        (told.len(), told.iter().map(|m| m.3.split(',').count()).sum::<usize>())
    };
    assert_eq!(
        (count("late"), count("daily"), count("overflow"), count("opening")),
        ((1, 5), (1, 4), (1, 3), (20, 20))
    );
    assert_eq!(outbox.ledger().counts().unwrap()["soc"].pending, 32);
}

#[test]
fn the_ninth_message_of_a_day_waits_for_the_digest_unless_it_pages() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(&dir.path().join("s"), Settings::default(), vec!["soc".into()]).unwrap();
    let one =
        |i: i64, disposition| Offer { actor: format!("a{i}"), disposition, ..offer(&format!("a{i}.0"), i * MINUTE) };
    let notices: Vec<Offer> = (0..10).map(|i| one(i, Disposition::Notify)).collect();
    offer_all(&mut outbox, &notices);
    let count = |outbox: &Outbox, kind: &str| messages(outbox.ledger()).iter().filter(|m| m.1 == kind).count();
    let digest = |outbox: &Outbox| messages(outbox.ledger()).into_iter().find(|m| m.1 == "daily").map(|m| m.3);
    assert_eq!((count(&outbox, "opening"), digest(&outbox).as_deref()), (8, Some("a8.0,a9.0")));
    offer_all(&mut outbox, &[one(13, Disposition::Page)]);
    assert_eq!(count(&outbox, "opening"), 9);
    // What waits for the digest is told at once when it turns out worse.
    offer_all(&mut outbox, &[Offer { change_id: "b.0".into(), ..one(9, Disposition::Page) }]);
    assert_eq!(count(&outbox, "opening"), 10);
    offer_all(&mut outbox, &[one(24 * 60, Disposition::Notify)]);
    assert_eq!(count(&outbox, "opening"), 11, "the next day");
    assert!(outbox.ledger().counts().unwrap().values().all(crate::Counts::adds_up));
}

#[test]
fn follow_ups_take_no_alerts_place_and_wait_on_a_busy_day() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(&dir.path().join("s"), Settings::default(), vec!["soc".into()]).unwrap();
    let one = |actor: &str, n: i64| Offer { actor: actor.into(), ..offer(&format!("{actor}{n}.0"), n * 20 * MINUTE) };
    for n in 0..6 {
        offer_all(&mut outbox, &[one("a", n)]);
        let sent = "UPDATE alert_message SET status = 'delivered', sent = created WHERE kind <> 'daily'";
        outbox.ledger().db.execute(sent, []).unwrap();
    }
    let count = |outbox: &Outbox, kind: &str| messages(outbox.ledger()).iter().filter(|m| m.1 == kind).count();
    assert_eq!((count(&outbox, "opening"), count(&outbox, "follow_up"), count(&outbox, "daily")), (1, 2, 1));
    let others: Vec<Offer> = (1..10).map(|i| one(&format!("b{i}"), 6)).collect();
    offer_all(&mut outbox, &others);
    assert_eq!((count(&outbox, "opening"), count(&outbox, "daily")), (8, 1), "eight alerts, whatever came between");
}

#[test]
fn changes_below_a_threshold_are_meant_for_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let threshold = crate::Threshold { severity: Some(Severity::Critical), percentile: None };
    let route = Route { destination: "soc".into(), threshold, ..Route::default() };
    let settings = Settings { routes: vec![route], ..Settings::default() };
    let mut outbox = Outbox::open(&dir.path().join("s"), settings, vec!["soc".into()]).unwrap();
    assert_eq!(offer_all(&mut outbox, &[offer("a.0", 0)]).unrouted, 1);
    assert_eq!(outbox.ledger().counts().unwrap()["soc"].to_alert, 0);
    assert_eq!(offer_all(&mut outbox, &[offer("a.0", 0)]).repeated, 1);
}

#[test]
fn an_assessment_is_kept_to_the_last_bit_until_its_epoch_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = outbox(&dir.path().join("s"));
    let mut assessment = Assessment {
        hits: vec![RuleHit { id: "r".into(), title: "T".into(), severity: Severity::High, reason: Some("why".into()) }],
        reasons: vec!["why".into()],
        severity: Severity::High,
        disposition: Disposition::Page,
        suppressed_by: None,
        production_critical: true,
        anomalous: false,
        ..Assessment::default()
    };
    assessment.scores.score = 0.1 + 0.2;
    assessment.scores.percentile = Some(100.0 / 3.0);
    assessment.scores.threshold = Some(f64::INFINITY);
    assessment.scores.shadow = Some(Shadow { score: 0.1 + 0.7, percentile: 200.0 / 3.0 });
    (assessment.scores.forest, assessment.scores.tails) = (Some(1.0 / 3.0), Some(2.0 / 3.0));
    assessment.scores.families = std::array::from_fn(|at| at as f32 / 7.0);
    (assessment.scores.rules, assessment.scores.rerank, assessment.scores.surprisal_sum) = (0.1, -0.2, 0.3);
    (assessment.scores.peer_distance, assessment.scores.peer_group) = (Some(4.0 / 3.0), Some("3".into()));
    let one = Offer { assessment: assessment.clone(), ..offer("a.0", 0) };
    outbox.offer(one.event_time, 7, &[one]).unwrap();
    let kept = outbox.ledger().kept(6).unwrap();
    assert_eq!(format!("{:?}", kept["a.0"]), format!("{assessment:?}"));
    assert_eq!(kept["a.0"].scores, assessment.scores);
    assert!(outbox.ledger().kept(7).unwrap().is_empty());
}

#[test]
fn a_file_of_another_schema_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let ledger = Ledger::open(&path).unwrap();
    ledger.db.execute("UPDATE alert_meta SET value = '9' WHERE name = 'schema'", []).unwrap();
    let error = Ledger::open(&path).unwrap_err();
    assert_eq!(error.to_string(), "alert ledger: found schema 9, wanted 1");
}

fn some_offers() -> impl Strategy<Value = Vec<Offer>> {
    let one = (0..3usize, 0..2usize, 0..60i64, 0..4u8, any::<bool>());
    prop::collection::vec(one, 1..25).prop_map(|drawn| {
        let make = |(i, (actor, family, minute, special, loud)): (usize, (usize, usize, i64, u8, bool))| Offer {
            actor: format!("actor-{actor}"),
            family: [Family::Tags, Family::Iam][family],
            change_set_id: (special == 1).then(|| "run".to_owned()),
            shared_event_id: (special == 2).then(|| format!("call-{family}")),
            severity: if loud { Severity::Critical } else { Severity::High },
            disposition: [Disposition::Notify, Disposition::Suppressed][usize::from(special == 3)],
            ..offer(&format!("e{i}.0"), minute * MINUTE)
        };
        drawn.into_iter().enumerate().map(make).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn batches_and_restarts_change_nothing(
        offers in some_offers(), cuts in prop::collection::vec(0usize..25, 0..4), crash in 0usize..25, back in 0usize..25,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let now = Timestamp(offers[0].event_time.0 + 60 * MINUTE);
        let mut whole = outbox(&dir.path().join("whole"));
        let undisturbed = whole.offer(now, 1, &offers).unwrap();

        let path = dir.path().join("parts");
        let crash = crash.min(offers.len());
        let mut parts = outbox(&path);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(crash)).chain([0, crash]).collect();
        cuts.sort_unstable();
        let mut sum = OfferOutcome::default();
        for pair in cuts.windows(2) {
            sum += parts.offer(now, 1, &offers[pair[0]..pair[1]]).unwrap();
        }
        drop(parts);
        let mut parts = outbox(&path);
        sum += parts.offer(now, 1, &offers[crash.saturating_sub(back)..]).unwrap();

        prop_assert_eq!(groups(parts.ledger()), groups(whole.ledger()));
        prop_assert_eq!(messages(parts.ledger()), messages(whole.ledger()));
        prop_assert_eq!(parts.ledger().counts().unwrap(), whole.ledger().counts().unwrap());
        prop_assert_eq!(sum.opened, undisturbed.opened);
        prop_assert!(parts.ledger().counts().unwrap().values().all(crate::Counts::adds_up));
    }
}

#[test]
fn alerts_are_opened_without_a_destination_and_never_by_the_digest() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(&dir.path().join("s"), Settings::default(), vec![]).unwrap();
    let digest = |id: &str, at| Offer { disposition: Disposition::Digest, ..offer(id, at) };
    let outcome = offer_all(&mut outbox, &[digest("a.0", 0), offer("b.0", 1), digest("c.0", 2), offer("d.0", 3)]);
    assert_eq!((outcome.opened, outcome.joined, outcome.unrouted), (1, 2, 0));
    // Months later by the clock: an alert is one, however late it is told.
    let late = outbox.offer(Timestamp(100_000 * MINUTE), 1, &[offer("e.0", 90 * MINUTE)]).unwrap();
    assert_eq!(late.opened, 1);
}
