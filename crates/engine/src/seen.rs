//! Which events were here before: exact, in bounded memory.
//!
//! The open epoch's ids lie in a set; those of advanced epochs in the state store, with a Bloom filter per event day
//! before it (Putze, Sanders, Singler 2007: one cache line per key). A filter is made from the store when its day is
//! first asked for, and the day longest unused is dropped, so history of any age is told apart within the same memory.

use std::collections::BTreeMap;

use tagwarden_core::{StateDelta, StateError, StateStore};

/// Event days whose filters are kept in memory.
const DAYS: usize = 16;
/// Words of one block: a cache line.
const BLOCK: usize = 8;
/// Ids per block, at 24 bits each: about one false hit in 5,000.
const PER_BLOCK: usize = 21;
const PROBES: u32 = 8;

/// Tells first arrivals from repeats.
#[derive(Debug, Default)]
pub struct Seen {
    days: BTreeMap<i64, Day>,
    open: OpenIds,
    tick: u64,
}

#[derive(Debug)]
struct Day {
    filter: Filter,
    used: u64,
}

impl Seen {
    /// Whether `id`, of an event on `day`, comes for the first time; it counts as seen from now on.
    ///
    /// # Errors
    /// Whatever reading the store gives.
    pub fn first_time<S: StateStore>(&mut self, store: &S, day: i64, id: u128) -> Result<bool, StateError> {
        // One look for both questions; taken out again in the rare case that the store knows the id.
        if !self.open.insert(day, id) {
            return Ok(false);
        }
        let stored = self.was_stored(store, day, id);
        if !matches!(stored, Ok(false)) {
            self.open.take_back();
        }
        stored.map(|stored| !stored)
    }

    fn was_stored<S: StateStore>(&mut self, store: &S, day: i64, id: u128) -> Result<bool, StateError> {
        self.tick += 1;
        if !self.days.contains_key(&day) {
            self.make_room();
            let mut filter = Filter::default();
            store.seen_on(day, &mut |id| filter.insert(id))?;
            self.days.insert(day, Day { filter, used: 0 });
        }
        let Some(known) = self.days.get_mut(&day) else { return Ok(false) };
        known.used = self.tick;
        if known.filter.may_hold(id) { store.was_seen(day, id) } else { Ok(false) }
    }

    /// Hands over the open epoch's ids, in order, and closes it: they are in the store once `delta` is.
    pub fn delta(&mut self, delta: &mut StateDelta) {
        for (day, id) in self.open.drain_sorted() {
            if let Some(known) = self.days.get_mut(&day) {
                known.filter.insert(id);
            }
            match delta.seen.last_mut() {
                Some((last, ids)) if *last == day => ids.push(id),
                _ => delta.seen.push((day, vec![id])),
            }
        }
    }

    fn make_room(&mut self) {
        while self.days.len() >= DAYS {
            let Some(oldest) = self.days.iter().min_by_key(|(_, day)| day.used).map(|(day, _)| *day) else { return };
            self.days.remove(&oldest);
        }
    }
}

/// The ids of the open epoch: a list in order of arrival, and where in it each one is. The places take a sixth of the room
/// of the ids, so most looks stay within the cache.
#[derive(Debug, Default)]
struct OpenIds {
    ids: Vec<(i64, u128)>,
    /// By hash, with linear probing: one more than an id's place in `ids`, or 0. At most half are taken.
    places: Vec<u32>,
}

impl OpenIds {
    /// Adds an id; `false` if it is there.
    fn insert(&mut self, day: i64, id: u128) -> bool {
        if self.places.len() <= 2 * self.ids.len() {
            self.grow();
        }
        let (slot, known) = self.slot((day, id));
        if !known {
            self.ids.push((day, id));
            self.put(slot, self.ids.len());
        }
        !known
    }

    /// Takes back what the last [`insert`](Self::insert) added.
    fn take_back(&mut self) {
        if let Some(&last) = self.ids.last() {
            let (slot, _) = self.slot(last);
            self.put(slot, 0);
            self.ids.pop();
        }
    }

    /// Hands all ids out, in order of day and id.
    fn drain_sorted(&mut self) -> impl Iterator<Item = (i64, u128)> {
        self.places.fill(0);
        self.ids.sort_unstable();
        self.ids.drain(..)
    }

