//! Killed anywhere, started again: the archive is the one of a run that nobody disturbed.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use support::archive::{assert_same_rows, rows};
use support::place::{Place, Served, assert_on_record, messages};
use support::{Random, report, simulate};

const EPOCH: u64 = 500;

/// A place whose messages go by the events' clock.
fn place(dir: PathBuf, slack: Option<&Served>) -> Place {
    Place::new(dir, &format!("[input]\nclock = \"event\"\n{}", slack.map_or(String::new(), Served::config)))
}

/// A run over `company`, cut into epochs.
fn run(place: &Place, company: &Path) -> Command {
    let mut command = place.run_company(company);
    command.args(["--epoch-events", &EPOCH.to_string()]);
    command
}

#[test]
fn killed_at_any_moment() {
    let temp = tempfile::tempdir().unwrap();
    let company = simulate(&temp.path().join("company"), 12, 11);
    let whole = place(temp.path().join("whole"), None);
    let began = std::time::Instant::now();
    let wanted_report = report(&mut run(&whole, &company));
    let span = u64::try_from(began.elapsed().as_millis()).unwrap();
    let total = wanted_report["pulled"].as_u64().unwrap();
    assert!(total / EPOCH >= 20, "{total} events are fewer than 20 epochs");
    let wanted = rows(&whole.archive());
    assert_eq!(wanted.len() as u64, wanted_report["changes"].as_u64().unwrap());

    let mut random = Random(0x5EED);
    let (mut kills, mut chain) = (0, 0);
    while kills < 200 {
        chain += 1;
        let place = place(temp.path().join(format!("chain-{chain}")), None);
        loop {
            let before = place.epochs();
            let mut child = run(&place, &company).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
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
        let last = report(&mut run(&place, &company));
        // What was advanced is not read again; what was not is less than an epoch behind where the killed one stood.
        assert_eq!(last["pulled"].as_u64().unwrap(), total.saturating_sub(before * EPOCH));
        assert_same_rows(&rows(&place.archive()), &wanted);
        assert_on_record(&place, 10);
        assert_eq!(report(&mut run(&place, &company))["pulled"], 0, "finished input is read again");
        std::fs::remove_dir_all(&place.dir).unwrap();
    }
}

#[test]
fn killed_at_each_step() {
    let temp = tempfile::tempdir().unwrap();
    let company = simulate(&temp.path().join("company"), 8, 12);
    let whole = place(temp.path().join("whole"), None);
    report(&mut run(&whole, &company));
    let wanted = rows(&whole.archive());
    for step in ["intend", "intended", "put:", "put-done:", "advance", "advanced", "alert", "alerted"] {
        let place = place(temp.path().join(step.replace(':', "")), None);
        for nth in [1, 2, 5] {
            let status =
                run(&place, &company).env("TAGWARDEN_KILL", format!("{step}:{nth}")).stdout(Stdio::null()).status();
            assert!(!status.unwrap().success(), "{step} was not reached {nth} times");
        }
        report(&mut run(&place, &company));
        assert_same_rows(&rows(&place.archive()), &wanted);
        assert_on_record(&place, 10);
    }
}

#[test]
fn every_alert_arrives_with_at_most_one_repeat_a_kill() {
    let temp = tempfile::tempdir().unwrap();
    let company = simulate(&temp.path().join("company"), 30, 13);
    let quiet = Served::start(vec![]);
    let whole = place(temp.path().join("whole"), Some(&quiet));
    let opened = report(&mut run(&whole, &company))["alerts"].as_u64().unwrap();
    let wanted = messages(&quiet);
    assert!(opened > 0 && !wanted.is_empty(), "a month with incidents sends something");

    let server = Served::start(vec![]);
    let place = place(temp.path().join("killed"), Some(&server));
    let mut random = Random(0xA1E47);
    let mut kills = 0;
    while kills < 20 {
        let mut child = run(&place, &company).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(50 + random.below(600)));
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            break;
        }
        kills += 1;
    }
    report(&mut run(&place, &company));
    let found = messages(&server);
    // How much one follow-up holds depends on when the clock was looked at; that each change is told does not.
    for (text, times) in wanted.iter().filter(|(text, _)| !text.starts_with('+')) {
        assert!(found.get(text).is_some_and(|n| n >= times), "`{text}` did not arrive");
    }
    let told = [&whole, &place].map(|place| place.told("slack"));
    let [wanted_changes, found_changes] =
        told.map(|counts| (counts.to_alert, counts.delivered + counts.folded, counts.pending));
    assert_eq!(found_changes, wanted_changes);
    let (sent, needed): (u32, u32) = (found.values().sum(), wanted.values().sum());
    assert!(sent <= needed + kills, "{sent} sent, {needed} wanted, {kills} kills");
}
