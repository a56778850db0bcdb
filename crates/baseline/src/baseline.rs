//! Judges a change by what was learned before it, and learns from it afterwards.

mod memory;

use std::hint::black_box;
use std::sync::Arc;

use tagwarden_core::{Actor, Change, Enriched, Event, NetworkClass, Parts, RuleHit, Scores, TagOp};

use crate::actors::{self, AccessKey, Deed};
use crate::blend::{self, Oddest};
use crate::card::{self, Card, Shift};
use crate::dbscan::Nearest;
use crate::features::{self, Family, Feature, Lookups, Place, Program, Programs, Row, Whom};
use crate::governed::Governed;
use crate::hash::{mix, text};
use crate::heard::{self, Heard};
use crate::memo::Memo;
use crate::model::{About, Model, OfForest};
use crate::profile::{self, Profile};
use crate::reasons::{self, Scene};
use crate::reference::Reference;
use crate::rerank::Example;
use crate::shadow::{Agreement, Shadow};
use crate::slots::Slots;
use crate::spread::{self, Spread};
use crate::surprisal;
use crate::table::Table;
use crate::training::{Given, Training, TrainingError};
use crate::{Kind, Settings};

const HOUR: i64 = 3_600_000;
/// Actors and access keys remembered.
const MOST_ACTORS: usize = 20_000;
const MOST_KEYS: usize = 50_000;
/// Actors counted that no model knows.
const MOST_NEWCOMERS: usize = 4096;
const BEGAN: &str = "began";

/// What is normal here, learned online. Its only clock is the events' time.
#[derive(Debug, Clone)]
pub struct Baseline {
    table: Table,
    actors: Slots<actors::Actor>,
    keys: Slots<AccessKey>,
    /// What actors do that the model in force does not know.
    newcomers: Slots<Profile>,
    heard: Heard,
    spread: Spread,
    reference: Reference,
    governed: Governed,
    kind: Kind,
    model: Option<Arc<Model>>,
    shadow: Option<Shadow>,
    shadow_days: u32,
    /// What the model said of rows.
    of_forest: Memo<OfForest>,
    of_crowds: Memo<Option<Nearest>>,
    of_shares: Memo<[f64; Family::COUNT]>,
    /// The time of the first event of all, and whether it has been handed out.
    began: Option<i64>,
    began_dirty: bool,
    programs: Programs,
    judged: Judged,
}

/// The change judged last, so that learning from it need not judge again, and the call that it belongs to.
#[derive(Debug, Clone, Default)]
struct Judged {
    /// The event's key; what was measured of the call holds for all its changes.
    call: Option<u128>,
    /// The ordinal of the change, until something is learned.
    change: Option<u32>,
    whom: Whom,
    of_call: Row,
    row: Row,
    /// What is odd about the row, once it was asked for.
    oddest: Option<Oddest>,
    lookups: Lookups,
    deed: Deed,
    /// The access key, if there is one, and how the call uses it or what it gives out.
    key: Option<(Option<u64>, AccessKey)>,
    quiet: bool,
    /// The call is a read like one that was learned from.
    known: bool,
}

impl Judged {
    /// What is odd about the row under `frozen`, which stays the same for all that is asked of one change.
    fn oddest(&mut self, frozen: &spread::Frozen) -> Oddest {
        *self.oddest.get_or_insert_with(|| Oddest::of(&self.row, frozen))
    }
}

impl Baseline {
    /// Nothing learned yet. `governed` are the tag keys on which more than a name hangs.
    pub fn new(settings: Settings, governed: Governed) -> Self {
        Self {
            table: Table::new(settings.max_counters),
            actors: Slots::new("actor", MOST_ACTORS),
            keys: Slots::new("access_key", MOST_KEYS),
            newcomers: Slots::new("profile", MOST_NEWCOMERS),
            heard: Heard::default(),
            spread: Spread::new(settings.reference_days),
            reference: Reference::new(&settings),
            governed,
            kind: settings.kind,
            model: None,
            shadow: None,
            shadow_days: settings.shadow_days,
            of_forest: Memo::default(),
            of_crowds: Memo::default(),
            of_shares: Memo::default(),
            began: None,
            began_dirty: false,
            programs: Programs::default(),
            judged: Judged::default(),
        }
    }

