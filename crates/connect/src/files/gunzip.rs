//! Reading plain or gzip bytes, told apart by their first two.

use std::io::{self, Read};

use flate2::{Decompress, FlushDecompress, Status};

const MAGIC: [u8; 2] = [0x1f, 0x8b];
const COMPRESSED: usize = 128 << 10;
/// What a pipe gives at once.
const ONCE: usize = 64 << 10;
/// Room for the start of a value that is not whole yet.
const SPARE: usize = 64 << 10;

/// Why no more bytes can be had.
#[derive(Debug)]
pub(crate) enum Unreadable {
    Io(io::Error),
    /// The gzip stream is cut off or damaged.
    Corrupt(String),
}

/// A stream of plain bytes, decompressed if need be.
pub(crate) struct Input<R> {
    reader: R,
    /// Bytes read ahead: the whole window of a gzip stream, the first two bytes of a plain one.
    ahead: Vec<u8>,
    at: usize,
    gzip: Option<Gzip>,
    consumed: u64,
    ended: bool,
}

struct Gzip {
    inflate: Decompress,
    /// Before the first byte of a member.
    between: bool,
    failed: Option<String>,
}

impl<R: Read> Input<R> {
    /// Looks at the first two bytes of `reader`.
    pub(crate) fn open(reader: R) -> io::Result<Self> {
        let mut input = Self::plain(reader);
        while input.ahead.len() < MAGIC.len() && !input.ended {
            let mut byte = [0];
            let got = retry(|| input.reader.read(&mut byte))?;
            input.ended = got == 0;
            input.ahead.extend_from_slice(&byte[..got]);
        }
        input.consumed = input.ahead.len() as u64;
        if input.ahead == MAGIC {
            let inflate = Decompress::new_gzip(15);
            input.gzip = Some(Gzip { inflate, between: true, failed: None });
        }
        Ok(input)
    }

    /// Takes `reader` as plain bytes, from where it stands.
    pub(crate) fn plain(reader: R) -> Self {
        Self { reader, ahead: Vec::new(), at: 0, gzip: None, consumed: 0, ended: false }
    }

    /// Whether the stream is gzip.
    pub(crate) fn is_gzip(&self) -> bool {
        self.gzip.is_some()
    }

    /// Bytes taken from the reader.
    pub(crate) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Appends about `want` bytes to `into`, fewer at the end or, unless `full`, when the reader gives fewer at once.
    /// 0 is the end. Before an error, all that could be read was given.
    pub(crate) fn fill(&mut self, into: &mut Vec<u8>, want: usize, full: bool) -> Result<usize, Unreadable> {
        let before = into.len();
        match &self.gzip {
            Some(_) => self.inflate(into, want, full)?,
            None => self.copy(into, want, full).map_err(Unreadable::Io)?,
        }
        Ok(into.len() - before)
    }

    fn copy(&mut self, into: &mut Vec<u8>, want: usize, full: bool) -> io::Result<()> {
        into.append(&mut self.ahead);
        if self.ended {
            return Ok(());
        }
        let start = into.len();
        if full {
            // Room to spare, so that a full buffer is not taken for one that has to grow.
            into.reserve_exact(want + SPARE);
            // A file that grows is asked again: the end is where the reader says so, not for ever.
            let read = self.reader.by_ref().take(want as u64).read_to_end(into);
            self.consumed += (into.len() - start) as u64;
            return read.map(drop);
        }
        into.resize(start + want.min(ONCE), 0);
        let got = retry(|| self.reader.read(&mut into[start..]));
        into.truncate(start + *got.as_ref().unwrap_or(&0));
        self.consumed += got? as u64;
        Ok(())
    }

