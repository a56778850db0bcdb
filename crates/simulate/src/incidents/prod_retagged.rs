//! A production resource is declared to be development, and then stopped or deleted.

use super::{Cast, Hours, Kind};
use crate::calendar::MINUTE;
use crate::company::Stage;
use crate::estate::Kind as Resources;
use crate::world::{Turn, World};

pub(super) const KIND: Kind = Kind { name: "prod_retagged", hours: Hours::Working, days: 1, play };

fn play(world: &mut World, now: i64, cast: &Cast) {
    match (cast.malicious, cast.variant % 3) {
        (true, 0) => session_stolen(world, now, cast),
        (true, 1) => insider(world, now, cast),
        (true, _) => pipeline_stolen(world, now, cast),
        (false, 0) => decommissioned(world, now, cast),
        (false, 1) => mislabelled(world, now, cast),
        (false, _) => handed_over(world, now, cast),
    }
}

fn reclassify(world: &mut World, turn: &mut Turn, at: usize) {
    let (key, value) = (world.company.keys.env, world.company.keys.stage(Stage::Dev));
    world.tag(turn, at, &[(key, value)]);
}

/// With a stolen session: machines become development, then stop, then go.
fn session_stolen(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.hijacked(world, now);
    Cast::look_around(world, &mut turn);
    let found = cast.targets(world, now, 3, &[Resources::Instance]);
    for &at in &found {
        reclassify(world, &mut turn, at);
    }
    turn.now += world.rng.between(MINUTE, 3 * MINUTE);
    for &at in &found {
        world.power(&mut turn, at, false);
    }
    if let Some(&at) = found.first() {
        world.delete(&mut turn, at);
    }
}

/// An insider in the console: a database becomes development, and is deleted where nobody protects it any more.
fn insider(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    for at in cast.targets(world, now, 1, &[Resources::Database, Resources::Table]) {
        world.describe(&mut turn, at);
        reclassify(world, &mut turn, at);
        turn.now += world.rng.between(2 * MINUTE, 6 * MINUTE);
        world.delete(&mut turn, at);
    }
}

/// With the pipeline's credentials taken from a runner: the backup and the environment of many at once.
fn pipeline_stolen(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.hijacked_pipeline(world, now);
    Cast::look_around(world, &mut turn);
    let (env, backup) = (world.company.keys.env, world.company.keys.backup);
    let (value, none) = (world.company.keys.stage(Stage::Dev), world.company.keys.backups[2]);
    let found = cast.targets(world, now, 8, &[Resources::Instance, Resources::Volume, Resources::Database]);
    world.tag_many(&mut turn, &found, &[(env, value), (backup, none)]);
}

/// Twin: a machine is taken out of service, with a ticket, by its own on-call.
fn decommissioned(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    let ticket = world.company.words.ticket(&mut world.rng);
    for at in cast.targets(world, now, 1, &[Resources::Instance]) {
        world.describe(&mut turn, at);
        world.tag(&mut turn, at, &[("ticket", &ticket)]);
        reclassify(world, &mut turn, at);
        world.power(&mut turn, at, false);
    }
}

/// Twin: the wrong row in the console, put right within minutes.
fn mislabelled(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    let right = (world.company.keys.env, world.company.keys.stage(Stage::Prod));
    for at in cast.targets(world, now, 1, &[Resources::Instance, Resources::Volume, Resources::Queue]) {
        reclassify(world, &mut turn, at);
        turn.now += world.rng.between(2 * MINUTE, 5 * MINUTE);
        world.describe(&mut turn, at);
        world.tag(&mut turn, at, &[right]);
    }
}

/// Twin: the pipeline gives a retired component to the developers, as its templates say.
fn handed_over(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = world.pipeline(cast.team, cast.account, now);
    for at in cast.targets(world, now, 3, &[Resources::Function, Resources::Queue, Resources::Topic]) {
        world.describe(&mut turn, at);
        reclassify(world, &mut turn, at);
    }
}
