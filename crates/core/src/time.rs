//! Points in time as CloudTrail writes them.

use std::fmt;

const DAY: i64 = 86_400_000;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// Text that is no RFC 3339 time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found `{0}`, wanted an RFC 3339 time such as 2026-11-21T03:04:05Z")]
pub struct TimestampError(pub String);

impl Timestamp {
    /// From seconds.
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds * 1000)
    }

    /// Whole days since 1970-01-01, in UTC.
    pub fn day(self) -> i64 {
        self.0.div_euclid(DAY)
    }

    /// Milliseconds since midnight, in UTC.
    pub fn of_day(self) -> i64 {
        self.0.rem_euclid(DAY)
    }

    /// The date in UTC as `YYYY-MM-DD`.
    pub fn date(self) -> String {
        let (y, m, d) = civil(self.day());
        format!("{y:04}-{m:02}-{d:02}")
    }

    /// `self` moved by `seconds`.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0 + seconds * 1000)
    }

    /// Parses RFC 3339: `2026-11-21T03:04:05Z`, with a fraction or an offset if need be.
    ///
    /// # Errors
    /// Text of any other form, and dates that the calendar does not have.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        parse(text.as_bytes()).ok_or_else(|| TimestampError(text.chars().take(64).collect()))
    }
}

fn number(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0i64, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
}

fn parse(text: &[u8]) -> Option<Timestamp> {
    let marks = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if text.len() < 20 || marks.iter().any(|&(at, mark)| text[at] != mark) || !matches!(text[10], b'T' | b't' | b' ') {
        return None;
    }
    let (year, month, date) = (number(&text[..4])?, number(&text[5..7])?, number(&text[8..10])?);
    let (hour, minute, second) = (number(&text[11..13])?, number(&text[14..16])?, number(&text[17..19])?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&date) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let day = days(year, month, date);
    if civil(day) != (year, month, date) {
        return None;
    }
    let mut rest = &text[19..];
    let mut ms = 0;
    if rest[0] == b'.' {
        let digits = rest[1..].iter().take_while(|c| c.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        for i in 0..3 {
            ms = ms * 10 + if i < digits { i64::from(rest[1 + i] - b'0') } else { 0 };
        }
        rest = &rest[1 + digits..];
    }
    let offset = match rest {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), hours @ .., b':', tens, ones] if hours.len() == 2 => {
            let minutes = number(hours)? * 60 + number(&[*tens, *ones])?;
            if *sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    Some(Timestamp(day * DAY + ((hour * 60 + minute - offset) * 60 + second) * 1000 + ms))
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level date
/// algorithms").
fn days(y: i64, m: i64, d: i64) -> i64 {
    let y = if m <= 2 { y - 1 } else { y };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * ((m + 9) % 12) + 2) / 5 + d - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

/// The inverse of [`days`].
fn civil(day: i64) -> (i64, i64, i64) {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let m = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(m <= 2), m, doy - (153 * mp + 2) / 5 + 1)
}

impl fmt::Display for Timestamp {
    /// RFC 3339 with milliseconds and `Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.of_day();
        let s = ms / 1000;
        let (year, month, date) = civil(self.day());
        if !(0..=9999).contains(&year) {
            return write!(f, "{}T{:02}:{:02}:{:02}.{:03}Z", self.date(), s / 3600, s / 60 % 60, s % 60, ms % 1000);
        }
        // Times are printed often, and a number at a time is slow.
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let numbers = [(0..4, year), (5..7, month), (8..10, date), (11..13, s / 3600), (14..16, s / 60 % 60)];
        for (place, mut number) in numbers.into_iter().chain([(17..19, s % 60), (20..23, ms % 1000)]) {
            for digit in text[place].iter_mut().rev() {
                *digit = b"0123456789"[usize::try_from(number % 10).unwrap_or(0)];
                number /= 10;
            }
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;
    use proptest::prelude::*;

    #[test]
    fn reads_the_forms_that_occur() {
        let wanted = Timestamp(1_795_230_245_000);
        for text in ["2026-11-21T03:04:05Z", "2026-11-21T03:04:05.000Z", "2026-11-21T05:04:05+02:00"] {
            assert_eq!(Timestamp::parse(text), Ok(wanted), "{text}");
        }
        assert_eq!(Timestamp::parse("2026-11-21T03:04:05.1239Z"), Ok(Timestamp(wanted.0 + 123)));
        for text in [
            "",
            "yesterday",
            "2026-02-30T00:00:00Z",
            "2026-11-21T03:04:05",
            "2026-11-21T03:04:05.Z",
            "é026-11-21T03:04:05Z",
        ] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn prints_what_it_reads(ms in -60_000_000_000_000i64..250_000_000_000_000) {
            prop_assert_eq!(Timestamp::parse(&Timestamp(ms).to_string()), Ok(Timestamp(ms)));
        }
    }
}
