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
    slots: Vec<(u64, T)>,
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
            slots: Vec::new(),
            by_key: FxHashMap::default(),
            hand: 0,
            dirty: Vec::new(),
            is_dirty: Vec::new(),
        }
    }

    pub(crate) fn get(&self, key: u64) -> Option<&T> {
        let slot = usize::try_from(*self.by_key.get(&key)?).ok()?;
        self.slots.get(slot).map(|(_, kept)| kept)
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
        &mut self.slots[slot].1
    }

    fn take(&mut self, key: u64) -> usize {
        let slot = if self.slots.len() < self.most {
            self.slots.push((key, T::default()));
            self.is_dirty.push(false);
            self.slots.len() - 1
        } else {
            let looked_at = (0..LOOKED_AT.min(self.most)).map(|step| (self.hand + step) % self.most);
            let oldest = looked_at.min_by_key(|slot| self.slots.get(*slot).map_or(i64::MIN, |(_, kept)| kept.used()));
            let oldest = oldest.unwrap_or(0);
            self.hand = (self.hand + LOOKED_AT) % self.most;
            if let Some(slot) = self.slots.get_mut(oldest) {
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
        if slot >= self.slots.len() {
            self.slots.resize_with(slot + 1, || (0, T::default()));
            self.is_dirty.resize(slot + 1, false);
        }
        let key = u64::from_be_bytes(*key);
        if let Some(place) = self.slots.get_mut(slot) {
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
            if let Some((key, kept)) = self.slots.get(slot as usize) {
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
