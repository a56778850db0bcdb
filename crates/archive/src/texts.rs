//! A column of text in the open epoch.

use std::sync::Arc;

use arrow_array::{ArrayRef, DictionaryArray, Int32Array, LargeStringArray};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, DataType};

/// Text of many rows end to end. A text equal to the one before it takes no room, and a column that never changes takes
/// none per row.
#[derive(Debug)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    /// Where each text starts, and the end of the last one.
    offsets: Vec<i64>,
    /// The text of each row, [`NONE`] for null; empty as long as all rows have `first`.
    codes: Vec<i32>,
    first: i32,
    rows: usize,
    /// A row is null.
    nullable: bool,
}

/// The Arrow type of text: keys into the column's texts.
pub(crate) fn data_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::LargeUtf8))
}

const NONE: i32 = -1;

impl Default for Texts {
    fn default() -> Self {
        Self { bytes: Vec::new(), offsets: vec![0], codes: Vec::new(), first: NONE, rows: 0, nullable: false }
    }
}

impl Texts {
    #[inline]
    pub(crate) fn push(&mut self, text: &str) {
        let same = match *self.offsets.as_slice() {
            [.., start, _] => usize::try_from(start).ok().and_then(|start| self.bytes.get(start..)),
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
        // No machine holds more bytes than an `i64` counts, or two billion texts of one epoch.
        self.offsets.push(i64::try_from(self.bytes.len()).unwrap_or(i64::MAX));
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
        self.nullable = true;
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
        self.nullable = false;
    }

    pub(crate) fn held(&self) -> usize {
        self.bytes.len() + (self.offsets.len() - 1) * size_of::<i64>() + self.codes.len() * size_of::<i32>()
    }

    /// Whether all rows have the same text or none.
    pub(crate) fn uniform(&self) -> bool {
        self.codes.is_empty()
    }

    /// The texts themselves, each once or a few times.
    pub(crate) fn dictionary(&self) -> Result<ArrayRef, ArrowError> {
        let offsets = OffsetBuffer::new(self.offsets.clone().into());
        Ok(Arc::new(LargeStringArray::try_new(offsets, Buffer::from_slice_ref(&self.bytes), None)?))
    }

    /// The values of `rows`, in that order; `dictionary` is this column's.
    pub(crate) fn gather(
        &self,
        dictionary: &ArrayRef,
        rows: impl ExactSizeIterator<Item = usize>,
    ) -> Result<ArrayRef, ArrowError> {
        let keys: Vec<i32> = if self.codes.is_empty() {
            vec![self.first; rows.len()]
        } else {
            rows.map(|row| self.codes.get(row).copied().unwrap_or(NONE)).collect()
        };
        let nulls = self.nullable.then(|| keys.iter().map(|key| *key != NONE).collect::<NullBuffer>());
        let keys = Int32Array::try_new(keys.into(), nulls.filter(|nulls| nulls.null_count() > 0))?;
        Ok(Arc::new(DictionaryArray::try_new(keys, dictionary.clone())?))
    }
}
