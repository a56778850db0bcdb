//! `evaluate`: what it says of a small simulated company, what it keeps apart, and what it refuses.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};
use support::{exits, tagwarden};

/// Three weeks of a small company, with one event twice and one line that is no event.
struct Company {
    folder: PathBuf,
    test_start: String,
    /// Ids of the events at or after the start of the test, told by their time alone.
    judged: BTreeSet<String>,
    /// How many events are before it.
    learned: usize,
    malicious: BTreeSet<String>,
}

impl Company {
    fn evaluate(&self, out: &Path) -> Command {
        let mut command = tagwarden();
        command.arg("evaluate").arg("--events").arg(self.folder.join("events"));
        command.arg("--truth").arg(self.folder.join("truth.ndjson"));
        command.arg("--inventory").arg(self.folder.join("inventory.json"));
        command.args(["--train-until", &self.test_start]).arg("--scores").arg(out);
        command
    }
}

fn company() -> &'static Company {
    static COMPANY: OnceLock<Company> = OnceLock::new();
    COMPANY.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("evaluated-company");
        let _gone_already = fs::remove_dir_all(&folder);
        let mut simulate = tagwarden();
        simulate.args(["simulate", "--days", "21", "--seed", "51", "--events-per-day", "250", "--out"]).arg(&folder);
        exits(&mut simulate, 0);
        let spec: Value = serde_json::from_slice(&fs::read(folder.join("spec.json")).unwrap()).unwrap();
        let test_start = spec["test_start"].as_str().unwrap().to_owned();
        let (mut judged, mut learned) = (BTreeSet::new(), 0);
        let mut last = String::new();
        for path in support::archive::files(&folder.join("events")) {
            let mut text = String::new();
            flate2::read::GzDecoder::new(fs::File::open(&path).unwrap()).read_to_string(&mut text).unwrap();
            for line in text.lines() {
                let event: Value = serde_json::from_str(line).unwrap();
                if event["eventTime"].as_str().unwrap() >= test_start.as_str() {
                    judged.insert(event["eventID"].as_str().unwrap().to_owned());
                } else {
                    learned += 1;
                }
                line.clone_into(&mut last);
            }
        }
        fs::write(folder.join("events/9999-99-99.ndjson"), format!("{last}\n{{\"no\": \"event\"}}\n")).unwrap();
        let malicious = truth(&folder).into_iter().filter(|line| line["malicious"] == true);
        let malicious = malicious.map(|line| line["event_id"].as_str().unwrap().to_owned()).collect();
        Company { folder, test_start, judged, learned, malicious }
    })
}

fn truth(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("truth.ndjson")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn last_line(stdout: &[u8]) -> Value {
    serde_json::from_str(std::str::from_utf8(stdout).unwrap().lines().last().unwrap()).unwrap()
}

/// An event is as unusual as the most unusual of its changes, whose reasons it has: `judge` says them one by one.
fn assert_worst_of_changes(company: &Company) {
    let temp = tempfile::tempdir().unwrap();
    let (out, config) = (temp.path().join("scores.ndjson"), temp.path().join("tagwarden.toml"));
    // With a model given, both score alike; else `evaluate` learns one on the way.
    let model = ["--model", concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/simulated")];
    exits(company.evaluate(&out).args(model), 0);
    fs::write(&config, "[input]\narchive_read_only = true\n").unwrap();
    let mut judge = tagwarden();
    judge.arg("judge").arg(company.folder.join("events")).args(model).arg("--parts").arg("-c").arg(&config);
    judge.arg("--inventory").arg(company.folder.join("inventory.json"));
    let mut changes: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in std::str::from_utf8(&exits(&mut judge, 0).stdout).unwrap().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        changes.entry(row["event_id"].as_str().unwrap().to_owned()).or_default().push(row);
    }
    let score = |row: &Value| row["score"].as_f64().unwrap();
    let mut later = 0;
    for line in fs::read_to_string(&out).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let changes = &changes[line["event_id"].as_str().unwrap()];
        // Of equal ones the first.
        let worst = changes.iter().reduce(|a, b| if score(b) > score(a) { b } else { a }).unwrap();
        let all: Vec<f64> = changes.iter().map(score).collect();
        assert_eq!(line["score"], worst["score"], "{} has changes of {all:?}", line["event_id"]);
        assert_eq!(line["reasons"], worst["reasons"], "{}", line["event_id"]);
        later += usize::from(score(worst) > score(&changes[0]));
    }
    assert!(later > 5, "{later} events whose first change is not the most unusual one prove little");
}

