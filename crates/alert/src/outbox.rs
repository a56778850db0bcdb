//! The side of the ledger that takes changes: one commit per batch, nothing told twice.

use std::path::Path;
use std::sync::Arc;

use rusqlite::{OptionalExtension as _, Transaction, TransactionBehavior, params};
use tagwarden_core::{Disposition, Timestamp};
use tokio::sync::Notify;

use crate::{AlertError, Ledger, Offer, Settings, group, route, schedule};

/// What became of one batch of offers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OfferOutcome {
    /// Alerts opened; what only the digest will tell opens none.
    pub opened: u64,
    /// Changes that joined an alert.
    pub joined: u64,
    /// Changes that somebody asked not to be told of.
    pub suppressed: u64,
    /// Changes that were in the ledger already.
    pub repeated: u64,
    /// Changes that no route wants anybody to be told of.
    pub unrouted: u64,
}

impl std::ops::AddAssign for OfferOutcome {
    fn add_assign(&mut self, other: Self) {
        self.opened += other.opened;
        self.joined += other.joined;
        self.suppressed += other.suppressed;
        self.repeated += other.repeated;
        self.unrouted += other.unrouted;
    }
}

/// Takes judged changes in, groups and routes them.
#[derive(Debug)]
pub struct Outbox {
    ledger: Ledger,
    settings: Settings,
    destinations: Vec<String>,
    wake: Arc<Notify>,
}

impl Outbox {
    /// Opens the ledger at `path` for these destinations.
    pub fn open(path: &Path, settings: Settings, destinations: Vec<String>) -> Result<Self, AlertError> {
        let ledger = Ledger::open(path)?;
        for name in &destinations {
            ledger
                .db
                .execute("INSERT OR IGNORE INTO alert_destination (name) VALUES (?1)", [name])
                .map_err(AlertError::ledger("add a destination"))?;
        }
        Ok(Self { ledger, settings, destinations, wake: Arc::new(Notify::new()) })
    }

    /// The ledger, for counts and what is kept.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Rung after every commit; every courier listens to it.
    pub fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }

    /// Takes `batch` in, in order, in one commit that is durable before this returns. Idempotent by `change_id`. `now`
    /// is the delivery clock's.
    pub fn offer(&mut self, now: Timestamp, epoch: u64, batch: &[Offer]) -> Result<OfferOutcome, AlertError> {
        let mut outcome = OfferOutcome::default();
        if batch.is_empty() {
            return Ok(outcome);
        }
        let failed = || AlertError::ledger("take an offer");
        let tx = self.ledger.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed())?;
        for offer in batch {
            let text = serde_json::to_string(offer).map_err(AlertError::content("write an offer"))?;
            let intake = Intake { tx: &tx, settings: &self.settings, now };
            outcome += intake.take(epoch, offer, &text, &self.destinations).map_err(failed())?;
        }
        tx.commit().map_err(failed())?;
        self.wake.notify_waiters();
        Ok(outcome)
    }
}

/// One offer's way into the tables.
struct Intake<'a> {
    tx: &'a Transaction<'a>,
    settings: &'a Settings,
    now: Timestamp,
}

