//! The simulator as a source: history at once, then one stretch at a person's pace.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tagwarden_core::{Move, Partition, Position, Positions, Pulled, Record, Source, SourceError};

/// Simulated events, numbered from 1; the number is the position.
pub struct SimulatedSource {
    events: Box<dyn Iterator<Item = (i64, Bytes)>>,
    next: Option<(i64, Bytes)>,
    pace: Option<Pace>,
    partition: Partition,
    number: u64,
    waiting: VecDeque<(i64, Bytes)>,
    /// When the oldest event of the last batch happened, until the next pull says that the batch is done with.
    under_way: Option<Instant>,
    lag: Arc<AtomicU64>,
}

/// From when on, and how fast, events come live.
struct Pace {
    from_ms: i64,
    /// Milliseconds of event time in one millisecond of ours.
    speed: f64,
    began: Option<Instant>,
}

impl SimulatedSource {
    /// Plays `events` (time in milliseconds, bytes); from `live.0` to `live.1` in `lasting`, before and after at once.
    /// `lag` holds the longest time, in milliseconds, between an event's moment and its being judged, stored and told;
    /// who reads it sets it back.
    pub fn new(
        events: impl Iterator<Item = (i64, Bytes)> + 'static,
        live: Option<((i64, i64), Duration)>,
        lag: Arc<AtomicU64>,
    ) -> Self {
        let pace = live.map(|((from_ms, to_ms), lasting)| Pace {
            from_ms,
            speed: (to_ms - from_ms).max(1) as f64 / lasting.as_millis().max(1) as f64,
            began: None,
        });
        Self {
            events: Box::new(events),
            next: None,
            pace,
            partition: "simulator".into(),
            number: 0,
            waiting: VecDeque::new(),
            under_way: None,
            lag,
        }
    }

    /// When, on our clock, the event of this time happens; `None` for what is history.
    fn due(&mut self, time_ms: i64) -> Option<Instant> {
        let pace = self.pace.as_mut().filter(|pace| time_ms >= pace.from_ms)?;
        let began = *pace.began.get_or_insert_with(Instant::now);
        Some(began + Duration::from_secs_f64((time_ms - pace.from_ms) as f64 / pace.speed / 1000.0))
    }
}

impl Source for SimulatedSource {
    fn name(&self) -> &'static str {
        "simulator"
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn start(&mut self, positions: &Positions) -> Result<(), SourceError> {
        let done = positions.get(&self.partition).as_offset().unwrap_or(0);
        while self.number < done && self.events.next().is_some() {
            self.number += 1;
        }
        Ok(())
    }

    async fn pull(&mut self, max: usize) -> Result<Option<Pulled>, SourceError> {
        if let Some(happened) = self.under_way.take() {
            let lag = u64::try_from(happened.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.lag.fetch_max(lag, Ordering::Relaxed);
        }
        // Everything that is due goes into one batch; only a whole batch leaves, so a dropped pull loses nothing.
        while self.waiting.len() < max {
            let Some((time, _)) = self.next.as_ref() else {
                self.next = self.events.next();
                if self.next.is_none() {
                    break;
                }
                continue;
            };
            let time = *time;
            let wait = self.due(time).map_or(Duration::ZERO, |due| due.saturating_duration_since(Instant::now()));
            if !wait.is_zero() {
                if !self.waiting.is_empty() {
                    break;
                }
                tokio::time::sleep(wait.min(Duration::from_millis(200))).await;
                continue;
            }
            self.waiting.extend(self.next.take());
        }
        if self.waiting.is_empty() {
            return Ok(None);
        }
        self.under_way = self.waiting.front().map(|(time, _)| *time).and_then(|time| self.due(time));
        let position = |number: u64| if number == 0 { Position::start() } else { Position::offset(number) };
        let from = position(self.number);
        let take = self.waiting.len().min(max);
        let mut pulled = Pulled::default();
        for (_, bytes) in self.waiting.drain(..take) {
            self.number += 1;
            let (partition, position) = (self.partition.clone(), position(self.number));
            pulled.records.push(Record { bytes, partition, position, arrival: None, fault: None });
        }
        let (partition, to, records) = (self.partition.clone(), position(self.number), pulled.records.len() as u64);
        pulled.moves.push(Move { partition, from, to, records });
        Ok(Some(pulled))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::{Duration, Instant};

    use bytes::Bytes;
    use tagwarden_core::Source;

    use super::SimulatedSource;

    fn source(live: Option<((i64, i64), Duration)>, lag: &Arc<AtomicU64>) -> SimulatedSource {
        let events = [0, 1_000, 2_000].map(|time| (time, Bytes::from_static(b"{}")));
        SimulatedSource::new(events.into_iter(), live, Arc::clone(lag))
    }

    #[tokio::test]
    async fn history_comes_at_once_and_has_no_lag() {
        let lag = Arc::new(AtomicU64::new(0));
        let mut source = source(None, &lag);
        assert_eq!(source.pull(9).await.unwrap().unwrap().records.len(), 3);
        assert!(source.pull(9).await.unwrap().is_none());
        assert_eq!(lag.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn live_events_come_when_they_happen_and_lag_until_the_next_pull() {
        let lag = Arc::new(AtomicU64::new(0));
        let mut source = source(Some(((1_000, 2_000), Duration::from_millis(100))), &lag);
        let began = Instant::now();
        let first = source.pull(9).await.unwrap().unwrap();
        assert_eq!(first.records.len(), 2, "history, and what happens at once");
        let second = source.pull(9).await.unwrap().unwrap();
        assert_eq!(second.records.len(), 1);
        assert!(began.elapsed() >= Duration::from_millis(100));
        // Who works on a batch for this long is this late.
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(source.pull(9).await.unwrap().is_none());
        assert!(lag.load(Ordering::Relaxed) >= 50);
    }
}
