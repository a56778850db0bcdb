//! What the whole-system tests share: running the binary, a simulated company on disk, reading archives back.
#![expect(dead_code, unreachable_pub, reason = "each test uses its part of what they share")]

pub mod archive;
pub mod events;
pub mod past;
pub mod place;
pub mod running;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The binary under test.
pub fn tagwarden() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tagwarden"));
    command.stdin(Stdio::null());
    command
}

/// Runs to the end; panics unless it exits with `code`.
pub fn exits(command: &mut Command, code: i32) -> Output {
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{command:?}: {told}");
    output
}

/// Runs to the end and gives the report; panics unless it exits with 0 and events are accounted for.
pub fn report(command: &mut Command) -> Value {
    last_line(&exits(command, 0))
}

/// The report in what a run wrote.
pub fn last_line(output: &Output) -> Value {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    let report = serde_json::from_str(text.lines().last().expect("a last line")).unwrap();
    assert_identity(&report);
    report
}

/// A count of a report.
pub fn count(report: &Value, name: &str) -> u64 {
    report[name].as_u64().unwrap_or_else(|| panic!("{name} in {report}"))
}

/// `pulled = archived + read_only + quarantined + duplicate`, counted on both sides.
pub fn assert_identity(report: &Value) {
    let get = |name: &str| count(report, name);
    let fates = get("archived") + get("read_only") + get("quarantined") + get("duplicate");
    assert_eq!(get("pulled"), fates, "{report}");
}

/// The counts of a report as one array: pulled, archived, `read_only`, quarantined, duplicate.
pub fn fates(report: &Value) -> [u64; 5] {
    ["pulled", "archived", "read_only", "quarantined", "duplicate"].map(|name| count(report, name))
}

/// Writes a simulated company and gives its folder.
pub fn simulate(out: &Path, days: u32, seed: u64) -> PathBuf {
    let mut command = tagwarden();
    command.args(["simulate", "--days", &days.to_string(), "--seed", &seed.to_string(), "--out"]).arg(out);
    exits(&mut command, 0);
    out.to_owned()
}

/// A small generator of pseudo-random numbers (Marsaglia's xorshift), so that a failure can be had again.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }
}
