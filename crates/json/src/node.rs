//! Reading a parsed document.

use std::borrow::Cow;

use crate::Entry;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number, kept as text.
    Number,
    /// A string.
    String,
    /// `[...]`
    Array,
    /// `{...}`
    Object,
}

/// One value of a parsed document; two words and an index, free to copy.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    text: &'a str,
    entries: &'a [Entry],
    index: u32,
}

impl std::fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.raw())
    }
}

impl<'a> Node<'a> {
    pub(crate) fn root(text: &'a str, entries: &'a [Entry]) -> Self {
        Self { text, entries, index: 0 }
    }

    #[inline]
    fn entry(&self) -> Entry {
        self.entries[self.index as usize]
    }

    /// What the value is.
    #[inline]
    pub fn kind(&self) -> Kind {
        self.entry().kind
    }

    /// The value's own text as received; strings without their quotes, escapes still in place.
    #[inline]
    pub fn raw(&self) -> &'a str {
        let entry = self.entry();
        &self.text[entry.start as usize..entry.end as usize]
    }

    /// The value's own JSON text; strings with their quotes.
    pub fn json(&self) -> &'a str {
        let entry = self.entry();
        let quote = usize::from(entry.kind == Kind::String);
        &self.text[entry.start as usize - quote..entry.end as usize + quote]
    }

    /// The text of a string, unescaped; `None` for every other kind.
    #[inline]
    pub fn str(&self) -> Option<Cow<'a, str>> {
        let entry = self.entry();
        (entry.kind == Kind::String).then(|| {
            let raw = &self.text[entry.start as usize..entry.end as usize];
            if entry.escaped { Cow::Owned(unescape(raw)) } else { Cow::Borrowed(raw) }
        })
    }

    /// A string, number or bool as text; `None` for null and containers.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        match self.kind() {
            Kind::String => self.str(),
            Kind::Number | Kind::Bool => Some(Cow::Borrowed(self.raw())),
            Kind::Null | Kind::Array | Kind::Object => None,
        }
    }

    /// The value of a bool.
    #[inline]
    pub fn bool(&self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.raw() == "true")
    }

    /// The value of a whole number that fits.
    pub fn i64(&self) -> Option<i64> {
        if self.kind() == Kind::Number { self.raw().parse().ok() } else { None }
    }

    /// The value of a number.
    pub fn f64(&self) -> Option<f64> {
        if self.kind() == Kind::Number { self.raw().parse().ok() } else { None }
    }

    /// Whether the value is `null`.
    pub fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    /// The member `name` of an object, the last one if it is given twice; `None` for every other kind.
    pub fn get(&self, name: &str) -> Option<Node<'a>> {
        let [found] = self.get_each([name]);
        found
    }

    /// As [`Self::get`], for several names in one walk.
    pub fn get_each<const N: usize>(&self, names: [&str; N]) -> [Option<Node<'a>>; N] {
        let mut found = [None; N];
        let entry = self.entry();
        let inside = if entry.kind == Kind::Object { entry.next } else { 0 };
        let mut index = self.index + 1;
        while let Some(key) = self.entries.get(index as usize).filter(|_| index < inside) {
            for (name, found) in names.iter().zip(&mut found) {
                // The length tells most names apart before any text is touched.
                if ((key.end - key.start) as usize == name.len() || key.escaped)
                    && Key(Node { index, ..*self }).is(name)
                {
                    *found = Some(Node { index: index + 1, ..*self });
                }
            }
            index = key.next;
        }
        found
    }

    /// The value at `path`, each step a member's name.
    pub fn at(&self, path: &[&str]) -> Option<Node<'a>> {
        path.iter().try_fold(*self, |node, step| node.get(step))
    }

    /// The members of an object in their order; nothing for every other kind.
    #[inline]
    pub fn members(&self) -> impl Iterator<Item = (Key<'a>, Node<'a>)> + use<'a> {
        let entry = self.entry();
        let (node, end) = (*self, if entry.kind == Kind::Object { entry.next } else { 0 });
        let mut index = self.index + 1;
        std::iter::from_fn(move || {
            (index < end).then(|| {
                let key = Key(Node { index, ..node });
                let value = Node { index: index + 1, ..node };
                index = key.0.entry().next;
                (key, value)
            })
        })
    }

    /// The elements of an array; nothing for every other kind.
    #[inline]
    pub fn elements(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let entry = self.entry();
        let (node, end) = (*self, if entry.kind == Kind::Array { entry.next } else { 0 });
        let mut index = self.index + 1;
        std::iter::from_fn(move || {
            (index < end).then(|| {
                let value = Node { index, ..node };
                index = value.entry().next;
                value
            })
        })
    }

    /// The elements of an array, or the value itself where a list of one was written without its brackets.
    pub fn one_or_many(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let single = !matches!(self.kind(), Kind::Array | Kind::Null);
        self.elements().chain(single.then_some(*self))
    }

    /// Calls `visit` with every string value inside, keys left out.
    pub fn visit_strings(&self, visit: &mut dyn FnMut(&str)) {
        let last = self.entry().next;
        // Keys are strings on the tape as well, so the walk has to know where it is.
        let mut stack = vec![*self];
        while let Some(node) = stack.pop() {
            debug_assert!(node.index < last);
            match node.kind() {
                Kind::String => {
                    if let Some(text) = node.str() {
                        visit(&text);
                    }
                }
                Kind::Array => stack.extend(node.elements()),
                Kind::Object => stack.extend(node.members().map(|(_, value)| value)),
                Kind::Null | Kind::Bool | Kind::Number => {}
            }
        }
    }
}

