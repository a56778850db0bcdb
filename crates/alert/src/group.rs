//! Which changes are one alert: the law, in event time and in the order of offering.

use rusqlite::{Connection, OptionalExtension as _, params};
use tagwarden_core::{Disposition, Severity, Timestamp};

use crate::Offer;

/// Longest time, in event time, that one alert covers; somebody who never stops is told of anew.
const LONGEST: i64 = 24 * 3_600_000;

/// A group as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) id: i64,
    /// The `change_id` that opened it; the alert's id.
    pub(crate) opener: String,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    /// Changes, copies of one call counted once.
    pub(crate) changes: u64,
    pub(crate) severity: Severity,
    /// The loudest disposition so far.
    pub(crate) disposition: Disposition,
}

/// What all changes of one group have in common: the actor, since who does one odd thing is asked about all of it. A
/// pipeline's run is a group of its own, whatever it touches. What waits for the digest is kept apart, and by what it is
/// about, so that it neither opens an alert nor hides that one was opened.
pub(crate) fn key(offer: &Offer) -> String {
    let digest = offer.disposition == Disposition::Digest;
    if let Some(run) = &offer.change_set_id {
        return serde_json::json!([if digest { "digest-run" } else { "run" }, run]).to_string();
    }
    if !digest {
        return serde_json::json!(["actor", offer.actor]).to_string();
    }
    // Where a change moves a resource between environments, the one that it had is the one at risk.
    let environment = offer.environment_before.as_ref().or(offer.environment.as_ref());
    serde_json::json!(["digest", offer.actor, offer.family, environment]).to_string()
}

const COLUMNS: &str = "id, opener, first, last, changes, severity, disposition";

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Group> {
    let severity: String = row.get(5)?;
    let disposition: String = row.get(6)?;
    Ok(Group {
        id: row.get(0)?,
        opener: row.get(1)?,
        first: Timestamp(row.get(2)?),
        last: Timestamp(row.get(3)?),
        changes: row.get::<_, i64>(4)?.unsigned_abs(),
        // Unknown words would come from a newer program; the louder reading is the safe one.
        severity: Severity::parse(&severity).unwrap_or(Severity::Critical),
        disposition: Disposition::parse(&disposition).unwrap_or(Disposition::Page),
    })
}

/// The group with this number.
pub(crate) fn load(db: &Connection, id: i64) -> rusqlite::Result<Option<Group>> {
    let sql = format!("SELECT {COLUMNS} FROM alert_group WHERE id = ?1");
    db.prepare_cached(&sql)?.query_row([id], read).optional()
}

/// The latest group of the offer's key that the offer's time fits into.
pub(crate) fn find(db: &Connection, offer: &Offer, key: &str, window: i64) -> rusqlite::Result<Option<Group>> {
    let window = if offer.change_set_id.is_some() { LONGEST } else { window };
    let sql = format!(
        "SELECT {COLUMNS} FROM alert_group WHERE key = ?1 AND last >= ?2 - ?3 AND first <= ?2 + ?3 \
         AND max(last, ?2) - min(first, ?2) <= ?4 ORDER BY last DESC, id DESC LIMIT 1"
    );
    db.prepare_cached(&sql)?.query_row(params![key, offer.event_time.0, window, LONGEST], read).optional()
}

/// Opens a group; gives its number.
pub(crate) fn open(db: &Connection, offer: &Offer, key: &str) -> rusqlite::Result<Group> {
    db.prepare_cached(
        "INSERT INTO alert_group (opener, key, first, last, changes, severity, disposition) \
         VALUES (?1, ?2, ?3, ?3, 1, ?4, ?5)",
    )?
    .execute(params![
        offer.change_id,
        key,
        offer.event_time.0,
        offer.severity.as_str(),
        offer.disposition.as_str()
    ])?;
    Ok(Group {
        id: db.last_insert_rowid(),
        opener: offer.change_id.clone(),
        first: offer.event_time,
        last: offer.event_time,
        changes: 1,
        severity: offer.severity,
        disposition: offer.disposition,
    })
}

/// Takes the offer into the group.
pub(crate) fn join(db: &Connection, group: &Group, offer: &Offer) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE alert_group SET first = ?2, last = ?3, changes = changes + 1, severity = ?4, disposition = ?5 \
         WHERE id = ?1",
    )?
    .execute(params![
        group.id,
        group.first.min(offer.event_time).0,
        group.last.max(offer.event_time).0,
        group.severity.max(offer.severity).as_str(),
        louder(group.disposition, offer.disposition).as_str(),
    ])?;
    Ok(())
}

/// Page before notify before digest before the rest.
pub(crate) fn louder(a: Disposition, b: Disposition) -> Disposition {
    if rank(b) > rank(a) { b } else { a }
}

fn rank(disposition: Disposition) -> u8 {
    match disposition {
        Disposition::Suppressed | Disposition::ArchiveOnly => 0,
        Disposition::Digest => 1,
        Disposition::Notify => 2,
        Disposition::Page => 3,
    }
}

/// Whether the offer says something so much louder than the group has said so far that it can't wait.
pub(crate) fn escalates(group: &Group, offer: &Offer) -> bool {
    offer.severity > group.severity.max(Severity::Medium) || rank(offer.disposition) > rank(group.disposition)
}
