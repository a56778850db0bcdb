//! What a restart finds is not always what the dead one left: another configuration, a pipe, another worker.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};
use support::archive::{assert_same_rows, assert_subset, cell, files, rows};
use support::events::{event, event_id, lines};
use support::place::{Place, Served, assert_on_record};
use support::running::{Running, wait_for};
use support::{count, report, simulate};

const EPOCH: u64 = 500;

fn epochs(mut command: Command) -> Command {
    command.args(["--epoch-events", &EPOCH.to_string()]);
    command
}

/// Runs until the failpoint kills it.
fn killed(mut command: Command, at: &str) {
    let status = command.env("TAGWARDEN_KILL", at).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), None, "{at} was not reached");
}

/// Rows in the first `epochs` epochs, as the log says.
fn logged(archive: &Path, epochs: usize) -> usize {
    let entries = files(&archive.join("_log"));
    let rows = |path: &PathBuf| {
        let entry: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let files = entry["files"].as_array().unwrap();
        files.iter().map(|file| count(file, "rows")).sum::<u64>()
    };
    usize::try_from(entries.iter().take(epochs).map(rows).sum::<u64>()).unwrap()
}

/// A rule that hits every write and tells nobody.
const ANY_WRITE: &str = "\
title: Any write
id: 00000000-0000-4000-8000-000000000001
level: informational
logsource:
  product: aws
  service: cloudtrail
detection:
  selection:
    readOnly: false
  condition: selection
";

#[test]
fn an_open_epoch_is_finished_under_the_configuration_it_began_with() {
    let temp = tempfile::tempdir().unwrap();
    let company = simulate(&temp.path().join("company"), 5, 31);
    // What is told keeps its assessment whatever judges it again; what nobody is told of shows under which rules it was judged.
    let rules = temp.path().join("rules");
    fs::create_dir(&rules).unwrap();
    fs::write(rules.join("any_write.yml"), ANY_WRITE).unwrap();
    let rules = ["--rules", rules.to_str().unwrap()];
    for (name, old, new) in [
        ("rules", &rules[..], &["--no-rules"][..]),
        ("reads", &["--archive-read-only"], &[]),
        ("no-rules", &["--no-rules"], &["--archive-read-only"]),
    ] {
        let run = |place: &Place, flags: &[&str]| {
            let mut command = epochs(place.run_company(&company));
            command.args(flags);
            command
        };
        let undisturbed = Place::new(temp.path().join(format!("{name}-whole")), "");
        report(&mut run(&undisturbed, old));
        let before = rows(&undisturbed.archive());
        let old_versions = cell(before.values().next().unwrap(), "versions").to_owned();
        for at in ["intended:3", "put-done:4", "advance:3"] {
            let place = Place::new(temp.path().join(format!("{name}-{}", at.replace(':', ""))), "");
            killed(run(&place, old), at);
            let advanced = usize::try_from(place.epochs()).unwrap();
            assert!(advanced <= 3, "{advanced} epochs before {at}");
            report(&mut run(&place, new));
            let after = rows(&place.archive());
            let (under_old, under_new): (Vec<_>, Vec<_>) =
                after.into_iter().partition(|(_, row)| cell(row, "versions") == old_versions);
            // The epoch under way when it died is the last one of the old configuration.
            assert_eq!(under_old.len(), logged(&undisturbed.archive(), advanced + 1), "{name} killed at {at}");
            assert_subset(&under_old.into_iter().collect(), &before);
            assert!(!under_new.is_empty());
            let versions: BTreeSet<_> = under_new.iter().map(|(_, row)| cell(row, "versions")).collect();
            assert_eq!(versions.len(), 1, "{versions:?}");
        }
    }
}

/// A company of one production account.
const COMPANY: &str = "[[company.accounts]]\nid = \"111122223333\"\nname = \"shop-prod\"\nenvironment = \"prod\"\n";