impl Intake<'_> {
    fn take(&self, epoch: u64, offer: &Offer, text: &str, destinations: &[String]) -> rusqlite::Result<OfferOutcome> {
        let tx = self.tx;
        let mut outcome = OfferOutcome::default();
        if self.is_stored(offer)? {
            outcome.repeated = 1;
            return Ok(outcome);
        }
        let told = route::destinations(self.settings, destinations, offer);
        // Without any destination alerts are opened all the same: they are counted, and told once there is one.
        if told.is_empty() && !destinations.is_empty() {
            outcome.unrouted = 1;
            self.store(epoch, offer, text, None, false)?;
            return Ok(outcome);
        }
        let twin = self.twin(offer)?;
        if twin.is_none() && offer.disposition == Disposition::Suppressed {
            let seq = self.store(epoch, offer, text, None, false)?;
            for name in told {
                self.fate(name, seq, "suppressed", None)?;
            }
            outcome.suppressed = 1;
            return Ok(outcome);
        }
        let key = group::key(offer);
        let found = match &twin {
            Some(twin) => group::load(tx, twin.group)?,
            None => group::find(tx, offer, &key, self.settings.group_window.millis())?,
        };
        let group = if let Some(group) = found {
            outcome.joined = 1;
            if twin.is_none() {
                group::join(tx, &group, offer)?;
            }
            group
        } else {
            outcome.opened = u64::from(offer.disposition != Disposition::Digest);
            group::open(tx, offer, &key)?
        };
        let seq = self.store(epoch, offer, text, Some(group.id), twin.is_some())?;
        for name in told {
            // What tells the twin tells this one.
            if let Some((fate, message)) = twin.as_ref().map_or(Ok(None), |twin| self.fate_of(name, twin.seq))? {
                let fate = if fate == "delivered" { "folded" } else { &fate };
                self.fate(name, seq, fate, message)?;
                continue;
            }
            let message = self.message(name, &group, offer)?;
            self.fate(name, seq, "pending", Some(message))?;
        }
        Ok(outcome)
    }

    fn is_stored(&self, offer: &Offer) -> rusqlite::Result<bool> {
        self.tx.prepare_cached("SELECT 1 FROM alert_change WHERE change_id = ?1")?.exists([&offer.change_id])
    }

    /// Puts the change on record; gives its place in the order of offering.
    fn store(&self, epoch: u64, offer: &Offer, text: &str, group: Option<i64>, is_copy: bool) -> rusqlite::Result<i64> {
        let sql = "INSERT INTO alert_change (change_id, epoch, shared_id, group_id, copy, offer) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let epoch = i64::try_from(epoch).unwrap_or(i64::MAX);
        let row = params![offer.change_id, epoch, shared(offer), group, is_copy, text];
        self.tx.prepare_cached(sql)?.execute(row)?;
        Ok(self.tx.last_insert_rowid())
    }

    /// The change that this one repeats: the one a witness confirms, or the other copy of a cross-account call.
    fn twin(&self, offer: &Offer) -> rusqlite::Result<Option<Twin>> {
        let read = |row: &rusqlite::Row<'_>| Ok(Twin { seq: row.get(0)?, group: row.get(1)? });
        if let Some(confirmed) = &offer.confirms {
            let sql = "SELECT seq, group_id FROM alert_change WHERE change_id = ?1 AND group_id IS NOT NULL";
            let twin = self.tx.prepare_cached(sql)?.query_row([confirmed], read).optional()?;
            if twin.is_some() {
                return Ok(twin);
            }
        }
        let Some(shared) = shared(offer) else { return Ok(None) };
        let sql = "SELECT seq, group_id FROM alert_change WHERE shared_id = ?1 AND change_id <> ?2 \
                   AND group_id IS NOT NULL ORDER BY seq LIMIT 1";
        self.tx.prepare_cached(sql)?.query_row(params![shared, offer.change_id], read).optional()
    }

    fn fate_of(&self, destination: &str, seq: i64) -> rusqlite::Result<Option<(String, Option<i64>)>> {
        self.tx
            .prepare_cached("SELECT fate, message_id FROM alert_fate WHERE destination = ?1 AND seq = ?2")?
            .query_row(params![destination, seq], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
    }

    /// Puts the change on record for one destination, on both sides of the identity.
    fn fate(&self, destination: &str, seq: i64, fate: &str, message: Option<i64>) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached("INSERT INTO alert_fate (destination, seq, fate, message_id) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![destination, seq, fate, message])?;
        self.tx
            .prepare_cached(
                "INSERT INTO alert_destination (name, to_alert) VALUES (?1, 1) \
                 ON CONFLICT (name) DO UPDATE SET to_alert = to_alert + 1",
            )?
            .execute([destination])?;
        Ok(())
    }

    /// The message that will tell `offer`: one that waits, or a new one.
    fn message(&self, destination: &str, group: &group::Group, offer: &Offer) -> rusqlite::Result<i64> {
        match self.opening(destination, group.id)? {
            Some(opening) if opening.waiting => Ok(opening.id),
            Some(opening) => self.follow_up(destination, group, offer, &opening),
            None if offer.disposition == Disposition::Digest => self.digest(destination, "daily"),
            None if self.now.0.saturating_sub(offer.event_time.0) > self.settings.stale_after.millis() => {
                self.digest(destination, "late")
            }
            None if self.waiting(destination)? >= i64::from(self.settings.max_waiting) => {
                self.digest(destination, "overflow")
            }
            // Nobody reads the ninth alert of a day as they read the first; a page they must.
            None if offer.disposition != Disposition::Page && self.is_told_enough(destination)? => {
                self.digest(destination, "daily")
            }
            None => self.new_message(destination, "opening", Some(group.id), self.now),
        }
    }

    /// The latest opening of this alert at this destination that was not given up.
    fn opening(&self, destination: &str, group: i64) -> rusqlite::Result<Option<Opening>> {
        let sql = "SELECT id, status = 'waiting', ifnull(sent, ?3) FROM alert_message WHERE group_id = ?1 \
                   AND destination = ?2 AND kind = 'opening' AND status <> 'expired' ORDER BY id DESC LIMIT 1";
        self.tx
            .prepare_cached(sql)?
            .query_row(params![group, destination, self.now.0], |row| {
                Ok(Opening { id: row.get(0)?, waiting: row.get(1)?, sent: Timestamp(row.get(2)?) })
            })
            .optional()
    }

    fn follow_up(
        &self,
        destination: &str,
        group: &group::Group,
        offer: &Offer,
        opening: &Opening,
    ) -> rusqlite::Result<i64> {
        let sql = "SELECT id FROM alert_message WHERE group_id = ?1 AND destination = ?2 AND kind = 'follow_up' \
                   AND status = 'waiting'";
        let waiting: Option<i64> =
            self.tx.prepare_cached(sql)?.query_row(params![group.id, destination], |row| row.get(0)).optional()?;
        let loud = group::escalates(group, offer);
        if let Some(id) = waiting {
            if loud {
                self.tx
                    .prepare_cached("UPDATE alert_message SET due = min(due, ?2) WHERE id = ?1")?
                    .execute([id, self.now.0])?;
            }
            return Ok(id);
        }
        if !loud && self.is_busy(destination)? {
            return self.digest(destination, "daily");
        }
        let sql = "SELECT ifnull(max(sent), ?3) FROM alert_message WHERE group_id = ?1 AND destination = ?2";
        let told: i64 =
            self.tx.prepare_cached(sql)?.query_row(params![group.id, destination, opening.sent.0], |row| row.get(0))?;
        let due = if loud { self.now } else { schedule::follow_up(opening.sent, Timestamp(told), self.now) };
        self.new_message(destination, "follow_up", Some(group.id), due)
    }

    fn digest(&self, destination: &str, kind: &str) -> rusqlite::Result<i64> {
        let sql = "SELECT id FROM alert_message WHERE destination = ?1 AND status = 'waiting' AND kind = ?2";
        let waiting: Option<i64> =
            self.tx.prepare_cached(sql)?.query_row([destination, kind], |row| row.get(0)).optional()?;
        if let Some(id) = waiting {
            return Ok(id);
        }
        let due = match kind {
            "daily" => schedule::daily(self.now, self.settings.digest_hour),
            "late" => {
                let sql = "SELECT max(sent) FROM alert_message WHERE destination = ?1 AND status = 'delivered' \
                           AND kind = 'late'";
                let before: Option<i64> = self.tx.prepare_cached(sql)?.query_row([destination], |row| row.get(0))?;
                schedule::late(self.now, before.map(Timestamp))
            }
            _ => self.now,
        };
        self.new_message(destination, kind, None, due)
    }

    fn waiting(&self, destination: &str) -> rusqlite::Result<i64> {
        let sql = "SELECT count(*) FROM alert_message WHERE destination = ?1 AND status = 'waiting' \
                   AND kind = 'opening'";
        self.tx.prepare_cached(sql)?.query_row([destination], |row| row.get(0))
    }

    /// Whether a day has as many openings as it may, made since midnight, sent or not. They don't count follow-ups: how
    /// many of those there are hangs on when the clock was looked at, and no restart may decide what is told at once.
    fn is_told_enough(&self, destination: &str) -> rusqlite::Result<bool> {
        Ok(self.made(destination, "opening")? >= i64::from(self.settings.max_a_day))
    }

    /// Whether a day is a third full: from then on a follow-up that is no worse than what was told waits for the digest.
    fn is_busy(&self, destination: &str) -> rusqlite::Result<bool> {
        let made = self.made(destination, "opening")? + self.made(destination, "follow_up")?;
        Ok(made >= i64::from(self.settings.max_a_day.div_ceil(3)))
    }

    /// Messages of a kind made since midnight.
    fn made(&self, destination: &str, kind: &str) -> rusqlite::Result<i64> {
        let sql = "SELECT count(*) FROM alert_message WHERE destination = ?1 AND created >= ?2 AND kind = ?3";
        let midnight = self.now.0 - self.now.of_day();
        self.tx.prepare_cached(sql)?.query_row(params![destination, midnight, kind], |row| row.get(0))
    }

    fn new_message(&self, destination: &str, kind: &str, group: Option<i64>, due: Timestamp) -> rusqlite::Result<i64> {
        self.tx
            .prepare_cached(
                "INSERT INTO alert_message (destination, kind, group_id, due, created, status) \
                 VALUES (?1, ?2, ?3, ?4, ?5, 'waiting')",
            )?
            .execute(params![destination, kind, group, due.0, self.now.0])?;
        Ok(self.tx.last_insert_rowid())
    }
}

struct Twin {
    seq: i64,
    group: i64,
}

struct Opening {
    id: i64,
    waiting: bool,
    sent: Timestamp,
}

/// What copies of one call and resource have in common; never an event's own id.
fn shared(offer: &Offer) -> Option<String> {
    offer.shared_event_id.as_ref().map(|id| format!("{id}.{}", offer.ordinal))
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
