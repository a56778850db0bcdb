//! A column of text in the open epoch.

use rustc_hash::FxHashMap;

use crate::leaf::NONE;

/// Text of many rows end to end. A text equal to the one before it takes no room, and a column that never changes takes
/// none per row.
#[derive(Debug)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    /// Where each text starts, and the end of the last one.
    offsets: Vec<usize>,
    /// The text of each row, [`NONE`] for null; empty as long as all rows have `first`.
    codes: Vec<i32>,
    first: i32,
    rows: usize,
}

impl Default for Texts {
    fn default() -> Self {
        Self { bytes: Vec::new(), offsets: vec![0], codes: Vec::new(), first: NONE, rows: 0 }
    }
}

impl Texts {
    #[inline]
    pub(crate) fn push(&mut self, text: &str) {
        let same = match *self.offsets.as_slice() {
            [.., start, _] => self.bytes.get(start..),
            _ => None,
        };
        if same != Some(text.as_bytes()) {
            self.bytes.extend_from_slice(text.as_bytes());
            self.close();
        }
        self.push_last();
    }

    #[inline]
    pub(crate) fn push_change_id(&mut self, event_id: &str, ordinal: u32) {
        self.bytes.extend_from_slice(event_id.as_bytes());
        self.bytes.push(b'.');
        let mut digits = [b'0'; 10];
        let mut used = 0;
        let mut rest = ordinal;
        for digit in digits.iter_mut().rev() {
            *digit = b"0123456789".get((rest % 10) as usize).copied().unwrap_or(b'0');
            used += 1;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.bytes.extend_from_slice(digits.get(digits.len() - used..).unwrap_or_default());
        self.close();
        self.push_last();
    }

    /// Makes the bytes since the last text a text.
    fn close(&mut self) {
        self.offsets.push(self.bytes.len());
    }

    #[inline]
    fn push_last(&mut self) {
        self.push_code(i32::try_from(self.offsets.len() - 2).unwrap_or(NONE));
    }

    #[inline]
    fn push_code(&mut self, code: i32) {
        if self.rows == 0 {
            self.first = code;
        } else if !self.codes.is_empty() {
            self.codes.push(code);
        } else if code != self.first {
            self.codes.resize(self.rows, self.first);
            self.codes.push(code);
        }
        self.rows += 1;
    }

    #[inline]
    pub(crate) fn push_null(&mut self) {
        self.push_code(NONE);
    }

    #[inline]
    pub(crate) fn push_option(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.push(text),
            None => self.push_null(),
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.offsets.truncate(1);
        self.codes.clear();
        self.rows = 0;
    }

    pub(crate) fn held(&self) -> usize {
        self.bytes.len() + (self.offsets.len() - 1) * size_of::<usize>() + self.codes.len() * size_of::<i32>()
    }

    /// How many texts there are; some may be equal.
    pub(crate) fn texts(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The text of code `code`.
    #[inline]
    pub(crate) fn text(&self, code: i32) -> Option<&[u8]> {
        let code = usize::try_from(code).ok()?;
        let [start, end] = *self.offsets.get(code..code + 2)? else { return None };
        self.bytes.get(start..end)
    }

    /// For each code the first that has the same text.
    pub(crate) fn interned(&self) -> Vec<i32> {
        let mut first: FxHashMap<&[u8], i32> = FxHashMap::default();
        // A column that never changes has nothing to look up.
        let texts = if self.codes.is_empty() { 0 } else { self.texts() };
        let codes = (0i32..).take(texts);
        codes.map(|code| *first.entry(self.text(code).unwrap_or_default()).or_insert(code)).collect()
    }

    /// Appends the code of each of `rows`, through `interned` if that is not empty.
    pub(crate) fn gather(&self, interned: &[i32], rows: impl ExactSizeIterator<Item = usize>, codes: &mut Vec<i32>) {
        if self.codes.is_empty() {
            codes.resize(codes.len() + rows.len(), self.first);
        } else {
            codes.extend(rows.map(|row| self.code(interned, row)));
        }
    }

    /// The same for the slots of lists; one without an element keeps its reason.
    pub(crate) fn gather_slots(&self, interned: &[i32], slots: &[Result<usize, i32>], codes: &mut Vec<i32>) {
        codes.clear();
        codes.extend(slots.iter().map(|slot| slot.map_or_else(|why| why, |row| self.code(interned, row))));
    }

    #[inline]
    fn code(&self, interned: &[i32], row: usize) -> i32 {
        let code = if self.codes.is_empty() { self.first } else { self.codes.get(row).copied().unwrap_or(NONE) };
        usize::try_from(code).ok().and_then(|code| interned.get(code)).copied().unwrap_or(code)
    }
}