    /// The groups a day that may lie above the threshold.
    pub fn alerts_per_day(&self) -> f64 {
        self.reference.alerts_per_day()
    }

    /// From now on judges by `model`: its tails, its forest, its crowds; its threshold until there are reference days
    /// under it. While too little was learned here for what is new to say something, nothing is judged.
    pub fn judge_by(&mut self, model: Arc<Model>) {
        self.reference.rescale(model.scale(self.kind), model.reference(self.kind).clone());
        self.model = Some(model);
        (self.of_forest, self.of_crowds, self.of_shares) = (Memo::new(), Memo::new(), Memo::new());
    }

    /// From now on `model` scores beside what is in force, and decides nothing: for [`Settings::shadow_days`] from the
    /// first change that it scores. Asked for before anything is restored.
    pub fn shadow_by(&mut self, model: Arc<Model>) {
        let days = self.shadow_days;
        self.shadow = (days > 0).then(|| Shadow::new(model, self.kind, self.reference.scale(), days));
    }

    /// How often what is in force and the shadow agreed so far; `None` without a shadow.
    pub fn agreement(&self) -> Option<Agreement> {
        self.shadow.as_ref().map(Shadow::agreement)
    }

    /// Judges a change by the state before it, its rule hits left aside; nothing that is remembered changes.
    pub fn score(
        &mut self,
        event: &Event<'_>,
        actor: &Actor<'_>,
        change: &Change<'_>,
        enriched: &Enriched<'_>,
    ) -> Scores {
        self.judge(event, actor, change, enriched);
        let surprisal_sum = self.judged.lookups.all().map(|lookup| lookup.surprisal.plain).sum();
        let today = self.reference.today(event.time.day());
        let model = self.model.as_deref();
        let Some(frozen) = in_force(&mut self.spread, model, today) else {
            return Scores { surprisal_sum, ..Scores::default() };
        };
        let oddest = self.judged.oddest(frozen);
        let (tails, families) = (oddest.sum(), oddest.families());
        let forest = model.map(|model| self.of_forest.of(&families, || model.forest(&families)));
        let forest_score = forest.map(|of| of.score);
        let mut scores =
            Scores { tails: Some(tails), forest: forest_score, families, surprisal_sum, ..Scores::default() };
        let mut distance = 0.0;
        if let (Kind::Dbscan, Some(model)) = (self.kind, model) {
            distance = crowd(model, &mut self.of_crowds, &families, &mut scores);
        }
        scores.score = blend::score(self.kind, tails, forest.map_or(0.0, |of| of.tail), distance, self.judged.quiet);
        self.rank(today, &mut scores);
        let Judged { row, quiet, .. } = &self.judged;
        scores.shadow = self.shadow.as_ref().and_then(|shadow| shadow.score(today, row, *quiet, &[]));
        scores
    }

    /// Adds what the rules say to the scores of an event at `time` in days, and ranks them anew.
    pub fn add_rules(&mut self, day: i64, hits: &[RuleHit], scores: &mut Scores) {
        let today = self.reference.today(day);
        if hits.is_empty() {
            return;
        }
        if let Some(frozen) = in_force(&mut self.spread, self.model.as_deref(), today) {
            scores.rules = blend::rules(hits, frozen);
            scores.score += scores.rules - scores.rerank;
            self.rank(today, scores);
        }
        if scores.shadow.is_some() {
            let Judged { row, quiet, .. } = &self.judged;
            scores.shadow = self.shadow.as_ref().and_then(|shadow| shadow.score(today, row, *quiet, hits));
        }
    }

    /// Takes in what verdicts say, of which the score has nothing yet, and ranks by it.
    fn rank(&mut self, today: u16, scores: &mut Scores) {
        if let Some(rerank) = self.model.as_deref().and_then(|model| model.rerank(self.kind)) {
            let score = rerank.score(scores.score, &scores.families, scores.rules);
            scores.rerank = score - scores.score;
            scores.score = score;
        }
        scores.threshold = self.reference.threshold(today);
        scores.percentile = self.reference.frozen(today).map(|frozen| frozen.percentile(scores.score));
    }

