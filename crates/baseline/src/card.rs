//! A model's card: what it was made from and how it fares, for people and for programs.

use std::fmt::Write;

use serde::Serialize;
use tagwarden_core::Timestamp;

use crate::Kind;
use crate::features::{FEATURES_VERSION, Feature};
use crate::model::{LAYOUT_VERSION, Model};
use crate::peers::PeerGroup;
use crate::rerank::{Verdicts, Weight};
use crate::spread::{self, BINS};
use crate::training::hours::{OddHour, OddHours};

const DAY_SECONDS: i64 = 86_400;
/// A share below this counts as this: the logarithm of nothing says nothing.
const LEAST_SHARE: f64 = 1e-4;
/// Actors named in one line, and rows of a table.
const NAMED: usize = 20;
/// Parts that a feature's numbers above 0 are cut into, as equal as the first distribution allows.
const PARTS: usize = 9;

/// What a model was made from and how it fares.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Card {
    /// Layout of the model file.
    pub layout_version: u32,
    /// Version of the features.
    pub features_version: u32,
    /// First moment of the window (RFC 3339).
    pub from: String,
    /// First moment after it.
    pub to: String,
    /// Days that count, without the first three, which know nothing.
    pub days: usize,
    /// Events learned from.
    pub events: u64,
    /// Changes learned from.
    pub changes: u64,
    /// Events left out because they belong to incidents.
    pub excluded: u64,
    /// Changes that forest and core points were learned from.
    pub sample: usize,
    /// Where random draws came from.
    pub seed: u64,
    /// SHA-256 over the files that were read.
    pub data_sha256: String,
    /// Trees, and rows per tree.
    pub forest: [usize; 2],
    /// Core points of the crowds.
    pub core_points: usize,
    /// The distance within which a change belongs to a crowd.
    pub tolerance: f32,
    /// Groups of actors that do one job, the largest first.
    pub peer_groups: Vec<PeerGroup>,
    /// Actors like no two others, in the order of their names.
    pub actors_alone: Vec<String>,
    /// Hours of actors that are like no others.
    pub odd_hours: OddHours,
    /// What judged alerts taught; `None` if none were given.
    pub verdicts: Option<Verdicts>,
    /// Groups a day that the thresholds let through.
    pub alerts_per_day: f64,
    /// The score above which a change is anomalous, by kind of score.
    pub thresholds: Vec<(&'static str, f64)>,
    /// For each of the last days without incidents, the groups (one actor within one hour) above the blend's threshold.
    pub groups_told: Vec<(String, usize)>,
    /// For each feature, how far its distribution moved from the first half of the window to the second.
    pub shifts: Vec<Shift>,
}

/// How far one feature's distribution moved: the population stability index; below 0.1 is little, above 0.25 a lot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shift {
    /// The feature.
    pub feature: &'static str,
    /// The index.
    pub psi: f64,
}

impl Card {
    pub(crate) fn new(
        model: &Model,
        alerts_per_day: f64,
        days: usize,
        sample: usize,
        told: Vec<(u16, usize)>,
        shifts: Vec<Shift>,
    ) -> Self {
        let about = model.about();
        let date = |day: u16| Timestamp::from_seconds(i64::from(day) * DAY_SECONDS).date();
        let (core_points, tolerance) = model.core_points();
        let mut peer_groups = model.peers.groups.clone();
        // A stable sort: equal ones stay in the model's order.
        peer_groups.sort_by_key(|group| std::cmp::Reverse(group.actors));
        Self {
            layout_version: LAYOUT_VERSION,
            features_version: FEATURES_VERSION,
            from: Timestamp(about.from).to_string(),
            to: Timestamp(about.to).to_string(),
            days,
            events: about.events,
            changes: about.changes,
            excluded: about.excluded,
            sample,
            seed: about.seed,
            data_sha256: about.data_hex(),
            forest: [model.forest.trees(), model.forest.sample()],
            core_points,
            tolerance,
            peer_groups,
            actors_alone: Vec::new(),
            odd_hours: OddHours::default(),
            verdicts: None,
            alerts_per_day,
            thresholds: Kind::ALL.map(|kind| (kind.name(), model.threshold(kind))).to_vec(),
            groups_told: told.into_iter().map(|(day, groups)| (date(day), groups)).collect(),
            shifts,
        }
    }

    /// Groups a day above the threshold, on average over the last days without incidents.
    pub fn groups_a_day(&self) -> f64 {
        let all: usize = self.groups_told.iter().map(|(_, groups)| groups).sum();
        all as f64 / self.groups_told.len().max(1) as f64
    }

    /// The card for people.
    pub fn to_markdown(&self) -> String {
        let mut out = String::from("# Model card\n\n");
        let mut line = |name: &str, value: String| {
            // Writing to a string does not fail.
            writeln!(out, "- {name}: {value}").unwrap_or_default();
        };
        line("window", format!("{} to {}, {} days that count", self.from, self.to, self.days));
        line("learned from", format!("{} changes of {} events", self.changes, self.events));
        line("left out as incidents", format!("{} events", self.excluded));
        line(
            "forest",
            format!("{} trees of {} changes, from a sample of {}", self.forest[0], self.forest[1], self.sample),
        );
        line("crowds", format!("{} core points, tolerance {:.3} nats", self.core_points, self.tolerance));
        line("seed", self.seed.to_string());
        line("data", format!("SHA-256 {}", self.data_sha256));
        line("versions", format!("layout {}, features {}", self.layout_version, self.features_version));
        let wanted = format!("{:.1} asked for", self.alerts_per_day);
        line(
            "groups a day",
            format!(
                "{:.2} on the last {} days without incidents, {wanted}",
                self.groups_a_day(),
                self.groups_told.len()
            ),
        );
        for (kind, threshold) in &self.thresholds {
            line(&format!("threshold ({kind})"), format!("{threshold:.2}"));
        }
        if let Some(verdicts) = &self.verdicts {
            verdicts.write(&mut out);
        }
        self.write_actors(&mut out);
        out.push_str("\n| day | groups above the threshold |\n|---|---|\n");
        for (day, groups) in &self.groups_told {
            writeln!(out, "| {day} | {groups} |").unwrap_or_default();
        }
        out.push_str("\n| feature | PSI, first half to second |\n|---|---|\n");
        for Shift { feature, psi } in &self.shifts {
            writeln!(out, "| {feature} | {psi:.3} |").unwrap_or_default();
        }
        out
    }

