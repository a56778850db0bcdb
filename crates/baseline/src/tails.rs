//! Calibrated right tails: how rare a value as great as this is among the reference's, the same measure for all columns.

use crate::bytes::{BytesError, Reader, Writer};
use crate::matrix::{Matrix, MatrixError};

const MARK: [u8; 4] = *b"TWT1";
/// The greatest so many values of a column are kept as they are.
const EXACT: u32 = 2048;
/// Below them a value is kept when one more in so many is at or above it: a tail is off by 1 / 256 nat at most.
const FINE: u32 = 256;
/// The most columns read from bytes.
const MOST_COLUMNS: usize = 1 << 16;

/// Frozen references, one for each column.
#[derive(Debug, Clone, PartialEq)]
pub struct Tails {
    columns: Vec<Reference>,
}

/// The values of one column, rising, thinned where there are many.
#[derive(Debug, Clone, PartialEq)]
struct Reference {
    values: Vec<f32>,
    /// For each value, `-ln((k + 1) / (n + 1))` with the `k` reference values at or above it.
    tails: Vec<f64>,
    /// For each value, `k`.
    above: Vec<u32>,
    /// The tail of what is above all: `ln(n + 1)`.
    beyond: f64,
    /// How far above the greatest value half of the growth beyond it lies.
    scale: f64,
}

impl Tails {
    /// Learns the references from `rows`.
    ///
    /// The 2,048 greatest values of a column are kept as they are, of the others so many that a tail is right to 1/256.
    ///
    /// # Errors
    /// [`MatrixError`] without rows, or if a value is NaN or infinite.
    pub fn fit(rows: Matrix<'_>) -> Result<Self, MatrixError> {
        rows.check()?;
        let mut column = Vec::with_capacity(rows.rows());
        let columns = (0..rows.columns()).map(|at| {
            column.clear();
            column.extend(rows.iter().filter_map(|row| row.get(at)));
            column.sort_unstable_by(f32::total_cmp);
            Reference::of_sorted(&column)
        });
        Ok(Self { columns: columns.collect() })
    }

    /// How many columns there are.
    pub fn columns(&self) -> usize {
        self.columns.len()
    }

    /// How rare a value at or above `x` is in this column: `-ln((k + 1) / (n + 1))` nats, with the `k` of the `n`
    /// reference values that are at or above it.
    ///
    /// Above all of them, where `k` stays 0, it grows on by less than 1 nat, `z / (1 + z)`, where `z` is how far `x` is
    /// above the greatest, in units of that one's distance from the median (or, if they are the same, of its size, or of
    /// 1). It never falls as `x` rises. 0 for NaN and for a column that is not there: they are no evidence.
    pub fn tail(&self, column: usize, x: f32) -> f64 {
        self.columns.get(column).map_or(0.0, |reference| reference.tail(x))
    }

    /// The references as bytes, the same on every machine.
    ///
    /// `TWT1`, then little-endian: columns (`u32`); for each the number of values kept (`u32`), the unit of the growth
    /// beyond them (`f64`), and for each value itself (`f32`) and how many are at or above it (`u32`).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.raw(&MARK);
        to.count(self.columns.len());
        for column in &self.columns {
            to.count(column.values.len());
            to.raw(&column.scale.to_le_bytes());
            for (value, above) in column.values.iter().zip(&column.above) {
                to.raw(&value.to_le_bytes());
                to.u32(*above);
            }
        }
        to.bytes
    }

    /// The references that [`Tails::to_bytes`] gave these bytes for.
    ///
    /// # Errors
    /// [`BytesError`] if they are cut short, too many, or not in order.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BytesError> {
        let mut from = Reader::new(bytes);
        from.mark(MARK)?;
        let count = from.count("columns", 1..=MOST_COLUMNS)?;
        let mut columns = Vec::new();
        for column in 0..count {
            let kept = from.count("values", 1..=u32::MAX as usize)?;
            let scale = from.groups::<8>(1)?.first().map_or(0.0, |scale| f64::from_le_bytes(*scale));
            let pairs = from.groups::<8>(kept)?;
            let pairs = pairs
                .iter()
                .map(|&[a, b, c, d, e, f, g, h]| (f32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])));
            let (values, above): (Vec<f32>, Vec<u32>) = pairs.unzip();
            let finite = scale.is_finite() && scale > 0.0 && values.iter().all(|value| value.is_finite());
            let in_order = values.is_sorted_by(|a, b| a < b) && above.is_sorted_by(|a, b| a > b);
            if !finite || !in_order || above.last() == Some(&0) {
                return Err(from.wrong(format!("column {column} out of order"), "values rising, counts falling to 1"));
            }
            columns.push(Reference::new(values, above, scale));
        }
        from.end()?;
        Ok(Self { columns })
    }
}

