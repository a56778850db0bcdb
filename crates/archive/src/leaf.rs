//! One leaf of a file: which value each of its slots has, and what the values are.

use bytes::Bytes;
use parquet::data_type::ByteArray;
use parquet::file::statistics::Statistics;

use crate::texts::Texts;

/// A slot's key if the value itself is null.
pub(crate) const NONE: i32 = -1;
/// A slot's key if its row's list has no elements.
pub(crate) const EMPTY: i32 = -2;
/// A slot's key if its row has no list.
pub(crate) const NO_LIST: i32 = -3;

/// The longest text that is told as a bound; of longer ones nothing is told.
const LONGEST_BOUND: usize = 256;

/// A leaf's slots for some rows. A slot is a row's value, or one element of its list.
pub(crate) struct Leaf<'a> {
    /// The key of each slot's value, or why it has none.
    pub(crate) keys: &'a [i32],
    /// For lists where each row's slots start, and the end of the last one's.
    pub(crate) starts: Option<&'a [usize]>,
    pub(crate) values: Values<'a>,
}

/// Values by key. Equal texts have equal keys unless the leaf is one of mostly different values.
#[derive(Clone, Copy)]
pub(crate) enum Values<'a> {
    Texts(&'a Texts),
    Slices(&'a [Option<Bytes>]),
    Times(&'a [Option<i64>]),
    Doubles(&'a [Option<f64>]),
    Bools(&'a [Option<bool>]),
}

impl<'a> Values<'a> {
    /// The text under `key`.
    #[inline]
    pub(crate) fn text(self, key: i32) -> Option<&'a [u8]> {
        match self {
            Self::Texts(texts) => texts.text(key),
            Self::Slices(slices) => slices.get(usize::try_from(key).ok()?)?.as_deref(),
            _ => None,
        }
    }

    /// Appends the value under `key` in Parquet's plain encoding; not for bools, which share bytes.
    #[inline]
    pub(crate) fn write(self, key: i32, out: &mut Vec<u8>) {
        match self {
            Self::Texts(_) | Self::Slices(_) => {
                let text = self.text(key).unwrap_or_default();
                // The source bounds a record far below 4 GiB.
                out.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
                out.extend_from_slice(text);
            }
            Self::Times(times) => out.extend_from_slice(&at(times, key).unwrap_or_default().to_le_bytes()),
            Self::Doubles(numbers) => out.extend_from_slice(&at(numbers, key).unwrap_or_default().to_le_bytes()),
            Self::Bools(_) => {}
        }
    }

    /// The least and the greatest of the values under `keys`; `None` if there is none, or none worth telling.
    pub(crate) fn bounds(self, keys: impl Iterator<Item = i32>) -> Option<Bounds<'a>> {
        let keys = keys.filter(|key| *key >= 0);
        match self {
            Self::Texts(_) | Self::Slices(_) => {
                let (mut last, mut found) = (NONE, None);
                for key in keys {
                    if key != last {
                        found = Some(wider(found, self.text(key).unwrap_or_default(), |a, b| a < b));
                        last = key;
                    }
                }
                let (least, greatest) = found?;
                let short = least.len() <= LONGEST_BOUND && greatest.len() <= LONGEST_BOUND;
                short.then_some(Bounds::Text(least, greatest))
            }
            Self::Times(times) => {
                let found = keys.filter_map(|key| at(times, key)).fold(None, |b, t| Some(wider(b, t, |a, b| a < b)));
                found.map(|(least, greatest)| Bounds::Time(least, greatest))
            }
            Self::Doubles(numbers) => {
                let numbers = keys.filter_map(|key| at(numbers, key)).filter(|number| !number.is_nan());
                let (least, greatest) = numbers.fold(None, |b, n| Some(wider(b, n, |a, b| a < b)))?;
                // The format asks for it, since the two zeros are equal.
                let signed = |zero: f64, number: f64| if number == 0.0 { zero } else { number };
                Some(Bounds::Double(signed(-0.0, least), signed(0.0, greatest)))
            }
            Self::Bools(bools) => {
                let found = keys.filter_map(|key| at(bools, key)).fold(None, |b, t| Some(wider(b, t, |a, b| !a & b)));
                found.map(|(least, greatest)| Bounds::Bool(least, greatest))
            }
        }
    }
}

/// `key`'s entry.
#[inline]
pub(crate) fn at<T: Copy>(values: &[Option<T>], key: i32) -> Option<T> {
    values.get(usize::try_from(key).ok()?).copied().flatten()
}

#[inline]
fn wider<T: Copy>(bounds: Option<(T, T)>, value: T, less: impl Fn(T, T) -> bool) -> (T, T) {
    let (least, greatest) = bounds.unwrap_or((value, value));
    (if less(value, least) { value } else { least }, if less(greatest, value) { value } else { greatest })
}

/// The least and the greatest of some values.
#[derive(Clone, Copy)]
pub(crate) enum Bounds<'a> {
    Text(&'a [u8], &'a [u8]),
    Time(i64, i64),
    Double(f64, f64),
    Bool(bool, bool),
}

impl Bounds<'_> {
    /// As the page index has them.
    pub(crate) fn encoded(self) -> (Vec<u8>, Vec<u8>) {
        match self {
            Self::Text(a, b) => (a.to_vec(), b.to_vec()),
            Self::Time(a, b) => (a.to_le_bytes().to_vec(), b.to_le_bytes().to_vec()),
            Self::Double(a, b) => (a.to_le_bytes().to_vec(), b.to_le_bytes().to_vec()),
            Self::Bool(a, b) => (vec![u8::from(a)], vec![u8::from(b)]),
        }
    }
}

/// What the footer tells of a leaf with these bounds and so many nulls.
pub(crate) fn statistics(values: Values<'_>, bounds: Option<Bounds<'_>>, nulls: u64) -> Statistics {
    let nulls = Some(nulls);
    let text = |text: &[u8]| Some(ByteArray::from(text.to_vec()));
    match (bounds, values) {
        (Some(Bounds::Text(a, b)), _) => Statistics::new(text(a), text(b), None, nulls, false),
        (Some(Bounds::Time(a, b)), _) => Statistics::new(Some(a), Some(b), None, nulls, false),
        (Some(Bounds::Double(a, b)), _) => Statistics::new(Some(a), Some(b), None, nulls, false),
        (Some(Bounds::Bool(a, b)), _) => Statistics::new(Some(a), Some(b), None, nulls, false),
        (None, Values::Texts(_) | Values::Slices(_)) => Statistics::new::<ByteArray>(None, None, None, nulls, false),
        (None, Values::Times(_)) => Statistics::new::<i64>(None, None, None, nulls, false),
        (None, Values::Doubles(_)) => Statistics::new::<f64>(None, None, None, nulls, false),
        (None, Values::Bools(_)) => Statistics::new::<bool>(None, None, None, nulls, false),
    }
}
