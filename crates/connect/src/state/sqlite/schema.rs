//! Opening the file: whose it is, which schema it has, how it is written.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tagwarden_core::{Retry, StateError};

use super::failed;

/// `application_id` of our files: `TagW`.
const APPLICATION: i32 = 0x5461_6757;
/// `user_version`: raised with every change of the tables.
const SCHEMA: i32 = 1;

const TABLES: &str = "
CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    fence INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    archive_id TEXT
);
INSERT INTO meta VALUES (1, 0, 0, NULL);
CREATE TABLE position (partition TEXT PRIMARY KEY, position TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE state (space TEXT, key BLOB, value BLOB NOT NULL, PRIMARY KEY (space, key)) WITHOUT ROWID;
CREATE TABLE intent (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL);
CREATE TABLE seen_run (run INTEGER PRIMARY KEY, day INTEGER NOT NULL, level INTEGER NOT NULL, count INTEGER NOT NULL);
CREATE INDEX seen_run_by_day ON seen_run (day, count);
CREATE TABLE seen_ids (run INTEGER, first BLOB, ids BLOB NOT NULL, PRIMARY KEY (run, first)) WITHOUT ROWID;
";

/// Opens or makes the file for writing.
pub(super) fn open(path: &Path) -> Result<Connection, StateError> {
    let what = "opening the store";
    if !path.exists() {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(path) {
            Ok(_) => {}
            // Another process was faster.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(unopened(path, error)),
        }
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|error| unopened(path, error))?;
    connection.busy_timeout(Duration::from_secs(10)).map_err(failed(what))?;
    let fresh = !is_ours(&connection, path)?;
    // Every commit is on disk before it is answered: the archive and people have been told what it says.
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384")
        .map_err(failed(what))?;
    if fresh {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed(what))?;
        if !is_ours(&transaction, path)? {
            transaction.execute_batch(TABLES).map_err(failed(what))?;
            transaction.pragma_update(None, "application_id", APPLICATION).map_err(failed(what))?;
            transaction.pragma_update(None, "user_version", SCHEMA).map_err(failed(what))?;
        }
        transaction.commit().map_err(failed(what))?;
    }
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Tells after a read without locks whether a writer came in between.
pub(super) struct Unchanged(Option<(PathBuf, Stamp)>);

type Stamp = (u64, Option<SystemTime>);

impl Unchanged {
    /// # Errors
    /// The file was written to since it was opened.
    pub(super) fn check(&self) -> Result<(), StateError> {
        match &self.0 {
            Some((path, before)) if *before != stamp(path)? || has_wal(path) => Err(StateError::Failed {
                what: format!("reading {}", path.display()),
                retry: Retry::Retry { after: None },
                source: "found that a worker wrote to it meanwhile".into(),
            }),
            _ => Ok(()),
        }
    }
}

/// Opens the file to look only.
pub(super) fn open_read_only(path: &Path) -> Result<(Connection, Unchanged), StateError> {
    let before = stamp(path)?;
    // Without a write-ahead log nobody has the file open: it can be read with neither locks nor files beside it. With
    // one, a worker runs (or died): reading then takes part in its locking.
    let alone = !has_wal(path);
    let text = path.to_str().ok_or_else(|| unopened(path, "found a path that is no UTF-8"))?;
    let escaped = text.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let uri = format!("file:{escaped}{}", if alone { "?immutable=1" } else { "" });
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri, flags).map_err(|error| unopened(path, error))?;
    connection.busy_timeout(Duration::from_secs(10)).map_err(failed("opening the store"))?;
    if !is_ours(&connection, path)? {
        return Err(StateError::Mismatch(format!("{}: found an empty file, wanted a state file", path.display())));
    }
    Ok((connection, Unchanged(alone.then(|| (path.to_owned(), before)))))
}

fn stamp(path: &Path) -> Result<Stamp, StateError> {
    let about = fs::metadata(path).map_err(|error| unopened(path, error))?;
    Ok((about.len(), about.modified().ok()))
}

fn has_wal(path: &Path) -> bool {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    fs::metadata(PathBuf::from(name)).is_ok_and(|about| about.len() > 0)
}

/// Whether the file is ours; `false` if it is empty.
fn is_ours(connection: &Connection, path: &Path) -> Result<bool, StateError> {
    let read = |sql| connection.query_row(sql, [], |row| row.get::<_, i32>(0));
    let about = read("PRAGMA application_id")
        .and_then(|id| Ok((id, read("PRAGMA user_version")?, read("SELECT count(*) FROM sqlite_schema")?)));
    let path = path.display();
    match about {
        Ok((0, 0, 0)) => Ok(false),
        Ok((APPLICATION, SCHEMA, _)) => Ok(true),
        Ok((APPLICATION, found, _)) => {
            Err(StateError::Mismatch(format!("{path}: found schema version {found}, wanted {SCHEMA}")))
        }
        Ok((found, ..)) => {
            let what =
                format!("{path}: found a database of application {found:#x}, wanted a state file ({APPLICATION:#x})");
            Err(StateError::Mismatch(what))
        }
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
            Err(StateError::Mismatch(format!("{path}: found a file that is no database, wanted a state file")))
        }
        Err(error) => Err(unopened(path.to_string(), error)),
    }
}

fn unopened(path: impl AsRef<Path>, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StateError {
    StateError::Failed {
        what: format!("opening {}", path.as_ref().display()),
        retry: Retry::Stop,
        source: error.into(),
    }
}
