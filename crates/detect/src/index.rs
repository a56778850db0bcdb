//! Which rules an event can match at all, by values that every match needs.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use rsigma_eval::matcher::GroupMode;
use rsigma_eval::{CompiledDetection, CompiledDetectionItem, CompiledMatcher, CompiledRule};
use rsigma_parser::{ConditionExpr, Quantifier};
use rustc_hash::FxHashMap;

/// The fields that rules are looked up by, the most telling first.
pub(crate) const KEYS: [&str; 4] = ["eventName", "tagwarden.change_kind", "eventSource", "tagwarden.family"];

/// What an event holds under one of [`KEYS`].
pub(crate) enum Held<'a> {
    /// Nothing, or null: no rule that needs a value can match.
    Nothing,
    /// Text.
    Text(Cow<'a, str>),
    /// Anything else; every rule has to look for itself.
    Odd,
}

/// Rules by the values they need.
#[derive(Debug, Default)]
pub(crate) struct Index {
    by: [FxHashMap<Box<str>, Vec<u32>>; KEYS.len()],
    always: Vec<u32>,
    all: Vec<u32>,
}

impl Index {
    /// Adds rule number `rule`.
    pub(crate) fn add(&mut self, rule: u32, compiled: &CompiledRule) {
        self.all.push(rule);
        for (map, key) in self.by.iter_mut().zip(KEYS) {
            if let Some(values) = needed(compiled, key) {
                for value in values {
                    map.entry(value.into_boxed_str()).or_default().push(rule);
                }
                return;
            }
        }
        self.always.push(rule);
    }

    /// Calls `each` with every rule that can match, in no promised order, none twice.
    pub(crate) fn candidates<'a>(&self, held: impl Fn(&'static str) -> Held<'a>, mut each: impl FnMut(u32)) {
        let mut lists: [&[u32]; KEYS.len()] = [&[]; KEYS.len()];
        for ((map, key), list) in self.by.iter().zip(KEYS).zip(&mut lists) {
            if map.is_empty() {
                continue;
            }
            match held(key) {
                Held::Nothing => {}
                Held::Text(text) => *list = with_lowercase(&text, |lower| map.get(lower)).map_or(&[], Vec::as_slice),
                Held::Odd => {
                    self.all.iter().copied().for_each(each);
                    return;
                }
            }
        }
        for list in lists.into_iter().chain([self.always.as_slice()]) {
            list.iter().copied().for_each(&mut each);
        }
    }
}

/// Hands `text` in lower case to `look`, without an allocation for the names that occur.
fn with_lowercase<T>(text: &str, look: impl FnOnce(&str) -> T) -> T {
    let mut buffer = [0u8; 96];
    if let (true, Some(part)) = (text.is_ascii(), buffer.get_mut(..text.len())) {
        part.copy_from_slice(text.as_bytes());
        part.make_ascii_lowercase();
        if let Ok(lower) = std::str::from_utf8(part) {
            return look(lower);
        }
    }
    look(&text.to_lowercase())
}

/// The values, in lower case, one of which `field` holds whenever the rule matches; `None` if the rule may match
/// without.
fn needed(rule: &CompiledRule, field: &str) -> Option<BTreeSet<String>> {
    any_of(rule.conditions.iter().map(|condition| of_condition(condition, &rule.detections, field)))
}

/// One of these holds: known only if each is.
fn any_of(parts: impl Iterator<Item = Option<BTreeSet<String>>>) -> Option<BTreeSet<String>> {
    parts.reduce(|a, b| {
        a.zip(b).map(|(mut a, b)| {
            a.extend(b);
            a
        })
    })?
}

/// All of these hold: the shortest known one will do.
fn all_of(parts: impl Iterator<Item = Option<BTreeSet<String>>>) -> Option<BTreeSet<String>> {
    parts.flatten().min_by_key(BTreeSet::len)
}