    /// Why the change judged last stands out, in words, most telling first. Costs more than all the rest, so it is asked
    /// only of what somebody will read.
    pub fn reasons(
        &mut self,
        event: &Event<'_>,
        actor: &Actor<'_>,
        change: &Change<'_>,
        enriched: &Enriched<'_>,
    ) -> (Vec<String>, usize) {
        if self.judged.call != Some(event.key) || self.judged.change != Some(change.ordinal) {
            self.judge(event, actor, change, enriched);
        }
        let today = self.reference.today(event.time.day());
        let Some(frozen) = in_force(&mut self.spread, self.model.as_deref(), today) else { return (Vec::new(), 0) };
        let oddest = self.judged.oddest(frozen);
        let by_family = self.parts_of(&oddest, 0.0).by_family();
        let (known, deed) = (self.actors.get(self.judged.whom.actor), &self.judged.deed);
        let (table, governed) = (&self.table, &self.governed);
        let scene = Scene { event, actor, change, enriched, table, today, known, deed, governed };
        reasons::write(&scene, &self.judged.lookups, &self.judged.row, &oddest, &by_family)
    }

    /// Takes the score of the change judged last apart, rules and verdicts included. Costs another walk down the forest.
    pub fn take_apart(&mut self, scores: &mut Scores) {
        let Some(oddest) = self.judged.oddest else { return };
        let distance = self.model.as_deref().zip(scores.peer_distance);
        let distance = distance.map_or(0.0, |(model, distance)| model.distance_tail(features::as_f32(distance)));
        let parts = self.parts_of(&oddest, distance);
        scores.parts = Some(Parts { rules: scores.rules, rerank: scores.rerank, ..parts });
    }

    /// What the score of the change judged last is the sum of before rules and verdicts.
    fn parts_of(&mut self, oddest: &Oddest, distance: f64) -> Parts {
        let families = oddest.families();
        let (forest, shares) = self.model.as_deref().map_or_else(Default::default, |model| {
            let forest = self.of_forest.of(&families, || model.forest(&families)).tail;
            (forest, self.of_shares.of(&families, || model.shares(&families)))
        });
        blend::parts(self.kind, oddest, forest, &shares, distance, self.judged.quiet)
    }

    /// Says how far the change judged last is from the model's crowds, and who does the same job as its actor. The first
    /// costs as much as all scores, so it too is asked only of what somebody will read.
    pub fn peers(&mut self, scores: &mut Scores) {
        let Some(model) = self.model.as_deref().filter(|_| scores.tails.is_some()) else { return };
        if scores.peer_distance.is_none() {
            let families = scores.families;
            crowd(model, &mut self.of_crowds, &families, scores);
        }
        let actor = self.judged.whom.actor;
        scores.peer_group = model.peers.of(actor, self.newcomers.get(actor)).map(|group| group.name.clone());
    }

    /// Gives the change judged last to a training, before it is learned from.
    pub fn train(
        &self,
        into: &mut Training,
        event: &Event<'_>,
        actor: &Actor<'_>,
        enriched: &Enriched<'_>,
        hits: &[RuleHit],
        scores: &Scores,
    ) {
        let day = self.reference.today(event.time.day());
        let Judged { row, quiet, known, change, .. } = &self.judged;
        let first = *change == Some(0);
        // Reads that come again are archived or not: the same must come of both.
        if first && !known {
            into.meet(event, actor, enriched);
        }
        if self.spread.is_settled(day) {
            let given = Given { day, group: group(event, actor), row, quiet: *quiet, hits, scores };
            into.take(&given);
            if !known {
                into.note(&given, event, actor, first);
            }
        }
    }

    /// Makes a model of what was gathered while this baseline judged and learned, and its card. `verdicts` are judged
    /// alerts in the order in which they were opened.
    ///
    /// # Errors
    /// [`TrainingError`] if there was too little.
    pub fn trained(
        &self,
        training: Training,
        about: About,
        verdicts: Option<&[Example]>,
        threads: usize,
    ) -> Result<(Model, Card), TrainingError> {
        training.finish(&self.spread, about, verdicts, threads)
    }

