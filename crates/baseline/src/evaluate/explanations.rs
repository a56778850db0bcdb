//! Whether what is said first of an attack is what tells it from its benign twins.
//!
//! A reason is words for people; what it is about is its *field*: a rule, or what the baseline looked at, without the
//! names, values and figures. An attack found at ten groups a day is explained if its worst event gives a reason, and
//! most of the benign twins of the same scenario do not give a reason of that field first at their worst event. Attacks
//! whose scenario has no twin among the events judged are left out. Beside it, the same of the first three reasons: one
//! of them is of a field that is not among the first three of most twins.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Judged;
use super::metrics::found;

/// Groups a day at which an attack counts as found.
const BUDGET: u32 = 10;
/// Reasons that somebody reads.
const READ: usize = 3;

/// How many attacks were explained by their reasons.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Explanations {
    /// Attacks found at ten groups a day whose scenario has a twin.
    pub of: usize,
    /// Those whose first reason is of a field in which most twins do not stand out first.
    pub hits: usize,
    /// Those with such a field among the first three reasons.
    pub hits_in_three: usize,
    /// The share of `hits`; `None` where there is no such attack.
    pub share: Option<f64>,
}

/// Counts the attacks explained. `fields` has one entry per case: the fields of its reasons, the first one first.
///
/// # Panics
/// If there are not as many scores and fields as cases.
pub fn explanations(judged: &Judged, scores: &[f64], fields: &[&[String]]) -> Explanations {
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
    let read = |at: usize, most: usize| fields[at].get(..most).unwrap_or(fields[at]);
    let mut out = Explanations::default();
    for attack in found(judged, scores, BUDGET) {
        let scenario = &judged.incidents[attack].scenario;
        let alike: Vec<usize> = twins
            .iter()
            .filter(|(twin, _)| judged.incidents[**twin].scenario == *scenario)
            .map(|(_, at)| *at)
            .collect();
        let (false, Some(worst)) = (alike.is_empty(), attacks.get(&attack)) else { continue };
        let tells = |most: usize| {
            read(*worst, most).iter().any(|field| {
                let same = alike.iter().filter(|twin| read(**twin, most).contains(field)).count();
                same * 2 < alike.len()
            })
        };
        out.of += 1;
        out.hits += usize::from(tells(1));
        out.hits_in_three += usize::from(tells(READ));
    }
    out.share = (out.of > 0).then(|| out.hits as f64 / out.of as f64);
    out
}

/// Words that tell what a reason is about, looked for in this order: in all of it, or before the first colon.
const ANYWHERE: &[(&str, &str)] = &[
    ("called from elsewhere", "travel"),
    ("guard rail", "harm"),
    ("a kind of change", "harm"),
    ("looks like a value in use", "spelling"),
    ("spelt unlike", "spelling"),
];
const BEFORE: &[(&str, &str)] = &[
    (" → ", "tag"),
    (" = ", "tag"),
    ("protected tag", "tag"),
    ("governed tag", "governed tags"),
    ("a person changes a tag", "governed tags"),
    ("denied ", "denied action"),
    ("refused calls", "refused calls"),
    ("removals within", "removals"),
    ("calls within", "calls"),
    ("different resources", "resources"),
    ("access key used by", "program of an access key"),
    ("access key used from", "address of an access key"),
    ("access key", "age of an access key"),
    ("silen", "silence"),
    ("new here", "age of the actor"),
    ("actor known for", "age of the actor"),
    ("two places", "travel"),
    ("source identity", "source identity"),
    ("second factor", "second factor"),
    ("user agent", "program"),
    ("changed by ", "hand"),
    ("changed via ", "hand"),
    ("credentials", "credentials"),
    (" via ", "credentials"),
    ("h local time", "hours"),
    ("time of day", "hours"),
    ("an hour unusual", "hours"),
    ("AWS account", "other account"),
    ("account", "account"),
    ("region", "region"),
    ("network", "network"),
    ("resource of ", "owner"),
    ("team's resource", "owner"),
    ("environment", "environment"),
    ("tag ", "tag"),
    (" removed", "tag"),
    (" for ", "address range"),
    (" of ", "resource type"),
    (" (", "resource type"),
];

/// The field that a reason of the baseline or the policy is about.
///
/// Words that are not known give themselves, without figures: never an error, at worst a field of its own.
pub fn field(reason: &str) -> String {
    let subject = reason.split(": ").next().unwrap_or(reason);
    // A detail is one of the kind of change.
    let subject = subject.split(", its ").next().unwrap_or(subject);
    if subject.starts_with("from ") && !reason.contains("called from elsewhere") {
        return "network".to_owned();
    }
    let known = |text: &str, words: &[(&str, &str)]| {
        words.iter().find(|(word, _)| text.contains(word)).map(|(_, field)| (*field).to_owned())
    };
    known(reason, ANYWHERE).or_else(|| known(subject, BEFORE)).unwrap_or_else(|| {
        // One word is the name of a call.
        if subject.contains(' ') {
            subject.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect()
        } else {
            "action".to_owned()
        }
    })
}
