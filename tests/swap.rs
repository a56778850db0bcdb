//! The models of a running worker: swapped at an epoch's edge, scoring on in the shadow, learned by a schedule.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::Value;
use support::archive::{assert_same_rows, cell, files, rows};
use support::past::{PAST, card, train};
use support::place::Place;
use support::running::{Running, wait_for};
use support::{exits, report, tagwarden};

const ARCHIVED: &str = "tagwarden_events_total{fate=\"archived\"}";

/// Copies files into a folder that a worker follows.
fn bring(days: &[PathBuf], input: &Path) {
    fs::create_dir_all(input).unwrap();
    for day in days {
        fs::copy(day, input.join(day.file_name().unwrap())).unwrap();
    }
}

/// Events in a compressed file of a line each.
fn lines(file: &Path) -> u64 {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(fs::File::open(file).unwrap()).read_to_string(&mut text).unwrap();
    text.lines().count() as u64
}

/// Puts the model of `other` in the place of the one in `model`, in one step.
fn replace(model: &Path, other: &Path) {
    fs::copy(other.join("model.bin"), model.join("part")).unwrap();
    fs::rename(model.join("part"), model.join("model.bin")).unwrap();
}

fn event_day(row: &[String]) -> i64 {
    cell(row, "event_time").parse::<i64>().unwrap().div_euclid(86_400_000)
}

#[test]
fn a_running_worker_takes_a_new_model_at_an_edge() {
    let temp = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other"].map(|name| temp.path().join(name));
    train(&one, 1);
    train(&other, 2);
    let (days, input) = (files(&PAST.company.join("events")), temp.path().join("input"));
    let bring = |days: &[PathBuf]| bring(days, &input);
    bring(&days[..6]);
    let place = Place::new(temp.path().join("place"), "[metrics]\nlisten = \"127.0.0.1:0\"\n[epoch]\nseconds = 1\n");
    let mut command = place.follow(&input);
    command.arg("--inventory").arg(PAST.company.join("inventory.json")).arg("--model").arg(one.join("model.bin"));
    let running = Running::start(&mut command);
    wait_for("the first days", || running.metric(ARCHIVED) > 1000 && running.metric("tagwarden_source_behind") == 0);
    // A file that is no model changes nothing.
    fs::write(one.join("part"), b"nonsense").unwrap();
    fs::rename(one.join("part"), one.join("model.bin")).unwrap();
    wait_for("the refusal", || running.told().iter().any(|line| line.contains("the model in force stays")));
    replace(&one, &other);
    let name = card(&other)["versions"]["model"].as_str().unwrap().to_owned();
    wait_for("the swap", || running.told().iter().any(|line| line.contains(&format!("model {name} in force"))));
    bring(&days[6..9]);
    let events = days[..9].iter().map(|day| lines(day)).sum::<u64>();
    wait_for("the next days", || running.metric("tagwarden_events_pulled_total") == events);
    running.signal(Signal::TERM);
    assert!(running.wait().0.success());
    let rows = rows(&place.archive());
    let first = card(&one)["versions"]["model"].as_str().unwrap().to_owned();
    let mut days = BTreeMap::<bool, BTreeSet<i64>>::new();
    for row in rows.values() {
        let versions = cell(row, "versions");
        assert!(versions.contains(&first) || versions.contains(&name), "{versions}");
        let day = cell(row, "event_time").parse::<i64>().unwrap().div_euclid(86_400_000);
        days.entry(versions.contains(&name)).or_default().insert(day);
    }
    let (old, new) = (&days[&false], &days[&true]);
    assert_eq!((old.len(), new.len()), (6, 3), "{days:?}");
    assert!(old.last() < new.first(), "{days:?}");
    // Each event once, in spite of the new start.
    report(&mut place.run_company(&PAST.company));
}

/// The rows by day whether a model in the shadow ranked them.
fn shadowed(rows: &BTreeMap<String, Vec<String>>) -> BTreeMap<i64, BTreeSet<bool>> {
    let mut days = BTreeMap::<i64, BTreeSet<bool>>::new();
    for row in rows.values() {
        days.entry(event_day(row)).or_default().insert(cell(row, "percentile_shadow") != "null");
    }
    days
}

