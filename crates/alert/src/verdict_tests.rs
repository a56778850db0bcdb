//! The laws of verdicts: the last one holds, none is lost, none is written twice, and each rule gets its share.

use std::path::{Path, PathBuf};

use tagwarden_core::{Assessment, Disposition, FAMILIES, Scores, Timestamp, short_id};

use super::{Judgement, Verdict, Which};
use crate::message::sample::offer;
use crate::{AlertError, Cause, Ledger, Offer, Outbox, RuleName, Settings, precision};

/// Long enough apart to be alerts of their own.
const APART: i64 = 2 * 3_600_000;

fn place(dir: &Path) -> PathBuf {
    dir.join("state.db")
}

fn rule(id: &str) -> RuleName {
    RuleName { id: id.to_owned(), title: format!("Title of {id}") }
}

/// Alert `n`, two hours after the one before, told for `rules` or for being anomalous.
fn change(n: i64, ordinal: u32, rules: &[&str], anomalous: bool) -> Offer {
    let assessment = Assessment { anomalous, ..Assessment::default() };
    let rules = rules.iter().map(|id| rule(id)).collect();
    let at = n * APART + i64::from(ordinal);
    Offer { rules, assessment, ..offer(&format!("e{n}.{ordinal}"), at) }
}

fn filled(dir: &Path, offers: &[Offer]) -> Ledger {
    let mut outbox = Outbox::open(&place(dir), Settings::default(), vec!["soc".into()]).unwrap();
    for offer in offers {
        outbox.offer(offer.event_time, 1, std::slice::from_ref(offer)).unwrap();
    }
    Ledger::open_existing(&place(dir)).unwrap()
}

fn says(verdict: Verdict, by: &str, note: Option<&str>, time: i64) -> Judgement {
    Judgement { verdict, by: by.to_owned(), note: note.map(str::to_owned), time: Timestamp(time) }
}

#[test]
fn the_last_verdict_holds_and_none_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = filled(dir.path(), &[change(0, 0, &["a"], false), change(1, 0, &["a"], false)]);
    let first = says(Verdict::Benign, "lee", None, 5);
    assert!(ledger.judge("e0.0", &first).unwrap().1);
    // Said again, at another time: nothing new.
    assert!(!ledger.judge("e0.0", &Judgement { time: Timestamp(6), ..first.clone() }).unwrap().1);
    let noted = says(Verdict::Benign, "lee", Some("a drill"), 7);
    assert!(ledger.judge("e0.0", &noted).unwrap().1);
    let other = says(Verdict::TruePositive, "dana", None, 8);
    assert!(ledger.judge("e0.0", &other).unwrap().1);
    // Back to what was said first: that is news.
    let back = Judgement { time: Timestamp(9), ..first.clone() };
    let (alert, written) = ledger.judge("e0.0", &back).unwrap();
    assert!(written);
    assert_eq!(alert.verdicts, [first, noted, other, back]);
    assert_eq!(alert.verdict(), Some(Verdict::Benign));
    assert_eq!(alert.text, "dana.garcia changed Environment prd → dev on checkout-db (nimbus-prd)");

    let ids = |which| -> Vec<String> { ledger.alerts(which).unwrap().into_iter().map(|a| a.alert_id).collect() };
    assert_eq!((ids(Which::Judged), ids(Which::Unjudged)), (vec!["e0.0".to_owned()], vec!["e1.0".to_owned()]));
    assert_eq!(ledger.alerts(Which::Judged).unwrap(), [alert]);
}

#[test]
fn the_scores_of_judged_alerts_are_those_of_their_most_unusual_change() {
    let dir = tempfile::tempdir().unwrap();
    let scored = |n: i64, ordinal: u32, score: f64| {
        let mut offer = change(n, ordinal, &[], true);
        let families = [0.1; FAMILIES];
        offer.assessment.scores =
            Scores { score, tails: Some(score), families, rules: 0.3, rerank: -1.5, ..Scores::default() };
        offer
    };
    let mut old = scored(2, 0, 5.0);
    old.assessment.scores.families = [0.0; FAMILIES];
    let offers =
        [scored(0, 0, 7.0), scored(0, 1, 9.0), scored(0, 2, 8.0), scored(1, 0, 5.0), old, change(3, 0, &["a"], false)];
    let mut ledger = filled(dir.path(), &offers);
    assert_eq!(ledger.scored().unwrap(), []);
    for (alert, verdict) in [
        ("e0.0", Verdict::Benign),
        ("e0.0", Verdict::TruePositive),
        ("e2.0", Verdict::Benign),
        ("e3.0", Verdict::Benign),
    ] {
        ledger.judge(alert, &says(verdict, "lee", None, 5)).unwrap();
    }
    let wanted = offers[1].assessment.scores.clone();
    assert_eq!(ledger.scored().unwrap(), [(Verdict::TruePositive, wanted)], "the last word on the only one scored");
}

