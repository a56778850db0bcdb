//! The side of the ledger that gives messages out and writes down what became of them.

use std::path::Path;
use std::time::Duration;

use rusqlite::{OptionalExtension as _, Transaction, TransactionBehavior, params};
use tagwarden_core::{AlertMessage, Receipt, Severity, Timestamp};

use crate::message::{self, Facts};
use crate::{AlertError, Ledger, Offer, Settings, group};

/// Most changes that are read to put a message in words; the rest is counted.
const SHOWN: usize = 1000;

/// A message on its way.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: i64,
    /// When it should have left.
    pub(crate) due: Timestamp,
    pub(crate) message: AlertMessage,
}

/// One destination's messages, over a connection of its own.
#[derive(Debug)]
pub(crate) struct Queue {
    ledger: Ledger,
    destination: String,
    runbook: Option<String>,
}

/// What is to be told, before it is put in words.
struct Load {
    kind: String,
    group: Option<group::Group>,
    /// What was told first, if this is not it.
    opener: Option<Offer>,
    /// The worst changes, at most [`SHOWN`], in order of severity and offering.
    offers: Vec<Offer>,
    counted: Counted,
}

/// All changes, counted by severity, the worst first.
type Counted = Vec<(Severity, u64)>;

impl Queue {
    /// Opens the queue. What was being sent when the last process died is sent again: the one repeat per crash.
    pub(crate) fn open(path: &Path, destination: &str, settings: &Settings) -> Result<Self, AlertError> {
        let ledger = Ledger::open(path)?;
        ledger
            .db
            .execute(
                "UPDATE alert_message SET status = 'waiting' WHERE destination = ?1 AND status = 'sending'",
                [destination],
            )
            .map_err(AlertError::ledger("take up the queue"))?;
        Ok(Self { ledger, destination: destination.to_owned(), runbook: settings.runbook_url.clone() })
    }

    /// Marks the next message as being sent and gives it; `all` takes messages before they are due. What joins its
    /// alert from now on is told by another message.
    pub(crate) fn begin(&mut self, now: Timestamp, all: bool) -> Result<Option<Job>, AlertError> {
        let failed = || AlertError::ledger("begin a message");
        let until = if all { i64::MAX } else { now.0 };
        // Looking first keeps the idle courier from taking the write lock.
        if self.next_due().map_err(failed())?.is_none_or(|due| due.0 > until) {
            return Ok(None);
        }
        let tx = self.ledger.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed())?;
        let next: Option<(i64, i64)> = tx
            .query_row(
                "SELECT id, due FROM alert_message WHERE destination = ?1 AND status = 'waiting' AND due <= ?2 \
                 ORDER BY due, id LIMIT 1",
                params![self.destination, until],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
            .map_err(failed())?;
        let Some((id, due)) = next else { return Ok(None) };
        let load = load(&tx, id, &self.destination)?;
        let message = put_in_words(id, &self.destination, &load, self.runbook.as_deref());
        tx.execute("UPDATE alert_message SET status = 'sending', attempts = attempts + 1 WHERE id = ?1", [id])
            .map_err(failed())?;
        tx.commit().map_err(failed())?;
        Ok(message.map(|message| Job { id, due: Timestamp(due), message }))
    }

    /// When the next waiting message is due.
    pub(crate) fn next_due(&self) -> rusqlite::Result<Option<Timestamp>> {
        self.ledger
            .db
            .prepare_cached(
                "SELECT due FROM alert_message WHERE destination = ?1 AND status = 'waiting' ORDER BY due LIMIT 1",
            )?
            .query_row([&self.destination], |row| Ok(Timestamp(row.get(0)?)))
            .optional()
    }

    /// The destination has taken the message.
    pub(crate) fn delivered(&mut self, id: i64, now: Timestamp, receipt: &Receipt) -> Result<(), AlertError> {
        self.settle("note a delivery", |tx, destination| {
            tx.execute(
                "UPDATE alert_message SET status = 'delivered', sent = ?2, reference = ?3, reason = NULL WHERE id = ?1",
                params![id, now.0, receipt.reference],
            )?;
            tx.execute(
                "UPDATE alert_fate SET fate = CASE WHEN EXISTS (SELECT 1 FROM alert_change c \
                 JOIN alert_group g ON g.id = c.group_id WHERE c.seq = alert_fate.seq AND g.opener = c.change_id) \
                 THEN 'delivered' ELSE 'folded' END WHERE message_id = ?1 AND fate = 'pending'",
                [id],
            )?;
            tx.execute("UPDATE alert_destination SET failing_ms = 0 WHERE name = ?1", [destination])?;
            Ok(())
        })
    }

    /// The try failed and the message waits on; gives how long the destination has been failing, in
    /// waits, this one included.
    pub(crate) fn postponed(&mut self, id: i64, wait: Duration, reason: &str) -> Result<Duration, AlertError> {
        let ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        let failing = self.settle("postpone a message", |tx, destination| {
            tx.execute("UPDATE alert_message SET status = 'waiting', reason = ?2 WHERE id = ?1", params![id, reason])?;
            tx.query_row(
                "INSERT INTO alert_destination (name, failing_ms) VALUES (?1, ?2) \
                 ON CONFLICT (name) DO UPDATE SET failing_ms = failing_ms + excluded.failing_ms RETURNING failing_ms",
                params![destination, ms],
                |row| row.get::<_, i64>(0),
            )
        })?;
        Ok(Duration::from_millis(failing.unsigned_abs()))
    }

