//! Many resources are moved to another cost centre, so that somebody else pays.

use std::rc::Rc;

use super::{Cast, Hours, Kind};
use crate::estate::Resource;
use crate::sessions::stolen;
use crate::world::{FAST, World};

pub(super) const KIND: Kind = Kind { name: "cost_rewrite", hours: Hours::Working, days: 1, play };

fn play(world: &mut World, now: i64, cast: &Cast) {
    match (cast.malicious, cast.variant % 4) {
        (true, 0) => own_to_others(world, now, cast),
        (true, 1) => finance_stolen(world, now, cast),
        (true, 2) => one_by_one(world, now, cast),
        (true, _) => leaked_key(world, now, cast),
        (false, 0) => reorganised(world, now, cast),
        (false, 1) => by_template(world, now, cast),
        (false, 2) => taken_over(world, now, cast),
        (false, _) => put_right(world, now, cast),
    }
}

fn count(world: &mut World, low: i64, high: i64) -> usize {
    usize::try_from(world.rng.between(low, high)).unwrap_or(0)
}

/// The cost centre of somebody else.
fn others_number(world: &mut World, cast: &Cast) -> String {
    let own = &world.company.teams[cast.team].cost_center;
    let others: Vec<&String> =
        world.company.teams.iter().map(|team| &team.cost_center).filter(|number| *number != own).collect();
    (*world.rng.pick(&others)).clone()
}

fn of_team(team: usize) -> impl Fn(&Resource) -> bool {
    move |resource| resource.team == team && !resource.elastic
}

/// An operator hands the own team's bill to another in the tag editor.
fn own_to_others(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    let (key, value, size) = (world.company.keys.cost, others_number(world, cast), count(world, 25, 60));
    for batch in world.some(cast.account, now, size, of_team(cast.team)).chunks(20) {
        world.tag_many(&mut turn, batch, &[(key, &value)]);
    }
}

/// An accountant's session in other hands: a number that nobody has.
fn finance_stolen(world: &mut World, now: i64, cast: &Cast) {
    let person = Cast::accountant(world, now);
    let label = world.label.take();
    let mut turn = world.sign_in(person, cast.account, now);
    world.label = label;
    turn.actor = stolen(&mut world.rng, &turn.actor);
    turn.region = world.company.teams[cast.team].region;
    turn.pause = FAST;
    let (key, value, size) = (world.company.keys.cost, world.rng.digits(6), count(world, 40, 90));
    for batch in world.some(cast.account, now, size, of_team(cast.team)).chunks(20) {
        world.tag_many(&mut turn, batch, &[(key, &value)]);
    }
}

/// A script at an operator's desk, each service by its own call.
fn one_by_one(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    turn.pause = FAST;
    let (key, value, size) = (world.company.keys.cost, others_number(world, cast), count(world, 14, 34));
    for at in world.some(cast.account, now, size, of_team(cast.team)) {
        world.tag(&mut turn, at, &[(key, &value)]);
    }
}

/// The export user's key from a strange address.
fn leaked_key(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.leaked_key(world, now);
    Cast::look_around(world, &mut turn);
    let (key, value, size) = (world.company.keys.cost, others_number(world, cast), count(world, 20, 45));
    for batch in world.some(cast.account, now, size, of_team(cast.team)).chunks(15) {
        world.tag_many(&mut turn, batch, &[(key, &value)]);
    }
}

/// Twin: finance gives a team a new number, everywhere at once.
fn reorganised(world: &mut World, now: i64, cast: &Cast) {
    let person = Cast::accountant(world, now);
    let company = Rc::clone(&world.company);
    let value = company.words.cost_center(&mut world.rng);
    let mut now = now;
    for &account in &company.teams[cast.team].accounts {
        let mut turn = world.sign_in(person, account, now);
        turn.region = company.teams[cast.team].region;
        for batch in world.some(account, turn.now, 60, of_team(cast.team)).chunks(20) {
            world.tag_many(&mut turn, batch, &[(company.keys.cost, &value)]);
        }
        now = turn.now;
    }
}

/// Twin: the default tags of the templates have changed, and the pipeline writes them.
fn by_template(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = world.pipeline(cast.team, cast.account, now);
    let (key, value) = (world.company.keys.cost, world.company.words.cost_center(&mut world.rng));
    for at in world.some(cast.account, now, 40, of_team(cast.team)) {
        world.tag(&mut turn, at, &[(key, &value)]);
    }
}

/// Twin: a component is taken over: the owner and the cost centre change together, by ticket.
fn taken_over(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    let company = Rc::clone(&world.company);
    let team = &company.teams[cast.team];
    let ticket = company.words.ticket(&mut world.rng);
    let tags =
        [(company.keys.owner, team.name), (company.keys.cost, team.cost_center.as_str()), ("ticket", ticket.as_str())];
    let size = count(world, 6, 14);
    let mut found = world.some(cast.account, now, 60, |resource| !resource.elastic);
    found.sort_by_key(|&at| world.estate.get(at).team == cast.team);
    for at in found.into_iter().take(size) {
        world.tag(&mut turn, at, &tags);
    }
}

/// Twin: the team writes its own number where another had crept in.
fn put_right(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    let (key, value) = (world.company.keys.cost, world.company.teams[cast.team].cost_center.clone());
    let size = count(world, 15, 40);
    for batch in world.some(cast.account, now, size, of_team(cast.team)).chunks(20) {
        world.tag_many(&mut turn, batch, &[(key, &value)]);
    }
}