#[test]
fn every_event_judged_has_one_line_and_the_figures_follow_from_them() {
    let company = company();
    let temp = tempfile::tempdir().unwrap();
    let (out, page) = (temp.path().join("scores.ndjson"), temp.path().join("page.html"));
    let output = exits(company.evaluate(&out).arg("--html").arg(&page), 0);
    let report = last_line(&output.stdout);

    let mut ids = BTreeMap::new();
    let mut dispositions = BTreeSet::new();
    for line in fs::read_to_string(&out).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let names: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["event_id", "time", "score", "disposition", "reasons"]);
        let score = line["score"].as_f64().expect("a finite score");
        assert!(line["reasons"].is_array() && line["time"].as_str().unwrap() >= company.test_start.as_str());
        dispositions.insert(line["disposition"].as_str().unwrap().to_owned());
        let again = ids.insert(line["event_id"].as_str().unwrap().to_owned(), score);
        assert_eq!(again, None, "an event that came twice has one line");
    }
    assert_eq!(ids.keys().cloned().collect::<BTreeSet<_>>(), company.judged, "reads and denied calls too");
    assert!(dispositions.contains("archive_only") && dispositions.contains("notify"), "{dispositions:?}");

    assert_eq!(report["events"], company.judged.len());
    assert_eq!((&report["learned"], &report["quarantined"]), (&json!(company.learned), &json!(1)));
    let malicious = company.judged.intersection(&company.malicious).count();
    assert_eq!(report["malicious_events"], malicious);
    // Average precision from the lines alone.
    let mut scores: Vec<(f64, bool)> = ids.iter().map(|(id, score)| (*score, company.malicious.contains(id))).collect();
    scores.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut hit, mut seen, mut ap) = (0_usize, 0_usize, 0.0);
    for equal in scores.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let hits = equal.iter().filter(|(_, malicious)| *malicious).count();
        (hit, seen) = (hit + hits, seen + equal.len());
        ap += hits as f64 / malicious as f64 * hit as f64 / seen as f64;
    }
    assert!((report["ap"].as_f64().unwrap() - ap).abs() < 1e-9, "{ap} from the lines, {} said", report["ap"]);
    let compared = &report["compared"];
    assert_eq!(
        compared.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["surprisal_sum", "rules", "one_hot_forest", "random"]
    );
    assert!(compared["random"]["ap"].as_f64().unwrap() * 3.0 < ap);
    let recall = |budget: &str| report["recall"][budget].as_f64().unwrap();
    assert!(recall("5") <= recall("10") && recall("10") <= recall("20") && recall("20") > 0.0);

    let page = fs::read_to_string(page).unwrap();
    assert_eq!(page.matches("<svg").count(), 3);
    assert!(!page.contains("http") && !page.contains("<script") && !page.contains("NaN"), "all is in the page itself");
    for scenario in report["per_scenario"].as_object().unwrap().keys() {
        assert!(page.contains(scenario.as_str()), "{scenario}");
    }

    assert_worst_of_changes(company);

    // Only the object, and the same one.
    let output = exits(company.evaluate(&out).arg("--json"), 0);
    assert_eq!(std::str::from_utf8(&output.stdout).unwrap().trim_end().lines().count(), 1);
    assert_eq!(last_line(&output.stdout), report);
}

