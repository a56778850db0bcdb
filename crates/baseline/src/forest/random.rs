//! Random draws that are the same on every machine: one stream per tree.

use crate::hash::mix;

/// `SplitMix64` (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// The stream of tree `tree` in a forest with this seed.
    pub(super) fn of_tree(seed: u64, tree: u64) -> Self {
        Self(mix(mix(seed, 0x7265_6573), tree))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A whole number below `end`, which is above 0; 0 if it is not. The bias is `end` in 2^64.
    #[expect(clippy::cast_possible_truncation, reason = "the upper half of the product is below `end`")]
    pub(super) fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    /// From 0 to below 1.
    pub(super) fn share(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.next() >> 11) as f64 * STEP
    }
}

/// Draws `sample` of `rows` row numbers, none twice, each set equally likely (Floyd: "A sample of brilliance", 1987).
///
/// `taken` has a bit for each row, all 0 before and after.
pub(super) fn draw(random: &mut Random, rows: usize, sample: usize, taken: &mut [u64], drawn: &mut Vec<usize>) {
    drawn.clear();
    for last in rows - sample..rows {
        let row = random.below(last + 1);
        let row = if take(taken, row) { row } else { last };
        if row == last {
            take(taken, last);
        }
        drawn.push(row);
    }
    for row in drawn {
        if let Some(word) = taken.get_mut(*row / 64) {
            *word &= !(1 << (*row % 64));
        }
    }
}

/// Whether `row` was free; it is taken now.
fn take(taken: &mut [u64], row: usize) -> bool {
    let Some(word) = taken.get_mut(row / 64) else { return false };
    let bit = 1 << (row % 64);
    let free = *word & bit == 0;
    *word |= bit;
    free
}

#[cfg(test)]
mod tests {
    use super::{Random, draw};

    #[test]
    fn streams_never_change() {
        // SplitMix64's own first numbers for the seed 1234567.
        let mut random = Random(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
        assert_ne!(Random::of_tree(1, 2).0, Random::of_tree(2, 1).0);
    }

    #[test]
    fn no_row_is_drawn_twice_and_all_are_drawn_alike() {
        let mut taken = vec![0; 1];
        let mut drawn = Vec::new();
        let mut times = [0_u32; 10];
        let mut random = Random::of_tree(7, 0);
        for _ in 0..20_000 {
            draw(&mut random, 10, 4, &mut taken, &mut drawn);
            assert_eq!(taken, [0]);
            let mut rows = drawn.clone();
            rows.sort_unstable();
            rows.dedup();
            assert_eq!(rows.len(), 4);
            for row in rows {
                times[row] += 1;
            }
        }
        // 8,000 each is expected, with a standard deviation of 69.
        assert!(times.iter().all(|n| n.abs_diff(8000) < 350), "{times:?}");
        draw(&mut random, 10, 10, &mut taken, &mut drawn);
        drawn.sort_unstable();
        assert_eq!(drawn, (0..10).collect::<Vec<_>>());
    }
}
