//! A model from an archive, and what is judged by it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::archive::{cell, rows};
use support::past::{PAST, card, judged, train};
use support::place::Place;
use support::running::{Running, wait_for};
use support::{exits, report, tagwarden};
use tagwarden_alert::{Judgement, Ledger, Verdict, Which};
use tagwarden_core::{Severity, Timestamp};

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
    let odd = card["odd_hours"]["farthest"].as_array().unwrap();
    assert!(!odd.is_empty(), "{card}");
    for hour in odd {
        let first = &past.values().find(|row| cell(row, "event_id") == hour["first_event"]).unwrap();
        assert!(!malicious.contains(cell(first, "event_id")), "{hour} was left out");
    }
    let groups = card["peer_groups"].as_array().unwrap();
    let groups: BTreeSet<&str> = groups.iter().map(|group| group["name"].as_str().unwrap()).collect();
    assert!(groups.len() > 3 && groups.iter().any(|name| name.starts_with("workloads by iac")), "{groups:?}");

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
    let said: BTreeSet<&str> =
        rows.values().map(|row| cell(row, "peer_group")).filter(|group| *group != "null").collect();
    assert!(said.len() > 2 && said.is_subset(&groups), "whoever reads learns who does the same job: {said:?}");
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

/// Of all numbers in it.
fn sum(parts: &Value) -> f64 {
    match parts {
        Value::Object(parts) => parts.values().map(sum).sum(),
        number => number.as_f64().unwrap(),
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
        for row in judged.values() {
            assert!((sum(&row["parts"]) - row["score"].as_f64().unwrap()).abs() < 1e-6, "{row}");
        }
        let has = |part: &str| judged.values().any(|row| sum(&row["parts"][part]) > 0.0);
        let families = ["families", "forest", "distance"].map(has);
        assert_eq!(families, [kind == "blend", kind != "dbscan", kind == "dbscan"], "{kind}");
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
