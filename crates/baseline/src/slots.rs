//! A bounded memory of things by key: the one longest unused makes room.

use rustc_hash::FxHashMap;
use tagwarden_core::{Entry, StateDelta};

/// Slots looked at to find one to give up: enough to find an old one, few enough to take no time.
const LOOKED_AT: usize = 16;

/// What can be kept in a slot.
pub(crate) trait Kept: Default + Clone {
    /// When it was last used, in milliseconds of event time.
    fn used(&self) -> i64;
    fn encode(&self, into: &mut Vec<u8>);
    /// `None` if the bytes are none of `encode`'s.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// Slots filled in order; once all are taken, a new key takes over the oldest of a few. Same calls, same slots.
#[derive(Debug, Clone)]
pub(crate) struct Slots<T> {
    space: &'static str,
    most: usize,
    places: Vec<(u64, T)>,
    by_key: FxHashMap<u64, u32>,
    hand: usize,
    dirty: Vec<u32>,
    is_dirty: Vec<bool>,
}

impl<T: Kept> Slots<T> {
    pub(crate) fn new(space: &'static str, most: usize) -> Self {
        Self {
            space,
            most: most.max(1),
            places: Vec::new(),
            by_key: FxHashMap::default(),
            hand: 0,
            dirty: Vec::new(),
            is_dirty: Vec::new(),
        }
    }

    pub(crate) fn get(&self, key: u64) -> Option<&T> {
        let slot = usize::try_from(*self.by_key.get(&key)?).ok()?;
        self.places.get(slot).map(|(_, kept)| kept)
    }

    /// What is kept of `key`, made if need be; it will be part of the next delta.
    pub(crate) fn of(&mut self, key: u64) -> &mut T {
        let slot = match self.by_key.get(&key) {
            Some(slot) => *slot as usize,
            None => self.take(key),
        };
        if let Some(flag) = self.is_dirty.get_mut(slot).filter(|flag| !**flag) {
            *flag = true;
            self.dirty.push(number(slot));
        }
        &mut self.places[slot].1
    }

    fn take(&mut self, key: u64) -> usize {
        let slot = if self.places.len() < self.most {
            self.places.push((key, T::default()));
            self.is_dirty.push(false);
            self.places.len() - 1
        } else {
            let looked_at = (0..LOOKED_AT.min(self.most)).map(|step| (self.hand + step) % self.most);
            let oldest = looked_at.min_by_key(|slot| self.places.get(*slot).map_or(i64::MIN, |(_, kept)| kept.used()));
            let oldest = oldest.unwrap_or(0);
            self.hand = (self.hand + LOOKED_AT) % self.most;
            if let Some(slot) = self.places.get_mut(oldest) {
                self.by_key.remove(&slot.0);
                *slot = (key, T::default());
            }
            oldest
        };
        self.by_key.insert(key, number(slot));
        slot
    }

    /// Takes back what [`delta`](Self::delta) gave out, in any order.
    pub(crate) fn restore(&mut self, entry: &Entry) {
        let Some(value) = entry.value.as_deref() else { return };
        if entry.key == HAND {
            if let Ok(hand) = value.try_into() {
                self.hand = u32::from_be_bytes(hand) as usize % self.most;
            }
            return;
        }
        let Some(slot) = entry.key.as_slice().try_into().ok().map(u32::from_be_bytes) else { return };
        let Some((key, rest)) = value.split_first_chunk::<8>() else { return };
        let (Some(kept), slot) = (T::decode(rest), slot as usize) else { return };
        if slot >= self.most {
            return;
        }
        if slot >= self.places.len() {
            self.places.resize_with(slot + 1, || (0, T::default()));
            self.is_dirty.resize(slot + 1, false);
        }
        let key = u64::from_be_bytes(*key);
        if let Some(place) = self.places.get_mut(slot) {
            *place = (key, kept);
            self.by_key.insert(key, number(slot));
        }
    }

    /// Adds the slots that changed since the last call.
    pub(crate) fn delta(&mut self, delta: &mut StateDelta) {
        if self.dirty.is_empty() {
            return;
        }
        self.dirty.sort_unstable();
        for slot in std::mem::take(&mut self.dirty) {
            if let Some(flag) = self.is_dirty.get_mut(slot as usize) {
                *flag = false;
            }
            if let Some((key, kept)) = self.places.get(slot as usize) {
                let mut value = key.to_be_bytes().to_vec();
                kept.encode(&mut value);
                delta.set(self.space, slot.to_be_bytes(), value);
            }
        }
        delta.set(self.space, HAND, number(self.hand).to_be_bytes().to_vec());
    }

