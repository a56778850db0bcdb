//! The configuration file: raw settings in, checked settings out, every fault at once and with its line.
//!
//! Reading it touches no network and no other file but those that it names (rules, inventory), so `check` tells the
//! truth anywhere.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use tagwarden_connect::notify::Destination;

use crate::schedule::Schedule;

/// Everything `tagwarden.toml` may say. See `tagwarden.example.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What to read.
    pub input: Input,
    /// Where the archive is and how it is written.
    pub archive: Archive,
    /// Where memory is kept.
    pub state: State,
    /// When an epoch is sealed.
    pub epoch: Epoch,
    /// Which rules.
    pub rules: Rules,
    /// What the operator knows, in its own file.
    pub inventory: Inventory,
    /// What the operator knows, said here.
    pub company: tagwarden_enrich::Settings,
    /// The tag policy, what counts as production, suppressions.
    pub policy: tagwarden_detect::Policy,
    /// The learned baseline.
    pub baseline: tagwarden_baseline::Settings,
    /// When the worker learns a model by itself.
    pub train: Train,
    /// Grouping, routes, digests.
    pub alert: tagwarden_alert::Settings,
    /// Who is told.
    pub destination: Vec<Destination>,
    /// The metrics page.
    pub metrics: Metrics,
}

/// What to read.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Input {
    /// A file, a folder, or `-` for standard input.
    pub path: Option<PathBuf>,
    /// Stop at the end instead of waiting for more.
    pub until_end: bool,
    /// Keep all reads, not just those that a rule hit and the first of like ones in four hours.
    pub archive_read_only: bool,
    /// `wall`, or `event` to replay history as if it were live.
    pub clock: ClockKind,
}

/// What alerts take for "now".
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    /// The machine's clock.
    #[default]
    Wall,
    /// The newest event's time: history is told as if it were live.
    Event,
}

/// Where the archive is and how it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Archive {
    /// The archive's root, a folder.
    pub root: Option<PathBuf>,
    /// `as_received`, or `redacted`.
    pub raw: tagwarden_archive::Raw,
}

/// Where memory is kept.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct State {
    /// The SQLite file.
    pub file: Option<PathBuf>,
}

/// When an epoch is sealed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Epoch {
    /// Events per epoch.
    pub events: u64,
    /// Seconds after which an open epoch is sealed while input is followed; finite input is cut by count only.
    pub seconds: u64,
}

impl Default for Epoch {
    fn default() -> Self {
        Self { events: 65_536, seconds: 60 }
    }
}

/// Which rules.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// A folder of Sigma files in place of the shipped rules.
    pub dir: Option<PathBuf>,
    /// No rules at all.
    pub none: bool,
}

/// What the operator knows, in its own file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inventory {
    /// The JSON file.
    pub file: Option<PathBuf>,
}

/// When the worker learns a model by itself, and from how much.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Train {
    /// A time of day in UTC, such as `03:00`, or a span, such as `every 6h`; absent for never.
    pub schedule: Option<Schedule>,
    /// The archive's last so many days are learned from.
    pub days: u32,
}

impl Default for Train {
    fn default() -> Self {
        Self { schedule: None, days: 28 }
    }
}

/// The metrics page.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Address and port for `/metrics` and `/healthz`, such as `127.0.0.1:9464`; absent for none.
    pub listen: Option<String>,
}

/// One thing wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    /// The line in the file, from 1, where it is known.
    pub line: Option<usize>,
    /// The path of the setting.
    pub path: String,
    /// `found X, want Y`.
    pub what: String,
}

impl std::fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        write!(f, "{}: {}", self.path, self.what)
    }
}