    /// Who does the same job, who is alone, and which hours were like no others.
    fn write_actors(&self, out: &mut String) {
        out.push_str("\n| peer group | actors |\n|---|---|\n");
        for PeerGroup { name, actors } in &self.peer_groups {
            writeln!(out, "| {} | {actors} |", cell(name)).unwrap_or_default();
        }
        writeln!(out, "| like no two others: {} | {} |", cell(&some(&self.actors_alone)), self.actors_alone.len())
            .unwrap_or_default();
        let OddHours { hours, tolerance, noise, farthest } = &self.odd_hours;
        writeln!(
            out,
            "\nOf {hours} hours of actors {noise} are farther than {tolerance:.2} nats from all that are alike; the farthest. An \
             incident among them is better left out (`--exclude`).\n\n| actor | hour | events | nats | odd in |\n|---|---|---|---|---|"
        )
        .unwrap_or_default();
        for OddHour { actor, hour, events, distance, odd_in, .. } in farthest.iter().take(NAMED) {
            writeln!(out, "| {} | {hour} | {events} | {distance:.1} | {} |", cell(actor), odd_in.join(", "))
                .unwrap_or_default();
        }
    }
}

/// The first few of many.
fn some(names: &[String]) -> String {
    let more = if names.len() > NAMED { ", ..." } else { "" };
    format!("{}{more}", names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", "))
}

/// Text that does not end a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

impl Verdicts {
    /// What is gained, or why nothing is, in one sentence.
    pub fn summary(&self) -> String {
        let Self { alerts, incidents, groups, .. } = self;
        let gain = self.trial.as_ref().map_or_else(String::new, |trial| {
            let [from, to] = [trial.average_precision.is, trial.average_precision_reranked.is];
            format!(", average precision {from:.2} to {to:.2} ({:+.2} to {:+.2})", trial.gain.low, trial.gain.high)
        });
        let left_out = self.left_out.as_ref().map_or_else(String::new, |why| format!("; left out: {why}"));
        format!("{alerts} judged alerts, {incidents} of them incidents, beside {groups} groups{gain}{left_out}")
    }

    fn write(&self, out: &mut String) {
        writeln!(out, "- verdicts: {}", self.summary()).unwrap_or_default();
        if let Some(trial) = &self.trial {
            out.push_str("\n| incidents among judged alerts and other groups, five-fold | by the score | re-ranked |\n|---|---|---|\n");
            for (name, before, after) in [
                ("average precision", trial.average_precision, trial.average_precision_reranked),
                ("area under the ROC curve", trial.roc_auc, trial.roc_auc_reranked),
            ] {
                writeln!(out, "| {name} | {before} | {after} |").unwrap_or_default();
            }
            out.push_str("\n| odd in | log-odds of an incident per nat |\n|---|---|\n");
            for Weight { of, log_odds } in &self.weights {
                writeln!(out, "| {of} | {log_odds:+.2} |").unwrap_or_default();
            }
        }
    }
}

/// How far each feature moved from `first` to `second`, in the order of [`Feature::ALL`].
///
/// The population stability index (Siddiqi: "Credit risk scorecards", 2006): the sum of `(q - p) ln(q / p)` over parts of
/// the numbers, here those of 0 and up to nine parts of the rest that are about equal in `first`.
pub(crate) fn shifts(first: &spread::Frozen, second: &spread::Frozen) -> Vec<Shift> {
    let tails = |frozen: &spread::Frozen| frozen.tails.clone();
    let (first, second) = (tails(first), tails(second));
    let both = first.chunks_exact(BINS).zip(second.chunks_exact(BINS));
    let moved = Feature::ALL.into_iter().zip(both);
    moved.map(|(feature, (p, q))| Shift { feature: feature.name(), psi: stability(p, q) }).collect()
}

/// The index of two distributions, each as the tails of its bins: a tail is `-ln` of the share at or above it.
fn stability(p: &[f32], q: &[f32]) -> f64 {
    let share = |tails: &[f32], bin: usize| tails.get(bin).map_or(0.0, |tail| f64::exp(-f64::from(*tail)));
    let positive = share(p, 0);
    let mut cuts = vec![0];
    let mut left = positive;
    for bin in 1..p.len() {
        if left - share(p, bin) >= positive / PARTS as f64 {
            cuts.push(bin);
            left = share(p, bin);
        }
    }
    let mut parts = vec![(1.0 - positive, 1.0 - share(q, 0))];
    for (at, from) in cuts.iter().enumerate() {
        let above = |tails: &[f32]| cuts.get(at + 1).map_or(0.0, |to| share(tails, *to));
        parts.push((share(p, *from) - above(p), share(q, *from) - above(q)));
    }
    let term = |(p, q): (f64, f64)| {
        let (p, q) = (p.max(LEAST_SHARE), q.max(LEAST_SHARE));
        (q - p) * (q / p).ln()
    };
    parts.into_iter().map(term).sum()
}
