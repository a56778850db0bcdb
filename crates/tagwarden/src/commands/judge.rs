//! `tagwarden judge`: a dry run, learning as it goes; one JSON line per change.

use std::collections::BTreeSet;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use serde_json::{Map, Value as Json, json};
use tagwarden_baseline::Family;
use tagwarden_core::columns::Column;
use tagwarden_core::{
    Entry, FAMILIES, Fault, Intent, Loaded, Parts, Record, Row, Sealed, StateDelta, StateError, StateStore, Value,
};
use tagwarden_engine::stages::Archive;
use tagwarden_engine::{Counts, Limits, Meter, Pipeline};

use crate::Usage;
use crate::models::tell_agreement;
use crate::setup::{ModelChoice, SetupArgs};
use crate::wire::alerts::Silence;
use crate::wire::input::Input;
use crate::wire::{Detection, EventDecoder, Words, name_versions};

#[derive(clap::Args)]
pub struct Args {
    /// A file or folder of CloudTrail events, or - for standard input
    path: PathBuf,
    #[command(flatten)]
    setup: SetupArgs,
    #[command(flatten)]
    model: ModelChoice,
    /// Another trained model, which scores beside it for `baseline.shadow_days` and decides nothing
    #[arg(long, value_name = "PATH")]
    shadow: Option<PathBuf>,
    /// Say what each score is the sum of, as `parts`, and put more changes into words than a worker does
    #[arg(long)]
    parts: bool,
    /// Begin with what a worker's state has learned; the file is only read
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

pub async fn run(args: Args) -> Result<()> {
    let mut setup = args.setup.load(&[])?.with_model(&args.model)?.with_shadow(args.shadow.as_deref())?;
    setup.recipe.shadow = setup.shadow.take();
    if args.path.as_os_str() != "-" && !args.path.exists() {
        return Err(Usage(format!("found no file or folder {}, want one", args.path.display())).into());
    }
    let mut memory = Memory::default();
    if let Some(file) = &args.state {
        if !file.exists() {
            return Err(Usage(format!("--state: found no file {}, want a worker's state", file.display())).into());
        }
        let entries = &mut memory.entries;
        tagwarden_connect::SqliteState::open_read_only(file)?.load(&mut |entry| entries.push(entry))?;
    }
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let mut pipeline = Pipeline {
        source: Input::open(&args.path, false),
        state: memory,
        decoder: EventDecoder::default(),
        stages: Detection::build(&setup.recipe)?.saying(if args.parts { Words::Parts } else { Words::Told }),
        archive: Lines { out: BufWriter::new(std::io::stdout()), parts: args.parts, failed: None },
        outbox: Silence,
        counts: Arc::new(Counts::default()),
        meter: Meter::default(),
        limits: Limits {
            epoch_events: 65_536,
            epoch_age: None,
            archive_read_only: setup.config.input.archive_read_only,
            batch: 512,
        },
        versions: name_versions(&setup.recipe),
        event_clock: None,
        shut_out: false,
        only_recover: false,
        on_step: Box::new(|_| {}),
        open: tagwarden_engine::pipeline::Open::default(),
    };
    match pipeline.run(stopped).await {
        // Whoever reads has seen enough.
        Err(tagwarden_engine::EngineError::Archive { source, .. })
            if source.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe) =>
        {
            Ok(())
        }
        Err(error) => Err(error.into()),
        Ok(_) => {
            if let (Some(shadow), Some(agreement)) = (&pipeline.versions.shadow, pipeline.stages.agreement()) {
                tell_agreement(shadow, agreement);
            }
            Ok(())
        }
    }
}

/// Rows as lines on standard output, rejects on standard error.
struct Lines<W> {
    out: W,
    parts: bool,
    failed: Option<std::io::Error>,
}

impl<W: Write> Archive for Lines<W> {
    type Error = std::io::Error;

    fn push(&mut self, row: &Row<'_>, _raw: Option<Bytes>) {
        if self.failed.is_none()
            && let Err(error) = writeln!(self.out, "{}", line(row, self.parts))
        {
            self.failed = Some(error);
        }
    }

    fn reject(&mut self, record: &Record, _source: &str, fault: &Fault) {
        eprintln!("{} @ {}: {fault}", record.partition, record.position.as_str());
    }

    fn plan(&self, _epoch: u64) -> (Vec<String>, Option<String>) {
        (Vec::new(), None)
    }