fn of_condition(
    condition: &ConditionExpr,
    detections: &HashMap<String, CompiledDetection>,
    field: &str,
) -> Option<BTreeSet<String>> {
    match condition {
        ConditionExpr::Identifier(name) => of_detection(detections.get(name)?, field),
        ConditionExpr::And(parts) => all_of(parts.iter().map(|part| of_condition(part, detections, field))),
        ConditionExpr::Or(parts) => any_of(parts.iter().map(|part| of_condition(part, detections, field))),
        ConditionExpr::Not(_) | ConditionExpr::Selector { quantifier: Quantifier::Count(0), .. } => None,
        ConditionExpr::Selector { quantifier, pattern } => {
            let parts = detections
                .iter()
                .filter(|(name, _)| pattern.matches_detection_name(name))
                .map(|(_, detection)| of_detection(detection, field));
            match quantifier {
                Quantifier::All => all_of(parts),
                Quantifier::Any | Quantifier::Count(_) => any_of(parts),
            }
        }
    }
}

fn of_detection(detection: &CompiledDetection, field: &str) -> Option<BTreeSet<String>> {
    match detection {
        CompiledDetection::AllOf(items) => all_of(items.iter().map(|item| of_item(item, field))),
        CompiledDetection::And(parts) => all_of(parts.iter().map(|part| of_detection(part, field))),
        CompiledDetection::AnyOf(parts) => any_of(parts.iter().map(|part| of_detection(part, field))),
        CompiledDetection::Keywords(_)
        | CompiledDetection::ArrayMatch { .. }
        | CompiledDetection::Conditional { .. } => None,
    }
}

fn of_item(item: &CompiledDetectionItem, field: &str) -> Option<BTreeSet<String>> {
    if item.field.as_deref() == Some(field) && item.exists.is_none() { of_matcher(&item.matcher) } else { None }
}

fn of_matcher(matcher: &CompiledMatcher) -> Option<BTreeSet<String>> {
    match matcher {
        CompiledMatcher::Exact { value, .. } => Some(BTreeSet::from([value.to_lowercase()])),
        CompiledMatcher::AnyOf(parts)
        | CompiledMatcher::CaseInsensitiveGroup { children: parts, mode: GroupMode::Any } => {
            any_of(parts.iter().map(of_matcher))
        }
        CompiledMatcher::AllOf(parts)
        | CompiledMatcher::CaseInsensitiveGroup { children: parts, mode: GroupMode::All } => {
            all_of(parts.iter().map(of_matcher))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use rsigma_eval::compile_rule;
    use rsigma_parser::parse_sigma_yaml;

    use super::{Held, Index};

    /// Which of the rules are looked at for an event of this name and source.
    fn candidates(detections: &[&str], name: &'static str, source: &'static str) -> Vec<u32> {
        let mut index = Index::default();
        for (number, detection) in (0..).zip(detections) {
            let text = format!("title: T\nlogsource: {{product: aws}}\ndetection: {detection}\n");
            let parsed = parse_sigma_yaml(&text).unwrap();
            index.add(number, &compile_rule(&parsed.rules[0]).unwrap());
        }
        let mut found = Vec::new();
        let held = |key: &str| match key {
            "eventName" => Held::Text(Cow::Borrowed(name)),
            "eventSource" => Held::Text(Cow::Borrowed(source)),
            _ => Held::Nothing,
        };
        index.candidates(held, |number| found.push(number));
        found.sort_unstable();
        found
    }

    #[test]
    fn a_rule_is_looked_at_only_where_it_can_match() {
        let rules = [
            "{s: {eventName: [A, b]}, condition: s}",
            "{s: {eventName: C}, f: {eventName: A}, condition: s and not f}",
            "{s_1: {eventName: A, errorCode: null}, s_2: {eventName: D}, condition: 1 of s_*}",
            "{s: {eventSource: x, 'eventName|startswith': A}, condition: s}",
            "{s: {userAgent: u}, condition: s}",
            "{s: {eventName: A}, t: {userAgent: u}, condition: s or t}",
            "{s: [{eventName: A}, {eventName: E, eventSource: x}], t: {a: 1}, condition: s and t}",
        ];
        assert_eq!(candidates(&rules, "A", "y"), [0, 2, 4, 5, 6]);
        assert_eq!(candidates(&rules, "B", "X"), [0, 3, 4, 5]);
        assert_eq!(candidates(&rules, "c", "y"), [1, 4, 5]);
        assert_eq!(candidates(&rules, "none", "y"), [4, 5]);
    }
}
