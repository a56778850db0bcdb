//! What was worked out for a row of family tails before: tails come of a few bins, so the same rows come again and again.

use crate::features::Family;
use crate::hash::mix;

/// Rows remembered: about what a second-level cache holds.
const PLACES: usize = 1 << 12;
/// What no row is: not a number.
const NONE: u32 = u32::MAX;

/// Direct-mapped: a row has one place, and takes it from whichever had it before. Forgetting only costs time. The default
/// has no places.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memo<T> {
    places: Vec<([u32; Family::COUNT], T)>,
}

impl<T: Copy + Default> Memo<T> {
    pub(crate) fn new() -> Self {
        Self { places: vec![([NONE; Family::COUNT], T::default()); PLACES] }
    }

    /// What `work` gives for the row, or gave: it must always give the same for the same bits.
    pub(crate) fn of(&mut self, row: &[f32; Family::COUNT], work: impl FnOnce() -> T) -> T {
        let bits = row.map(f32::to_bits);
        let words = bits.as_chunks::<2>().0.iter().map(|[a, b]| u64::from(*a) << 32 | u64::from(*b));
        let hash = words.fold(0, mix);
        let Some((known, said)) = usize::try_from(hash).ok().and_then(|hash| self.places.get_mut(hash % PLACES)) else {
            return work();
        };
        if *known != bits {
            (*known, *said) = (bits, work());
        }
        *said
    }
}

#[cfg(test)]
mod tests {
    use super::{Memo, PLACES};
    use crate::features::Family;

    #[test]
    fn says_what_was_worked_out_and_works_once_for_what_comes_again() {
        let mut memo = Memo::new();
        let mut worked = 0;
        // Three times as many rows as places: they push each other out.
        let rows = u16::try_from(PLACES * 3).expect("small");
        for n in (0..rows).chain(0..rows) {
            let mut row = [1.0; Family::COUNT];
            row[usize::from(n) % Family::COUNT] = f32::from(n);
            for _ in 0..2 {
                let said = memo.of(&row, || {
                    worked += 1;
                    n
                });
                assert_eq!(said, n);
            }
        }
        assert!(worked <= 2 * rows, "twice in a row is once: {worked}");
    }
}
