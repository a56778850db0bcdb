//! Who is where and when: holidays, absences, trips, and people who are no longer seen.

use crate::calendar::{Day, Zone};
use crate::names::{FINANCE, ROAMING, SHELLS};
use crate::people::Person;
use crate::places::Place;
use crate::rng::Rng;
use crate::spec::Spec;
use crate::words::Duty;

/// Days on which a person works from elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Trip {
    pub(crate) first: Day,
    pub(crate) last: Day,
    pub(crate) zone: Zone,
    /// The office visited, or the address on the way.
    pub(crate) seat: Seat,
}

/// From where a traveller works.
#[derive(Debug, Clone)]
pub(crate) enum Seat {
    Office(&'static str),
    Address(String),
}

/// Gives people their absences and trips, and the zones their holidays.
pub(crate) fn draw(rng: &mut Rng, spec: &Spec, people: &mut [Person], places: &[&Place]) -> Vec<(Zone, Day)> {
    let days = i64::from(spec.days);
    let span = |rng: &mut Rng, low: i64, high: i64| {
        let first = spec.start.plus(rng.between(1, days.max(2) - 1));
        (first, first.plus(rng.between(low, high) - 1))
    };
    let mut dormant = vec![0; people.iter().map(|person| person.team + 1).max().unwrap_or(0)];
    for person in people.iter_mut() {
        // One operator in each product team is on paper only: gone for long, and the access was left.
        let count = &mut dormant[person.team];
        *count += usize::from(person.duty == Duty::Operator);
        if person.team > FINANCE && person.duty == Duty::Operator && *count == 3 && spec.days >= 14 {
            person.dormant_from = Some(spec.start.plus(rng.between(2, 5)));
            continue;
        }
        if rng.chance(usize::try_from(days).unwrap_or(0).min(40)) {
            person.away.push(span(rng, 4, 14));
        }
        if rng.chance(15) {
            person.away.push(span(rng, 1, 3));
        }
        if rng.chance(30) {
            let from = spec.start.plus(rng.between(3, days.max(4)));
            let network = person.home.split('.').take(2).collect::<Vec<_>>().join(".");
            let home = format!("{network}.{}.{}", rng.between(1, 250), rng.between(2, 250));
            let shell = SHELLS[rng.below(SHELLS.len())];
            person.renewed = Some((from, shell, home));
        }
        if rng.chance(16) {
            let (first, last) = span(rng, 3, 9);
            let place = rng.pick(places);
            let seat = if rng.chance(40) && place.zone != person.zone {
                Seat::Office(place.cities[0].0)
            } else {
                Seat::Address(format!("{}.{}.{}", rng.pick(ROAMING), rng.between(1, 250), rng.between(2, 250)))
            };
            person.trip = Some(Trip { first, last, zone: place.zone, seat });
        }
    }
    let mut holidays = Vec::new();
    for place in places {
        for _ in 0..days / 24 {
            let day = spec.start.plus(rng.between(3, days - 1));
            if !day.is_weekend() {
                holidays.push((place.zone, day));
            }
        }
    }
    // The company's own day off, if the run is long enough to have one.
    if days > 20 && rng.chance(60) {
        let day = spec.start.plus(rng.between(4, days - 2));
        holidays.extend(places.iter().map(|place| (place.zone, day)));
    }
    holidays
}

#[cfg(test)]
mod tests {
    use crate::company::Company;
    use crate::spec::Spec;

    #[test]
    fn people_are_away_travel_and_fall_silent() {
        let spec = Spec::new(4, 45);
        let company = Company::new(&spec);
        let count = |fits: &dyn Fn(usize) -> bool| (0..company.people.len()).filter(|&at| fits(at)).count();
        assert!(count(&|at| !company.people[at].away.is_empty()) >= 10);
        assert!(count(&|at| company.people[at].trip.is_some()) >= 3);
        assert!(count(&|at| company.people[at].dormant_from.is_some()) >= 2);
        assert!(!company.holidays.is_empty());
        for (at, person) in company.people.iter().enumerate() {
            assert!(person.away.iter().all(|&(first, last)| first <= last && !company.at_work(at, first)));
            assert!(person.dormant_from.is_none_or(|from| !company.at_work(at, from.plus(3))));
        }
    }
}
