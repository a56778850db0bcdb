//! What others see: metrics, files that other readers open, Slack's messages, the example, the simulator, the demo.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;
use support::archive::{files, rows};
use support::events::{event, line, lines};
use support::place::{Place, Served};
use support::running::{Running, wait_for};
use support::{exits, report, simulate, tagwarden};

/// The repository's root.
fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The Python that `tests/run` installs what the checks need into.
fn python() -> Command {
    let python = std::env::var_os("TAGWARDEN_TEST_PYTHON");
    Command::new(python.expect("TAGWARDEN_TEST_PYTHON names a Python with tests/requirements.txt: use tests/run"))
}

#[test]
fn a_worker_shows_its_identities_as_metrics() {
    let temp = tempfile::tempdir().unwrap();
    let input = temp.path().join("events");
    fs::create_dir(&input).unwrap();
    let mut read = event(50);
    read["eventName"] = "DescribeInstances".into();
    read["readOnly"] = true.into();
    // The first of like reads is kept.
    let mut like = read.clone();
    like["eventID"] = event(51)["eventID"].clone();
    fs::write(input.join("1.ndjson"), format!("{}{}\n{read}\n{like}\n{{broken}}\n", lines(0..20), line(3))).unwrap();
    // The first file fills an epoch, the second one does not.
    let config = "[epoch]\nevents = 24\nseconds = 3600\n[metrics]\nlisten = \"127.0.0.1:0\"\n[[destination]]\nname = \"screen\"\nkind = \"terminal\"\n";
    let place = Place::new(temp.path().join("run"), config);
    let running = Running::start(&mut place.follow(&input));
    wait_for("the first epoch", || running.metric("tagwarden_epochs_total") >= 1);
    let check = |events: [u64; 4], rows: u64, sealed: u64| {
        let fates = ["archived", "read_only", "quarantined", "duplicate"];
        let found = fates.map(|fate| running.metric(&format!("tagwarden_events_total{{fate=\"{fate}\"}}")));
        assert_eq!(found, events);
        assert_eq!(running.metric("tagwarden_events_pulled_total"), found.iter().sum::<u64>());
        assert_eq!(running.metric("tagwarden_identity_broken"), 0);
        assert_eq!(running.metric("tagwarden_rows_written_total"), rows);
        assert_eq!(running.metric("tagwarden_rows_sealed_total"), sealed);
        let dispositions = ["archive_only", "digest", "notify", "page", "suppressed"];
        let changes = dispositions.map(|d| running.metric(&format!("tagwarden_changes_total{{disposition=\"{d}\"}}")));
        assert_eq!(changes.iter().sum::<u64>(), rows);
    };
    check([21, 1, 1, 1], 21, 21);
    fs::write(input.join("2.ndjson"), lines(30..35)).unwrap();
    // Of what is counted of a change its disposition is the last.
    wait_for("the second file", || running.metric("tagwarden_changes_total{disposition=\"archive_only\"}") >= 26);
    check([26, 1, 1, 1], 26, 21);

    let (status, body) = running.get("/healthz");
    assert_eq!((status.as_str(), body.as_str()), ("HTTP/1.1 200 OK", "ok\n"));
    assert!(running.get("/elsewhere").0.contains("404"));
    // Each metric has its help and type before its samples, as Prometheus wants it.
    let page = running.get("/metrics").1;
    let mut known = BTreeSet::new();
    for line in page.lines() {
        match line.strip_prefix("# TYPE ") {
            Some(typed) => drop(known.insert(typed.split(' ').next().unwrap())),
            None if line.starts_with('#') => {}
            None => assert!(known.contains(line.split(['{', ' ']).next().unwrap()), "{line}"),
        }
    }
    assert!(known.len() > 8);
    running.signal(Signal::TERM);
    assert_eq!(running.wait().0.code(), Some(0));
    assert_eq!(rows(&place.archive()).len(), 26, "the open epoch is sealed before the end");
}

