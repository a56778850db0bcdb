//! The counters of one bucket: found by their key in one or two cache lines, and in order of the key all the same.

use crate::table::{BUCKET_BITS, Counter};

/// Open addressing: a counter lies at the place that its key's leading bits name, or as few places behind it as the
/// order of keys allows. So a look-up is a short walk, and reading from first to last gives them sorted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bucket {
    /// A count of zero marks a free place. The last run may reach beyond the places that keys name.
    places: Vec<(u64, Counter)>,
    /// Log2 of how many places keys name; nothing is named while `places` is empty.
    bits: u32,
    held: usize,
}

/// Where a key lies, or where it belongs.
pub(crate) enum Place {
    Found(usize),
    Free(usize),
}

impl Bucket {
    pub(crate) fn is_empty(&self) -> bool {
        self.held == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.held
    }

    /// All counters, by key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(u64, Counter)> {
        self.places.iter().filter(|(_, counter)| counter.count > 0)
    }

    #[inline]
    pub(crate) fn place(&self, key: u64) -> Place {
        let mut at = self.named(key);
        while let Some((known, counter)) = self.places.get(at) {
            if *known == key && counter.count > 0 {
                return Place::Found(at);
            }
            if *known > key || counter.count == 0 {
                break;
            }
            at += 1;
        }
        Place::Free(at)
    }

    /// Whatever lies where the key should.
    #[inline]
    pub(crate) fn touch(&self, key: u64) -> u64 {
        self.places.get(self.named(key)).map_or(0, |(known, _)| *known)
    }

    #[inline]
    pub(crate) fn at(&self, place: usize) -> Option<&Counter> {
        self.places.get(place).map(|(_, counter)| counter)
    }

    #[inline]
    pub(crate) fn at_mut(&mut self, place: usize) -> Option<&mut Counter> {
        self.places.get_mut(place).map(|(_, counter)| counter)
    }

    /// Puts a new counter, which has counted something, at the place that [`place`](Self::place) found for it.
    pub(crate) fn insert(&mut self, place: usize, key: u64, counter: Counter) {
        let mut place = place;
        if self.places.is_empty() || (self.held + 1) * 4 > 3 << self.bits {
            self.lay_out(self.bits + 1, |_| true);
            if let Place::Free(at) = self.place(key) {
                place = at;
            }
        }
        self.held += 1;
        let behind = self.places.get(place..).unwrap_or_default();
        let gap =
            behind.iter().position(|(_, counter)| counter.count == 0).map_or(self.places.len(), |gap| place + gap);
        if gap == self.places.len() {
            self.places.push((0, Counter::default()));
        }
        if let Some(moved) = self.places.get_mut(place..=gap) {
            moved.rotate_right(1);
            if let Some(first) = moved.first_mut() {
                *first = (key, counter);
            }
        }
    }

    /// Keeps the counters for which `stays` holds.
    pub(crate) fn retain(&mut self, stays: impl FnMut(&Counter) -> bool) {
        self.lay_out(self.bits, stays);
    }

    /// Where a key should lie.
    #[inline]
    fn named(&self, key: u64) -> usize {
        let within = key << BUCKET_BITS;
        usize::try_from(within.checked_shr(u64::BITS - self.bits).unwrap_or(0)).unwrap_or(0)
    }

    fn lay_out(&mut self, bits: u32, mut stays: impl FnMut(&Counter) -> bool) {
        let old = std::mem::take(&mut self.places);
        (self.bits, self.held) = (bits, 0);
        self.places = vec![(0, Counter::default()); 1 << bits];
        let mut next = 0;
        for entry in old.into_iter().filter(|(_, counter)| counter.count > 0 && stays(counter)) {
            next = self.named(entry.0).max(next);
            match self.places.get_mut(next) {
                Some(free) => *free = entry,
                None => self.places.push(entry),
            }
            next += 1;
            self.held += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{Bucket, Place};
    use crate::table::Counter;

    fn add(bucket: &mut Bucket, key: u64, count: u32) {
        match bucket.place(key) {
            Place::Found(at) => bucket.at_mut(at).expect("it is there").count += count,
            Place::Free(at) => bucket.insert(at, key, Counter { count, ..Counter::default() }),
        }
    }

    proptest! {
        /// Keys that crowd together at either end of a bucket, and keys that spread.
        #[test]
        fn behaves_as_a_sorted_map(keys in prop::collection::vec((0u64..3, 0u64..40, 1u32..5), 0..300), keep in 1u32..4) {
            let (mut bucket, mut map) = (Bucket::default(), BTreeMap::new());
            for (where_, n, count) in keys {
                let key = match where_ {
                    0 => n,
                    1 => (u64::MAX >> crate::table::BUCKET_BITS) - n,
                    _ => crate::hash::mix(n, 7) >> crate::table::BUCKET_BITS,
                };
                add(&mut bucket, key, count);
                *map.entry(key).or_default() += count;
            }
            let all = |bucket: &Bucket| bucket.iter().map(|(key, counter)| (*key, counter.count)).collect::<Vec<_>>();
            prop_assert_eq!(all(&bucket), map.clone().into_iter().collect::<Vec<(u64, u32)>>());
            prop_assert_eq!(bucket.len(), map.len());
            bucket.retain(|counter| counter.count > keep);
            map.retain(|_, count| *count > keep);
            prop_assert_eq!(all(&bucket), map.clone().into_iter().collect::<Vec<(u64, u32)>>());
            for (key, count) in map {
                let Place::Found(at) = bucket.place(key) else { panic!("{key} is lost") };
                prop_assert_eq!(bucket.at(at).map(|counter| counter.count), Some(count));
            }
        }
    }
}
