//! Counters by key: bounded, and saved a bucket at a time.

use std::collections::BTreeMap;

use tagwarden_core::{Entry, StateDelta};

use crate::bucket::{Bucket, Place};

/// Buckets by the top bits of the key. They are what is written and what is swept at once, which keeps both short.
const BUCKETS: usize = 1 << BUCKET_BITS;
pub(crate) const BUCKET_BITS: u32 = 12;
pub(crate) const SPACE: &str = "count";
/// Bytes of one stored counter: key, count, distinct, usual, day.
const STORED: usize = 22;
const OLDEST: &[u8] = b"oldest";

/// What is known of a context or of a value in a context.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Counter {
    /// How often it occurred.
    pub(crate) count: u32,
    /// For a context: how many values occurred in it.
    pub(crate) distinct: u32,
    /// For a narrow context: the mean surprisal of its values, in nats.
    pub(crate) usual: f32,
    /// The day when it last occurred, from 1970.
    pub(crate) day: u16,
}

/// The counters. One whose day lies before `oldest` is forgotten: it reads as absent, whether it has been swept yet or
/// not, so that neither sweeping nor a restart can be seen in a score.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    buckets: Vec<Bucket>,
    /// Counters by day, forgotten ones included until they are swept.
    days: BTreeMap<u16, u32>,
    /// Counters that are not forgotten.
    live: u32,
    most: u32,
    oldest: u16,
    /// The next bucket to sweep.
    sweep: usize,
    dirty: Vec<bool>,
    oldest_dirty: bool,
}

impl Table {
    pub(crate) fn new(most: u32) -> Self {
        Self {
            buckets: vec![Bucket::default(); BUCKETS],
            days: BTreeMap::new(),
            live: 0,
            most,
            oldest: 0,
            sweep: BUCKETS,
            dirty: vec![false; BUCKETS],
            oldest_dirty: false,
        }
    }

    /// The counter; all zero if there is none.
    pub(crate) fn get(&self, key: u64) -> Counter {
        let Some(bucket) = self.buckets.get(bucket_of(key)) else { return Counter::default() };
        let Place::Found(place) = bucket.place(key) else { return Counter::default() };
        bucket.at(place).filter(|counter| counter.day >= self.oldest).copied().unwrap_or_default()
    }

    /// Asks memory for the counter without waiting for it: what is given says nothing, but hangs on what was asked for.
    #[inline]
    pub(crate) fn touch(&self, key: u64) -> u64 {
        self.buckets.get(bucket_of(key)).map_or(0, |bucket| bucket.touch(key))
    }

    /// Counts one more and lets `update` see to the rest; true if the counter is new. A full table takes none that is
    /// new.
    pub(crate) fn add(&mut self, key: u64, day: u16, update: impl FnOnce(&mut Counter)) -> bool {
        let at = bucket_of(key);
        let Some(bucket) = self.buckets.get_mut(at) else { return false };
        let place = bucket.place(key);
        let known = match place {
            Place::Found(place) => bucket.at_mut(place),
            Place::Free(_) => None,
        };
        let before = known.as_ref().map(|counter| counter.day);
        let fresh = before.is_none_or(|day| day < self.oldest);
        if fresh && self.live >= self.most {
            return false;
        }
        let mut counter = match &known {
            Some(counter) if !fresh => **counter,
            _ => Counter::default(),
        };
        counter.count = counter.count.saturating_add(1);
        counter.day = counter.day.max(day);
        update(&mut counter);
        match (known, place) {
            (Some(known), _) => *known = counter,
            (None, Place::Found(place) | Place::Free(place)) => bucket.insert(place, key, counter),
        }
        self.live += u32::from(fresh);
        if before != Some(counter.day) {
            if let Some(before) = before {
                leave(&mut self.days, before);
            }
            *self.days.entry(counter.day).or_default() += 1;
        }
        if let Some(dirty) = self.dirty.get_mut(at) {
            *dirty = true;
        }
        fresh
    }

    /// At a day's turn: if the table is nearly full, forgets whole days, oldest first, until a quarter is free. The
    /// newest day stays.
    pub(crate) fn make_room(&mut self) {
        if self.live < self.most - self.most / 8 {
            return;
        }
        let Some((&newest, _)) = self.days.last_key_value() else { return };
        let goal = self.most - self.most / 4;
        let before = self.oldest;
        for (&day, &count) in self.days.range(self.oldest..newest) {
            if self.live <= goal {
                break;
            }
            self.live -= count;
            self.oldest = day + 1;
        }
        if self.oldest != before {
            self.sweep = 0;
            self.oldest_dirty = true;
        }
    }

    /// Frees forgotten counters of one bucket, if any bucket is due.
    pub(crate) fn sweep_one(&mut self) {
        let at = self.sweep;
        let Some(bucket) = self.buckets.get_mut(at) else { return };
        self.sweep += 1;
        let before = bucket.len();
        let (oldest, days) = (self.oldest, &mut self.days);
        bucket.retain(|counter| {
            let stays = counter.day >= oldest;
            if !stays {
                leave(days, counter.day);
            }
            stays
        });
        if let Some(dirty) = self.dirty.get_mut(at).filter(|_| bucket.len() != before) {
            *dirty = true;
        }
    }

