//! Hours of actors like no others: what a window held that may not belong to what is normal.

use std::collections::BTreeMap;

use serde::Serialize;
use tagwarden_core::{Actor, Event, Timestamp};

use super::profiles::kept;
use super::{TrainingError, crowds};
use crate::blend::Oddest;
use crate::features::{Family, Row};
use crate::reasons::quote;
use crate::spread;

/// Hours kept, 35 MB at most; of more, those whose hashes are smallest, which is a sample that does not hang on order.
const MOST_HOURS: usize = 1 << 17;
/// Odd hours listed.
const LISTED: usize = 100;
/// Families named of each.
const NAMED: usize = 3;
/// Less than one in twenty, in nats, is nothing to name.
const ORDINARY: f32 = 3.0;
const HOUR: i64 = 3_600_000;

/// One actor within one hour.
#[derive(Debug, Clone)]
struct Hour {
    actor: Box<str>,
    /// The time and id of its first event.
    first: (i64, Box<str>),
    events: u32,
    /// Of each feature the oddest.
    row: Row,
}

/// The hours that were judged.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hours(BTreeMap<u64, Hour>);

/// What stands out among the hours of a window.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct OddHours {
    /// Hours of actors that were compared.
    pub hours: usize,
    /// The distance within which an hour is like others.
    pub tolerance: f32,
    /// How many hours are noise.
    pub noise: usize,
    /// The farthest of them, at most a hundred, the farthest first.
    pub farthest: Vec<OddHour>,
}

/// One actor's hour that is like no others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OddHour {
    /// Who, as alerts name them.
    pub actor: String,
    /// When it began (RFC 3339).
    pub hour: String,
    /// The id of its first event.
    pub first_event: String,
    /// Events that were judged within it.
    pub events: u32,
    /// How far the nearest ordinary hour is, in nats.
    pub distance: f32,
    /// The families of features that are rarest, the rarest first.
    pub odd_in: Vec<&'static str>,
}

impl Hours {
    /// Notes one change of the hour by which alerts are grouped.
    pub(crate) fn add(&mut self, group: u64, event: &Event<'_>, actor: &Actor<'_>, first: bool, row: &Row) {
        let fresh = || {
            let first = (event.time.0, event.id.as_ref().into());
            Hour { actor: actor.key.as_str().into(), first, events: 0, row: Row::default() }
        };
        let Some(hour) = kept(&mut self.0, group, MOST_HOURS, fresh) else { return };
        if (event.time.0, event.id.as_ref()) < (hour.first.0, &hour.first.1) {
            hour.first = (event.time.0, event.id.as_ref().into());
        }
        hour.events = hour.events.saturating_add(u32::from(first));
        hour.row.raise_all(row);
    }

    /// The hours that DBSCAN calls noise, by the tails of the whole window.
    pub(crate) fn odd(&self, frozen: &spread::Frozen) -> Result<OddHours, TrainingError> {
        let hours: Vec<&Hour> = self.0.values().collect();
        if hours.is_empty() {
            return Ok(OddHours::default());
        }
        let families: Vec<_> = hours.iter().map(|hour| Oddest::of(&hour.row, frozen).families()).collect();
        let core = crowds(&families)?;
        let mut noise: Vec<(f32, &Hour, &[f32; Family::COUNT])> = Vec::new();
        for (hour, families) in hours.iter().zip(&families) {
            let distance = core.nearest(families).map_or(f32::MAX, |nearest| nearest.distance);
            if distance > core.tolerance() {
                noise.push((distance, hour, families));
            }
        }
        // A stable sort: of equally far ones the first by hash stays first.
        noise.sort_by(|a, b| b.0.total_cmp(&a.0));
        let told = noise.iter().take(LISTED).map(|(distance, hour, families)| OddHour {
            actor: quote(&hour.actor).into_owned(),
            hour: Timestamp(hour.first.0.div_euclid(HOUR) * HOUR).to_string(),
            first_event: hour.first.1.to_string(),
            events: hour.events,
            distance: *distance,
            odd_in: odd_in(families),
        });
        Ok(OddHours { hours: hours.len(), tolerance: core.tolerance(), noise: noise.len(), farthest: told.collect() })
    }
}

fn odd_in(families: &[f32; Family::COUNT]) -> Vec<&'static str> {
    let mut named: Vec<_> = Family::ALL.into_iter().zip(families).filter(|(_, tail)| **tail >= ORDINARY).collect();
    named.sort_by(|a, b| b.1.total_cmp(a.1));
    named.into_iter().take(NAMED).map(|(family, _)| family.name()).collect()
}
