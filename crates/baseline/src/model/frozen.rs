//! The two frozen references as bytes: the features' tails with the rules' rates, and the scores' spread.

use std::collections::BTreeMap;

use crate::bytes::{BytesError, Reader, Writer};
use crate::features::Feature;
use crate::{reference, spread};

/// The most rules read from bytes.
const MOST_RULES: usize = 1 << 20;
/// The most bins of scores read from bytes.
const MOST_BINS: usize = 1 << 16;

impl spread::Frozen {
    /// Changes, features, bins (`u32` each), a tail (`f32`) for each; rules (`u32`), for each its number (`u64`) and how
    /// often it hit (`u32`).
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.u32(self.changes);
        to.count(Feature::ALL.len());
        to.count(spread::BINS);
        self.tails.iter().for_each(|tail| to.raw(&tail.to_le_bytes()));
        to.count(self.rules.len());
        for (rule, hits) in &self.rules {
            to.raw(&rule.to_le_bytes());
            to.u32(*hits);
        }
        to.bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, BytesError> {
        let mut from = Reader::new(bytes);
        let changes = from.u32()?;
        let features = from.count("features", Feature::ALL.len()..=Feature::ALL.len())?;
        let bins = from.count("bins", spread::BINS..=spread::BINS)?;
        let tails: Vec<f32> = from.groups::<4>(features * bins)?.iter().map(|tail| f32::from_le_bytes(*tail)).collect();
        if !tails.iter().all(|tail| tail.is_finite()) {
            return Err(from.wrong("a tail that is NaN or infinite", "finite numbers"));
        }
        let count = from.count("rules", 0..=MOST_RULES)?;
        let mut rules = BTreeMap::new();
        for &[a, b, c, d, e, f, g, h, i, j, k, l] in from.groups::<12>(count)? {
            rules.insert(u64::from_le_bytes([a, b, c, d, e, f, g, h]), u32::from_le_bytes([i, j, k, l]));
        }
        from.end()?;
        Ok(Self { tails, changes, rules })
    }
}

impl reference::Frozen {
    /// The threshold (`f64`), all changes (`u64`), bins (`u32`), for each the changes in lower ones (`u64`).
    pub(crate) fn put(&self, to: &mut Writer) {
        to.raw(&self.threshold.to_le_bytes());
        to.raw(&self.total.to_le_bytes());
        to.count(self.below.len());
        self.below.iter().for_each(|below| to.raw(&below.to_le_bytes()));
    }

    pub(crate) fn take(from: &mut Reader<'_>) -> Result<Self, BytesError> {
        let threshold = from.groups::<8>(1)?.first().map_or(f64::NAN, |value| f64::from_le_bytes(*value));
        let total = from.groups::<8>(1)?.first().map_or(0, |value| u64::from_le_bytes(*value));
        let bins = from.count("bins of scores", 1..=MOST_BINS)?;
        let below: Vec<u64> = from.groups::<8>(bins)?.iter().map(|value| u64::from_le_bytes(*value)).collect();
        let sound = threshold.is_finite() && total > 0 && below.is_sorted() && below.iter().all(|n| *n <= total);
        if !sound {
            return Err(from.wrong("a threshold or counts out of order", "a finite threshold, counts that rise"));
        }
        Ok(Self { below, total, threshold })
    }
}
