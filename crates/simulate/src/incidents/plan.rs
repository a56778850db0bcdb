//! Which incidents and twins there are in a run, and when.

use super::{Cast, Hours, KINDS};
use crate::acts::working_hour;
use crate::calendar::{DAY, Day, HOUR};
use crate::company::Stage;
use crate::world::World;

/// Kinds in the showcase, from the first of the list: as many as can be watched within a minute.
const SHOWN: usize = 5;

/// All incidents and twins of the run, with their times.
pub(crate) fn plan(world: &mut World) -> Vec<(i64, Cast)> {
    if !world.spec.incidents || world.spec.days == 0 {
        return Vec::new();
    }
    if let Some((from, to)) = world.spec.showcase_ms() {
        return showcase(world, from, to);
    }
    let first = world.spec.test_start();
    let days = (world.spec.end().start_ms() - first.start_ms()) / DAY;
    // One of each kind in a fortnight, twenty in the half of a quarter; a run of a few days has the room for five.
    let days_or = |low: i64| usize::try_from(low).unwrap_or(0);
    let count = days_or(days * 20 / 23).max(days_or(days.min(15))).max(5);
    let mut kinds: Vec<usize> = (0..KINDS.len()).collect();
    world.rng.shuffle(&mut kinds);
    let mut planned = Vec::new();
    for malicious in [true, false] {
        let mut order: Vec<usize> = (0..count).collect();
        world.rng.shuffle(&mut order);
        let offsets: Vec<usize> = KINDS.iter().map(|_| world.rng.below(60)).collect();
        for (number, at) in order.into_iter().enumerate() {
            // Each kind goes through its forms in turn, so that none is left out for long.
            let kind = kinds[at % kinds.len()];
            let variant = at / kinds.len() + offsets[kind];
            let last = (days - KINDS[kind].days).max(0);
            let day = first.plus(world.rng.between(0, last));
            planned.push(place(world, day, kind, malicious, variant, number));
        }
    }
    // The benign forms are known from before, too; not all of them everywhere.
    let learning = (first.start_ms() - world.spec.start.start_ms()) / DAY;
    if learning >= 7 {
        world.rng.shuffle(&mut kinds);
        for (number, kind) in kinds.into_iter().take(KINDS.len() * 2 / 3).enumerate() {
            let day = world.spec.start.plus(world.rng.between(1, (learning - 1 - KINDS[kind].days).max(1)));
            let variant = world.rng.below(60);
            planned.push(place(world, day, kind, false, variant, count + number));
        }
    }
    planned
}

fn place(world: &mut World, day: Day, kind: usize, malicious: bool, variant: usize, number: usize) -> (i64, Cast) {
    let team = *world.rng.pick(&world.company.product_teams());
    let zone = world.company.teams[team].zone;
    let hours = match KINDS[kind].hours {
        // Honest work is done by day, whenever it could have been done.
        Hours::Any if !malicious => Hours::Working,
        hours => hours,
    };
    let mut day = day;
    if hours == Hours::Working && !malicious {
        while day.is_weekend() && day.plus(1) < world.spec.end() {
            day = day.plus(1);
        }
    }
    let local = match hours {
        Hours::Working => working_hour(world, zone, day),
        Hours::Any => day.start_ms() + world.rng.between(HOUR, DAY - 3 * HOUR),
        Hours::Night => zone.at(day, world.rng.between(HOUR / 2, 4 * HOUR)),
    };
    // A local day east or west of Greenwich sticks out of the UTC day: the same hour, within it.
    let at = day.start_ms() + (local - day.start_ms()).rem_euclid(DAY).min(DAY - HOUR);
    (at, cast(world, kind, malicious, variant, team, number))
}

fn cast(world: &World, kind: usize, malicious: bool, variant: usize, team: usize, number: usize) -> Cast {
    let word = if malicious { "inc" } else { "twin" };
    let account = world.company.account_of(team, Stage::Prod).unwrap_or_default();
    let id = format!("{word}-{:03}", number + 1);
    Cast { kind, id, malicious, variant, team, account, step: 0, person: None }
}

/// One of each kind, a few minutes apart, with a twin after each.
fn showcase(world: &mut World, from: i64, to: i64) -> Vec<(i64, Cast)> {
    let products = world.company.product_teams();
    let step = (to - from) / 11;
    let mut planned = Vec::new();
    for (kind, row) in KINDS.iter().enumerate().take(SHOWN) {
        let night = |&&team: &&usize| {
            let (_, local) = world.company.teams[team].zone.local(from);
            row.hours != Hours::Night || !(6 * HOUR..22 * HOUR).contains(&local)
        };
        let fitting: Vec<usize> = products.iter().filter(night).copied().collect();
        for malicious in [true, false] {
            let team = *world.rng.pick(if fitting.is_empty() { &products } else { &fitting });
            let at = from + step * i64::try_from(planned.len()).unwrap_or(0) + world.rng.between(10_000, 60_000);
            planned.push((at, cast(world, kind, malicious, 0, team, kind)));
        }
    }
    planned
}
