//! Days, clock times and the few time zones the company works in, daylight saving included.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A calendar day (UTC), written `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(i64);

/// The text is no day of the form `YYYY-MM-DD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayParseError(String);

impl fmt::Display for DayParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "found {:?}, want a day as YYYY-MM-DD", self.0)
    }
}

impl std::error::Error for DayParseError {}

impl Day {
    /// The day of a date; months and days count from 1 and are not checked.
    pub(crate) const fn from_civil(year: i64, month: i64, day: i64) -> Self {
        // Days from civil, after Howard Hinnant's chrono-compatible calendar algorithms.
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let shifted = (month + 9) % 12;
        let of_year = (153 * shifted + 2) / 5 + day - 1;
        Self(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
    }

    /// Year, month and day of month.
    fn civil(self) -> (i64, i64, i64) {
        let shifted = self.0 + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        (year + era * 400 + i64::from(month <= 2), month, day)
    }

    /// The first instant of the day, milliseconds since 1970 UTC.
    pub fn start_ms(self) -> i64 {
        self.0 * DAY
    }

    /// The day on which the instant falls (milliseconds since 1970 UTC).
    pub fn of_ms(ms: i64) -> Self {
        Self(ms.div_euclid(DAY))
    }

    /// This day moved by so many days.
    #[must_use]
    pub fn plus(self, days: i64) -> Self {
        Self(self.0 + days)
    }

    /// Monday is 0.
    fn weekday(self) -> i64 {
        (self.0 + 3).rem_euclid(7)
    }

    pub(crate) fn is_weekend(self) -> bool {
        self.weekday() >= 5
    }

    /// The `nth` Sunday of a month (1 is the first).
    fn nth_sunday(year: i64, month: i64, nth: i64) -> Self {
        let first = Self::from_civil(year, month, 1);
        first.plus(6 - first.weekday() + 7 * (nth - 1))
    }

    fn last_sunday(year: i64, month: i64) -> Self {
        let last = Self::from_civil(year, month + 1, 1).plus(-1);
        last.plus(-((last.weekday() + 1) % 7))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Day {
    type Err = DayParseError;

    fn from_str(text: &str) -> Result<Self, DayParseError> {
        let wrong = || DayParseError(text.to_owned());
        let mut parts = text.splitn(3, '-').map(str::parse::<u16>);
        let (Some(Ok(year)), Some(Ok(month)), Some(Ok(day))) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong());
        };
        let found = Self::from_civil(i64::from(year), i64::from(month), i64::from(day));
        // A day that doesn't print as it was written (the 30th of February, a missing zero) is none.
        if found.to_string() == text { Ok(found) } else { Err(wrong()) }
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A time zone by the rule of its daylight saving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zone {
    Lisbon,
    Berlin,
    Toronto,
    Chicago,
    SaoPaulo,
    Kolkata,
    Singapore,
    Tokyo,
}

impl Zone {
    /// The name in the IANA database.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Lisbon => "Europe/Lisbon",
            Self::Berlin => "Europe/Berlin",
            Self::Toronto => "America/Toronto",
            Self::Chicago => "America/Chicago",
            Self::SaoPaulo => "America/Sao_Paulo",
            Self::Kolkata => "Asia/Kolkata",
            Self::Singapore => "Asia/Singapore",
            Self::Tokyo => "Asia/Tokyo",
        }
    }

    /// Offset from UTC in winter, in milliseconds.
    const fn standard(self) -> i64 {
        match self {
            Self::Lisbon => 0,
            Self::Berlin => HOUR,
            Self::Toronto => -5 * HOUR,
            Self::Chicago => -6 * HOUR,
            Self::SaoPaulo => -3 * HOUR,
            Self::Kolkata => 5 * HOUR + HOUR / 2,
            Self::Singapore => 8 * HOUR,
            Self::Tokyo => 9 * HOUR,
        }
    }

    /// Offset from UTC at an instant, in milliseconds.
    fn offset(self, ms: i64) -> i64 {
        let year = Day::of_ms(ms).civil().0;
        let standard = self.standard();
        let summer = match self {
            // Europe changes everywhere at one in the morning UTC, America at two by its own clocks.
            Self::Lisbon | Self::Berlin => {
                let from = Day::last_sunday(year, 3).start_ms() + HOUR;
                let to = Day::last_sunday(year, 10).start_ms() + HOUR;
                (from..to).contains(&ms)
            }
            Self::Toronto | Self::Chicago => {
                let from = Day::nth_sunday(year, 3, 2).start_ms() + 2 * HOUR - standard;
                let to = Day::nth_sunday(year, 11, 1).start_ms() + HOUR - standard;
                (from..to).contains(&ms)
            }
            Self::SaoPaulo | Self::Kolkata | Self::Singapore | Self::Tokyo => false,
        };
        if summer { standard + HOUR } else { standard }
    }

    /// The instant at which clocks here show this time on that day (near enough on the night of a change).
    pub(crate) fn at(self, day: Day, local_ms: i64) -> i64 {
        let local = day.start_ms() + local_ms;
        local - self.offset(local - self.offset(local))
    }

    /// The local day and the milliseconds since local midnight.
    pub(crate) fn local(self, ms: i64) -> (Day, i64) {
        let local = ms + self.offset(ms);
        (Day::of_ms(local), local.rem_euclid(DAY))
    }
}

/// `2026-01-05T09:30:00Z`, as in `eventTime`.
pub(crate) fn iso(ms: i64) -> String {
    let (hour, minute, second) = clock(ms);
    format!("{}T{hour:02}:{minute:02}:{second:02}Z", Day::of_ms(ms))
}

/// `Jan 5, 2026, 9:30:00 AM`, as in the answers of STS and IAM.
pub(crate) fn prose(ms: i64) -> String {
    let (year, month, day) = Day::of_ms(ms).civil();
    let (hour, minute, second) = clock(ms);
    let half = if hour < 12 { "AM" } else { "PM" };
    let name = usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).unwrap_or(&"Jan");
    format!("{name} {day}, {year}, {}:{minute:02}:{second:02} {half}", (hour + 11) % 12 + 1)
}

