//! The outbox, its couriers, and who is told.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use tagwarden_alert::{Courier, Drain, Offer};
use tagwarden_connect::notify::Destination;
use tagwarden_connect::notify::slack::Slack;
use tagwarden_connect::notify::terminal::Terminal;
use tagwarden_core::{AlertMessage, Assessment, Clock, Disposition, Notifier, NotifyError, Receipt, Row, Timestamp};
use tagwarden_engine::stages::Outbox;
use tagwarden_engine::{EventClock, SystemClock};
use tokio::sync::watch;

use crate::Usage;

/// Who is told, by kind.
pub enum Messenger {
    /// A Slack incoming webhook.
    Slack(Slack),
    /// Standard error.
    Terminal(Terminal<std::io::Stderr>),
}

impl Messenger {
    /// Builds what `destination` describes. A `replay` is paced by Slack's `Retry-After` alone: its second is not ours.
    pub fn build(destination: &Destination, replay: bool) -> Result<Self> {
        match destination {
            Destination::Terminal(config) => {
                let color = config.color.unwrap_or_else(|| colorful(&std::io::stderr()));
                Ok(Self::Terminal(Terminal::new(std::io::stderr(), color, config.style)))
            }
            Destination::Slack(config) => {
                let slack =
                    Slack::from_config(config).map_err(|e| Usage(format!("destination {}: {e}", config.name)))?;
                Ok(Self::Slack(if replay { slack.spaced(Duration::ZERO) } else { slack }))
            }
        }
    }
}

impl Notifier for Messenger {
    async fn notify(&self, message: &AlertMessage) -> Result<Receipt, NotifyError> {
        match self {
            Self::Slack(notifier) => notifier.notify(message).await,
            Self::Terminal(notifier) => notifier.notify(message).await,
        }
    }
}

/// Whether somebody watches who has not asked for plain text (<https://no-color.org>).
pub fn colorful(out: &impl std::io::IsTerminal) -> bool {
    out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty())
}

/// What alerts take for "now".
#[derive(Clone)]
pub enum AlertClock {
    /// The machine's clock.
    Wall(SystemClock),
    /// The newest event's time.
    Event(EventClock),
}

impl Clock for AlertClock {
    fn now(&self) -> Timestamp {
        match self {
            Self::Wall(clock) => clock.now(),
            Self::Event(clock) => clock.now(),
        }
    }

    async fn sleep(&self, wait: Duration) {
        match self {
            Self::Wall(clock) => clock.sleep(wait).await,
            Self::Event(clock) => clock.sleep(wait).await,
        }
    }
}

/// The outbox, and its couriers where history is replayed: there each batch is delivered before the next is judged, so
/// that what is told is what would have been told live.
pub struct Alerts {
    outbox: tagwarden_alert::Outbox,
    batch: Vec<Offer>,
    /// Somebody is told now of something in the batch.
    urgent: bool,
    clock: AlertClock,
    couriers: Vec<Courier<Messenger, AlertClock>>,
}

/// The couriers of a live run, one task each.
pub struct Couriers {
    tasks: Vec<tokio::task::JoinHandle<Result<(), tagwarden_alert::AlertError>>>,
    stop: watch::Sender<bool>,
}

impl Couriers {
    /// Lets each courier finish its call and deliver what is due within `deadline`; the rest stays in the ledger.
    pub async fn finish(self, deadline: Duration) -> Result<()> {
        self.stop.send_replace(true);
        for task in self.tasks {
            match tokio::time::timeout(deadline + Duration::from_secs(10), task).await {
                Ok(joined) => {
                    if let Err(error) = joined.context("a courier broke")? {
                        eprintln!("tagwarden: {error}; messages stay in the ledger");
                    }
                }
                Err(_) => eprintln!("tagwarden: a destination did not answer in time; its messages stay in the ledger"),
            }
        }
        Ok(())
    }
}

/// Most changes that wait for a commit because nobody is told of them now.
const MOST_WAITING: usize = 1024;

/// How long the end of a run waits for destinations.
pub const DRAIN: Duration = Duration::from_secs(20);