#[test]
fn truth_does_not_reach_what_judges() {
    let company = company();
    let temp = tempfile::tempdir().unwrap();
    let [right, wrong, lie] = ["right", "wrong", "truth"].map(|name| temp.path().join(name));
    let told = last_line(&exits(company.evaluate(&right).args(["--no-rules", "--json"]), 0).stdout);
    assert!(told["compared"].get("rules").is_none(), "there are none to compare with");
    // Attacks are called benign, their twins attacks.
    let mut lies = String::new();
    for mut line in truth(&company.folder) {
        line["malicious"] = json!(line["malicious"] == false);
        lies.push_str(&line.to_string());
        lies.push('\n');
    }
    fs::write(&lie, lies).unwrap();
    let mut lied_to = tagwarden();
    lied_to.arg("evaluate").arg("--events").arg(company.folder.join("events")).arg("--truth").arg(&lie);
    lied_to.arg("--inventory").arg(company.folder.join("inventory.json")).args(["--no-rules", "--json"]);
    lied_to.args(["--train-until", &company.test_start]).arg("--scores").arg(&wrong);
    let other = last_line(&exits(&mut lied_to, 0).stdout);
    assert_ne!(other["ap"], told["ap"]);
    assert!(fs::read(&right).unwrap() == fs::read(&wrong).unwrap(), "scores depend on the truth");
}

#[test]
fn what_can_not_be_measured_is_refused() {
    let company = company();
    let temp = tempfile::tempdir().unwrap();
    let [events, labels] = ["events.ndjson", "truth.ndjson"].map(|name| temp.path().join(name));
    fs::write(&events, support::events::lines(0..20)).unwrap();
    let label = |id: &str| json!({"event_id": id, "incident": "i", "scenario": "s", "malicious": true}).to_string();
    let refused = |labelled: &str, until: &str, wanted: &str| {
        fs::write(&labels, labelled).unwrap();
        let mut command = tagwarden();
        command.arg("evaluate").arg("--events").arg(&events).arg("--truth").arg(&labels);
        let output = exits(command.args(["--train-until", until]), 2);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(wanted), "found {told}, want {wanted}");
        assert!(output.stdout.is_empty());
    };
    let (middle, last) = (support::events::at(10), label(&support::events::event_id(15)));
    refused("", &middle, "truth.ndjson: found no line, want one per event of an incident");
    refused("{}\n", &middle, "truth.ndjson: line 1: found missing field `event_id`");
    refused(&last, "soon", "--train-until: found `soon`, want a time");
    refused(
        &last,
        "2026-01-01",
        "found no event before 2026-01-01T00:00:00.000Z to learn from, the first is at 2026-03-02",
    );
    refused(
        &last,
        "2026-04-01",
        "found no event at or after 2026-04-01T00:00:00.000Z to judge, the last is at 2026-03-02",
    );
    refused(&label("nobody"), &middle, "found 1 of 1 events that are not among --events, such as nobody");
    let known_and_not = format!("{last}\n{}\n", label("nobody"));
    refused(&known_and_not, &middle, "found 1 of 2 events that are not among --events, such as nobody");
    refused(&label(&support::events::event_id(5)), &middle, "found no malicious event at or after --train-until");

    // A record that can't be used may be the one that truth names: said, and the rest is measured.
    fs::write(&events, format!("{}{{\"eventID\": \"nobody\"}}\n", support::events::lines(0..20))).unwrap();
    fs::write(&labels, known_and_not).unwrap();
    let mut command = tagwarden();
    command.arg("evaluate").arg("--events").arg(&events).arg("--truth").arg(&labels);
    let output = exits(command.args(["--train-until", &middle]), 0);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("such as nobody; 1 records could not be used"), "{told}");
    let report = last_line(&output.stdout);
    assert_eq!(report["incidents"], 1);
    assert_eq!((&report["learned"], &report["events"]), (&json!(10), &json!(10)), "an event at the time is judged");
    assert!(company.judged.len() > 1000, "the company is large enough to say something");
}
