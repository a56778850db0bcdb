//! What a plain model reaches: an isolation forest over one-hot columns, to be compared with.
//!
//! Each of five texts of an event (action, account, region, actor, environment) lights one of 64 columns, by hash. The
//! forest has 100 trees of 256 rows, as in the paper that introduced it. A value that was never there while it learned
//! lights a column at which no tree cuts: the forest is blind to the new.

use crate::forest::{FitError, Forest, Settings};
use crate::hash::{mix, text};
use crate::matrix::Matrix;

const FIELDS: usize = 5;
const SLOTS: usize = 64;
const COLUMNS: usize = FIELDS * SLOTS;
/// Rows kept to learn from, drawn evenly from all: as many as all trees together ask for.
const KEPT: usize = 25_600;
/// Rows that are spelled out at once.
const AT_ONCE: usize = 4096;
const SETTINGS: Settings = Settings { trees: 100, sample: 256, seed: 1 };

/// An event's five texts, each as the column that it lights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place([u16; FIELDS]);

impl Place {
    /// The place of an event's action, account, region, actor and environment.
    #[expect(clippy::cast_possible_truncation, reason = "a column's number is small")]
    pub fn of(texts: [&str; FIELDS]) -> Self {
        let mut place = [0; FIELDS];
        for (field, (to, value)) in place.iter_mut().zip(texts).enumerate() {
            *to = (field * SLOTS) as u16 + (text(value) % SLOTS as u64) as u16;
        }
        Self(place)
    }
}

/// The rows to learn from.
#[derive(Debug, Clone, Default)]
pub struct OneHot {
    rows: Vec<Place>,
    seen: u64,
}

impl OneHot {
    /// Takes in an event; of more than 25,600 an even draw is kept (Vitter's algorithm R).
    pub fn learn(&mut self, place: Place) {
        self.seen += 1;
        if self.rows.len() < KEPT {
            self.rows.push(place);
        } else if let Ok(at) = usize::try_from(mix(SETTINGS.seed, self.seen) % self.seen)
            && let Some(row) = self.rows.get_mut(at)
        {
            *row = place;
        }
    }

    /// Learns, and scores `places`: higher is more unusual.
    ///
    /// # Errors
    /// [`FitError`] if nothing was taken in.
    pub fn scores(&self, places: &[Place]) -> Result<Vec<f64>, FitError> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let forest = Forest::fit(Matrix::new(&spelled(&self.rows), COLUMNS)?, &SETTINGS, threads)?;
        let mut out = Vec::with_capacity(places.len());
        let mut scores = vec![0.0; AT_ONCE];
        for part in places.chunks(AT_ONCE) {
            let rows = spelled(part);
            let scores = &mut scores[..part.len()];
            forest.score_batch(Matrix::new(&rows, COLUMNS)?, threads, scores)?;
            out.extend(scores.iter().map(|score| f64::from(*score)));
        }
        Ok(out)
    }
}

/// The rows with a 1 in each lit column.
fn spelled(places: &[Place]) -> Vec<f32> {
    let mut values = vec![0.0; places.len() * COLUMNS];
    for (row, place) in values.chunks_exact_mut(COLUMNS).zip(places) {
        for column in place.0 {
            row[usize::from(column)] = 1.0;
        }
    }
    values
}
