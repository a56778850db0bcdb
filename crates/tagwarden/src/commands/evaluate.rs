//! `tagwarden evaluate`: learns from the events before a time, judges the rest as a worker would, and says how well.

use std::collections::HashMap;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use serde_json::json;
use tagwarden_core::{Disposition, Fault, Intent, Record, Row, Sealed, Timestamp};
use tagwarden_engine::stages::Archive;
use tagwarden_engine::{Counts, Limits, Meter, Pipeline};

use crate::Usage;
use crate::commands::judge::Memory;
use crate::setup::{self, RuleChoice};
use crate::wire::alerts::Silence;
use crate::wire::input::Input;
use crate::wire::{Detection, EventDecoder, name_versions};

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
    /// What the operator knows: accounts, people, teams, networks
    #[arg(long, value_name = "FILE")]
    inventory: Option<PathBuf>,
    /// The configuration file
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    rules: RuleChoice,
    /// Write one line per event judged: event_id, time, score, disposition, reasons
    #[arg(long, value_name = "OUT")]
    scores: Option<PathBuf>,
    /// Only the JSON object
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> Result<()> {
    let setup = setup::load(args.config.as_deref(), &args.rules, args.inventory.as_deref(), &[])?;
    if !args.events.exists() {
        return Err(Usage(format!("--events: found no file or folder {}, want one", args.events.display())).into());
    }
    let until = time(&args.train_until)?;
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let mut pipeline = Pipeline {
        source: Input::open(&args.events, false),
        state: Memory::default(),
        decoder: EventDecoder::default(),
        stages: Detection::build(&setup.recipe)?,
        archive: Judged { until, events: Vec::new(), by_id: HashMap::new() },
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
    let judged = pipeline.archive.events;
    if let Some(path) = &args.scores {
        let file = std::fs::File::create(path).with_context(|| format!("--scores {}", path.display()))?;
        let mut out = BufWriter::new(file);
        for event in &judged {
            let line = json!({
                "event_id": event.id, "time": event.time.to_string(), "score": event.score,
                "disposition": event.disposition.as_str(), "reasons": event.reasons,
            });
            writeln!(out, "{line}")?;
        }
        out.flush()?;
    }
    Ok(())
}

fn time(text: &str) -> Result<Timestamp> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    Timestamp::parse(&whole).map_err(|_| {
        Usage(format!("--train-until: found `{text}`, want a time such as 2026-11-21T03:04:05Z or a date")).into()
    })
}

/// One event that was judged: the worst of its changes.
struct Event {
    id: String,
    time: Timestamp,
    score: f64,
    disposition: Disposition,
    reasons: Vec<String>,
}

/// Keeps what was said of the events from a time on.
struct Judged {
    until: Timestamp,
    events: Vec<Event>,
    by_id: HashMap<String, usize>,
}

impl Archive for Judged {
    type Error = std::io::Error;

    fn push(&mut self, row: &Row<'_>, _raw: Option<Bytes>) {
        if row.event.time < self.until {
            return;
        }
        let assessment = row.assessment;
        let score = assessment.scores.score;
        let judged = Event {
            id: row.event.id.to_string(),
            time: row.event.time,
            score,
            disposition: assessment.disposition,
            reasons: assessment.reasons.clone(),
        };
        match self.by_id.get(&judged.id).and_then(|at| self.events.get_mut(*at)) {
            Some(known) => {
                let disposition = known.disposition.max(judged.disposition);
                if score > known.score {
                    *known = judged;
                }
                known.disposition = disposition;
            }
            None => {
                self.by_id.insert(judged.id.clone(), self.events.len());
                self.events.push(judged);
            }
        }
    }

    fn reject(&mut self, record: &Record, _source: &str, fault: &Fault) {
        eprintln!("{} @ {}: {fault}", record.partition, record.position.as_str());
    }

    fn plan(&self, _epoch: u64) -> (Vec<String>, Option<String>) {
        (Vec::new(), None)
    }

    async fn seal(&mut self, intent: &Intent, _on_step: &mut dyn FnMut(&str)) -> std::io::Result<Sealed> {
        Ok(Sealed { intent: intent.clone(), files: Vec::new(), quarantined: 0 })
    }

    async fn shut_out(&mut self, intent: &Intent) -> std::io::Result<Sealed> {
        Ok(Sealed { intent: intent.clone(), files: Vec::new(), quarantined: 0 })
    }

    async fn raw_events(&self, _key: &str) -> std::io::Result<Vec<Vec<u8>>> {
        Ok(Vec::new())
    }
}
