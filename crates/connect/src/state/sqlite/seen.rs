//! Ids seen, by day: sorted runs, one per commit, merged eight by eight, so that few are looked at.
//!
//! A run is cut into rows of at most [`ROW`] ids, keyed by their first: a look-up reads one row of each of the day's
//! runs, and no run is ever in memory as a whole. (O'Neil et al., "The log-structured merge-tree", 1996.)

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rusqlite::{Connection, Rows, params};

/// Ids in one row: just under the longest row that is kept within a page.
const ROW: usize = 60;
/// Runs of one level that are merged into one of the next.
const FANOUT: usize = 8;
/// No run grows beyond so many ids, so that no commit has too much to do.
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
        let mut writer = Writer::new(connection, *day, 0)?;
        for id in sorted {
            writer.push(id)?;
        }
        writer.finish()?;
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
fn merge(connection: &Connection, day: i64, level: i64) -> rusqlite::Result<()> {
    let runs = "SELECT run, count FROM seen_run WHERE day = ?1 AND level = ?2 ORDER BY count, run LIMIT ?3";
    let runs: Vec<(i64, i64)> = connection
        .prepare_cached(runs)?
        .query_map(params![day, level, FANOUT], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    if runs.len() < FANOUT || runs.iter().map(|(_, count)| count).sum::<i64>() > LARGEST {
        return Ok(());
    }
    let sql = "SELECT ids FROM seen_ids WHERE run = ?1 ORDER BY first";
    let mut rows = runs.iter().map(|_| connection.prepare_cached(sql)).collect::<Result<Vec<_>, _>>()?;
    let mut readers = Vec::new();
    for (rows, (run, _)) in rows.iter_mut().zip(&runs) {
        readers.push(Reader { rows: rows.query([run])?, row: Vec::new() });
    }
    let mut heads = BinaryHeap::new();
    for (reader, index) in readers.iter_mut().zip(0..) {
        heads.extend(reader.next()?.map(|id| Reverse((id, index))));
    }
    let mut writer = Writer::new(connection, day, level + 1)?;
    let mut last = None;
    while let Some(Reverse((id, index))) = heads.pop() {
        let reader: Option<&mut Reader<'_>> = readers.get_mut::<usize>(index);
        if let Some(next) = reader.map(Reader::next).transpose()?.flatten() {
            heads.push(Reverse((next, index)));
        }
        if last.replace(id) != Some(id) {
            writer.push(id)?;
        }
    }
    writer.finish()?;
    drop(readers);
    runs.into_iter().try_for_each(|(run, _)| drop_run(connection, run))
}

/// A run's ids in order, a row at a time.
struct Reader<'a> {
    rows: Rows<'a>,
    /// Ids of the row at hand, last first.
    row: Vec<u128>,
}

impl Reader<'_> {
    fn next(&mut self) -> rusqlite::Result<Option<u128>> {
        if self.row.is_empty()
            && let Some(row) = self.rows.next()?
        {
            self.row.extend(ids(row.get_ref(0)?.as_blob()?));
            self.row.reverse();
        }
        Ok(self.row.pop())
    }
}

/// A new run, written in order.
struct Writer<'a> {
    connection: &'a Connection,
    run: i64,
    row: Vec<u8>,
    count: i64,
}

impl<'a> Writer<'a> {
    fn new(connection: &'a Connection, day: i64, level: i64) -> rusqlite::Result<Self> {
        connection
            .prepare_cached("INSERT INTO seen_run (day, level, count) VALUES (?1, ?2, 0)")?
            .execute([day, level])?;
        Ok(Self { connection, run: connection.last_insert_rowid(), row: Vec::with_capacity(ROW * 16), count: 0 })
    }

    fn push(&mut self, id: u128) -> rusqlite::Result<()> {
        self.count += 1;
        self.row.extend_from_slice(&id.to_be_bytes());
        if self.row.len() == ROW * 16 { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> rusqlite::Result<()> {
        if let Some(first) = self.row.first_chunk::<16>() {
            let sql = "INSERT INTO seen_ids (run, first, ids) VALUES (?1, ?2, ?3)";
            self.connection.prepare_cached(sql)?.execute(params![self.run, first, self.row])?;
        }
        self.row.clear();
        Ok(())
    }

    fn finish(mut self) -> rusqlite::Result<()> {
        self.flush()?;
        let sql = "UPDATE seen_run SET count = ?2 WHERE run = ?1";
        self.connection.prepare_cached(sql)?.execute([self.run, self.count])?;
        Ok(())
    }
}
