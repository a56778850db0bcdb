//! Reading members of a request by path, however CloudTrail wrote them: any letter case, lists in wrappers or bare.

use tagwarden_core::{Event, Text};
use tagwarden_json::{Kind, Node};

/// What CloudTrail writes in place of a value it will not show.
pub(crate) const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// Bytes of joined values that a fact may have: it is copied to each resource of an event.
pub(crate) const LONGEST: usize = 4096;

/// Where the parts of one call lie.
#[derive(Clone, Copy)]
pub(crate) struct Call<'e, 'a> {
    pub(crate) event: &'e Event<'a>,
    /// `requestParameters`, without the `<Operation>Request` that EC2 puts around newer calls.
    pub(crate) request: Option<Node<'a>>,
    /// `responseElements`, without `<Operation>Response`.
    pub(crate) response: Option<Node<'a>>,
}

impl<'e, 'a> Call<'e, 'a> {
    pub(crate) fn new(event: &'e Event<'a>) -> Self {
        let inner = |node: Node<'a>, ending: &str| {
            let mut members = node.members();
            match (members.next(), members.next()) {
                (Some((key, value)), None) if value.kind() == Kind::Object && key.raw().ends_with(ending) => value,
                _ => node,
            }
        };
        Self {
            event,
            request: event.request.map(|node| inner(node, "Request")),
            response: event.response.map(|node| inner(node, "Response")),
        }
    }

    /// Calls `visit` with every value that the first alternative of `paths` with any value at all finds.
    ///
    /// Alternatives are separated by `|`; each is a path of member names, in the response after `<`, in the record
    /// after `$`; `@user`, `@account` and `@identity` are the caller's.
    pub(crate) fn first(&self, paths: &str, visit: &mut dyn FnMut(Text<'a>)) {
        let mut found = false;
        let mut rest = Some(paths);
        while let Some(paths) = rest {
            let path;
            (path, rest) = cut(paths, b'|');
            if path.is_empty() {
                continue;
            }
            let mut take = |text: Text<'a>| {
                if !text.is_empty() && text != HIDDEN {
                    found = true;
                    visit(text);
                }
            };
            if let Some(name) = path.strip_prefix('@') {
                if let Some(text) = self.caller(name) {
                    take(text);
                }
            } else {
                let (root, path) = match path.as_bytes().first() {
                    Some(b'<') => (self.response, &path[1..]),
                    Some(b'$') => (Some(self.event.record), &path[1..]),
                    _ => (self.request, path),
                };
                if let Some(root) = root {
                    walk(root, path, &mut |node| texts(node, &mut take));
                }
            }
            if found {
                return;
            }
        }
    }

    /// What [`first`](Self::first) finds, each value once, joined by commas, cut where several values together grow too long.
    pub(crate) fn joined(&self, paths: &str) -> Option<Text<'a>> {
        let mut out: Option<Text<'a>> = None;
        self.first(paths, &mut |text| match &mut out {
            Some(all) if all.split(',').any(|known| known == text) => {}
            Some(all) if all.len() < LONGEST => {
                let all = all.to_mut();
                all.push(',');
                all.push_str(&text);
                if all.len() >= LONGEST {
                    all.truncate(all.floor_char_boundary(LONGEST));
                    all.push('…');
                }
            }
            Some(_) => {}
            None => out = Some(text),
        });
        out
    }

    /// The first value that [`first`](Self::first) finds.
    pub(crate) fn one(&self, paths: &str) -> Option<Text<'a>> {
        let mut out = None;
        self.first(paths, &mut |text| {
            out.get_or_insert(text);
        });
        out
    }

    fn caller(&self, name: &str) -> Option<Text<'a>> {
        let identity = &self.event.identity;
        match name {
            "account" => Some(self.event.account_id.clone()),
            "user" => identity.user_name.clone().or_else(|| identity.arn.clone()),
            _ => identity.arn.clone().or_else(|| identity.user_name.clone()).or_else(|| identity.principal_id.clone()),
        }
    }
}

/// The member `name` in any letter case; the last one, but an empty one never hides a filled one.
pub(crate) fn member<'a>(node: Node<'a>, name: &str) -> Option<Node<'a>> {
    let mut best: Option<Node<'a>> = None;
    for (key, value) in node.members() {
        if key.is_in_any_case(name) && (best.is_none() || !is_empty(value)) {
            best = Some(value);
        }
    }
    best
}

/// Null or an empty string.
pub(crate) fn is_empty(node: Node<'_>) -> bool {
    node.is_null() || (node.kind() == Kind::String && node.raw().is_empty())
}

/// Calls `visit` with every node at `path`, through lists and wrappers.
pub(crate) fn walk<'a>(node: Node<'a>, path: &str, visit: &mut dyn FnMut(Node<'a>)) {
    match node.kind() {
        Kind::Array => node.elements().for_each(|element| walk(element, path, visit)),
        _ if path.is_empty() => visit(node),
        Kind::Object => {
            let (head, rest) = cut(path, b'.');
            if let Some(inner) = member(node, head) {
                walk(inner, rest.unwrap_or(""), visit);
            } else if let Some(inner) = unwrapped(node) {
                walk(inner, path, visit);
            }
        }
        Kind::Null | Kind::Bool | Kind::Number | Kind::String => {}
    }
}

/// `text` before the first `mark`, and what follows it. Paths are short: a plain walk is quicker than a search.
fn cut(text: &str, mark: u8) -> (&str, Option<&str>) {
    match text.bytes().position(|byte| byte == mark) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// What a wrapper such as `{"items": [...]}` or `{"tag": 1, "content": "vpc-1"}` holds.
pub(crate) fn unwrapped(node: Node<'_>) -> Option<Node<'_>> {
    let mut best: Option<(u8, Node<'_>)> = None;
    for (key, value) in node.members() {
        // Members that stand between a name and its value or values; where there are several, the first in this order.
        let rank = match key.str().as_ref() {
            "items" => 0,
            "item" => 1,
            "member" => 2,
            "content" => 3,
            "value" => 4,
            _ => continue,
        };
        if best.is_none_or(|(known, _)| rank <= known) {
            best = Some((rank, value));
        }
    }
    best.map(|(_, node)| node)
}

/// Calls `visit` with the text of a scalar, or of each in a list or wrapper.
pub(crate) fn texts<'a>(node: Node<'a>, visit: &mut dyn FnMut(Text<'a>)) {
    match node.kind() {
        Kind::Array => node.elements().for_each(|element| texts(element, visit)),
        Kind::Object => {
            if let Some(inner) = unwrapped(node) {
                texts(inner, visit);
            }
        }
        _ => {
            if let Some(text) = node.text() {
                visit(text);
            }
        }
    }
}

/// The text of the first scalar under the member `name`.
pub(crate) fn text<'a>(node: Node<'a>, name: &str) -> Option<Text<'a>> {
    let mut out = None;
    texts(member(node, name)?, &mut |text| {
        out.get_or_insert(text);
    });
    out
}
