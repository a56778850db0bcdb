//! The `SQLite` store as a file: whose it is, who may read it, what a look at it leaves behind.
#![expect(clippy::unwrap_used, reason = "a test that can't go on ends")]

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tagwarden_connect::SqliteState;
use tagwarden_core::{Intent, Move, Position, Sealed, StateDelta, StateError, StateStore, Versions};

fn mismatch(path: &Path) -> String {
    match SqliteState::open(path).map(|_| ()) {
        Err(StateError::Mismatch(what)) => what,
        other => panic!("{other:?}"),
    }
}

/// Advances by one epoch.
async fn advance(store: &mut SqliteState, fence: u64, epoch: u64, delta: &StateDelta) {
    let from = if epoch == 1 { Position::start() } else { Position::offset(epoch - 1) };
    let moves = vec![Move { partition: "p".into(), from, to: Position::offset(epoch), records: 1 }];
    let intent = Intent {
        epoch,
        lane: "0".to_owned(),
        moves,
        versions: Versions::default(),
        archive_read_only: false,
        objects: Vec::new(),
        quarantine: None,
    };
    store.intend(fence, &intent).await.unwrap();
    store.advance(fence, &Sealed { intent, files: Vec::new(), quarantined: 0 }, delta).await.unwrap();
}

/// Every file in the folder, with its bytes.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn other_files_are_refused_and_left_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("text"), "not a database, but long enough to look like one".repeat(100)).unwrap();
    Connection::open(path("foreign")).unwrap().execute_batch("CREATE TABLE t (x); PRAGMA application_id = 7").unwrap();
    Connection::open(path("unnamed")).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    drop(SqliteState::open(&path("newer")).unwrap());
    Connection::open(path("newer")).unwrap().execute_batch("PRAGMA user_version = 2").unwrap();
    let before = files(folder.path());
    assert!(mismatch(&path("text")).contains("found a file that is no database"));
    assert!(mismatch(&path("foreign")).contains("found a database of application 0x7"));
    assert!(mismatch(&path("unnamed")).contains("found a database of application 0x0"));
    assert!(mismatch(&path("newer")).contains("found schema version 2, wanted 1"));
    assert!(files(folder.path()) == before);
    // An empty file is a fresh one, as a temporary file is.
    fs::write(path("empty"), "").unwrap();
    SqliteState::open(&path("empty")).unwrap();
    assert!(matches!(SqliteState::open(Path::new("/no/such/folder/state")), Err(StateError::Failed { .. })));
}

#[tokio::test]
#[cfg(unix)]
async fn only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let mut store = SqliteState::open(&folder.path().join("state")).unwrap();
    store.load(&mut |_| {}).await.unwrap();
    for (path, _) in files(folder.path()) {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn a_look_sees_all_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("st%41te #1?.db");
    assert!(matches!(SqliteState::open_read_only(&path), Err(StateError::Failed { .. })));
    let mut store = SqliteState::open(&path).unwrap();
    let fence = store.load(&mut |_| {}).await.unwrap().fence;
    let mut delta = StateDelta::default();
    delta.set("tags", *b"key", b"value".to_vec());
    delta.seen.push((20_000, vec![42]));
    advance(&mut store, fence, 1, &delta).await;
    store.bind("archive").await.unwrap();

    let look = |what: &str| {
        let before = files(folder.path());
        let store = SqliteState::open_read_only(&path).unwrap();
        let mut entries = Vec::new();
        let loaded = store.load(&mut |entry| entries.push(entry)).unwrap();
        assert_eq!((loaded.fence, loaded.epoch, loaded.archive_id.as_deref()), (fence, 1, Some("archive")), "{what}");
        assert_eq!(loaded.positions.get("p"), Position::offset(1), "{what}");
        assert_eq!(entries, delta.entries, "{what}");
        assert!(store.was_seen(20_000, 42).unwrap() && !store.was_seen(20_000, 43).unwrap(), "{what}");
        drop(store);
        let kept = |files: Vec<(PathBuf, Vec<u8>)>| -> Vec<_> {
            // Locks of readers lie in the index of the write-ahead log.
            files.into_iter().filter(|(path, _)| !path.to_string_lossy().ends_with("-shm")).collect()
        };
        assert!(kept(files(folder.path())) == kept(before), "{what}");
    };
    look("while a worker runs");
    drop(store);
    assert_eq!(files(folder.path()).len(), 1, "a worker that ended leaves one file");
    look("after it ended");
    assert_eq!(files(folder.path()).len(), 1, "a look leaves nothing beside it");
}

#[tokio::test]
async fn a_writer_that_comes_in_between_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    drop(SqliteState::open(&path).unwrap());
    let look = SqliteState::open_read_only(&path).unwrap();
    let mut store = SqliteState::open(&path).unwrap();
    store.load(&mut |_| {}).await.unwrap();
    assert!(matches!(look.load(&mut |_| {}), Err(StateError::Failed { .. })));
}

#[tokio::test]
async fn ids_older_than_four_hundred_days_are_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = SqliteState::open(&folder.path().join("state")).unwrap();
    let fence = store.load(&mut |_| {}).await.unwrap().fence;
    let seen = |day| StateDelta { seen: vec![(day, vec![1])], ..StateDelta::default() };
    for (epoch, day) in [(1, 20_000), (2, 20_400), (3, 20_401), (4, 19_999)] {
        advance(&mut store, fence, epoch, &seen(day)).await;
    }
    let kept: Vec<i64> = (19_990..20_410).filter(|day| store.was_seen(*day, 1).unwrap()).collect();
    assert_eq!(kept, [20_400, 20_401]);
}
