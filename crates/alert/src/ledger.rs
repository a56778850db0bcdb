//! The ledger's file: its tables, the counts on both sides of the identity, what was told and what a replay keeps.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use serde::Deserialize;
use tagwarden_core::{Assessment, Disposition};

use crate::{AlertError, kept};

const SCHEMA: &str = "1";

/// Tables may share a file with the state store: all names begin with `alert_`.
///
/// A change has one fate per destination: `pending` with the message that will tell it, then `delivered` (the change
/// that opened its alert), `folded` (the others), `expired`, or `suppressed` from the start. Of the verdicts on an alert
/// the one written last holds.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS alert_meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alert_change (
    seq INTEGER PRIMARY KEY, change_id TEXT NOT NULL UNIQUE, epoch INTEGER NOT NULL, shared_id TEXT,
    group_id INTEGER, copy INTEGER NOT NULL DEFAULT 0, offer TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS alert_change_epoch ON alert_change (epoch);
CREATE INDEX IF NOT EXISTS alert_change_shared ON alert_change (shared_id) WHERE shared_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS alert_group (
    id INTEGER PRIMARY KEY, opener TEXT NOT NULL, key TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    changes INTEGER NOT NULL, severity TEXT NOT NULL, disposition TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS alert_group_key ON alert_group (key, last);
CREATE TABLE IF NOT EXISTS alert_message (
    id INTEGER PRIMARY KEY, destination TEXT NOT NULL, kind TEXT NOT NULL, group_id INTEGER, due INTEGER NOT NULL,
    created INTEGER NOT NULL, status TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, sent INTEGER,
    reference TEXT, reason TEXT);
CREATE INDEX IF NOT EXISTS alert_message_queue ON alert_message (destination, status, due, id);
CREATE INDEX IF NOT EXISTS alert_message_group ON alert_message (group_id, destination);
CREATE TABLE IF NOT EXISTS alert_fate (
    destination TEXT NOT NULL, seq INTEGER NOT NULL, fate TEXT NOT NULL, message_id INTEGER,
    PRIMARY KEY (destination, seq)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS alert_fate_message ON alert_fate (message_id, seq);
CREATE INDEX IF NOT EXISTS alert_fate_count ON alert_fate (destination, fate);
CREATE TABLE IF NOT EXISTS alert_verdict (
    id INTEGER PRIMARY KEY, group_id INTEGER NOT NULL, verdict TEXT NOT NULL, by TEXT NOT NULL, note TEXT,
    time INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS alert_verdict_group ON alert_verdict (group_id, id);
CREATE TABLE IF NOT EXISTS alert_destination (
    name TEXT PRIMARY KEY, to_alert INTEGER NOT NULL DEFAULT 0, failing_ms INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
";

/// What became of the changes meant for one destination. `to_alert` is counted when they are offered, the others are
/// the fates on record; at all times `to_alert = delivered + folded + suppressed + expired + pending`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Changes meant for the destination.
    pub to_alert: u64,
    /// Changes that opened an alert that has been told.
    pub delivered: u64,
    /// Further changes of alerts, told with them.
    pub folded: u64,
    /// Changes that somebody asked not to be told of.
    pub suppressed: u64,
    /// Changes that were given up or refused.
    pub expired: u64,
    /// Changes that wait to be told.
    pub pending: u64,
}

impl Counts {
    /// Whether both sides of the identity agree.
    pub fn adds_up(&self) -> bool {
        self.to_alert == self.delivered + self.folded + self.suppressed + self.expired + self.pending
    }
}

/// A change that people were told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// `<event_id>.<ordinal>`.
    pub change_id: String,
    /// The `change_id` that opened its alert.
    pub alert_id: String,
    /// Told in a digest, not in a message of its alert's own.
    pub digest: bool,
    /// What was decided about it.
    pub disposition: Disposition,
}

/// What is read of an offer where only the assessment counts.
#[derive(Deserialize)]
pub(crate) struct Kept {
    #[serde(with = "kept::AssessmentDef")]
    pub(crate) assessment: Assessment,
}

/// A connection to the record of who was told what.
#[derive(Debug)]
pub struct Ledger {
    pub(crate) db: Connection,
}

impl Ledger {
    /// Opens the file at `path` and makes the tables that are missing. The file may be the state store's.
    ///
    /// # Errors
    /// A file that can't be opened, is no database, or was written by another schema.
    pub fn open(path: &Path) -> Result<Self, AlertError> {
        let open = |source| AlertError::Open { path: path.to_owned(), source };
        own(path);
        let db = Connection::open(path).map_err(open)?;
        db.busy_timeout(Duration::from_secs(30)).map_err(open)?;
        db.pragma_update(None, "journal_mode", "WAL").map_err(open)?;
        // An alert that is on record must be there after a power cut, or it is told twice or never.
        db.pragma_update(None, "synchronous", "FULL").map_err(open)?;
        db.execute_batch(&format!(
            "BEGIN IMMEDIATE; {TABLES} INSERT OR IGNORE INTO alert_meta VALUES ('schema', '{SCHEMA}'); COMMIT;"
        ))
        .map_err(open)?;
        let found: Option<String> = db
            .query_row("SELECT value FROM alert_meta WHERE name = 'schema'", [], |row| row.get(0))
            .optional()
            .map_err(open)?;
        match found {
            Some(found) if found == SCHEMA => Ok(Self { db }),
            found => Err(AlertError::Schema { found: found.unwrap_or_default(), wanted: SCHEMA }),
        }
    }

    /// As [`open`](Self::open), but only a ledger that is there: nothing is made.
    ///
    /// # Errors
    /// A file that is missing or is no ledger, or that can't be opened.
    pub fn open_existing(path: &Path) -> Result<Self, AlertError> {
        let open = |source| AlertError::Open { path: path.to_owned(), source };
        let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(open)?;
        db.busy_timeout(Duration::from_secs(30)).map_err(open)?;
        let sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'alert_meta'";
        match db.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(open)? {
            0 => Err(AlertError::NoLedger { path: path.to_owned() }),
            _ => Self::open(path),
        }
    }

    /// The counts per destination.
    pub fn counts(&self) -> Result<BTreeMap<String, Counts>, AlertError> {
        self.read_counts().map_err(AlertError::ledger("count fates"))
    }

    fn read_counts(&self) -> rusqlite::Result<BTreeMap<String, Counts>> {
        // One read transaction: the two sides must come from one moment.
        let db = self.db.unchecked_transaction()?;
        let mut all = BTreeMap::new();
        let mut statement = db.prepare_cached("SELECT name, to_alert FROM alert_destination")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let counts = Counts { to_alert: row.get::<_, i64>(1)?.unsigned_abs(), ..Counts::default() };
            all.insert(row.get::<_, String>(0)?, counts);
        }
        let mut statement =
            db.prepare_cached("SELECT destination, fate, count(*) FROM alert_fate GROUP BY destination, fate")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let counts: &mut Counts = all.entry(row.get::<_, String>(0)?).or_default();
            let n = row.get::<_, i64>(2)?.unsigned_abs();
            match row.get_ref(1)?.as_str()? {
                "delivered" => counts.delivered += n,
                "folded" => counts.folded += n,
                "suppressed" => counts.suppressed += n,
                "expired" => counts.expired += n,
                _ => counts.pending += n,
            }
        }
        Ok(all)
    }

    /// What `destination` was told, in the order of offering.
    pub fn told(&self, destination: &str) -> Result<Vec<Told>, AlertError> {
        let failed = || AlertError::ledger("read what was told");
        let sql = "SELECT c.change_id, coalesce(g.opener, c.change_id), m.kind NOT IN ('opening', 'follow_up'), \
                   c.offer ->> '$.disposition' \
                   FROM alert_fate f JOIN alert_change c ON c.seq = f.seq JOIN alert_message m ON m.id = f.message_id \
                   LEFT JOIN alert_group g ON g.id = c.group_id \
                   WHERE f.destination = ?1 AND f.fate IN ('delivered', 'folded') ORDER BY c.seq";
        let mut statement = self.db.prepare_cached(sql).map_err(failed())?;
        let rows = statement
            .query_map([destination], |row| {
                // A word of a newer program reads as the loudest, as everywhere in the ledger.
                let disposition = Disposition::parse(row.get_ref(3)?.as_str()?).unwrap_or(Disposition::Page);
                Ok(Told { change_id: row.get(0)?, alert_id: row.get(1)?, digest: row.get(2)?, disposition })
            })
            .map_err(failed())?;
        rows.collect::<rusqlite::Result<_>>().map_err(failed())
    }

    /// The assessments on record of changes offered after `epoch`, by `change_id`: what a replay keeps.
    pub fn kept(&self, after_epoch: u64) -> Result<BTreeMap<String, Assessment>, AlertError> {
        let failed = || AlertError::ledger("read what is kept");
        let mut statement =
            self.db.prepare_cached("SELECT change_id, offer FROM alert_change WHERE epoch > ?1").map_err(failed())?;
        let epoch = i64::try_from(after_epoch).unwrap_or(i64::MAX);
        let mut rows = statement.query([epoch]).map_err(failed())?;
        let mut kept = BTreeMap::new();
        while let Some(row) = rows.next().map_err(failed())? {
            let offer: String = row.get(1).map_err(failed())?;
            let found: Kept = serde_json::from_str(&offer).map_err(AlertError::content("read what is kept"))?;
            kept.insert(row.get(0).map_err(failed())?, found.assessment);
        }
        Ok(kept)
    }
}

/// Makes a file that is missing readable to its owner only; what stands in the way shows when it is opened.
fn own(path: &Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(path));
}
