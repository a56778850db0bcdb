//! Somebody writes the tag that a policy asks for, on itself or on what it wants, and walks in.

use std::rc::Rc;

use super::{Cast, Hours, Kind};
use crate::calendar::MINUTE;
use crate::calls::{read_secret, storage, tag_role, tag_user};
use crate::estate::Kind as Resources;
use crate::names::FINANCE;
use crate::world::{Turn, World};

pub(super) const KIND: Kind = Kind { name: "abac_escalation", hours: Hours::Any, days: 1, play };

fn play(world: &mut World, now: i64, cast: &Cast) {
    match (cast.malicious, cast.variant % 5) {
        (true, 0) => own_role(world, now, cast),
        (true, 1) => foreign_resource(world, now, cast),
        (true, 2) => session_tag(world, now, cast),
        (true, 3) => own_user(world, now, cast),
        (true, _) => declassified(world, now, cast),
        (false, 0) => granted(world, now, cast),
        (false, 1) => by_template(world, now, cast),
        (false, 2) => usual_session_tag(world, now, cast),
        (false, 3) => reviewed(world, now, cast),
        (false, _) => asked_for(world, now, cast),
    }
}

/// Another product team's name: the value that opens its doors.
fn other_team(world: &mut World, cast: &Cast) -> usize {
    let others: Vec<usize> = world.company.product_teams().into_iter().filter(|&team| team != cast.team).collect();
    if others.is_empty() { FINANCE } else { *world.rng.pick(&others) }
}

/// Secrets of the account, those of others first.
fn secrets(world: &mut World, now: i64, cast: &Cast, count: usize) -> Vec<usize> {
    let mut found = world.some(cast.account, now, 40, |resource| resource.kind == Resources::Secret);
    found.sort_by_key(|&at| world.estate.get(at).team == cast.team);
    found.truncate(count);
    found
}

fn read_all(world: &mut World, turn: &mut Turn, secrets: &[usize]) {
    for &at in secrets {
        let call = read_secret(world.estate.get(at));
        world.call(turn, &call);
    }
}

fn refused_secret(world: &mut World, turn: &mut Turn, secrets: &[usize]) {
    let Some(&at) = secrets.first() else { return };
    let arn = turn.actor.arn.clone();
    let call = read_secret(world.estate.get(at)).denied(&arn);
    world.call(turn, &call);
}

/// Refused at another team's secret; the own role gets that team's tag; then the secrets open.
fn own_role(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    let found = secrets(world, now, cast, 3);
    refused_secret(world, &mut turn, &found);
    let company = Rc::clone(&world.company);
    let role = company.words.operator_role(company.teams[cast.team].name);
    let other = other_team(world, cast);
    world.call(&mut turn, &tag_role(&role, &[(company.keys.access, company.teams[other].name)]));
    turn.now += world.rng.between(20_000, 2 * MINUTE);
    read_all(world, &mut turn, &found);
}

/// Another team's store is declared to be the own team's, and its protection changed.
fn foreign_resource(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    let team = cast.team;
    let company = Rc::clone(&world.company);
    let value = company.teams[team].name;
    let stores = [Resources::Secret, Resources::Bucket, Resources::Table];
    let mut found = world.some(cast.account, now, 40, |resource| stores.contains(&resource.kind));
    found.sort_by_key(|&at| world.estate.get(at).team == team);
    for at in found.into_iter().take(2) {
        world.describe(&mut turn, at);
        world.tag(&mut turn, at, &[(company.keys.access, value)]);
        if world.estate.get(at).kind == Resources::Secret {
            read_all(world, &mut turn, &[at]);
        } else {
            world.modify(&mut turn, at);
        }
    }
}

/// A stolen session chains into the role with another team's tag on the session.
fn session_tag(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let label = world.label.take();
    let mut turn = world.sign_in(person, cast.account, now);
    world.label = label;
    turn.actor = crate::sessions::stolen(&mut world.rng, &turn.actor);
    turn.now += world.rng.between(MINUTE, 4 * MINUTE);
    let other = other_team(world, cast);
    let company = Rc::clone(&world.company);
    let tag = (company.keys.access, company.teams[other].name);
    let mut turn = world.climb(turn, person, cast.account, Some(tag));
    turn.pause = (1_500, 12_000);
    let found = secrets(world, now, cast, 4);
    read_all(world, &mut turn, &found);
}

