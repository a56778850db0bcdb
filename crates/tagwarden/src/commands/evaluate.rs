//! `tagwarden evaluate`: learns from the events before a time, judges the rest as a worker would, and says how well.

mod compare;
mod page;
mod plots;
mod table;
mod truth;
mod witness;

use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use serde_json::json;
use tagwarden_core::Timestamp;
use tagwarden_engine::{Counts, Limits, Meter, Pipeline};

use crate::Usage;
use crate::commands::judge::Memory;
use crate::setup::{ModelChoice, SetupArgs};
use crate::wire::alerts::Silence;
use crate::wire::input::Input;
use crate::wire::{Detection, EventDecoder, Words, name_versions};
use compare::Comparison;
use truth::Truth;
use witness::{Judged, Witness};

/// Where the random draws of the model come from that is made on the way.
const SEED: u64 = 0;

#[derive(clap::Args)]
pub struct Args {
    /// A file or folder of CloudTrail events
    #[arg(long, value_name = "PATH")]
    events: PathBuf,
    /// Which events belong to which incident, as `simulate` writes it; never learned from
    #[arg(long, value_name = "FILE")]
    truth: PathBuf,
    /// Events before this time are only learned from (RFC 3339, or a date)
    #[arg(long, value_name = "TIME")]
    train_until: String,
    #[command(flatten)]
    setup: SetupArgs,
    #[command(flatten)]
    model: ModelChoice,
    /// Write one line per event judged: `event_id`, time, score, disposition, reasons
    #[arg(long, value_name = "OUT")]
    scores: Option<PathBuf>,
    /// Write a page with plots
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Only the JSON object, which ends whatever is not read on a terminal
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> Result<()> {
    let setup = args.setup.load(&[])?.with_model(&args.model)?;
    if !args.events.exists() {
        return Err(Usage(format!("--events: found no file or folder {}, want one", args.events.display())).into());
    }
    let until = time(&args.train_until)?;
    let truth = Truth::read(&args.truth)?;
    let bar = ProgressBar::new_spinner();
    let mut stages = Detection::build(&setup.recipe)?.saying(Words::Unusual);
    if setup.recipe.model.is_none() {
        stages.teach_until(until, SEED);
    }
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let mut pipeline = Pipeline {
        source: Input::open(&args.events, false),
        state: Memory::default(),
        decoder: EventDecoder::default(),
        stages,
        archive: Witness::new(until, bar.clone()),
        outbox: Silence,
        counts: Arc::new(Counts::default()),
        meter: Meter::default(),
        limits: Limits { epoch_events: 65_536, epoch_age: None, archive_read_only: true, batch: 4096 },
        versions: name_versions(&setup.recipe),
        event_clock: None,
        shut_out: false,
        only_recover: false,
        on_step: Box::new(|_| {}),
        open: tagwarden_engine::pipeline::Open::default(),
    };
    pipeline.run(stopped).await?;
    let judged = pipeline.archive.finish();
    both_sides(&args, until, &judged)?;
    let case = truth.lay_beside(&judged).map_err(|what| Usage(format!("--truth {}: {what}", args.truth.display())))?;
    if let Some(path) = &args.scores {
        write_scores(path, &judged)?;
    }
    bar.set_message("measuring");
    let comparison = Comparison::of(&case, &judged, setup.recipe.rules.is_some())?;
    bar.finish_and_clear();
    if let Some(path) = &args.html {
        let page = page::page(&comparison, &judged, until);
        std::fs::write(path, page).with_context(|| format!("--html {}", path.display()))?;
    }
    let mut out = std::io::stdout().lock();
    if !args.json {
        write!(out, "{}", table::text(&comparison, &judged, until))?;
    }
    // For people the table says it all.
    if args.json || !out.is_terminal() {
        writeln!(out, "{}", comparison.json(&judged, until))?;
    }
    Ok(())
}

fn time(text: &str) -> Result<Timestamp> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    Timestamp::parse(&whole).map_err(|_| {
        Usage(format!("--train-until: found `{text}`, want a time such as 2026-11-21T03:04:05Z or a date")).into()
    })
}

/// There must be something to learn from and something to judge.
fn both_sides(args: &Args, until: Timestamp, judged: &Judged) -> Result<()> {
    let Some((first, last)) = judged.span else {
        let what = format!("--events {}: found no event that could be judged, want some", args.events.display());
        return Err(Usage(what).into());
    };
    let what = if judged.learned == 0 {
        format!("found no event before {until} to learn from, the first is at {first}")
    } else if judged.events.is_empty() {
        format!("found no event at or after {until} to judge, the last is at {last}")
    } else {
        return Ok(());
    };
    Err(Usage(format!("--train-until: {what}; want a time between the two")).into())
}

fn write_scores(path: &Path, judged: &Judged) -> Result<()> {
    let file = std::fs::File::create(path).with_context(|| format!("--scores {}", path.display()))?;
    let mut out = BufWriter::new(file);
    for event in &judged.events {
        let line = json!({
            "event_id": event.id, "time": event.time.to_string(), "score": event.score,
            "disposition": event.disposition.as_str(), "reasons": event.reasons,
        });
        writeln!(out, "{line}")?;
    }
    out.flush().with_context(|| format!("--scores {}", path.display()))
}
