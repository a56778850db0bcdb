//! What is to be simulated: the few numbers everything else follows from.

use serde::Serialize;

use crate::calendar::{Day, HOUR};

/// What to simulate. The same spec gives the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Spec {
    /// Names the company: its shape, words, habits and accidents. By agreement seeds 0 to 9 are the worlds that detection
    /// may be designed on, and 10 to 19 those that only give numbers.
    pub seed: u64,
    /// How many days, the first included.
    pub days: u32,
    /// The first day (UTC).
    pub start: Day,
    /// Events on an average day; working days have more, weekends fewer. A load generator sets it high.
    pub events_per_day: u32,
    /// Whether incidents and their benign twins happen at all.
    pub incidents: bool,
    /// All incidents on the last day within one stretch ([`Spec::showcase_ms`]), one of each kind, between twins.
    pub showcase: bool,
}

impl Spec {
    /// A month-like spec: start on 2026-01-05, 900 events a day, with incidents.
    pub fn new(seed: u64, days: u32) -> Self {
        Self { seed, days, start: Day::from_civil(2026, 1, 5), events_per_day: 900, incidents: true, showcase: false }
    }

    /// The first day on which an incident may happen: half-way, after at least 14 days if there are 21 or more.
    /// In a showcase it is the last day.
    pub fn test_start(&self) -> Day {
        let half = self.days / 2;
        let learning = match (self.showcase, self.days) {
            (true, days) => days.saturating_sub(1),
            (false, 21..) => half.max(14),
            (false, _) => half,
        };
        self.start.plus(i64::from(learning))
    }

    /// The day after the last one.
    pub fn end(&self) -> Day {
        self.start.plus(i64::from(self.days))
    }

    /// From when to when the showcase plays, in milliseconds since 1970 UTC; `None` without one.
    pub fn showcase_ms(&self) -> Option<(i64, i64)> {
        let day = self.end().plus(-1).start_ms();
        self.showcase.then_some((day + 15 * HOUR, day + 16 * HOUR))
    }
}

/// The demonstration: three weeks to learn from, then a day with one incident of each kind within one hour.
pub fn demo_spec() -> Spec {
    Spec { events_per_day: 1_400, showcase: true, ..Spec::new(42, 23) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learning_is_half_the_days_and_at_least_two_weeks() {
        let learning = |days| {
            let spec = Spec::new(1, days);
            (spec.test_start().start_ms() - spec.start.start_ms()) / (24 * HOUR)
        };
        assert_eq!([1, 8, 20, 21, 27, 30, 60].map(learning), [0, 4, 10, 14, 14, 15, 30]);
        assert_eq!(demo_spec().test_start(), demo_spec().end().plus(-1));
    }

    #[test]
    fn the_demo_plays_on_a_working_day() {
        assert!(!demo_spec().end().plus(-1).is_weekend());
    }
}
