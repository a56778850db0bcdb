//! Killed anywhere, started again: the archive is the one of a run that nobody disturbed.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use support::{assert_identity, assert_same_rows, report, rows, simulate, tagwarden};
use tagwarden_connect::SqliteState;
use tagwarden_testkit::http_server::{Answer, HttpServer};

const EPOCH: u64 = 500;

/// One place to run in: archive, state, configuration.
struct Place {
    dir: PathBuf,
    company: PathBuf,
}

impl Place {
    fn new(dir: PathBuf, company: &Path, slack: Option<&str>) -> Self {
        std::fs::create_dir_all(&dir).unwrap();
        let destination = slack.map_or(String::new(), |url| {
            format!("[[destination]]\nname = \"slack\"\nkind = \"slack\"\nwebhook_url = \"{url}\"\n")
        });
        std::fs::write(dir.join("tagwarden.toml"), format!("[input]\nclock = \"event\"\n{destination}")).unwrap();
        Self { dir, company: company.to_owned() }
    }

    fn archive(&self) -> PathBuf {
        self.dir.join("archive")
    }

    fn state(&self) -> PathBuf {
        self.dir.join("state.db")
    }

    fn command(&self) -> Command {
        let mut command = tagwarden();
        command.arg("run").arg("-c").arg(self.dir.join("tagwarden.toml"));
        command.arg("--input").arg(self.company.join("events"));
        command.arg("--inventory").arg(self.company.join("inventory.json"));
        command.arg("--archive").arg(self.archive()).arg("--state").arg(self.state());
        command.args(["--until-end", "--json", "--epoch-events", &EPOCH.to_string()]);
        command
    }

    /// Epochs advanced so far.
    fn epochs(&self) -> u64 {
        if !self.state().exists() {
            return 0;
        }
        let state = SqliteState::open_read_only(&self.state());
        state.and_then(|state| state.load(&mut |_| ())).map_or(0, |loaded| loaded.epoch)
    }
}

/// A small generator of pseudo-random numbers (Marsaglia's xorshift), so that a failure can be had again.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[test]
fn killed_at_any_moment() {
    let temp = tempfile::tempdir().unwrap();
    let company = simulate(&temp.path().join("company"), 24, 11);
    let whole = Place::new(temp.path().join("whole"), &company, None);
    let began = std::time::Instant::now();
    let wanted_report = report(&mut whole.command());
    let span = u64::try_from(began.elapsed().as_millis()).unwrap();
    assert_identity(&wanted_report);
    let total = wanted_report["pulled"].as_u64().unwrap();
    assert!(total / EPOCH >= 20, "{total} events are fewer than 20 epochs");
    let wanted = rows(&whole.archive());
    assert_eq!(wanted.len() as u64, wanted_report["changes"].as_u64().unwrap());

    let mut random = Random(0x5EED);
    let (mut kills, mut chain) = (0, 0);
    while kills < 200 {
        chain += 1;
        let place = Place::new(temp.path().join(format!("chain-{chain}")), &company, None);
        loop {
            let before = place.epochs();
            let mut child = place.command().stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(random.below(span / 2)));
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            kills += u32::from(!output.status.success());
            assert!(place.epochs() >= before, "an advance was undone");
            if output.status.success() || kills >= 200 {
                break;
            }
        }
        let before = place.epochs();
        let last = report(&mut place.command());
        assert_identity(&last);
        // What was advanced is not read again; what was not is less than an epoch behind where the killed one stood.
        assert_eq!(last["pulled"].as_u64().unwrap(), total.saturating_sub(before * EPOCH));
        assert_same_rows(&rows(&place.archive()), &wanted);
        assert_eq!(report(&mut place.command())["pulled"], 0, "finished input is read again");
        std::fs::remove_dir_all(&place.dir).unwrap();
    }
}

#[test]
fn killed_at_each_step() {
    let temp = tempfile::tempdir().unwrap();
    let company = simulate(&temp.path().join("company"), 16, 12);
    let whole = Place::new(temp.path().join("whole"), &company, None);
    report(&mut whole.command());
    let wanted = rows(&whole.archive());
    for step in ["intend", "intended", "put:", "put-done:", "advance", "advanced", "alert", "alerted"] {
        let place = Place::new(temp.path().join(step.replace(':', "")), &company, None);
        for nth in [1, 2, 5] {
            let status = place.command().env("TAGWARDEN_KILL", format!("{step}:{nth}")).stdout(Stdio::null()).status();
            assert!(!status.unwrap().success(), "{step} was not reached {nth} times");
        }
        assert_identity(&report(&mut place.command()));
        assert_same_rows(&rows(&place.archive()), &wanted);
    }
}

#[test]
fn every_alert_arrives_with_at_most_one_repeat_a_kill() {
    let temp = tempfile::tempdir().unwrap();
    let company = simulate(&temp.path().join("company"), 30, 13);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let messages = |server: &HttpServer| {
        let mut by_text: BTreeMap<String, u32> = BTreeMap::new();
        for request in server.requests() {
            let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
            *by_text.entry(body["text"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        by_text
    };
    let quiet = runtime.block_on(HttpServer::start(vec![], Answer::ok())).unwrap();
    let whole = Place::new(temp.path().join("whole"), &company, Some(&quiet.url("/hook")));
    let opened = report(&mut whole.command())["alerts"].as_u64().unwrap();
    let wanted = messages(&quiet);
    assert!(opened > 0 && !wanted.is_empty(), "a month with incidents sends something");

    let server = runtime.block_on(HttpServer::start(vec![], Answer::ok())).unwrap();
    let place = Place::new(temp.path().join("killed"), &company, Some(&server.url("/hook")));
    let mut random = Random(0xA1E47);
    let mut kills = 0;
    while kills < 20 {
        let mut child = place.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(50 + random.below(600)));
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            break;
        }
        kills += 1;
    }
    assert_identity(&report(&mut place.command()));
    let found = messages(&server);
    for (text, times) in &wanted {
        assert!(found.get(text).is_some_and(|n| n >= times), "`{text}` did not arrive");
    }
    let sent = |m: &BTreeMap<String, u32>| m.values().sum::<u32>();
    assert!(sent(&found) <= sent(&wanted) + kills, "{} sent, {} wanted, {kills} kills", sent(&found), sent(&wanted));
}
