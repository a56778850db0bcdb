//! A security group lets the whole world in on a port for administrators.

use super::{Cast, Hours, Kind};
use crate::calendar::MINUTE;
use crate::calls::{close_port, open_port};
use crate::company::Stage;
use crate::estate::Kind as Resources;
use crate::world::{Turn, World};

pub(super) const KIND: Kind = Kind { name: "group_opened", hours: Hours::Any, days: 1, play };

const WORLD: &str = "0.0.0.0/0";

fn play(world: &mut World, now: i64, cast: &Cast) {
    match (cast.malicious, cast.variant % 3) {
        (true, 0) => session_stolen(world, now, cast),
        (true, 1) => insider(world, now, cast),
        (true, _) => pipeline_stolen(world, now, cast),
        (false, 0) => wrong_mask(world, now, cast),
        (false, 1) => workshop(world, now, cast),
        (false, _) => emergency_door(world, now, cast),
    }
}

fn open(world: &mut World, turn: &mut Turn, at: usize, cidr: &str, port: u16, note: &str) {
    let account_id = world.company.accounts[world.estate.get(at).account].id.clone();
    let call = open_port(world.estate.get(at), &mut world.rng, &account_id, cidr, port, note);
    world.touch(turn, at, &call);
}

fn close(world: &mut World, turn: &mut Turn, at: usize, cidr: &str, port: u16) {
    let call = close_port(world.estate.get(at), cidr, port);
    world.touch(turn, at, &call);
}

/// A stolen session opens SSH.
fn session_stolen(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.hijacked(world, now);
    Cast::look_around(world, &mut turn);
    for at in cast.targets(world, now, 1, &[Resources::Group]) {
        world.describe(&mut turn, at);
        open(world, &mut turn, at, WORLD, 22, "");
    }
}

/// An insider opens remote desktop on two groups, with a note that sounds right.
fn insider(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    for at in cast.targets(world, now, 2, &[Resources::Group]) {
        open(world, &mut turn, at, WORLD, 3389, "temporary access");
    }
}

/// The pipeline's credentials open SSH on every group they find.
fn pipeline_stolen(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.hijacked_pipeline(world, now);
    Cast::look_around(world, &mut turn);
    for at in cast.targets(world, now, 6, &[Resources::Group]) {
        open(world, &mut turn, at, WORLD, 22, "");
        open(world, &mut turn, at, WORLD, 3389, "");
    }
}

/// Twin: the on-call forgets the mask, sees it, and writes the VPN's address instead.
fn wrong_mask(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    let vpn = format!("{}/32", world.rng.pick(&world.company.networks.vpn));
    for at in cast.targets(world, now, 1, &[Resources::Group]) {
        world.describe(&mut turn, at);
        open(world, &mut turn, at, WORLD, 22, "vpn");
        turn.now += world.rng.between(MINUTE, 3 * MINUTE);
        close(world, &mut turn, at, WORLD, 22);
        open(world, &mut turn, at, &vpn, 22, "vpn");
    }
}

/// Twin: a workshop in the development account, closed when it is over.
fn workshop(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let Some(account) = world.company.account_of(cast.team, Stage::Dev) else { return };
    let mut turn = world.sign_in(person, account, now);
    for at in world.some(account, now, 1, |resource| resource.kind == Resources::Group) {
        open(world, &mut turn, at, WORLD, 22, "workshop");
        turn.now += world.rng.between(40 * MINUTE, 90 * MINUTE);
        close(world, &mut turn, at, WORLD, 22);
    }
}

/// Twin: during an outage the on-call lets in the VPN alone, and shuts the door again.
fn emergency_door(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    let vpn = format!("{}/32", world.rng.pick(&world.company.networks.vpn));
    for at in cast.targets(world, now, 1, &[Resources::Group]) {
        open(world, &mut turn, at, &vpn, 22, "outage, vpn only");
        turn.now += world.rng.between(10 * MINUTE, 40 * MINUTE);
        close(world, &mut turn, at, &vpn, 22);
    }
}
