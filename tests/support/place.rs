//! One place to run in, and a scripted Slack beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tagwarden_alert::{Counts, Ledger};
use tagwarden_connect::SqliteState;
use tagwarden_testkit::http_server::{Answer, HttpServer};
use tokio::runtime::Runtime;

use super::archive::{cell, rows};
use super::tagwarden;

/// A folder with configuration, archive and state.
pub struct Place {
    pub dir: PathBuf,
}

impl Place {
    pub fn new(dir: PathBuf, config: &str) -> Self {
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("tagwarden.toml"), config).unwrap();
        Self { dir }
    }

    pub fn config(&self) -> PathBuf {
        self.dir.join("tagwarden.toml")
    }

    pub fn archive(&self) -> PathBuf {
        self.dir.join("archive")
    }

    pub fn state(&self) -> PathBuf {
        self.dir.join("state.db")
    }

    /// `run` over `input` to its end, configured.
    pub fn run(&self, input: &Path) -> Command {
        let mut command = self.follow(input);
        command.args(["--until-end", "--json"]);
        command
    }

    /// `run` over `input` without an end, configured.
    pub fn follow(&self, input: &Path) -> Command {
        let mut command = tagwarden();
        command.arg("run").arg("-c").arg(self.config()).arg("--input").arg(input);
        command.arg("--archive").arg(self.archive()).arg("--state").arg(self.state());
        command
    }

    /// `run` over a simulated company, which says what it knows.
    pub fn run_company(&self, company: &Path) -> Command {
        let mut command = self.run(&company.join("events"));
        command.arg("--inventory").arg(company.join("inventory.json"));
        command
    }

    /// Epochs advanced so far.
    pub fn epochs(&self) -> u64 {
        if !self.state().exists() {
            return 0;
        }
        let state = SqliteState::open_read_only(&self.state());
        state.and_then(|state| state.load(&mut |_| ())).map_or(0, |loaded| loaded.epoch)
    }

    /// What became of the changes meant for `destination`.
    pub fn told(&self, destination: &str) -> Counts {
        let counts = Ledger::open(&self.state()).unwrap().counts().unwrap();
        let counts = counts.get(destination).copied().unwrap_or_default();
        assert!(counts.adds_up(), "{counts:?}");
        counts
    }
}

/// Whatever the archive says somebody is to be told of, now or by a digest, is on record to be told: at least `least` changes.
pub fn assert_on_record(place: &Place, least: usize) {
    let on_record = Ledger::open(&place.state()).unwrap().kept(0).unwrap();
    let rows = rows(&place.archive());
    let told: Vec<_> = rows.iter().filter(|(_, row)| cell(row, "disposition") != "archive_only").collect();
    let lost: Vec<_> = told.iter().filter(|(id, _)| !on_record.contains_key(*id)).collect();
    assert!(
        lost.is_empty(),
        "{} of {} changes are lost to the digest: {:?}",
        lost.len(),
        told.len(),
        lost.first().map(|(id, _)| id)
    );
    assert!(told.len() >= least, "{} changes prove little", told.len());
}

/// The configuration of one Slack destination.
pub fn slack(url: &str) -> String {
    format!("[[destination]]\nname = \"slack\"\nkind = \"slack\"\nwebhook_url = \"{url}\"\n")
}

/// A scripted Slack, and what it runs on.
pub struct Served {
    pub slack: HttpServer,
    _runtime: Runtime,
}

impl Served {
    /// Answers by `script`, then with ok.
    pub fn start(script: Vec<Answer>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let slack = runtime.block_on(HttpServer::start(script, Answer::ok())).unwrap();
        Self { slack, _runtime: runtime }
    }

    /// The configuration that sends here.
    pub fn config(&self) -> String {
        slack(&self.slack.url("/hook"))
    }

    /// The payloads so far, in order.
    pub fn payloads(&self) -> Vec<Value> {
        self.slack.requests().iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect()
    }
}

/// How often each text arrived.
pub fn messages(served: &Served) -> BTreeMap<String, u32> {
    let mut by_text = BTreeMap::new();
    for payload in served.payloads() {
        *by_text.entry(payload["text"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    by_text
}
