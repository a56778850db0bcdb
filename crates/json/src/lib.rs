//! A borrowed JSON document: parsed once into a flat tape, read by path, nothing copied.
//!
//! [`Tape::parse`] checks the whole text (grammar, escapes, depth) and records one small node per value, so a
//! [`Node`] can be walked without parsing again. Where a key is given twice the last one counts, as in the readers
//! that our users run over the same bytes. [`frame`] cuts files and streams into single events.

pub mod frame;
mod node;
mod scan;

pub use node::{Kind, Node};

/// Deepest nesting that is accepted, in levels.
pub const MAX_DEPTH: usize = 128;

/// Why a text is not a JSON document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Byte at which reading stopped, from the start of the text.
    pub at: usize,
    /// What was found there and what was wanted.
    pub what: &'static str,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at byte {}", self.what, self.at)
    }
}

impl std::error::Error for Error {}

/// One value: where its text lies and where the next sibling's node is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    /// For strings: an escape occurs inside.
    pub(crate) escaped: bool,
    /// First byte of the value; for strings the byte after the quote.
    pub(crate) start: u32,
    /// Byte after the value; for strings the closing quote.
    pub(crate) end: u32,
    /// Index of the entry after this value and all it holds; of a member's name the next name's.
    pub(crate) next: u32,
}

/// Reusable storage for parsed documents; one allocation serves a whole stream.
#[derive(Debug, Default)]
pub struct Tape {
    entries: Vec<Entry>,
    open: Vec<u32>,
}

impl Tape {
    /// An empty tape.
    pub fn new() -> Self {
        Self::default()
    }

    /// Parses one JSON value, with nothing but white space around it.
    ///
    /// # Errors
    /// The first place where the text departs from RFC 8259, nests deeper than [`MAX_DEPTH`] or is 4 GiB or longer.
    pub fn parse<'a>(&'a mut self, text: &'a str) -> Result<Node<'a>, Error> {
        scan::fill(text.as_bytes(), &mut self.entries, &mut self.open)?;
        Ok(Node::root(text, &self.entries))
    }
}