/// A member's name.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a>(Node<'a>);

impl<'a> Key<'a> {
    /// Whether the name, unescaped, equals `name`.
    #[inline]
    pub fn is(&self, name: &str) -> bool {
        let entry = self.0.entry();
        if entry.escaped {
            return self.str() == name;
        }
        // Bytes need no look for where letters begin.
        (entry.end - entry.start) as usize == name.len()
            && self.0.text.as_bytes().get(entry.start as usize..entry.end as usize) == Some(name.as_bytes())
    }

    /// Whether the name as received equals `name` in any letter case.
    #[inline]
    pub fn is_in_any_case(&self, name: &str) -> bool {
        let entry = self.0.entry();
        (entry.end - entry.start) as usize == name.len() && self.0.raw().eq_ignore_ascii_case(name)
    }

    /// The name, unescaped.
    #[inline]
    pub fn str(&self) -> Cow<'a, str> {
        self.0.str().unwrap_or_default()
    }

    /// The name as received, escapes still in place.
    #[inline]
    pub fn raw(&self) -> &'a str {
        self.0.raw()
    }
}

/// Replaces escapes; half a surrogate pair becomes U+FFFD.
fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(back) = rest.find('\\') {
        out.push_str(&rest[..back]);
        let escape = rest.as_bytes().get(back + 1).copied().unwrap_or(b'\\');
        rest = rest.get(back + 2..).unwrap_or("");
        match escape {
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'u' => {
                let unit = hex(rest);
                rest = rest.get(4..).unwrap_or("");
                let low = rest.strip_prefix("\\u").map(hex).filter(|l| (0xDC00..0xE000).contains(l));
                match (unit, low) {
                    (0xD800..0xDC00, Some(low)) => {
                        let point = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                        out.push(char::from_u32(point).unwrap_or('\u{FFFD}'));
                        rest = rest.get(6..).unwrap_or("");
                    }
                    _ => out.push(char::from_u32(unit).unwrap_or('\u{FFFD}')),
                }
            }
            other => out.push(char::from(other)),
        }
    }
    out.push_str(rest);
    out
}

fn hex(text: &str) -> u32 {
    text.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0xFFFD)
}
