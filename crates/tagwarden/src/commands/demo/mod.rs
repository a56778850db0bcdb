//! `tagwarden demo`: what this is for, on one machine, within a minute.
//!
//! A simulated company's history is learned at once; then one stretch with incidents in it runs at a person's pace, each
//! alert shown as it would read in Slack. Everything lies in one folder afterwards, to be looked at with the other
//! commands.

mod tally;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use tagwarden_baseline::thousands;
use tagwarden_engine::Counts;
use tagwarden_simulate::{Spec, demo_spec};
use tokio::sync::watch;

use super::run::{Worker, stop_on_signal};
use crate::Usage;
use crate::feed::SimulatedSource;
use crate::setup::SetupArgs;
use crate::wire::alerts::colorful;
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

/// The only destination, and the name by which the ledger knows it.
const SCREEN: &str = "screen";

const DAY_MS: i64 = 86_400_000;

pub async fn run(args: Args) -> Result<()> {
    let dir = args.dir.as_path();
    prepare(dir)?;
    let spec = if args.fast { Spec::new(7, 30) } else { demo_spec() };
    let stories = tally::stories(&spec);
    // What comes after the cut can be judged again from the memory as it was then.
    let cut = spec.showcase_ms().map_or_else(|| last_incidents_day(&stories), |(from, _)| from);
    let end = spec.showcase_ms().map_or(i64::MAX, |(_, to)| to);
    let inventory = tagwarden_simulate::inventory_json(&spec);
    fs::write(dir.join("inventory.json"), &inventory)?;
    write_events(&spec, cut..=end, &dir.join("events/latest.ndjson"))?;

    let show = Show { dir, spec: &spec, stop: stop_on_signal()? };
    println!("Tagwarden watches {}.\n", company(&inventory)?);
    let began = Instant::now();
    if args.fast {
        println!("{} days of its life, as fast as it goes; alerts as a locked phone shows them:\n", spec.days);
        write_config(dir, "line")?;
    } else {
        println!("Its last {} days are read first, to learn what is normal there:\n", spec.days - 1);
        write_config(dir, "")?;
    }
    let counts = show.play(i64::MIN..cut, None).await?;
    if show.stopped() {
        return Ok(());
    }
    keep_memory(dir)?;
    if !args.fast {
        println!("\n{}. Nobody is alerted about history.\n", in_words(&counts));
        let minutes = (end - cut) / 60_000;
        println!("Now live: {minutes} minutes in {} seconds, alerts as they would read in Slack.\n", args.seconds);
        write_config(dir, "box")?;
    }
    let live = (!args.fast).then(|| ((cut, end), Duration::from_secs(args.seconds)));
    let later = show.play(cut..end, live).await?;
    if show.stopped() {
        return Ok(());
    }
    if args.fast {
        let took = began.elapsed().as_secs_f64();
        counts.pulled.fetch_add(get(&later.pulled), Ordering::Relaxed);
        counts.changes.fetch_add(get(&later.changes), Ordering::Relaxed);
        println!("\n{} days in {took:.1} s: {}.", spec.days, in_words(&counts));
    } else {
        println!("\n{}.", in_words(&later));
    }
    println!("\nWhat really happened, which only the simulator knows, and how people learnt of it:\n");
    let days = f64::from(spec.days);
    for line in tally::compare(&stories, &dir.join("state.db"), SCREEN, days, !args.fast)? {
        println!("{line}");
    }
    next_steps(dir);
    Ok(())
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

/// `brightferry, a simulated company: 13 AWS accounts, 9 teams, 60 people`.
fn company(inventory: &str) -> Result<String> {
    let known: serde_json::Value = serde_json::from_str(inventory)?;
    let count = |member: &str| known[member].as_array().map_or(0, Vec::len);
    let name = known["company"].as_str().unwrap_or_default();
    let (accounts, teams, people) = (count("accounts"), count("teams"), count("people"));
    Ok(format!("{name}, a simulated company: {accounts} AWS accounts, {teams} teams, {people} people"))
}

/// The start of the day on which the last incident began.
fn last_incidents_day(stories: &[tally::Story]) -> i64 {
    let last = stories.iter().filter(|story| story.malicious).map(|story| story.begins_ms).max().unwrap_or(0);
    last - last.rem_euclid(DAY_MS)
}

/// Keeps the events of the last stretch as a file, for the commands to try next.
fn write_events(spec: &Spec, times: std::ops::RangeInclusive<i64>, path: &Path) -> Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    for event in tagwarden_simulate::generate(spec).filter(|event| times.contains(&event.time_ms)) {
        writeln!(out, "{}", event.json)?;
    }
    out.write_all(BROKEN)?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(())
}