    /// Takes back a stored entry of this space.
    pub(crate) fn restore(&mut self, entry: &Entry) {
        let Some(value) = entry.value.as_deref() else { return };
        if entry.key == OLDEST {
            if let Ok(day) = value.try_into() {
                self.oldest = u16::from_be_bytes(day);
                self.live = self.days.range(self.oldest..).map(|(_, count)| count).sum();
                self.sweep = 0;
            }
            return;
        }
        let (stored, rest) = value.as_chunks::<STORED>();
        let Some(bucket) = <[u8; 2]>::try_from(entry.key.as_slice()).ok().map(u16::from_be_bytes) else { return };
        let Some(bucket) = self.buckets.get_mut(usize::from(bucket)).filter(|b| b.is_empty() && rest.is_empty()) else {
            return;
        };
        for (key, counter) in stored.iter().map(decode).filter(|(_, counter)| counter.count > 0) {
            let Place::Free(place) = bucket.place(key) else { continue };
            bucket.insert(place, key, counter);
            *self.days.entry(counter.day).or_default() += 1;
            self.live += u32::from(counter.day >= self.oldest);
        }
    }

    /// Adds the buckets that changed since the last call.
    pub(crate) fn delta(&mut self, delta: &mut StateDelta) {
        for (number, (bucket, dirty)) in (0u16..).zip(self.buckets.iter().zip(&mut self.dirty)) {
            if std::mem::take(dirty) {
                let key = number.to_be_bytes();
                if bucket.is_empty() {
                    delta.remove(SPACE, key);
                } else {
                    let mut value = Vec::with_capacity(bucket.len() * STORED);
                    for counter in bucket.iter() {
                        value.extend_from_slice(&encode(counter));
                    }
                    delta.set(SPACE, key, value);
                }
            }
        }
        if std::mem::take(&mut self.oldest_dirty) {
            delta.set(SPACE, OLDEST, self.oldest.to_be_bytes().to_vec());
        }
    }

    #[cfg(test)]
    pub(crate) fn live(&self) -> u32 {
        self.live
    }
}

fn bucket_of(key: u64) -> usize {
    usize::try_from(key >> (u64::BITS - BUCKET_BITS)).unwrap_or(0)
}

fn leave(days: &mut BTreeMap<u16, u32>, day: u16) {
    if let Some(count) = days.get_mut(&day) {
        *count -= 1;
        if *count == 0 {
            days.remove(&day);
        }
    }
}

fn encode((key, counter): &(u64, Counter)) -> [u8; STORED] {
    let mut out = [0; STORED];
    let (k, rest) = out.split_at_mut(8);
    let (count, rest) = rest.split_at_mut(4);
    let (distinct, rest) = rest.split_at_mut(4);
    let (usual, day) = rest.split_at_mut(4);
    k.copy_from_slice(&key.to_be_bytes());
    count.copy_from_slice(&counter.count.to_be_bytes());
    distinct.copy_from_slice(&counter.distinct.to_be_bytes());
    usual.copy_from_slice(&counter.usual.to_be_bytes());
    day.copy_from_slice(&counter.day.to_be_bytes());
    out
}

fn decode(stored: &[u8; STORED]) -> (u64, Counter) {
    let [k0, k1, k2, k3, k4, k5, k6, k7, c0, c1, c2, c3, d0, d1, d2, d3, u0, u1, u2, u3, y0, y1] = *stored;
    let key = u64::from_be_bytes([k0, k1, k2, k3, k4, k5, k6, k7]);
    let count = u32::from_be_bytes([c0, c1, c2, c3]);
    let distinct = u32::from_be_bytes([d0, d1, d2, d3]);
    let usual = f32::from_be_bytes([u0, u1, u2, u3]);
    (key, Counter { count, distinct, usual, day: u16::from_be_bytes([y0, y1]) })
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS, Bucket, Counter, Table};

    /// Keys that spread over the buckets.
    fn key(n: u64) -> u64 {
        crate::hash::mix(n, 1)
    }

    fn all(table: &Table) -> usize {
        table.buckets.iter().map(Bucket::len).sum()
    }

    #[test]
    fn counts_and_remembers_the_day() {
        let mut table = Table::new(100);
        assert!(table.add(key(1), 5, |_| {}));
        assert!(!table.add(key(1), 7, |counter| counter.distinct += 1));
        assert_eq!(table.get(key(1)), Counter { count: 2, distinct: 1, usual: 0.0, day: 7 });
        assert_eq!(table.get(key(2)), Counter::default());
    }

    #[test]
    fn a_full_table_forgets_whole_days_oldest_first() {
        let mut table = Table::new(1000);
        for n in 0..1500 {
            let day = u16::try_from(n / 400).expect("small");
            table.add(key(n), day, |_| {});
        }
        assert_eq!(table.live(), 1000, "full: nothing new is taken");
        assert_eq!(table.get(key(1400)), Counter::default());
        table.make_room();
        assert_eq!(table.live(), 600, "the first day's 400 had to go, no more");
        assert_eq!(table.get(key(0)), Counter::default(), "forgotten at once, swept later");
        assert_eq!(table.get(key(400)).count, 1);
        assert_eq!(all(&table), 1000);
        assert!(table.add(key(0), 3, |_| {}), "new again");
        (0..BUCKETS).for_each(|_| table.sweep_one());
        assert_eq!((all(&table), table.live()), (601, 601));
        assert_eq!(table.days.values().sum::<u32>(), 601);
        let mut delta = tagwarden_core::StateDelta::default();
        table.delta(&mut delta);
        let gone = delta.entries.iter().filter(|entry| entry.value.is_none()).count();
        let empty = table.buckets.iter().filter(|bucket| bucket.is_empty()).count();
        assert!(gone > 100 && gone <= empty, "what the sweep emptied is taken out of the store: {gone} of {empty}");
        table.make_room();
        assert_eq!(table.live(), 601, "there is room");
    }

    #[test]
    fn one_day_that_fills_the_table_stays() {
        let mut table = Table::new(100);
        (0..500).for_each(|n| {
            table.add(key(n), 9, |_| {});
        });
        table.make_room();
        assert_eq!((table.live(), table.get(key(0)).count), (100, 1));
    }
}
