//! Who is told, and who is left alone: ordinary work is quiet, and a Slack that is busy or dead costs nobody anything.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use support::archive::{cell, files, rows};
use support::events::{event, event_id};
use support::place::{Place, Served, messages, slack};
use support::running::{Running, wait_for};
use support::{count, report, simulate};
use tagwarden_core::Timestamp;
use tagwarden_testkit::http_server::Answer;

/// Every event of a simulated day.
fn events(day: &Path) -> Vec<Value> {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(fs::File::open(day).unwrap()).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'a>(event: &'a Value, pointer: &str) -> &'a str {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// What a pipeline does when it lays out a service: launches, tags, settings, one after another within minutes. `like`
/// is an event of the same pipeline.
fn deployment(like: &Value, day: &str) -> Vec<Value> {
    let tags = like["requestParameters"]["tagSpecificationSet"]["items"][0]["tags"].clone();
    let mut out = Vec::new();
    let mut call = |name: &str, request: Value, response: Value| {
        let n = out.len() as u64;
        let mut event = like.clone();
        event["eventID"] = event_id(500_000 + n).into();
        event["eventTime"] = format!("{day}T10:{:02}:{:02}Z", 5 + n / 30, 2 * (n % 30)).into();
        event["userIdentity"]["sessionContext"]["attributes"]["creationDate"] = format!("{day}T10:04:31Z").into();
        event["eventName"] = name.into();
        event["requestParameters"] = request;
        event["responseElements"] = response;
        out.push(event);
    };
    for n in 0..14 {
        let id = format!("i-0d0e0f0a0b0c{n:05x}");
        let mut request = like["requestParameters"].clone();
        request["clientToken"] = format!("terraform-{n}").into();
        let mut response = like["responseElements"].clone();
        response["instancesSet"]["items"][0]["instanceId"] = id.clone().into();
        call("RunInstances", request, response);
        call("ModifyInstanceAttribute", json!({"instanceId": id, "ebsOptimized": true}), json!({"_return": true}));
    }
    for n in 0..26 {
        let id = format!("vol-0d0e0f0a0b0c{n:05x}");
        let request = json!({"resourcesSet": {"items": [{"resourceId": id}]}, "tagSet": {"items": tags.clone()}});
        call("CreateTags", request, json!({"_return": true}));
    }
    out
}

#[test]
fn an_ordinary_deployment_to_production_tells_nobody() {
    let temp = tempfile::tempdir().unwrap();
    // Incidents begin on the fifteenth day.
    let company = simulate(&temp.path().join("company"), 28, 41);
    let days = files(&company.join("events"));
    let inventory: Value = serde_json::from_slice(&fs::read(company.join("inventory.json")).unwrap()).unwrap();
    let is_production = |account: &str| {
        let accounts = inventory["accounts"].as_array().unwrap();
        accounts.iter().any(|known| known["id"] == account && known["environment"] == "prod")
    };
    let history = temp.path().join("history");
    fs::create_dir(&history).unwrap();
    let mut like = None;
    for day in &days[..14] {
        fs::copy(day, history.join(day.file_name().unwrap())).unwrap();
        let launch = |event: &Value| {
            text(event, "/eventName") == "RunInstances"
                && text(event, "/userAgent").contains("Terraform")
                && is_production(text(event, "/recipientAccountId"))
                && event.pointer("/requestParameters/tagSpecificationSet/items/0/tags").is_some()
                && event["errorCode"].is_null()
        };
        like = events(day).into_iter().find(launch).or(like);
    }
    let like = like.expect("a pipeline that launches instances in production");
    let served = Served::start(vec![]);
    let place = Place::new(temp.path().join("run"), &format!("[input]\nclock = \"event\"\n{}", served.config()));
    let run = |input: &Path| report(place.run(input).arg("--inventory").arg(company.join("inventory.json")));
    run(&history);
    let learned = rows(&place.archive());
    assert!(learned.values().any(|row| cell(row, "anomaly_percentile") != "null"), "nothing was learned");
    let before = messages(&served);

    let deployment = deployment(&like, "2026-01-19");
    let input = temp.path().join("deployment.ndjson");
    fs::write(&input, deployment.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")).unwrap();
    let last = run(&input);
    assert_eq!(count(&last, "archived"), deployment.len() as u64);
    let rows = rows(&place.archive());
    let ours: Vec<_> = rows.iter().filter(|(id, _)| !learned.contains_key(*id)).map(|(_, row)| row).collect();
    assert!(ours.len() >= 54 && ours.iter().all(|row| cell(row, "environment") == "prod"), "{}", ours.len());
    let told: Vec<_> = ours.iter().filter(|row| cell(row, "disposition") != "archive_only").collect();
    assert!(told.is_empty(), "{told:#?}");
    assert_eq!(messages(&served), before, "an ordinary deployment sends nothing");

    // The same pipeline stopping the trail is another matter.
    let mut stop = stop_logging(1, "2026-01-19T10:20:00Z");
    for member in ["userIdentity", "sourceIPAddress", "userAgent", "recipientAccountId", "awsRegion"] {
        stop[member] = like[member].clone();
    }
    fs::write(&input, format!("{}\n{stop}\n", fs::read_to_string(&input).unwrap())).unwrap();
    run(&input);
    assert_eq!(messages(&served).values().sum::<u32>(), before.values().sum::<u32>() + 1);
}

#[test]
fn the_day_before_anything_was_learned_is_quiet() {
    let temp = tempfile::tempdir().unwrap();
    for seed in 42..46 {
        let company = simulate(&temp.path().join(format!("company-{seed}")), 28, seed);
        let served = Served::start(vec![]);
        let config = format!("[input]\nclock = \"event\"\n{}", served.config());
        let place = Place::new(temp.path().join(format!("run-{seed}")), &config);
        let first = &files(&company.join("events"))[0];
        let report = report(place.run(first).arg("--inventory").arg(company.join("inventory.json")));
        assert!(count(&report, "archived") > 300, "{report}");
        // What rules say of places that are not production is told in the day's digest, which wakes nobody.
        let told = messages(&served);
        assert!(told.keys().all(|text| text.starts_with("Digest of ")), "{told:#?}");
    }
}

/// A company of one production account.
const COMPANY: &str = "[[company.accounts]]\nid = \"111122223333\"\nname = \"shop-prod\"\nenvironment = \"prod\"\n";

fn stop_logging(n: u64, time: &str) -> Value {
    let mut stop = event(n);
    stop["eventTime"] = time.into();
    stop["eventSource"] = "cloudtrail.amazonaws.com".into();
    stop["eventName"] = "StopLogging".into();
    stop["requestParameters"] = json!({"name": format!("arn:aws:cloudtrail:eu-west-1:111122223333:trail/all-{n}")});
    stop
}

/// A minute ago.
fn lately() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    Timestamp::from_seconds(i64::try_from(now).unwrap() - 60).to_string()
}

