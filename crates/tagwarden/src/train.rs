//! One training: a stretch of an archive in, a model and its card out.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tagwarden_alert::{Ledger, Verdict};
use tagwarden_archive::Archive;
use tagwarden_baseline::{About, Card, Example};
use tagwarden_core::{Scores, Timestamp};

use crate::Usage;
use crate::wire::training::Learner;
use crate::wire::{Recipe, name_versions};

const DAY_SECONDS: i64 = 86_400;

/// Dates of an archive, the first to before the last.
#[derive(Debug)]
pub struct Stretch {
    archive: PathBuf,
    from: Timestamp,
    to: Timestamp,
}

impl Stretch {
    /// The dates from `from` to before `to`.
    ///
    /// # Errors
    /// A root of no archive, dates that are none or in the wrong order.
    pub fn between(archive: &Path, from: &str, to: &str) -> Result<Self> {
        let (first, end) = (date(from, "--from")?, date(to, "--to")?);
        if first >= end {
            return Err(Usage(format!("--to: found {to}, want a date after {from}")).into());
        }
        Ok(Self { archive: root(archive)?, from: first, to: end })
    }

    /// The last whole days of which there are rows. The newest date is left out: it is still being written.
    ///
    /// # Errors
    /// A root of no archive, or of one without rows.
    pub async fn last_days(archive: &Path, days: u32) -> Result<Self> {
        let archive = root(archive)?;
        let newest = Archive::open(&archive, "0", tagwarden_archive::Settings::default()).await?.newest_date().await?;
        let Some(newest) = newest else {
            anyhow::bail!("{}: found no rows, want some to learn from", archive.display())
        };
        let to = date(&newest, "changes/dt=")?;
        Ok(Self { from: to.plus_seconds(-DAY_SECONDS * i64::from(days)), to, archive })
    }

    /// How many days it is long, at most what a baseline looks back on.
    pub fn days(&self) -> u32 {
        u32::try_from((self.to.0 - self.from.0) / (1000 * DAY_SECONDS)).unwrap_or(u32::MAX).clamp(1, 366)
    }

    /// Gives all its events to `learner`; gives the SHA-256 over what was read.
    ///
    /// # Errors
    /// An archive that can't be read.
    pub async fn pass(&self, learner: &mut Learner, excluded: &HashSet<String>, bar: &ProgressBar) -> Result<[u8; 32]> {
        let archive = Archive::open(&self.archive, "0", tagwarden_archive::Settings::default()).await?;
        let mut history = archive.history(&self.from.date(), &self.to.date()).await?;
        bar.set_length(history.epochs_left() as u64);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} epochs, {msg}, {eta} left") {
            bar.set_style(style);
        }
        while let Some(epoch) = history.next().await? {
            for raw in &epoch.events {
                learner.learn(raw, |id| excluded.contains(id));
            }
            bar.set_message(format!("{} changes", learner.changes));
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(history.data_sha256())
    }
}

/// What is the same at each training.
pub struct Lessons {
    /// What the worker judges by; its models have no part in it.
    pub recipe: Recipe,
    pub seed: u64,
    pub threads: usize,
    /// Where the model goes; its card goes beside it.
    pub file: PathBuf,
}

/// What people know of the past.
#[derive(Default)]
pub struct People {
    /// Events that belong to incidents: what was done is remembered, and teaches nothing else.
    pub incidents: HashSet<String>,
    /// Judged alerts as they were scored, if anybody was asked.
    pub verdicts: Option<Vec<Example>>,
}

impl People {
    /// The verdicts of a ledger; the events of true positives belong to incidents.
    ///
    /// # Errors
    /// A ledger that can't be read.
    pub fn of(ledger: &Ledger) -> Result<Self> {
        let example = |(verdict, scores): (Verdict, Scores)| Example {
            incident: verdict == Verdict::TruePositive,
            score: scores.score - scores.rerank,
            families: scores.families,
            rules: scores.rules,
        };
        let incidents = ledger.events_of(Verdict::TruePositive)?.into_iter().collect();
        Ok(Self { incidents, verdicts: Some(ledger.scored()?.into_iter().map(example).collect()) })
    }
}

