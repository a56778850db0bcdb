//! A history as the state keeps it: numbers in as few bytes as they need, each text once.
//!
//! A first byte says which form follows; `{` is the JSON of earlier versions, which is still read.

use std::sync::Arc;

use super::{Entry, Fact, History, Recent};

/// The form that is written.
const FORM: u8 = 1;

/// Texts among which one is looked for again before it is written once more.
const LOOKED_AT: usize = 32;

impl History {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut texts: Vec<&Arc<str>> = Vec::new();
        let mut body = Vec::with_capacity(16 + 8 * self.entries.len() + 48 * self.recent.len());
        number(&mut body, self.next.into());
        for time in [self.floor, self.gone] {
            body.push(u8::from(time.is_some()));
            number(&mut body, time.map_or(0, signless));
        }
        number(&mut body, self.entries.len() as u64);
        let mut before = 0;
        for Entry(time, version, fact) in &self.entries {
            number(&mut body, signless(time.wrapping_sub(before)));
            before = *time;
            number(&mut body, (*version).into());
            let (kind, key, value) = match fact {
                Fact::Set(key, value) => (0, Some(key), Some(value)),
                Fact::Gone(key) => (1, Some(key), None),
                Fact::GoneIf(key, value) => (2, Some(key), Some(value)),
                Fact::Hidden(key) => (3, Some(key), None),
                Fact::Full => (4, None, None),
                Fact::Doubt => (5, None, None),
            };
            body.push(kind);
            for text in key.into_iter().chain(value) {
                let known = texts.iter().rev().take(LOOKED_AT).position(|known| *known == text);
                let at = known.map_or(texts.len(), |back| texts.len() - 1 - back);
                if known.is_none() {
                    texts.push(text);
                }
                number(&mut body, at as u64);
            }
        }
        number(&mut body, self.recent.len() as u64);
        for Recent(time, version, id) in &self.recent {
            number(&mut body, signless(time.wrapping_sub(before)));
            before = *time;
            number(&mut body, (*version).into());
            string(&mut body, id);
        }
        let mut out = Vec::with_capacity(2 + body.len() + texts.iter().map(|text| text.len() + 2).sum::<usize>());
        out.push(FORM);
        number(&mut out, texts.len() as u64);
        for text in texts {
            string(&mut out, text);
        }
        out.extend_from_slice(&body);
        out
    }

    /// What [`encode`](Self::encode) wrote, here or in an earlier version.
    pub(crate) fn decode(bytes: &[u8], intern: &mut impl FnMut(&str) -> Arc<str>) -> Result<Self, String> {
        if bytes.first() == Some(&b'{') {
            let mut history: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
            history.intern(intern);
            return Ok(history);
        }
        read(bytes, intern).ok_or_else(|| "found other bytes, wanted a history of tags".to_owned())
    }
}

fn read(bytes: &[u8], intern: &mut impl FnMut(&str) -> Arc<str>) -> Option<History> {
    let mut from = bytes.strip_prefix(&[FORM])?;
    let from = &mut from;
    let texts: Vec<Arc<str>> =
        (0..take_number(from)?).map(|_| take_string(from).map(&mut *intern)).collect::<Option<_>>()?;
    let next = take_number(from)?.try_into().ok()?;
    let [floor, gone] = [take_time(from)?, take_time(from)?].map(|(there, time)| there.then_some(time));
    let mut history = History { next, floor, gone, ..History::default() };
    let mut before = 0i64;
    for _ in 0..take_number(from)? {
        before = before.wrapping_add(signed(take_number(from)?));
        let version = take_number(from)?.try_into().ok()?;
        let (kind, rest) = from.split_first()?;
        *from = rest;
        let mut text = || texts.get(usize::try_from(take_number(from)?).ok()?).cloned();
        let fact = match kind {
            0 => Fact::Set(text()?, text()?),
            1 => Fact::Gone(text()?),
            2 => Fact::GoneIf(text()?, text()?),
            3 => Fact::Hidden(text()?),
            4 => Fact::Full,
            5 => Fact::Doubt,
            _ => return None,
        };
        history.entries.push(Entry(before, version, fact));
    }
    for _ in 0..take_number(from)? {
        before = before.wrapping_add(signed(take_number(from)?));
        let version = take_number(from)?.try_into().ok()?;
        history.recent.push(Recent(before, version, take_string(from)?.into()));
    }
    from.is_empty().then_some(history)
}

/// Seven bits a byte, the lowest first.
fn number(out: &mut Vec<u8>, mut number: u64) {
    while let Some(low) = u8::try_from(number & 0x7f).ok().filter(|_| number > 0x7f) {
        out.push(low | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or(0));
}

/// Numbers near zero stay small, whatever their sign.
fn signless(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

fn signed(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

fn string(out: &mut Vec<u8>, text: &str) {
    number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn take_number(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// A flag, and the time that counts only if it is set.
fn take_time(from: &mut &[u8]) -> Option<(bool, i64)> {
    let (there, rest) = from.split_first()?;
    *from = rest;
    Some((*there == 1, signed(take_number(from)?)))
}

fn take_string<'a>(from: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::try_from(take_number(from)?).ok()?;
    let (text, rest) = from.split_at_checked(length)?;
    *from = rest;
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::{Entry, Fact, History, Recent};

    fn text() -> impl Strategy<Value = Arc<str>> {
        "[a-cé]{0,2}".prop_map(|text: String| text.into())
    }

    fn fact() -> impl Strategy<Value = Fact> {
        prop_oneof![
            (text(), text()).prop_map(|(key, value)| Fact::Set(key, value)),
            text().prop_map(Fact::Gone),
            (text(), text()).prop_map(|(key, value)| Fact::GoneIf(key, value)),
            text().prop_map(Fact::Hidden),
            Just(Fact::Full),
            Just(Fact::Doubt),
        ]
    }

    fn history() -> impl Strategy<Value = History> {
        let entries = prop::collection::vec((any::<i64>(), any::<u32>(), fact()), 0..60);
        let recent = prop::collection::vec((any::<i64>(), any::<u32>(), "[a-z.0-9]{0,40}"), 0..4);
        (entries, recent, any::<u32>(), any::<Option<i64>>(), any::<Option<i64>>()).prop_map(
            |(entries, recent, next, floor, gone)| History {
                entries: entries.into_iter().map(|(time, version, fact)| Entry(time, version, fact)).collect(),
                recent: recent.into_iter().map(|(time, version, id)| Recent(time, version, id.into())).collect(),
                next,
                floor,
                gone,
                settled: 0,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_in_the_old_form_too(history in history(), cut in any::<prop::sample::Index>()) {
            let mut intern = |text: &str| text.into();
            let stored = history.encode();
            prop_assert_eq!(History::decode(&stored, &mut intern), Ok(history.clone()));
            let json = serde_json::to_vec(&history).expect("json");
            prop_assert_eq!(History::decode(&json, &mut intern), Ok(history));
            let part = stored.get(..cut.index(stored.len())).expect("inside");
            prop_assert!(History::decode(part, &mut intern).is_err());
        }
    }
}
