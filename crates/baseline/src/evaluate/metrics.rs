//! The figures: precision, recall within a budget of groups a day, false groups, time to detect.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Judged;
use super::groups::{Group, by_day, ranked};

/// Groups that people look at per day.
const BUDGETS: [u32; 3] = [5, 10, 20];
/// Recall at which false groups are counted, in percent.
const TARGETS: [u32; 3] = [70, 80, 90];

/// How well one scorer did. What there is none of, or was not reached, is `None`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metrics {
    /// Events judged.
    pub events: usize,
    /// Attacks with at least one malicious event among them.
    pub incidents: usize,
    /// Malicious events.
    pub malicious_events: usize,
    /// Average precision over events.
    pub ap: Option<f64>,
    /// The same where each attack weighs as much as any other, however many events it has.
    pub ap_incident_weighted: Option<f64>,
    /// Groups.
    pub groups: usize,
    /// Groups that hold a malicious event.
    pub groups_with_incident: usize,
    /// By groups a day: the share of attacks found.
    pub recall: BTreeMap<u32, Option<f64>>,
    /// The same, counting only attacks one of whose own events reaches the day's cut.
    pub recall_own_event: BTreeMap<u32, Option<f64>>,
    /// By recall in percent: groups without an attack on the way there, per 10,000 events.
    pub false_groups_per_10k: BTreeMap<u32, Option<f64>>,
    /// From an attack's first event to the first that tells of it.
    pub time_to_detect: TimeToDetect,
    /// By groups a day: groups told of that hold a benign twin and no attack.
    pub twin_groups_alerted: BTreeMap<u32, usize>,
    /// By scenario, then by groups a day: attacks found.
    pub per_scenario: BTreeMap<String, BTreeMap<u32, Share>>,
}

/// Time to detect, where people look at all groups that are needed for 80 % recall, and at ten groups a day.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct TimeToDetect {
    /// At 80 % recall.
    pub at_80_recall: Option<Delays>,
    /// At ten groups a day.
    pub at_10_a_day: Option<Delays>,
}

/// How long it took over the attacks found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Delays {
    /// The median, in minutes.
    pub median_min: f64,
    /// Nine in ten took no longer, in minutes.
    pub p90_min: f64,
    /// The share told of within a second of the first event, 0 to 1.
    pub at_first_event: f64,
    /// The same of the first event that changes something: before it nothing need be wrong with whoever signs in and looks
    /// around.
    pub at_first_change: f64,
}

/// `found` of `of`, with the 95 % interval of Wilson (1927) for the share behind it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// How many.
    pub found: usize,
    /// Of how many.
    pub of: usize,
    /// The interval's lower end, 0 to 1.
    pub low: f64,
    /// The interval's upper end, 0 to 1.
    pub high: f64,
}

impl Share {
    /// `found` of `of`.
    pub fn new(found: usize, of: usize) -> Self {
        let (low, high) = wilson(found as f64, of as f64);
        Self { found, of, low, high }
    }
}

