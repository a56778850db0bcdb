//! `tagwarden run`: the job itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use tagwarden_alert::Drain;
use tagwarden_archive::Archive;
use tagwarden_baseline::Agreement;
use tagwarden_connect::SqliteState;
use tagwarden_core::{StateStore, Versions};
use tagwarden_engine::{Counts, EventClock, Finished, Limits, Meter, Pipeline, SystemClock};
use tokio::sync::watch;

use crate::config::{ClockKind, beside};
use crate::failpoint;
use crate::models::{Models, Status};
use crate::setup::{ModelChoice, Setup, SetupArgs};
use crate::swap::Swap;
use crate::train::Lessons;
use crate::trainer::Trainer;
use crate::wire::alerts::{AlertClock, Alerts, Couriers, DRAIN, Messenger};
use crate::wire::input::Input;
use crate::wire::{Detection, EventDecoder, ParquetArchive};
use crate::{Usage, metrics, wire};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    setup: SetupArgs,
    /// A file or folder of CloudTrail events, or - for standard input
    #[arg(long, value_name = "PATH")]
    input: Option<PathBuf>,
    /// The archive's root
    #[arg(long, value_name = "DIR")]
    archive: Option<PathBuf>,
    /// The SQLite file that holds all that is remembered
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Stop at the end of the input instead of waiting for more
    #[arg(long)]
    until_end: bool,
    /// Print one JSON object on the last line of standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelChoice,
    /// Another trained model, which scores beside it for `baseline.shadow_days` and decides nothing
    #[arg(long, value_name = "PATH")]
    shadow: Option<PathBuf>,
    /// Keep all reads, not just those that a rule hit and the first of like ones in four hours
    #[arg(long)]
    archive_read_only: bool,
    /// Events per epoch
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    epoch_events: Option<u64>,
    /// What alerts take for "now": event replays history as if it were live
    #[arg(long)]
    clock: Option<ClockKind>,
}

pub async fn run(args: Args) -> Result<()> {
    let began = Instant::now();
    let mut overrides = Vec::new();
    if args.archive_read_only {
        overrides.push(("input.archive_read_only", toml::Value::from(true)));
    }
    let mut setup = args.setup.load(&overrides)?.with_models(&args.model, args.shadow.as_deref())?;
    let file = args.setup.config.as_deref();
    let config = &mut setup.config;
    config.input.archive_read_only |= args.archive_read_only;
    config.input.until_end |= args.until_end;
    config.input.clock = args.clock.unwrap_or(config.input.clock);
    config.epoch.events = args.epoch_events.unwrap_or(config.epoch.events);
    let place = |given: Option<PathBuf>, said: Option<&PathBuf>, flag: &str, setting: &str| {
        given.or_else(|| said.map(|path| beside(file, path))).ok_or_else(|| {
            Usage(format!("{setting}: found nothing, want a path: give --{flag} or set it in the configuration"))
        })
    };
    let input = place(args.input, config.input.path.as_ref(), "input", "input.path")?;
    let archive = place(args.archive, config.archive.root.as_ref(), "archive", "archive.root")?;
    let state = place(args.state, config.state.file.as_ref(), "state", "state.file")?;
    if input.as_os_str() != "-" && !input.exists() {
        return Err(Usage(format!("input.path: found no file or folder {}, want one", input.display())).into());
    }
    setup.config.input.path = Some(input.clone());
    let counts = Arc::new(Counts::default());
    let follow = !setup.config.input.until_end;
    if follow && setup.config.train.schedule.is_some() && setup.model.is_none() {
        return Err(Usage("train.schedule: found no model's file to write to, want one: give --model".into()).into());
    }
    let stop = stop_on_signal()?;
    let watcher = watch_progress(&counts, follow);
    let worker = Worker { setup: &setup, archive: &archive, state: &state, counts: Arc::clone(&counts), stop };
    let meter = worker.run(&mut || Input::open(&input, follow)).await?;
    watcher.abort();
    let report = report(&counts, &meter, began);
    if args.json {
        println!("{report}");
    } else {
        eprintln!("{}", in_words(&report));
    }
    Ok(())
}

/// One worker over one archive and one state file.
pub struct Worker<'a> {
    pub setup: &'a Setup,
    pub archive: &'a Path,
    pub state: &'a Path,
    pub counts: Arc<Counts>,
    pub stop: watch::Receiver<bool>,
}

