//! Past events through the stages of a worker, to learn from: nothing is archived, nobody is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Result;
use tagwarden_baseline::{About, Baseline, Card, Example, Model, Settings, Training};
use tagwarden_core::{Actor, Assessment, Enriched, Event, RuleHit, Timestamp};
use tagwarden_engine::stages::{Decode, Stages};

use super::{Detection, EventDecoder, Recipe};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The stages of a worker, and what is gathered while events pass them.
pub struct Learner {
    decoder: EventDecoder,
    detection: Detection,
    training: Training,
    /// Events learned from, and those left out.
    pub events: u64,
    pub excluded: u64,
    pub changes: u64,
    /// Events whose bytes can't be read any more.
    pub unreadable: u64,
    hits: Vec<RuleHit>,
    /// By day, the actors and hours with a change above the threshold; days that were ranked are there with none.
    told: BTreeMap<i64, BTreeSet<(String, i64)>>,
}

impl Learner {
    /// From the recipe of a worker; tails are of all days of a window, `window_days` long.
    pub fn new(recipe: &Recipe, seed: u64, window_days: u32) -> Result<Self> {
        let mut alerts_per_day = Settings::default().alerts_per_day;
        let detection = Detection::build_with(recipe, |settings| {
            alerts_per_day = settings.alerts_per_day;
            let reference_days = window_days.max(settings.reference_days);
            // Whatever is to score later, history is judged by what was known at its time.
            Settings { reference_days, kind: tagwarden_baseline::Kind::Blend, ..settings }
        })?;
        let training = Training::new(seed, alerts_per_day);
        let (decoder, hits) = (EventDecoder::default(), Vec::new());
        let told = BTreeMap::new();
        Ok(Self { decoder, detection, training, events: 0, excluded: 0, changes: 0, unreadable: 0, hits, told })
    }

    /// Takes one event in, as received. One that `is_incident` knows by its id is no part of what is learned; what it did
    /// to resources is remembered all the same, as it is what later events find.
    pub fn learn(&mut self, raw: &[u8], is_incident: impl Fn(&str) -> bool) {
        let Self { decoder, detection, training, hits, told, .. } = self;
        // Archived events have been through this: what was ahead of the clock then is not now.
        let Ok(event) = decoder.decode(raw, Timestamp(i64::MAX / 2)) else {
            self.unreadable += 1;
            return;
        };
        let incident = is_incident(&event.id);
        if incident {
            self.excluded += 1;
            training.attacked_on(event.time.day());
        } else {
            self.events += 1;
        }
        detection.feed(&event);
        hits.clear();
        detection.event_rules(&event, hits);
        self.changes += one(detection, training, told, &event, hits, incident);
    }

    /// Groups (one actor within one hour) above the threshold, by date; without dates before there was one.
    pub fn told(&self) -> BTreeMap<String, usize> {
        self.told.iter().map(|(day, groups)| (Timestamp(day * DAY_MS).date(), groups.len())).collect()
    }

    /// The model and its card, with what judged alerts teach, in the order in which they were opened.
    pub fn finish(self, about: About, verdicts: Option<&[Example]>, threads: usize) -> Result<(Model, Card)> {
        Ok(self.detection.baseline.trained(self.training, about, verdicts, threads)?)
    }

    /// The baseline as the events left it.
    pub fn baseline(&self) -> &Baseline {
        &self.detection.baseline
    }
}

/// A model in the making while a worker's stages judge: from the events before a time, for those from it on.
pub struct Lesson {
    until: Timestamp,
    seed: u64,
    training: Training,
    events: u64,
    changes: u64,
    first: Option<Timestamp>,
}

impl Lesson {
    /// Gathers one change, before it is learned.
    pub fn take(
        &mut self,
        baseline: &Baseline,
        event: &Event<'_>,
        actor: &Actor<'_>,
        enriched: &Enriched<'_>,
        assessment: &Assessment,
    ) {
        baseline.train(&mut self.training, event, actor, enriched, &assessment.hits, &assessment.scores);
        self.first.get_or_insert(event.time);
        self.changes += 1;
    }
}

impl Detection {
    /// From `until` on judges by a model of what came before it, as `train` would make it then.
    pub fn teach_until(&mut self, until: Timestamp, seed: u64) {
        let training = Training::new(seed, self.baseline.alerts_per_day());
        self.lesson = Some(Lesson { until, seed, training, events: 0, changes: 0, first: None });
    }

    /// Takes the model into use once its time has come. Too little to make one of leaves judging as it was.
    pub fn end_lesson(&mut self, now: Timestamp) {
        let Some(lesson) = &mut self.lesson else { return };
        if now < lesson.until {
            lesson.events += 1;
            return;
        }
        if let Some(Lesson { until, seed, training, events, changes, first }) = self.lesson.take() {
            let from = first.map_or(until.0, |first| first.0);
            let about = About { from, to: until.0, events, changes, excluded: 0, seed, data: [0; 32] };
            if let Ok((model, _)) = self.baseline.trained(training, about, None, 1) {
                self.baseline.judge_by(Arc::new(model));
            }
        }
    }
}

/// Judges and learns the changes of one event; gives how many were learned from.
fn one(
    detection: &mut Detection,
    training: &mut Training,
    told: &mut BTreeMap<i64, BTreeSet<(String, i64)>>,
    event: &Event<'_>,
    hits: &[RuleHit],
    incident: bool,
) -> u64 {
    let mut changes = Vec::new();
    detection.normalise(event, &mut changes);
    let actor = detection.actor(event);
    for change in &changes {
        let enriched = detection.enrich(event, &actor, change);
        if incident {
            detection.enricher.apply(event, change);
            continue;
        }
        let scores = detection.score(event, &actor, change, &enriched);
        let row = tagwarden_detect::RowParts { event, actor: &actor, change, enriched: &enriched };
        let baseline = &mut detection.baseline;
        // Nobody will read it, so nothing is put into words.
        let assessment =
            detection.judge.judge(row, hits, scores, |hits, scores| baseline.add_rules(event.time.day(), hits, scores));
        baseline.train(training, event, &actor, &enriched, &assessment.hits, &assessment.scores);
        if assessment.scores.threshold.is_some()
            && told.last_key_value().is_none_or(|(last, _)| *last < event.time.day())
        {
            told.insert(event.time.day(), BTreeSet::new());
        }
        if assessment.anomalous {
            told.entry(event.time.day()).or_default().insert((actor.key.clone(), event.time.0.div_euclid(HOUR_MS)));
        }
        detection.settle(event, &actor, change, &enriched, &assessment);
    }
    if incident { 0 } else { changes.len() as u64 }
}
