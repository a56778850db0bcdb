//! The people: their duties, where they live, and what they work with.

use crate::calendar::{Day, Zone};
use crate::company::Team;
use crate::names::{BROWSERS, FAMILY, FINANCE, GIVEN, PLATFORM, SECURITY, SHELLS};
use crate::places::PLACES;
use crate::rng::Rng;
use crate::roster::Trip;
use crate::spec::Spec;
use crate::words::Duty;

#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) email: String,
    /// The part of the address before the `@`.
    pub(crate) short: String,
    pub(crate) team: usize,
    pub(crate) role: &'static str,
    pub(crate) duty: Duty,
    pub(crate) zone: Zone,
    pub(crate) city: &'static str,
    pub(crate) first_day: Option<Day>,
    pub(crate) last_day: Option<Day>,
    /// First and last day of each absence.
    pub(crate) away: Vec<(Day, Day)>,
    pub(crate) trip: Option<Trip>,
    /// From this day on nobody sees the person at work, though the access stays.
    pub(crate) dormant_from: Option<Day>,
    /// From this day on another client, and another address at home.
    pub(crate) renewed: Option<(Day, &'static str, String)>,
    pub(crate) home: String,
    pub(crate) browser: &'static str,
    pub(crate) shell: &'static str,
    /// Of a hundred sessions, how many are in the console.
    pub(crate) console: usize,
    /// Of a hundred sessions, how many come from home; the others from the office or the VPN.
    pub(crate) remote: usize,
}

impl Person {
    pub(crate) fn employed_on(&self, day: Day) -> bool {
        self.first_day.is_none_or(|first| first <= day) && self.last_day.is_none_or(|last| day <= last)
    }

    /// The client and the address at home as they are that day.
    pub(crate) fn equipment(&self, day: Day) -> (&'static str, &str) {
        match &self.renewed {
            Some((from, shell, home)) if *from <= day => (shell, home),
            _ => (self.shell, &self.home),
        }
    }

    pub(crate) fn trip_on(&self, day: Day) -> Option<&Trip> {
        self.trip.as_ref().filter(|trip| (trip.first..=trip.last).contains(&day))
    }

    /// The zone whose clocks the person lives by that day.
    pub(crate) fn zone_on(&self, day: Day) -> Zone {
        self.trip_on(day).map_or(self.zone, |trip| trip.zone)
    }
}

fn working_day(day: Day) -> Day {
    if day.is_weekend() { working_day(day.plus(1)) } else { day }
}

/// How many sit in each team: between 45 and 70 in all.
fn sizes(rng: &mut Rng, teams: usize) -> Vec<usize> {
    let mut draw = |low, high| usize::try_from(rng.between(low, high)).unwrap_or(0);
    let mut sizes = vec![draw(5, 8), draw(4, 6), draw(3, 5)];
    let left = draw(45, 68) - sizes.iter().sum::<usize>();
    let products = teams - sizes.len();
    sizes.extend((0..products).map(|at| (left / products + usize::from(at < left % products)).max(6)));
    sizes
}

/// Everybody, team by team; the teams are told who belongs to them.
pub(crate) fn hire(rng: &mut Rng, spec: &Spec, company: &str, teams: &mut [Team]) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::new();
    let sizes = sizes(rng, teams.len());
    for (index, size) in sizes.into_iter().enumerate() {
        for seat in 0..size {
            let short = loop {
                let short = format!("{}.{}", rng.pick(GIVEN), rng.pick(FAMILY));
                if people.iter().all(|person| person.short != short) {
                    break short;
                }
            };
            let (role, duty) = match (index, seat) {
                (SECURITY, _) => ("security", Duty::Security),
                (FINANCE, _) => ("finance", Duty::Cost),
                (PLATFORM, 0..=2) => ("sre", Duty::Platform),
                (_, 0) => ("lead", Duty::Engineer),
                (_, 1 | 2 | 4) => ("sre", Duty::Operator),
                (_, 3) if size > 6 => ("analyst", Duty::Reader),
                _ => ("engineer", Duty::Engineer),
            };
            // Most are where their team is; a few work from another of the company's places.
            let zone = if rng.chance(88) { teams[index].zone } else { teams[rng.below(teams.len())].zone };
            let cities: Vec<_> =
                PLACES.iter().filter(|place| place.zone == zone).flat_map(|place| place.cities).collect();
            let &&(city, prefixes) = rng.pick(&cities);
            let home = format!("{}.{}.{}", rng.pick(prefixes), rng.between(1, 250), rng.between(2, 250));
            // The last two seats move: a newcomer and a leaver now and then, as in any company.
            let half = i64::from(spec.days / 2);
            let newcomer = seat + 1 == size && size > 6 && rng.chance(60);
            let leaver = seat + 2 == size && size > 6 && rng.chance(40);
            teams[index].members.push(people.len());
            people.push(Person {
                email: format!("{short}@{company}.example"),
                short,
                team: index,
                role,
                duty,
                zone,
                city,
                first_day: newcomer.then(|| working_day(spec.start.plus(rng.between(2, 2 + half)))),
                last_day: leaver.then(|| spec.start.plus(rng.between(half, i64::from(spec.days)))),
                away: Vec::new(),
                trip: None,
                dormant_from: None,
                renewed: None,
                home,
                browser: BROWSERS[rng.below(BROWSERS.len())],
                shell: SHELLS[rng.below(SHELLS.len())],
                console: if role == "finance" { 100 } else { usize::try_from(rng.between(15, 85)).unwrap_or(50) },
                remote: usize::try_from(rng.between(5, 70)).unwrap_or(30),
            });
        }
    }
    people
}
