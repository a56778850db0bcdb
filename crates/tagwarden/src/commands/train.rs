//! `tagwarden train`: learns a model from a stretch of an archive, and writes its card.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::json;
use tagwarden_alert::{Ledger, Verdict};
use tagwarden_archive::Archive;
use tagwarden_baseline::{About, Example};
use tagwarden_core::{Scores, Timestamp};

use crate::Usage;
use crate::setup::{self, RuleChoice};
use crate::wire::name_versions;
use crate::wire::training::Learner;

const DAY_MS: i64 = 86_400_000;

/// A stretch of an archive.
#[derive(Debug, clap::Args)]
pub struct Stretch {
    /// The archive's root; it is only read
    #[arg(long, value_name = "DIR")]
    archive: PathBuf,
    /// The first date to learn from
    #[arg(long, value_name = "DATE")]
    from: String,
    /// The first date not to learn from any more
    #[arg(long, value_name = "DATE")]
    to: String,
}

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    stretch: Stretch,
    /// Where to write model.bin, card.json and CARD.md
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What the operator knows: accounts, people, teams, networks
    #[arg(long, value_name = "FILE")]
    inventory: Option<PathBuf>,
    /// The configuration file
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    rules: RuleChoice,
    /// Where random draws come from: the same archive and seed give the same model
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Events that belong to incidents: a truth file as `simulate` writes it, or an event id per line
    #[arg(long, value_name = "FILE")]
    exclude: Option<PathBuf>,
    /// A worker's state file: what people found its alerts to be re-ranks, once there is enough of it; the events of true
    /// positives are left out as by --exclude
    #[arg(long, value_name = "STATE.db")]
    verdicts: Option<PathBuf>,
    /// Print one JSON object on the last line of standard output
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> Result<()> {
    let began = Instant::now();
    let setup = setup::load(args.config.as_deref(), &args.rules, args.inventory.as_deref(), &[])?;
    let (from, to) = args.stretch.times()?;
    let mut excluded = match &args.exclude {
        Some(file) => incidents(file)?,
        None => HashSet::new(),
    };
    let verdicts = args.verdicts.as_deref().map(|file| verdicts(file, &mut excluded)).transpose()?;
    let mut learner = Learner::new(&setup.recipe, args.seed, args.stretch.days()?)?;
    let data = args.stretch.pass(&mut learner, &excluded).await?;
    let streamed = began.elapsed().as_secs_f64();
    let about = About {
        from: from.0,
        to: to.0,
        events: learner.events,
        changes: learner.changes,
        excluded: learner.excluded,
        seed: args.seed,
        data,
    };
    let unreadable = learner.unreadable;
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (model, card) = learner.finish(about, verdicts.as_deref(), threads)?;
    let bytes = model.to_bytes();
    std::fs::create_dir_all(&args.out).with_context(|| format!("--out {}", args.out.display()))?;
    let versions = name_versions(&crate::wire::Recipe { model: Some(bytes.as_slice().into()), ..setup.recipe });
    let mut full = serde_json::to_value(&card)?;
    full["groups_a_day"] = json!(card.groups_a_day());
    full["versions"] = json!({
        "tagwarden": env!("CARGO_PKG_VERSION"), "config": versions.config, "rules": versions.rules,
        "inventory": versions.inventory, "model": versions.model,
    });
    write(&args.out, "card.json", format!("{full:#}\n").as_bytes())?;
    write(&args.out, "CARD.md", card.to_markdown().as_bytes())?;
    // Last, and in one step: a worker that watches it finds the old or the new one, whole.
    write(&args.out, "model.bin", &bytes)?;
    let seconds = began.elapsed().as_secs_f64();
    if unreadable > 0 {
        eprintln!("tagwarden: {unreadable} archived events could not be read again and were left out");
    }
    eprintln!(
        "{} changes of {} events in {streamed:.1} s, model in {:.1} s: {}, {} bytes; {:.2} groups a day on the last days",
        card.changes,
        card.events,
        seconds - streamed,
        args.out.join("model.bin").display(),
        bytes.len(),
        card.groups_a_day(),
    );
    if let Some(verdicts) = &card.verdicts {
        eprintln!("verdicts: {}", verdicts.summary());
    }
    if args.json {
        let (events, changes) = (card.events, card.changes);
        println!("{}", json!({"events": events, "changes": changes, "seconds": seconds, "model": versions.model}));
    }
    Ok(())
}