    /// The slot of an id, and whether it is there already.
    #[expect(clippy::cast_possible_truncation, reason = "ids and hash are cut on purpose")]
    fn slot(&self, id: (i64, u128)) -> (usize, bool) {
        let mut slot = mix((id.1 >> 64) as u64 ^ mix(id.1 as u64)) as usize;
        loop {
            // A power of two.
            slot &= self.places.len() - 1;
            match self.places.get(slot) {
                Some(&place) if place > 0 => {
                    if self.ids.get(place as usize - 1) == Some(&id) {
                        return (slot, true);
                    }
                }
                _ => return (slot, false),
            }
            slot += 1;
        }
    }

    fn put(&mut self, slot: usize, place: usize) {
        if let Some(entry) = self.places.get_mut(slot) {
            *entry = u32::try_from(place).unwrap_or(u32::MAX);
        }
    }

    fn grow(&mut self) {
        self.places = vec![0; (2 * self.places.len()).max(1024)];
        for at in 0..self.ids.len() {
            let (slot, _) = self.slot(self.ids[at]);
            self.put(slot, at + 1);
        }
    }
}

/// A Bloom filter that grows by adding a larger part when the last one is full.
#[derive(Debug, Default)]
struct Filter {
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    blocks: Vec<[u64; BLOCK]>,
    held: usize,
}

impl Part {
    #[expect(clippy::cast_possible_truncation, reason = "the block index is below the number of blocks")]
    fn place(&self, id: u128) -> (usize, u64) {
        // Ids are random or hashes already, but a caller may number them: mix both halves once more.
        let high = mix((id >> 64) as u64 ^ 0x9E37_79B9_7F4A_7C15);
        let low = mix(id as u64 ^ high);
        (((u128::from(high ^ low.rotate_left(32)) * self.blocks.len() as u128) >> 64) as usize, low)
    }
}

/// The finaliser of `MurmurHash3`.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    x = (x ^ (x >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    x ^ (x >> 33)
}

/// The bits of one id within its block: word and mask.
fn probes(hash: u64) -> impl Iterator<Item = (usize, u64)> {
    (0..PROBES).map(move |i| {
        let bits = hash.rotate_right(i * 7).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 55;
        ((bits >> 6) as usize, 1 << (bits & 63))
    })
}

impl Filter {
    fn insert(&mut self, id: u128) {
        let full = self.parts.last().is_none_or(|p| p.held >= p.blocks.len() * PER_BLOCK);
        if full {
            let blocks = self.parts.last().map_or(512, |p| p.blocks.len() * 4);
            self.parts.push(Part { blocks: vec![[0; BLOCK]; blocks], held: 0 });
        }
        if let Some(part) = self.parts.last_mut() {
            let (block, hash) = part.place(id);
            for (word, mask) in probes(hash) {
                part.blocks[block][word] |= mask;
            }
            part.held += 1;
        }
    }

    fn may_hold(&self, id: u128) -> bool {
        self.parts.iter().any(|part| {
            let (block, hash) = part.place(id);
            let block = &part.blocks[block];
            probes(hash).all(|(word, mask)| block[word] & mask != 0)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Filter, OpenIds, mix};

    #[test]
    fn open_ids_are_told_apart_as_a_set_tells_them() {
        let (mut open, mut set) = (OpenIds::default(), HashSet::new());
        for n in 0..20_000 {
            // Few different ones on two days; some are taken back, as the store knows them.
            let (day, id) = (i64::from(n % 7 == 0), u128::from(mix(n) % 9_000));
            let added = open.insert(day, id);
            assert_eq!(added, set.insert((day, id)), "{n}");
            if added && n % 5 == 0 {
                open.take_back();
                set.remove(&(day, id));
            }
        }
        assert_eq!(open.places.iter().filter(|place| **place > 0).count(), open.ids.len(), "no slot is lost");
        let mut wanted: Vec<_> = set.into_iter().collect();
        wanted.sort_unstable();
        assert_eq!(open.drain_sorted().collect::<Vec<_>>(), wanted);
        assert!(open.insert(0, 1) && !open.insert(0, 1), "empty, and in use again");
    }

    #[test]
    fn a_filter_forgets_nothing_and_seldom_errs() {
        let id = |n: u64| (u128::from(mix(n)) << 64) | u128::from(mix(n + 1_000_000_007));
        let mut filter = Filter::default();
        (0..200_000).for_each(|n| filter.insert(id(n)));
        assert!((0..200_000).all(|n| filter.may_hold(id(n))));
        let false_hits = (200_000..400_000).filter(|&n| filter.may_hold(id(n))).count();
        assert!(false_hits < 200, "{false_hits} of 200,000");
        let bytes: usize = filter.parts.iter().map(|p| p.blocks.len() * 64).sum();
        assert!(bytes < 200_000 * 12, "{bytes}");
    }
}
