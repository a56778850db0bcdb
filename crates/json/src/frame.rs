//! Cutting files and streams into single events.
//!
//! Three layouts are understood, in any order within one stream: `{"Records":[...]}` as CloudTrail delivers it, a bare
//! array, and values one after another (NDJSON, or pretty-printed). Cutting looks at brackets and strings only: a
//! value that is whole but malformed is handed on, for the decoder to refuse by itself.

use std::ops::Range;

use crate::scan::string_stop;

/// Largest value that is cut out whole, in bytes; longer ones come as broken pieces.
pub const MAX_VALUE: usize = 64 << 20;

/// What the next bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A whole value, by its byte range in the buffer.
    Value(Range<usize>),
    /// Bytes that hold no whole value; reading goes on behind them.
    Broken {
        /// The bytes, by their range in the buffer.
        range: Range<usize>,
        /// What was found and what was wanted.
        what: &'static str,
    },
    /// More bytes are needed; those before the framer's place may be dropped.
    More,
    /// The stream is over and all of it was handed out.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Between top-level values.
    Top,
    /// Inside an array; `records` if an object with the key `Records` is around it.
    Array { records: bool },
    /// Behind the array of `{"Records":[...]`, before the closing brace.
    Tail,
    /// Inside a list that is broken: cutting goes on at the next line that opens an object.
    Lost { records: bool },
}

/// Where a stream stands. Give it the same bytes again and it cuts them the same way.
#[derive(Debug, Clone)]
pub struct Framer {
    place: Place,
    /// A value over several lines was tried and failed, so each line stands for itself.
    lines_only: bool,
    at: usize,
}

impl Default for Framer {
    fn default() -> Self {
        Self { place: Place::Top, lines_only: false, at: 0 }
    }
}

impl Framer {
    /// A framer at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Index in the buffer up to which everything has been handed out.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Tells the framer that the first `bytes` of the buffer were dropped.
    pub fn dropped(&mut self, bytes: usize) {
        self.at -= bytes;
    }

    /// The next step over `buffer`; `last` when no more bytes will come.
    pub fn step(&mut self, buffer: &[u8], last: bool) -> Step {
        loop {
            self.skip_space(buffer);
            let Some(&byte) = buffer.get(self.at) else {
                return match self.place {
                    _ if !last => Step::More,
                    Place::Top | Place::Lost { .. } => Step::End,
                    Place::Array { .. } | Place::Tail => {
                        self.place = Place::Lost { records: false };
                        Step::Broken {
                            range: self.at..self.at,
                            what: "found the end of the file inside a list of records, wanted a closing bracket",
                        }
                    }
                };
            };
            match (self.place, byte) {
                (Place::Top, b'[') => {
                    self.at += 1;
                    self.place = Place::Array { records: false };
                }
                (Place::Top, _) => match records_start(&buffer[self.at..]) {
                    Start::Records(inside) => {
                        self.at += inside;
                        self.place = Place::Array { records: true };
                    }
                    Start::Unclear if !last => return Step::More,
                    Start::Unclear | Start::Other => return self.top_value(buffer, last),
                },
                (Place::Array { .. } | Place::Tail, b',') => self.at += 1,
                (Place::Array { records }, b']') => {
                    self.at += 1;
                    self.place = if records { Place::Tail } else { Place::Top };
                }
                (Place::Array { records }, b'{') => return self.element(buffer, last, records),
                (Place::Tail, b'}') => {
                    self.at += 1;
                    self.place = Place::Top;
                }
                (Place::Array { records }, _) => self.place = Place::Lost { records },
                (Place::Tail, _) => self.place = Place::Lost { records: false },
                (Place::Lost { records }, _) => {
                    let end = buffer.len().min(self.at + MAX_VALUE);
                    let next = memchr::memmem::find(&buffer[self.at..end], b"\n{").map(|line| self.at + line + 1);
                    if next.is_none() && !last && end - self.at < MAX_VALUE {
                        return Step::More;
                    }
                    if next.is_some() {
                        self.place = if records { Place::Array { records } } else { Place::Top };
                    }
                    return self.broken(self.at..next.unwrap_or(end), "found bytes that are no record, wanted `{`");
                }
            }
        }
    }

