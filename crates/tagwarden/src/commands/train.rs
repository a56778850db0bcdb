//! `tagwarden train`: learns a model from a stretch of an archive, and writes its card.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use indicatif::ProgressBar;
use serde::Deserialize;
use serde_json::json;

use crate::Usage;
use crate::schedule::Schedule;
use crate::setup::SetupArgs;
use crate::train::{self, Lessons, Stretch};

#[derive(clap::Args)]
pub struct Args {
    /// The archive's root; it is only read
    #[arg(long, value_name = "DIR")]
    archive: PathBuf,
    /// The first date to learn from
    #[arg(long, value_name = "DATE", requires = "to", required_unless_present_any = ["days", "schedule"])]
    from: Option<String>,
    /// The first date not to learn from any more
    #[arg(long, value_name = "DATE", requires = "from")]
    to: Option<String>,
    /// Learn from the archive's last so many whole days, instead [default with --schedule: 28]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(4..=366), conflicts_with = "from")]
    days: Option<u32>,
    /// Stay, and learn each day at this time (UTC, such as 03:00), or every so often (such as "every 6h")
    #[arg(long, value_name = "WHEN", conflicts_with = "from")]
    schedule: Option<Schedule>,
    /// Where to write model.bin, card.json and CARD.md
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    setup: SetupArgs,
    /// Where random draws come from: the same archive and seed give the same model
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Events that belong to incidents: a truth file as `simulate` writes it, or an event id per line
    #[arg(long, value_name = "FILE")]
    exclude: Option<PathBuf>,
    /// Print one JSON object on the last line of standard output
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> Result<()> {
    let lessons = Lessons {
        recipe: args.setup.load(&[])?.recipe,
        seed: args.seed,
        threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        file: args.out.join("model.bin"),
    };
    let Some(schedule) = args.schedule else { return once(&args, &lessons).await };
    // What is wrong from the start is told at the start.
    train::root(&args.archive)?;
    schedule.keep(async || once(&args, &lessons).await, |_| ()).await
}

async fn once(args: &Args, lessons: &Lessons) -> Result<()> {
    let stretch = match (&args.from, &args.to) {
        (Some(from), Some(to)) => Stretch::between(&args.archive, from, to)?,
        _ => Stretch::last_days(&args.archive, args.days.unwrap_or(28)).await?,
    };
    // Anew each time: it may have grown since.
    let excluded = match &args.exclude {
        Some(file) => incidents(file)?,
        None => HashSet::new(),
    };
    let trained = lessons.train(&stretch, &excluded, &ProgressBar::new(0)).await?;
    eprintln!("{}", trained.words);
    if args.json {
        let (events, changes, seconds) = (trained.card.events, trained.card.changes, trained.seconds);
        println!("{}", json!({"events": events, "changes": changes, "seconds": seconds, "model": trained.name}));
    }
    Ok(())
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
