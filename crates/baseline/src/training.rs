//! Gathers, in bounded memory, what a model is made of while history passes by, and makes it.
//!
//! The features' tails come from the baseline that judged the history. Beside them a sample of the changes is kept, from
//! which forest and core points are learned, and the highest changes of each of the last days, from which the threshold
//! comes. What belongs to incidents is given to nobody: not to the baseline, not here.

pub(crate) mod hours;
pub(crate) mod profiles;

use std::collections::{BTreeMap, BTreeSet};

use tagwarden_core::{Actor, Enriched, Event, RuleHit, Scores};

use crate::blend::{self, Oddest};
use crate::card::{self, Card};
use crate::dbscan::{self, CorePoints};
use crate::features::{Family, Row, as_f32};
use crate::forest::{self, Forest};
use crate::hash::mix;
use crate::matrix::{Matrix, MatrixError};
use crate::memo::Memo;
use crate::model::{About, Model};
use crate::peers::Peers;
use crate::rerank::{self, Example};
use crate::spread::{self, Spread};
use crate::tails::Tails;
use crate::{Kind, reference};
use hours::Hours;
use profiles::Profiles;

/// Changes kept to learn from, each drawn as likely: 34 MB at most.
const SAMPLE: usize = 1 << 17;
/// The last so many days without incidents give the threshold.
const LAST_DAYS: usize = 14;
/// Days whose highest changes are kept; those with incidents among them are left out at the end.
const DAYS_KEPT: usize = 28;
/// The highest changes of a day, by the score that they had when history was judged. Groups that may be told are a few.
const HIGHEST: usize = 1024;
/// Rows that groups are looked for in: as many core points at most, so that the nearest is quickly found.
const CROWD: usize = 1 << 13;
/// Rows whose distance to their neighbours is measured, and to their nearest core point.
const MEASURED: usize = 1 << 9;
const DISTANCES: usize = 1 << 14;
/// Neighbours of a core point: twice the number of columns (Sander, Ester, Kriegel, Xu: "Density-based clustering in
/// spatial databases", 1998).
const MIN_POINTS: usize = 2 * Family::COUNT;
/// The tolerance is what this share of the rows needs to have so many neighbours: the rest is noise.
const CROWDED: f64 = 0.95;
/// The least tolerance, in nats: closer than this, tails differ by chance.
const LEAST_TOLERANCE: f32 = 0.25;