fn wilson(found: f64, of: f64) -> (f64, f64) {
    const Z: f64 = 1.96;
    if of == 0.0 {
        return (0.0, 1.0);
    }
    let share = found / of;
    let divisor = 1.0 + Z * Z / of;
    let centre = (share + Z * Z / (2.0 * of)) / divisor;
    let half = Z * (share * (1.0 - share) / of + Z * Z / (4.0 * of * of)).sqrt() / divisor;
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

/// Measures `scores`, one finite number per case, higher is worse.
///
/// # Panics
/// If there are not as many scores as cases.
pub fn measure(judged: &Judged, scores: &[f64]) -> Metrics {
    assert_eq!(judged.cases.len(), scores.len(), "one score per case");
    let attacks = Attacks::of(judged);
    let groups = ranked(judged, scores);
    let days = by_day(&groups);
    let share = |found: usize| (attacks.count() > 0).then(|| found as f64 / attacks.count() as f64);
    let events = judged.cases.len();
    let weight = |attack: usize| {
        let size = attacks.size.get(&attack).copied().unwrap_or(1) as f64;
        attacks.events as f64 / attacks.count() as f64 / size
    };
    let (false_groups, at_80) = on_the_way(&attacks, &groups);
    let mut out = Metrics {
        events,
        incidents: attacks.count(),
        malicious_events: attacks.events,
        ap: average_precision(judged, scores, |_| 1.0),
        ap_incident_weighted: average_precision(judged, scores, weight),
        groups: groups.len(),
        groups_with_incident: groups.iter().filter(|group| !group.attacks.is_empty()).count(),
        recall: BTreeMap::new(),
        recall_own_event: BTreeMap::new(),
        false_groups_per_10k: BTreeMap::new(),
        time_to_detect: TimeToDetect::default(),
        twin_groups_alerted: BTreeMap::new(),
        per_scenario: BTreeMap::new(),
    };
    for (target, count) in TARGETS.into_iter().zip(false_groups) {
        out.false_groups_per_10k.insert(target, count.map(|count| 1e4 * count as f64 / events as f64));
    }
    out.time_to_detect.at_80_recall = at_80
        .and_then(|(seen, cut)| delays(judged, scores, &attacks, groups.iter().take(seen).map(|group| (group, cut))));
    for budget in BUDGETS {
        let told: Vec<(&Group, f64)> = days.values().flat_map(|day| within(day, budget)).collect();
        let found: BTreeSet<usize> = told.iter().flat_map(|(group, _)| group.attacks.iter().copied()).collect();
        let own = told.iter().flat_map(|(group, cut)| {
            let over = group.events.iter().filter(|at| scores[**at] >= *cut);
            over.filter_map(|at| judged.cases[*at].attack())
        });
        out.recall.insert(budget, share(found.len()));
        out.recall_own_event.insert(budget, share(own.collect::<BTreeSet<_>>().len()));
        let twins = told.iter().filter(|(group, _)| group.twin && group.attacks.is_empty()).count();
        out.twin_groups_alerted.insert(budget, twins);
        if budget == 10 {
            out.time_to_detect.at_10_a_day = delays(judged, scores, &attacks, told.iter().copied());
        }
        if budget >= 10 {
            for (scenario, members) in attacks.by_scenario(judged) {
                let hit = members.iter().filter(|attack| found.contains(attack)).count();
                let shares = out.per_scenario.entry(scenario.to_owned()).or_default();
                shares.insert(budget, Share::new(hit, members.len()));
            }
        }
    }
    out
}

/// The attacks found at `budget` groups a day.
pub(super) fn found(judged: &Judged, scores: &[f64], budget: u32) -> BTreeSet<usize> {
    let groups = ranked(judged, scores);
    let days = by_day(&groups);
    days.values().flat_map(|day| within(day, budget)).flat_map(|(group, _)| group.attacks.iter().copied()).collect()
}

/// What counts as at once, in milliseconds.
const SOON: i64 = 1000;

/// The first groups of a day, each with the lowest score among them.
fn within<'g>(day: &[&'g Group], budget: u32) -> Vec<(&'g Group, f64)> {
    let told = day.get(..budget as usize).unwrap_or(day);
    let cut = told.last().map_or(f64::INFINITY, |group| group.score);
    told.iter().map(|group| (*group, cut)).collect()
}

/// What truth holds of the events judged.
struct Attacks {
    events: usize,
    /// By attack: its malicious events, the time of the first, and of the first that changes something.
    size: BTreeMap<usize, usize>,
    first: BTreeMap<usize, i64>,
    first_change: BTreeMap<usize, i64>,
}

impl Attacks {
    fn of(judged: &Judged) -> Self {
        let mut attacks =
            Self { events: 0, size: BTreeMap::new(), first: BTreeMap::new(), first_change: BTreeMap::new() };
        for case in &judged.cases {
            if let Some(attack) = case.attack() {
                attacks.events += 1;
                *attacks.size.entry(attack).or_default() += 1;
                let first = attacks.first.entry(attack).or_insert(i64::MAX);
                *first = case.time.0.min(*first);
                if !case.quiet {
                    let change = attacks.first_change.entry(attack).or_insert(i64::MAX);
                    *change = case.time.0.min(*change);
                }
            }
        }
        attacks
    }

