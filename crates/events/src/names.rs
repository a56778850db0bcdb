//! What an event's names and ids tell: the action without its API version, the verb, the id's 128 bits.

use std::borrow::Cow;

use sha2::{Digest, Sha256};
use tagwarden_core::{Event, EventKind, Text};

/// The first 128 bits of the SHA-256.
pub(crate) fn sha_key(bytes: &[u8]) -> u128 {
    let digest = Sha256::digest(bytes);
    digest.iter().take(16).fold(0, |key, byte| key << 8 | u128::from(*byte))
}

/// The 128 bits of a UUID in its usual form. Upper case is another id: two spellings must not become one event.
pub(crate) fn uuid_key(id: &str) -> Option<u128> {
    let id: &[u8; 36] = id.as_bytes().try_into().ok()?;
    if [id[8], id[13], id[18], id[23]] != *b"----" {
        return None;
    }
    let mut digits = [0; 32];
    for (to, from) in [(0, 0), (8, 9), (12, 14), (16, 19)] {
        let length = if from == 0 { 8 } else { 4 };
        digits[to..to + length].copy_from_slice(&id[from..from + length]);
    }
    digits[20..].copy_from_slice(&id[24..]);
    let (words, _) = digits.as_chunks::<8>();
    words.iter().try_fold(0, |key, word| Some(key << 32 | u128::from(hex_word(*word)?)))
}

/// The value of eight hex digits in lower case, all at once.
fn hex_word(digits: [u8; 8]) -> Option<u32> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let text = u64::from_be_bytes(digits);
    // The low half of a letter counts from 1, and only letters have the bit of 64.
    let values = (text & (ONES * 15)) + ((text >> 6) & (ONES * 3)) * 9;
    let letters = ((values + ONES * (128 - 10)) >> 7) & ONES;
    // What is no digit does not come back as it was, or is too large.
    if values & (ONES * 0xF0) != 0 || values + ONES * u64::from(b'0') + letters * 39 != text {
        return None;
    }
    let pairs = (values | values >> 4) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs | pairs >> 8) & 0x0000_FFFF_0000_FFFF;
    u32::try_from((fours | fours >> 16) & 0xFFFF_FFFF).ok()
}

/// `eventName` without a trailing API version, as Lambda and CloudFront write it (`TagResource20170331v2`,
/// `CreateDistribution2020_05_31`).
pub(crate) fn action<'a>(name: &Text<'a>) -> Text<'a> {
    let bytes = name.as_bytes();
    if !bytes.last().is_some_and(u8::is_ascii_digit) {
        return name.clone();
    }
    let mut end = bytes.len();
    let digits = bytes.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    if digits < 3 && bytes.get(end.wrapping_sub(digits + 1)) == Some(&b'v') {
        end -= digits + 1;
    }
    let date = |text: &[u8]| {
        text.iter().rev().take(8).filter(|b| b.is_ascii_digit()).count() == 8
            && text[text.len() - 8..].starts_with(b"20")
    };
    let dashed = |text: &[u8]| {
        let tail = text.len().checked_sub(10).map(|at| &text[at..]);
        tail.is_some_and(|t| t.starts_with(b"20") && t[4] == b'_' && t[7] == b'_')
    };
    let cut = if end >= 8 && date(&bytes[..end]) {
        end - 8
    } else if dashed(&bytes[..end]) {
        end - 10
    } else {
        return name.clone();
    };
    match name {
        Cow::Borrowed(name) => Cow::Borrowed(&name[..cut]),
        Cow::Owned(name) => Cow::Owned(name[..cut].to_owned()),
    }
}

/// Whether the verb of an action that lacks `readOnly` says that it reads.
pub(crate) fn reads(action: &str) -> bool {
    const VERBS: [&str; 14] = [
        "Get", "List", "Describe", "Head", "Lookup", "Search", "BatchGet", "Check", "Query", "Scan", "Select",
        "Preview", "Validate", "Estimate",
    ];
    VERBS.iter().any(|verb| {
        action
            .strip_prefix(verb)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_uppercase()))
    })
}

/// Whether an event tells who is behind a session: `AssumeRole*`, `GetSessionToken`, `GetFederationToken`, sign-ins.
/// Such events always feed the session map, though CloudTrail calls most of them reads.
pub fn feeds_sessions(event: &Event<'_>) -> bool {
    if event.kind == EventKind::ConsoleSignIn {
        return true;
    }
    match event.source.as_ref() {
        "sts.amazonaws.com" => {
            event.action.starts_with("AssumeRole")
                || matches!(event.action.as_ref(), "GetSessionToken" | "GetFederationToken")
        }
        "signin.amazonaws.com" => true,
        _ => false,
    }
}
