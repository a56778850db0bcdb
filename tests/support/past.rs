//! One simulated company's events and archive, and models learned from it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;

use super::place::Place;
use super::{exits, report, simulate, tagwarden};

/// Events and archive of one simulated company, made once for all tests.
pub struct Past {
    _temp: tempfile::TempDir,
    pub company: PathBuf,
    pub archive: PathBuf,
}

pub static PAST: LazyLock<Past> = LazyLock::new(|| {
    let temp = tempfile::tempdir().unwrap();
    let company = simulate(&temp.path().join("company"), 24, 11);
    let place = Place::new(temp.path().join("past"), "");
    report(&mut place.run_company(&company));
    Past { company, archive: place.archive(), _temp: temp }
});

/// Learns from the first twenty days, incidents left out; gives what was said on standard error.
pub fn train(out: &Path, seed: u64) -> String {
    let mut command = tagwarden();
    command.arg("train").arg("--archive").arg(&PAST.archive).args(["--from", "2026-01-05", "--to", "2026-01-25"]);
    command.arg("--inventory").arg(PAST.company.join("inventory.json")).arg("--out").arg(out);
    command.arg("--exclude").arg(PAST.company.join("truth.ndjson")).args(["--seed", &seed.to_string()]);
    String::from_utf8(exits(&mut command, 0).stderr).unwrap()
}

pub fn card(model: &Path) -> Value {
    serde_json::from_slice(&fs::read(model.join("card.json")).unwrap()).unwrap()
}

/// What `judge --parts` says by change, of changes from a date on.
pub fn judged(model: Option<&Path>, config: &str, from: &str) -> BTreeMap<String, Value> {
    let temp = tempfile::tempdir().unwrap();
    fs::write(temp.path().join("tagwarden.toml"), config).unwrap();
    let mut command = tagwarden();
    command.args(["judge", "--parts"]).arg(PAST.company.join("events"));
    command.arg("-c").arg(temp.path().join("tagwarden.toml"));
    command.arg("--inventory").arg(PAST.company.join("inventory.json"));
    command.args(model.map(|model| format!("--model={}", model.display())));
    let lines = String::from_utf8(exits(&mut command, 0).stdout).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let late = lines.filter(|line| line["event_time"].as_str().unwrap() >= from);
    late.map(|line| (line["change_id"].as_str().unwrap().to_owned(), line)).collect()
}
