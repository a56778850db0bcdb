//! Local hour and weekday, and whether they are business hours.

use jiff::tz::TimeZone;
use tagwarden_core::Timestamp;

use crate::settings::BusinessHours;

/// Offsets are laid out from here to there (2013 to 2040); outside, the time zone is asked.
const FROM: i64 = 1_356_998_400;
const UNTIL: i64 = 2_208_988_800;

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A time zone with its offset changes laid out, so that a look-up is a short search.
#[derive(Debug)]
pub(crate) struct Zone {
    name: String,
    rules: TimeZone,
    /// From this second on, this offset in seconds; sorted.
    steps: Vec<(i64, i32)>,
}

impl Zone {
    fn named(name: &str) -> Option<Self> {
        let zone = TimeZone::get(name).ok()?;
        let start = jiff::Timestamp::from_second(FROM).ok()?;
        let mut steps = vec![(FROM, zone.to_offset(start).seconds())];
        for step in zone.following(start) {
            let second = step.timestamp().as_second();
            if second >= UNTIL {
                break;
            }
            steps.push((second, step.offset().seconds()));
        }
        Some(Self { name: name.to_owned(), rules: zone, steps })
    }

    fn offset(&self, second: i64) -> i32 {
        if (FROM..UNTIL).contains(&second) {
            let at = self.steps.partition_point(|(from, _)| *from <= second);
            at.checked_sub(1).and_then(|at| self.steps.get(at)).map_or(0, |(_, offset)| *offset)
        } else {
            jiff::Timestamp::from_second(second).map_or(0, |time| self.rules.to_offset(time).seconds())
        }
    }
}

/// Time zones in use and the business hours.
#[derive(Debug)]
pub(crate) struct Calendar {
    zones: Vec<Zone>,
    start: u8,
    end: u8,
    working: [bool; 7],
}

/// A point in time as people there read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Local {
    pub(crate) hour: u8,
    pub(crate) weekday: u8,
    pub(crate) business: bool,
}

impl Calendar {
    /// A calendar whose zone 0 is `time_zone`.
    pub(crate) fn build(time_zone: &str, hours: &BusinessHours, faults: &mut Vec<String>) -> Self {
        let mut working = [false; 7];
        for (i, day) in hours.weekdays.iter().enumerate() {
            match WEEKDAYS.iter().position(|known| day.eq_ignore_ascii_case(known)) {
                Some(at) => working[at] = true,
                None => faults.push(format!("business_hours.weekdays[{i}]: found `{day}`, wanted mon to sun")),
            }
        }
        if hours.end > 24 || hours.start >= hours.end {
            let BusinessHours { start, end, .. } = hours;
            faults.push(format!("business_hours: found {start} to {end}, wanted a start before an end of at most 24"));
        }
        let mut calendar = Self { zones: Vec::new(), start: hours.start, end: hours.end, working };
        calendar.zone(time_zone, "time_zone", faults);
        calendar
    }

    /// The index of the zone `name`, laid out if it is new.
    pub(crate) fn zone(&mut self, name: &str, path: &str, faults: &mut Vec<String>) -> u16 {
        if let Some(at) = self.zones.iter().position(|zone| zone.name == name) {
            return u16::try_from(at).unwrap_or(0);
        }
        if let Some(zone) = Zone::named(name) {
            self.zones.push(zone);
            u16::try_from(self.zones.len() - 1).unwrap_or(0)
        } else {
            faults.push(format!("{path}: found `{name}`, wanted an IANA time zone such as Europe/Berlin"));
            0
        }
    }

    /// Local time in zone `zone`; in UTC if there is no such zone.
    pub(crate) fn local(&self, zone: u16, time: Timestamp) -> Local {
        let second = time.0.div_euclid(1000);
        let offset = self.zones.get(usize::from(zone)).map_or(0, |zone| zone.offset(second));
        let local = second + i64::from(offset);
        let hour = u8::try_from(local.rem_euclid(86_400) / 3600).unwrap_or(0);
        // 1970-01-01 was a Thursday.
        let weekday = u8::try_from((local.div_euclid(86_400) + 3).rem_euclid(7)).unwrap_or(0);
        let working = self.working.get(usize::from(weekday)).copied().unwrap_or(false);
        Local { hour, weekday, business: working && (self.start..self.end).contains(&hour) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(zone: &str) -> Calendar {
        let mut faults = Vec::new();
        let calendar = Calendar::build(zone, &BusinessHours::default(), &mut faults);
        assert_eq!(faults, Vec::<String>::new());
        calendar
    }

    fn at(zone: &str, time: &str) -> (u8, u8, bool) {
        let Local { hour, weekday, business } = calendar(zone).local(0, Timestamp::parse(time).unwrap());
        (hour, weekday, business)
    }

    #[test]
    fn local_time_follows_daylight_saving() {
        assert_eq!(at("UTC", "2026-11-21T12:00:00Z"), (12, 5, false));
        assert_eq!(at("Europe/Berlin", "2026-03-29T00:59:59Z"), (1, 6, false));
        assert_eq!(at("Europe/Berlin", "2026-03-29T01:00:00Z"), (3, 6, false));
        assert_eq!(at("Europe/Berlin", "2026-07-01T06:00:00Z"), (8, 2, true));
        assert_eq!(at("Europe/Berlin", "2026-07-01T16:00:00Z"), (18, 2, false));
        assert_eq!(at("Asia/Kolkata", "2026-07-05T18:30:00Z"), (0, 0, false));
        assert_eq!(at("America/New_York", "2026-01-05T03:00:00Z"), (22, 6, false));
        assert_eq!(at("Europe/Berlin", "2055-07-01T06:00:00Z").0, 8);
    }

    #[test]
    fn the_laid_out_offsets_are_those_of_the_time_zone() {
        for name in ["Europe/Berlin", "America/New_York", "Africa/Casablanca", "Australia/Lord_Howe"] {
            let calendar = calendar(name);
            let zone = TimeZone::get(name).unwrap();
            for step in 0..30_000i64 {
                let second = 1_350_000_000 + step * 30_011;
                let wanted = zone.to_offset(jiff::Timestamp::from_second(second).unwrap()).seconds();
                assert_eq!(calendar.zones[0].offset(second), wanted, "{name} {second}");
            }
        }
    }

    #[test]
    fn faults_are_named() {
        let mut faults = Vec::new();
        let hours = BusinessHours { start: 20, end: 8, weekdays: vec!["Mon".into(), "someday".into()] };
        Calendar::build("Mars/Olympus", &hours, &mut faults);
        assert_eq!(faults.len(), 3, "{faults:?}");
    }
}