#[test]
fn a_model_in_its_own_shadow_agrees_for_its_days_and_is_let_go() {
    let temp = tempfile::tempdir().unwrap();
    let model = temp.path().join("model");
    train(&model, 0);
    let place = Place::new(temp.path().join("place"), "");
    let mut command = place.run_company(&PAST.company);
    command.args(["--epoch-events", "1000"]).arg("--model").arg(&model).arg("--shadow").arg(&model);
    let output = exits(&mut command, 0);
    let all = rows(&place.archive());
    let days = shadowed(&all);
    let first = *days.first_key_value().unwrap().0;
    // Three days settle it, for seven it speaks, and its own reference has not taken the place of the model's by then.
    for (day, found) in &days {
        assert_eq!(*found, BTreeSet::from([(3..10).contains(&(day - first))]), "{}", day - first);
    }
    let with: Vec<_> = all.values().filter(|row| cell(row, "percentile_shadow") != "null").collect();
    assert!(with.iter().all(|row| cell(row, "percentile_shadow") == cell(row, "anomaly_percentile")));
    let name = card(&model)["versions"]["model"].as_str().unwrap().to_owned();
    let told = String::from_utf8(output.stderr).unwrap();
    let told: Vec<_> = told.lines().filter(|line| line.contains("stood out")).collect();
    let begin = format!("tagwarden: shadow {name}: of {} changes ", with.len());
    let end = " stood out to both models, 0 only to the one in force, 0 only to the shadow; its days are over";
    let both = told[0].strip_prefix(&begin).and_then(|rest| rest.strip_suffix(end));
    assert!(told.len() == 1 && both.is_some_and(|both| both.parse::<u32>().unwrap() > 0), "{told:?} {}", with.len());
    // A dry run says the same.
    let mut command = tagwarden();
    command.arg("judge").arg(PAST.company.join("events")).arg("--inventory").arg(PAST.company.join("inventory.json"));
    let dry = exits(command.arg("--model").arg(&model).arg("--shadow").arg(&model), 0);
    let lines = String::from_utf8(dry.stdout).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let dry_with: BTreeSet<String> = lines
        .filter(|line| !line["percentile_shadow"].is_null())
        .map(|line| line["change_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(dry_with, with.iter().map(|row| cell(row, "change_id").to_owned()).collect());
    assert!(String::from_utf8(dry.stderr).unwrap().lines().any(|line| line == told[0]), "{told:?}");
    // The log names it as long as it spoke.
    let logs = files(&place.archive().join("_log"));
    let named = logs.iter().map(|log| fs::read_to_string(log).unwrap().contains("\"shadow\""));
    let named: Vec<bool> = named.collect();
    let until = named.iter().position(|named| !named).unwrap();
    assert!(until > 2 && until + 2 < named.len() && !named[until..].contains(&true), "{named:?}");
    // Apart from its column it changes nothing.
    let alone = Place::new(temp.path().join("alone"), "");
    report(alone.run_company(&PAST.company).args(["--epoch-events", "1000"]).arg("--model").arg(&model));
    let without = |rows: BTreeMap<String, Vec<String>>| -> BTreeMap<String, Vec<String>> {
        let kept = |mut row: Vec<String>| {
            row.retain(|cell| !cell.starts_with("percentile_shadow="));
            row
        };
        rows.into_iter().map(|(id, row)| (id, kept(row))).collect()
    };
    assert_same_rows(&without(all), &without(rows(&alone.archive())));
}

#[test]
fn after_a_swap_the_model_before_scores_on_wherever_the_worker_is_killed() {
    let temp = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other"].map(|name| temp.path().join(name));
    train(&one, 1);
    train(&other, 2);
    let days = files(&PAST.company.join("events"));
    // Sealed where the model is taken, and at the end.
    let config =
        "[metrics]\nlisten = \"127.0.0.1:0\"\n[epoch]\nseconds = 3600\nevents = 1000000\n[baseline]\nshadow_days = 2\n";
    let mut wanted = None;
    for kill in ["never", "stopped", "open", "intended:1", "advance:1"] {
        let dir = temp.path().join(kill.replace(':', "-"));
        let (place, input, model) = (Place::new(dir.join("place"), config), dir.join("input"), dir.join("model"));
        fs::create_dir_all(&model).unwrap();
        replace(&model, &one);
        let start = |kill: Option<&str>| {
            let mut command = place.follow(&input);
            command.arg("--inventory").arg(PAST.company.join("inventory.json"));
            command.arg("--model").arg(model.join("model.bin")).envs(kill.map(|at| ("TAGWARDEN_KILL", at)));
            Running::start(&mut command)
        };
        let read = |running: &Running, days: &[PathBuf]| {
            let events = days.iter().map(|day| lines(day)).sum::<u64>();
            wait_for("the days brought", || running.metric("tagwarden_events_pulled_total") == events);
        };
        bring(&days[..6], &input);
        let mut running = start(None);
        read(&running, &days[..6]);
        replace(&model, &other);
        let in_shadow = |running: &Running| running.told().iter().any(|line| line.contains("scores beside"));
        wait_for("the swap", || in_shadow(&running));
        bring(&days[6..7], &input);
        read(&running, &days[..7]);
        let mut since = 0;
        if kill != "never" {
            // The epoch after the swap is sealed, or open, or what a stop makes of it is left half done.
            if kill.contains(':') {
                drop(running);
                running = start(Some(kill));
                read(&running, &days[6..7]);
            }
            running.signal(if kill == "open" { Signal::KILL } else { Signal::TERM });
            assert_eq!(running.wait().0.code(), (kill == "stopped").then_some(0), "{kill} was not reached");
            running = start(None);
            wait_for("the shadow", || in_shadow(&running));
            since = if kill == "stopped" { 7 } else { 6 };
        }
        bring(&days[7..10], &input);
        read(&running, &days[since..10]);
        let told = |told: &str| running.metric(&format!("tagwarden_shadow_changes_total{{told=\"{told}\"}}"));
        let model_info = format!("tagwarden_model_info{{model={}}}", card(&other)["versions"]["model"]);
        assert_eq!(running.metric(&model_info), 1);
        assert_eq!(running.metric("tagwarden_model_swaps_total"), u64::from(kill == "never"));
        assert!(running.metric("tagwarden_model_age_seconds") > 0);
        let counted = ["both", "in_force", "shadow", "neither"].map(told).iter().sum::<u64>();
        // It is told at an epoch's edge, of which recovery has one.
        assert_eq!(counted > 0, kill.contains(':'), "{kill}: {counted}");
        running.signal(Signal::TERM);
        let (status, told) = running.wait();
        assert!(status.success());
        let rows = rows(&place.archive());
        let marked = shadowed(&rows);
        let last: Vec<_> = marked.values().rev().take(5).rev().collect();
        let [yes, no] = [true, false].map(|marked| BTreeSet::from([marked]));
        assert_eq!(last, [&no, &yes, &yes, &no, &no], "{kill}");
        let count = rows.values().filter(|row| cell(row, "percentile_shadow") != "null").count();
        let words = format!("shadow {}: of {count} changes ", card(&one)["versions"]["model"].as_str().unwrap());
        assert!(
            told.iter().any(|line| line.contains(&words) && line.ends_with("its days are over")),
            "{kill} {told:?}"
        );
        match &wanted {
            None => wanted = Some(rows),
            Some(wanted) => assert_same_rows(&rows, wanted),
        }
    }
}

#[test]
fn a_shadow_that_is_gone_or_has_no_days_is_said() {
    let temp = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other"].map(|name| temp.path().join(name));
    train(&one, 1);
    train(&other, 2);
    let (days, input) = (files(&PAST.company.join("events")), temp.path().join("input"));
    let place = Place::new(temp.path().join("place"), "");
    let name = card(&one)["versions"]["model"].as_str().unwrap().to_owned();
    bring(&days[..1], &input);
    report(place.run(&input).arg("--model").arg(&one));
    fs::remove_file(place.archive().join("_versions").join(&name)).unwrap();
    bring(&days[1..2], &input);
    let told = exits(place.run(&input).arg("--model").arg(&other), 0).stderr;
    let told = String::from_utf8(told).unwrap();
    assert!(told.contains(&format!("shadow {name}: ")) && told.contains("nothing scores beside"), "{told}");
    fs::write(place.config(), "[baseline]\nshadow_days = 0\n").unwrap();
    let told = exits(place.run(&input).arg("--model").arg(&other).arg("--shadow").arg(&one), 2).stderr;
    assert!(String::from_utf8(told).unwrap().contains("baseline.shadow_days: found 0 with --shadow, want 1 or more"));
    fs::write(other.join("model.bin"), b"nonsense").unwrap();
    let told = exits(place.run(&input).arg("--shadow").arg(&other), 2).stderr;
    assert!(
        String::from_utf8(told).unwrap().contains("model.bin: found 8 bytes that begin with `nonsense`, want a model")
    );
}

#[test]
fn a_worker_learns_by_a_schedule_and_a_failure_leaves_it_at_work() {
    let temp = tempfile::tempdir().unwrap();
    let config = "[metrics]\nlisten = \"127.0.0.1:0\"\n[epoch]\nseconds = 1\n[train]\nschedule = \"every 500ms\"\n\
                  [[destination]]\nname = \"screen\"\nkind = \"terminal\"\n";
    let place = Place::new(temp.path().join("place"), config);
    let (input, model) = (temp.path().join("input"), temp.path().join("model"));
    fs::create_dir_all(&input).unwrap();
    let days = files(&PAST.company.join("events"));
    let mut command = place.follow(&input);
    command.arg("--inventory").arg(PAST.company.join("inventory.json")).arg("--model").arg(model.join("model.bin"));
    let running = Running::start(&mut command);
    let trainings = |outcome: &str| running.metric(&format!("tagwarden_trainings_total{{outcome=\"{outcome}\"}}"));
    wait_for("failures", || trainings("failed") > 2);
    let failures: Vec<_> = running.told().into_iter().filter(|line| line.contains("training: ")).collect();
    assert!(failures.len() == 1 && failures[0].contains("found no rows, want some to learn from; the model stays"));
    bring(&days[..8], &input);
    wait_for("a first model", || running.metric("tagwarden_model_swaps_total") == 1 && trainings("done") > 0);
    wait_for("all of it", || running.metric(ARCHIVED) > 1500 && running.metric("tagwarden_source_behind") == 0);
    // What somebody found to be an incident is left out of the next.
    let verdicts = |args: &[&str]| {
        let mut command = tagwarden();
        command.arg("verdicts").arg("--state").arg(place.state()).args(args);
        String::from_utf8(exits(&mut command, 0).stdout).unwrap()
    };
    let all: Value = serde_json::from_str(&verdicts(&["--json", "--unjudged"])).unwrap();
    let alert = all["alerts"].as_array().unwrap().iter().find(|alert| alert["first"].as_str() < Some("2026-01-10"));
    let alert = alert.unwrap()["alert"].as_str().unwrap();
    exits(tagwarden().args(["verdict", alert, "true_positive", "--by", "lee", "--state"]).arg(place.state()), 0);
    let found = verdicts(&["--event-ids"]).lines().count() as u64;
    assert!(found > 0);
    bring(&days[8..12], &input);
    wait_for("a second model without it", || {
        card(&model)["excluded"] == found && card(&model)["to"].as_str() > Some("2026-01-16")
    });
    wait_for("its swap", || {
        let name = &card(&model)["versions"]["model"];
        running.get("/metrics").1.contains(&format!("tagwarden_model_info{{model={name}}} 1"))
    });
    let before = running.metric(ARCHIVED);
    bring(&days[12..14], &input);
    wait_for("the rest", || running.metric(ARCHIVED) > before + 200 && running.metric("tagwarden_source_behind") == 0);
    running.signal(Signal::TERM);
    assert!(running.wait().0.success());
    let rows = rows(&place.archive());
    assert_eq!(shadowed(&rows).last_key_value().unwrap().1, &BTreeSet::from([true]));
    // Each event once, in spite of the new starts.
    report(&mut place.run_company(&PAST.company));
}
