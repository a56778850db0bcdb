//! The scanner: one pass over the bytes, one entry per value.

use crate::{Entry, Error, Kind, MAX_DEPTH};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Bytes of `word` that end a run of plain string bytes (quote, backslash, control), marked by their high bit.
///
/// The lowest mark is exact; higher ones may be false, which is all that `trailing_zeros` needs.
#[inline]
fn stops(word: u64) -> u64 {
    let quote = word ^ (ONES * u64::from(b'"'));
    let back = word ^ (ONES * u64::from(b'\\'));
    let zero = |w: u64| w.wrapping_sub(ONES) & !w;
    (zero(quote) | zero(back) | (word.wrapping_sub(ONES * 0x20) & !word)) & HIGHS
}

/// Index of the first byte at or after `at` that is a quote, a backslash or a control byte; `text.len()` if none.
#[inline]
pub(crate) fn string_stop(text: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = text.get(at..at + 8) {
        let mut word = [0u8; 8];
        word.copy_from_slice(chunk);
        let marks = stops(u64::from_le_bytes(word));
        if marks != 0 {
            return at + (marks.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while at < text.len() && text[at] != b'"' && text[at] != b'\\' && text[at] >= 0x20 {
        at += 1;
    }
    at
}

#[inline]
fn skip_space(text: &[u8], mut at: usize) -> usize {
    while at < text.len() && matches!(text[at], b' ' | b'\n' | b'\t' | b'\r') {
        at += 1;
    }
    at
}

fn fail<T>(at: usize, what: &'static str) -> Result<T, Error> {
    Err(Error { at, what })
}

/// Reads the string whose opening quote is at `at - 1`; gives the closing quote's index and whether it has escapes.
#[inline]
fn string(text: &[u8], mut at: usize) -> Result<(usize, bool), Error> {
    let mut escaped = false;
    loop {
        at = string_stop(text, at);
        match text.get(at) {
            Some(b'"') => return Ok((at, escaped)),
            Some(b'\\') => {
                escaped = true;
                match text.get(at + 1) {
                    Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => at += 2,
                    Some(b'u') => {
                        let hex = text.get(at + 2..at + 6);
                        if !hex.is_some_and(|h| h.iter().all(u8::is_ascii_hexdigit)) {
                            return fail(at, "found a bad \\u escape, wanted four hex digits");
                        }
                        at += 6;
                    }
                    _ => return fail(at, "found an unknown escape in a string"),
                }
            }
            Some(_) => return fail(at, "found a control character in a string, wanted an escape"),
            None => return fail(at, "found the end of the text in a string, wanted a quote"),
        }
    }
}

fn number(text: &[u8], start: usize) -> Result<usize, Error> {
    let digits = |mut at: usize| {
        while text.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let mut at = start + usize::from(text[start] == b'-');
    let whole = at;
    at = digits(at);
    if at == whole || (text[whole] == b'0' && at > whole + 1) {
        return fail(start, "found a malformed number");
    }
    if text.get(at) == Some(&b'.') {
        let fraction = at + 1;
        at = digits(fraction);
        if at == fraction {
            return fail(start, "found a malformed number");
        }
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        let sign = at + 1;
        let exponent = sign + usize::from(matches!(text.get(sign), Some(b'+' | b'-')));
        at = digits(exponent);
        if at == exponent {
            return fail(start, "found a malformed number");
        }
    }
    Ok(at)
}

/// Fills `entries` with the value in `text`; `open` is scratch for the containers not yet closed.
#[expect(clippy::cast_possible_truncation, reason = "the length is checked against u32 first")]
pub(crate) fn fill(text: &[u8], entries: &mut Vec<Entry>, open: &mut Vec<u32>) -> Result<(), Error> {
    entries.clear();
    open.clear();
    if text.len() >= u32::MAX as usize {
        return fail(0, "found 4 GiB or more of text, wanted less");
    }
    let mut at = skip_space(text, 0);
    loop {
        // A value starts at `at`.
        let here = entries.len() as u32;
        let leaf = |kind, escaped, start: usize, end: usize| Entry {
            kind,
            escaped,
            start: start as u32,
            end: end as u32,
            next: here + 1,
        };
        match text.get(at) {
            Some(b'"') => {
                let (end, escaped) = string(text, at + 1)?;
                entries.push(leaf(Kind::String, escaped, at + 1, end));
                at = end + 1;
            }
            Some(&bracket @ (b'{' | b'[')) => {
                if open.len() == MAX_DEPTH {
                    return fail(at, "found more than 128 levels of nesting");
                }
                let kind = if bracket == b'{' { Kind::Object } else { Kind::Array };
                entries.push(leaf(kind, false, at, at));
                at = skip_space(text, at + 1);
                let close = if bracket == b'{' { b'}' } else { b']' };
                if text.get(at) == Some(&close) {
                    at += 1;
                    entries[here as usize].end = at as u32;
                } else {
                    open.push(here);
                    if bracket == b'{' {
                        at = key(text, at, entries)?;
                    }
                    continue;
                }
            }
            Some(b'-' | b'0'..=b'9') => {
                let end = number(text, at)?;
                entries.push(leaf(Kind::Number, false, at, end));
                at = end;
            }
            Some(b't') if text[at..].starts_with(b"true") => {
                entries.push(leaf(Kind::Bool, false, at, at + 4));
                at += 4;
            }
            Some(b'f') if text[at..].starts_with(b"false") => {
                entries.push(leaf(Kind::Bool, false, at, at + 5));
                at += 5;
            }
            Some(b'n') if text[at..].starts_with(b"null") => {
                entries.push(leaf(Kind::Null, false, at, at + 4));
                at += 4;
            }
            Some(_) => return fail(at, "found no JSON value"),
            None => return fail(at, "found the end of the text, wanted a JSON value"),
        }
        // A value ended before `at`: close what closes, or move to the next member.
        loop {
            at = skip_space(text, at);
            let Some(&top) = open.last() else {
                return if at == text.len() { Ok(()) } else { fail(at, "found more text after the JSON value") };
            };
            let object = entries[top as usize].kind == Kind::Object;
            match text.get(at) {
                Some(b',') => {
                    at = skip_space(text, at + 1);
                    if object {
                        at = key(text, at, entries)?;
                    }
                    break;
                }
                Some(b'}') if object => {}
                Some(b']') if !object => {}
                Some(_) => return fail(at, "found neither a comma nor the closing bracket"),
                None => return fail(at, "found the end of the text, wanted a closing bracket"),
            }
            at += 1;
            open.pop();
            let next = entries.len() as u32;
            let entry = &mut entries[top as usize];
            entry.end = at as u32;
            entry.next = next;
            if open.last().is_some_and(|&outer| entries[outer as usize].kind == Kind::Object) {
                entries[top as usize - 1].next = next;
            }
        }
    }
}

/// Reads a member's key and colon; gives the index where its value starts.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the length is checked against u32 first")]
fn key(text: &[u8], at: usize, entries: &mut Vec<Entry>) -> Result<usize, Error> {
    if text.get(at) != Some(&b'"') {
        return fail(at, "found no key, wanted a quoted name");
    }
    let (end, escaped) = string(text, at + 1)?;
    // Behind a value without others inside; one with others says so at its end.
    let next = entries.len() as u32 + 2;
    entries.push(Entry { kind: Kind::String, escaped, start: at as u32 + 1, end: end as u32, next });
    let colon = skip_space(text, end + 1);
    if text.get(colon) != Some(&b':') {
        return fail(colon, "found no colon after a key");
    }
    Ok(skip_space(text, colon + 1))
}
