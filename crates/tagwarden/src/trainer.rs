//! Learns models beside a worker, by a schedule.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use tagwarden_alert::Ledger;

use crate::models::Status;
use crate::schedule::Schedule;
use crate::train::{Lessons, People, Stretch};

/// What it takes. The worker takes up what comes of it as any other model that is put in the place of its own.
pub struct Trainer {
    pub lessons: Lessons,
    pub archive: PathBuf,
    /// Where the ledger with people's verdicts is.
    pub state: PathBuf,
    pub days: u32,
    pub status: Arc<Status>,
}

impl Trainer {
    /// Begins to wait for the first time, on a thread of its own that ends with the process.
    ///
    /// # Errors
    /// No thread to be had.
    pub fn start(self, schedule: Schedule) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let work = move || {
            let once = async || self.once().await;
            runtime.block_on(schedule.keep(once, |done| self.status.training(done)));
        };
        std::thread::Builder::new().name("train".to_owned()).spawn(work).context("starting the training's thread")?;
        Ok(())
    }

    async fn once(&self) -> Result<()> {
        let people = People::of(&Ledger::open_existing(&self.state)?)?;
        let stretch = Stretch::last_days(&self.archive, self.days).await?;
        let trained = self.lessons.train(&stretch, &people, &ProgressBar::hidden()).await?;
        eprintln!("tagwarden: {}", trained.words);
        Ok(())
    }
}
