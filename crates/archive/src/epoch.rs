//! The open epoch: rows by column, rejects, and how they will be cut into objects.

use bytes::Bytes;
use rustc_hash::FxHashMap;
use tagwarden_core::columns::Column;
use tagwarden_core::{Row, Timestamp};

use crate::Rejected;
use crate::cells::{Cells, Frozen};
use crate::encode::is_unique;

/// What rows are sorted by; `account` counts accounts in the order of their first row.
#[derive(Debug, Clone, Copy)]
struct SortKey {
    time: Timestamp,
    account: u32,
}

/// The columns of an epoch that is being sealed.
#[derive(Default)]
pub(crate) struct Columns<'a> {
    pub(crate) columns: Vec<Frozen<'a>>,
    events: &'a [u32],
}

impl Columns<'_> {
    /// Where the values of `rows` are in columns of the event.
    pub(crate) fn events_of(&self, rows: &[u32]) -> Vec<u32> {
        rows.iter().map(|row| self.events.get(*row as usize).copied().unwrap_or(u32::MAX)).collect()
    }
}

/// Rows and rejects since the last seal.
#[derive(Debug)]
pub(crate) struct Epoch {
    /// Columns of the event have one value per event, the others one per row.
    columns: Vec<Cells>,
    keys: Vec<SortKey>,
    /// For each row the place of its event's values.
    events: Vec<u32>,
    /// The id of the last row's event.
    last_event: String,
    accounts: FxHashMap<Box<str>, u32>,
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
            events: Vec::new(),
            last_event: String::new(),
            accounts: FxHashMap::default(),
            slices: 0,
            rejects: Vec::new(),
            rejected_bytes: 0,
        }
    }

    pub(crate) fn push(&mut self, row: &Row<'_>, raw: Option<Bytes>) {
        let mut raw = raw;
        let event = self.event(row);
        let is_first = self.events.last() != Some(&event);
        self.events.push(event);
        for (cells, column) in self.columns.iter_mut().zip(Column::ALL) {
            match column {
                column if !is_first && column.is_of_event() => {}
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

    /// The place of the values of `row`'s event: the last row's, or the next.
    fn event(&mut self, row: &Row<'_>) -> u32 {
        let id = row.event.id.as_ref();
        match self.events.last() {
            Some(last) if row.change.ordinal > 0 && self.last_event == id => *last,
            last => {
                self.last_event.clear();
                self.last_event.push_str(id);
                last.map_or(0, |last| last + 1)
            }
        }
    }

    fn account(&mut self, name: &str) -> u32 {
        if let Some(number) = self.accounts.get(name) {
            return *number;
        }
        let next = u32::try_from(self.accounts.len()).unwrap_or(u32::MAX);
        self.accounts.insert(name.into(), next);
        next
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
        let rows = size_of_val(self.keys.as_slice()) + size_of_val(self.events.as_slice());
        columns + rows + self.slices + self.rejected_bytes
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
    pub(crate) fn freeze(&self) -> Columns<'_> {
        let columns = self.columns.iter().zip(Column::ALL);
        let columns = columns.map(|(cells, column)| cells.freeze(|place| is_unique(*column, place))).collect();
        Columns { columns, events: &self.events }
    }

    /// Forgets all rows and rejects, and keeps the room.
    pub(crate) fn clear(&mut self) {
        self.columns.iter_mut().for_each(Cells::clear);
        self.keys.clear();
        self.events.clear();
        self.accounts.clear();
        self.slices = 0;
        self.rejects.clear();
        self.rejected_bytes = 0;
    }
}