/// The leaked key's user tags itself.
fn own_user(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.leaked_key(world, now);
    Cast::look_around(world, &mut turn);
    let found = secrets(world, now, cast, 3);
    refused_secret(world, &mut turn, &found);
    let company = Rc::clone(&world.company);
    let tag = (company.keys.access, company.teams[cast.team].name);
    world.call(&mut turn, &tag_user(company.words.export_user, &[tag]));
    read_all(world, &mut turn, &found);
}

/// A stolen session says that confidential data is public, and shares it.
fn declassified(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.hijacked(world, now);
    let company = Rc::clone(&world.company);
    for at in cast.targets(world, now, 2, &[Resources::Bucket, Resources::Secret]) {
        world.describe(&mut turn, at);
        world.tag(&mut turn, at, &[(company.keys.class, company.keys.classes[0])]);
        if world.estate.get(at).kind == Resources::Secret {
            read_all(world, &mut turn, &[at]);
        } else {
            let call = storage::policy(world.estate.get(at), &serde_json::json!({ "AWS": "*" }));
            world.touch(&mut turn, at, &call);
        }
    }
}

/// Twin: the security team gives a role its own team's tag, by ticket.
fn granted(world: &mut World, now: i64, cast: &Cast) {
    let person = Cast::security_engineer(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    let company = Rc::clone(&world.company);
    let role = company.words.operator_role(company.teams[cast.team].name);
    let ticket = company.words.ticket(&mut world.rng);
    let tags = [(company.keys.access, company.teams[cast.team].name), ("ticket", ticket.as_str())];
    world.call(&mut turn, &tag_role(&role, &tags));
}

/// Twin: the team's templates write the access tag on what is the team's own.
fn by_template(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = world.pipeline(cast.team, cast.account, now);
    let company = Rc::clone(&world.company);
    let tag = (company.keys.access, company.teams[cast.team].name);
    for at in cast.targets(world, now, 5, &[Resources::Role, Resources::Secret, Resources::Bucket]) {
        world.describe(&mut turn, at);
        world.tag(&mut turn, at, &[tag]);
    }
}

/// Twin: the session carries the own team's tag, and reads the own team's secret.
fn usual_session_tag(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let signed_in = world.sign_in(person, cast.account, now);
    let company = Rc::clone(&world.company);
    let tag = (company.keys.access, company.teams[cast.team].name);
    let mut turn = world.climb(signed_in, person, cast.account, Some(tag));
    let found = cast.targets(world, now, 1, &[Resources::Secret]);
    read_all(world, &mut turn, &found);
    for at in found {
        world.modify(&mut turn, at);
    }
}

/// Twin: after a review, the owner lowers the class of the own bucket by one step.
fn reviewed(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    let company = Rc::clone(&world.company);
    let ticket = company.words.ticket(&mut world.rng);
    for at in cast.targets(world, now, 1, &[Resources::Bucket, Resources::Table]) {
        world.describe(&mut turn, at);
        world.tag(&mut turn, at, &[(company.keys.class, company.keys.classes[1]), ("ticket", &ticket)]);
    }
}

/// Twin: refused, asked for, granted by the security team, and then used.
fn asked_for(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    let found = cast.targets(world, now, 1, &[Resources::Secret]);
    refused_secret(world, &mut turn, &found);
    let guard = Cast::security_engineer(world, now);
    let later = turn.now + world.rng.between(10 * MINUTE, 40 * MINUTE);
    let mut granting = world.on_call(guard, cast.account, later);
    let company = Rc::clone(&world.company);
    for &at in &found {
        world.tag(&mut granting, at, &[(company.keys.access, company.teams[cast.team].name)]);
    }
    turn.now = granting.now + world.rng.between(2 * MINUTE, 9 * MINUTE);
    read_all(world, &mut turn, &found);
}
