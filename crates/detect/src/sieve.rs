//! What the rules still have to ask of an event once its name and source are known, worked out once for each pair.
//!
//! Few pairs make up most of what an account does, and nearly every rule asks for one of the two: what is left is a
//! handful of questions per event, however many rules there are.

use std::borrow::Cow;

use rsigma_eval::{Event as SigmaEvent, EventValue};
use rustc_hash::FxHashMap;

use crate::compile::in_matcher;
use crate::plan::{Item, Items, Plan};

/// Pairs remembered; names come from outside, so there must be an end to them.
const PAIRS: usize = 8192;

/// The number of a rule, and when it matches.
pub(crate) type Question = (u32, Plan);

/// Rules by source and name.
#[derive(Debug, Default)]
pub(crate) struct Sieve {
    items: Items,
    rules: Vec<Question>,
    /// By source, then by name: where in `left` the pair's questions are.
    by_source: FxHashMap<Box<str>, FxHashMap<Box<str>, usize>>,
    /// What is left to ask, by pair.
    left: Vec<Box<[Question]>>,
}

impl Sieve {
    /// The items that plans are made of.
    pub(crate) fn items(&mut self) -> &mut Items {
        &mut self.items
    }

    /// Adds rule number `rule`; numbers come in order.
    pub(crate) fn add(&mut self, rule: u32, plan: Plan) {
        self.rules.push((rule, plan));
    }

    /// What is left to ask of an event, rules in order; those that can't match are left out. All, where `call` is not known.
    pub(crate) fn questions(&mut self, call: Option<Call<'_>>) -> (&Items, &[Question]) {
        // Without rules no pair is looked up or remembered.
        let Some(call) = call.filter(|_| !self.rules.is_empty()) else { return (&self.items, &self.rules) };
        let known = self.by_source.get(call.source).and_then(|names| names.get(call.name)).copied();
        let place = known.unwrap_or_else(|| self.settle(call));
        let left = self.left.get(place);
        (&self.items, left.map_or(&[], AsRef::as_ref))
    }

    /// Works out what is left to ask of a pair; gives its place in `left`.
    fn settle(&mut self, call: Call<'_>) -> usize {
        if self.left.len() == PAIRS {
            self.by_source.clear();
            self.left.clear();
        }
        let known = |number: usize| self.items.0.get(number).and_then(|item| call.settles(item));
        let left = self.rules.iter().map(|(rule, plan)| (*rule, plan.settle(&known)));
        self.left.push(left.filter(|(_, plan)| *plan != Plan::Is(false)).collect());
        let place = self.left.len() - 1;
        self.by_source.entry(call.source.into()).or_default().insert(call.name.into(), place);
        place
    }
}

/// What is known of an event: two members of its record, both text.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    /// `eventSource`
    pub(crate) source: &'a str,
    /// `eventName`
    pub(crate) name: &'a str,
}

impl<'a> Call<'a> {
    /// Whether `item` holds; `None` if that depends on more.
    fn settles(self, item: &Item) -> Option<bool> {
        let text = self.member(&item.field)?;
        if item.exists.is_some() {
            return item.exists;
        }
        let mut others = Vec::new();
        in_matcher(&item.matcher, &mut others);
        let known = others.iter().all(|field| self.member(field).is_some());
        known.then(|| item.matcher.matches(&EventValue::Str(Cow::Borrowed(text)), &self))
    }

    fn member(self, field: &str) -> Option<&'a str> {
        match field {
            "eventSource" => Some(self.source),
            "eventName" => Some(self.name),
            _ => None,
        }
    }
}

/// For matchers that compare two of the known members.
impl SigmaEvent for Call<'_> {
    fn get_field(&self, path: &str) -> Option<EventValue<'_>> {
        self.member(path).map(|text| EventValue::Str(Cow::Borrowed(text)))
    }

    fn any_string_value(&self, pred: &dyn Fn(&str) -> bool) -> bool {
        pred(self.source) || pred(self.name)
    }

    fn all_string_values(&self) -> Vec<Cow<'_, str>> {
        vec![Cow::Borrowed(self.source), Cow::Borrowed(self.name)]
    }

    fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "eventSource": self.source, "eventName": self.name })
    }
}

#[cfg(test)]
mod tests {
    use rsigma_eval::compile_rule;
    use rsigma_parser::parse_sigma_yaml;

    use super::{Call, PAIRS, Plan, Sieve};

    fn sieve(detections: &[&str]) -> Sieve {
        let mut sieve = Sieve::default();
        for (number, detection) in (0..).zip(detections) {
            let text = format!("title: T\nlogsource: {{product: aws}}\ndetection: {detection}\n");
            let rule = compile_rule(&parse_sigma_yaml(&text).unwrap().rules[0]).unwrap();
            let plan = sieve.items().plan(&rule).unwrap();
            sieve.add(number, plan);
        }
        sieve
    }

    fn asked(sieve: &mut Sieve, name: &str, source: &str) -> Vec<u32> {
        sieve.questions(Some(Call { source, name })).1.iter().map(|(rule, _)| *rule).collect()
    }

    #[test]
    fn a_rule_is_asked_only_where_name_and_source_leave_it_open() {
        let mut sieve = sieve(&[
            "{s: {eventName: [A, b]}, condition: s}",
            "{s: {eventName: C}, f: {eventName: A}, condition: s and not f}",
            "{s_1: {eventName: A, errorCode: null}, s_2: {eventName: D}, condition: 1 of s_*}",
            "{s: {eventSource: x, 'eventName|startswith': A}, condition: s}",
            "{s: {userAgent: u}, f: {'eventName|re': 'A|C'}, condition: s and not f}",
            "{s: {eventName: A}, t: {userAgent: u}, condition: s or t}",
            "{s: [{eventName: A}, {eventName: E, eventSource: x}], t: {a: 1}, condition: s and t}",
            "{s: {'eventName|exists': false}, condition: s}",
            "{s_1: {eventName: A}, s_2: {eventSource: x}, s_3: {a: 1}, condition: all of s_*}",
            "{s: {'eventName|fieldref': 'eventSource'}, condition: s}",
            "{s: {'eventName|fieldref': 'a'}, condition: s}",
        ]);
        for _ in 0..2 {
            assert_eq!(asked(&mut sieve, "A", "y"), [0, 2, 5, 6, 10]);
            assert_eq!(asked(&mut sieve, "a", "X"), [0, 2, 3, 4, 5, 6, 8, 10]);
            assert_eq!(asked(&mut sieve, "C", "y"), [1, 5, 10]);
            assert_eq!(asked(&mut sieve, "y", "y"), [4, 5, 9, 10]);
        }
        let (_, questions) = sieve.questions(Some(Call { source: "x", name: "A" }));
        assert_eq!(questions.first(), Some(&(0, Plan::Is(true))), "nothing is left to ask");
        assert_eq!(sieve.questions(None).1.len(), 11);
    }

    #[test]
    fn names_without_end_take_no_memory_without_end() {
        let mut sieve = sieve(&["{s: {eventName: n7}, condition: s}"]);
        for n in 0..3 * PAIRS {
            asked(&mut sieve, &format!("n{n}"), "x");
            assert!(sieve.by_source.values().map(std::collections::HashMap::len).sum::<usize>() <= PAIRS);
        }
        assert_eq!(asked(&mut sieve, "N7", "x"), [0]);
    }
}