impl Reference {
    /// From all values, rising; there is at least one.
    fn of_sorted(sorted: &[f32]) -> Self {
        let (mut values, mut above) = (Vec::new(), Vec::new());
        let (mut end, mut kept) = (sorted.len(), 0_u32);
        while let Some(&value) = sorted.get(..end).and_then(<[f32]>::last) {
            end = sorted.get(..end).unwrap_or_default().partition_point(|other| *other < value);
            let count = u32::try_from(sorted.len() - end).unwrap_or(u32::MAX);
            if count <= EXACT || count - kept > kept / FINE || end == 0 {
                // The zeros are one value.
                values.push(value + 0.0);
                above.push(count);
                kept = count;
            }
        }
        values.reverse();
        above.reverse();
        let value = |at: usize| sorted.get(at).copied().map_or(0.0, f64::from);
        let (greatest, median) = (value(sorted.len() - 1), value(sorted.len() / 2));
        let spread = [greatest - median, greatest.abs(), 1.0];
        let scale = spread.into_iter().find(|spread| *spread > 0.0).unwrap_or(1.0);
        Self::new(values, above, scale)
    }

    fn new(values: Vec<f32>, above: Vec<u32>, scale: f64) -> Self {
        let beyond = f64::from(above.first().copied().unwrap_or(0)).ln_1p();
        let tails = above.iter().map(|k| beyond - f64::from(*k).ln_1p()).collect();
        Self { values, tails, above, beyond, scale }
    }

    fn tail(&self, x: f32) -> f64 {
        let at = self.values.partition_point(|value| *value < x);
        if let Some(tail) = self.tails.get(at) {
            return *tail;
        }
        let far = self.values.last().map_or(0.0, |greatest| f64::from(x) - f64::from(*greatest)) / self.scale;
        // Written so that infinity, which is not a share of itself, gives 1.
        self.beyond + 1.0 - 1.0 / (1.0 + far)
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "0 is exact, and so is what comes back from bytes")]
mod tests {
    use super::{EXACT, Tails};
    use crate::matrix::{Matrix, MatrixError};
    use proptest::prelude::*;

    fn fit(values: &[f32], columns: usize) -> Tails {
        Tails::fit(Matrix::new(values, columns).unwrap()).unwrap()
    }

    /// By the definition, from all values.
    fn plain(values: &[f32], x: f32) -> f64 {
        let k = values.iter().filter(|value| **value >= x).count() as f64;
        -((k + 1.0) / (values.len() as f64 + 1.0)).ln()
    }

