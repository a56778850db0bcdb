//! A model from an archive, and workers that judge by it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use rustix::process::Signal;
use serde_json::Value;
use support::archive::{assert_same_rows, cell, files, rows};
use support::place::Place;
use support::running::{Running, wait_for};
use support::{exits, report, simulate, tagwarden};
use tagwarden_alert::{Judgement, Ledger, Verdict, Which};
use tagwarden_core::{Severity, Timestamp};

/// Events and archive of one simulated company, made once for all tests.
struct Past {
    _temp: tempfile::TempDir,
    company: PathBuf,
    archive: PathBuf,
}

static PAST: LazyLock<Past> = LazyLock::new(|| {
    let temp = tempfile::tempdir().unwrap();
    let company = simulate(&temp.path().join("company"), 24, 11);
    let place = Place::new(temp.path().join("past"), "");
    report(&mut place.run_company(&company));
    Past { company, archive: place.archive(), _temp: temp }
});

/// Learns from the first twenty days, incidents left out; gives what was said on standard error.
fn train(out: &Path, seed: u64) -> String {
    let mut command = tagwarden();
    command.arg("train").arg("--archive").arg(&PAST.archive).args(["--from", "2026-01-05", "--to", "2026-01-25"]);
    command.arg("--inventory").arg(PAST.company.join("inventory.json")).arg("--out").arg(out);
    command.arg("--exclude").arg(PAST.company.join("truth.ndjson")).args(["--seed", &seed.to_string()]);
    String::from_utf8(exits(&mut command, 0).stderr).unwrap()
}

fn card(model: &Path) -> Value {
    serde_json::from_slice(&fs::read(model.join("card.json")).unwrap()).unwrap()
}

/// Score by change, of changes from a date on.
fn judged(model: Option<&Path>, config: &str, from: &str) -> BTreeMap<String, Value> {
    let temp = tempfile::tempdir().unwrap();
    fs::write(temp.path().join("tagwarden.toml"), config).unwrap();
    let mut command = tagwarden();
    command.arg("judge").arg(PAST.company.join("events")).arg("-c").arg(temp.path().join("tagwarden.toml"));
    command.arg("--inventory").arg(PAST.company.join("inventory.json"));
    command.args(model.map(|model| format!("--model={}", model.display())));
    let lines = String::from_utf8(exits(&mut command, 0).stdout).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let late = lines.filter(|line| line["event_time"].as_str().unwrap() >= from);
    late.map(|line| (line["change_id"].as_str().unwrap().to_owned(), line)).collect()
}