#[test]
fn other_readers_open_what_was_archived_and_slack_takes_what_was_sent() {
    let temp = tempfile::tempdir().unwrap();
    let company = simulate(&temp.path().join("company"), 30, 51);
    let served = Served::start(vec![]);
    let place = Place::new(temp.path().join("run"), &format!("[input]\nclock = \"event\"\n{}", served.config()));
    report(&mut place.run_company(&company));
    assert!(rows(&place.archive()).values().any(|row| support::archive::cell(row, "rule_ids") != "[]"), "no rule hit");
    let script = repository().join("crates/archive/tests/readable.py");
    exits(python().arg(script).arg(place.archive()), 0);

    let payloads = served.payloads();
    assert!(payloads.len() > 3, "{} messages in a month with incidents", payloads.len());
    let mut checking = python();
    checking.arg(repository().join("tests/slack_blocks.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut checking = checking.stderr(Stdio::piped()).spawn().unwrap();
    let mut input = checking.stdin.take().unwrap();
    for payload in &payloads {
        // A checker that has stopped says below why.
        if writeln!(input, "{payload}").is_err() {
            break;
        }
    }
    drop(input);
    let output = checking.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // No message holds what only the archive may: the raw event.
    assert!(payloads.iter().all(|payload| !payload.to_string().contains("userIdentity")));
}

/// The settings that `check` knows under a table's header, as it says itself when it meets one that it does not know.
fn settings(folder: &Path, header: &str) -> Option<Vec<String>> {
    // Which settings a destination has hangs on its kind.
    let kinds = if header == "[[destination]]" { &["kind = \"slack\"\n", "kind = \"terminal\"\n"][..] } else { &[""] };
    let known = kinds.iter().map(|kind| settings_beside(folder, header, kind)).collect::<Option<Vec<_>>>()?;
    Some(known.concat())
}

/// The same, beside settings that are given.
fn settings_beside(folder: &Path, header: &str, given: &str) -> Option<Vec<String>> {
    let (file, mut given) = (folder.join("probe.toml"), given.to_owned());
    loop {
        fs::write(&file, format!("{header}\n{given}no_such_setting = 1\n")).unwrap();
        let output = tagwarden().arg("check").arg("-c").arg(&file).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        if let Some((_, wanted)) = told.split_once("found the unknown setting `no_such_setting`, want ") {
            let names = wanted.lines().next()?.split('`').skip(1).step_by(2);
            return Some(names.map(str::to_owned).collect());
        }
        // What must be there is missed before what must not.
        let (_, needed) = told.split_once("found nothing, want the setting `")?;
        let needed = format!("{} = \"x\"\n", needed.split_once('`')?.0);
        assert!(!given.contains(&needed), "{told}");
        given.push_str(&needed);
    }
}

/// Every setting below `header`, with the header that it stands under.
fn walk(folder: &Path, path: &str, found: &mut BTreeMap<String, String>) {
    let headers = if path.is_empty() { vec![String::new()] } else { vec![format!("[{path}]"), format!("[[{path}]]")] };
    let known = headers.iter().find_map(|header| settings(folder, header));
    for name in known.unwrap_or_default() {
        let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        walk(folder, &inner, found);
        found.insert(inner, name);
    }
}

#[test]
fn the_example_is_in_order_and_has_every_setting() {
    let example = repository().join("tagwarden.example.toml");
    exits(tagwarden().arg("check").arg("-c").arg(&example), 0);
    let temp = tempfile::tempdir().unwrap();
    let mut known = BTreeMap::new();
    walk(temp.path(), "", &mut known);
    assert!(known.len() > 80, "{known:#?}");
    let text = fs::read_to_string(&example).unwrap();
    let mut sections: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut section = "";
    for line in text.lines() {
        if line.starts_with('[') {
            section = line.split('#').next().unwrap().trim().trim_matches(['[', ']']);
        }
        sections.entry(section).or_default().push(line);
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let missing: Vec<_> = known
        .iter()
        .filter(|(path, name)| {
            // In its own table, or in the innermost one around it that has a header.
            let mut around = path.as_str();
            while let Some((outer, _)) = around.rsplit_once('.') {
                if let Some(lines) = sections.get(outer) {
                    let mut words = lines.iter().flat_map(|line| line.split(|c| !is_name(c)));
                    if words.any(|word| word == name.as_str()) {
                        return false;
                    }
                    break;
                }
                around = outer;
            }
            !sections.keys().any(|header| header == path || header.starts_with(&format!("{path}.")))
        })
        .map(|(path, _)| path)
        .collect();
    assert!(missing.is_empty(), "the example says nothing of {missing:?}");
}

#[test]
fn the_example_runs_as_it_stands() {
    let temp = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(repository().join("tagwarden.example.toml")).unwrap();
    let config = temp.path().join("tagwarden.toml");
    fs::write(&config, text.replace("127.0.0.1:9464", "127.0.0.1:0")).unwrap();
    fs::create_dir(temp.path().join("events")).unwrap();
    let mut run = tagwarden();
    run.args(["run", "-c"]).arg(&config).env("TAGWARDEN_SLACK_WEBHOOK", "https://127.0.0.1:1/");
    let worker = Running::start(&mut run);
    assert_eq!(worker.get("/healthz").0, "HTTP/1.1 200 OK");
    worker.signal(Signal::TERM);
    assert!(worker.wait().0.success());
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let temp = tempfile::tempdir().unwrap();
    let written = |name: &str, seed: u64| {
        let out = simulate(&temp.path().join(name), 5, seed);
        let paths = files(&out).into_iter();
        paths
            .map(|path| (path.strip_prefix(&out).unwrap().to_owned(), fs::read(path).unwrap()))
            .collect::<BTreeMap<_, _>>()
    };
    let first = written("first", 52);
    assert!(first.len() == 5 + 3, "five days, truth, inventory and spec");
    assert!(first == written("second", 52), "other bytes");
    let third = written("third", 53);
    // spec.json names the seed and so tells nothing.
    let same = first.iter().filter(|(path, bytes)| !path.ends_with("spec.json") && third.get(*path) == Some(bytes));
    assert_eq!(same.map(|(path, _)| path).collect::<Vec<_>>(), Vec::<&PathBuf>::new(), "the seed changes nothing");
    let truth = String::from_utf8(first[Path::new("truth.ndjson")].clone()).unwrap();
    for line in truth.lines() {
        let found: Value = serde_json::from_str(line).unwrap();
        let names: Vec<_> = found.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["event_id", "incident", "scenario", "malicious"]);
    }
}

#[test]
fn the_demo_ends_with_three_commands_that_work() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("demo");
    let mut demo = tagwarden();
    demo.args(["demo", "--fast", "--dir"]).arg(&dir).current_dir(temp.path());
    let told = String::from_utf8(exits(&mut demo, 0).stdout).unwrap();
    let binary = env!("CARGO_BIN_EXE_tagwarden");
    let commands: Vec<_> = told.lines().filter(|line| line.starts_with(binary)).collect();
    assert_eq!(commands.len(), 3, "{told}");
    let ran: Vec<_> = commands
        .iter()
        .map(|command| {
            let mut shell = Command::new("sh");
            shell.arg("-c").arg(command).current_dir(temp.path()).stdin(Stdio::null());
            String::from_utf8(exits(&mut shell, 0).stdout).unwrap()
        })
        .collect();
    assert!(ran[0].lines().count() > 0, "nothing was judged");
    // From the memory as it was then they are judged as they were then.
    let archived = support::archive::json_rows(&dir.join("archive"));
    for line in ran[0].lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let then = Value::Object(archived[row["change_id"].as_str().unwrap()].clone());
        // As text and back: reading a number may cost its last bit.
        let then: Value = serde_json::from_str(&then.to_string()).unwrap();
        for column in ["score", "anomaly_percentile", "severity", "disposition", "reasons", "rule_ids", "tags"] {
            assert_eq!(row[column], then[column], "{column} of {line}");
        }
    }
    assert_eq!(ran[1].lines().count(), 1, "{}", ran[1]);
    let report: Value = serde_json::from_str(ran[2].lines().last().unwrap()).unwrap();
    support::assert_identity(&report);
    assert!(support::count(&report, "duplicate") > 0 && support::count(&report, "archived") == 0, "{report}");
    assert!(files(&dir.join("archive/changes")).len() > 20);
    // A demo replaces a demo, and nothing else.
    fs::write(temp.path().join("kept.txt"), "mine").unwrap();
    exits(tagwarden().args(["demo", "--fast", "--dir"]).arg(temp.path()), 2);
    assert!(temp.path().join("kept.txt").exists());
}
