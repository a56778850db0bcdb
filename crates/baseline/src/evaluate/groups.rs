//! Puts events together as people are told of them: one actor within one hour.

use std::collections::{BTreeMap, BTreeSet};

use super::Judged;
use super::md5::md5;

/// How long a group holds after its first event, in milliseconds.
const HOUR: i64 = 3_600_000;

/// What one actor did within one hour.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    /// The highest of its events' scores.
    pub(super) score: f64,
    /// The UTC day on which it opened, in days since 1970.
    pub(super) day: i64,
    /// Its events in order of time, as places in [`Judged::cases`].
    pub(super) events: Vec<usize>,
    /// The attacks of which it holds a malicious event.
    pub(super) attacks: BTreeSet<usize>,
    /// It holds an event of a benign twin.
    pub(super) twin: bool,
    tie: [u8; 16],
}

/// All groups, highest score first; equal ones in the order of the MD5 of `actor|seconds of its first event`.
pub(super) fn ranked(judged: &Judged, scores: &[f64]) -> Vec<Group> {
    let mut order: Vec<usize> = (0..judged.cases.len()).collect();
    order.sort_by_key(|at| judged.cases[*at].time);
    // Per actor the group that may still be open, and when it opened.
    let mut open: BTreeMap<usize, (usize, i64)> = BTreeMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for at in order {
        let (case, score) = (judged.cases[at], scores[at]);
        let place = match open.get(&case.actor) {
            Some(&(place, opened)) if case.time.0 - opened <= HOUR => place,
            _ => {
                open.insert(case.actor, (groups.len(), case.time.0));
                let name = format!("{}|{}", judged.actors[case.actor], case.time.0.div_euclid(1000));
                groups.push(Group {
                    score,
                    day: case.time.day(),
                    events: Vec::new(),
                    attacks: BTreeSet::new(),
                    twin: false,
                    tie: md5(&name),
                });
                groups.len() - 1
            }
        };
        let group = &mut groups[place];
        group.score = group.score.max(score);
        group.events.push(at);
        group.attacks.extend(case.attack());
        group.twin |= case.twin().is_some();
    }
    groups.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.tie.cmp(&b.tie)));
    groups
}

/// The groups of each day, highest first.
pub(super) fn by_day(groups: &[Group]) -> BTreeMap<i64, Vec<&Group>> {
    let mut days: BTreeMap<i64, Vec<&Group>> = BTreeMap::new();
    for group in groups {
        days.entry(group.day).or_default().push(group);
    }
    days
}