#[test]
fn a_model_is_learned_and_a_worker_judges_by_it() {
    let temp = tempfile::tempdir().unwrap();
    let model = temp.path().join("model");
    train(&model, 0);
    let card = card(&model);
    let number = |name: &str| card[name].as_u64().unwrap();
    let truth = fs::read_to_string(PAST.company.join("truth.ndjson")).unwrap();
    let malicious: BTreeSet<String> = truth
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|truth| truth["malicious"] == true)
        .map(|truth| truth["event_id"].as_str().unwrap().to_owned())
        .collect();
    let past = rows(&PAST.archive);
    let in_window = |row: &&Vec<String>| {
        let ms: i64 = cell(row, "event_time").parse().unwrap();
        (1_767_571_200_000..1_769_299_200_000).contains(&ms)
    };
    let (bad, good): (Vec<_>, Vec<_>) =
        past.values().filter(in_window).partition(|row| malicious.contains(cell(row, "event_id")));
    assert_eq!(number("changes"), good.len() as u64, "each change of the window once, incidents left out");
    let events: BTreeSet<&str> = bad.iter().map(|row| cell(row, "event_id")).collect();
    assert_eq!(number("excluded"), events.len() as u64);
    assert!(number("excluded") > 10, "no incidents, no test");
    assert!(card["groups_a_day"].as_f64() <= card["alerts_per_day"].as_f64(), "{card}");
    assert!(fs::read_to_string(model.join("CARD.md")).unwrap().contains("| tag_value |"));

    let drift = |from: &str| {
        let mut command = tagwarden();
        command.arg("drift").arg("--archive").arg(&PAST.archive).args(["--from", from, "--to", "2026-01-29", "--json"]);
        command.arg("--inventory").arg(PAST.company.join("inventory.json")).arg("--model").arg(&model);
        serde_json::from_slice::<Value>(&exits(&mut command, 0).stdout).unwrap()
    };
    let moved = |drift: &Value| {
        let shifts = drift["shifts"].as_array().unwrap();
        shifts.iter().map(|shift| shift["psi"].as_f64().unwrap()).sum::<f64>()
    };
    let (whole, end) = (drift("2026-01-05"), drift("2026-01-20"));
    assert!(moved(&whole) < 0.5 && moved(&whole) * 3.0 < moved(&end), "{} {}", moved(&whole), moved(&end));
    assert!(
        whole["groups_a_day"].as_f64().unwrap() > 0.0 && whole["groups_told"].as_array().unwrap().len() > 15,
        "{whole}"
    );

    let place = Place::new(temp.path().join("place"), "");
    report(place.run_company(&PAST.company).arg("--model").arg(&model));
    let name = card["versions"]["model"].as_str().unwrap();
    assert_eq!(
        fs::read(place.archive().join("_versions").join(name)).unwrap(),
        fs::read(model.join("model.bin")).unwrap()
    );
    let rows = rows(&place.archive());
    assert!(rows.values().all(|row| cell(row, "versions").contains(name)));
    // 9 January: three days have settled it, seven have not gone by, so the model's own reference ranks.
    let day = |row: &&Vec<String>| cell(row, "event_time").parse::<i64>().unwrap().div_euclid(86_400_000) == 20_462;
    let ranked = rows.values().filter(day).filter(|row| cell(row, "anomaly_percentile") != "null").count();
    assert!(ranked > 100 && rows.values().filter(day).all(|row| cell(row, "score_forest") != "null"), "{ranked}");
    let online = past.values().filter(day).filter(|row| cell(row, "anomaly_percentile") != "null").count();
    assert_eq!(online, 0, "without a model a week is needed");
    assert!(rows.values().any(|row| cell(row, "peer_group") != "null"), "whoever reads learns the crowd");
}

#[test]
fn the_same_past_and_seed_give_the_same_model_and_another_seed_much_the_same_answers() {
    let temp = tempfile::tempdir().unwrap();
    let [one, again, other] = ["one", "again", "other"].map(|name| temp.path().join(name));
    for (out, seed) in [(&one, 1), (&again, 1), (&other, 2)] {
        train(out, seed);
    }
    let bytes = |model: &Path| fs::read(model.join("model.bin")).unwrap();
    assert!(bytes(&one) == bytes(&again), "same past, same seed, another model");
    assert!(bytes(&one) != bytes(&other), "the seed has no say");
    for kind in ["blend", "forest"] {
        let top = |model: &Path| {
            let judged = judged(Some(model), &format!("[baseline]\nkind = \"{kind}\"\n"), "2026-01-12");
            let mut scores: Vec<_> = judged.into_iter().map(|(id, row)| (row["score"].as_f64().unwrap(), id)).collect();
            scores.sort_by(|a, b| b.0.total_cmp(&a.0));
            scores.into_iter().take(140).map(|(_, id)| id).collect::<BTreeSet<_>>()
        };
        let (a, b) = (top(&one), top(&other));
        let jaccard = a.intersection(&b).count() as f64 / a.union(&b).count() as f64;
        eprintln!("{kind}: Jaccard of the top 140 under two seeds: {jaccard:.3}");
        assert!(jaccard >= if kind == "blend" { 0.9 } else { 0.6 }, "{kind}: {jaccard}");
    }
}

