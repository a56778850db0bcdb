//! `tagwarden quarantine`: records that could not be used, and why.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use tagwarden_archive::Archive;

use crate::Usage;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// One line per record
    List {
        /// The archive's root
        #[arg(long, value_name = "DIR")]
        archive: PathBuf,
    },
    /// One record's raw bytes, as received
    Show {
        /// The archive's root
        #[arg(long, value_name = "DIR")]
        archive: PathBuf,
        /// The id that `list` prints
        id: String,
    },
}

pub async fn run(args: Args) -> Result<()> {
    let (Action::List { archive: root } | Action::Show { archive: root, .. }) = &args.action;
    if !root.join("_tagwarden.json").exists() {
        return Err(Usage(format!("{}: found no _tagwarden.json, want the root of an archive", root.display())).into());
    }
    let archive = Archive::open(root, "0", tagwarden_archive::Settings::default()).await?;
    let entries = archive.quarantined().await?;
    let mut out = std::io::stdout().lock();
    match args.action {
        Action::List { .. } => {
            for entry in &entries {
                writeln!(
                    out,
                    "{}  {:<8}  {:>9} bytes  {} @ {}  {}",
                    entry.id,
                    entry.stage,
                    entry.bytes.len(),
                    entry.partition,
                    entry.position.as_str(),
                    entry.reason
                )?;
            }
            eprintln!(
                "{} in quarantine",
                if entries.len() == 1 { "1 record".into() } else { format!("{} records", entries.len()) }
            );
        }
        Action::Show { id, .. } => {
            let entry = entries.iter().find(|e| e.id == id).with_context(|| {
                format!("quarantine: found no record `{id}`, want an id that `tagwarden quarantine list` prints")
            })?;
            eprintln!("{}: {} @ {}: {}", entry.stage, entry.partition, entry.position.as_str(), entry.reason);
            out.write_all(&entry.bytes)?;
            out.flush()?;
        }
    }
    Ok(())
}