/// Reads a configuration's text. Faults of form come all at once: each faulty line is noted, blanked and the rest read
/// again, so line numbers stay.
pub fn parse(text: &str) -> Result<Config, Vec<ConfigFault>> {
    let (mut text, mut faults) = (text.to_owned(), Vec::new());
    loop {
        let deserializer = match toml::Deserializer::parse(&text) {
            Ok(deserializer) => deserializer,
            Err(error) => {
                let line = error.span().map(|span| line_of(&text, span.start));
                faults.push(ConfigFault { line, path: "toml".into(), what: first_line(error.message()) });
                return Err(faults);
            }
        };
        let error = match serde_path_to_error::deserialize::<_, Config>(deserializer) {
            Ok(config) if faults.is_empty() => return Ok(config),
            Ok(_) => return Err(faults),
            Err(error) => error,
        };
        let path = error.path().to_string();
        let inner = error.into_inner();
        let span = inner.span();
        // A setting that is missing because its line was blanked is no fault of its own.
        let missing = inner.message().starts_with("missing field");
        let table = span.as_ref().map(|span| lines_of_table(&text, span.start));
        let inside =
            |fault: &ConfigFault| table.as_ref().zip(fault.line).is_some_and(|(lines, at)| lines.contains(&at));
        let ours = missing && faults.iter().any(inside);
        if !ours {
            let line = span.as_ref().map(|span| line_of(&text, span.start));
            faults.push(ConfigFault { line, path, what: found_and_wanted(inner.message()) });
        }
        let blanked = span.is_some_and(|span| blank(&mut text, span));
        if !blanked || faults.len() == 100 {
            return Err(faults);
        }
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
}

/// The lines of the table whose header is at `at`.
fn lines_of_table(text: &str, at: usize) -> std::ops::Range<usize> {
    let at = at.min(text.len());
    let end = text[at..].find("\n[").map_or(text.len(), |next| at + next + 1);
    line_of(text, at)..line_of(text, end).max(line_of(text, at) + 1)
}

/// Replaces the lines of `span` by spaces; under a table's header, up to the next header.
fn blank(text: &mut String, span: std::ops::Range<usize>) -> bool {
    let start = text[..span.start.min(text.len())].rfind('\n').map_or(0, |at| at + 1);
    let header = text[start..].trim_start().starts_with('[');
    let end = if header {
        text[start + 1..].find("\n[").map_or(text.len(), |at| start + 1 + at)
    } else {
        let from = span.end.max(start).min(text.len());
        text[from..].find('\n').map_or(text.len(), |at| from + at)
    };
    let blanked: String = text[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
    let changed = text[start..end].trim() != "";
    text.replace_range(start..end, &blanked);
    changed
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

/// serde's words in ours.
fn found_and_wanted(message: &str) -> String {
    let message = first_line(message);
    for prefix in ["invalid type: ", "invalid value: ", "invalid length "] {
        if let Some((found, wanted)) = message.strip_prefix(prefix).and_then(|rest| rest.split_once(", expected ")) {
            let wanted = match wanted {
                "u16" | "u32" | "u64" | "usize" => "a whole number",
                "f64" => "a number",
                wanted => wanted,
            };
            return format!("found {found}, want {wanted}");
        }
    }
    for (prefix, noun) in [("unknown field ", "setting"), ("unknown variant ", "")] {
        if let Some((found, wanted)) = message.strip_prefix(prefix).and_then(|rest| rest.split_once(", expected ")) {
            return format!(
                "found {} {found}, want {wanted}",
                if noun.is_empty() { "the word" } else { "the unknown setting" }
            );
        }
    }
    match message.strip_prefix("missing field ") {
        Some(field) => format!("found nothing, want the setting {field}"),
        None => message,
    }
}

/// The text of what was in force, for `_versions/`: no secrets, and nothing that says where things lie rather than how
/// they are judged, so that the same work in another folder has the same version.
pub fn version_text(text: &str, overrides: &[(&str, toml::Value)]) -> anyhow::Result<String> {
    let mut table: toml::Table = toml::from_str(text)?;
    for section in ["state", "metrics", "rules", "inventory", "epoch", "destination", "alert", "train"] {
        table.remove(section);
    }
    if let Some(input) = table.get_mut("input").and_then(toml::Value::as_table_mut) {
        input.retain(|key, _| key == "archive_read_only");
    }
    if let Some(archive) = table.get_mut("archive").and_then(toml::Value::as_table_mut) {
        archive.remove("root");
    }
    for (path, value) in overrides {
        let (section, key) = path.split_once('.').unwrap_or(("", path));
        let inner = table.entry(section).or_insert_with(|| toml::Table::new().into());
        if let Some(inner) = inner.as_table_mut() {
            inner.insert(key.to_owned(), value.clone());
        }
    }
    table.retain(|_, value| value.as_table().is_none_or(|t| !t.is_empty()));
    // Defaults are those of this release.
    Ok(format!("# tagwarden {}\n{}", env!("CARGO_PKG_VERSION"), toml::to_string(&table)?))
}

/// Where a path in the configuration points: beside the file that names it.
pub fn beside(config: Option<&Path>, path: &Path) -> PathBuf {
    match config.and_then(Path::parent) {
        Some(folder) if path.is_relative() && path.as_os_str() != "-" => folder.join(path),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, version_text};

    #[test]
    fn every_fault_comes_at_once_with_its_line() {
        let text = "[epoch]\nevents = \"many\"\nsize = 3\n\n[nonsense]\na = 1\n\n[input]\nclock = \"sundial\"\n";
        let faults: Vec<String> = parse(text).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(faults.len(), 4, "{faults:#?}");
        assert!(
            faults.iter().any(|f| f == "line 2: epoch.events: found string \"many\", want a whole number"),
            "{faults:#?}"
        );
        assert!(
            faults.iter().any(|f| f.starts_with("line 3: epoch.size: found the unknown setting `size`")),
            "{faults:#?}"
        );
        assert!(faults.iter().any(|f| f.starts_with("line 5: nonsense: found the unknown setting")), "{faults:#?}");
        assert!(faults.iter().any(|f| f.starts_with("line 9: input.clock: found the word `sundial`")), "{faults:#?}");
    }

    #[test]
    fn a_blanked_line_is_not_missed() {
        let text = "[[destination]]\nname = \"a\"\nkind = \"pager\"\n[[destination]]\nname = \"b\"\n[epoch]\nevents = \"many\"\n[input]\npath = 5\n";
        let faults: Vec<String> = parse(text).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(faults.len(), 4, "{faults:#?}");
        assert!(
            faults.iter().any(|f| f.starts_with("line 3: destination[0].kind: found the word `pager`")),
            "{faults:#?}"
        );
        assert!(
            faults
                .iter()
                .any(|f| f.starts_with("line 4: destination") && f.ends_with("found nothing, want the setting `kind`")),
            "{faults:#?}"
        );
        assert!(faults.iter().any(|f| f.starts_with("line 9: input.path: found integer `5`")), "{faults:#?}");
    }

    #[test]
    fn an_empty_file_is_the_defaults() {
        let config = parse("").unwrap();
        assert_eq!(config.epoch.events, 65_536);
    }

    #[test]
    fn versions_hold_no_secret_and_no_place() {
        let text = "[archive]\nroot = \"/a\"\n[state]\nfile = \"x\"\n[[destination]]\nname = \"s\"\nkind = \"slack\"\nwebhook_url = \"hunter2\"\n[policy]\nproduction = [\"live\"]\n";
        let version = version_text(text, &[("input.archive_read_only", true.into())]).unwrap();
        let body = version.split_once('\n').unwrap().1;
        assert_eq!(body, "[input]\narchive_read_only = true\n\n[policy]\nproduction = [\"live\"]\n");
    }
}
