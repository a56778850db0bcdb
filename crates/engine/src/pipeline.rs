//! One record's way, from pull to advance.
//!
//! [`Pipeline::run`] shows the order of the steps, `refine` what happens to one record. An epoch is the span of input
//! that is sealed together; progress moves only at its end, in one commit with all that judging remembers. A crash at
//! any point drops what memory held of the open epoch; the next start reads it again from the last advance.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use tagwarden_core::{
    Assessment, Change, Clock, Disposition, Event, Ingest, Intent, Move, MoveError, Positions, Pulled, Record, Row,
    RuleHit, Sealed, Source, SourceError, StateDelta, StateError, StateStore, Timestamp, Versions,
};
use tokio::sync::watch;

use crate::recover::join;
use crate::stages::{Archive, Decode, Outbox, Stages};
use crate::{Backoff, Counts, EventClock, Meter, Seen, Step, SystemClock};

/// Bytes of copied records in one allocation.
const COPIES: usize = 1 << 20;

/// When an epoch ends, and what is kept.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Events per epoch.
    pub epoch_events: u64,
    /// An open epoch's age at which it is sealed; `None` cuts by count only, so that finite input gives the same names
    /// again.
    pub epoch_age: Option<Duration>,
    /// Keep every read.
    pub archive_read_only: bool,
    /// Records pulled at a time: the most that one commit of the outbox waits for.
    pub batch: usize,
}

