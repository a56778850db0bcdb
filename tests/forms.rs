//! The two forms that scripts use, `run` and `judge`, and their exit codes.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rustix::process::Signal;
use serde_json::{Map, Value};
use support::archive::{assert_same_rows, cell, files, json_rows, rows};
use support::events::{event, event_id, gzip, line, lines};
use support::place::Place;
use support::running::{Running, wait_for};
use support::{count, exits, fates, last_line, report, simulate, tagwarden};
use tagwarden_core::columns::Column;

/// `run` in the fixed form, without a configuration.
fn run(input: &Path, archive: &Path, state: &Path) -> Command {
    let mut command = tagwarden();
    command.arg("run").arg("--input").arg(input).arg("--archive").arg(archive).arg("--state").arg(state);
    command.args(["--until-end", "--json"]);
    command
}

fn told(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A folder, and a file of hand-written events in it.
fn written(numbers: std::ops::Range<u64>) -> (tempfile::TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let input = temp.path().join("events.ndjson");
    fs::write(&input, lines(numbers)).unwrap();
    (temp, input)
}

#[test]
fn run_ends_with_one_flat_object_and_says_all_else_on_standard_error() {
    let temp = tempfile::tempdir().unwrap();
    let company = simulate(&temp.path().join("company"), 3, 21);
    let (archive, state) = (temp.path().join("archive"), temp.path().join("state.db"));
    let mut command = run(&company.join("events"), &archive, &state);
    command.arg("--inventory").arg(company.join("inventory.json"));
    let output = exits(&mut command, 0);
    assert_eq!(std::str::from_utf8(&output.stdout).unwrap().lines().count(), 1);
    let first = last_line(&output);
    let names: Vec<_> = first.as_object().unwrap().keys().map(String::as_str).collect();
    let counts = ["pulled", "archived", "read_only", "quarantined", "duplicate", "changes", "alerts"];
    let measured = ["seconds", "cpu_seconds", "peak_rss_bytes", "cpu_by_step"];
    assert_eq!(names, [&["schema"], counts.as_slice(), measured.as_slice()].concat());
    assert_eq!(first["schema"], 1);
    assert!(counts.iter().all(|name| first[name].is_u64()), "{first}");
    assert!(["seconds", "cpu_seconds"].iter().all(|name| first[name].as_f64().unwrap() > 0.0), "{first}");
    assert!(count(&first, "peak_rss_bytes") > 1 << 20);
    let steps = first["cpu_by_step"].as_object().unwrap();
    assert!(steps.len() >= 5 && steps.values().all(Value::is_number), "{first}");
    assert!(count(&first, "archived") > 1000 && count(&first, "read_only") > 50, "{first}");
    assert_eq!(rows(&archive).len() as u64, count(&first, "changes"));

    let again = last_line(&exits(&mut command, 0));
    assert_eq!(fates(&again), [0; 5]);
    assert_eq!((count(&again, "changes"), count(&again, "alerts")), (0, 0));
}

#[test]
fn standard_input_starts_over_so_repeats_are_duplicate() {
    let (temp, input) = written(0..50);
    let (archive, state) = (temp.path().join("archive"), temp.path().join("state.db"));
    let piped = || last_line(&exits(run("-".as_ref(), &archive, &state).stdin(File::open(&input).unwrap()), 0));
    assert_eq!(fates(&piped()), [50, 50, 0, 0, 0]);
    assert_eq!(fates(&piped()), [50, 0, 0, 0, 50]);
    fs::write(&input, lines(40..60)).unwrap();
    assert_eq!(fates(&piped()), [20, 10, 0, 0, 10]);
    assert_eq!(rows(&archive).len(), 60);
}

#[test]
fn reads_are_kept_if_asked_for() {
    let temp = tempfile::tempdir().unwrap();
    let company = simulate(&temp.path().join("company"), 2, 22);
    let run = |name: &str| {
        let mut command =
            run(&company.join("events"), &temp.path().join(name), &temp.path().join(name).with_extension("db"));
        command.arg("--inventory").arg(company.join("inventory.json"));
        command
    };
    let few = report(&mut run("few"));
    let all = report(run("all").arg("--archive-read-only"));
    assert_eq!(fates(&all), [count(&few, "pulled"), count(&few, "pulled"), 0, 0, 0]);
    assert!(count(&few, "read_only") > 0);
    let reads =
        |name: &str| rows(&temp.path().join(name)).values().filter(|row| cell(row, "read_only") == "true").count();
    assert!(reads("all") > reads("few"));
}

#[test]
fn rules_are_the_shipped_ones_others_or_none() {
    let (temp, input) = written(0..3);
    let rules = temp.path().join("rules");
    fs::create_dir(&rules).unwrap();
    let rule = "title: Tags\nid: 0f4b3c9e-0000-4000-8000-000000000001\nlogsource:\n    product: aws\n    service: cloudtrail\n\
                detection:\n    selection:\n        eventName: CreateTags\n    condition: selection\nlevel: low\n";
    fs::write(rules.join("tags.yml"), rule).unwrap();
    let run = |name: &str| run(&input, &temp.path().join(name), &temp.path().join(name).with_extension("db"));
    report(run("own").arg("--rules").arg(&rules));
    report(run("none").arg("--no-rules"));
    report(&mut run("shipped"));
    let column = |name: &str, column: &str| {
        let all = json_rows(&temp.path().join(name));
        assert_eq!(all.len(), 3);
        all.into_values().map(|mut row| row.remove(column).unwrap()).next().unwrap()
    };
    assert_eq!(column("own", "rule_ids"), Value::from(vec!["0f4b3c9e-0000-4000-8000-000000000001"]));
    assert_eq!(column("none", "rule_ids"), Value::Array(Vec::new()));
    assert_eq!(column("none", "versions")["rules"], Value::Null);
    let versions = ["own", "shipped"].map(|name| column(name, "versions")["rules"].as_str().unwrap().to_owned());
    assert_ne!(versions[0], versions[1]);
    let kept =
        |name: &str, version: &str| fs::read_to_string(temp.path().join(name).join("_versions").join(version)).unwrap();
    assert!(kept("own", &versions[0]).contains("CreateTags") && kept("shipped", &versions[1]).contains("Root"));

    let both = exits(run("both").arg("--no-rules").arg("--rules").arg(&rules), 2);
    assert!(told(&both).contains("--no-rules"), "{}", told(&both));
    fs::write(rules.join("worse.yml"), "title: [").unwrap();
    let broken = exits(run("broken").arg("--rules").arg(&rules), 2);
    assert!(told(&broken).contains("worse.yml"), "{}", told(&broken));
    assert!(!temp.path().join("broken").exists(), "a fault in the rules comes before anything is written");
}

#[test]
fn folders_are_read_by_path_plain_and_gzipped() {
    let temp = tempfile::tempdir().unwrap();
    let input = temp.path().join("in");
    fs::create_dir_all(input.join("b/deep")).unwrap();
    let records = |n: std::ops::Range<u64>| format!("{{\"Records\":[{}]}}", n.map(line).collect::<Vec<_>>().join(","));
    for (name, bytes) in [
        ("a.json", records(6..8).into_bytes()),
        ("b/deep/c.jsonl.gz", gzip(lines(4..6).as_bytes())),
        ("b/a.json.gz", gzip(records(2..4).as_bytes())),
        ("c.ndjson", lines(0..1).into_bytes()),
        ("d.ndjson.gz", gzip(line(1).as_bytes())),
        ("e.txt", lines(8..9).into_bytes()),
        ("f.gz", gzip(lines(9..10).as_bytes())),
    ] {
        fs::write(input.join(name), bytes).unwrap();
    }
    let judged = judge(&[&input], 0);
    let order: Vec<_> = judged.iter().map(|row| row["event_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(order, [6, 7, 2, 3, 4, 5, 0, 1].map(event_id));
    let report = report(&mut run(&input, &temp.path().join("archive"), &temp.path().join("state.db")));
    assert_eq!(fates(&report), [8, 8, 0, 0, 0]);
}

#[test]
fn a_wrong_configuration_is_told_whole_with_lines_and_ends_with_2() {
    let (temp, input) = written(0..1);
    let config = "[nonsense]\na = 1\n\n[epoch]\nevents = \"many\"\n\n[alert]\ndigest_hour = 99\ncolour = 1\n\n\
                  [[destination]]\nname = \"x\"\nkind = \"pigeon\"\n";
    let place = Place::new(temp.path().join("run"), config);
    let check = exits(tagwarden().arg("check").arg("-c").arg(place.config()), 2);
    let ran = exits(&mut place.run(&input), 2);
    assert_eq!(told(&check), told(&ran));
    for (line, path, found) in
        [(1, "nonsense", "`nonsense`"), (5, "epoch.events", "string \"many\""), (9, "alert.colour", "`colour`")]
    {
        let wanted = format!("line {line}: {path}: found ");
        let told = told(&check);
        let line = told.lines().find(|text| text.contains(&wanted)).unwrap_or_else(|| panic!("no {wanted} in {told}"));
        assert!(line.contains(found) && line.contains(", want "), "{line}");
    }
    assert!(told(&check).contains("pigeon"), "{}", told(&check));
    let text = told(&check);
    let numbers = text.lines().filter_map(|line| line.split_once("line ")?.1.split_once(':')?.0.parse::<u32>().ok());
    assert!(numbers.is_sorted(), "{text}");
    assert!(!place.archive().exists() && !place.state().exists(), "nothing is done under a wrong configuration");

    // What is well-formed and still wrong comes at once, too.
    let config = "[epoch]\nevents = 0\n\n[alert]\ndigest_hour = 99\n\n[metrics]\nlisten = \"somewhere\"\n\n\
                  [[alert.routes]]\nenvironment = \"prod\"\ndestination = \"nobody\"\n\n[inventory]\nfile = \"missing.json\"\n";
    let place = Place::new(temp.path().join("second"), config);
    let ran = exits(&mut place.run(&input), 2);
    for path in [
        "line 2: epoch.events",
        "line 5: alert.digest_hour",
        "line 8: metrics.listen",
        "routes[0].destination",
        "line 15: inventory.file",
    ] {
        assert!(told(&ran).contains(path), "no {path} in {}", told(&ran));
    }
}

#[test]
fn faults_of_command_line_and_state_end_with_2_and_change_nothing() {
    let (temp, input) = written(0..5);
    let at = |name: &str| temp.path().join(name);
    report(&mut run(&input, &at("a"), &at("a.db")));
    report(&mut run(&input, &at("b"), &at("b.db")));
    let before = (files(&at("a")), fs::read(at("a.db")).unwrap());
    for (archive, state, said) in [("a", "b.db", "found the state of archive"), ("a", "fresh.db", "found fresh state")]
    {
        let output = exits(&mut run(&input, &at(archive), &at(state)), 2);
        assert!(told(&output).contains(said) && told(&output).contains("state rebuild"), "{}", told(&output));
        assert!(output.stdout.is_empty());
    }
    assert_eq!((files(&at("a")), fs::read(at("a.db")).unwrap()), before);
    fs::write(at("text.db"), "this is no database, and long enough to be told from an empty one").unwrap();
    exits(&mut run(&input, &at("c"), &at("text.db")), 2);
    let missing = exits(&mut run(&at("missing"), &at("d"), &at("d.db")), 2);
    assert!(told(&missing).contains("input.path: found no file or folder"), "{}", told(&missing));
    for wrong in [&["run", "--until-end"][..], &["run", "--epoch-events", "0"], &["judge"], &["sing"]] {
        exits(tagwarden().args(wrong), 2);
    }
}

#[test]
fn a_run_that_has_to_stop_ends_with_1() {
    let (temp, input) = written(0..5);
    let archive = temp.path().join("archive");
    fs::create_dir(&archive).unwrap();
    // Something lies where the rows go.
    fs::write(archive.join("changes"), "").unwrap();
    let output = exits(&mut run(&input, &archive, &temp.path().join("state.db")), 1);
    assert!(told(&output).contains("archive"), "{}", told(&output));
    fs::remove_file(archive.join("changes")).unwrap();
    assert_eq!(count(&report(&mut run(&input, &archive, &temp.path().join("state.db"))), "pulled"), 5);
    assert_eq!(rows(&archive).len(), 5);
}

#[test]
fn a_signal_seals_what_is_open() {
    for signal in [Signal::TERM, Signal::INT] {
        let (temp, input) = written(0..30);
        let config = "[epoch]\nseconds = 3600\n[metrics]\nlisten = \"127.0.0.1:0\"\n";
        let place = Place::new(temp.path().join("run"), config);
        let running = Running::start(&mut place.follow(&input));
        wait_for("the events", || running.metric("tagwarden_events_pulled_total") >= 30);
        assert_eq!((place.epochs(), rows(&place.archive()).len()), (0, 0), "nothing is due yet");
        running.signal(signal);
        let (status, told) = running.wait();
        assert_eq!(status.code(), Some(0), "{told:?}");
        assert_eq!((place.epochs(), rows(&place.archive()).len()), (1, 30));
        assert_eq!(count(&report(&mut place.run(&input)), "pulled"), 0);
    }
}

/// What `judge` writes, line by line.
fn judge(args: &[&Path], code: i32) -> Vec<Map<String, Value>> {
    let output = exits(tagwarden().arg("judge").args(args), code);
    parsed(&output)
}

fn parsed(output: &Output) -> Vec<Map<String, Value>> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn judge_writes_every_column_and_nothing_else() {
    let (temp, input) = written(0..2);
    let mut odd = event(2);
    odd["eventTime"] = "2026-03-02T10:00:00Z".into();
    let text = format!("{}{}\n{{\"eventName\":\n{odd}\n", fs::read_to_string(&input).unwrap(), line(1));
    fs::write(&input, text).unwrap();
    let output = exits(tagwarden().arg("judge").arg(&input), 0);
    let judged = parsed(&output);
    let hidden = [Column::RawEvent, Column::Ingest, Column::SeenTime];
    let wanted: Vec<_> = Column::ALL.iter().filter(|c| !hidden.contains(c)).map(|c| c.name()).collect();
    assert_eq!(judged.len(), 3, "a repeat and a reject are no rows");
    for row in &judged {
        assert_eq!(row.keys().collect::<Vec<_>>(), wanted);
        assert!(row.values().all(|value| value.as_str() != Some("")), "{row:?}");
    }
    let last = &judged[2];
    assert_eq!(last["event_time"], "2026-03-02T10:00:00.000Z");
    assert_eq!(
        (&last["error_code"], &last["anomaly_percentile"], &last["suppressed_by"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(last["change_id"], format!("{}.0", event_id(2)));
    assert_eq!(told(&output).lines().filter(|line| line.contains("events.ndjson @ ")).count(), 1, "{}", told(&output));
    // From standard input the same.
    let piped = exits(tagwarden().args(["judge", "-"]).stdin(File::open(&input).unwrap()), 0);
    assert_eq!(parsed(&piped), judged);
    assert!(!temp.path().join("tagwarden.db").exists());
}

#[test]
fn judge_and_run_agree_on_every_column() {
    let temp = tempfile::tempdir().unwrap();
    let company = simulate(&temp.path().join("company"), 16, 23);
    let inventory = company.join("inventory.json");
    for flags in [&[][..], &["--no-rules"]] {
        let name = format!("archive{}", flags.len());
        let mut command =
            run(&company.join("events"), &temp.path().join(&name), &temp.path().join(&name).with_extension("db"));
        report(command.args(flags).arg("--epoch-events").arg("1000").arg("--inventory").arg(&inventory));
        let mut command = tagwarden();
        command.arg("judge").arg(company.join("events")).arg("--inventory").arg(&inventory).args(flags);
        let judged = parsed(&exits(&mut command, 0));
        let archived = json_rows(&temp.path().join(&name));
        assert_eq!(judged.len(), archived.len());
        assert!(judged.iter().any(|row| row["anomaly_percentile"].is_number()), "nothing was learned");
        for row in &judged {
            let id = row["change_id"].as_str().unwrap();
            // Once through text, as the other side was.
            let text = serde_json::to_string(&archived[id]).unwrap();
            let mut found: Map<String, Value> = serde_json::from_str(&text).unwrap();
            for hidden in ["raw_event", "ingest", "seen_time"] {
                found.remove(hidden).unwrap();
            }
            for (column, value) in row {
                assert_eq!(Some(value), found.get(column), "{column} of {id}");
            }
            assert_eq!(row.len(), found.len());
        }
    }
}

#[test]
fn reads_teach_the_same_whether_they_are_kept_or_not() {
    let temp = tempfile::tempdir().unwrap();
    let company = simulate(&temp.path().join("company"), 16, 26);
    let judged = |keep: bool| -> BTreeMap<String, Map<String, Value>> {
        let config = temp.path().join("tagwarden.toml");
        fs::write(&config, format!("[input]\narchive_read_only = {keep}\n")).unwrap();
        let mut command = tagwarden();
        command.arg("judge").arg(company.join("events")).arg("--config").arg(config);
        command.arg("--inventory").arg(company.join("inventory.json"));
        let rows = parsed(&exits(&mut command, 0));
        rows.into_iter().map(|row| (row["change_id"].as_str().unwrap().to_owned(), row)).collect()
    };
    let (few, all) = (judged(false), judged(true));
    assert!(all.len() > few.len() + 100 && few.values().any(|row| row["anomaly_percentile"].is_number()));
    for (id, row) in &few {
        for column in ["score", "score_tails", "surprisal_sum", "anomaly_percentile", "reasons", "disposition"] {
            assert_eq!(row[column], all[id][column], "{column} of {id}");
        }
    }
}

#[test]
fn judge_begins_with_what_a_worker_learned_and_only_reads() {
    let (temp, input) = written(0..4);
    let (archive, state) = (temp.path().join("archive"), temp.path().join("state.db"));
    report(&mut run(&input, &archive, &state));
    let mut next = event(9);
    next["requestParameters"]["resourcesSet"] = event(3)["requestParameters"]["resourcesSet"].clone();
    next["requestParameters"]["tagSet"]["items"][1]["value"] = "9999".into();
    let file = temp.path().join("next.ndjson");
    fs::write(&file, next.to_string()).unwrap();
    let before = fs::read(&state).unwrap();
    let with = judge(&[&file, "--state".as_ref(), &state], 0);
    let without = judge(&[&file], 0);
    assert_eq!(fs::read(&state).unwrap(), before, "the state was written to");
    let delta = |rows: &[Map<String, Value>]| rows[0]["tags"][1].clone();
    assert_eq!(delta(&with)["old"], "4711");
    assert_eq!(delta(&with)["op"], "modified");
    assert_eq!(delta(&without)["old"], Value::Null);
    exits(tagwarden().arg("judge").arg(&file).arg("--state").arg(temp.path().join("missing.db")), 2);
    assert!(!temp.path().join("missing.db").exists());
}

#[test]
fn the_same_work_gives_the_same_names_and_bytes() {
    let temp = tempfile::tempdir().unwrap();
    let company = simulate(&temp.path().join("company"), 8, 24);
    fs::write(company.join("events/2026-01-06a.ndjson"), "{\"broken\":\n").unwrap();
    let objects = ["first", "second"].map(|name| {
        let archive = temp.path().join(name);
        let mut command = run(&company.join("events"), &archive, &archive.with_extension("db"));
        report(command.args(["--epoch-events", "700"]).arg("--inventory").arg(company.join("inventory.json")));
        let keys = files(&archive).into_iter().map(|path| path.strip_prefix(&archive).unwrap().to_owned());
        keys.map(|key| (key.clone(), fs::read(archive.join(key)).unwrap())).collect::<BTreeMap<_, _>>()
    });
    let keys = |side: &BTreeMap<PathBuf, Vec<u8>>| side.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&objects[0]), keys(&objects[1]));
    assert!(keys(&objects[0]).iter().any(|key| key.starts_with("_quarantine")));
    assert!(keys(&objects[0]).iter().filter(|key| key.extension().is_some_and(|e| e == "parquet")).count() > 10);
    for (key, bytes) in &objects[0] {
        // The archive's id is its own.
        assert!(key.as_os_str() == "_tagwarden.json" || objects[1][key] == *bytes, "{} differs", key.display());
    }
    // Cut otherwise, the rows are still the same.
    let archive = temp.path().join("third");
    let mut command = run(&company.join("events"), &archive, &archive.with_extension("db"));
    report(command.args(["--epoch-events", "1999"]).arg("--inventory").arg(company.join("inventory.json")));
    assert_same_rows(&rows(&archive), &rows(&temp.path().join("first")));
}
