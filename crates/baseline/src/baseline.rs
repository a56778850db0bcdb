//! Judges a change by what was learned before it, and learns from it afterwards.

use tagwarden_core::{Actor, Change, Enriched, Entry, Event, Scores, StateDelta};

use crate::Settings;
use crate::features::{self, Feature};
use crate::hash::{mix, text};
use crate::reasons;
use crate::reference::{self, Reference};
use crate::surprisal;
use crate::table::{self, Table};

const HOUR: i64 = 3_600_000;

/// What is normal here, learned online. Its only clock is the events' time.
#[derive(Debug, Clone)]
pub struct Baseline {
    table: Table,
    reference: Reference,
    /// The features of the change judged last, so that learning from it need not judge again.
    judged: Vec<Feature>,
    /// The event and the place of that change; `None` once anything was learned after it.
    judged_for: Option<(u128, u32)>,
}

impl Baseline {
    /// Nothing learned yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            table: Table::new(settings.max_counters),
            reference: Reference::new(&settings),
            judged: Vec::new(),
            judged_for: None,
        }
    }

    /// Judges a change by the state before it; nothing that is remembered changes. Reasons cost more than all the
    /// rest, so they are written only if wanted.
    pub fn score<'a>(
        &mut self,
        event: &Event<'a>,
        actor: &Actor<'a>,
        change: &Change<'a>,
        enriched: &Enriched<'a>,
        want_reasons: bool,
    ) -> Scores {
        self.judge(event, actor, change, enriched);
        let (surprisal_sum, score) = surprisal::add_up(&self.judged);
        let today = self.reference.today(event.time.day());
        let reasons = if want_reasons {
            reasons::write(event, actor, enriched, &self.judged, &self.table, today)
        } else {
            Vec::new()
        };
        let threshold = self.reference.threshold(today);
        let frozen = self.reference.frozen(today);
        Scores {
            percentile: frozen.map(|frozen| frozen.percentile(score)),
            score,
            surprisal_sum,
            threshold,
            reasons,
            ..Scores::default()
        }
    }

    /// Learns from a change that was judged; `scores` are what [`score`](Self::score) said of it. What belongs to the
    /// call is learned with its first change (ordinal 0), what belongs to tags with each. An event of an older day
    /// counts for the newest day.
    pub fn learn<'a>(
        &mut self,
        event: &Event<'a>,
        actor: &Actor<'a>,
        change: &Change<'a>,
        enriched: &Enriched<'a>,
        scores: &Scores,
    ) {
        if self.judged_for != Some((event.key, change.ordinal)) {
            self.judge(event, actor, change, enriched);
        }
        self.judged_for = None;
        let today = self.reference.today(event.time.day());
        for feature in self.judged.iter().filter(|feature| change.ordinal == 0 || feature.kind.is_of_tag()) {
            surprisal::learn(&mut self.table, feature, today);
        }
        let hour = event.time.0.div_euclid(HOUR).cast_unsigned();
        if self.reference.learn(today, scores.score, mix(text(&actor.key), hour)) {
            self.table.make_room();
        }
        self.table.sweep_one();
    }

    fn judge(&mut self, event: &Event<'_>, actor: &Actor<'_>, change: &Change<'_>, enriched: &Enriched<'_>) {
        features::of_change(event, actor, &enriched.tags, &mut self.judged);
        for feature in &mut self.judged {
            feature.surprisal = surprisal::judge(&self.table, feature);
        }
        self.judged_for = Some((event.key, change.ordinal));
    }

    /// Takes back what [`delta`](Self::delta) gave out, into a fresh baseline, in any order. Entries of other spaces
    /// are left alone.
    pub fn restore(&mut self, entry: &Entry) {
        self.judged_for = None;
        match entry.space.as_ref() {
            table::SPACE => self.table.restore(entry),
            reference::SPACE => self.reference.restore(entry),
            _ => {}
        }
    }

    /// Adds all that has changed since the last call, in spaces `count` and `reference`.
    pub fn delta(&mut self, delta: &mut StateDelta) {
        self.table.delta(delta);
        self.reference.delta(delta);
    }
}