    /// How far each feature moved from the model's window to what was learned here; empty while that is too little.
    pub fn shifts(&self, model: &Model) -> Vec<Shift> {
        self.spread.freeze_between(0, u16::MAX).map_or_else(Vec::new, |now| card::shifts(&model.spread, &now))
    }

    /// Whether an event is a read like one that was learned from within four hours: learning from it changes nothing.
    /// `secret` is the `resource_id` of its change if it reads a secret, else empty.
    pub fn knows(&self, event: &Event<'_>, secret: &str) -> bool {
        self.heard.knows(event, secret)
    }

    /// Learns from a change that was judged; `hits` are the rules that hit and `scores` what was said of it. What belongs
    /// to the call is learned with its first change (ordinal 0), what belongs to the resource with each. An event of an
    /// older day counts for the newest day.
    pub fn learn(
        &mut self,
        event: &Event<'_>,
        actor: &Actor<'_>,
        change: &Change<'_>,
        enriched: &Enriched<'_>,
        hits: &[RuleHit],
        scores: &Scores,
    ) {
        if self.judged.call != Some(event.key) || self.judged.change != Some(change.ordinal) {
            self.judge(event, actor, change, enriched);
        }
        (self.judged.change, self.judged.oddest) = (None, None);
        if self.judged.known {
            return;
        }
        let today = self.reference.today(event.time.day());
        let first = change.ordinal == 0;
        self.heard.note(event, heard::secret(change));
        let Judged { lookups, row, deed, key, whom, .. } = &self.judged;
        for lookup in lookups.of_call.iter().filter(|_| first).chain(&lookups.of_change) {
            surprisal::learn(&mut self.table, lookup, today);
        }
        self.actors.of(whom.actor).learn(deed, row);
        if first && self.model.as_deref().is_some_and(|model| !model.peers.knows(whom.actor)) {
            self.newcomers.of(whom.actor).add(&profile::Deed::of(event, actor, enriched), event.time.0);
        }
        if let (Some((id, now)), true) = (key, first) {
            if let Some(known) = id.map(|id| self.keys.of(id)) {
                if known.first == 0 {
                    *known = now.clone();
                }
                known.last = known.last.max(now.last);
            }
            if let Some(issued) = issued(event) {
                *self.keys.of(text(&issued)) = AccessKey { first: now.first, ..now.clone() };
            }
        }
        if self.began.is_none() {
            (self.began, self.began_dirty) = (Some(event.time.0), true);
        }
        self.spread.learn(today, row, first, hits.iter().map(|hit| hit.id.as_ref()));
        if let Some(shadow) = &mut self.shadow {
            // Model against model, as each was trained: days of the worker's own would tell them apart.
            let threshold = match &self.model {
                Some(model) => Some(model.threshold(self.kind)),
                None => self.reference.frozen(today).map(|frozen| frozen.threshold),
            };
            let stands_out = threshold.is_some_and(|threshold| scores.score > threshold);
            shadow.learn(today, stands_out, scores.shadow.as_ref());
        }
        if scores.tails.is_some() && self.reference.learn(today, scores.score, group(event, actor)) {
            self.table.make_room();
        }
        self.table.sweep_one();
    }