#[test]
fn every_kind_of_score_is_its_own_and_needs_its_model() {
    let temp = tempfile::tempdir().unwrap();
    let model = temp.path().join("model");
    train(&model, 0);
    let mut scores = BTreeSet::new();
    for kind in ["blend", "forest", "dbscan"] {
        let judged = judged(Some(&model), &format!("[baseline]\nkind = \"{kind}\"\n"), "2026-01-12");
        let row = judged
            .values()
            .filter(|row| row["rule_ids"] == Value::Array(vec![]) && row["read_only"] == false)
            .find(|row| row["score_tails"].as_f64() > Some(20.0));
        let row = row.unwrap();
        assert!(row["anomaly_percentile"].as_f64().unwrap() > 50.0, "{row}");
        assert_eq!(kind == "dbscan", judged.values().all(|row| row["peer_distance"].is_f64()), "{kind}");
        scores.insert(row["score"].to_string());
        if kind != "blend" {
            let config = temp.path().join("tagwarden.toml");
            fs::write(&config, format!("[baseline]\nkind = \"{kind}\"\n")).unwrap();
            let told =
                exits(tagwarden().arg("judge").arg(PAST.company.join("events")).arg("-c").arg(&config), 2).stderr;
            let want = format!("baseline.kind: found `{kind}` without a model, want one: give --model");
            assert!(String::from_utf8(told).unwrap().contains(&want));
        }
    }
    assert_eq!(scores.len(), 3, "{scores:?}");
    let mut bytes = fs::read(model.join("model.bin")).unwrap();
    bytes.truncate(5000);
    fs::write(model.join("model.bin"), bytes).unwrap();
    let told = exits(tagwarden().arg("judge").arg(PAST.company.join("events")).arg("--model").arg(&model), 2).stderr;
    let told = String::from_utf8(told).unwrap();
    assert!(told.contains("model.bin: found content of SHA-256") && told.contains("damaged or cut short"), "{told}");
}

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

#[test]
fn train_stays_by_a_schedule_and_a_schedule_needs_a_place_to_write_to() {
    let temp = tempfile::tempdir().unwrap();
    let [stays, once] = ["stays", "once"].map(|name| temp.path().join(name));
    let command = |out: &Path, more: &[&str]| {
        let mut command = tagwarden();
        command.arg("train").arg("--archive").arg(&PAST.archive).arg("--out").arg(out).args(more);
        command.arg("--exclude").arg(PAST.company.join("truth.ndjson"));
        command.arg("--inventory").arg(PAST.company.join("inventory.json"));
        command
    };
    exits(&mut command(&once, &["--days", "15"]), 0);
    // The newest date is being written, as far as anybody knows.
    let window = [&card(&once)["from"], &card(&once)["to"]].map(|time| time.as_str().unwrap()[..10].to_owned());
    assert_eq!(window, ["2026-01-13", "2026-01-28"]);
    let running = Running::start(&mut command(&stays, &["--days", "15", "--schedule", "every 1s"]));
    wait_for("two models", || running.told().iter().filter(|line| line.contains("model in ")).count() == 2);
    drop(running);
    let model = |out: &Path| fs::read(out.join("model.bin")).unwrap();
    assert!(model(&stays) == model(&once), "another model");
    for wrong in [&["--schedule", "3am"][..], &["--schedule", "03:00", "--from", "2026-01-05"], &["--days", "3"], &[]] {
        exits(&mut command(&stays, wrong), 2);
    }
    let place = Place::new(temp.path().join("place"), "[train]\nschedule = \"03:00\"\ndays = 28\n");
    let told = exits(&mut place.follow(&PAST.company.join("events")), 2).stderr;
    assert!(String::from_utf8(told).unwrap().contains("train.schedule: found no model's file to write to, want one"));
}