    fn inflate(&mut self, into: &mut Vec<u8>, want: usize, full: bool) -> Result<(), Unreadable> {
        let Some(gzip) = &mut self.gzip else { return Ok(()) };
        let before = into.len();
        into.reserve(want);
        while gzip.failed.is_none() && into.len() < before + want {
            if self.at == self.ahead.len() && !self.ended {
                if !full && into.len() > before {
                    return Ok(());
                }
                self.ahead.resize(COMPRESSED, 0);
                let got = retry(|| self.reader.read(&mut self.ahead));
                self.ahead.truncate(*got.as_ref().unwrap_or(&0));
                self.at = 0;
                let got = got.map_err(Unreadable::Io)?;
                self.consumed += got as u64;
                self.ended = got == 0;
            }
            let rest = self.ahead.get(self.at..).unwrap_or_default();
            if rest.is_empty() && gzip.between {
                return Ok(());
            }
            gzip.between = false;
            let (taken, given) = (gzip.inflate.total_in(), into.len());
            let status = gzip.inflate.decompress_vec(rest, into, FlushDecompress::None);
            let taken = gzip.inflate.total_in() - taken;
            self.at += usize::try_from(taken).unwrap_or(rest.len());
            match status {
                Ok(Status::StreamEnd) => {
                    gzip.inflate.reset(true);
                    gzip.between = true;
                }
                Ok(_) if self.ended && into.len() == given && taken == 0 => {
                    gzip.failed = Some("found the end of the file inside a gzip stream".to_owned());
                }
                Ok(_) => {}
                Err(error) => {
                    let at = self.consumed - (self.ahead.len() - self.at) as u64;
                    gzip.failed = Some(format!("found a damaged gzip stream near compressed byte {at} ({error})"));
                }
            }
        }
        match &gzip.failed {
            Some(what) if into.len() == before => Err(Unreadable::Corrupt(what.clone())),
            _ => Ok(()),
        }
    }
}

fn retry(mut read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Input, Unreadable};
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8 & 0x3f
        };
        (0..length).map(|_| next()).collect()
    }

    fn read(bytes: &[u8], want: usize) -> (Vec<u8>, Option<String>) {
        let mut input = Input::open(bytes).unwrap();
        let mut into = Vec::new();
        loop {
            match input.fill(&mut into, want, true) {
                Ok(0) => return (into, None),
                Ok(_) => {}
                Err(Unreadable::Corrupt(what)) => return (into, Some(what)),
                Err(Unreadable::Io(error)) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn plain_and_gzip_of_many_members_read_alike() {
        let text = noise(300_000);
        let (first, second) = text.split_at(100_000);
        let members = [gzip(first), gzip(b""), gzip(second)].concat();
        for want in [1000, 1 << 20] {
            assert!(read(&text, want) == (text.clone(), None));
            assert!(read(&members, want) == (text.clone(), None));
        }
        for short in [&b""[..], b"\x1f", b"a"] {
            assert_eq!(read(short, 10), (short.to_vec(), None));
        }
    }

    #[test]
    fn all_bytes_before_a_break_are_given() {
        let text = noise(300_000);
        let whole = gzip(&text);
        let (got, what) = read(&whole[..whole.len() / 2], 1 << 20);
        assert!(text.starts_with(&got) && got.len() > 130_000, "{}", got.len());
        assert_eq!(what.as_deref(), Some("found the end of the file inside a gzip stream"));
        // The last byte is part of the length in the trailer.
        let (got, what) = read(&whole[..whole.len() - 1], 1 << 20);
        assert!(got == text && what.is_some());

        let mut damaged = [whole.clone(), b"\x1f\x8bgarbage".to_vec()].concat();
        let (got, what) = read(&damaged, 1 << 20);
        assert!(got == text && what.is_some_and(|what| what.contains("damaged")));
        damaged.truncate(whole.len());
        damaged[whole.len() / 2..].fill(0xff);
        for want in [1000, 1 << 20] {
            let (got, what) = read(&damaged, want);
            assert!(got.len() > 100_000 && what.is_some(), "{} {what:?}", got.len());
        }
    }
}