    fn skip_space(&mut self, buffer: &[u8]) {
        let mark = self.at == 0 && buffer.starts_with(b"\xEF\xBB\xBF");
        self.at += if mark { 3 } else { 0 };
        while buffer.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn element(&mut self, buffer: &[u8], last: bool, records: bool) -> Step {
        let start = self.at;
        let rest = &buffer[start..];
        match balanced(rest) {
            // A list that nobody called one may be a damaged line.
            Some(length) if records || next_line(&rest[..length]).is_none() => {
                return self.value(start..start + length);
            }
            None if records && !last && rest.len() < MAX_VALUE => return Step::More,
            _ => {}
        }
        match next_line(rest) {
            Some(next) => match balanced(&rest[..next]) {
                Some(length) => self.value(start..start + length),
                None => self.broken(start..start + next, "found a record without its end"),
            },
            None if !last && rest.len() < MAX_VALUE => Step::More,
            None => {
                self.place = Place::Lost { records };
                self.broken(start..buffer.len(), "found the end of the file inside a record")
            }
        }
    }

    fn top_value(&mut self, buffer: &[u8], last: bool) -> Step {
        let start = self.at;
        let rest = &buffer[start..];
        let line = memchr::memchr(b'\n', rest);
        let Some(line) = line.or(last.then_some(rest.len())) else {
            return if rest.len() < MAX_VALUE { Step::More } else { self.broken(start..buffer.len(), TOO_LONG) };
        };
        let text = rest[..line].trim_ascii_end();
        if rest[0] == b'{' && (self.lines_only || text.ends_with(b"}")) {
            return self.value(start..start + text.len());
        }
        if rest[0] == b'{' {
            let next = next_line(rest);
            match balanced(&rest[..next.unwrap_or(rest.len())]) {
                Some(length) => return self.value(start..start + length),
                None if next.is_none() && !last && rest.len() < MAX_VALUE => return Step::More,
                None if next.is_none() => self.lines_only = true,
                None => {}
            }
        }
        // Read on behind the broken part: the next line that opens an object at its first column.
        let next = memchr::memmem::find(rest, b"\n{").map_or(rest.len(), |line| line + 1);
        if next == rest.len() && !last && rest.len() < MAX_VALUE {
            return Step::More;
        }
        self.broken(start..start + next, "found bytes that hold no whole JSON value")
    }

    fn value(&mut self, range: Range<usize>) -> Step {
        self.at = range.end;
        Step::Value(range)
    }

    fn broken(&mut self, range: Range<usize>, what: &'static str) -> Step {
        self.at = range.end;
        Step::Broken { range, what }
    }
}

const TOO_LONG: &str = "found a line of more than 64 MiB";

enum Start {
    /// `{"Records":[`, with the index behind the bracket.
    Records(usize),
    Other,
    /// Too few bytes to tell.
    Unclear,
}

/// Whether `text` opens a `{"Records":[`.
fn records_start(text: &[u8]) -> Start {
    let mut at = 0;
    for part in [&b"{"[..], b"\"Records\"", b":", b"["] {
        while text.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        for &wanted in part {
            match text.get(at) {
                Some(&found) if found == wanted => at += 1,
                Some(_) => return Start::Other,
                None => return Start::Unclear,
            }
        }
    }
    Start::Records(at)
}

/// Where in `text`, which opens an object, a later line opens another at its first column: the object must have ended
/// before. Only an object whose first line is its bracket alone may be laid out so that this is no sign, unless the very
/// next line does so: members begin with a quote.
fn next_line(text: &[u8]) -> Option<usize> {
    let line = memchr::memchr(b'\n', text)?;
    if text[..line].trim_ascii_end() == b"{" && !text[line..].starts_with(b"\n{") {
        return None;
    }
    memchr::memmem::find(&text[line..], b"\n{").map(|next| line + next + 1)
}

/// Length of the object that `text` starts with, by its brackets; `None` if it does not end in `text`.
fn balanced(text: &[u8]) -> Option<usize> {
    let (mut depth, mut at) = (0usize, 0);
    loop {
        at += memchr::memchr3(b'"', b'{', b'}', text.get(at..)?)?;
        match text[at] {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {
                at += 1;
                loop {
                    at = string_stop(text, at);
                    match text.get(at)? {
                        b'"' => break,
                        b'\\' => at += 2,
                        // A line can't end inside a string: the quote is missing.
                        b'\n' => return None,
                        _ => at += 1,
                    }
                }
            }
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{Framer, Step};

    fn cut(text: &str) -> (Vec<String>, Vec<String>) {
        cut_in_pieces(text, usize::MAX)
    }

    /// Feeds `text` in pieces of `size` bytes, dropping what was handed out, as a source does.
    fn cut_in_pieces(text: &str, size: usize) -> (Vec<String>, Vec<String>) {
        let (mut framer, mut buffer, mut fed) = (Framer::new(), Vec::new(), 0);
        let (mut values, mut broken) = (Vec::new(), Vec::new());
        loop {
            match framer.step(&buffer, fed == text.len()) {
                Step::Value(range) => values.push(String::from_utf8_lossy(&buffer[range]).into_owned()),
                Step::Broken { range, .. } => broken.push(String::from_utf8_lossy(&buffer[range]).into_owned()),
                Step::End => return (values, broken),
                Step::More => {
                    let drop = framer.at();
                    buffer.drain(..drop);
                    framer.dropped(drop);
                    let next = text.len().min(fed.saturating_add(size));
                    assert!(next > fed, "asked for more than there is");
                    buffer.extend_from_slice(&text.as_bytes()[fed..next]);
                    fed = next;
                }
            }
        }
    }

    #[test]
    fn every_layout_gives_the_same_values() {
        let wanted = vec![r#"{"a":"}\"{"}"#.to_owned(), r#"{"b":[{}]}"#.to_owned()];
        for text in [
            "{\"a\":\"}\\\"{\"}\n{\"b\":[{}]}\n",
            "{\"Records\":[{\"a\":\"}\\\"{\"},{\"b\":[{}]}]}",
            "\u{feff} { \"Records\" : [ {\"a\":\"}\\\"{\"} , {\"b\":[{}]} ] } \n",
            "[{\"a\":\"}\\\"{\"},\n{\"b\":[{}]}]",
            "{\"Records\":[{\"a\":\"}\\\"{\"}]}\n{\"Records\":[{\"b\":[{}]}]}",
        ] {
            for size in [1, 2, 3, 7, usize::MAX] {
                assert_eq!(cut_in_pieces(text, size), (wanted.clone(), vec![]), "{text} by {size}");
            }
        }
    }

    #[test]
    fn a_pretty_printed_value_is_one() {
        let (values, broken) = cut("{\n  \"a\": {\n \"b\": 1 }\n}\n{\n\"c\":2\n}");
        assert_eq!((values.len(), broken.len()), (2, 0));
    }

    #[test]
    fn a_broken_line_costs_itself_only() {
        for bad in ["{\"a\":", "{\"a\":\"x", "hello", "{\"a\":[1,", "}"] {
            let text = format!("{{\"n\":1}}\n{bad}\n{{\"n\":2}}\n{{\"n\":3}}\n");
            for size in [1, 5, usize::MAX] {
                let (values, broken) = cut_in_pieces(&text, size);
                assert_eq!(values, ["{\"n\":1}", "{\"n\":2}", "{\"n\":3}"], "{bad} by {size}");
                assert_eq!(broken.len(), 1, "{bad} by {size}");
            }
        }
    }

    #[test]
    fn a_broken_line_that_looks_like_another_layout_costs_itself_only() {
        let lines = "{\"n\":1}\n{\"n\":2}\n{\"n\":3}}\n{\"n\":4}\n";
        for bad in
            ["[1]", "[\"a\":1}", "{\"Records\":[{\"a\":1}],\"x\":1}", "{\"a\":{\"b\":1", "[{\"a\":1", "{\"a\":1}{"]
        {
            for size in [1, 5, usize::MAX] {
                let (values, broken) = cut_in_pieces(&format!("{bad}\n{lines}"), size);
                let all = ["{\"n\":1}", "{\"n\":2}", "{\"n\":4}"].iter().all(|n| values.iter().any(|v| v == n));
                assert!(all, "{bad} by {size}: {values:?} {broken:?}");
            }
        }
        for text in ["{\"Records\":[{\"n\":1},oops\n{\"n\":2}]}", "[\n{\"n\":1},\n{\"n\":,\n\n{\"n\":2}\n]"] {
            for size in [1, 5, usize::MAX] {
                let (values, broken) = cut_in_pieces(text, size);
                assert_eq!((values, broken.len()), (vec!["{\"n\":1}".to_owned(), "{\"n\":2}".to_owned()], 1), "{text}");
            }
        }
    }

    #[test]
    fn a_cut_log_file_keeps_what_came_before() {
        let (values, broken) = cut("{\"Records\":[{\"n\":1},{\"n\":2},{\"n\"");
        assert_eq!(values, ["{\"n\":1}", "{\"n\":2}"]);
        assert_eq!(broken, ["{\"n\""]);
        let (values, broken) = cut("{\"Records\":[{\"n\":1},{\"n\":2}");
        assert_eq!((values.len(), broken), (2, vec![String::new()]));
    }

    #[test]
    fn nothing_gives_nothing() {
        assert_eq!(cut(""), (vec![], vec![]));
        assert_eq!(cut(" \n\n"), (vec![], vec![]));
        assert_eq!(cut("{\"Records\":[]}"), (vec![], vec![]));
    }

    #[test]
    fn no_byte_is_passed_over() {
        let text = "{\"n\":1}\nnoise\n{\"n\":2}\n[{\"n\":3},oops]";
        let (values, broken) = cut(text);
        let handed: usize = values.iter().chain(&broken).map(String::len).sum();
        let marks = text.bytes().filter(|b| !b.is_ascii_whitespace()).count();
        let kept = values.iter().chain(&broken).flat_map(|v| v.bytes()).filter(|b| !b.is_ascii_whitespace()).count();
        assert!(handed > 0);
        // Only the opening bracket and the comma of the list are not handed out.
        assert_eq!(marks - kept, 2, "{values:?} {broken:?}");
    }
}
