//! When a model is learned anew, and what becomes of a failure: told once, counted, and tried again at the next time.

use std::str::FromStr;
use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Deserializer, de::Error as _};
use tagwarden_alert::Span;
use tagwarden_core::{Clock as _, Timestamp};
use tagwarden_engine::SystemClock;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 1440 * MINUTE_MS;

/// When to do something again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// At this minute of each day, in UTC.
    Daily(i64),
    /// So long after the last time, or after the start.
    Every(Span),
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let daily = || {
            let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            let (hour, minute) =
                text.split_once(':').filter(|(hour, minute)| two_digits(hour) && two_digits(minute))?;
            let (hour, minute): (u8, u8) = (hour.parse().ok()?, minute.parse().ok()?);
            (hour < 24 && minute < 60).then_some(Self::Daily(i64::from(hour) * 60 + i64::from(minute)))
        };
        let every = || {
            let span = Span::parse(text.strip_prefix("every ")?)?;
            (!span.duration().is_zero()).then_some(Self::Every(span))
        };
        let wanted =
            || format!("found \"{text}\", want a time of day in UTC such as 03:00, or a span such as every 6h");
        daily().or_else(every).ok_or_else(wanted)
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Schedule {
    /// The first time after `now`.
    fn after(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Daily(minute) => {
                let today = Timestamp(now.day() * DAY_MS + minute * MINUTE_MS);
                if today > now { today } else { Timestamp(today.0 + DAY_MS) }
            }
            Self::Every(span) => Timestamp(now.0 + i64::try_from(span.duration().as_millis()).unwrap_or(DAY_MS)),
        }
    }

    /// Sleeps until the next time, looking at the clock on the wall: a machine that slept, or was told another time, is
    /// late by a minute at most.
    async fn wait(self) {
        let due = self.after(SystemClock.now());
        loop {
            let left = due.0 - SystemClock.now().0;
            if left <= 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(left.min(MINUTE_MS).unsigned_abs())).await;
        }
    }

    /// Does `work` at each time, for good; `done` hears whether it went well. The same failure is told once in a row.
    pub async fn keep(self, mut work: impl AsyncFnMut() -> Result<()>, mut done: impl FnMut(bool)) -> ! {
        let mut told = String::new();
        eprintln!("tagwarden: training begins at {}", self.after(SystemClock.now()));
        loop {
            self.wait().await;
            let result = work().await;
            done(result.is_ok());
            let fault = result.map_or_else(|error| format!("{error:#}"), |()| String::new());
            if !fault.is_empty() && fault != told {
                eprintln!("tagwarden: training: {fault}; the model stays as it is");
            }
            told = fault;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;
    use tagwarden_alert::Span;
    use tagwarden_core::Timestamp;

    #[test]
    fn a_time_of_day_or_a_span() {
        let read = |text: &str| text.parse::<Schedule>();
        assert_eq!(read("03:05"), Ok(Schedule::Daily(185)));
        assert_eq!(read("every 90m"), Ok(Schedule::Every(Span::minutes(90))));
        for text in ["3:00", "24:00", "03:60", "03:0a", "+3:00", "every", "every 0s", "every day", "6h", ""] {
            let told = format!("found \"{text}\", want a time of day in UTC such as 03:00, or a span such as every 6h");
            assert_eq!(read(text), Err(told));
        }
    }

    #[test]
    fn each_time_comes_once() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let three = Schedule::Daily(180);
        assert_eq!(three.after(at("2026-02-28T02:59:59Z")), at("2026-02-28T03:00:00Z"));
        assert_eq!(three.after(at("2026-02-28T03:00:00Z")), at("2026-03-01T03:00:00Z"));
        let span = Schedule::Every(Span::hours(6));
        assert_eq!(span.after(at("2026-02-28T23:00:00Z")), at("2026-03-01T05:00:00Z"));
    }
}