    /// The message is given up, and with it the changes that it was to tell.
    pub(crate) fn expired(&mut self, id: i64, reason: &str) -> Result<(), AlertError> {
        self.settle("give up a message", |tx, _| {
            tx.execute("UPDATE alert_message SET status = 'expired', reason = ?2 WHERE id = ?1", params![id, reason])?;
            tx.execute("UPDATE alert_fate SET fate = 'expired' WHERE message_id = ?1 AND fate = 'pending'", [id])?;
            Ok(())
        })
    }

    fn settle<T>(
        &mut self,
        what: &'static str,
        change: impl FnOnce(&Transaction<'_>, &str) -> rusqlite::Result<T>,
    ) -> Result<T, AlertError> {
        let failed = || AlertError::ledger(what);
        let tx = self.ledger.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed())?;
        let value = change(&tx, &self.destination).map_err(failed())?;
        tx.commit().map_err(failed())?;
        Ok(value)
    }
}

fn load(tx: &Transaction<'_>, id: i64, destination: &str) -> Result<Load, AlertError> {
    let failed = || AlertError::ledger("read a message");
    let (kind, group): (String, Option<i64>) = tx
        .query_row("SELECT kind, group_id FROM alert_message WHERE id = ?1", [id], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(failed())?;
    let group = group.map_or(Ok(None), |id| group::load(tx, id)).map_err(failed())?;
    let (offers, counted) = members(tx, id, destination, SHOWN)?;
    let opener = match &group {
        Some(group) if kind == "follow_up" => first_told(tx, group, destination)?,
        _ => None,
    };
    Ok(Load { kind, group, opener, offers, counted })
}

/// What the first message of an alert led with here, else the change that opened it.
fn first_told(tx: &Transaction<'_>, group: &group::Group, destination: &str) -> Result<Option<Offer>, AlertError> {
    let failed = || AlertError::ledger("read what was told first");
    let sql = "SELECT min(id) FROM alert_message WHERE group_id = ?1 AND destination = ?2 AND kind = 'opening'";
    let opening: Option<i64> = tx.query_row(sql, params![group.id, destination], |row| row.get(0)).map_err(failed())?;
    let led = opening.map(|opening| members(tx, opening, destination, 1)).transpose()?;
    if let Some(led) = led.and_then(|(offers, _)| offers.into_iter().next()) {
        return Ok(Some(led));
    }
    let sql = "SELECT offer FROM alert_change WHERE change_id = ?1";
    let text: Option<String> = tx.query_row(sql, [&group.opener], |row| row.get(0)).optional().map_err(failed())?;
    text.as_deref().map(read).transpose()
}

/// The worst changes of a message, at most `most`, in order of severity and offering, and all of them counted.
fn members(tx: &Transaction<'_>, id: i64, destination: &str, most: usize) -> Result<(Vec<Offer>, Counted), AlertError> {
    let failed = || AlertError::ledger("read a message");
    let members =
        "FROM alert_fate f JOIN alert_change c ON c.seq = f.seq WHERE f.message_id = ?1 AND f.destination = ?2";
    let sql = format!("SELECT count(*) {members} AND c.copy = 0");
    let news: i64 = tx.query_row(&sql, params![id, destination], |row| row.get(0)).map_err(failed())?;
    // Copies of a call say nothing new, unless they are all that this destination gets.
    let members = if news == 0 { members.to_owned() } else { format!("{members} AND c.copy = 0") };
    let mut counted = Vec::new();
    let mut offers = Vec::new();
    for severity in Severity::ALL.iter().rev() {
        let members = format!("{members} AND c.offer ->> '$.severity' = ?3");
        let these = params![id, destination, severity.as_str()];
        let n: i64 = tx.query_row(&format!("SELECT count(*) {members}"), these, |row| row.get(0)).map_err(failed())?;
        if n > 0 {
            counted.push((*severity, n.unsigned_abs()));
        }
        let sql = format!("SELECT c.offer {members} ORDER BY c.seq LIMIT {}", most.saturating_sub(offers.len()));
        let mut statement = tx.prepare_cached(&sql).map_err(failed())?;
        let mut rows = statement.query(these).map_err(failed())?;
        while let Some(row) = rows.next().map_err(failed())? {
            offers.push(read(row.get_ref(0).and_then(|text| Ok(text.as_str()?)).map_err(failed())?)?);
        }
    }
    Ok((offers, counted))
}

fn read(text: &str) -> Result<Offer, AlertError> {
    serde_json::from_str(text).map_err(AlertError::content("read an offer"))
}

fn put_in_words(id: i64, destination: &str, load: &Load, runbook: Option<&str>) -> Option<AlertMessage> {
    let Load { kind, group, opener, offers, counted } = load;
    let Some(group) = group else {
        return message::digest(&format!("digest-{destination}-{id}"), kind, offers, counted, runbook);
    };
    let facts = Facts {
        alert_id: &group.opener,
        first: group.first,
        last: group.last,
        changes: group.changes,
        severity: group.severity,
        disposition: group.disposition,
        runbook,
    };
    if kind == "follow_up" {
        message::follow_up(&facts, opener.as_ref().or(offers.first())?, offers, counted.iter().map(|(_, n)| n).sum())
    } else {
        message::opening(&facts, offers)
    }
}
