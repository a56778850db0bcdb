//! Knows who changed what in an AWS organisation, and which few changes matter.

#![expect(unreachable_pub, reason = "a binary has no users of its items")]

mod commands;
mod config;
mod failpoint;
mod feed;
mod metrics;
mod models;
mod schedule;
mod setup;
mod swap;
mod train;
mod trainer;
mod wire;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Judging makes and drops many small texts: jemalloc serves them with 3 to 8 % less CPU than the C library.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Knows who changed what in an AWS organisation, and which few changes matter.
#[derive(Parser)]
#[command(version, about, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done, even if something went to quarantine
  1  had to stop: a source, the archive or the state gave up
  2  a fault in the command line, the configuration or the state; nothing was done";

#[derive(Subcommand)]
enum Command {
    /// Show what this is for: a simulated company, watched live on embedded parts
    Demo(commands::demo::Args),
    /// Watch: archive every change, tell of the few that matter
    Run(commands::run::Args),
    /// Judge events without writing anything: one JSON line per change
    Judge(commands::judge::Args),
    /// Check a configuration and its rules; every fault at once, no network
    Check(commands::check::Args),
    /// Learn a model from a stretch of an archive
    Train(commands::train::Args),
    /// Say how far a stretch of an archive has moved from what a model learned
    Drift(commands::drift::Args),
    /// Say how well incidents are found in labelled events
    Evaluate(commands::evaluate::Args),
    /// Write a simulated company's events, with the truth about its incidents
    Simulate(commands::simulate::Args),
    /// Look at records that could not be used
    Quarantine(commands::quarantine::Args),
    /// Write down what an alert was found to be
    Verdict(commands::verdict::Args),
    /// Show what alerts were found to be, and how often each rule was right
    Verdicts(commands::verdict::ListArgs),
}

/// A fault in what the user gave: exit code 2.
#[derive(Debug)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

fn main() -> ExitCode {
    // All that is written may hold raw events: nobody else's eyes.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("tagwarden: starting the runtime: {error}");
            return ExitCode::from(1);
        }
    };
    let result = runtime.block_on(async {
        match cli.command {
            Command::Demo(args) => commands::demo::run(args).await,
            Command::Run(args) => commands::run::run(args).await,
            Command::Judge(args) => commands::judge::run(args).await,
            Command::Check(args) => commands::check::run(&args),
            Command::Train(args) => commands::train::run(args).await,
            Command::Drift(args) => commands::drift::run(args).await,
            Command::Evaluate(args) => commands::evaluate::run(args).await,
            Command::Simulate(args) => commands::simulate::run(&args),
            Command::Quarantine(args) => commands::quarantine::run(args).await,
            Command::Verdict(args) => commands::verdict::run(&args),
            Command::Verdicts(args) => commands::verdict::list(&args),
        }
    });
    // A reader thread may hang on a terminal or a pipe that nobody writes to.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tagwarden: {error:#}");
            ExitCode::from(exit_code(&error))
        }
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    use tagwarden_core::StateError;
    let usage = error.chain().any(|cause| {
        cause.is::<Usage>() || matches!(cause.downcast_ref::<StateError>(), Some(StateError::Mismatch(_)))
    });
    if usage { 2 } else { 1 }
}
