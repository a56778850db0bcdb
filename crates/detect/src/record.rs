//! The `CloudTrail` record as rules see it: paths resolved on the tape, with the answers of rsigma's own JSON event.

use std::borrow::Cow;

use rsigma_eval::{Event as SigmaEvent, EventValue};
use rsigma_parser::fieldpath::{first_unescaped, unescape_brackets};
use rustc_hash::FxHashMap;
use tagwarden_json::{Kind, Node};

/// Deepest level at which keyword rules still look for text; the limit of rsigma.
const KEYWORD_DEPTH: usize = 64;

/// Objects with more members than this are searched for repeated keys by a map.
const FEW_MEMBERS: usize = 16;

/// One record.
pub(crate) struct RecordEvent<'a> {
    record: Node<'a>,
}

/// What a path is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Where its first dot is.
    dot: Option<usize>,
    /// It has brackets or escapes.
    special: bool,
}

impl Shape {
    pub(crate) fn of(path: &str) -> Self {
        Self { dot: path.find('.'), special: path.contains(['[', '\\']) }
    }
}

impl<'a> RecordEvent<'a> {
    pub(crate) fn new(record: Node<'a>) -> Self {
        Self { record }
    }

    /// The value at `path`: a member of that very name, else dots lead inwards and arrays fan out.
    pub(crate) fn field(&self, path: &str) -> Option<EventValue<'a>> {
        self.shaped(path, Shape::of(path))
    }

    /// As [`Self::field`], for a path whose shape is known.
    pub(crate) fn shaped(&self, path: &str, shape: Shape) -> Option<EventValue<'a>> {
        let record = self.record;
        let is_object = record.kind() == Kind::Object;
        if let (Some(dot), true, false) = (shape.dot, is_object, shape.special) {
            let (first, rest) = (&path[..dot], &path[dot + 1..]);
            let [whole, outer] = record.get_each([path, first]);
            if let Some(value) = whole {
                return Some(value_of(value));
            }
            let mut found = Found::default();
            descend(outer?, Some(rest), &mut found);
            return found.into_value();
        }
        if is_object && let Some(value) = record.get(path) {
            return Some(value_of(value));
        }
        let mut found = Found::default();
        if shape.special {
            if is_object && let Some(root) = root_of(path) {
                record.get(&root)?;
            }
            follow(record, &steps(path), &mut found);
        } else if shape.dot.is_some() {
            descend(record, Some(path), &mut found);
        }
        found.into_value()
    }
}

impl SigmaEvent for RecordEvent<'_> {
    fn get_field(&self, path: &str) -> Option<EventValue<'_>> {
        self.field(path)
    }

    fn any_string_value(&self, pred: &dyn Fn(&str) -> bool) -> bool {
        any_string(self.record, pred, KEYWORD_DEPTH)
    }

    fn all_string_values(&self) -> Vec<Cow<'_, str>> {
        let mut values = Vec::new();
        collect_strings(self.record, &mut values, KEYWORD_DEPTH);
        values
    }

    fn to_json(&self) -> serde_json::Value {
        serde_json::from_str(self.record.json()).unwrap_or(serde_json::Value::Null)
    }
}

/// None, one or many values: most paths end in one, which needs no list.
#[derive(Default)]
struct Found<'a> {
    first: Option<EventValue<'a>>,
    more: Vec<EventValue<'a>>,
}

impl<'a> Found<'a> {
    fn push(&mut self, value: EventValue<'a>) {
        if self.first.is_none() {
            self.first = Some(value);
        } else {
            self.more.push(value);
        }
    }

    fn into_value(self) -> Option<EventValue<'a>> {
        if self.more.is_empty() {
            return self.first;
        }
        Some(EventValue::Array(self.first.into_iter().chain(self.more).collect()))
    }
}

fn split(path: &str) -> (&str, Option<&str>) {
    path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)))
}

/// Follows a path of plain names.
fn descend<'a>(node: Node<'a>, path: Option<&str>, found: &mut Found<'a>) {
    let Some(path) = path else {
        found.push(value_of(node));
        return;
    };
    match node.kind() {
        Kind::Object => {
            let (first, rest) = split(path);
            if let Some(next) = node.get(first) {
                descend(next, rest, found);
            }
        }
        Kind::Array => node.elements().for_each(|element| descend(element, Some(path), found)),
        Kind::Null | Kind::Bool | Kind::Number | Kind::String => {}
    }
}

/// One step of a path with brackets.
enum Step<'p> {
    Key(Cow<'p, str>),
    Index(i64),
}

/// The first name of a path with brackets or escapes; `None` where it starts with a dot or a bracket.
fn root_of(path: &str) -> Option<Cow<'_, str>> {
    let segment = first_unescaped(path, b'.').map_or(path, |at| &path[..at]);
    let name = first_unescaped(segment, b'[').map_or(segment, |at| &segment[..at]);
    (!name.is_empty()).then(|| unescape_brackets(name))
}

