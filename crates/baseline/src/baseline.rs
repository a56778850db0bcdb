//! Judges a change by what was learned before it, and learns from it afterwards.

use tagwarden_core::{Actor, Change, Enriched, Entry, Event, Scores, StateDelta};

use crate::Settings;

/// What is normal here, learned online. Its only clock is the events' time.
#[derive(Debug, Clone)]
pub struct Baseline {
    settings: Settings,
}

impl Baseline {
    /// Nothing learned yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Judges a change by the state before it; changes nothing that is remembered.
    pub fn score<'a>(
        &mut self,
        event: &Event<'a>,
        actor: &Actor<'a>,
        change: &Change<'a>,
        enriched: &Enriched<'a>,
        want_reasons: bool,
    ) -> Scores {
        let _ = (&self.settings, event, actor, change, enriched, want_reasons);
        Scores::default()
    }

    /// Learns from a change that was judged; `scores` are what [`score`](Self::score) said of it.
    pub fn learn<'a>(
        &mut self,
        event: &Event<'a>,
        actor: &Actor<'a>,
        change: &Change<'a>,
        enriched: &Enriched<'a>,
        scores: &Scores,
    ) {
        let _ = (&self.settings, event, actor, change, enriched, scores);
    }

    /// Takes back what [`delta`](Self::delta) gave out; entries in any order, other rooms' entries are left alone.
    pub fn restore(&mut self, entry: &Entry) {
        let _ = (&self.settings, entry);
    }

    /// Adds all that has changed since the last call, in spaces `count` and `reference`.
    pub fn delta(&mut self, delta: &mut StateDelta) {
        let _ = (&self.settings, delta);
    }
}