    async fn seal(&mut self, intent: &Intent, _on_step: &mut dyn FnMut(&str)) -> std::io::Result<Sealed> {
        self.failed.take().map_or(Ok(()), Err)?;
        self.out.flush()?;
        Ok(Sealed { intent: intent.clone(), files: Vec::new(), quarantined: 0 })
    }

    async fn shut_out(&mut self, intent: &Intent) -> std::io::Result<Sealed> {
        Ok(Sealed { intent: intent.clone(), files: Vec::new(), quarantined: 0 })
    }

    async fn raw_events(&self, _key: &str) -> std::io::Result<Vec<Vec<u8>>> {
        Ok(Vec::new())
    }
}

/// Every column but `raw_event`, `ingest` and `seen_time`, and what the score is the sum of, if wanted; absent is null.
fn line(row: &Row<'_>, with_parts: bool) -> Json {
    let kept = |c: &&Column| !matches!(c, Column::RawEvent | Column::Ingest | Column::SeenTime);
    let columns = Column::ALL.iter().filter(kept);
    let mut line: Map<_, _> = columns.map(|c| (c.name().to_owned(), cell(row.value(*c)))).collect();
    if with_parts {
        line.insert("parts".to_owned(), row.assessment.scores.parts.as_ref().map_or(Json::Null, parts));
    }
    Json::Object(line)
}

/// Families that give nothing are left out.
fn parts(parts: &Parts) -> Json {
    let by_family = |nats: [f64; FAMILIES]| {
        let named = Family::ALL.into_iter().zip(nats).filter(|(_, nats)| *nats > 0.0);
        Json::Object(named.map(|(family, nats)| (family.name().to_owned(), nats.into())).collect())
    };
    json!({
        "families": by_family(parts.families), "forest": by_family(parts.forest), "distance": parts.distance,
        "changes_nothing": parts.quiet, "rules": parts.rules, "verdicts": parts.rerank,
    })
}

fn cell(value: Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Str(text) => text.into(),
        Value::ChangeId(event, ordinal) => format!("{event}.{ordinal}").into(),
        Value::Time(time) => time.to_string().into(),
        Value::Double(number) => number.into(),
        Value::Bool(truth) => truth.into(),
        Value::Strings(list) => list.into(),
        Value::Texts(list) => list.iter().map(|t| Json::from(t.as_ref())).collect(),
        Value::RuleIds(hits) => hits.iter().map(|hit| Json::from(hit.id.as_ref())).collect(),
        Value::Tags(tags) => {
            tags.iter().map(|t| json!({"key": t.key, "old": t.old, "new": t.new, "op": t.op.as_str()})).collect()
        }
        Value::Map(pairs) => {
            Json::Object(pairs.iter().map(|(k, v)| ((*k).to_owned(), Json::from(v.as_ref()))).collect())
        }
        Value::Versions(v) => json!({"config": v.config, "rules": v.rules, "inventory": v.inventory, "model": v.model}),
        Value::Ingest(i) => json!({"source": i.source, "partition": i.partition, "position": i.position}),
    }
}

/// A store that forgets: entries to begin with, ids of this input only.
#[derive(Default)]
pub struct Memory {
    entries: Vec<Entry>,
    seen: BTreeSet<(i64, u128)>,
}

impl StateStore for Memory {
    async fn load(&mut self, each: &mut dyn FnMut(Entry)) -> Result<Loaded, StateError> {
        self.entries.drain(..).for_each(each);
        Ok(Loaded::default())
    }

    async fn bind(&mut self, _archive_id: &str) -> Result<(), StateError> {
        Ok(())
    }

    async fn intend(&mut self, _fence: u64, _intent: &Intent) -> Result<(), StateError> {
        Ok(())
    }

    async fn advance(&mut self, _fence: u64, _sealed: &Sealed, delta: &StateDelta) -> Result<(), StateError> {
        for (day, ids) in &delta.seen {
            self.seen.extend(ids.iter().map(|id| (*day, *id)));
        }
        Ok(())
    }

    fn seen_on(&self, day: i64, each: &mut dyn FnMut(u128)) -> Result<(), StateError> {
        self.seen.range((day, 0)..=(day, u128::MAX)).for_each(|(_, id)| each(*id));
        Ok(())
    }

    fn was_seen(&self, day: i64, id: u128) -> Result<bool, StateError> {
        Ok(self.seen.contains(&(day, id)))
    }
}
