//! Delivery to one destination: take what is due, hand it over, write down what became of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tagwarden_core::{Clock, Notifier, Retry, Timestamp};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::queue::{Job, Queue};
use crate::{AlertError, Settings, schedule};

/// Longest wait before the queue is looked at again: a clock that follows events can jump.
const LOOK: Duration = Duration::from_secs(1);

/// How much a last effort takes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drain {
    /// What is due; for a stop that a restart will follow.
    Due,
    /// Follow-ups and digests before their time, too; for the end of finite input.
    All,
}

/// Delivers one destination's messages over a ledger connection of its own.
///
/// [`run`](Self::run) until told to stop, then [`drain`](Self::drain) if wanted; or, where history is replayed,
/// [`deliver_due`](Self::deliver_due) after each offer. One task and one courier per destination.
#[derive(Debug)]
pub struct Courier<N, C> {
    queue: Queue,
    destination: String,
    expire_after: Duration,
    notifier: N,
    clock: C,
    wake: Arc<Notify>,
    /// Failed tries in a row.
    failures: u32,
    /// No try before this; set while a wait that the destination asked for is not over.
    not_before: Option<Instant>,
}

enum Step {
    Sent,
    /// Nothing can be sent; the next message is due at this time.
    Idle(Option<Timestamp>),
    /// The destination wants a pause.
    Pause(Duration),
}

impl<N: Notifier, C: Clock> Courier<N, C> {
    /// Opens the ledger at `path` for `destination`; `wake` is the outbox's.
    pub fn open(
        path: &Path,
        destination: &str,
        settings: &Settings,
        notifier: N,
        clock: C,
        wake: Arc<Notify>,
    ) -> Result<Self, AlertError> {
        Ok(Self {
            queue: Queue::open(path, destination, settings)?,
            destination: destination.to_owned(),
            expire_after: settings.expire_after.duration(),
            notifier,
            clock,
            wake,
            failures: 0,
            not_before: None,
        })
    }

    /// Delivers until `stop` is true or its sender is gone; a call under way is finished first. Don't cancel it: a
    /// message under way would be sent again.
    ///
    /// # Errors
    /// The ledger failed, or the destination said that going on does harm: messages then stay in the ledger.
    pub async fn run(&mut self, mut stop: watch::Receiver<bool>) -> Result<(), AlertError> {
        loop {
            if *stop.borrow_and_update() {
                return Ok(());
            }
            let wake = Arc::clone(&self.wake);
            let woken = wake.notified();
            tokio::pin!(woken);
            // Registered before the look at the queue: an offer in between must not be slept over.
            woken.as_mut().enable();
            match self.step(false).await? {
                Step::Sent => {}
                Step::Idle(due) => {
                    let wait = due.map_or(LOOK, |due| self.until(due).min(LOOK));
                    tokio::select! {
                        () = self.clock.sleep(wait) => {}
                        () = &mut woken => {}
                        _ = stop.wait_for(|stop| *stop) => return Ok(()),
                    }
                }
                Step::Pause(wait) => {
                    self.not_before = Some(Instant::now() + wait);
                    tokio::select! {
                        () = self.clock.sleep(wait) => self.not_before = None,
                        _ = stop.wait_for(|stop| *stop) => return Ok(()),
                    }
                }
            }
        }
    }

    /// Sends what is due and returns without waiting: after a refusal nothing is tried again before the wait is over,
    /// so that a caller with other things to do loses at most one call's time. Gives the messages delivered.
    pub async fn deliver_due(&mut self) -> Result<u64, AlertError> {
        if self.not_before.is_some_and(|at| Instant::now() < at) {
            return Ok(0);
        }
        self.not_before = None;
        let mut delivered = 0;
        loop {
            match self.step(false).await? {
                Step::Sent => delivered += 1,
                Step::Idle(_) => return Ok(delivered),
                Step::Pause(wait) => {
                    self.not_before = Some(Instant::now() + wait);
                    return Ok(delivered);
                }
            }
        }
    }

    /// Tries to deliver until nothing is left of what `which` names, or `deadline` has passed; no call begins after
    /// it. What is left stays in the ledger. Gives the messages delivered.
    pub async fn drain(&mut self, which: Drain, deadline: Duration) -> Result<u64, AlertError> {
        let end = Instant::now() + deadline;
        let mut delivered = 0;
        if let Some(at) = self.not_before {
            if at >= end {
                return Ok(0);
            }
            self.clock.sleep(at.saturating_duration_since(Instant::now())).await;
            self.not_before = None;
        }
        while Instant::now() < end {
            match self.step(which == Drain::All).await? {
                Step::Sent => delivered += 1,
                Step::Idle(_) => break,
                Step::Pause(wait) => {
                    self.not_before = Some(Instant::now() + wait);
                    if Instant::now() + wait >= end {
                        break;
                    }
                    self.clock.sleep(wait).await;
                    self.not_before = None;
                }
            }
        }
        Ok(delivered)
    }

    fn until(&self, due: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(due.0.saturating_sub(self.clock.now().0)).unwrap_or(0))
    }

    async fn step(&mut self, all: bool) -> Result<Step, AlertError> {
        let now = self.clock.now();
        let Some(job) = self.queue.begin(now, all)? else {
            return Ok(Step::Idle(self.queue.next_due().map_err(AlertError::ledger("look at the queue"))?));
        };
        match self.notifier.notify(&job.message).await {
            Ok(receipt) => {
                self.failures = 0;
                self.queue.delivered(job.id, self.clock.now(), &receipt)?;
                Ok(Step::Sent)
            }
            Err(error) => match error.retry {
                Retry::Retry { after } => self.postpone(&job, after, &error.what),
                Retry::RejectItem => {
                    self.queue.expired(job.id, &error.what)?;
                    Ok(Step::Sent)
                }
                Retry::Stop => {
                    self.queue.postponed(job.id, Duration::ZERO, &error.what)?;
                    Err(AlertError::Stopped { destination: self.destination.clone(), reason: error.what })
                }
            },
        }
    }

    fn postpone(&mut self, job: &Job, after: Option<Duration>, reason: &str) -> Result<Step, AlertError> {
        self.failures = self.failures.saturating_add(1);
        let wait = schedule::backoff(self.failures, after);
        let failing = self.queue.postponed(job.id, wait, reason)?.saturating_sub(wait);
        // Both: old by the clock, which may follow events and leap, and failing for as long in waits.
        let age = self.clock.now().0.saturating_sub(job.due.0);
        if failing >= self.expire_after && u128::try_from(age).is_ok_and(|age| age >= self.expire_after.as_millis()) {
            self.queue.expired(job.id, reason)?;
        }
        Ok(Step::Pause(wait))
    }
}

#[cfg(test)]
#[path = "courier_tests.rs"]
mod tests;
