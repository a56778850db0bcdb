//! What one actor does, as shares: the row by which actors with one job are told.
//!
//! Five distributions describe a job: what is called, how, in which environment, when, by what kind of actor. A row has the
//! square roots of their shares, so the distance of two rows is the root mean square of five Hellinger distances: 0 for
//! the same job, 1 for two that have nothing in common, whatever the amounts.

use std::borrow::Cow;

use tagwarden_core::{Actor, ActorKind, Enriched, Event, Via};

use crate::features::{agent, as_f32, refused};
use crate::hash::{mix, text};
use crate::slots::Kept;

/// Fewer events say nothing of a job: two samples of as many events of one distribution over ten values are as far apart
/// as neighbours may be.
pub(crate) const LEAST_EVENTS: u32 = 30;
/// Columns of a service by its outcome, of a program by its way in, of environments: names are put into them by hash
/// (Weinberger et al.: "Feature hashing for large scale multitask learning", 2009). The rest has a column for each value.
const BY_HASH: [usize; 3] = [32, 8, 16];
/// Columns of each distribution.
pub(crate) const WIDTHS: [usize; 5] = [3 * BY_HASH[0], 4 * BY_HASH[1], BY_HASH[2], 4, 12];
/// Numbers in a row.
pub(crate) const COLUMNS: usize = WIDTHS[0] + WIDTHS[1] + WIDTHS[2] + WIDTHS[3] + WIDTHS[4];

/// Distributions whose values have names: the first.
pub(crate) const NAMED: usize = 4;
/// Keeps these hashes apart from others of the same texts.
const SALT: u64 = 0x6a6f_6273;

/// One actor's row.
pub(crate) type Row = [f32; COLUMNS];

/// What of one event tells something of a job.
#[derive(Debug, Clone)]
pub(crate) struct Deed<'e> {
    service: &'e str,
    outcome: usize,
    via: Via,
    program: &'e str,
    environment: &'e str,
    kind: &'static str,
    hours: usize,
}

impl<'e> Deed<'e> {
    pub(crate) fn of(event: &'e Event<'_>, actor: &Actor<'_>, enriched: &'e Enriched<'_>) -> Self {
        let outcome = match (refused(event.error_code.as_deref()), event.read_only) {
            (true, _) => 2,
            (false, true) => 1,
            (false, false) => 0,
        };
        Self {
            service: event.source.strip_suffix(".amazonaws.com").unwrap_or(&event.source),
            outcome,
            via: actor.via,
            program: agent(event.user_agent.as_deref().unwrap_or("")),
            environment: enriched.environment.as_deref().unwrap_or(""),
            kind: actor.kind.map_or("", ActorKind::as_str),
            hours: usize::from(actor.local_hour / 4) * 2 + usize::from(actor.local_weekday >= 5),
        }
    }

    /// One column of each distribution.
    fn columns(&self) -> [usize; WIDTHS.len()] {
        let Self { service, outcome, via, program, environment, kind, hours } = self;
        let by_hash = |name: &str, width: usize| usize::try_from(mix(text(name), SALT) % width as u64).unwrap_or(0);
        let [services, programs, environments] = BY_HASH;
        let [what, how, place, kinds, _] = WIDTHS;
        let via = Via::ALL.iter().position(|known| known == via).unwrap_or(0);
        let kind = ActorKind::ALL.iter().position(|known| known.as_str() == *kind).map_or(0, |at| at + 1);
        [
            outcome * services + by_hash(service, services),
            what + via * programs + by_hash(program, programs),
            what + how + by_hash(environment, environments),
            what + how + place + kind,
            what + how + place + kinds + hours,
        ]
    }

    /// What it is in words, of each distribution but the hours.
    pub(crate) fn names(&self) -> [Cow<'e, str>; NAMED] {
        let Self { service, outcome, via, program, environment, kind, .. } = self;
        let how = match *program {
            "" => Cow::Borrowed(via.as_str()),
            program if program == via.as_str() => Cow::Borrowed(program),
            program => format!("{via} ({program})").into(),
        };
        let known = |name: &'e str| Cow::Borrowed(if name.is_empty() { "unknown" } else { name });
        let outcome = ["writes", "reads", "refused"].get(*outcome).unwrap_or(&"");
        [format!("{service} {outcome}").into(), how, known(environment), known(kind)]
    }
}

/// How often an actor did what.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Profile {
    events: u32,
    counts: [u32; COLUMNS],
    /// The newest event.
    used: i64,
}

impl Default for Profile {
    fn default() -> Self {
        Self { events: 0, counts: [0; COLUMNS], used: 0 }
    }
}

impl Profile {
    /// Counts one event at `time` in milliseconds.
    pub(crate) fn add(&mut self, deed: &Deed<'_>, time: i64) {
        self.used = self.used.max(time);
        self.events = self.events.saturating_add(1);
        for column in deed.columns() {
            if let Some(count) = self.counts.get_mut(column) {
                *count = count.saturating_add(1);
            }
        }
    }

    /// Events counted.
    pub(crate) fn events(&self) -> u32 {
        self.events
    }

    /// The actor's row; `None` of too few events.
    pub(crate) fn row(&self) -> Option<Row> {
        // By two, because the Hellinger distance is that of the roots over the root of two.
        let parts = f64::from(self.events) * WIDTHS.len() as f64 * 2.0;
        (self.events >= LEAST_EVENTS).then(|| self.counts.map(|count| as_f32((f64::from(count) / parts).sqrt())))
    }
}

impl Kept for Profile {
    fn used(&self) -> i64 {
        self.used
    }

    /// The newest event, then each column that is not 0 with its count.
    fn encode(&self, into: &mut Vec<u8>) {
        into.extend(self.used.to_be_bytes());
        for (column, count) in (0..=u8::MAX).zip(self.counts).filter(|(_, count)| *count > 0) {
            into.push(column);
            into.extend(count.to_be_bytes());
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (used, rest) = bytes.split_first_chunk()?;
        let (counted, []) = rest.as_chunks::<5>() else { return None };
        let mut profile = Self { used: i64::from_be_bytes(*used), ..Self::default() };
        for [column, count @ ..] in counted {
            *profile.counts.get_mut(usize::from(*column))? = u32::from_be_bytes(*count);
        }
        // Each event is in one column of the last distribution.
        profile.events = profile.counts.iter().rev().take(WIDTHS[4]).fold(0, |all, count| all.saturating_add(*count));
        Some(profile)
    }
}
