//! `tagwarden simulate`: a company's events on disk, with the truth about its incidents.

use std::path::PathBuf;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use tagwarden_simulate::Spec;

#[derive(clap::Args)]
pub struct Args {
    /// Days to simulate
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// The seed: the same one gives the same bytes
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Events a day, about
    #[arg(long, value_name = "N")]
    events_per_day: Option<u32>,
    /// The folder to write: events/, truth.ndjson, inventory.json, spec.json
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub fn run(args: &Args) -> Result<()> {
    let mut spec = Spec::new(args.seed, args.days);
    if let Some(events) = args.events_per_day {
        spec.events_per_day = events;
    }
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos} of about {len} events")?;
    let bar = ProgressBar::new(u64::from(args.days) * u64::from(spec.events_per_day)).with_style(style);
    bar.set_message("simulating");
    let summary = tagwarden_simulate::write(&spec, &args.out, &mut |events| bar.set_position(events))
        .with_context(|| format!("writing {}", args.out.display()))?;
    bar.finish_and_clear();
    println!(
        "{}: {} events over {} days, {} incidents and {} benign twins (truth.ndjson), inventory.json, spec.json",
        args.out.display(),
        summary.events,
        args.days,
        summary.incidents,
        summary.twins,
    );
    Ok(())
}