/// Why the pipeline had to stop.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The source gave up.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The state store gave up, or another worker has taken over.
    #[error(transparent)]
    State(#[from] StateError),
    /// The source's progress does not fit what was read so far.
    #[error(transparent)]
    Progress(#[from] MoveError),
    /// The archive gave up.
    #[error("archive: epoch {epoch}")]
    Archive {
        /// The open epoch.
        epoch: u64,
        /// The cause.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The outbox gave up.
    #[error("outbox: epoch {epoch}")]
    Outbox {
        /// The open epoch.
        epoch: u64,
        /// The cause.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Why the pipeline ended in good order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finished {
    /// A finite source is at its end.
    AtEnd,
    /// Somebody asked it to stop.
    Stopped,
    /// An intent was finished under the versions that it names; start anew under those in force.
    Recovered,
    /// An epoch was under way under other versions: start with them, then anew.
    Under(Versions),
    /// The input could not be cut as an intent says; start anew with `shut_out`.
    Recut,
}

/// Asks the pipeline to stop: no new pull, one last seal and advance.
pub type Stop = watch::Receiver<bool>;

/// The rooms, put together, and the open epoch.
pub struct Pipeline<S, T, D, J, A, O> {
    /// Where records come from.
    pub source: S,
    /// Where memory is kept.
    pub state: T,
    /// Bytes to event.
    pub decoder: D,
    /// Event to assessed changes.
    pub stages: J,
    /// Where rows go.
    pub archive: A,
    /// Where alerts go.
    pub outbox: O,
    /// Counters, shared with the metrics page.
    pub counts: Arc<Counts>,
    /// Time by step.
    pub meter: Meter,
    /// When an epoch ends, and what is kept.
    pub limits: Limits,
    /// The config, rules, inventory and model in force.
    pub versions: Versions,
    /// The clock to move on with the events, when history is replayed as if live.
    pub event_clock: Option<EventClock>,
    /// Go on from what did land of an open intent, instead of reading it again.
    pub shut_out: bool,
    /// Finish an open intent, then stop.
    pub only_recover: bool,
    /// Called before and after each step that leaves a trace; kill tests hang on it.
    pub on_step: Box<dyn FnMut(&str)>,
    /// The open epoch.
    pub open: Open,
}

/// What an open epoch has taken in so far.
#[derive(Debug, Default)]
pub struct Open {
    pub(crate) epoch: u64,
    pub(crate) fence: u64,
    pub(crate) positions: Positions,
    pub(crate) moves: Vec<Move>,
    pub(crate) records: u64,
    pub(crate) since: Option<Instant>,
    pub(crate) newest: Option<Timestamp>,
    /// Of the last batch more than half was archived.
    pub(crate) keeps_most: bool,
    /// Where the next record is copied to, if it outlives its buffer.
    pub(crate) copies: BytesMut,
    pub(crate) seen: Seen,
    /// Assessments that went out before a crash: a replay keeps them.
    pub(crate) kept: HashMap<String, Assessment>,
}

impl<S, T, D, J, A, O> Pipeline<S, T, D, J, A, O>
where
    S: Source,
    T: StateStore,
    D: Decode,
    J: Stages,
    A: Archive,
    O: Outbox,
{
    /// Runs until the source ends, `stop` says so, or going on would do harm.
    pub async fn run(&mut self, mut stop: Stop) -> Result<Finished, EngineError> {
        if let Some(early) = self.recover().await? {
            return Ok(early);
        }
        loop {
            let room = self.limits.epoch_events.saturating_sub(self.open.records);
            let began = Instant::now();
            let pulled = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                () = sleep_until(self.seal_at()) => Some(Pulled::default()),
                pulled = self.source.pull(self.at_most(room)) => self.retried(pulled).await?,
            };
            self.meter.add(Step::Pull, began);
            let Some(pulled) = pulled else {
                self.seal().await?;
                return Ok(Finished::AtEnd);
            };
            self.take(&pulled)?;
            if self.due() {
                self.seal().await?;
            }
        }
        self.seal().await?;
        Ok(Finished::Stopped)
    }

    /// Judges what was pulled, tells of it, and notes the progress that it means.
    pub(crate) fn take(&mut self, pulled: &Pulled) -> Result<(), EngineError> {
        self.open.since.get_or_insert_with(Instant::now);
        let now = SystemClock.now();
        self.counts.last_pull_ms.store(now.0.unsigned_abs(), Ordering::Relaxed);
        let before = self.counts.archived.load(Ordering::Relaxed);
        for record in &pulled.records {
            self.refine(record, now)?;
        }
        let kept = self.counts.archived.load(Ordering::Relaxed) - before;
        self.open.keeps_most = kept * 2 > pulled.records.len() as u64;
        for step in &pulled.moves {
            join(&mut self.open.moves, step.clone());
        }
        self.open.records += pulled.records.len() as u64;
        self.counts.behind.store(pulled.behind.unwrap_or(0), Ordering::Relaxed);
        if let Some(newest) = self.open.newest {
            self.counts.lag_ms.store((now.0 - newest.0).max(0).unsigned_abs(), Ordering::Relaxed);
        }
        self.counts.check();
        self.tell(O::commit)
    }

    /// Has the outbox commit, by one of its two ways.
    pub(crate) fn tell(&mut self, commit: fn(&mut O, u64) -> Result<u64, O::Error>) -> Result<(), EngineError> {
        let began = Instant::now();
        (self.on_step)("alert");
        let epoch = self.open.epoch;
        let opened = commit(&mut self.outbox, epoch).map_err(|e| EngineError::Outbox { epoch, source: Box::new(e) })?;
        (self.on_step)("alerted");
        self.counts.alerts.fetch_add(opened, Ordering::Relaxed);
        self.meter.add(Step::Alert, began);
        Ok(())
    }

    /// One record: decode, drop repeats, normalise, enrich, detect, judge, write, offer, remember.
    fn refine(&mut self, record: &Record, now: Timestamp) -> Result<(), EngineError> {
        let Self { decoder, stages, archive, outbox, counts, meter, open, state, source, .. } = self;
        Counts::one(&counts.pulled);
        meter.record();
        let decoded = match &record.fault {
            Some(fault) => Err(fault.clone()),
            None => decoder.decode(&record.bytes, now),
        };
        meter.mark(Step::Decode);
        let event = match decoded {
            Ok(event) => event,
            Err(fault) => {
                archive.reject(record, source.name(), &fault);
                Counts::one(&counts.quarantined);
                return Ok(());
            }
        };
        let first = open.seen.first_time(state, event.time.day(), event.key)?;
        meter.mark(Step::Seen);
        if !first {
            Counts::one(&counts.duplicate);
            return Ok(());
        }
        stages.feed(&event);
        let mut hits = Vec::new();
        stages.event_rules(&event, &mut hits);
        meter.mark(Step::Rules);
        let read = event.read_only && event.error_code.is_none();
        let keep = !read || !hits.is_empty() || self.limits.archive_read_only || stages.is_news(&event);
        if !keep {
            Counts::one(&counts.read_only);
            return Ok(());
        }
        Counts::one(&counts.archived);
        let judged = Judging {
            stages,
            archive,
            outbox,
            counts,
            meter,
            versions: &self.versions,
            kept: &mut open.kept,
            source: source.name(),
            copies: (!open.keeps_most).then_some(&mut open.copies),
        };
        judged.event(record, &event, &hits);
        open.newest = Some(event.time);
        if let Some(clock) = &self.event_clock {
            clock.advance_to(event.time);
        }
        Ok(())
    }

    /// A batch, or what is left of `room`.
    pub(crate) fn at_most(&self, room: u64) -> usize {
        usize::try_from(room).map_or(self.limits.batch, |room| room.min(self.limits.batch))
    }

    fn due(&self) -> bool {
        let aged = self.seal_at().is_some_and(|at| at <= Instant::now());
        self.open.records >= self.limits.epoch_events || aged
    }

    /// When the open epoch is old enough to be sealed.
    fn seal_at(&self) -> Option<Instant> {
        let age = self.limits.epoch_age?;
        Some(self.open.since? + age)
    }

    /// Seals the open epoch, if it holds anything, and moves on.
    async fn seal(&mut self) -> Result<(), EngineError> {
        if self.open.moves.is_empty() {
            self.open.since = None;
            return Ok(());
        }
        // Before the intent: an epoch that is shut out later is not judged again.
        self.tell(O::commit_all)?;
        let epoch = self.open.epoch;
        let (objects, quarantine) = self.archive.plan(epoch);
        let intent = Intent {
            epoch,
            lane: "0".to_owned(),
            moves: std::mem::take(&mut self.open.moves),
            versions: self.versions.clone(),
            archive_read_only: self.limits.archive_read_only,
            objects,
            quarantine,
        };
        let began = Instant::now();
        (self.on_step)("intend");
        self.state.intend(self.open.fence, &intent).await?;
        (self.on_step)("intended");
        self.meter.add(Step::Advance, began);
        self.finish(&intent).await
    }

    /// Makes the objects of `intent` durable, then moves on in one commit.
    pub(crate) async fn finish(&mut self, intent: &Intent) -> Result<(), EngineError> {
        let began = Instant::now();
        let sealed = self.archive.seal(intent, &mut self.on_step).await;
        let sealed = sealed.map_err(|e| EngineError::Archive { epoch: intent.epoch, source: Box::new(e) })?;
        self.meter.add(Step::Seal, began);
        self.advance(&sealed).await
    }

    pub(crate) async fn advance(&mut self, sealed: &Sealed) -> Result<(), EngineError> {
        let began = Instant::now();
        let mut delta = StateDelta::default();
        self.stages.delta(&mut delta);
        self.open.seen.delta(&mut delta);
        self.open.positions.apply(&sealed.intent.moves)?;
        (self.on_step)("advance");
        self.state.advance(self.open.fence, sealed, &delta).await?;
        (self.on_step)("advanced");
        Counts::one(&self.counts.epochs);
        self.counts.sealed_rows.fetch_add(sealed.files.iter().map(|f| f.rows).sum(), Ordering::Relaxed);
        self.open.epoch += 1;
        (self.open.records, self.open.since) = (0, None);
        self.open.kept.clear();
        self.meter.add(Step::Advance, began);
        Ok(())
    }

    /// Pulls again as long as the source says that it is worth it.
    pub(crate) async fn retried(
        &mut self,
        first: Result<Option<Pulled>, SourceError>,
    ) -> Result<Option<Pulled>, SourceError> {
        let (mut result, mut backoff) = (first, Backoff::default());
        loop {
            let error = match result {
                Ok(pulled) => return Ok(pulled),
                Err(error) => error,
            };
            let Some(wait) = backoff.next(error.retry) else { return Err(error) };
            tokio::time::sleep(wait).await;
            let room = self.limits.epoch_events.saturating_sub(self.open.records);
            result = self.source.pull(self.at_most(room)).await;
        }
    }
}

/// The second half of a record's way: one event, all its changes.
struct Judging<'p, J, A, O> {
    stages: &'p mut J,
    archive: &'p mut A,
    outbox: &'p mut O,
    counts: &'p Counts,
    meter: &'p mut Meter,
    versions: &'p Versions,
    kept: &'p mut HashMap<String, Assessment>,
    source: &'p str,
    /// Where a record is copied to, so that the buffer that it was read into is soon free and still in the cache. Without,
    /// the archive holds on to those buffers, since most of each is kept anyway.
    copies: Option<&'p mut BytesMut>,
}

impl<J: Stages, A: Archive, O: Outbox> Judging<'_, J, A, O> {
    fn event(self, record: &Record, event: &Event<'_>, hits: &[RuleHit]) {
        let Self { stages, archive, outbox, counts, meter, versions, kept, source, mut copies } = self;
        let mut changes: Vec<Change<'_>> = Vec::new();
        stages.normalise(event, &mut changes);
        meter.mark(Step::Normalise);
        let actor = stages.actor(event);
        let raw_sha256 = sha256_hex(&record.bytes);
        let raw_sha256 = std::str::from_utf8(&raw_sha256).unwrap_or_default();
        let redacted = stages.raw(event);
        meter.mark(Step::Write);
        for change in &mut changes {
            let mut enriched = stages.enrich(event, &actor, change);
            meter.mark(Step::Enrich);
            let scores = stages.score(event, &actor, change, &enriched);
            meter.mark(Step::Score);
            let mut assessment = stages.judge(event, &actor, change, &enriched, hits, scores);
            if !kept.is_empty()
                && let Some(told) = kept.get(&format!("{}.{}", event.id, change.ordinal))
            {
                assessment = told.clone();
            }
            meter.mark(Step::Judge);
            stages.settle(event, &actor, change, &enriched, &assessment);
            stages.redact(change, &mut enriched, &mut assessment);
            meter.mark(Step::Settle);
            let first = change.ordinal == 0;
            let row = Row {
                event,
                actor: &actor,
                change,
                enriched: &enriched,
                assessment: &assessment,
                versions,
                ingest: Ingest { source, partition: &record.partition, position: record.position.as_str() },
                seen_time: record.arrival,
                raw_sha256,
                raw_event: redacted.as_deref().filter(|_| first),
            };
            let raw = || copies.as_mut().map_or_else(|| record.bytes.clone(), |copies| copied(copies, &record.bytes));
            archive.push(&row, (first && redacted.is_none()).then(raw));
            if outbox.wants(&row) {
                outbox.add(&row);
            }
            Counts::one(&counts.changes);
            Counts::one(match assessment.disposition {
                Disposition::ArchiveOnly => &counts.archive_only,
                Disposition::Digest => &counts.digest,
                Disposition::Notify => &counts.notify,
                Disposition::Page => &counts.page,
                Disposition::Suppressed => &counts.suppressed,
            });
            meter.mark(Step::Write);
        }
    }
}

/// `bytes` behind the copies before them: one allocation serves many.
fn copied(copies: &mut BytesMut, bytes: &[u8]) -> Bytes {
    if copies.capacity() < bytes.len() {
        *copies = BytesMut::with_capacity(COPIES.max(bytes.len()));
    }
    copies.extend_from_slice(bytes);
    copies.split().freeze()
}

fn sha256_hex(bytes: &[u8]) -> [u8; 64] {
    use sha2::Digest;
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut hex = [0; 64];
    for (pair, byte) in hex.as_chunks_mut::<2>().0.iter_mut().zip(sha2::Sha256::digest(bytes)) {
        *pair = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
    }
    hex
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
