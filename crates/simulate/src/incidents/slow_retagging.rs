//! A few resources a day, over days: slow enough that no single hour looks like anything.

use std::rc::Rc;

use super::{Cast, Hours, Kind};
use crate::calendar::{DAY, Day, HOUR, MINUTE};
use crate::estate::{Kind as Resources, Resource};
use crate::world::{Turn, World};

pub(super) const KIND: Kind = Kind { name: "slow_retagging", hours: Hours::Working, days: 6, play };

const ROUNDS: u32 = 5;

fn play(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    match (cast.malicious, cast.variant % 4) {
        (true, 0) => backups_given_up(world, now, cast, person),
        (true, 1) => leaked_key(world, now, cast),
        (true, 2) => owners_changed(world, now, cast, person),
        (true, _) => out_of_production(world, now, cast, person),
        (false, 0) => tidied_up(world, now, cast, person),
        (false, 1) => plan_by_plan(world, now, cast),
        (false, 2) => finance_goes_through(world, now, cast),
        (false, _) => class_by_class(world, now, cast, person),
    }
    if cast.step + 1 < ROUNDS {
        // About the same time of the next day, not to the minute; honest work waits for Monday.
        let mut next = now + DAY + world.rng.between(-HOUR, HOUR);
        while !cast.malicious && Day::of_ms(next).is_weekend() {
            next += DAY;
        }
        cast.again(world, next, Some(person));
    }
}

fn few(world: &mut World) -> usize {
    usize::try_from(world.rng.between(2, 4)).unwrap_or(2)
}

/// Resources of the team that do not have this value of a key yet.
fn without(world: &mut World, now: i64, cast: &Cast, (key, value): (&str, &str), kinds: &[Resources]) -> Vec<usize> {
    let (team, count) = (cast.team, few(world));
    world.some(cast.account, now, count, |resource: &Resource| {
        resource.team == team
            && !resource.elastic
            && (kinds.is_empty() || kinds.contains(&resource.kind))
            && resource.tags.get(key).is_some_and(|now| now != value)
    })
}

fn write(world: &mut World, turn: &mut Turn, found: &[usize], tags: &[(&str, &str)]) {
    for &at in found {
        world.tag(turn, at, tags);
        turn.now += world.rng.between(MINUTE, 9 * MINUTE);
    }
}

/// An insider takes volumes and databases out of the backup.
fn backups_given_up(world: &mut World, now: i64, cast: &Cast, person: usize) {
    let mut turn = world.on_call(person, cast.account, now);
    let tag = (world.company.keys.backup, world.company.keys.backups[2]);
    let found = without(world, now, cast, tag, &[]);
    write(world, &mut turn, &found, &[tag]);
}

/// The leaked key removes who owns what, at the hour of the export job.
fn leaked_key(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.leaked_key(world, now);
    let (owner, class) = (world.company.keys.owner, world.company.keys.class);
    let count = few(world);
    for at in cast.targets(world, now, count, &[Resources::Bucket, Resources::Table, Resources::Database]) {
        world.untag(&mut turn, at, &[owner, class]);
        turn.now += world.rng.between(MINUTE, 5 * MINUTE);
    }
}

/// An insider makes another team answer for the own team's things.
fn owners_changed(world: &mut World, now: i64, cast: &Cast, person: usize) {
    let mut turn = world.on_call(person, cast.account, now);
    let company = Rc::clone(&world.company);
    // The same other team each day.
    let other = company.rng_for(&[&cast.id, "other"]).below(company.teams.len());
    let other = if other == cast.team { crate::names::PLATFORM } else { other };
    let tag = (company.keys.owner, company.teams[other].name);
    let found = without(world, now, cast, tag, &[]);
    write(world, &mut turn, &found, &[tag]);
}

/// An insider declares production to be development.
fn out_of_production(world: &mut World, now: i64, cast: &Cast, person: usize) {
    let mut turn = world.on_call(person, cast.account, now);
    let tag = (world.company.keys.env, world.company.keys.stage(crate::company::Stage::Dev));
    let count = few(world).min(3);
    let found = cast.targets(world, now, count, &[Resources::Instance, Resources::Volume, Resources::Bucket]);
    write(world, &mut turn, &found, &[tag]);
}

/// Twin: somebody tidies up a little every day: the team's own name and number, with the ticket.
fn tidied_up(world: &mut World, now: i64, cast: &Cast, person: usize) {
    let mut turn = world.on_call(person, cast.account, now);
    let company = Rc::clone(&world.company);
    let team = &company.teams[cast.team];
    let ticket = company.words.ticket(&mut company.rng_for(&[&cast.id]));
    let tags =
        [(company.keys.owner, team.name), (company.keys.cost, team.cost_center.as_str()), ("ticket", ticket.as_str())];
    let count = few(world);
    let found = cast.targets(world, now, count, &[]);
    write(world, &mut turn, &found, &tags);
}

/// Twin: the pipeline moves a few resources a day to the shorter plan.
fn plan_by_plan(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = world.pipeline(cast.team, cast.account, now);
    let tag = (world.company.keys.backup, world.company.keys.backups[1]);
    let found = without(world, now, cast, tag, &[]);
    for at in found {
        world.describe(&mut turn, at);
        world.tag(&mut turn, at, &[tag]);
    }
}

/// Twin: finance goes through a team's list, some lines a day.
fn finance_goes_through(world: &mut World, now: i64, cast: &Cast) {
    let person = Cast::accountant(world, now);
    let mut turn = world.sign_in(person, cast.account, now);
    turn.region = world.company.teams[cast.team].region;
    let (key, value) = (world.company.keys.cost, world.company.teams[cast.team].cost_center.clone());
    let count = few(world);
    let found = cast.targets(world, now, count, &[]);
    world.tag_many(&mut turn, &found, &[(key, &value)]);
}

/// Twin: after a review the owner writes the class of the own data, dataset by dataset.
fn class_by_class(world: &mut World, now: i64, cast: &Cast, person: usize) {
    let mut turn = world.on_call(person, cast.account, now);
    let company = Rc::clone(&world.company);
    let ticket = company.words.ticket(&mut company.rng_for(&[&cast.id]));
    let tags = [(company.keys.class, company.keys.classes[2]), ("ticket", ticket.as_str())];
    let count = few(world);
    let kinds = [Resources::Bucket, Resources::Table, Resources::Secret, Resources::Database];
    let found = cast.targets(world, now, count, &kinds);
    write(world, &mut turn, &found, &tags);
}
