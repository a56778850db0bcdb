//! `tagwarden demo`: what this is for, on one machine, within a minute.
//!
//! A simulated company's history is learned at once; then one stretch with incidents in it runs at a person's pace, each
//! alert shown as it would read in Slack. Everything lies in one folder afterwards, to be looked at with the other
//! commands.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use tagwarden_engine::Counts;
use tagwarden_simulate::{Spec, demo_spec};

use super::run::{Worker, stop_on_signal};
use crate::Usage;
use crate::feed::SimulatedSource;
use crate::setup::{self, RuleChoice};
use crate::wire::input::Input;

#[derive(clap::Args)]
pub struct Args {
    /// Replay 30 days as fast as this machine can, then stop
    #[arg(long)]
    fast: bool,
    /// The folder to make; an earlier demo there is replaced
    #[arg(long, value_name = "DIR", default_value = "tagwarden-demo")]
    dir: PathBuf,
    /// How long the live stretch lasts, in seconds
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
}

/// Marks a folder that a later demo may replace.
const MARK: &str = ".tagwarden-demo";

/// A line that a log shipper cut off: something for the quarantine to show.
const BROKEN: &[u8] = br#"{"eventVersion":"1.10","eventSource":"ec2.amazonaws.com","eventName":"CreateTa"#;

pub async fn run(args: Args) -> Result<()> {
    let dir = &args.dir;
    prepare(dir)?;
    let spec = if args.fast { Spec::new(7, 30) } else { demo_spec() };
    let live = spec.showcase_ms().filter(|_| !args.fast);
    fs::write(dir.join("inventory.json"), tagwarden_simulate::inventory_json(&spec))?;
    let shown = write_events(&spec, live, &dir.join("events"))?;
    write_config(dir, "")?;
    let history = Stretch { until: live.map(|(from, _)| from), live: None };
    let stop = stop_on_signal()?;
    println!("A simulated company, {} days of its history. Learning what is normal there ...", spec.days);
    let counts = play(&args, &spec, &history, args.fast, stop.clone()).await?;
    let get = |c: &AtomicU64| c.load(Ordering::Relaxed);
    println!("{} events learned, {} changes archived.\n", grouped(get(&counts.pulled)), grouped(get(&counts.changes)));
    if let Some(window) = live {
        println!("Now live, {} minutes of the last day in {} seconds:\n", (window.1 - window.0) / 60_000, args.seconds);
        let lasting = Duration::from_secs(args.seconds);
        let stretch = Stretch { until: Some(window.1), live: Some((window, lasting)) };
        let counts = play(&args, &spec, &stretch, true, stop).await?;
        println!("\n{} events, {} alerts.", grouped(get(&counts.pulled)), get(&counts.alerts));
    }
    next_steps(dir, &shown)
}

fn prepare(dir: &Path) -> Result<()> {
    if dir.exists() {
        if !dir.join(MARK).exists() {
            let dir = dir.display();
            return Err(
                Usage(format!("{dir}: found a folder that is no earlier demo, want a new name: give --dir")).into()
            );
        }
        fs::remove_dir_all(dir).with_context(|| format!("removing the earlier demo {}", dir.display()))?;
    }
    fs::create_dir_all(dir.join("events")).with_context(|| format!("making {}", dir.display()))?;
    fs::write(dir.join(MARK), "")?;
    Ok(())
}

/// Keeps the last stretch's events as a file, for the commands to try next.
fn write_events(spec: &Spec, live: Option<(i64, i64)>, folder: &Path) -> Result<PathBuf> {
    let (from, to) = live.unwrap_or((0, i64::MAX));
    let path = folder.join("last-day.ndjson");
    let mut out = BufWriter::new(File::create(&path)?);
    let mut last_day = 0;
    let events: Vec<_> = tagwarden_simulate::generate(spec).filter(|e| (from..=to).contains(&e.time_ms)).collect();
    if live.is_none() {
        last_day = events.last().map_or(0, |e| e.time_ms - e.time_ms.rem_euclid(86_400_000));
    }
    for event in events.iter().filter(|e| e.time_ms >= last_day) {
        writeln!(out, "{}", event.json)?;
    }
    out.write_all(BROKEN)?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(path)
}

