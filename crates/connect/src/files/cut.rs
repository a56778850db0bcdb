//! Cutting one partition's bytes into records with positions.

use bytes::Bytes;
use tagwarden_core::{Fault, Partition, Position, Record, Stage};
use tagwarden_json::frame::{Framer, Step};

use super::buffers::Buffers;
use super::feed::Stretch;

/// Cuts a partition from its first byte, and passes over what ends at or before the position it was started from: so
/// the same bytes give the same records, however often the reading is broken off.
pub(crate) struct Cutter {
    partition: Partition,
    framer: Framer,
    /// Bytes that are not handed out yet, and at most one before them.
    buffer: Vec<u8>,
    buffers: Buffers,
    /// Offset of the buffer's first byte.
    base: u64,
    /// Position of the last record that was found, passed over or not.
    found: u64,
    /// Where the partition stands.
    stands: Position,
    stands_at: u64,
}

/// A piece of the buffer, with what is wrong with it.
type Piece = (std::ops::Range<usize>, Option<String>);

impl Cutter {
    /// A cutter for a partition that stands at `stands`; `None` if that is no byte offset.
    pub(crate) fn new(partition: Partition, stands: Position, buffers: Buffers) -> Option<Self> {
        let (stands_at, buffer) = (stands.as_offset()?, buffers.take());
        Some(Self { partition, framer: Framer::new(), buffer, buffers, base: 0, found: 0, stands, stands_at })
    }

    /// Where the partition stands, as a byte offset.
    pub(crate) fn stands_at(&self) -> u64 {
        self.stands_at
    }

    /// The partition.
    pub(crate) fn partition(&self) -> &Partition {
        &self.partition
    }

    /// Where the partition stands.
    pub(crate) fn stands(&self) -> &Position {
        &self.stands
    }

    /// Bytes seen so far.
    pub(crate) fn seen(&self) -> u64 {
        self.base + self.buffer.len() as u64
    }

    /// Bytes that wait for the end of their value.
    pub(crate) fn waiting(&self) -> usize {
        self.buffer.len() - self.framer.at()
    }

    /// Where the next bytes go, at the end.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Hands out every record that is whole by now.
    pub(crate) fn cut(&mut self, behind: Option<u64>) -> Option<Stretch> {
        let mut pieces = Vec::new();
        loop {
            match self.framer.step(&self.buffer, false) {
                Step::Value(range) => pieces.push((range, None)),
                Step::Broken { range, what } => pieces.push((range, Some(what.to_owned()))),
                Step::More | Step::End => break,
            }
        }
        // The byte before stays: the framer takes a byte order mark for one only where its buffer begins.
        let keep = self.framer.at().saturating_sub(1);
        if pieces.is_empty() && keep < self.buffer.len() / 2 {
            return None;
        }
        let whole = if self.buffer.len() < self.buffer.capacity() / 2 {
            // Few records must not hold much room.
            let whole = Bytes::copy_from_slice(&self.buffer);
            self.buffer.drain(..keep);
            whole
        } else {
            let mut next = self.buffers.take();
            next.extend_from_slice(self.buffer.get(keep..).unwrap_or_default());
            self.buffers.lend(std::mem::replace(&mut self.buffer, next))
        };
        let records = self.records(pieces, &whole);
        self.framer.dropped(keep);
        self.base += keep as u64;
        self.stretch(records, None, behind)
    }

    /// Hands out what is left as if no more bytes came, broken pieces only if asked for. More may come after all.
    pub(crate) fn finish(&mut self, broken_too: bool, behind: Option<u64>) -> Option<Stretch> {
        let (pieces, _) = self.tail(broken_too);
        let end = broken_too.then(|| self.seen());
        let whole = if pieces.is_empty() { Bytes::new() } else { Bytes::copy_from_slice(&self.buffer) };
        let records = self.records(pieces, &whole);
        self.stretch(records, end, behind)
    }

    /// Hands out what is left: whole values, and the rest as one broken record, since the bytes behind it can't be had.
    pub(crate) fn break_off(&mut self, what: String, behind: Option<u64>) -> Option<Stretch> {
        let (mut pieces, at) = self.tail(false);
        pieces.push((at..self.buffer.len(), Some(what)));
        let whole = Bytes::copy_from_slice(&self.buffer);
        let records = self.records(pieces, &whole);
        let end = Some(self.seen());
        self.stretch(records, end, behind)
    }

    /// The pieces of what is left, up to the first that is broken unless those are wanted too, and where they end.
    fn tail(&self, broken_too: bool) -> (Vec<Piece>, usize) {
        let (mut framer, mut pieces) = (self.framer.clone(), Vec::new());
        loop {
            let at = framer.at();
            match framer.step(&self.buffer, true) {
                Step::Value(range) if broken_too || self.buffer.get(range.clone()).is_some_and(is_whole) => {
                    pieces.push((range, None));
                }
                Step::Broken { range, what } if broken_too => pieces.push((range, Some(what.to_owned()))),
                Step::Value(_) | Step::Broken { .. } | Step::More | Step::End => return (pieces, at),
            }
        }
    }

