//! A clock that goes on only when it is told to, or slept by.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tagwarden_core::{Clock, Timestamp};

/// A clock for tests: a sleep takes no time, moves the clock on and is written down.
#[derive(Debug)]
pub struct FakeClock {
    held: Mutex<(Timestamp, Vec<Duration>)>,
}

impl FakeClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { held: Mutex::new((now, Vec::new())) }
    }

    /// Moves the clock on by `step`.
    pub fn advance(&self, step: Duration) {
        let mut held = self.held();
        held.0 = Timestamp(held.0.0 + i64::try_from(step.as_millis()).unwrap_or(i64::MAX));
    }

    /// The sleeps so far.
    pub fn slept(&self) -> Vec<Duration> {
        self.held().1.clone()
    }

    fn held(&self) -> MutexGuard<'_, (Timestamp, Vec<Duration>)> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        self.held().0
    }

    async fn sleep(&self, wait: Duration) {
        self.advance(wait);
        self.held().1.push(wait);
        tokio::task::yield_now().await;
    }
}
