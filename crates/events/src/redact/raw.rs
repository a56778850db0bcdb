//! The event as received, without its secrets.

use tagwarden_core::Event;
use tagwarden_json::{Kind, Node};

use super::{MASK, names, values};

/// The JSON as received with the values of secret members replaced by `"***"`, and secrets inside other texts by
/// `***`; every other byte is as it was.
pub fn redact_raw(event: &Event<'_>) -> String {
    let text = event.envelope.json();
    let parameter = event.source.starts_with("ssm.") && event.action == "PutParameter";
    let mut cuts = Cuts { base: text.as_ptr() as usize, list: Vec::new(), parameter };
    cuts.visit(event.envelope);
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (start, end, with) in cuts.list {
        out.push_str(text.get(from..start).unwrap_or(""));
        out.push_str(&with);
        from = end;
    }
    out.push_str(text.get(from..).unwrap_or(""));
    out
}

struct Cuts {
    /// Where the whole text lies, to tell a value's place in it.
    base: usize,
    /// From, to and what comes there; in order, none inside another.
    list: Vec<(usize, usize, String)>,
    /// `value` of `ssm:PutParameter`.
    parameter: bool,
}

impl Cuts {
    fn cut(&mut self, node: Node<'_>, with: String) {
        let json = node.json();
        let start = (json.as_ptr() as usize).saturating_sub(self.base);
        self.list.push((start, start + json.len(), with));
    }

    /// Replaces all scalars inside a value that is known to be secret. Null tells nothing.
    fn hide(&mut self, node: Node<'_>) {
        match node.kind() {
            Kind::Array => node.elements().for_each(|element| self.hide(element)),
            Kind::Object => node.members().for_each(|(_, value)| self.hide(value)),
            Kind::Null => {}
            _ => self.cut(node, format!("\"{MASK}\"")),
        }
    }

    fn visit(&mut self, node: Node<'_>) {
        match node.kind() {
            Kind::Array => node.elements().for_each(|element| self.visit(element)),
            Kind::Object => self.object(node),
            Kind::String => {
                if let Some(clean) = node.str().and_then(|text| values::scrub(&text)) {
                    self.cut(node, serde_json::Value::String(clean).to_string());
                }
            }
            Kind::Null | Kind::Bool | Kind::Number => {}
        }
    }

    fn object(&mut self, node: Node<'_>) {
        let named = pair_name(node).is_some_and(|name| names::is_secret(&name));
        for (key, value) in node.members() {
            let name = key.str();
            // A flag such as `"password": true` is no password; it still costs nothing to hide it.
            if names::is_secret(&name)
                || (named && is_pair_value(&name))
                || (self.parameter && name.eq_ignore_ascii_case("value"))
            {
                self.hide(value);
            } else if names::is_environment(&name) && matches!(value.kind(), Kind::Array | Kind::Object) {
                self.environment(value);
            } else {
                self.visit(value);
            }
        }
    }

    /// Environment variables: a map (perhaps under `variables`) or a list of names and values. Names stay.
    fn environment(&mut self, node: Node<'_>) {
        match node.kind() {
            Kind::Array => node.elements().for_each(|element| self.environment(element)),
            Kind::Object => {
                let pair = pair_name(node).is_some();
                for (key, value) in node.members() {
                    let name = key.str();
                    match value.kind() {
                        Kind::Array | Kind::Object => self.environment(value),
                        _ if pair && !is_pair_value(&name) => self.visit(value),
                        _ => self.hide(value),
                    }
                }
            }
            _ => self.hide(node),
        }
    }
}

/// The name in `{"name": ..., "value": ...}` and its like.
fn pair_name(node: Node<'_>) -> Option<std::borrow::Cow<'_, str>> {
    let mut name = None;
    let mut value = false;
    for (key, inner) in node.members() {
        let key = key.str();
        if ["key", "name", "tagKey", "parameterKey", "parameterName", "optionName"]
            .iter()
            .any(|known| key.eq_ignore_ascii_case(known))
        {
            name = name.or_else(|| inner.str());
        }
        value |= is_pair_value(&key);
    }
    name.filter(|_| value)
}

fn is_pair_value(name: &str) -> bool {
    ["value", "tagValue", "parameterValue", "values", "valueFrom"].iter().any(|known| name.eq_ignore_ascii_case(known))
}
