//! When things are told: follow-ups, digests, waits between tries. Times are milliseconds of the delivery clock.

use std::time::Duration;

use tagwarden_core::Timestamp;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Steps after the opening at which news is told; afterwards every last one.
const STEPS: [i64; 3] = [15 * MINUTE, HOUR, 6 * HOUR];

/// How long events that come late are collected before they are told.
const COLLECT: i64 = 15 * MINUTE;

/// When news at `now` is told, of an alert told at `opened` first and at `told` last.
pub(crate) fn follow_up(opened: Timestamp, told: Timestamp, now: Timestamp) -> Timestamp {
    let step = STEPS.iter().map(|step| opened.0 + step).find(|at| *at > now.0 && *at > told.0);
    Timestamp(step.unwrap_or_else(|| now.0.max(told.0 + 6 * HOUR)))
}

/// The next time after `now` that it is `hour` o'clock UTC.
pub(crate) fn daily(now: Timestamp, hour: u8) -> Timestamp {
    let today = now.0 - now.of_day() + i64::from(hour) * HOUR;
    Timestamp(if today > now.0 { today } else { today + DAY })
}

/// When a digest of late events leaves: soon, but one day after the one before it.
pub(crate) fn late(now: Timestamp, before: Option<Timestamp>) -> Timestamp {
    let soon = now.0 + COLLECT;
    Timestamp(before.map_or(soon, |before| soon.max(before.0 + DAY)))
}

/// The wait after the `tries`-th failed try in a row: doubling from a second to a minute, or what was asked for.
pub(crate) fn backoff(tries: u32, asked: Option<Duration>) -> Duration {
    // An hour is the longest wait that a destination may ask for: a typo there must not silence it for good.
    asked.map_or_else(
        || Duration::from_secs((1 << tries.saturating_sub(1).min(6)).min(60)),
        |asked| asked.min(Duration::from_hours(1)),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tagwarden_core::Timestamp;

    use super::{DAY, HOUR, MINUTE, backoff, daily, follow_up, late};

    fn at(ms: i64) -> Timestamp {
        Timestamp(ms)
    }

    #[test]
    fn news_is_told_at_the_next_step() {
        assert_eq!(follow_up(at(0), at(0), at(MINUTE)), at(15 * MINUTE));
        assert_eq!(follow_up(at(0), at(0), at(15 * MINUTE - 1)), at(15 * MINUTE));
        assert_eq!(follow_up(at(0), at(15 * MINUTE), at(15 * MINUTE)), at(HOUR));
        assert_eq!(follow_up(at(0), at(0), at(30 * MINUTE)), at(HOUR));
        assert_eq!(follow_up(at(0), at(HOUR), at(HOUR + 1)), at(6 * HOUR));
        assert_eq!(follow_up(at(0), at(HOUR), at(30 * MINUTE)), at(6 * HOUR), "the clock was set back");
        assert_eq!(follow_up(at(0), at(6 * HOUR), at(7 * HOUR)), at(12 * HOUR));
        assert_eq!(follow_up(at(0), at(6 * HOUR), at(20 * HOUR)), at(20 * HOUR));
    }

    #[test]
    fn digests_leave_on_the_hour_and_once_a_day() {
        assert_eq!(daily(at(7 * HOUR), 8), at(8 * HOUR));
        assert_eq!(daily(at(8 * HOUR), 8), at(DAY + 8 * HOUR));
        assert_eq!(late(at(HOUR), None), at(HOUR + 15 * MINUTE));
        assert_eq!(late(at(HOUR), Some(at(0))), at(DAY));
        assert_eq!(late(at(3 * DAY), Some(at(0))), at(3 * DAY + 15 * MINUTE));
    }

    #[test]
    fn waits_double_and_end_at_a_minute() {
        let seconds: Vec<u64> = (1..9).map(|n| backoff(n, None).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff(u32::MAX, None), Duration::from_mins(1));
        assert_eq!(backoff(1, Some(Duration::from_secs(7))), Duration::from_secs(7));
        assert_eq!(backoff(1, Some(Duration::MAX)), Duration::from_hours(1));
    }
}