impl Worker<'_> {
    /// Runs to the end, finishing first what a predecessor left open. `input` is opened anew for each start.
    pub async fn run(&self, input: &mut dyn FnMut() -> Input) -> Result<Meter> {
        // Before anything is written: a destination without its address is a fault of the configuration.
        let event_clock = (self.setup.config.input.clock == ClockKind::Event).then(EventClock::default);
        let clock = event_clock.clone().map_or(AlertClock::Wall(SystemClock), AlertClock::Event);
        let mut destinations = Vec::new();
        for destination in &self.setup.config.destination {
            destinations.push((destination.name().to_owned(), Messenger::build(destination, event_clock.is_some())?));
        }
        let archive_settings = tagwarden_archive::Settings { raw: self.setup.config.archive.raw, ..Default::default() };
        let archive = Archive::open(self.archive, "0", archive_settings.clone()).await?;
        let mut state = SqliteState::open(self.state)?;
        let last = self.match_up(&archive, &mut state).await?;
        let status = Arc::new(Status::default());
        let mut models = Models::new(self.setup, last, self.repeatable(), Arc::clone(&status));
        let swap = Swap::watch(self.swaps().cloned(), self.setup.recipe.model.clone(), self.stop.clone());
        let drain = if self.setup.config.input.until_end { Drain::All } else { Drain::Due };
        let (mut alerts, couriers) = Alerts::open(self.state, &self.setup.config.alert, destinations, clock, drain)?;
        self.serve_metrics(&status).await?;
        self.train_beside(&status)?;
        let (mut parts, mut meter) = (Some((archive, state, None, false)), Meter::default());
        loop {
            let Some((archive, state, under, shut_out)) = parts.take() else {
                anyhow::bail!("the worker lost its parts")
            };
            let only_recover = under.is_some();
            let (recipe, versions) = match under {
                Some(versions) => (wire::get_versions(&archive, &versions).await?, versions),
                None => models.settle(&archive).await?,
            };
            let sealed = self.counts.epochs.load(Ordering::Relaxed);
            let mut pipeline = Pipeline {
                source: input(),
                state,
                decoder: EventDecoder::default(),
                stages: Detection::build(&recipe)?.telling(self.on_agreement(&swap, &status)),
                archive: ParquetArchive(archive),
                outbox: alerts,
                counts: Arc::clone(&self.counts),
                meter,
                limits: self.limits(),
                versions,
                event_clock: event_clock.clone(),
                shut_out,
                only_recover,
                on_step: failpoint::on_step(),
                open: tagwarden_engine::pipeline::Open::default(),
            };
            let finished = pipeline.run(swap.edge()).await?;
            if self.counts.epochs.load(Ordering::Relaxed) > sealed {
                models.sealed(pipeline.versions.clone());
            }
            if matches!(finished, Finished::AtEnd | Finished::Stopped) {
                models.part(&pipeline.versions, pipeline.stages.agreement());
            }
            (alerts, meter) = (pipeline.outbox, pipeline.meter);
            let (archive, state) = (pipeline.archive.0, pipeline.state);
            parts = Some(match finished {
                Finished::AtEnd => break,
                Finished::Stopped if *self.stop.borrow() => break,
                Finished::Stopped => {
                    if let Some(model) = swap.take(&self.stop) {
                        models.swap(model);
                    }
                    (archive, state, None, false)
                }
                Finished::Recovered => (archive, state, None, false),
                Finished::Under(versions) => (archive, state, Some(versions), false),
                Finished::Recut => (archive, state, None, true),
            });
        }
        finish(alerts, couriers).await?;
        Ok(meter)
    }

    /// The model's file, if the worker may take another one while it runs: what is read once to its end keeps its model,
    /// so that it can be judged again, and what was read from standard input can't be read again.
    fn swaps(&self) -> Option<&PathBuf> {
        self.setup.model.as_ref().filter(|_| !self.setup.config.input.until_end && self.repeatable())
    }

    /// Whether a start anew finds the input where it was.
    fn repeatable(&self) -> bool {
        self.setup.config.input.path.as_ref().is_none_or(|path| path.as_os_str() != "-")
    }

    /// Notes how model and shadow agree, and asks for an edge once the shadow's days are over.
    fn on_agreement(&self, swap: &Swap, status: &Arc<Status>) -> impl FnMut(Agreement) + 'static {
        let (ask, status, repeatable) = (swap.asking(), Arc::clone(status), self.repeatable());
        move |agreement| {
            status.agreed(agreement);
            if agreement.over && repeatable {
                ask();
            }
        }
    }

    /// Learns models by the schedule, if there is one and the worker could take them.
    fn train_beside(&self, status: &Arc<Status>) -> Result<()> {
        let (Some(file), Some(schedule)) = (self.swaps(), self.setup.config.train.schedule) else { return Ok(()) };
        let (recipe, file) = (self.setup.recipe.clone(), file.clone());
        let trainer = Trainer {
            // One thread: judging has the rest of the machine.
            lessons: Lessons { recipe, seed: 0, threads: 1, file },
            archive: self.archive.to_owned(),
            state: self.state.to_owned(),
            days: self.setup.config.train.days,
            status: Arc::clone(status),
        };
        trainer.start(schedule)
    }

    /// State and archive must belong together. Gives what the last epoch was sealed under.
    async fn match_up(&self, archive: &Archive, state: &mut SqliteState) -> Result<Option<Versions>> {
        let loaded = state.load(&mut |_| ()).await?;
        let (root, file) = (self.archive.display(), self.state.display());
        match loaded.archive_id {
            Some(id) if id == archive.id() => Ok(archive.versions_of(loaded.epoch).await?),
            Some(id) => Err(Usage(format!(
                "state {file}: found the state of archive {id}, want that of {} at {root}; the two must belong together (see `state rebuild`)",
                archive.id()
            ))
            .into()),
            None if archive.is_empty().await? => {
                state.bind(archive.id()).await?;
                Ok(None)
            }
            None => Err(Usage(format!(
                "state {file}: found fresh state, but sealed epochs in the archive at {root}; want the state that belongs to it (see `state rebuild`)"
            ))
            .into()),
        }
    }

    fn limits(&self) -> Limits {
        let config = &self.setup.config;
        let follow = !config.input.until_end;
        Limits {
            epoch_events: config.epoch.events,
            epoch_age: follow.then_some(Duration::from_secs(config.epoch.seconds)),
            archive_read_only: config.input.archive_read_only,
            // A replay tells as it goes, so it looks up from its batch more often.
            batch: if config.input.clock == ClockKind::Event { 16 } else { 4096 },
        }
    }

    async fn serve_metrics(&self, status: &Arc<Status>) -> Result<()> {
        let Some(listen) = &self.setup.config.metrics.listen else { return Ok(()) };
        let ledger = self.state.to_owned();
        let destinations = Arc::new(move || {
            let counts = tagwarden_alert::Ledger::open(&ledger).and_then(|ledger| ledger.counts());
            counts.map(|c| c.into_iter().collect()).unwrap_or_default()
        });
        let address = metrics::serve(listen, Arc::clone(&self.counts), Arc::clone(status), destinations).await?;
        eprintln!("tagwarden: metrics on http://{address}/metrics");
        Ok(())
    }
}

