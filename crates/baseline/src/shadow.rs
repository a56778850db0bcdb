//! A second model that judges beside the one in force and decides nothing, and how often the two agree.

use std::sync::Arc;

use tagwarden_core::{Entry, RuleHit, Shadow as Said, StateDelta};

use crate::features::Row;
use crate::hash::mix;
use crate::{Kind, Model};

pub(crate) const SPACE: &str = "shadow";

/// On how many changes the model in force and its shadow agreed that they stand out, each by a threshold of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Agreement {
    /// Above both thresholds.
    pub both: u64,
    /// Above that of what is in force only.
    pub in_force: u64,
    /// Above that of the shadow only.
    pub shadow: u64,
    /// Above none.
    pub neither: u64,
    /// The shadow's days have gone by: it scores no more.
    pub over: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Shadow {
    model: Arc<Model>,
    kind: Kind,
    /// A number of what is in force and of the shadow: what was counted of another pair does not count.
    pair: u64,
    days: u16,
    /// The day of the first change that it scored.
    began: Option<u16>,
    agreement: Agreement,
    dirty: bool,
}

impl Shadow {
    /// Beside what has scores of scale `in_force`, for so many days.
    pub(crate) fn new(model: Arc<Model>, kind: Kind, in_force: u64, days: u32) -> Self {
        let pair = mix(in_force, model.scale(kind));
        let days = u16::try_from(days).unwrap_or(u16::MAX);
        Self { model, kind, pair, days, began: None, agreement: Agreement::default(), dirty: false }
    }

    pub(crate) fn agreement(&self) -> Agreement {
        self.agreement
    }

    fn is_over(&self, today: u16) -> bool {
        self.began.is_some_and(|began| today >= began.saturating_add(self.days))
    }

    /// What it says of a change on which `hits` hit, by how rarely they did in the window of its model; `None` after its
    /// days.
    pub(crate) fn score(&self, today: u16, row: &Row, quiet: bool, hits: &[RuleHit]) -> Option<Said> {
        (!self.is_over(today)).then(|| self.said(self.model.score(self.kind, row, quiet, hits)))
    }

    fn said(&self, score: f64) -> Said {
        Said { score, percentile: self.model.reference(self.kind).percentile(score) }
    }

    /// Counts what was said of a change that stood out to what is `in_force`, or did not.
    pub(crate) fn learn(&mut self, today: u16, in_force: bool, said: Option<&Said>) {
        self.agreement.over = self.is_over(today);
        let Some(said) = said.filter(|_| !self.agreement.over) else { return };
        self.began.get_or_insert(today);
        let Agreement { both, in_force: alone, shadow, neither, .. } = &mut self.agreement;
        *match (in_force, said.score > self.model.threshold(self.kind)) {
            (true, true) => both,
            (true, false) => alone,
            (false, true) => shadow,
            (false, false) => neither,
        } += 1;
        self.dirty = true;
    }

    /// Takes back what was counted of the same two; what was counted of others is left alone.
    pub(crate) fn restore(&mut self, entry: &Entry) {
        let Some((pair, rest)) = entry.value.as_deref().and_then(|value| value.split_first_chunk::<8>()) else {
            return;
        };
        let Some((began, counts)) = rest.split_first_chunk::<2>() else { return };
        if let (true, &[both, in_force, shadow, neither]) =
            (u64::from_be_bytes(*pair) == self.pair, counts.as_chunks::<8>().0)
        {
            self.began = Some(u16::from_be_bytes(*began));
            let [both, in_force, shadow, neither] = [both, in_force, shadow, neither].map(u64::from_be_bytes);
            self.agreement = Agreement { both, in_force, shadow, neither, over: false };
        }
    }

    /// Adds what was counted, if it has changed since the last call.
    pub(crate) fn delta(&mut self, delta: &mut StateDelta) {
        if let (true, Some(began)) = (std::mem::take(&mut self.dirty), self.began) {
            let Agreement { both, in_force, shadow, neither, .. } = self.agreement;
            let mut value = self.pair.to_be_bytes().to_vec();
            value.extend(began.to_be_bytes());
            value.extend([both, in_force, shadow, neither].map(u64::to_be_bytes).as_flattened());
            delta.set(SPACE, [], value);
        }
    }
}
