//! Where the time goes: CPU by step, sampled so that asking does not cost what it measures.

use std::time::{Duration, Instant};

/// The steps of one record's way and of an epoch's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Step {
    Pull,
    Decode,
    Seen,
    Rules,
    Normalise,
    Enrich,
    Score,
    Judge,
    Write,
    Settle,
    Alert,
    Seal,
    Advance,
}

impl Step {
    /// All of them, in order.
    pub const ALL: [Self; 13] = [
        Self::Pull,
        Self::Decode,
        Self::Seen,
        Self::Rules,
        Self::Normalise,
        Self::Enrich,
        Self::Score,
        Self::Judge,
        Self::Write,
        Self::Settle,
        Self::Alert,
        Self::Seal,
        Self::Advance,
    ];

    /// The step's name in `cpu_by_step`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Decode => "decode",
            Self::Seen => "seen",
            Self::Rules => "rules",
            Self::Normalise => "normalise",
            Self::Enrich => "enrich",
            Self::Score => "score",
            Self::Judge => "judge",
            Self::Write => "write",
            Self::Settle => "settle",
            Self::Alert => "alert",
            Self::Seal => "seal",
            Self::Advance => "advance",
        }
    }
}

/// One record in so many is timed step by step. A prime, so that no rhythm of the input is followed.
const EVERY: u32 = 61;

/// Adds up time by step.
#[derive(Debug, Default)]
pub struct Meter {
    spent: [Duration; Step::ALL.len()],
    turn: u32,
    last: Option<Instant>,
}

impl Meter {
    /// Begins a record; every 61st is timed and stands for all 61.
    #[inline]
    pub fn record(&mut self) {
        self.turn += 1;
        if self.turn == EVERY {
            self.turn = 0;
            self.last = Some(Instant::now());
        } else {
            self.last = None;
        }
    }

    /// Ends a step of a record: the time since the last mark is its.
    #[inline]
    pub fn mark(&mut self, step: Step) {
        if let Some(last) = self.last {
            let now = Instant::now();
            self.spent[step as usize] += (now - last) * EVERY;
            self.last = Some(now);
        }
    }

    /// Adds a whole span, for steps that come once a batch or once an epoch.
    pub fn add(&mut self, step: Step, since: Instant) {
        self.spent[step as usize] += since.elapsed();
    }

    /// Seconds by step.
    pub fn seconds(&self) -> impl Iterator<Item = (&'static str, f64)> + '_ {
        Step::ALL.iter().map(|step| (step.name(), self.spent[*step as usize].as_secs_f64()))
    }
}