    pub(crate) fn space(&self) -> &'static str {
        self.space
    }
}

const HAND: &[u8] = b"hand";

fn number(slot: usize) -> u32 {
    u32::try_from(slot).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Kept, LOOKED_AT, Slots};
    use proptest::prelude::*;
    use tagwarden_core::{Entry, StateDelta};

    #[derive(Debug, Clone, Default, PartialEq)]
    struct Seen {
        last: i64,
        times: u8,
    }

    impl Kept for Seen {
        fn used(&self) -> i64 {
            self.last
        }

        fn encode(&self, into: &mut Vec<u8>) {
            into.extend(self.last.to_be_bytes());
            into.push(self.times);
        }

        fn decode(bytes: &[u8]) -> Option<Self> {
            let (last, rest) = bytes.split_first_chunk()?;
            let &[times] = rest else { return None };
            Some(Self { last: i64::from_be_bytes(*last), times })
        }
    }

    fn slots(most: usize) -> Slots<Seen> {
        Slots::new("seen", most)
    }

    fn see(slots: &mut Slots<Seen>, key: u64, at: i64) {
        let seen = slots.of(key);
        (seen.last, seen.times) = (at, seen.times.wrapping_add(1));
    }

    fn saved(slots: &mut Slots<Seen>) -> Vec<Entry> {
        let mut delta = StateDelta::default();
        slots.delta(&mut delta);
        delta.entries
    }

    #[test]
    fn the_one_longest_unused_makes_room() {
        let mut slots = slots(LOOKED_AT);
        for key in 0..LOOKED_AT as u64 {
            see(&mut slots, key, 100);
        }
        see(&mut slots, 5, 3);
        see(&mut slots, 99, 101);
        assert_eq!(slots.get(5), None, "used longest ago");
        assert_eq!(slots.get(99), Some(&Seen { last: 101, times: 1 }), "begins anew");
        let others = (0..LOOKED_AT as u64).filter(|key| *key != 5);
        assert!(others.into_iter().all(|key| slots.get(key).is_some()));
    }

    #[test]
    fn who_comes_back_daily_outlasts_a_crowd() {
        let mut slots = slots(1000);
        for n in 0..50_000 {
            if n % 100 == 0 {
                see(&mut slots, 7, n);
            }
            see(&mut slots, 1000 + n.cast_unsigned(), n);
        }
        assert_eq!(slots.get(7).map(|seen| seen.times), Some(244), "500 times, modulo 256");
        assert_eq!((slots.places.len(), slots.by_key.len()), (1000, 1000));
    }

    #[test]
    fn only_what_changed_is_handed_out_and_foreign_bytes_are_left_alone() {
        let mut slots = slots(10);
        (0..3).for_each(|key| see(&mut slots, key, 1));
        assert_eq!(saved(&mut slots).len(), 4, "and where to look next");
        assert!(saved(&mut slots).is_empty());
        see(&mut slots, 1, 2);
        assert_eq!(saved(&mut slots).len(), 2);
        let before = slots.clone();
        for (key, value) in [(vec![0; 4], vec![1; 3]), (vec![255; 4], vec![1; 17]), (vec![0; 3], vec![1; 17])] {
            slots.restore(&Entry { space: "seen".into(), key, value: Some(value) });
        }
        assert_eq!((slots.places, slots.by_key), (before.places, before.by_key));
    }

    proptest! {
        /// Cut anywhere and restored in any order, the same calls fill the same slots.
        #[test]
        fn same_calls_same_slots(
            calls in prop::collection::vec((0u64..60, 0i64..40), 0..300),
            most in 1usize..40,
            cut in 0usize..300,
            backwards: bool,
        ) {
            let (mut whole, mut cut_short) = (slots(most), slots(most));
            let mut store = std::collections::BTreeMap::new();
            for (n, (key, at)) in calls.into_iter().enumerate() {
                if n == cut || n == cut / 2 {
                    store.extend(saved(&mut cut_short).into_iter().map(|entry| (entry.key.clone(), entry)));
                    cut_short = slots(most);
                    let mut entries: Vec<&Entry> = store.values().collect();
                    if backwards {
                        entries.reverse();
                    }
                    for entry in entries {
                        cut_short.restore(entry);
                    }
                }
                see(&mut whole, key, at);
                see(&mut cut_short, key, at);
                prop_assert!(whole.places.len() <= most && whole.by_key.len() == whole.places.len());
            }
            prop_assert_eq!(&whole.places, &cut_short.places);
            prop_assert_eq!(whole.hand, cut_short.hand);
            for (key, seen) in &whole.places {
                prop_assert_eq!(cut_short.get(*key), Some(seen));
            }
        }
    }
}