#[test]
fn an_alert_goes_by_its_short_name_and_by_any_of_its_changes() {
    let dir = tempfile::tempdir().unwrap();
    let silenced = Offer { disposition: Disposition::Suppressed, ..change(9, 0, &[], false) };
    let offers = [change(0, 0, &["a"], false), change(0, 1, &["a"], false), change(1, 0, &["a"], false), silenced];
    let mut ledger = filled(dir.path(), &offers);
    let benign = says(Verdict::Benign, "lee", None, 5);
    let mut found =
        |name: &str| ledger.judge(name, &benign).map(|(alert, _)| alert.alert_id).map_err(|e| e.to_string());
    assert_eq!(found("e0.1"), Ok("e0.0".to_owned()));
    assert_eq!(found(" e1.0 "), Ok("e1.0".to_owned()));
    assert_eq!(found(&short_id("e1.0")), Ok("e1.0".to_owned()));
    assert_eq!(found(&short_id("e0.0").to_uppercase()), Ok("e0.0".to_owned()));
    // Only the change that opened an alert gives it its name.
    for (name, why) in [
        (short_id("e0.1"), "no alert has that name"),
        ("e7.0".into(), "no alert has that name"),
        (String::new(), "no alert has that name"),
        ("e9.0".into(), "nobody was told of this change"),
    ] {
        let told = found(&name).unwrap_err();
        assert!(told.starts_with(&format!("alert: found `{name}`, but {why}; wanted the eight")), "{told}");
    }
    let written: i64 = ledger.db.query_row("SELECT count(*) FROM alert_verdict", [], |row| row.get(0)).unwrap();
    assert_eq!(written, 2);
}

#[test]
fn two_alerts_of_one_short_name_are_told_apart_by_hand() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = filled(dir.path(), &[change(0, 0, &[], true), change(1, 0, &[], true)]);
    // Forty bits don't collide in a test: both get the same opener.
    ledger.db.execute("UPDATE alert_group SET opener = 'e0.0'", []).unwrap();
    let error = ledger.judge(&short_id("e0.0"), &says(Verdict::Benign, "lee", None, 5)).unwrap_err();
    assert!(matches!(&error, AlertError::ManyAlerts { ids, .. } if ids == "e0.0, e0.0"), "{error}");
}

#[test]
fn each_cause_gets_its_share() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = filled(
        dir.path(),
        &[
            change(0, 0, &["a"], false),
            // The second change brings a second rule and is anomalous.
            change(1, 0, &["a"], false),
            change(1, 1, &["a", "b"], true),
            change(2, 0, &[], true),
            change(3, 0, &["b"], false),
        ],
    );
    let mut judge = |alert: &str, verdict| ledger.judge(alert, &says(verdict, "lee", None, 5)).unwrap();
    judge("e0.0", Verdict::Benign);
    judge("e0.0", Verdict::TruePositive);
    judge("e1.0", Verdict::Expected);
    judge("e2.0", Verdict::TruePositive);
    let mut all = ledger.alerts(Which::Judged).unwrap();
    all.extend(ledger.alerts(Which::Unjudged).unwrap());
    let table: Vec<_> = precision(&all).into_iter().map(|p| (p.cause, p.verdicts)).collect();
    assert_eq!(
        table,
        [
            (Cause::Any, [2, 1, 0]),
            (Cause::Anomalous, [1, 1, 0]),
            (Cause::AnomalousAlone, [1, 0, 0]),
            (Cause::Rule(rule("a")), [1, 1, 0]),
            (Cause::Rule(rule("b")), [0, 1, 0]),
        ]
    );
}

#[test]
fn training_hears_of_the_events_of_true_positives_alone() {
    let dir = tempfile::tempdir().unwrap();
    let offers = [(0, 0), (0, 1), (1, 0), (2, 0)].map(|(n, ordinal)| change(n, ordinal, &["a"], false));
    let mut ledger = filled(dir.path(), &offers);
    ledger.judge("e2.0", &says(Verdict::TruePositive, "lee", None, 1)).unwrap();
    ledger.judge("e0.0", &says(Verdict::TruePositive, "lee", None, 2)).unwrap();
    assert_eq!(ledger.events_of(Verdict::TruePositive).unwrap(), ["e0", "e2"]);
    ledger.judge("e2.0", &says(Verdict::Expected, "lee", None, 3)).unwrap();
    assert_eq!(ledger.events_of(Verdict::TruePositive).unwrap(), ["e0"]);
    assert_eq!(ledger.events_of(Verdict::Expected).unwrap(), ["e2"]);
}

#[test]
fn a_file_that_is_no_ledger_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = place(dir.path());
    assert!(matches!(Ledger::open_existing(&path).unwrap_err(), AlertError::Open { .. }));
    assert!(!path.exists());
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE mine (a)").unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(Ledger::open_existing(&path).unwrap_err(), AlertError::NoLedger { .. }));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    std::fs::write(&path, "no database, but as long as one would have to be".repeat(40)).unwrap();
    assert!(matches!(Ledger::open_existing(&path).unwrap_err(), AlertError::Open { .. }));
}

#[test]
fn a_verdict_waits_until_a_worker_has_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = filled(dir.path(), &[change(0, 0, &["a"], false)]);
    let mut worker = rusqlite::Connection::open(place(dir.path())).unwrap();
    let writing = worker.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    writing.execute("UPDATE alert_group SET changes = 7", []).unwrap();
    std::thread::scope(|scope| {
        let judging = scope.spawn(|| ledger.judge("e0.0", &says(Verdict::Benign, "lee", None, 5)));
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert!(!judging.is_finished(), "it neither writes beside the worker nor gives up");
        writing.commit().unwrap();
        let (alert, written) = judging.join().unwrap().unwrap();
        assert_eq!((alert.changes, written), (7, true));
    });
}