/// `n` trails stopped just now, each by another person, and so each an alert of its own.
fn alarms(n: u64) -> String {
    let one = |n: u64| {
        let mut stop = stop_logging(n, &lately());
        let (name, arn) = (format!("dana{n}@example.com"), "arn:aws:sts::111122223333:assumed-role/Engineer/");
        stop["userIdentity"]["arn"] = format!("{arn}{name}").into();
        stop["userIdentity"]["principalId"] = format!("AROAEXAMPLE4ROLEID00:{name}").into();
        stop["userIdentity"].as_object_mut().unwrap().remove("userName");
        stop["userIdentity"]["sessionContext"]["sourceIdentity"] = name.into();
        format!("{stop}\n")
    };
    (0..n).map(one).collect()
}

#[test]
fn a_busy_slack_is_given_the_time_it_asks_for() {
    let temp = tempfile::tempdir().unwrap();
    let input = temp.path().join("events.ndjson");
    fs::write(&input, alarms(3)).unwrap();
    let served = Served::start(vec![Answer::retry_after(3), Answer::ok(), Answer::retry_after(2)]);
    let place = Place::new(temp.path().join("run"), &format!("{COMPANY}{}", served.config()));
    let last = report(&mut place.run(&input));
    assert_eq!(count(&last, "alerts"), 3);
    let requests = served.slack.requests();
    let gap = |n: usize| requests[n + 1].at - requests[n].at;
    assert_eq!(requests.len(), 5, "three alerts, two of them asked for twice");
    assert!(gap(0) >= Duration::from_secs(3) && gap(2) >= Duration::from_secs(2), "{:?} and {:?}", gap(0), gap(2));
    assert!(
        requests.windows(2).all(|pair| pair[1].at - pair[0].at >= Duration::from_millis(990)),
        "one message a second"
    );
    assert_eq!((&requests[0].body, &requests[2].body), (&requests[1].body, &requests[3].body));
    let counts = place.told("slack");
    assert_eq!((counts.to_alert, counts.delivered, counts.pending), (3, 3, 0));
}

#[test]
fn a_dead_slack_holds_nothing_up_and_gets_its_messages_later() {
    let temp = tempfile::tempdir().unwrap();
    let input = temp.path().join("events");
    fs::create_dir(&input).unwrap();
    fs::write(input.join("1.ndjson"), alarms(2)).unwrap();
    // A port that nobody listens on.
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = |url: &str| format!("[epoch]\nseconds = 1\n{COMPANY}{}", slack(url));
    let place = Place::new(temp.path().join("run"), &config(&format!("http://{dead}/hook")));
    let last = report(&mut place.run(&input));
    assert_eq!((count(&last, "archived"), count(&last, "alerts")), (2, 2));
    assert_eq!(rows(&place.archive()).len(), 2);
    let counts = place.told("slack");
    assert_eq!((counts.to_alert, counts.pending, counts.delivered), (2, 2, 0));

    // One that takes the message and never answers.
    let hanging = Served::start(vec![Answer::ok().after(Duration::from_mins(10))]);
    Place::new(place.dir.clone(), &config(&hanging.slack.url("/hook")));
    let (running, before) = (Running::start(&mut place.follow(&input)), place.epochs());
    wait_for("the first message", || !hanging.payloads().is_empty());
    fs::write(input.join("2.ndjson"), support::events::lines(100..140)).unwrap();
    wait_for("the archive to go on", || rows(&place.archive()).len() == 42);
    // Objects lie there before the position moves; it is the position that the next run starts from.
    wait_for("the advance", || place.epochs() > before);
    assert_eq!(place.told("slack").pending, 2);
    drop(running);

    let alive = Served::start(vec![]);
    Place::new(place.dir.clone(), &config(&alive.slack.url("/hook")));
    assert_eq!(count(&report(&mut place.run(&input)), "pulled"), 0);
    assert_eq!(messages(&alive).values().sum::<u32>(), 2, "{:#?}", messages(&alive));
    let counts = place.told("slack");
    assert_eq!((counts.to_alert, counts.delivered, counts.pending), (2, 2, 0));
}
