//! An identity that nobody has seen for weeks acts at night.

use std::rc::Rc;

use super::{Cast, Hours, Kind};
use crate::calendar::{Day, HOUR, MINUTE};
use crate::calls::{browse, read_secret};
use crate::estate::Kind as Resources;
use crate::sessions::stolen;
use crate::world::{Turn, World};

pub(super) const KIND: Kind = Kind { name: "dormant_user", hours: Hours::Night, days: 1, play };

fn play(world: &mut World, now: i64, cast: &Cast) {
    match (cast.malicious, cast.variant % 4) {
        (true, 0) => password_found(world, now, cast),
        (true, 1) => forgotten_key(world, now, cast),
        (true, 2) => never_offboarded(world, now, cast),
        (true, _) => old_console(world, now, cast),
        (false, 0) => back_from_leave(world, now, cast),
        (false, 1) => quarterly_job(world, now, cast),
        (false, 2) => first_night_back(world, now, cast),
        (false, _) => restore_drill(world, now, cast),
    }
}

/// What is worth having is looked at, then marked as somebody else's and changed.
fn help_oneself(world: &mut World, turn: &mut Turn, cast: &Cast) {
    let now = turn.now;
    let company = Rc::clone(&world.company);
    for at in cast.targets(world, now, 2, &[Resources::Secret]) {
        let call = read_secret(world.estate.get(at));
        world.call(turn, &call);
    }
    let owner = (company.keys.owner, company.teams[crate::names::PLATFORM].name);
    for at in cast.targets(world, now, 3, &[Resources::Database, Resources::Role, Resources::Function]) {
        world.tag(turn, at, &[owner]);
        world.modify(turn, at);
    }
}

/// A password from a leak: the sign-in comes from nowhere, and goes on to production.
fn password_found(world: &mut World, now: i64, cast: &Cast) {
    let Some(person) = Cast::sleeper(world, now) else { return forgotten_key(world, now, cast) };
    let client = Cast::strange_client(world, false);
    let turn = world.sign_in_from(person, world.door(person, cast.account), now, client);
    let mut turn = world.climb(turn, person, cast.account, None);
    Cast::look_around(world, &mut turn);
    help_oneself(world, &mut turn, cast);
}

/// The quarterly job's key, from a strange address.
fn forgotten_key(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = world.batch_user(cast.account, now);
    turn.actor = stolen(&mut world.rng, &turn.actor);
    turn.region = world.company.teams[cast.team].region;
    Cast::look_around(world, &mut turn);
    help_oneself(world, &mut turn, cast);
}

/// Somebody whose contract has ended still gets in, from home, and takes things down.
fn never_offboarded(world: &mut World, now: i64, cast: &Cast) {
    let Some(person) = Cast::sleeper(world, now) else { return forgotten_key(world, now, cast) };
    let mut client = world.own_client(person, now, false);
    world.company.people[person].equipment(Day::of_ms(now)).1.clone_into(&mut client.ip);
    let turn = world.sign_in_from(person, world.door(person, cast.account), now, client);
    let mut turn = world.climb(turn, person, cast.account, None);
    let (env, owner) = (world.company.keys.env, world.company.keys.owner);
    for at in cast.targets(world, now, 4, &[Resources::Queue, Resources::Function, Resources::Table]) {
        world.untag(&mut turn, at, &[env, owner]);
    }
    for at in cast.targets(world, turn.now, 2, &[Resources::Function, Resources::Queue]) {
        world.delete(&mut turn, at);
    }
}

/// The console at three in the morning, with a browser like any other.
fn old_console(world: &mut World, now: i64, cast: &Cast) {
    let Some(person) = Cast::sleeper(world, now) else { return forgotten_key(world, now, cast) };
    let client = Cast::strange_client(world, true);
    let turn = world.sign_in_from(person, world.door(person, cast.account), now, client);
    let mut turn = world.climb(turn, person, cast.account, None);
    for _ in 0..world.rng.between(3, 6) {
        let call = browse(&mut world.rng);
        world.call(&mut turn, &call);
    }
    help_oneself(world, &mut turn, cast);
}

/// The same day at ten in the morning where the person lives.
fn morning(world: &World, person: usize, now: i64) -> i64 {
    let day = Day::of_ms(now);
    let at = world.company.people[person].zone.at(day, 10 * HOUR + now.rem_euclid(HOUR));
    // Nothing is planned back into what has been handed out already.
    at.max(now)
}

fn ordinary_work(world: &mut World, turn: &mut Turn, cast: &Cast, ticket: &str) {
    for _ in 0..world.rng.between(2, 5) {
        let call = browse(&mut world.rng);
        world.call(turn, &call);
    }
    for at in cast.targets(world, turn.now, 2, &[Resources::Service, Resources::Function, Resources::Database]) {
        world.describe(turn, at);
        world.modify(turn, at);
        world.tag(turn, at, &[("ticket", ticket)]);
    }
}

/// Twin: the first day back after a long leave, from where the person has always worked.
fn back_from_leave(world: &mut World, now: i64, cast: &Cast) {
    let Some(person) = Cast::sleeper(world, now) else { return quarterly_job(world, now, cast) };
    let now = morning(world, person, now);
    let mut turn = world.on_call(person, cast.account, now);
    let ticket = world.company.words.ticket(&mut world.rng);
    ordinary_work(world, &mut turn, cast, &ticket);
}

/// Twin: the quarterly job does what it is there for, at night and from the company's own network.
fn quarterly_job(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = world.batch_user(cast.account, now);
    turn.region = world.company.teams[cast.team].region;
    let call = crate::calls::survey(&mut world.rng);
    world.call(&mut turn, &call);
    let today = Day::of_ms(now).to_string();
    for at in cast.targets(world, now, 12, &[Resources::Table, Resources::Database, Resources::Bucket]) {
        world.describe(&mut turn, at);
        world.tag(&mut turn, at, &[("extracted", &today)]);
    }
}

/// Twin: back at work, and the first night on call is a busy one.
fn first_night_back(world: &mut World, now: i64, cast: &Cast) {
    let Some(person) = Cast::sleeper(world, now) else { return restore_drill(world, now, cast) };
    let mut turn = world.on_call(person, cast.account, now);
    let ticket = world.company.words.ticket(&mut world.rng);
    ordinary_work(world, &mut turn, cast, &ticket);
}

/// Twin: a restore is rehearsed in the hours in which nobody minds, by the quarterly job's user.
fn restore_drill(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = world.batch_user(cast.account, now);
    turn.region = world.company.teams[cast.team].region;
    for at in cast.targets(world, now, 3, &[Resources::Database]) {
        world.describe(&mut turn, at);
        world.tag(&mut turn, at, &[("restore-test", "running")]);
        turn.now += world.rng.between(5 * MINUTE, 20 * MINUTE);
        world.tag(&mut turn, at, &[("restore-test", "passed")]);
    }
}
