//! One process's memory in one `SQLite` file.
//!
//! Every write is one transaction that first looks at the fence. The file is a WAL database with a schema version in
//! `user_version`; ids seen are kept in sorted runs that are merged eight by eight.

mod schema;
mod seen;

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use tagwarden_core::{Entry, Intent, Loaded, Position, Positions, Retry, Sealed, StateDelta, StateError, StateStore};

/// The state of one worker in a file of its own, mode 0600.
pub struct SqliteState {
    connection: Connection,
}

/// The same file, looked at without writing to it.
pub struct SqliteSnapshot {
    connection: Connection,
    unchanged: schema::Unchanged,
}

impl SqliteState {
    /// Opens the file at `path`, or makes it.
    ///
    /// # Errors
    /// [`StateError::Mismatch`] for a file that another program or a newer version wrote.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        Ok(Self { connection: schema::open(path)? })
    }

    /// Opens the file at `path` to look only: nothing is written, the file of a worker that runs included.
    ///
    /// # Errors
    /// As [`open`](Self::open), and a file that is not there.
    pub fn open_read_only(path: &Path) -> Result<SqliteSnapshot, StateError> {
        let (connection, unchanged) = schema::open_read_only(path)?;
        Ok(SqliteSnapshot { connection, unchanged })
    }
}

impl SqliteSnapshot {
    /// Hands every entry to `each`; the fence is the one in force.
    pub fn load(&self, each: &mut dyn FnMut(Entry)) -> Result<Loaded, StateError> {
        let loaded = read(&self.connection, each)?;
        self.unchanged.check()?;
        Ok(loaded)
    }

    /// Hands every id seen on `day` to `each`, in no order.
    pub fn seen_on(&self, day: i64, each: &mut dyn FnMut(u128)) -> Result<(), StateError> {
        seen::each_on(&self.connection, day, each).map_err(failed("reading the ids seen"))
    }

    /// Whether `id` was seen on `day`, exactly.
    pub fn was_seen(&self, day: i64, id: u128) -> Result<bool, StateError> {
        seen::contains(&self.connection, day, id).map_err(failed("looking up an id"))
    }
}

impl StateStore for SqliteState {
    async fn load(&mut self, each: &mut dyn FnMut(Entry)) -> Result<Loaded, StateError> {
        let what = "taking the store over";
        let transaction = begin(&mut self.connection, what)?;
        let raised = transaction.execute("UPDATE meta SET fence = fence + 1", []).map_err(failed(what))?;
        if raised != 1 {
            return Err(StateError::Mismatch(format!("found {raised} rows in meta, wanted 1")));
        }
        let loaded = read(&transaction, each)?;
        transaction.commit().map_err(failed(what))?;
        Ok(loaded)
    }

    async fn bind(&mut self, archive_id: &str) -> Result<(), StateError> {
        let what = "binding the store to an archive";
        let transaction = begin(&mut self.connection, what)?;
        let bound = meta(&transaction, what)?.archive_id;
        match bound {
            Some(bound) if bound == archive_id => Ok(()),
            Some(bound) => Err(StateError::Mismatch(format!(
                "found the state of archive `{bound}`, wanted that of `{archive_id}`"
            ))),
            None => {
                transaction.execute("UPDATE meta SET archive_id = ?1", [archive_id]).map_err(failed(what))?;
                transaction.commit().map_err(failed(what))
            }
        }
    }

    async fn intend(&mut self, fence: u64, intent: &Intent) -> Result<(), StateError> {
        let what = "writing an intent";
        let transaction = begin(&mut self.connection, what)?;
        let meta = fenced(&transaction, fence, what)?;
        if let Some(open) = open_intent(&transaction, what)? {
            if open == *intent {
                return Ok(());
            }
            return Err(refused(
                what,
                format!("found an open intent for epoch {}, wanted none or the same", open.epoch),
            ));
        }
        if intent.epoch != meta.epoch + 1 {
            return Err(refused(what, format!("found epoch {}, wanted {}", intent.epoch, meta.epoch + 1)));
        }
        moved(&transaction, &intent.moves, what)?;
        let json = serde_json::to_string(intent).map_err(|error| failed(what)(error))?;
        transaction.execute("INSERT INTO intent (id, json) VALUES (1, ?1)", [json]).map_err(failed(what))?;
        transaction.commit().map_err(failed(what))
    }

    async fn advance(&mut self, fence: u64, sealed: &Sealed, delta: &StateDelta) -> Result<(), StateError> {
        let what = "advancing";
        let transaction = begin(&mut self.connection, what)?;
        let meta = fenced(&transaction, fence, what)?;
        let epoch = sealed.intent.epoch;
        if epoch == meta.epoch {
            return Ok(());
        }
        let open = open_intent(&transaction, what)?.map(|intent| intent.epoch);
        if open != Some(epoch) {
            return Err(refused(what, format!("found the intent of epoch {open:?}, wanted that of {epoch}")));
        }
        for (partition, position) in moved(&transaction, &sealed.intent.moves, what)?.iter() {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO position (partition, position) VALUES (?1, ?2)")
                .and_then(|mut put| put.execute(params![&**partition, position.as_str()]))
                .map_err(failed(what))?;
        }
        put(&transaction, &delta.entries).map_err(failed(what))?;
        seen::add(&transaction, &delta.seen).map_err(failed(what))?;
        transaction.execute("DELETE FROM intent", []).map_err(failed(what))?;
        let epoch = i64::try_from(epoch).map_err(|error| failed(what)(error))?;
        transaction.execute("UPDATE meta SET epoch = ?1", [epoch]).map_err(failed(what))?;
        transaction.commit().map_err(failed(what))
    }