    fn records(&mut self, pieces: Vec<Piece>, whole: &Bytes) -> Vec<Record> {
        let mut records = Vec::with_capacity(pieces.len());
        let mut passed = self.stands_at;
        for (range, what) in pieces {
            let end = self.base + range.end as u64;
            // A piece may be empty, and still needs a position of its own. No value is as short as one byte.
            let end = if what.is_some() { end.max(self.found + 1) } else { end };
            self.found = end;
            if end <= passed {
                continue;
            }
            passed = end;
            let fault = what.map(|what| {
                let at = self.base + range.start as u64;
                Fault::new(Stage::Frame, format!("{what} at byte {at} of {}", self.partition))
            });
            records.push(Record {
                bytes: whole.slice(range),
                partition: self.partition.clone(),
                position: Position::offset(end),
                arrival: None,
                fault,
            });
        }
        records
    }

    fn stretch(&mut self, records: Vec<Record>, end: Option<u64>, behind: Option<u64>) -> Option<Stretch> {
        let last = records.last().and_then(|record| record.position.as_offset());
        let to = last.max(end).unwrap_or(0);
        if to <= self.stands_at {
            return None;
        }
        self.stands_at = to;
        let from = std::mem::replace(&mut self.stands, Position::offset(to));
        Some(Stretch { partition: self.partition.clone(), from, records, to: self.stands.clone(), behind })
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.buffers.put(std::mem::take(&mut self.buffer));
    }
}

/// Whether a last line ends where its value does. The framer hands on any that looks so, for the decoder to refuse.
fn is_whole(value: &[u8]) -> bool {
    let element = [b"[", value].concat();
    matches!(Framer::new().step(&element, false), Step::Value(range) if range.end == element.len())
}

#[cfg(test)]
mod tests {
    use super::Cutter;
    use crate::files::buffers::Buffers;
    use tagwarden_core::Position;

    fn cutter(stands: Position) -> Cutter {
        Cutter::new("p".into(), stands, Buffers::default()).unwrap()
    }

    #[test]
    fn a_byte_order_mark_counts_at_the_start_only_however_the_bytes_come() {
        let text = b"\xEF\xBB\xBF{\"a\":1}\n\xEF\xBB\xBF{\"b\":1}\n{\"c\":1}\n";
        for size in 3..text.len() {
            let mut cutter = cutter(Position::start());
            let mut records = Vec::new();
            for piece in text.chunks(size) {
                cutter.buffer().extend_from_slice(piece);
                records.extend(cutter.cut(None).into_iter().flat_map(|stretch| stretch.records));
            }
            let broken: Vec<bool> = records.iter().map(|record| record.fault.is_some()).collect();
            assert_eq!(broken, [false, true, false], "by {size}");
        }
    }

    #[test]
    fn an_empty_piece_has_a_position_of_its_own() {
        let text = b"{\"Records\":[{\"a\":1}";
        let end = text.len() as u64;
        let mut first = cutter(Position::start());
        first.buffer().extend_from_slice(text);
        let values = first.cut(None).unwrap();
        assert_eq!(values.to, Position::offset(end));
        let broken = first.finish(true, None).unwrap();
        assert_eq!((broken.records.len(), broken.to.clone()), (1, Position::offset(end + 1)));
        // From there nothing is left, and more of the list is still found.
        let mut second = cutter(broken.to);
        second.buffer().extend_from_slice(text);
        assert!(second.cut(None).is_none());
        assert!(second.finish(true, None).is_none());
        second.buffer().extend_from_slice(b",{\"b\":1}]}");
        let rest = second.cut(None).unwrap();
        assert_eq!(rest.records[0].bytes, "{\"b\":1}");
    }

    #[test]
    fn a_tail_that_is_tried_is_not_taken_twice() {
        let mut cutter = cutter(Position::start());
        cutter.buffer().extend_from_slice(b"{\"a\":1}\n{\"b\":1}");
        assert_eq!(cutter.cut(None).unwrap().records.len(), 1);
        assert_eq!(cutter.finish(false, None).unwrap().records[0].bytes, "{\"b\":1}");
        cutter.buffer().extend_from_slice(b"\n{\"c\":");
        assert!(cutter.cut(None).is_none());
        assert!(cutter.finish(false, None).is_none());
        cutter.buffer().extend_from_slice(b"1}\n");
        assert_eq!(cutter.cut(None).unwrap().records[0].bytes, "{\"c\":1}");
    }
}
