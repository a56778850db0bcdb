//! Whether what is said first of an attack is what tells it from its benign twins.
//!
//! A reason is words for people; what it is about is its *field*: a rule, or what the baseline looked at, without the
//! names, values and figures. An attack found at ten groups a day is explained if its worst event gives a reason, and
//! most of the benign twins of the same scenario do not give a reason of that field first at their worst event. Attacks
//! whose scenario has no twin among the events judged are left out.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Judged;
use super::metrics::found;

/// Groups a day at which an attack counts as found.
const BUDGET: u32 = 10;

/// How many attacks were explained by their first reason.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Explanations {
    /// Attacks found at ten groups a day whose scenario has a twin.
    pub of: usize,
    /// Those whose first reason is of a field in which most twins do not stand out first.
    pub hits: usize,
    /// The share; `None` where there is no such attack.
    pub share: Option<f64>,
}

/// Counts the attacks explained. `fields` has one entry per case: the field of its first reason, if it has one.
///
/// # Panics
/// If there are not as many scores and fields as cases.
pub fn explanations(judged: &Judged, scores: &[f64], fields: &[Option<String>]) -> Explanations {
    assert_eq!((judged.cases.len(), judged.cases.len()), (scores.len(), fields.len()), "one of each per case");
    // Of each attack and twin its worst event; the first of equal ones.
    let mut attacks: BTreeMap<usize, usize> = BTreeMap::new();
    let mut twins: BTreeMap<usize, usize> = BTreeMap::new();
    for (at, case) in judged.cases.iter().enumerate() {
        let Some(label) = case.label else { continue };
        let worst = if label.malicious { &mut attacks } else { &mut twins };
        let known = worst.entry(label.incident).or_insert(at);
        if scores[at] > scores[*known] {
            *known = at;
        }
    }
    let mut out = Explanations::default();
    for attack in found(judged, scores, BUDGET) {
        let scenario = &judged.incidents[attack].scenario;
        let alike: Vec<usize> =
            twins.iter().filter(|(twin, _)| judged.incidents[**twin].scenario == *scenario).map(|(_, at)| *at).collect();
        let (false, Some(worst)) = (alike.is_empty(), attacks.get(&attack)) else { continue };
        out.of += 1;
        if let Some(field) = &fields[*worst] {
            let same = alike.iter().filter(|at| fields[**at].as_ref() == Some(field)).count();
            out.hits += usize::from(same * 2 < alike.len());
        }
    }
    out.share = (out.of > 0).then(|| out.hits as f64 / out.of as f64);
    out
}

/// How the baseline's and the policy's reasons begin, and the field that they are about.
const BEGINNINGS: &[(&str, &str)] = &[
    ("access key", "access key"),
    ("account ", "account"),
    ("an actor new here", "actor"),
    ("actor ", "actor"),
    ("the actor's first hour", "actor"),
    ("at ", "hours"),
    ("calls ", "calls"),
    ("credentials of type ", "credentials"),
    ("denied ", "denied action"),
    ("different resources ", "resources"),
    ("earlier this hour: a region", "region"),
    ("earlier this hour: a source identity", "source identity"),
    ("earlier this hour: a user agent", "user agent"),
    ("earlier this hour: an account", "account"),
    ("earlier this hour: an hour", "hours"),
    ("earlier this hour: credentials", "credentials"),
    ("earlier this hour: from a network", "network"),
    ("earlier this hour: from two places", "travel"),
    ("environment ", "environment"),
    ("from network ", "network"),
    ("governed tags rewritten", "governed tags"),
    ("a person changes a tag", "governed tags"),
    ("refused calls ", "refused calls"),
    ("region ", "region"),
    ("removals ", "removals"),
    ("resource changed via ", "hand"),
    ("resource of ", "owner"),
    ("resources with governed tags", "governed tags"),
    ("second factor not told", "second factor"),
    ("such a kind of change in production", "harm"),
    ("a kind of change that", "harm"),
    ("tag ", "tag"),
    ("two places ", "travel"),
    ("user agent ", "user agent"),
    ("with a second factor", "second factor"),
    ("with a source identity", "source identity"),
    ("without a second factor", "second factor"),
    ("without a source identity", "source identity"),
];

/// The field that a reason of the baseline or the policy is about.
pub fn field(reason: &str) -> String {
    if let Some((_, field)) = BEGINNINGS.iter().find(|(beginning, _)| reason.starts_with(beginning)) {
        return (*field).to_owned();
    }
    let subject = reason.split(": ").next().unwrap_or(reason);
    let tag = subject.contains(" → ") || subject.contains(" = ") || subject.ends_with(" removed");
    if tag || subject.contains(" may not change the protected tag ") {
        return "tag".to_owned();
    }
    if subject.contains(" in environment ") {
        return "environment".to_owned();
    }
    if subject.contains(" of ") {
        return "resource type".to_owned();
    }
    if subject.contains(" for ") {
        return "address range".to_owned();
    }
    // One word is the name of a call; of other words the figures are taken out.
    if !subject.contains(' ') {
        return "action".to_owned();
    }
    subject.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect()
}
