//! A tag that an automation obeys is changed, so that production stops or is no longer kept safe.

use std::rc::Rc;

use super::{Cast, Hours, Kind};
use crate::calendar::{DAY, HOUR, MINUTE};
use crate::company::Stage;
use crate::estate::Kind as Resources;
use crate::world::{Turn, World};

pub(super) const KIND: Kind = Kind { name: "kill_switch_tag", hours: Hours::Any, days: 2, play };

fn play(world: &mut World, now: i64, cast: &Cast) {
    match (cast.malicious, cast.variant % 4) {
        (true, 0) => switched_off(world, now, cast),
        (true, 1) => backups_end(world, now, cast),
        (true, 2) => never_patched(world, now, cast),
        (true, _) => all_at_once(world, now, cast),
        (false, 0) => savings(world, now, cast),
        (false, 1) => plans_by_template(world, now, cast),
        (false, 2) => frozen_for_an_hour(world, now, cast),
        (false, _) => retired(world, now, cast),
    }
}

const MACHINES: [Resources; 1] = [Resources::Instance];
const KEPT: [Resources; 4] = [Resources::Volume, Resources::Database, Resources::Table, Resources::Instance];

fn write(world: &mut World, turn: &mut Turn, found: &[usize], tags: &[(&str, &str)]) {
    for &at in found {
        world.tag(turn, at, tags);
    }
}

/// An insider gives production office hours; in the evening the scheduler does as it is told.
fn switched_off(world: &mut World, now: i64, cast: &Cast) {
    if cast.step > 0 {
        return crate::acts::night_watch(world, now, cast.account, false);
    }
    let person = cast.operator(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    let tag = (world.company.keys.sched, world.company.keys.hours[0]);
    let found = cast.targets(world, now, 5, &MACHINES);
    write(world, &mut turn, &found, &[tag]);
    // The scheduler's round at eight in the evening, this day's or the next's.
    let evening = turn.now - turn.now.rem_euclid(DAY) + 20 * HOUR;
    let evening = if evening > turn.now { evening } else { evening + DAY };
    let round = evening + world.rng.between(0, 4 * MINUTE);
    cast.again(world, round, None);
}

/// A stolen session takes all that is kept out of the backup.
fn backups_end(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.hijacked(world, now);
    Cast::look_around(world, &mut turn);
    let tag = (world.company.keys.backup, world.company.keys.backups[2]);
    let found = cast.targets(world, turn.now, 10, &KEPT);
    write(world, &mut turn, &found, &[tag]);
}

/// An insider leaves machines out of the patches for good.
fn never_patched(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    let tag = (world.company.keys.patch, world.company.keys.rounds[1]);
    let found = cast.targets(world, now, 4, &MACHINES);
    write(world, &mut turn, &found, &[tag]);
}

/// The pipeline's credentials: schedule and backup of everything, by the tagging API.
fn all_at_once(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.hijacked_pipeline(world, now);
    let company = Rc::clone(&world.company);
    let tags = [(company.keys.sched, company.keys.hours[0]), (company.keys.backup, company.keys.backups[2])];
    let found = cast.targets(world, turn.now, 20, &KEPT);
    world.tag_many(&mut turn, &found, &tags);
}

/// Twin: development gets office hours, to save money.
fn savings(world: &mut World, now: i64, cast: &Cast) {
    let Some(account) = world.company.account_of(cast.team, Stage::Dev) else {
        return plans_by_template(world, now, cast);
    };
    let person = cast.operator(world, now);
    let mut turn = world.sign_in(person, account, now);
    let tag = (world.company.keys.sched, world.company.keys.hours[0]);
    let found = cast.targets_in(world, now, account, None, 5, &MACHINES);
    write(world, &mut turn, &found, &[tag]);
}

/// Twin: the pipeline writes another plan on what it owns, from the long one to the short.
fn plans_by_template(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = world.pipeline(cast.team, cast.account, now);
    let tag = (world.company.keys.backup, world.company.keys.backups[1]);
    for at in cast.targets(world, now, 6, &KEPT) {
        world.describe(&mut turn, at);
        world.tag(&mut turn, at, &[tag]);
    }
}

/// Twin: during a release the on-call keeps the patches away, and lets them in again afterwards.
fn frozen_for_an_hour(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    let (key, rounds) = (world.company.keys.patch, world.company.keys.rounds);
    let ticket = world.company.words.ticket(&mut world.rng);
    let found = cast.targets(world, now, 2, &MACHINES);
    write(world, &mut turn, &found, &[(key, rounds[1]), ("ticket", &ticket)]);
    turn.now += world.rng.between(30 * MINUTE, 80 * MINUTE);
    write(world, &mut turn, &found, &[(key, rounds[0])]);
}

/// Twin: a machine that is retired loses its plan by ticket, and is stopped.
fn retired(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    let company = Rc::clone(&world.company);
    let ticket = company.words.ticket(&mut world.rng);
    for at in cast.targets(world, now, 1, &MACHINES) {
        world.describe(&mut turn, at);
        world.tag(&mut turn, at, &[(company.keys.backup, company.keys.backups[2]), ("ticket", &ticket)]);
        world.power(&mut turn, at, false);
    }
}