/// What came of it.
pub struct Trained {
    pub card: Card,
    /// The model's name under `_versions/`.
    pub name: String,
    /// A line for whoever watches.
    pub words: String,
    pub seconds: f64,
}

impl Lessons {
    /// Learns a model from `stretch` and from what `people` know, and puts it in the place of the one before.
    ///
    /// # Errors
    /// Too little to learn from, an archive that can't be read, a folder that can't be written.
    pub async fn train(&self, stretch: &Stretch, people: &People, bar: &ProgressBar) -> Result<Trained> {
        let began = Instant::now();
        let recipe = Recipe { model: None, shadow: None, ..self.recipe.clone() };
        let mut learner = Learner::new(&recipe, self.seed, stretch.days())?;
        let data = stretch.pass(&mut learner, &people.incidents, bar).await?;
        let streamed = began.elapsed().as_secs_f64();
        let Learner { events, changes, excluded, unreadable, .. } = learner;
        let about = About { from: stretch.from.0, to: stretch.to.0, events, changes, excluded, seed: self.seed, data };
        let (model, card) = learner.finish(about, people.verdicts.as_deref(), self.threads)?;
        let bytes = model.to_bytes();
        let versions = name_versions(&Recipe { model: Some(bytes.as_slice().into()), ..recipe });
        let name = versions.model.unwrap_or_default();
        let mut full = serde_json::to_value(&card)?;
        full["groups_a_day"] = json!(card.groups_a_day());
        full["versions"] = json!({
            "tagwarden": env!("CARGO_PKG_VERSION"), "config": versions.config, "rules": versions.rules,
            "inventory": versions.inventory, "model": name,
        });
        let folder = self.file.parent().unwrap_or(Path::new(""));
        if !folder.as_os_str().is_empty() {
            std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        write(&folder.join("card.json"), format!("{full:#}\n").as_bytes())?;
        write(&folder.join("CARD.md"), card.to_markdown().as_bytes())?;
        // Last, and in one step: a worker that watches it finds the old or the new one, whole.
        write(&self.file, &bytes)?;
        let seconds = began.elapsed().as_secs_f64();
        let unread = if unreadable > 0 { format!(" ({unreadable} unreadable)") } else { String::new() };
        let taught = card.verdicts.as_ref().map(|verdicts| format!("\nverdicts: {}", verdicts.summary()));
        let words = format!(
            "{} changes of {} events{unread} in {streamed:.1} s, model in {:.1} s: {}, {} bytes; {:.2} groups a day on the last days{}",
            card.changes,
            card.events,
            seconds - streamed,
            self.file.display(),
            bytes.len(),
            card.groups_a_day(),
            taught.unwrap_or_default(),
        );
        Ok(Trained { card, name, words, seconds })
    }
}

/// Writes beside it and renames, so that nobody finds half a file.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let part = path.with_file_name(format!(".{name}.part"));
    let put = || std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path));
    put().with_context(|| format!("writing {}", path.display()))
}

/// The path, if an archive lies there.
///
/// # Errors
/// None does.
pub fn root(archive: &Path) -> Result<PathBuf> {
    if archive.join("_tagwarden.json").exists() {
        return Ok(archive.to_owned());
    }
    let root = archive.display();
    Err(Usage(format!("--archive {root}: found no _tagwarden.json, want the root of an archive")).into())
}

fn date(text: &str, what: &str) -> Result<Timestamp> {
    let whole = Timestamp::parse(&format!("{text}T00:00:00Z")).ok().filter(|_| text.len() == 10);
    whole.ok_or_else(|| Usage(format!("{what}: found `{text}`, want a date such as 2026-11-21")).into())
}