    fn judge(&mut self, event: &Event<'_>, actor: &Actor<'_>, change: &Change<'_>, enriched: &Enriched<'_>) {
        let judged = &mut self.judged;
        let place = Place::of(event, enriched);
        let began = self.began.unwrap_or(event.time.0);
        if judged.call != Some(event.key) {
            judged.call = Some(event.key);
            judged.known = self.heard.knows(event, heard::secret(change));
            judged.whom = Whom::of(actor);
            let program = self.programs.of(event.user_agent.as_deref().unwrap_or(""));
            judged.lookups.call(event, actor, judged.whom, place, program);
            judged.of_call = Row::default();
            measure(&self.table, &mut judged.lookups.of_call, &mut judged.of_call);
            judged.deed = Deed::of_call(event, actor);
            judged.key = key(event, actor, judged.deed.network, program);
            let known = self.actors.get(judged.whom.actor);
            if let Some((Some(id), now)) = &judged.key {
                let long_lived = actor.access_key_id.as_deref().is_some_and(|id| id.starts_with("AKIA"));
                AccessKey::measure(self.keys.get(*id), now, long_lived, began, &mut judged.of_call);
            }
            actors::Actor::measure_call(known, &judged.deed, began, &mut judged.of_call);
        }
        judged.change = Some(change.ordinal);
        (judged.row, judged.oddest) = (judged.of_call, None);
        judged.lookups.change(event, actor, change, enriched, judged.whom, place);
        measure(&self.table, &mut judged.lookups.of_change, &mut judged.row);
        judged.quiet = features::quiet(event, change);
        let governed = self.governed.weight(enriched);
        let rewrites = enriched.tags.iter().any(|tag| {
            matches!(tag.op, TagOp::Modified | TagOp::Removed) && tag.old != tag.new && self.governed.holds(&tag.key)
        });
        judged.deed.first = change.ordinal == 0;
        judged.deed.resource = text(change.resource_arn.as_deref().unwrap_or(&change.resource_id));
        judged.deed.rewrite = rewrites;
        actors::Actor::measure_amounts(self.actors.get(judged.whom.actor), &judged.deed, &mut judged.row);
        let harm = features::harm(change, enriched);
        judged.row.raise(Feature::Harm, harm);
        if matches!(enriched.environment.as_deref(), Some("prod" | "security" | "shared")) {
            judged.row.raise(Feature::ProductionHarm, harm);
        }
        if judged.deed.human {
            judged.row.raise(Feature::Governed, governed);
        }
    }
}

/// The tails that a change is judged by: the model's, once what is new here says something; without a model those of
/// the days before.
fn in_force<'a>(spread: &'a mut Spread, model: Option<&'a Model>, today: u16) -> Option<&'a spread::Frozen> {
    match model {
        Some(model) => spread.is_settled(today).then_some(&model.spread),
        None => spread.frozen(today),
    }
}

/// Notes how far the nearest crowd is, and says how rare it is to be as far from all.
fn crowd(model: &Model, said: &mut Memo<Option<Nearest>>, families: &[f32; Family::COUNT], scores: &mut Scores) -> f64 {
    let Some(nearest) = said.of(families, || model.nearest(families)) else { return 0.0 };
    scores.peer_distance = Some(nearest.distance.into());
    model.distance_tail(nearest.distance)
}

/// One actor within one hour.
fn group(event: &Event<'_>, actor: &Actor<'_>) -> u64 {
    mix(text(&actor.key), event.time.0.div_euclid(HOUR).cast_unsigned())
}

/// Looks each value up and raises its feature by what exceeds the ordinary.
fn measure(table: &Table, lookups: &mut [features::Lookup], row: &mut Row) {
    // Nearly each counter is a cache miss. Asked for all at once, they are waited for together.
    let touch =
        |all, features::Lookup { narrow: (context, value), .. }: &_| all ^ table.touch(*context) ^ table.touch(*value);
    black_box(lookups.iter().fold(0, touch));
    for lookup in lookups {
        lookup.surprisal = surprisal::judge(table, lookup);
        let odd = match lookup.feature {
            // Odd is only a value that is new beside one that looks the same.
            Feature::NearMiss => surprisal::beside(table, lookup),
            _ => lookup.surprisal.beyond,
        };
        row.raise(lookup.feature, odd);
    }
}

/// The access key of the call, and where and with what it is used; none for what AWS does by itself.
fn key(event: &Event<'_>, actor: &Actor<'_>, network: u64, program: Program) -> Option<(Option<u64>, AccessKey)> {
    let by_aws = actor.network == Some(NetworkClass::Service) || event.identity.invoked_by.is_some();
    let used = AccessKey {
        first: event.time.0,
        last: event.time.0,
        network,
        address: text(event.source_ip.as_deref().unwrap_or("")),
        tool: program.tool,
    };
    // A sign-in has no key yet, but issues one.
    let id = actor.access_key_id.as_deref().filter(|id| !id.is_empty());
    (!by_aws).then(|| (id.map(text), used))
}

/// The access key that the call gave out.
fn issued<'a>(event: &Event<'a>) -> Option<std::borrow::Cow<'a, str>> {
    event.response?.at(&["credentials", "accessKeyId"])?.str()
}