/// A configuration like any other, which `tagwarden run -c` takes. Without a `style` nobody is told.
fn write_config(dir: &Path, style: &str) -> Result<()> {
    let destination = match style {
        "" => String::new(),
        style => format!("\n[[destination]]\nname = \"{SCREEN}\"\nkind = \"terminal\"\nstyle = \"{style}\"\n"),
    };
    let text = format!(
        "[input]\npath = \"events\"\nclock = \"event\"\n\n[archive]\nroot = \"archive\"\n\n[state]\nfile = \"state.db\"\n\n\
         [inventory]\nfile = \"inventory.json\"\n{destination}"
    );
    fs::write(dir.join("tagwarden.toml"), text)?;
    Ok(())
}

/// Keeps the memory as it is before the last stretch, so that `judge` can judge that stretch as it was judged.
fn keep_memory(dir: &Path) -> Result<()> {
    let (from, to) = (dir.join("state.db"), dir.join("before-latest.db"));
    fs::copy(&from, to).with_context(|| format!("copying {}", from.display()))?;
    Ok(())
}

/// The company, and where its watch is kept.
struct Show<'a> {
    dir: &'a Path,
    spec: &'a Spec,
    stop: watch::Receiver<bool>,
}

impl Show<'_> {
    /// Whether somebody has seen enough: half a story says nothing about what was told.
    fn stopped(&self) -> bool {
        let stopped = *self.stop.borrow();
        if stopped {
            println!("\nStopped early; {} holds what was done so far.", self.dir.display());
        }
        stopped
    }

    /// Plays the events of `times`; live at the pace given, else as fast as it goes.
    async fn play(&self, times: std::ops::Range<i64>, live: Option<((i64, i64), Duration)>) -> Result<Arc<Counts>> {
        let config = Some(self.dir.join("tagwarden.toml"));
        let mut setup = SetupArgs { config, ..SetupArgs::default() }.load(&[])?;
        setup.config.input.until_end = true;
        let (counts, lag) = (Arc::new(Counts::default()), Arc::new(AtomicU64::new(0)));
        let ticker = tokio::spawn(tick(Arc::clone(&counts), live.map(|_| Arc::clone(&lag))));
        let (archive, state) = (self.dir.join("archive"), self.dir.join("state.db"));
        let (counted, stop) = (Arc::clone(&counts), self.stop.clone());
        let worker = Worker { setup: &setup, archive: &archive, state: &state, counts: counted, stop };
        let last = times.end;
        let first_is_history = times.start == i64::MIN;
        worker
            .run(&mut || {
                // From the beginning each time: the position says how many of them are done.
                let events = tagwarden_simulate::generate(self.spec).take_while(move |e| e.time_ms < last);
                let records = events.map(|e| (e.time_ms, Bytes::from(e.json)));
                let broken = (!first_is_history).then_some((last, Bytes::from_static(BROKEN)));
                Input::Simulated(SimulatedSource::new(records.chain(broken), live, Arc::clone(&lag)))
            })
            .await?;
        ticker.abort();
        Ok(counts)
    }
}

/// One line a second: changes per second, lag, counts by disposition.
async fn tick(counts: Arc<Counts>, lag: Option<Arc<AtomicU64>>) {
    let (dim, plain) = if colorful(&std::io::stdout()) { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
    let (began, mut before) = (Instant::now(), 0);
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.tick().await;
    loop {
        second.tick().await;
        let changes = get(&counts.changes);
        // History has no lag: it is late on purpose.
        let lag =
            lag.as_ref().map_or_else(String::new, |lag| format!("lag {:>4} ms   ", lag.swap(0, Ordering::Relaxed)));
        println!(
            "{dim}{:>3} s  {:>6} changes/s   {lag}so far: {} archived only, {} for the digest, {} notified, {} paged{plain}",
            began.elapsed().as_secs(),
            thousands(changes - before),
            thousands(get(&counts.archive_only)),
            get(&counts.digest),
            get(&counts.notify),
            get(&counts.page),
        );
        before = changes;
    }
}

fn get(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

fn in_words(counts: &Counts) -> String {
    let (events, changes) = (get(&counts.pulled), get(&counts.changes));
    format!("{} events read, {} changes archived", thousands(events), thousands(changes))
}

fn next_steps(dir: &Path) {
    // As the user called it, so that it can be called so again.
    let exe = std::env::args().next().unwrap_or_else(|| "tagwarden".to_owned());
    let (exe, dir) = (quoted(&exe), quoted(&dir.display().to_string()));
    println!(
        "\nEverything is in {dir}/: the Parquet archive (archive/changes/), the memory, the configuration. Three things\n\
         to try next:\n\n\
         # judge the last stretch once more, from the memory as it was before it: what was told, and why, as JSON\n\
         {exe} judge {dir}/events/latest.ndjson --inventory {dir}/inventory.json --state {dir}/before-latest.db | grep -v archive_only\n\n\
         # the record that could not be used, and why\n\
         {exe} quarantine list --archive {dir}/archive\n\n\
         # the same events once more: each counts once\n\
         {exe} run -c {dir}/tagwarden.toml --until-end --json\n"
    );
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn commands_can_be_pasted() {
        assert_eq!(quoted("target/release/tagwarden"), "target/release/tagwarden");
        assert_eq!(quoted("my demo"), "'my demo'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
