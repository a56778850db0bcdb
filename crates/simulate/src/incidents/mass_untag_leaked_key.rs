//! A leaked long-lived key takes the tags off dozens of resources.

use super::{Cast, Hours, Kind};
use crate::calendar::MINUTE;
use crate::names::FINANCE;
use crate::sessions::stolen;
use crate::words::Duty;
use crate::world::{FAST, World};

pub(super) const KIND: Kind = Kind { name: "mass_untag_leaked_key", hours: Hours::Any, days: 1, play };

fn play(world: &mut World, now: i64, cast: &Cast) {
    match (cast.malicious, cast.variant % 2) {
        (true, 0) => one_by_one(world, now, cast),
        (true, _) => in_batches(world, now, cast),
        (false, 0) => key_renamed(world, now, cast),
        (false, _) => leftovers_removed(world, now, cast),
    }
}

/// From a strange address, the owner and the environment go, resource by resource.
fn one_by_one(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = world.export_user(cast.account, now);
    turn.actor = stolen(&mut world.rng, &turn.actor);
    Cast::look_around(world, &mut turn);
    let keys = [world.company.keys.env, world.company.keys.owner];
    let env = keys[0];
    let fits = move |resource: &crate::estate::Resource| !resource.elastic && resource.tags.contains_key(env);
    let count = usize::try_from(world.rng.between(26, 44)).unwrap_or(30);
    for at in world.some(cast.account, now, count, fits) {
        world.untag(&mut turn, at, &keys);
    }
}

/// The same through the tagging API, twenty at a time, backup and cost as well.
fn in_batches(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = world.export_user(cast.account, now);
    turn.actor = stolen(&mut world.rng, &turn.actor);
    Cast::look_around(world, &mut turn);
    let keys = &world.company.keys;
    let gone = [keys.env, keys.owner, keys.cost, keys.backup];
    let (env, team) = (keys.env, cast.team);
    let fits = move |resource: &crate::estate::Resource| {
        resource.team == team && !resource.elastic && resource.tags.contains_key(env)
    };
    for batch in world.some(cast.account, now, 40, fits).chunks(20) {
        world.untag_many(&mut turn, batch, &gone);
    }
}

/// Twin: finance writes the cost centre anew for a team: off in one call, on again in the next.
fn key_renamed(world: &mut World, now: i64, cast: &Cast) {
    let zone = world.company.teams[FINANCE].zone;
    let day = crate::calendar::Day::of_ms(now);
    let Some(person) = crate::acts::somebody(world, FINANCE, day, Some(Duty::Cost)) else { return };
    let now = if world.spec.showcase { now } else { now.max(zone.at(day, 10 * 60 * MINUTE)) };
    let mut turn = world.sign_in(person, cast.account, now);
    let (key, team) = (world.company.keys.cost, cast.team);
    let fits = move |resource: &crate::estate::Resource| {
        resource.team == team && !resource.elastic && resource.tags.contains_key(key)
    };
    let value = world.company.teams[team].cost_center.clone();
    for batch in world.some(cast.account, now, 36, fits).chunks(18) {
        world.untag_many(&mut turn, batch, &[key]);
        world.tag_many(&mut turn, batch, &[(key, &value)]);
    }
}

/// Twin: the export user removes the mark it has set itself, from where it always works.
fn leftovers_removed(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = world.export_user(cast.account, now);
    turn.pause = FAST;
    let marked = |resource: &crate::estate::Resource| resource.tags.contains_key("exported");
    for at in world.some(cast.account, now, 40, marked) {
        world.untag(&mut turn, at, &["exported"]);
    }
}
