//! What people find alerts to be goes back into the ledger, by the name that a message shows, while a worker runs.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::fs;
use std::process::{Command, Output};

use rustix::process::Signal;
use serde_json::{Value, json};
use support::events::{event, event_id, lines};
use support::place::{Place, Served};
use support::running::{Running, wait_for};
use support::{exits, report, tagwarden};

/// A company of one production account, and the clock of its events.
const COMPANY: &str = "[alert]\ngroup_window = \"10m\"\nmax_a_day = 99\n[[company.accounts]]\nid = \"111122223333\"\nname = \"shop-prod\"\nenvironment = \"prod\"\n";

/// Somebody stops trail `n`, `n` hours after midnight: an alert of its own.
fn stop_logging(n: u64) -> String {
    let mut stop = event(n);
    stop["eventTime"] = format!("2026-03-03T{n:02}:00:00Z").into();
    stop["eventSource"] = "cloudtrail.amazonaws.com".into();
    stop["eventName"] = "StopLogging".into();
    stop["requestParameters"] = json!({"name": format!("arn:aws:cloudtrail:eu-west-1:111122223333:trail/all-{n}")});
    format!("{stop}\n")
}

/// The names that the messages so far show, in order.
fn names(served: &Served) -> Vec<String> {
    let context = |payload: &Value| {
        let blocks = payload["blocks"].as_array().unwrap().clone();
        blocks.last().unwrap()["elements"][0]["text"].as_str().unwrap().to_owned()
    };
    let payloads = served.payloads();
    payloads.iter().filter_map(|payload| Some(context(payload).rsplit_once("· alert ")?.1.to_owned())).collect()
}

fn verdict(place: &Place, words: &[&str]) -> Command {
    let mut command = tagwarden();
    command.arg("verdict").args(words).arg("--state").arg(place.state());
    command
}

fn verdicts(place: &Place, flags: &[&str]) -> String {
    let mut command = tagwarden();
    text(&exits(command.arg("verdicts").args(flags).arg("--state").arg(place.state()), 0).stdout)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn fault(command: &mut Command) -> String {
    let Output { stdout, stderr, .. } = exits(command, 2);
    assert!(stdout.is_empty());
    text(&stderr)
}

#[test]
fn a_verdict_names_its_alert_as_the_message_did() {
    let temp = tempfile::tempdir().unwrap();
    let served = Served::start(vec![]);
    let config = format!("[input]\nclock = \"event\"\n[state]\nfile = \"state.db\"\n{}{COMPANY}", served.config());
    let place = Place::new(temp.path().join("run"), &config);
    let input = temp.path().join("events.ndjson");
    fs::write(&input, (1..4).map(stop_logging).collect::<String>()).unwrap();
    report(&mut place.run(&input));
    let names = names(&served);
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.iter().all(|name| name.len() == 8), "{names:?}");

    let unjudged = verdicts(&place, &["--unjudged"]);
    assert!(names.iter().all(|name| unjudged.contains(name)), "{unjudged}");
    assert_eq!(verdicts(&place, &["--event-ids"]), "");

    let said = |words: &[&str]| text(&exits(&mut verdict(&place, words), 0).stdout);
    let first = said(&[&names[0], "benign", "--by", "lee"]);
    assert!(first.starts_with(&format!("{}  benign  dana", names[0])) && first.contains("all-1"), "{first}");
    let again = said(&[&names[0], "benign", "--by", "lee"]);
    assert!(again.starts_with(&format!("{}  benign, as it was  dana", names[0])), "{again}");
    let replaced =
        said(&[&names[0].to_uppercase(), "true_positive", "--by", "dana", "--note", "it was\u{1b}[2J not her"]);
    assert!(replaced.starts_with(&format!("{}  true_positive, before: benign by lee at 20", names[0])), "{replaced}");
    // By the change that the archive names; the configuration says where the ledger is.
    let change = format!("{}.0", event_id(2));
    exits(tagwarden().args(["verdict", &change, "expected", "--by", "lee", "-c"]).arg(place.config()), 0);

    let all: Value = serde_json::from_str(&verdicts(&place, &["--json"])).unwrap();
    let of = |n: usize| &all["alerts"][n];
    assert_eq!(all["alerts"].as_array().unwrap().len(), 2);
    assert_eq!((of(0)["alert"].as_str(), of(0)["verdict"].as_str()), (Some(&*names[0]), Some("true_positive")));
    assert_eq!(of(0)["verdicts"].as_array().unwrap().len(), 2);
    assert_eq!(of(0)["verdicts"][1]["note"], "it was [2J not her");
    assert_eq!((of(1)["alert_id"].as_str(), of(1)["verdict"].as_str()), (Some(&*change), Some("expected")));
    let any = &all["precision"][0];
    assert_eq!((&any["cause"], &any["judged"], &any["precision"]), (&json!("any"), &json!(2), &json!(0.5)));
    let rule = all["precision"].as_array().unwrap().iter().find(|row| row["cause"] == "rule").unwrap();
    assert_eq!((&rule["true_positive"], &rule["expected"], &rule["benign"]), (&json!(1), &json!(1), &json!(0)));

    let table = verdicts(&place, &[]);
    assert!(table.contains("          before: benign by lee at 20"), "{table}");
    assert!(table.contains("       2     1         1       0  50 % (9 to 91)\n"), "{table}");
    assert_eq!(verdicts(&place, &["--event-ids"]), format!("{}\n", event_id(1)));
    assert!(!verdicts(&place, &["--unjudged"]).contains(&names[0]));
}