    fn seen_on(&self, day: i64, each: &mut dyn FnMut(u128)) -> Result<(), StateError> {
        seen::each_on(&self.connection, day, each).map_err(failed("reading the ids seen"))
    }

    fn was_seen(&self, day: i64, id: u128) -> Result<bool, StateError> {
        seen::contains(&self.connection, day, id).map_err(failed("looking up an id"))
    }
}

struct Meta {
    fence: u64,
    epoch: u64,
    archive_id: Option<String>,
}

fn begin<'a>(connection: &'a mut Connection, what: &'static str) -> Result<Transaction<'a>, StateError> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed(what))
}

fn meta(connection: &Connection, what: &'static str) -> Result<Meta, StateError> {
    let row = |row: &rusqlite::Row<'_>| {
        Ok(Meta {
            fence: row.get::<_, i64>(0)?.cast_unsigned(),
            epoch: row.get::<_, i64>(1)?.cast_unsigned(),
            archive_id: row.get(2)?,
        })
    };
    connection.query_row("SELECT fence, epoch, archive_id FROM meta", [], row).map_err(failed(what))
}

fn fenced(connection: &Connection, fence: u64, what: &'static str) -> Result<Meta, StateError> {
    let meta = meta(connection, what)?;
    if meta.fence == fence { Ok(meta) } else { Err(StateError::Stale { found: meta.fence, wanted: fence }) }
}

fn open_intent(connection: &Connection, what: &'static str) -> Result<Option<Intent>, StateError> {
    let json: Option<String> =
        connection.query_row("SELECT json FROM intent", [], |row| row.get(0)).optional().map_err(failed(what))?;
    json.map(|json| serde_json::from_str(&json)).transpose().map_err(|error| failed(what)(error))
}

/// Where the partitions of `moves` stand after them.
fn moved(connection: &Connection, moves: &[tagwarden_core::Move], what: &'static str) -> Result<Positions, StateError> {
    let mut positions = Positions::default();
    for step in moves {
        let stands: Option<String> = connection
            .prepare_cached("SELECT position FROM position WHERE partition = ?1")
            .and_then(|mut get| get.query_row([&*step.partition], |row| row.get(0)).optional())
            .map_err(failed(what))?;
        if let Some(stands) = stands {
            positions.set(step.partition.clone(), position(&stands)?);
        }
    }
    positions.apply(moves).map_err(|error| failed(what)(error))?;
    Ok(positions)
}

fn position(text: &str) -> Result<Position, StateError> {
    if text.is_empty() {
        return Ok(Position::start());
    }
    Position::digits(text).ok_or_else(|| StateError::Mismatch(format!("found position `{text}`, wanted digits")))
}

fn put(connection: &Connection, entries: &[Entry]) -> rusqlite::Result<()> {
    let mut set = connection.prepare_cached("INSERT OR REPLACE INTO state (space, key, value) VALUES (?1, ?2, ?3)")?;
    let mut remove = connection.prepare_cached("DELETE FROM state WHERE space = ?1 AND key = ?2")?;
    for entry in entries {
        match &entry.value {
            Some(value) => set.execute(params![&*entry.space, entry.key, value])?,
            None => remove.execute(params![&*entry.space, entry.key])?,
        };
    }
    Ok(())
}

fn read(connection: &Connection, each: &mut dyn FnMut(Entry)) -> Result<Loaded, StateError> {
    let what = "reading the store";
    let Meta { fence, epoch, archive_id } = meta(connection, what)?;
    let intent = open_intent(connection, what)?;
    let mut positions = Positions::default();
    let mut rows = connection.prepare("SELECT partition, position FROM position").map_err(failed(what))?;
    let mut rows = rows.query([]).map_err(failed(what))?;
    while let Some(row) = rows.next().map_err(failed(what))? {
        let (partition, text): (String, String) =
            row.get(0).and_then(|p| Ok((p, row.get(1)?))).map_err(failed(what))?;
        positions.set(partition.into(), position(&text)?);
    }
    let mut rows = connection.prepare("SELECT space, key, value FROM state").map_err(failed(what))?;
    let mut rows = rows.query([]).map_err(failed(what))?;
    while let Some(row) = rows.next().map_err(failed(what))? {
        let entry = || -> rusqlite::Result<Entry> {
            Ok(Entry { space: row.get::<_, String>(0)?.into(), key: row.get(1)?, value: Some(row.get(2)?) })
        };
        each(entry().map_err(failed(what))?);
    }
    Ok(Loaded { fence, positions, epoch, intent, archive_id })
}

/// Wraps what the store said; worth another try only where another process held the lock.
fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(what: &'static str) -> impl Fn(E) -> StateError {
    move |error| {
        let source = error.into();
        let busy = source.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
        let busy = matches!(busy, Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked));
        let retry = if busy { Retry::Retry { after: None } } else { Retry::Stop };
        StateError::Failed { what: what.to_owned(), retry, source }
    }
}

fn refused(what: &'static str, why: String) -> StateError {
    failed(what)(why)
}