fn steps(path: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for segment in path.split('.') {
        let indexed = first_unescaped(segment, b'[').and_then(|at| Some((&segment[..at], indices(&segment[at..])?)));
        match indexed {
            Some((name, indices)) => {
                if !name.is_empty() {
                    steps.push(Step::Key(unescape_brackets(name)));
                }
                steps.extend(indices.into_iter().map(Step::Index));
            }
            None => steps.push(Step::Key(unescape_brackets(segment))),
        }
    }
    steps
}

/// `[1][-2]` as numbers; `None` if any of it is something else.
fn indices(mut text: &str) -> Option<Vec<i64>> {
    let mut out = Vec::new();
    while !text.is_empty() {
        let (number, rest) = text.strip_prefix('[')?.split_once(']')?;
        out.push(number.parse().ok()?);
        text = rest;
    }
    Some(out)
}

fn follow<'a>(node: Node<'a>, steps: &[Step<'_>], found: &mut Found<'a>) {
    let Some((step, rest)) = steps.split_first() else {
        found.push(value_of(node));
        return;
    };
    match (step, node.kind()) {
        (Step::Key(key), Kind::Object) => {
            if let Some(next) = node.get(key) {
                follow(next, rest, found);
            }
        }
        (Step::Key(_), Kind::Array) => node.elements().for_each(|element| follow(element, steps, found)),
        (Step::Index(index), Kind::Array) => {
            let place = if *index < 0 {
                let from_end = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
                node.elements().count().checked_sub(from_end)
            } else {
                usize::try_from(*index).ok()
            };
            if let Some(next) = place.and_then(|place| node.elements().nth(place)) {
                follow(next, rest, found);
            }
        }
        _ => {}
    }
}

/// A node as rsigma's value; numbers as `serde_json` reads them.
pub(crate) fn value_of(node: Node<'_>) -> EventValue<'_> {
    match node.kind() {
        Kind::Null => EventValue::Null,
        Kind::Bool => EventValue::Bool(node.raw() == "true"),
        Kind::Number => match node.raw() {
            "-0" => EventValue::Float(-0.0),
            raw => raw.parse().map_or_else(|_| EventValue::Float(raw.parse().unwrap_or(f64::NAN)), EventValue::Int),
        },
        Kind::String => EventValue::Str(node.str().unwrap_or_default()),
        Kind::Array => EventValue::Array(node.elements().map(value_of).collect()),
        Kind::Object => EventValue::Map(members_once(node).into_iter().map(|(k, v)| (k, value_of(v))).collect()),
    }
}

/// The members of an object; a key given twice stays in its first place with its last value.
fn members_once(node: Node<'_>) -> Vec<(Cow<'_, str>, Node<'_>)> {
    let mut members: Vec<(Cow<'_, str>, Node<'_>)> = Vec::new();
    let mut places: FxHashMap<Cow<'_, str>, usize> = FxHashMap::default();
    for (key, value) in node.members() {
        let name = key.str();
        let place = if members.len() < FEW_MEMBERS {
            members.iter().position(|(other, _)| *other == name)
        } else {
            if places.is_empty() {
                places.extend(members.iter().enumerate().map(|(place, (name, _))| (name.clone(), place)));
            }
            places.get(&name).copied()
        };
        if let Some(member) = place.and_then(|place| members.get_mut(place)) {
            member.1 = value;
        } else {
            if !places.is_empty() {
                places.insert(name.clone(), members.len());
            }
            members.push((name, value));
        }
    }
    members
}

fn any_string(node: Node<'_>, pred: &dyn Fn(&str) -> bool, depth: usize) -> bool {
    if depth == 0 {
        return false;
    }
    match node.kind() {
        Kind::String => node.str().is_some_and(|text| pred(&text)),
        Kind::Array => node.elements().any(|element| any_string(element, pred, depth - 1)),
        Kind::Object => members_once(node).into_iter().any(|(_, value)| any_string(value, pred, depth - 1)),
        Kind::Null | Kind::Bool | Kind::Number => false,
    }
}

fn collect_strings<'a>(node: Node<'a>, out: &mut Vec<Cow<'a, str>>, depth: usize) {
    if depth == 0 {
        return;
    }
    match node.kind() {
        Kind::String => out.extend(node.str()),
        Kind::Array => node.elements().for_each(|element| collect_strings(element, out, depth - 1)),
        Kind::Object => {
            for (_, value) in members_once(node) {
                collect_strings(value, out, depth - 1);
            }
        }
        Kind::Null | Kind::Bool | Kind::Number => {}
    }
}
