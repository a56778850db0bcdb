//! Numbers in and out of little-endian bytes; lengths are checked before anything is made of them.

/// Why bytes are not what was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at byte {at}: found {found}, want {want}")]
pub struct BytesError {
    at: usize,
    found: String,
    want: String,
}

/// Reads what [`Writer`] wrote, from front to back.
pub(crate) struct Reader<'a> {
    all: usize,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { all: bytes.len(), rest: bytes }
    }

    /// The error that what was just read, or is about to be, is not what is wanted.
    pub(crate) fn wrong(&self, found: impl Into<String>, want: impl Into<String>) -> BytesError {
        BytesError { at: self.all - self.rest.len(), found: found.into(), want: want.into() }
    }

    /// The next `count` groups of `N` bytes.
    pub(crate) fn groups<const N: usize>(&mut self, count: usize) -> Result<&'a [[u8; N]], BytesError> {
        let wanted = count.checked_mul(N).and_then(|bytes| self.rest.split_at_checked(bytes));
        let Some((groups, rest)) = wanted else {
            let found = format!("{} more bytes", self.rest.len());
            return Err(self.wrong(found, format!("{count} times {N}")));
        };
        self.rest = rest;
        Ok(groups.as_chunks().0)
    }

    fn one<const N: usize>(&mut self) -> Result<[u8; N], BytesError> {
        Ok(self.groups::<N>(1)?.first().copied().unwrap_or([0; N]))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, BytesError> {
        self.one().map(u32::from_le_bytes)
    }

    /// A count within `range`, of what `name` says.
    pub(crate) fn count(&mut self, name: &str, range: std::ops::RangeInclusive<usize>) -> Result<usize, BytesError> {
        let found = self.u32()? as usize;
        if range.contains(&found) {
            return Ok(found);
        }
        Err(self.wrong(format!("{found} {name}"), format!("{} to {}", range.start(), range.end())))
    }

    /// The mark that stored things of one kind and version begin with.
    pub(crate) fn mark(&mut self, mark: [u8; 4]) -> Result<(), BytesError> {
        let found = self.one::<4>()?;
        if found == mark {
            return Ok(());
        }
        Err(self.wrong(found.escape_ascii().to_string(), mark.escape_ascii().to_string()))
    }

    /// All that is left, for whoever checks it to its end.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Checks that nothing is left.
    pub(crate) fn end(&self) -> Result<(), BytesError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.wrong(format!("{} more bytes", self.rest.len()), "the end"))
        }
    }
}

/// Puts numbers one after another.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.raw(&value.to_le_bytes());
    }

    /// Counts here come from things in memory that were limited on entry; one that were not would not read back.
    pub(crate) fn count(&mut self, value: usize) {
        self.u32(u32::try_from(value).unwrap_or(u32::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::{Reader, Writer};

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let mut writer = Writer::default();
        writer.raw(b"TEST");
        writer.count(7);
        let told = |result: Result<usize, super::BytesError>| result.unwrap_err().to_string();
        let mut reader = Reader::new(&writer.bytes);
        assert_eq!(reader.mark(*b"BEST").unwrap_err().to_string(), "at byte 4: found TEST, want BEST");
        assert_eq!(told(reader.count("columns", 1..=6)), "at byte 8: found 7 columns, want 1 to 6");
        assert_eq!(told(reader.count("columns", 1..=6)), "at byte 8: found 0 more bytes, want 1 times 4");
        assert_eq!(reader.end(), Ok(()));
        let reader = Reader::new(&writer.bytes);
        assert_eq!(reader.end().unwrap_err().to_string(), "at byte 0: found 8 more bytes, want the end");
    }
}