    #[test]
    fn a_tail_is_its_definition() {
        let values = [5.0, 1.0, 1.0, 2.0];
        let tails = fit(&values, 1);
        for x in [-1.0, 1.0, 1.5, 2.0, 4.9, 5.0] {
            assert!((tails.tail(0, x) - plain(&values, x)).abs() < 1e-12, "{x}");
        }
        assert_eq!((tails.tail(0, f32::NEG_INFINITY), tails.tail(0, f32::NAN), tails.tail(1, 9.0)), (0.0, 0.0, 0.0));
        // The median is 2 (the upper of the two in the middle), so 3 beyond 5 is half a nat.
        assert!((tails.tail(0, 8.0) - 5_f64.ln() - 0.5).abs() < 1e-12);
        assert!((tails.tail(0, f32::INFINITY) - 5_f64.ln() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn constant_columns_tell_what_is_above_them() {
        for constant in [0.0, -0.0, -3.0, 7.0] {
            let tails = fit(&[constant; 50], 1);
            assert_eq!(tails.tail(0, constant), 0.0);
            assert_eq!(tails.tail(0, -constant.abs()), 0.0);
            let [near, far] = [0.5, 1.0].map(|step| tails.tail(0, constant + step));
            assert!(51_f64.ln() < near && near < far && far < 51_f64.ln() + 1.0, "{constant}: {near} {far}");
        }
    }

    #[test]
    fn the_body_is_thinned_and_the_tail_is_not() {
        let values: Vec<f32> = (0..500_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 8) as f32).collect();
        let tails = fit(&values, 1);
        assert!(tails.columns[0].values.len() < 4_000, "{}", tails.columns[0].values.len());
        let mut sorted = values.clone();
        sorted.sort_unstable_by(f32::total_cmp);
        for x in sorted.iter().step_by(997) {
            let off = (tails.tail(0, *x) - plain(&values, *x)).abs();
            assert!(off <= 1.0 / 256.0, "{x}: {off}");
        }
        for x in sorted.iter().rev().take(EXACT as usize).step_by(97) {
            assert!((tails.tail(0, *x) - plain(&values, *x)).abs() < 1e-12);
        }
    }

    #[test]
    fn what_cannot_be_learned_from_is_refused() {
        let found = Tails::fit(Matrix::new(&[1.0, f32::NAN], 2).unwrap()).unwrap_err();
        assert!(matches!(found, MatrixError::NotFinite { row: 0, column: 1, .. }));
        assert_eq!(Tails::fit(Matrix::new(&[], 2).unwrap()), Err(MatrixError::Empty));
    }

    fn values() -> impl Strategy<Value = Vec<f32>> {
        let value = prop_oneof![(0_u8..4).prop_map(f32::from), -5.0..5.0_f32, Just(f32::MAX), Just(f32::MIN)];
        prop::collection::vec(value, 1..60)
    }

    proptest! {
        #[test]
        fn tails_never_fall(values in values(), mut xs in prop::collection::vec(-1e3..1e3_f32, 2..20)) {
            let tails = fit(&values, 1);
            xs.extend([f32::MIN, f32::MAX, f32::INFINITY, f32::NEG_INFINITY]);
            xs.extend(&values);
            xs.sort_unstable_by(f32::total_cmp);
            let tails: Vec<f64> = xs.iter().map(|x| tails.tail(0, *x)).collect();
            prop_assert!(tails.is_sorted(), "{:?}", tails);
            prop_assert!(tails.iter().all(|tail| tail.is_finite() && *tail >= 0.0));
        }

        #[test]
        fn bytes_give_the_tails_back(values in values(), cut: prop::sample::Index, at: prop::sample::Index, bits in 1..=255_u8) {
            let columns = if values.len().is_multiple_of(3) { 3 } else { 1 };
            let tails = fit(&values, columns);
            let mut bytes = tails.to_bytes();
            prop_assert_eq!(Tails::from_bytes(&bytes).unwrap(), tails);
            prop_assert!(Tails::from_bytes(&bytes[..cut.index(bytes.len())]).is_err());
            prop_assert!(Tails::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
            *at.get_mut(&mut bytes) ^= bits;
            if let Ok(tails) = Tails::from_bytes(&bytes) {
                let tails = [f32::MIN, 0.0, f32::MAX, f32::INFINITY].map(|x| tails.tail(0, x));
                prop_assert!(tails.is_sorted() && tails.iter().all(|tail| tail.is_finite()));
            }
        }
    }
}