/// Why no model was made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TrainingError {
    /// There is no reference in so little.
    #[error(
        "found {days} days with {changes} changes after the first three, want at least one with 300: give a longer window"
    )]
    TooLittle {
        /// Days with changes, without those that only settle.
        days: usize,
        /// Their changes.
        changes: u64,
    },
    /// The rows are none to learn from.
    #[error("forest: {0}")]
    Forest(#[from] forest::FitError),
    /// Likewise.
    #[error("groups: {0}")]
    Groups(#[from] dbscan::FitError),
    /// Likewise.
    #[error("tails: {0}")]
    Tails(#[from] MatrixError),
}

/// One change as it was measured.
#[derive(Debug, Clone)]
struct Taken {
    row: Row,
    quiet: bool,
    hits: Vec<RuleHit>,
}

/// A change that stood out when history was judged.
#[derive(Debug, Clone)]
struct High {
    score: f64,
    group: u64,
    /// Boxed, because a day's changes are sorted again and again.
    taken: Box<Taken>,
}

/// What is gathered.
#[derive(Debug, Clone)]
pub struct Training {
    seed: u64,
    alerts_per_day: f64,
    sample: Vec<Taken>,
    changes: u64,
    days: BTreeMap<u16, Vec<High>>,
    attacked: BTreeSet<u16>,
    profiles: Profiles,
    hours: Hours,
}

/// What one change gives, by the baseline that judged it.
pub(crate) struct Given<'g> {
    pub(crate) day: u16,
    /// Actor and hour.
    pub(crate) group: u64,
    pub(crate) row: &'g Row,
    pub(crate) quiet: bool,
    pub(crate) hits: &'g [RuleHit],
    pub(crate) scores: &'g Scores,
}

impl Training {
    /// Nothing gathered yet. The threshold will let so many groups (one actor within one hour) through per day, on
    /// average.
    pub fn new(seed: u64, alerts_per_day: f64) -> Self {
        let (sample, days, attacked) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        let (profiles, hours) = (Profiles::default(), Hours::default());
        Self { seed, alerts_per_day, sample, changes: 0, days, attacked, profiles, hours }
    }

    /// Notes that an event of this day (days since 1970) belongs to an incident: the day does not settle the threshold.
    pub fn attacked_on(&mut self, day: i64) {
        self.attacked.insert(u16::try_from(day.max(0)).unwrap_or(u16::MAX));
    }

    /// Counts what an actor did, once for each event.
    pub(crate) fn meet(&mut self, event: &Event<'_>, actor: &Actor<'_>, enriched: &Enriched<'_>) {
        self.profiles.add(event, actor, enriched);
    }

    /// Notes how odd a change was in its actor's hour; `first` of its event.
    pub(crate) fn note(&mut self, given: &Given<'_>, event: &Event<'_>, actor: &Actor<'_>, first: bool) {
        self.hours.add(given.group, event, actor, first, given.row);
    }

    pub(crate) fn take(&mut self, given: &Given<'_>) {
        self.changes += 1;
        let taken = || Taken { row: *given.row, quiet: given.quiet, hits: given.hits.to_vec() };
        // Vitter's algorithm R ("Random sampling with a reservoir", 1985).
        if self.sample.len() < SAMPLE {
            self.sample.push(taken());
        } else if let Some(slot) = self.sample.get_mut(draw(self.seed, self.changes)) {
            *slot = taken();
        }
        if given.scores.tails.is_none() {
            return;
        }
        let day = self.days.entry(given.day).or_default();
        day.push(High { score: given.scores.score, group: given.group, taken: Box::new(taken()) });
        if day.len() == 2 * HIGHEST {
            // A stable sort: of equal ones the first stays.
            day.sort_by(|a, b| b.score.total_cmp(&a.score));
            day.truncate(HIGHEST);
        }
        while self.days.len() > DAYS_KEPT {
            self.days.pop_first();
        }
    }

    /// Makes the model and its card; `verdicts` are judged alerts in the order in which they were opened. `threads`
    /// change only how long it takes.
    pub(crate) fn finish(
        self,
        spread: &Spread,
        about: About,
        verdicts: Option<&[Example]>,
        threads: usize,
    ) -> Result<(Model, Card), TrainingError> {
        let days = spread.days();
        let too_little = || TrainingError::TooLittle { days: days.len(), changes: self.changes };
        let frozen = spread.freeze_between(0, u16::MAX).ok_or_else(too_little)?;
        if self.sample.is_empty() {
            return Err(too_little());
        }
        let (mut sample, families) = measured(self.sample.iter(), &frozen);
        let rows = Matrix::new(families.as_flattened(), Family::COUNT)?;
        let settings = forest::Settings { seed: self.seed, ..forest::Settings::default() };
        let forest = Forest::fit(rows, &settings, threads)?;
        let mut of_forest = vec![0.0; families.len()];
        forest.score_batch(rows, threads, &mut of_forest)?;
        let forest_tails = Tails::fit(Matrix::new(&of_forest, 1)?)?;
        for (parts, score) in sample.iter_mut().zip(&of_forest) {
            parts.forest = forest_tails.tail(0, *score);
        }
        let core = crowds(&families)?;
        let mut said = Memo::new();
        let mut distance =
            |families: &[f32; Family::COUNT]| said.of(families, || core.nearest(families).map(|found| found.distance));
        let distances: Vec<Option<f32>> = spaced(&families, DISTANCES).map(&mut distance).collect();
        let known: Vec<f32> = distances.iter().map(|distance| distance.unwrap_or(0.0)).collect();
        let distance_tails = Tails::fit(Matrix::new(&known, 1)?)?;
        let distance_tail = |distance: Option<f32>| distance.map_or(0.0, |distance| distance_tails.tail(0, distance));
        for (parts, distance) in sample.iter_mut().step_by(step(families.len(), DISTANCES)).zip(distances) {
            parts.distance = distance_tail(distance);
        }
        let (peers, alone) = Peers::fit(&self.profiles)?;
        let odd_hours = self.hours.odd(&frozen)?;
        let (rerank, taught) = verdicts.map(|alerts| rerank::learn(alerts, &self.untold(&frozen), self.seed)).unzip();
        let rerank = rerank.flatten();
        let clean = self.clean_days();
        let highs = clean.iter().flat_map(|day| self.days.get(day).into_iter().flatten().map(|high| (*day, high)));
        let (mut of_highs, of_families) = measured(highs.clone().map(|(_, high)| &*high.taken), &frozen);
        let mut of_forest = vec![0.0; of_families.len()];
        forest.score_batch(Matrix::new(of_families.as_flattened(), Family::COUNT)?, threads, &mut of_forest)?;
        for ((parts, score), families) in of_highs.iter_mut().zip(of_forest).zip(&of_families) {
            (parts.forest, parts.distance) = (forest_tails.tail(0, score), distance_tail(distance(families)));
        }
        let scored = |parts: &Parts, families: &[f32; Family::COUNT], kind: Kind| {
            let score = parts.score(kind);
            let rerank = rerank.as_ref().filter(|_| kind == Kind::Blend);
            rerank.map_or(score, |rerank| rerank.score(score, families, parts.rules))
        };
        // The highest score of each group, by day and group.
        let groups = |kind: Kind| {
            let mut highest = BTreeMap::new();
            for (((day, high), parts), families) in highs.clone().zip(&of_highs).zip(&of_families) {
                let score = scored(parts, families, kind);
                let best = highest.entry((day, high.group)).or_insert(score);
                *best = score.max(*best);
            }
            highest
        };
        let may_tell = reference::may_tell(self.alerts_per_day, clean.len());
        let references = Kind::ALL.map(|kind| {
            // The distance takes longest, and its spread is known from fewer.
            let most = if kind == Kind::Dbscan { DISTANCES } else { SAMPLE };
            let scores = spaced(&sample, most).zip(spaced(&families, most));
            let groups = groups(kind).into_values().collect();
            reference::Frozen::of_scores(
                scores.map(|(parts, families)| scored(parts, families, kind)),
                groups,
                may_tell,
            )
        });
        let told = groups(Kind::Blend);
        let model = Model {
            about,
            spread: frozen,
            forest,
            forest_tails,
            core,
            distance_tails,
            peers,
            rerank,
            references,
            scale: 0,
        };
        let model = model.sealed();
        let halves = days
            .get(days.len() / 2)
            .and_then(|middle| Some((spread.freeze_between(0, *middle)?, spread.freeze_between(*middle, u16::MAX)?)));
        let shifts = halves.map_or_else(Vec::new, |(first, second)| card::shifts(&first, &second));
        let told = clean.iter().map(|day| {
            let loud =
                told.range((*day, 0)..=(*day, u64::MAX)).filter(|(_, score)| **score > model.threshold(Kind::Blend));
            (*day, loud.count())
        });
        let card = Card::new(&model, self.alerts_per_day, days.len(), self.sample.len(), told.collect(), shifts);
        Ok((model, Card { verdicts: taught, actors_alone: alone, odd_hours, ..card }))
    }

    /// The last days without incidents; if there are none, the last days.
    fn clean_days(&self) -> Vec<u16> {
        let last = |clean: bool| {
            let days = self.days.keys().rev().filter(|day| !clean || !self.attacked.contains(day));
            days.take(LAST_DAYS).copied().collect::<BTreeSet<u16>>().into_iter().collect::<Vec<_>>()
        };
        Some(last(true)).filter(|days| !days.is_empty()).unwrap_or_else(|| last(false))
    }

    /// The most unusual change of each group of the days kept, by day.
    fn untold(&self, frozen: &spread::Frozen) -> Vec<Example> {
        let mut highest: BTreeMap<(u16, u64), &High> = BTreeMap::new();
        for (day, high) in self.days.iter().flat_map(|(day, highs)| highs.iter().map(|high| (*day, high))) {
            let best = highest.entry((day, high.group)).or_insert(high);
            if high.score > best.score {
                *best = high;
            }
        }
        let example = |High { score, taken, .. }: &High| {
            let families = Oddest::of(&taken.row, frozen).families();
            let rules = blend::rules(&taken.hits, frozen);
            Example { incident: false, score: *score, families, rules }
        };
        highest.into_values().map(example).collect()
    }
}

/// What a change's score is put together from.
struct Parts {
    tails: f64,
    forest: f64,
    distance: f64,
    rules: f64,
    quiet: bool,
}

impl Parts {
    /// As [`crate::Baseline::score`] and [`crate::Baseline::add_rules`] have it.
    fn score(&self, kind: Kind) -> f64 {
        blend::score(kind, self.tails, self.forest, self.distance, self.quiet) + self.rules
    }
}

/// The parts of each change's score but for forest and distance, and its family tails, of which they come.
fn measured<'t>(
    all: impl Iterator<Item = &'t Taken>,
    frozen: &spread::Frozen,
) -> (Vec<Parts>, Vec<[f32; Family::COUNT]>) {
    let measured = all.map(|Taken { row, quiet, hits }| {
        let oddest = Oddest::of(row, frozen);
        let (tails, rules) = (oddest.sum(), blend::rules(hits, frozen));
        (Parts { tails, forest: 0.0, distance: 0.0, rules, quiet: *quiet }, oddest.families())
    });
    measured.unzip()
}