#[test]
fn verdicts_re_rank_once_there_are_enough() {
    let temp = tempfile::tempdir().unwrap();
    let place = Place::new(temp.path().join("place"), "[input]\nclock = \"event\"\n");
    report(&mut place.run_company(&PAST.company));
    let train = |out: &str, learns: &str, file: PathBuf| {
        let mut command = tagwarden();
        command.arg("train").arg("--archive").arg(&PAST.archive).args(["--from", "2026-01-05", "--to", "2026-01-25"]);
        command.arg("--inventory").arg(PAST.company.join("inventory.json")).arg(learns).arg(file);
        let out = temp.path().join(out);
        let said = String::from_utf8(exits(command.arg("--out").arg(&out), 0).stderr).unwrap();
        (fs::read(out.join("model.bin")).unwrap(), card(&out), out, said)
    };
    let (_, before, _, said) = train("none", "--verdicts", place.state());
    assert!(said.contains("verdicts: 0 judged alerts, 0 of them incidents"), "{said}");
    assert_eq!(before["verdicts"]["in_use"], false);
    assert_eq!(before["verdicts"]["left_out"], "want 30, of them 8 incidents and 8 others at least");

    for (name, want) in [("absent.db", "found no file"), ("empty.db", "found no alerts' tables")] {
        fs::write(temp.path().join("empty.db"), "").unwrap();
        let mut command = tagwarden();
        command.arg("train").arg("--archive").arg(&PAST.archive).args(["--from", "2026-01-05", "--to", "2026-01-25"]);
        command.arg("--out").arg(temp.path()).arg("--verdicts").arg(temp.path().join(name));
        let said = String::from_utf8(exits(&mut command, 2).stderr).unwrap();
        assert!(said.contains("--verdicts ") && said.contains(name) && said.contains(want), "{said}");
    }

    // Here people care about what a rule of level high hits, however ordinary it is.
    let mut ledger = Ledger::open_existing(&place.state()).unwrap();
    for alert in ledger.alerts(Which::Unjudged).unwrap() {
        let bad = alert.severity >= Severity::High && !alert.rules.is_empty();
        let verdict = if bad { Verdict::TruePositive } else { Verdict::Benign };
        let judgement = Judgement { verdict, by: "lee".into(), note: None, time: Timestamp(0) };
        assert!(ledger.judge(&alert.alert_id, &judgement).unwrap().1);
    }
    let (taught, after, with, said) = train("taught", "--verdicts", place.state());
    assert!(taught == train("again", "--verdicts", place.state()).0, "the same verdicts, another model");
    let ids = temp.path().join("ids");
    fs::write(&ids, ledger.events_of(Verdict::TruePositive).unwrap().join("\n")).unwrap();
    let (alone, _, plain, _) = train("alone", "--exclude", ids);
    assert!(alone != taught);
    let verdicts = &after["verdicts"];
    assert_eq!(verdicts["in_use"], true, "{said}");
    let scored = ledger.scored().unwrap();
    let bad = scored.iter().filter(|(verdict, _)| *verdict == Verdict::TruePositive).count();
    assert_eq!(
        (verdicts["alerts"].as_u64(), verdicts["incidents"].as_u64()),
        (Some(scored.len() as u64), Some(bad as u64))
    );
    assert!(verdicts["groups"].as_u64().unwrap() > 100, "{verdicts}");
    assert!(verdicts["trial"]["gain"]["low"].as_f64().unwrap() > 0.0, "{verdicts}");
    let excluded = |card: &Value| card["excluded"].as_u64().unwrap();
    assert!(excluded(&before) == 0 && excluded(&after) > 0, "what was an incident is not ordinary");
    let markdown = fs::read_to_string(with.join("CARD.md")).unwrap();
    assert!(markdown.contains("| average precision | ") && markdown.contains("| rules | +"), "{markdown}");

    // The score of a change is its own with what verdicts say added; other kinds of score stay what they are.
    let scores = |model: &Path, kind: &str| {
        let judged = judged(Some(model), &format!("[baseline]\nkind = \"{kind}\"\n"), "2026-01-12");
        judged.into_values().map(|row| (row["rule_ids"] != Value::Array(vec![]), row["score"].as_f64().unwrap()))
    };
    let gains = |hit: bool| {
        let both = scores(&plain, "blend").zip(scores(&with, "blend")).filter(|((is, _), _)| *is == hit);
        let gains: Vec<f64> = both.map(|((_, plain), (_, with))| with - plain).collect();
        assert!(gains.iter().all(|gain| gain.abs() <= 3.0 + 1e-9), "{gains:?}");
        gains.iter().sum::<f64>() / gains.len() as f64
    };
    assert!(gains(true) > gains(false) + 1.0, "{} {}", gains(true), gains(false));
    assert!(scores(&with, "blend").all(|(_, score)| score >= 0.0));
    assert!(scores(&with, "forest").eq(scores(&plain, "forest")));
}