/// Lets what is due go out; what does not stays in the ledger.
async fn finish(mut alerts: Alerts, couriers: Couriers) -> Result<()> {
    alerts.drain().await?;
    couriers.finish(DRAIN).await
}

/// SIGTERM and SIGINT ask for a stop: a last seal, then exit 0.
pub fn stop_on_signal() -> Result<watch::Receiver<bool>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (tell, stop) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tell.send_replace(true);
        // Held so that the channel stays open until the process ends.
        std::future::pending::<()>().await;
    });
    Ok(stop)
}

/// A line of counts on standard error while it runs, if somebody watches.
fn watch_progress(counts: &Arc<Counts>, follow: bool) -> tokio::task::JoinHandle<()> {
    let counts = Arc::clone(counts);
    tokio::spawn(async move {
        let bar = ProgressBar::new_spinner();
        let form = if follow { "{spinner} {msg}" } else { "{spinner} {elapsed_precise} {msg}" };
        if let Ok(style) = ProgressStyle::with_template(form) {
            bar.set_style(style);
        }
        loop {
            tokio::time::sleep(Duration::from_millis(250)).await;
            let get = |c: &std::sync::atomic::AtomicU64| c.load(Ordering::Relaxed);
            bar.set_message(format!(
                "{} events, {} changes, {} alerts, {} in quarantine, {} MB to read",
                get(&counts.pulled),
                get(&counts.changes),
                get(&counts.alerts),
                get(&counts.quarantined),
                get(&counts.behind) / 1_000_000
            ));
            bar.tick();
        }
    })
}

/// The flat object of `--json`.
pub fn report(counts: &Counts, meter: &Meter, began: Instant) -> serde_json::Value {
    let get = |c: &std::sync::atomic::AtomicU64| c.load(Ordering::Relaxed);
    let by_step: serde_json::Map<_, _> = meter.seconds().map(|(n, s)| (n.to_owned(), rounded(s).into())).collect();
    serde_json::json!({
        "schema": 1,
        "pulled": get(&counts.pulled),
        "archived": get(&counts.archived),
        "read_only": get(&counts.read_only),
        "quarantined": get(&counts.quarantined),
        "duplicate": get(&counts.duplicate),
        "changes": get(&counts.changes),
        "alerts": get(&counts.alerts),
        "seconds": rounded(began.elapsed().as_secs_f64()),
        "cpu_seconds": rounded(cpu_seconds()),
        "peak_rss_bytes": peak_rss(),
        "cpu_by_step": by_step,
    })
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}

fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The most memory that the process ever held, as the kernel counts it.
fn peak_rss() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().map_or(0, |kib| kib * 1024)
}

fn in_words(report: &serde_json::Value) -> String {
    let get = |name: &str| report[name].as_u64().unwrap_or(0);
    format!(
        "{} events: {} archived as {} changes, {} reads counted, {} repeats, {} in quarantine; {} alerts; {:.1} s",
        get("pulled"),
        get("archived"),
        get("changes"),
        get("read_only"),
        get("duplicate"),
        get("quarantined"),
        get("alerts"),
        report["seconds"].as_f64().unwrap_or(0.0),
    )
}