/// A configuration like any other: `tagwarden run -c` takes it.
fn write_config(dir: &Path, destination: &str) -> Result<()> {
    let text = format!(
        "[input]\npath = \"events\"\nclock = \"event\"\n\n[archive]\nroot = \"archive\"\n\n[state]\nfile = \"state.db\"\n\n\
         [inventory]\nfile = \"inventory.json\"\n{destination}"
    );
    fs::write(dir.join("tagwarden.toml"), text)?;
    Ok(())
}

/// Which part of the company's time to play, and how.
struct Stretch {
    until: Option<i64>,
    live: Option<((i64, i64), Duration)>,
}

async fn play(
    args: &Args,
    spec: &Spec,
    stretch: &Stretch,
    tell: bool,
    stop: tokio::sync::watch::Receiver<bool>,
) -> Result<Arc<Counts>> {
    if tell {
        write_config(&args.dir, "\n[[destination]]\nname = \"terminal\"\nkind = \"terminal\"\n")?;
    }
    let mut setup = setup::load(Some(&args.dir.join("tagwarden.toml")), &RuleChoice::default(), None, &[])?;
    setup.config.input.until_end = true;
    let counts = Arc::new(Counts::default());
    let ticker = tokio::spawn(tick(Arc::clone(&counts)));
    let (archive, state) = (args.dir.join("archive"), args.dir.join("state.db"));
    let worker = Worker { setup: &setup, archive: &archive, state: &state, counts: Arc::clone(&counts), stop };
    let (until, live) = (stretch.until.unwrap_or(i64::MAX), stretch.live);
    worker
        .run(&mut || {
            let events = tagwarden_simulate::generate(spec).take_while(move |e| e.time_ms <= until);
            let records = events.map(|e| (e.time_ms, Bytes::from(e.json)));
            let broken = live.map(|((from, _), _)| (from, Bytes::from_static(BROKEN)));
            Input::Simulated(SimulatedSource::new(records.chain(broken), live))
        })
        .await?;
    ticker.abort();
    Ok(counts)
}

/// One line a second: changes per second, lag, counts by disposition.
async fn tick(counts: Arc<Counts>) {
    let get = |c: &AtomicU64| c.load(Ordering::Relaxed);
    let (began, mut before) = (Instant::now(), 0);
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.tick().await;
    loop {
        second.tick().await;
        let changes = get(&counts.changes);
        let since = counts.last_pull_ms.load(Ordering::Relaxed);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let lag = now.as_millis().saturating_sub(u128::from(since));
        println!(
            "{:>4} s  {:>7} changes/s  lag {:>4} ms  |  archive {}  digest {}  notify {}  page {}",
            began.elapsed().as_secs(),
            grouped(changes - before),
            lag,
            grouped(get(&counts.archive_only)),
            get(&counts.digest),
            get(&counts.notify),
            get(&counts.page),
        );
        before = changes;
    }
}

fn next_steps(dir: &Path, shown: &Path) -> Result<()> {
    let exe = std::env::current_exe()?;
    let here = std::env::current_dir()?;
    let exe = exe.strip_prefix(&here).unwrap_or(&exe).display();
    let (dir, shown) = (dir.display(), shown.display());
    println!(
        "\nEverything is in {dir}/: the Parquet archive, the state, the configuration. Three things to try next:\n\n\
         # why each change of the last stretch was judged as it was, one JSON line each\n\
         {exe} judge {shown} --inventory {dir}/inventory.json --state {dir}/state.db\n\n\
         # the record that could not be used, and why\n\
         {exe} quarantine list --archive {dir}/archive\n\n\
         # the same events once more: each counts once\n\
         {exe} run -c {dir}/tagwarden.toml --until-end --json\n"
    );
    Ok(())
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_read_in_threes() {
        assert_eq!([0, 999, 1000, 1_234_567].map(super::grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