    fn count(&self) -> usize {
        self.size.len()
    }

    fn by_scenario<'j>(&self, judged: &'j Judged) -> BTreeMap<&'j str, Vec<usize>> {
        let mut out: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for attack in self.size.keys() {
            out.entry(&judged.incidents[*attack].scenario).or_default().push(*attack);
        }
        out
    }
}

/// Step-wise average precision: equal scores are one step. `weight` weighs the malicious events.
fn average_precision(judged: &Judged, scores: &[f64], weight: impl Fn(usize) -> f64) -> Option<f64> {
    let total: f64 = judged.cases.iter().filter_map(|case| case.attack().map(&weight)).sum();
    let (mut ap, mut before) = (0.0, 0.0);
    super::curves::steps(judged, scores, &weight, |hit, missed| {
        if hit > before {
            ap += (hit - before) / total * hit / (hit + missed);
            before = hit;
        }
    });
    (total > 0.0).then_some(ap)
}

/// Goes down the list of groups: for each target the groups without an attack seen until it is reached; and how many
/// groups were seen at 80 %, with the score of the last.
fn on_the_way(attacks: &Attacks, groups: &[Group]) -> ([Option<usize>; 3], Option<(usize, f64)>) {
    let mut out = [None; 3];
    let mut at_80 = None;
    if attacks.count() == 0 {
        return (out, at_80);
    }
    let (mut hit, mut missed) = (BTreeSet::new(), 0);
    for (at, group) in groups.iter().enumerate() {
        if group.attacks.is_empty() {
            missed += 1;
        }
        hit.extend(group.attacks.iter().copied());
        for (target, out) in TARGETS.into_iter().zip(&mut out) {
            let wanted = f64::from(target) / 100.0 * attacks.count() as f64 - 1e-9;
            if out.is_none() && hit.len() as f64 >= wanted {
                *out = Some(missed);
                if target == 80 {
                    at_80 = Some((at + 1, group.score));
                }
            }
        }
    }
    (out, at_80)
}

/// From each attack's first event to the first event of a group told of that is over the cut; where none of the group's
/// events from then on is, to the first of the attack's own.
fn delays<'g>(
    judged: &Judged,
    scores: &[f64],
    attacks: &Attacks,
    told: impl Iterator<Item = (&'g Group, f64)>,
) -> Option<Delays> {
    let mut waits: BTreeMap<usize, i64> = BTreeMap::new();
    for (group, cut) in told {
        for attack in &group.attacks {
            let first = attacks.first.get(attack).copied().unwrap_or_default();
            let time = |at: &usize| judged.cases[*at].time.0;
            let over = group.events.iter().filter(|at| time(at) >= first && scores[**at] >= cut).map(time).min();
            let own = group.events.iter().filter(|at| judged.cases[**at].attack() == Some(*attack)).map(time).min();
            if let Some(told) = over.or(own) {
                let wait = waits.entry(*attack).or_insert(i64::MAX);
                *wait = (told - first).min(*wait);
            }
        }
    }
    // An attack that only looks has no change to wait for.
    let lead = |attack| attacks.first_change.get(&attack).map_or(0, |change| change - attacks.first[&attack]);
    let by_change = waits.iter().filter(|(attack, wait)| **wait - lead(**attack) <= SOON).count();
    let by_event = waits.values().filter(|wait| **wait <= SOON).count();
    let mut waits: Vec<f64> = waits.into_values().map(|ms| ms as f64 / 1000.0).collect();
    waits.sort_by(f64::total_cmp);
    let last = waits.len().checked_sub(1)?;
    // Nine tenths of the way to the last, in whole numbers.
    let p90 = waits[last * 9 / 10];
    Some(Delays {
        median_min: f64::midpoint(waits[last / 2], waits[last.div_ceil(2)]) / 60.0,
        p90_min: p90 / 60.0,
        at_first_event: by_event as f64 / waits.len() as f64,
        at_first_change: by_change as f64 / waits.len() as f64,
    })
}
