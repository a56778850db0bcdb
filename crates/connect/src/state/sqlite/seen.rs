//! Ids seen, by day: sorted runs, one per commit, merged eight by eight, so that few are looked at.
//!
//! A run is cut into rows of at most [`ROW`] ids, keyed by their first: a look-up reads one row of each of the day's
//! runs. Only a merge has ids in memory, at most [`LARGEST`]. (O'Neil et al., "The log-structured merge-tree", 1996.)

use rusqlite::{Connection, params};

/// Ids in one row: just under the longest row that is kept within a page.
const ROW: usize = 60;
/// Runs of one level that are merged into one of the next.
const FANOUT: usize = 8;
/// No run grows beyond so many ids, so that no commit has too much to do or to hold.
const LARGEST: i64 = 600_000;
/// The highest level.
const TOP: i64 = 8;
/// Days kept, counted back from the newest.
const KEPT: i64 = 400;

/// Adds ids, merges what is due and drops what is too old.
pub(super) fn add(connection: &Connection, seen: &[(i64, Vec<u128>)]) -> rusqlite::Result<()> {
    for (day, ids) in seen {
        if ids.is_empty() {
            continue;
        }
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        sorted.dedup();
        write(connection, *day, 0, &sorted)?;
        for level in 0..TOP {
            merge(connection, *day, level)?;
        }
    }
    let old = "SELECT run FROM seen_run WHERE day < (SELECT max(day) FROM seen_run) - ?1";
    let old: Vec<i64> =
        connection.prepare_cached(old)?.query_map([KEPT], |row| row.get(0))?.collect::<Result<_, _>>()?;
    old.into_iter().try_for_each(|run| drop_run(connection, run))
}

/// Hands every id of `day` to `each`; one seen twice may come twice.
pub(super) fn each_on(connection: &Connection, day: i64, each: &mut dyn FnMut(u128)) -> rusqlite::Result<()> {
    let sql = "SELECT ids FROM seen_run JOIN seen_ids USING (run) WHERE day = ?1";
    let mut rows = connection.prepare_cached(sql)?;
    let mut rows = rows.query([day])?;
    while let Some(row) = rows.next()? {
        ids(row.get_ref(0)?.as_blob()?).for_each(&mut *each);
    }
    Ok(())
}

/// Whether `id` is among those of `day`.
pub(super) fn contains(connection: &Connection, day: i64, id: u128) -> rusqlite::Result<bool> {
    let sql = "SELECT (SELECT ids FROM seen_ids WHERE run = r.run AND first <= ?2 ORDER BY first DESC LIMIT 1)
        FROM seen_run r WHERE r.day = ?1 ORDER BY r.count DESC";
    let mut rows = connection.prepare_cached(sql)?;
    let wanted = id.to_be_bytes();
    let mut rows = rows.query(params![day, wanted])?;
    while let Some(row) = rows.next()? {
        let Some(found) = row.get_ref(0)?.as_blob_or_null()? else { continue };
        if found.as_chunks().0.binary_search(&wanted).is_ok() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn ids(row: &[u8]) -> impl Iterator<Item = u128> {
    row.as_chunks().0.iter().map(|id| u128::from_be_bytes(*id))
}

fn drop_run(connection: &Connection, run: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM seen_ids WHERE run = ?1")?.execute([run])?;
    connection.prepare_cached("DELETE FROM seen_run WHERE run = ?1")?.execute([run])?;
    Ok(())
}

/// Makes one run of the next level out of the smallest of `level`, once there are enough.
#[expect(clippy::stable_sort_primitive, reason = "the stable sort finds the runs and merges them")]
fn merge(connection: &Connection, day: i64, level: i64) -> rusqlite::Result<()> {
    let runs = "SELECT run, count FROM seen_run WHERE day = ?1 AND level = ?2 ORDER BY count, run LIMIT ?3";
    let runs: Vec<(i64, i64)> = connection
        .prepare_cached(runs)?
        .query_map(params![day, level, FANOUT], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    if runs.len() < FANOUT || runs.iter().map(|(_, count)| count).sum::<i64>() > LARGEST {
        return Ok(());
    }
    let mut merged: Vec<u128> = Vec::new();
    let mut rows = connection.prepare_cached("SELECT ids FROM seen_ids WHERE run = ?1 ORDER BY first")?;
    for (run, _) in &runs {
        let mut rows = rows.query([run])?;
        while let Some(row) = rows.next()? {
            merged.extend(ids(row.get_ref(0)?.as_blob()?));
        }
        drop_run(connection, *run)?;
    }
    merged.sort();
    merged.dedup();
    write(connection, day, level + 1, &merged)
}

/// Writes sorted ids as a new run.
fn write(connection: &Connection, day: i64, level: i64, sorted: &[u128]) -> rusqlite::Result<()> {
    let count = i64::try_from(sorted.len()).unwrap_or(i64::MAX);
    let sql = "INSERT INTO seen_run (day, level, count) VALUES (?1, ?2, ?3)";
    connection.prepare_cached(sql)?.execute([day, level, count])?;
    let run = connection.last_insert_rowid();
    let mut insert = connection.prepare_cached("INSERT INTO seen_ids (run, first, ids) VALUES (?1, ?2, ?3)")?;
    let mut bytes = Vec::with_capacity(ROW * 16);
    for row in sorted.chunks(ROW) {
        bytes.clear();
        for id in row {
            bytes.extend_from_slice(&id.to_be_bytes());
        }
        insert.execute(params![run, bytes.first_chunk::<16>(), bytes])?;
    }
    Ok(())
}