#[test]
fn a_verdict_is_taken_while_a_worker_runs() {
    let temp = tempfile::tempdir().unwrap();
    let served = Served::start(vec![]);
    let config = format!("[input]\nclock = \"event\"\n[epoch]\nevents = 50\nseconds = 1\n{}{COMPANY}", served.config());
    let place = Place::new(temp.path().join("run"), &config);
    let input = temp.path().join("events");
    fs::create_dir(&input).unwrap();
    fs::write(input.join("1.ndjson"), stop_logging(1)).unwrap();
    let running = Running::start(&mut place.follow(&input));
    wait_for("the message", || !names(&served).is_empty());
    let name = names(&served).remove(0);
    // While it writes: an epoch each fifty events, an alert each of some.
    let more: String = (2..20).map(|n| lines(n * 100..n * 100 + 100) + &stop_logging(n)).collect();
    fs::write(input.join("2.ndjson"), more).unwrap();
    let mut given = 0;
    wait_for("the other messages", || {
        exits(&mut verdict(&place, &[&name, "benign", "--by", &format!("lee-{given}")]), 0);
        given += 1;
        names(&served).len() >= 19
    });
    running.signal(Signal::TERM);
    assert_eq!(running.wait().0.code(), Some(0));
    let all: Value = serde_json::from_str(&verdicts(&place, &["--json"])).unwrap();
    assert_eq!(all["alerts"][0]["verdicts"].as_array().unwrap().len(), given);
    assert!(place.told("slack").adds_up());
}

#[test]
fn what_cannot_be_judged_is_said_and_changes_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let served = Served::start(vec![]);
    let config = format!("[input]\nclock = \"event\"\n{}{COMPANY}", served.config());
    let place = Place::new(temp.path().join("run"), &config);
    let input = temp.path().join("events.ndjson");
    fs::write(&input, stop_logging(1)).unwrap();
    report(&mut place.run(&input));
    let name = names(&served).remove(0);

    let unknown = fault(&mut verdict(&place, &["zzzzzzzz", "benign", "--by", "lee"]));
    assert!(unknown.contains("found `zzzzzzzz`, but no alert has that name; wanted"), "{unknown}");
    let word = fault(&mut verdict(&place, &[&name, "false_positive", "--by", "lee"]));
    assert!(word.contains("false_positive") && word.contains("true_positive, expected, benign"), "{word}");
    let nobody = fault(&mut verdict(&place, &[&name, "benign", "--by", " "]));
    assert!(nobody.contains("--by: found nothing, want a name"), "{nobody}");
    let nowhere = fault(tagwarden().args(["verdict", &name, "benign", "--by", "lee"]));
    assert!(nowhere.contains("--config") && nowhere.contains("--state"), "{nowhere}");
    let unsaid = fault(tagwarden().args(["verdicts", "-c"]).arg(place.config()));
    assert!(unsaid.contains("state.file: found nothing, want a path"), "{unsaid}");
    let absent = temp.path().join("absent.db");
    let missing = fault(tagwarden().args(["verdicts", "--state"]).arg(&absent));
    assert!(missing.contains("absent.db, want a worker's state") && !absent.exists(), "{missing}");
    fs::write(&absent, "").unwrap();
    let empty = fault(tagwarden().args(["verdicts", "--state"]).arg(&absent));
    assert!(empty.contains("found no alerts' tables in"), "{empty}");

    let all: Value = serde_json::from_str(&verdicts(&place, &["--json"])).unwrap();
    assert_eq!(all["alerts"], json!([]));
}
