//! What the pipeline asks of the rooms it can't see.

use std::error::Error;
use std::future::Future;

use bytes::Bytes;
use tagwarden_core::{
    Actor, Assessment, Change, Enriched, Entry, Event, Fault, Intent, Record, Row, RuleHit, Scores, Sealed, StateDelta,
    Timestamp,
};

/// Bytes to event.
pub trait Decode {
    /// Decodes one record; `now` bounds the event's time.
    ///
    /// # Errors
    /// What quarantine takes.
    fn decode<'a>(&'a mut self, bytes: &'a [u8], now: Timestamp) -> Result<Event<'a>, Fault>;
}

/// Event to assessed changes, and all that is remembered on the way.
///
/// Everything but `feed`, `settle` and `restore` leaves the memory as it was, so a change is judged by itself and the
/// state before it.
pub trait Stages {
    /// Learns who is behind a session, from events that tell.
    fn feed(&mut self, event: &Event<'_>);
    /// Rules over the event alone: a read that one of them hits is kept.
    fn event_rules(&mut self, event: &Event<'_>, hits: &mut Vec<RuleHit>);
    /// Whether a read says something that was not learned yet: then it is kept, too.
    fn is_news(&mut self, event: &Event<'_>) -> bool;
    /// What the event did, resource by resource; at least one change.
    fn normalise<'a>(&mut self, event: &Event<'a>, changes: &mut Vec<Change<'a>>);
    /// Who did it.
    fn actor<'a>(&mut self, event: &Event<'a>) -> Actor<'a>;
    /// What is known around a change.
    fn enrich<'a>(&mut self, event: &Event<'a>, actor: &Actor<'a>, change: &Change<'a>) -> Enriched<'a>;
    /// How unusual it is.
    fn score(&mut self, event: &Event<'_>, actor: &Actor<'_>, change: &Change<'_>, enriched: &Enriched<'_>) -> Scores;
    /// What is thought of it.
    fn judge(
        &mut self,
        event: &Event<'_>,
        actor: &Actor<'_>,
        change: &Change<'_>,
        enriched: &Enriched<'_>,
        hits: &[RuleHit],
        scores: Scores,
    ) -> Assessment;
    /// Takes the judged change into memory: tags, counters, windows.
    fn settle(
        &mut self,
        event: &Event<'_>,
        actor: &Actor<'_>,
        change: &Change<'_>,
        enriched: &Enriched<'_>,
        assessment: &Assessment,
    );
    /// Takes secrets out of what is about to leave.
    fn redact(&mut self, change: &mut Change<'_>, enriched: &mut Enriched<'_>, assessment: &mut Assessment);
    /// The event as the archive keeps it, if not as received.
    fn raw(&mut self, event: &Event<'_>) -> Option<String>;
    /// Takes back one remembered thing; says what was found and wanted if it can't be read.
    fn restore(&mut self, entry: &Entry) -> Result<(), String>;
    /// Hands over all that changed in memory since the last call.
    fn delta(&mut self, delta: &mut StateDelta);
}

/// Where every change is written.
///
/// Rows and rejects gather in an open epoch; `seal` makes them durable under the names of an intent.
pub trait Archive {
    /// What goes wrong here.
    type Error: Error + Send + Sync + 'static;
    /// Adds one row; `raw` is the event as received, for ordinal 0.
    fn push(&mut self, row: &Row<'_>, raw: Option<Bytes>);
    /// Adds one reject.
    fn reject(&mut self, record: &Record, source: &str, fault: &Fault);
    /// Names for the open epoch's objects: one per event date, and one for rejects if there are any.
    fn plan(&self, epoch: u64) -> (Vec<String>, Option<String>);
    /// Makes the open epoch durable under the intent's names and logs it; what is there already is adopted.
    fn seal(
        &mut self,
        intent: &Intent,
        on_step: &mut dyn FnMut(&str),
    ) -> impl Future<Output = Result<Sealed, Self::Error>>;
    /// Shuts a late writer out of an epoch that can't be cut again: an empty object under each name that is free.
    fn shut_out(&mut self, intent: &Intent) -> impl Future<Output = Result<Sealed, Self::Error>>;
    /// The raw events of an object, in pull order.
    fn raw_events(&self, key: &str) -> impl Future<Output = Result<Vec<Vec<u8>>, Self::Error>>;
}

/// Where changes that people are told of go at once.
pub trait Outbox {
    /// What goes wrong here.
    type Error: Error + Send + Sync + 'static;
    /// Whether somebody is to be told of this change, or it is to be counted as held back.
    fn wants(&self, row: &Row<'_>) -> bool;
    /// Takes a change for a commit.
    fn add(&mut self, row: &Row<'_>);
    /// Commits what was added if any of it is to be told at once; gives the groups opened. A change already there changes
    /// nothing.
    fn commit(&mut self, epoch: u64) -> Result<u64, Self::Error>;
    /// The same for all that was added: no epoch is sealed before its changes are on record.
    fn commit_all(&mut self, epoch: u64) -> Result<u64, Self::Error>;
    /// The assessments committed for changes of epochs after `epoch`: a replay keeps them.
    fn kept(&self, epoch: u64) -> Result<Vec<(String, Assessment)>, Self::Error>;
}
