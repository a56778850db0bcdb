//! The open epoch: rows by column, rejects, and how they will be cut into objects.

use bytes::Bytes;
use rustc_hash::FxHashMap;
use tagwarden_core::columns::Column;
use tagwarden_core::{Row, Timestamp};

use crate::Rejected;
use crate::cells::{Cells, Frozen};
use crate::encode::UNIQUE;

/// What rows are sorted by; `account` counts accounts in the order of their first row.
#[derive(Debug, Clone, Copy)]
struct SortKey {
    time: Timestamp,
    account: u32,
}

/// Rows and rejects since the last seal.
#[derive(Debug)]
pub(crate) struct Epoch {
    columns: Vec<Cells>,
    keys: Vec<SortKey>,
    accounts: FxHashMap<Box<str>, u32>,
    last_account: (Box<str>, u32),
    slices: usize,
    rejects: Vec<Rejected>,
    rejected_bytes: usize,
}

impl Epoch {
    pub(crate) fn new() -> Self {
        let cells = |column: &Column| match column {
            Column::RawEvent => Cells::Slices(Vec::new()),
            column => Cells::new(column.data_type()),
        };
        Self {
            columns: Column::ALL.iter().map(cells).collect(),
            keys: Vec::new(),
            accounts: FxHashMap::default(),
            last_account: ("".into(), u32::MAX),
            slices: 0,
            rejects: Vec::new(),
            rejected_bytes: 0,
        }
    }

    pub(crate) fn push(&mut self, row: &Row<'_>, raw: Option<Bytes>) {
        let mut raw = raw;
        for (cells, column) in self.columns.iter_mut().zip(Column::ALL) {
            match column {
                Column::RawEvent if raw.is_some() => {
                    self.slices += raw.as_ref().map_or(0, Bytes::len);
                    cells.push_slice(raw.take());
                }
                column => cells.push(row.value(*column)),
            }
        }
        let account = self.account(&row.event.account_id);
        self.keys.push(SortKey { time: row.event.time, account });
    }

    fn account(&mut self, name: &str) -> u32 {
        if self.last_account.1 != u32::MAX && *self.last_account.0 == *name {
            return self.last_account.1;
        }
        let number = if let Some(number) = self.accounts.get(name) {
            *number
        } else {
            let next = u32::try_from(self.accounts.len()).unwrap_or(u32::MAX);
            self.accounts.insert(name.into(), next);
            next
        };
        self.last_account = (name.into(), number);
        number
    }

    pub(crate) fn reject(&mut self, record: Rejected) {
        self.rejected_bytes += record.bytes.len() + record.reason.len();
        self.rejects.push(record);
    }

    pub(crate) fn rejects(&self) -> &[Rejected] {
        &self.rejects
    }

    pub(crate) fn rows(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn held(&self) -> usize {
        let columns: usize = self.columns.iter().map(Cells::held).sum();
        columns + size_of_val(self.keys.as_slice()) + self.slices + self.rejected_bytes
    }

    /// The event dates that occur, in order.
    pub(crate) fn dates(&self) -> Vec<String> {
        let mut days: Vec<i64> = Vec::new();
        for key in &self.keys {
            let day = key.time.day();
            if days.last() != Some(&day) && !days.contains(&day) {
                days.push(day);
            }
        }
        days.sort_unstable();
        days.into_iter().map(|day| Timestamp::from_seconds(day * 86_400).date()).collect()
    }

    /// One list of rows per event date, in order of date; each sorted by account, time, arrival.
    pub(crate) fn sorted(&self) -> Vec<Vec<u32>> {
        let mut names: Vec<(&str, u32)> = self.accounts.iter().map(|(name, number)| (&**name, *number)).collect();
        names.sort_unstable();
        let mut rank = vec![0u32; names.len()];
        for (place, (_, number)) in (0u32..).zip(&names) {
            if let Some(slot) = rank.get_mut(*number as usize) {
                *slot = place;
            }
        }
        let of = |account: u32| rank.get(account as usize).copied().unwrap_or(u32::MAX);
        let mut order: Vec<(i64, u32, i64, u32)> =
            (0u32..).zip(&self.keys).map(|(row, key)| (key.time.day(), of(key.account), key.time.0, row)).collect();
        order.sort_unstable();
        order.chunk_by(|a, b| a.0 == b.0).map(|day| day.iter().map(|entry| entry.3).collect()).collect()
    }

    /// The columns, readied for encoding.
    pub(crate) fn freeze(&self) -> Vec<Frozen<'_>> {
        let columns = self.columns.iter().zip(Column::ALL);
        columns.map(|(cells, column)| cells.freeze(UNIQUE.contains(column))).collect()
    }

    /// Forgets all rows and rejects, and keeps the room.
    pub(crate) fn clear(&mut self) {
        self.columns.iter_mut().for_each(Cells::clear);
        self.keys.clear();
        self.accounts.clear();
        self.last_account = ("".into(), u32::MAX);
        self.slices = 0;
        self.rejects.clear();
        self.rejected_bytes = 0;
    }
}