/// The pause after a destination said that going on does harm.
const REFUSED: Duration = Duration::from_mins(1);

impl Alerts {
    /// Opens the outbox in the state file and starts couriers for `destinations`.
    pub fn open(
        state: &Path,
        settings: &tagwarden_alert::Settings,
        destinations: Vec<(String, Messenger)>,
        clock: AlertClock,
        drain: Drain,
    ) -> Result<(Self, Couriers)> {
        let names = destinations.iter().map(|(name, _)| name.clone()).collect();
        let outbox = tagwarden_alert::Outbox::open(state, settings.clone(), names)?;
        let (stop, stopped) = watch::channel(false);
        let (mut inline, mut tasks) = (Vec::new(), Vec::new());
        for (name, messenger) in destinations {
            let mut courier = Courier::open(state, &name, settings, messenger, clock.clone(), outbox.wake())?;
            if matches!(clock, AlertClock::Event(_)) {
                inline.push(courier);
                continue;
            }
            let stopped = stopped.clone();
            tasks.push(tokio::spawn(async move {
                while let Err(error) = courier.run(stopped.clone()).await {
                    eprintln!(
                        "tagwarden: destination {name}: {error}; trying again in a minute, messages stay in the ledger"
                    );
                    let mut stopped = stopped.clone();
                    if tokio::time::timeout(REFUSED, stopped.wait_for(|stop| *stop)).await.is_ok() {
                        return Ok(());
                    }
                }
                courier.drain(drain, DRAIN).await.map(|_| ())
            }));
        }
        Ok((Self { outbox, batch: Vec::new(), urgent: false, clock, couriers: inline }, Couriers { tasks, stop }))
    }

    /// Delivers what is left of a replay.
    pub async fn drain(&mut self) -> Result<()> {
        for courier in &mut self.couriers {
            courier.drain(Drain::All, DRAIN).await?;
        }
        Ok(())
    }
}

impl Outbox for Alerts {
    type Error = tagwarden_alert::AlertError;

    fn wants(&self, row: &Row<'_>) -> bool {
        row.assessment.disposition != Disposition::ArchiveOnly
    }

    fn add(&mut self, row: &Row<'_>) {
        self.batch.extend(Offer::from_row(row));
        self.urgent |= matches!(row.assessment.disposition, Disposition::Notify | Disposition::Page);
    }

    fn commit(&mut self, epoch: u64) -> Result<u64, Self::Error> {
        // A commit waits for the disk. In a replay nothing waits, since there each batch is told at its time.
        let waits = self.couriers.is_empty() && !self.urgent && self.batch.len() < MOST_WAITING;
        if waits { Ok(0) } else { self.commit_all(epoch) }
    }

    fn commit_all(&mut self, epoch: u64) -> Result<u64, Self::Error> {
        let mut opened = 0;
        if !self.batch.is_empty() {
            opened = self.outbox.offer(self.clock.now(), epoch, &self.batch)?.opened;
            self.batch.clear();
            self.urgent = false;
        }
        if !self.couriers.is_empty() {
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(async {
                    for courier in &mut self.couriers {
                        courier.deliver_due().await?;
                    }
                    Ok::<_, tagwarden_alert::AlertError>(())
                })
            })?;
        }
        Ok(opened)
    }

    fn kept(&self, epoch: u64) -> Result<Vec<(String, Assessment)>, Self::Error> {
        Ok(self.outbox.ledger().kept(epoch)?.into_iter().collect())
    }
}

/// No outbox: for a dry run.
pub struct Silence;

impl Outbox for Silence {
    type Error = std::convert::Infallible;

    fn wants(&self, _row: &Row<'_>) -> bool {
        false
    }

    fn add(&mut self, _row: &Row<'_>) {}

    fn commit(&mut self, _epoch: u64) -> Result<u64, Self::Error> {
        Ok(0)
    }

    fn commit_all(&mut self, _epoch: u64) -> Result<u64, Self::Error> {
        Ok(0)
    }

    fn kept(&self, _epoch: u64) -> Result<Vec<(String, Assessment)>, Self::Error> {
        Ok(Vec::new())
    }
}
