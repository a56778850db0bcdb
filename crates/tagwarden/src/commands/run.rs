//! `tagwarden run`: the job itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use tagwarden_alert::Drain;
use tagwarden_archive::Archive;
use tagwarden_connect::SqliteState;
use tagwarden_core::StateStore;
use tagwarden_engine::{Counts, EventClock, Finished, Limits, Meter, Pipeline, SystemClock};
use tokio::sync::watch;

use crate::config::{ClockKind, beside};
use crate::failpoint;
use crate::setup::{self, ModelChoice, RuleChoice, Setup};
use crate::swap::Swap;
use crate::wire::alerts::{AlertClock, Alerts, Couriers, DRAIN, Messenger};
use crate::wire::input::Input;
use crate::wire::{Detection, EventDecoder, ParquetArchive};
use crate::{Usage, metrics, wire};

#[derive(clap::Args)]
pub struct Args {
    /// The configuration file; what is given here goes before it
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
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
    /// What the operator knows: accounts, people, teams, networks
    #[arg(long, value_name = "FILE")]
    inventory: Option<PathBuf>,
    #[command(flatten)]
    rules: RuleChoice,
    #[command(flatten)]
    model: ModelChoice,
    /// Keep reads that no rule hit, too
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
    let mut setup = setup::load(args.config.as_deref(), &args.rules, args.inventory.as_deref(), &overrides)?
        .with_model(&args.model)?;
    let file = args.config.as_deref();
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
        self.match_up(&archive, &mut state).await?;
        let mut recipe = self.setup.recipe.clone();
        let mut in_force = wire::put_versions(&archive, &recipe).await?;
        let swap = Swap::watch(self.swaps().cloned(), recipe.model.clone(), self.stop.clone());
        let drain = if self.setup.config.input.until_end { Drain::All } else { Drain::Due };
        let (mut alerts, couriers) = Alerts::open(self.state, &self.setup.config.alert, destinations, clock, drain)?;
        self.serve_metrics().await?;
        let mut parts = Some((archive, state, None, false));
        let meter = loop {
            let Some((archive, state, under, shut_out)) = parts.take() else {
                anyhow::bail!("the worker lost its parts")
            };
            let of_epoch = match &under {
                Some(versions) => wire::get_versions(&archive, versions).await?,
                None => recipe.clone(),
            };
            let only_recover = under.is_some();
            let mut pipeline = Pipeline {
                source: input(),
                state,
                decoder: EventDecoder::default(),
                stages: Detection::build(&of_epoch)?,
                archive: ParquetArchive(archive),
                outbox: alerts,
                counts: Arc::clone(&self.counts),
                meter: Meter::default(),
                limits: self.limits(),
                versions: under.unwrap_or_else(|| in_force.clone()),
                event_clock: event_clock.clone(),
                shut_out,
                only_recover,
                on_step: failpoint::on_step(),
                open: tagwarden_engine::pipeline::Open::default(),
            };
            let finished = pipeline.run(swap.edge()).await?;
            alerts = pipeline.outbox;
            let (archive, state) = (pipeline.archive.0, pipeline.state);
            let model = if finished == Finished::Stopped { swap.take(&self.stop) } else { None };
            if let Some(model) = model {
                recipe.model = Some(model);
                in_force = wire::put_versions(&archive, &recipe).await?;
                let name = in_force.model.as_deref().unwrap_or_default();
                eprintln!("tagwarden: model {name} in force");
                parts = Some((archive, state, None, false));
                continue;
            }
            parts = Some(match finished {
                Finished::AtEnd | Finished::Stopped => break pipeline.meter,
                Finished::Recovered => (archive, state, None, false),
                Finished::Under(versions) => (archive, state, Some(versions), false),
                Finished::Recut => (archive, state, None, true),
            });
        };
        finish(alerts, couriers).await?;
        Ok(meter)
    }

    /// The model's file, if the worker may take another one while it runs: what is read once to its end keeps its model,
    /// so that it can be judged again, and what was read from standard input can't be read again.
    fn swaps(&self) -> Option<&PathBuf> {
        let input = &self.setup.config.input;
        let standard = input.path.as_ref().is_some_and(|path| path.as_os_str() == "-");
        self.setup.model.as_ref().filter(|_| !input.until_end && !standard)
    }

    /// State and archive must belong together.
    async fn match_up(&self, archive: &Archive, state: &mut SqliteState) -> Result<()> {
        let loaded = state.load(&mut |_| ()).await?;
        let (root, file) = (self.archive.display(), self.state.display());
        match loaded.archive_id {
            Some(id) if id == archive.id() => Ok(()),
            Some(id) => Err(Usage(format!(
                "state {file}: found the state of archive {id}, want that of {} at {root}; the two must belong together (see `state rebuild`)",
                archive.id()
            ))
            .into()),
            None if archive.is_empty().await? => Ok(state.bind(archive.id()).await?),
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

    async fn serve_metrics(&self) -> Result<()> {
        let Some(listen) = &self.setup.config.metrics.listen else { return Ok(()) };
        let ledger = self.state.to_owned();
        let destinations = Arc::new(move || {
            let counts = tagwarden_alert::Ledger::open(&ledger).and_then(|ledger| ledger.counts());
            counts.map(|c| c.into_iter().collect()).unwrap_or_default()
        });
        let address = metrics::serve(listen, Arc::clone(&self.counts), destinations).await?;
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