fn stop_logging(n: u64) -> Value {
    let mut stop = event(n);
    stop["eventSource"] = "cloudtrail.amazonaws.com".into();
    stop["eventName"] = "StopLogging".into();
    stop["requestParameters"] = json!({"name": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/all"});
    stop
}

#[test]
fn an_alert_that_went_out_keeps_its_assessment_under_any_configuration() {
    let temp = tempfile::tempdir().unwrap();
    let served = Served::start(vec![]);
    let input = temp.path().join("events.ndjson");
    fs::write(&input, format!("{}{}\n{}", lines(0..4), stop_logging(4), lines(5..9))).unwrap();
    let config = format!("[input]\nclock = \"event\"\n{COMPANY}{}", served.config());
    let place = Place::new(temp.path().join("run"), &config);
    killed(place.run(&input), "alerted:1");
    assert_eq!((place.epochs(), served.payloads().len()), (0, 1), "the alert is out, and nothing is sealed");
    let last = report(place.run(&input).arg("--no-rules"));
    assert_eq!((count(&last, "pulled"), count(&last, "archived")), (9, 9));
    let rows = rows(&place.archive());
    let told = &rows[&format!("{}.0", event_id(4))];
    assert_ne!(cell(told, "rule_ids"), "[]");
    assert_eq!((cell(told, "severity"), cell(told, "disposition")), ("critical", "page"));
    let quiet = &rows[&format!("{}.0", event_id(3))];
    assert_eq!((cell(quiet, "rule_ids"), cell(quiet, "disposition")), ("[]", "archive_only"));
    assert!(served.payloads().len() <= 2, "at most one repeat");
    let counts = place.told("slack");
    assert_eq!((counts.to_alert, counts.delivered), (1, 1));
}

#[test]
fn standard_input_cut_short_and_piped_again_counts_everything_once() {
    let temp = tempfile::tempdir().unwrap();
    let company = simulate(&temp.path().join("company"), 4, 32);
    let all = temp.path().join("all.ndjson.gz");
    let mut days = files(&company.join("events"));
    days.sort();
    fs::write(&all, days.iter().flat_map(|day| fs::read(day).unwrap()).collect::<Vec<_>>()).unwrap();
    let run = |place: &Place| {
        let mut command = place.run("-".as_ref());
        command.arg("--inventory").arg(company.join("inventory.json")).args(["--epoch-events", "1500"]);
        command.stdin(File::open(&all).unwrap());
        command
    };
    let whole = Place::new(temp.path().join("whole"), "");
    let total = count(&report(&mut run(&whole)), "pulled");
    let wanted = rows(&whole.archive());
    for kills in [
        &["intended:1"][..],
        &["put-done:1"],
        &["put-done:2", "put-done:1"],
        &["put-done:5"],
        &["advance:1", "put-done:3"],
        &["alerted:3"],
    ] {
        let place = Place::new(temp.path().join(kills.concat().replace(':', "")), "");
        for at in kills {
            killed(run(&place), at);
        }
        let last = report(&mut run(&place));
        assert_eq!(count(&last, "pulled"), total);
        let found = rows(&place.archive());
        // Which reads say something new depends on what came before them.
        let writes = |rows: &BTreeMap<String, Vec<String>>| -> BTreeSet<String> {
            rows.iter().filter(|(_, row)| cell(row, "read_only") != "true").map(|(id, _)| id.clone()).collect()
        };
        assert!(writes(&found) == writes(&wanted) && writes(&wanted).len() > 1000, "{kills:?}");
        // What the event alone says is the same; what was remembered of the events before it may have come in another order.
        let own = ["event_time", "account_id", "event_name", "actor_arn", "resource_arn", "raw_sha256", "raw_event"];
        for (id, row) in &found {
            let Some(wanted) = wanted.get(id) else { continue };
            assert!(own.iter().all(|column| cell(row, column) == cell(wanted, column)), "{id}");
        }
        assert_on_record(&place, 10);
        let again = report(&mut run(&place));
        assert_eq!(count(&again, "archived"), 0, "{again}");
        assert_eq!(rows(&place.archive()).len(), found.len());
    }
}

#[test]
fn a_second_worker_takes_over_and_the_first_one_stops() {
    let temp = tempfile::tempdir().unwrap();
    let input = temp.path().join("events");
    fs::create_dir(&input).unwrap();
    fs::write(input.join("1.ndjson"), lines(0..20)).unwrap();
    let config = "[epoch]\nseconds = 1\n[metrics]\nlisten = \"127.0.0.1:0\"\n";
    let place = Place::new(temp.path().join("run"), config);
    let first = Running::start(&mut place.follow(&input));
    wait_for("the first epoch", || place.epochs() == 1);
    first.signal(Signal::STOP);
    fs::write(input.join("2.ndjson"), lines(20..50)).unwrap();
    let second = report(&mut place.run(&input));
    assert_eq!(count(&second, "pulled"), 30);
    let before = (rows(&place.archive()), files(&place.archive().join("changes")));
    assert_eq!(before.0.len(), 50);
    // The first one wakes up, reads the same events and finds that it is no longer in charge.
    first.signal(Signal::CONT);
    let (status, told) = first.wait();
    assert_eq!(status.code(), Some(1), "{told:?}");
    assert!(told.iter().any(|line| line.contains("fence")), "{told:?}");
    assert_eq!((rows(&place.archive()), files(&place.archive().join("changes"))), before);
    assert_eq!(count(&report(&mut place.run(&input)), "pulled"), 0);
    // As if one worker had done it all.
    let alone = Place::new(temp.path().join("alone"), config);
    report(&mut alone.run(&input));
    assert_same_rows(&before.0, &rows(&alone.archive()));
}

#[test]
fn a_redacted_archive_holds_no_secret_anywhere() {
    const SECRETS: [&str; 6] = [
        "hunter2-Correct-Horse",
        "c2VjcmV0LXVzZXItZGF0YQ",
        "wJalrXUtnFEMIK7MDENG",
        "tr0ub4dor-and-3",
        "s3cr3t-in-a-tag",
        "c0rrect-b4ttery",
    ];
    let temp = tempfile::tempdir().unwrap();
    let mut database = event(1);
    database["eventSource"] = "rds.amazonaws.com".into();
    database["eventName"] = "CreateDBInstance".into();
    database["requestParameters"] = json!({"dBInstanceIdentifier": "orders", "masterUserPassword": SECRETS[0]});
    let mut instance = event(2);
    instance["eventName"] = "RunInstances".into();
    instance["requestParameters"] = json!({"instanceType": "m7g.large", "userData": SECRETS[1]});
    let mut key = event(3);
    key["eventSource"] = "iam.amazonaws.com".into();
    key["eventName"] = "CreateAccessKey".into();
    key["responseElements"] = json!({"accessKey": {"userName": "dana", "secretAccessKey": SECRETS[2]}});
    let mut function = event(4);
    function["eventSource"] = "lambda.amazonaws.com".into();
    function["eventName"] = "UpdateFunctionConfiguration20150331v2".into();
    function["requestParameters"] = json!({"functionName": "orders", "environment": {"variables": {"DB": SECRETS[3]}}});
    let mut tag = event(5);
    tag["requestParameters"]["tagSet"]["items"][0] = json!({"key": "DbPassword", "value": SECRETS[4]});
    let mut group = event(6);
    group["eventName"] = "CreateSecurityGroup".into();
    group["requestParameters"] = json!({"groupName": "db", "groupDescription": format!("password={}", SECRETS[5])});
    let input = temp.path().join("events.ndjson");
    let events = [&database, &instance, &key, &function, &tag, &group].map(Value::to_string);
    fs::write(&input, events.join("\n")).unwrap();
    // A value that is not allowed is quoted in a reason, and told.
    let policy = "[policy.allowed_values]\nDbPassword = [\"none\"]\n";
    let raw = |name: &str, config: &str| {
        let place = Place::new(temp.path().join(name), &format!("{config}{policy}"));
        report(&mut place.run(&input));
        rows(&place.archive())
    };
    let redacted = raw("redacted", "[archive]\nraw = \"redacted\"\n");
    let received = raw("received", "");
    assert_eq!((redacted.len(), received.len()), (6, 6));
    for (n, secret) in (1..).zip(SECRETS) {
        let id = format!("{}.0", event_id(n));
        assert!(cell(&received[&id], "raw_event").contains(secret), "as received is as received");
        assert!(cell(&redacted[&id], "raw_event").contains("***"), "{:?}", redacted[&id]);
        // Columns other than the raw event are redacted either way.
        let derived = received[&id].iter().filter(|text| !text.starts_with("raw_event="));
        for text in redacted[&id].iter().chain(derived) {
            assert!(!text.contains(secret), "{text}");
        }
        // The rest of the event is as it was.
        assert!(
            cell(&redacted[&id], "raw_event")
                .contains("\"arn:aws:sts::111122223333:assumed-role/Engineer/dana@example.com\"")
        );
        assert_eq!(cell(&redacted[&id], "raw_sha256"), cell(&received[&id], "raw_sha256"));
    }
    let told = format!("{}.0", event_id(5));
    assert!(cell(&redacted[&told], "reasons").contains("DbPassword is ***"), "{:?}", redacted[&told]);
    let described = format!("{}.0", event_id(6));
    assert!(cell(&redacted[&described], "details").contains("password=***"), "{:?}", redacted[&described]);
    // The state remembers tags as they are, to tell old from new, and no other secret.
    for place in ["redacted", "received"] {
        let state = fs::read(temp.path().join(place).join("state.db")).unwrap();
        let holds = |secret: &str| state.windows(secret.len()).any(|window| window == secret.as_bytes());
        let told = SECRETS.iter().filter(|secret| holds(secret)).collect::<Vec<_>>();
        assert!(told.iter().all(|secret| **secret == SECRETS[4]), "{told:?}");
    }
}