impl Stretch {
    /// The first moment, and the first one after it.
    fn times(&self) -> Result<(Timestamp, Timestamp)> {
        let (from, to) = (date(&self.from, "--from")?, date(&self.to, "--to")?);
        if from >= to {
            return Err(Usage(format!("--to: found {}, want a date after {}", self.to, self.from)).into());
        }
        Ok((from, to))
    }

    /// How many days it is long, at most what a baseline looks back on.
    pub fn days(&self) -> Result<u32> {
        let (from, to) = self.times()?;
        Ok(u32::try_from((to.0 - from.0) / DAY_MS).unwrap_or(u32::MAX).clamp(1, 366))
    }

    /// Gives all its events to `learner`, with a progress bar if somebody watches; gives the SHA-256 over what was read.
    pub async fn pass(&self, learner: &mut Learner, excluded: &HashSet<String>) -> Result<[u8; 32]> {
        if !self.archive.join("_tagwarden.json").exists() {
            let root = self.archive.display();
            return Err(
                Usage(format!("--archive {root}: found no _tagwarden.json, want the root of an archive")).into()
            );
        }
        let archive = Archive::open(&self.archive, "0", tagwarden_archive::Settings::default()).await?;
        let mut history = archive.history(&self.from, &self.to).await?;
        let bar = ProgressBar::new(history.epochs_left() as u64);
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

/// Writes beside it and renames, so that nobody finds half a file.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let (path, part) = (folder.join(name), folder.join(format!(".{name}.part")));
    let put = || std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, &path));
    put().with_context(|| format!("writing {}", path.display()))
}

fn date(text: &str, flag: &str) -> Result<Timestamp> {
    let whole = Timestamp::parse(&format!("{text}T00:00:00Z")).ok().filter(|_| text.len() == 10);
    whole.ok_or_else(|| Usage(format!("{flag}: found `{text}`, want a date such as 2026-11-21")).into())
}

/// The alerts in a worker's state that people judged, as they were scored; events of true positives teach nothing else.
fn verdicts(file: &Path, excluded: &mut HashSet<String>) -> Result<Vec<Example>> {
    let told = |what: String| Usage(format!("--verdicts {}: {what}", file.display()));
    if !file.exists() {
        return Err(told("found no file, want a worker's state".into()).into());
    }
    let ledger = Ledger::open_existing(file).map_err(|error| told(error.to_string()))?;
    excluded.extend(ledger.events_of(Verdict::TruePositive)?);
    let example = |(verdict, scores): (Verdict, Scores)| Example {
        incident: verdict == Verdict::TruePositive,
        score: scores.score - scores.rerank,
        families: scores.families,
        rules: scores.rules,
    };
    Ok(ledger.scored()?.into_iter().map(example).collect())
}

/// The ids of events that belong to incidents.
fn incidents(file: &Path) -> Result<HashSet<String>> {
    #[derive(Deserialize)]
    struct Truth {
        event_id: String,
        malicious: bool,
    }
    let told = |what: String| Usage(format!("--exclude {}: {what}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| told(error.to_string()))?;
    let mut ids = HashSet::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        if !line.trim_start().starts_with('{') {
            ids.insert(line.trim().to_owned());
            continue;
        }
        let truth: Truth = serde_json::from_str(line).map_err(|error| {
            told(format!("line {number}: found {error}, want `event_id` and `malicious`, or an event id alone"))
        })?;
        if truth.malicious {
            ids.insert(truth.event_id);
        }
    }
    Ok(ids)
}