/// At most so many, from first to last at equal steps.
fn spaced<T>(all: &[T], most: usize) -> impl Iterator<Item = &T> {
    all.iter().step_by(step(all.len(), most))
}

fn step(all: usize, most: usize) -> usize {
    all.div_ceil(most).max(1)
}

/// A number below `of`, by which the `of`-th change takes a place or none.
fn draw(seed: u64, of: u64) -> usize {
    let drawn = (u128::from(mix(mix(seed, of), 0x7461_6b65)) * u128::from(of)) >> 64;
    usize::try_from(drawn).unwrap_or(usize::MAX)
}

/// The core points, with the tolerance that the rows themselves ask for: the distance within which [`CROWDED`] of them
/// have [`MIN_POINTS`] neighbours.
fn crowds(families: &[[f32; Family::COUNT]]) -> Result<CorePoints, TrainingError> {
    let rows: Vec<[f32; Family::COUNT]> = spaced(families, CROWD).copied().collect();
    let min_points = MIN_POINTS.min(rows.len());
    let mut needed: Vec<f32> = spaced(&rows, MEASURED).map(|row| reach(row, &rows, min_points)).collect();
    needed.sort_unstable_by(f32::total_cmp);
    let at = reference::may_tell(CROWDED, needed.len()).min(needed.len().saturating_sub(1));
    let tolerance = needed.get(at).copied().unwrap_or(0.0).max(LEAST_TOLERANCE);
    let settings = dbscan::Settings { tolerance, min_points };
    Ok(dbscan::fit(Matrix::new(rows.as_flattened(), Family::COUNT)?, &settings)?.core)
}

/// The distance within which a row has so many neighbours, itself included.
fn reach(row: &[f32; Family::COUNT], rows: &[[f32; Family::COUNT]], neighbours: usize) -> f32 {
    let squared = |other: &[f32; Family::COUNT]| row.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
    let mut all: Vec<f32> = rows.iter().map(squared).collect();
    let at = neighbours.saturating_sub(1).min(all.len().saturating_sub(1));
    if all.is_empty() { 0.0 } else { as_f32(f64::from(*all.select_nth_unstable_by(at, f32::total_cmp).1).sqrt()) }
}