fn clock(ms: i64) -> (i64, i64, i64) {
    let seconds = ms.rem_euclid(DAY) / 1000;
    (seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_print_and_parse() {
        for text in ["1970-01-01", "2024-02-29", "2026-01-05", "2026-12-31"] {
            assert_eq!(text.parse::<Day>().map(|day| day.to_string()).as_deref(), Ok(text));
        }
        for text in ["2026-02-30", "2026-1-5", "2026-13-01", "x", "", "2026-01-05T00"] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
        assert_eq!(Day::from_civil(1970, 1, 1).start_ms(), 0);
        assert_eq!(Day::from_civil(2026, 1, 5).weekday(), 0);
    }

    #[test]
    fn clocks_change_when_they_should() {
        let noon = |zone: Zone, month, day| zone.at(Day::from_civil(2026, month, day), 12 * HOUR);
        assert_eq!(iso(noon(Zone::Lisbon, 3, 28)), "2026-03-28T12:00:00Z");
        assert_eq!(iso(noon(Zone::Lisbon, 3, 29)), "2026-03-29T11:00:00Z");
        assert_eq!(iso(noon(Zone::Lisbon, 10, 25)), "2026-10-25T12:00:00Z");
        assert_eq!(iso(noon(Zone::Toronto, 3, 7)), "2026-03-07T17:00:00Z");
        assert_eq!(iso(noon(Zone::Toronto, 3, 8)), "2026-03-08T16:00:00Z");
        assert_eq!(iso(noon(Zone::Toronto, 11, 1)), "2026-11-01T17:00:00Z");
        assert_eq!(iso(noon(Zone::Singapore, 7, 1)), "2026-07-01T04:00:00Z");
        assert_eq!(Zone::Singapore.local(noon(Zone::Singapore, 7, 1)).1, 12 * HOUR);
    }

    #[test]
    fn prose_has_twelve_hours() {
        let at = |hour| prose(Day::from_civil(2026, 1, 5).start_ms() + hour * HOUR);
        assert_eq!(at(0), "Jan 5, 2026, 12:00:00 AM");
        assert_eq!(at(9), "Jan 5, 2026, 9:00:00 AM");
        assert_eq!(at(13), "Jan 5, 2026, 1:00:00 PM");
    }
}
