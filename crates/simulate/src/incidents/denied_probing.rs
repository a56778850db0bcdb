//! Somebody tries door after door, and is refused at most of them.

use std::rc::Rc;

use serde_json::{Value, json};

use super::{Cast, Hours, Kind};
use crate::calendar::MINUTE;
use crate::calls::{modify, read_secret, role_policy, survey};
use crate::company::Stage;
use crate::estate::Kind as Resources;
use crate::record::Call;
use crate::world::{FAST, Turn, World};

pub(super) const KIND: Kind = Kind { name: "denied_probing", hours: Hours::Any, days: 1, play };

fn play(world: &mut World, now: i64, cast: &Cast) {
    match (cast.malicious, cast.variant % 4) {
        (true, 0) => stolen_session(world, now, cast),
        (true, 1) => leaked_key(world, now, cast),
        (true, 2) => curious(world, now, cast),
        (true, _) => stolen_pipeline(world, now, cast),
        (false, 0) => missing_permission(world, now, cast),
        (false, 1) => newcomer(world, now, cast),
        (false, 2) => scanner(world, now, cast),
        (false, _) => wrong_account(world, now, cast),
    }
}

fn door(world: &mut World, account: usize, number: usize) -> Call {
    let user = json!({ "userName": format!("svc-{}", world.rng.hex(3)) });
    let role = json!({ "roleName": "OrganizationAccountAccessRole" });
    match number % 9 {
        0 => Call::read("iam", "ListUsers", Value::Null),
        1 => Call::write("iam", "CreateUser", user),
        2 => Call::read("secretsmanager", "ListSecrets", json!({ "maxResults": 100 })),
        3 => Call::write("iam", "CreateAccessKey", Value::Null),
        4 => Call::read("organizations", "ListAccounts", Value::Null),
        5 => Call::write("iam", "AttachRolePolicy", role),
        6 => Call::read("kms", "ListKeys", json!({ "limit": 100 })),
        7 => {
            let trail = crate::calls::trail_arn(&world.company, account, world.company.regions[0]);
            crate::calls::stop_logging(&trail)
        }
        _ => Call::read("ssm", "DescribeParameters", json!({ "maxResults": 50 })),
    }
}

/// Tries `count` doors from one end of the street to the other.
fn try_doors(world: &mut World, turn: &mut Turn, count: i64) {
    let arn = turn.actor.arn.clone();
    let first = world.rng.below(9);
    for number in 0..usize::try_from(count).unwrap_or(0) {
        let call = door(world, turn.account, first + number).denied(&arn);
        world.call(turn, &call);
    }
}

fn stolen_session(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.hijacked(world, now);
    Cast::look_around(world, &mut turn);
    let count = world.rng.between(8, 18);
    try_doors(world, &mut turn, count);
}

/// A key from a leak: nobody knows what it is good for, so everything is tried; tags are what it may write.
fn leaked_key(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.leaked_key(world, now);
    let count = world.rng.between(12, 26);
    try_doors(world, &mut turn, count);
    for at in cast.targets(world, turn.now, 1, &[Resources::Table, Resources::Database]) {
        world.tag(&mut turn, at, &[("probe", "1")]);
    }
}

/// An insider goes through the secrets of others, one after another, without haste.
fn curious(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.engineer(world, now);
    let mut turn = world.sign_in(person, cast.account, now);
    let arn = turn.actor.arn.clone();
    let team = cast.team;
    let kinds = [Resources::Secret, Resources::Key, Resources::Database, Resources::Role];
    let company = Rc::clone(&world.company);
    let mut found = world.some(cast.account, now, 60, |resource| kinds.contains(&resource.kind));
    found.sort_by_key(|&at| world.estate.get(at).team == team);
    for at in found.into_iter().take(12) {
        let resource = world.estate.get(at);
        let call = match resource.kind {
            Resources::Secret => read_secret(resource),
            _ => modify(&company, &mut world.rng, resource),
        };
        world.touch(&mut turn, at, &call.denied(&arn));
        turn.now += world.rng.between(20_000, 2 * MINUTE);
    }
}

fn stolen_pipeline(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.hijacked_pipeline(world, now);
    let count = world.rng.between(10, 20);
    try_doors(world, &mut turn, count);
    let call = survey(&mut world.rng);
    world.call(&mut turn, &call);
}

/// Twin: a new part of the templates lacks a permission: the same call is refused run after run, until it is given.
fn missing_permission(world: &mut World, now: i64, cast: &Cast) {
    let account = world.company.account_of(cast.team, Stage::Staging).unwrap_or(cast.account);
    let kinds = [Resources::Key, Resources::Secret, Resources::Balancer];
    let found = cast.targets_in(world, now, account, None, 1, &kinds);
    let Some(&at) = found.first() else { return };
    let company = Rc::clone(&world.company);
    let (mut now, mut action) = (now, String::new());
    for _ in 0..3 {
        let mut turn = world.pipeline(cast.team, account, now);
        let arn = turn.actor.arn.clone();
        let call = modify(&company, &mut world.rng, world.estate.get(at)).denied(&arn);
        action = format!("{}:{}", call.source, call.name);
        for _ in 0..world.rng.between(2, 4) {
            world.touch(&mut turn, at, &call);
        }
        now = turn.now + world.rng.between(6 * MINUTE, 15 * MINUTE);
    }
    let guard = Cast::security_engineer(world, now);
    let mut granting = world.on_call(guard, account, now);
    let role = company.words.ci_role(company.teams[cast.team].name);
    world.call(&mut granting, &role_policy(&role, "extra", &action));
    let mut turn = world.pipeline(cast.team, account, granting.now + 3 * MINUTE);
    world.modify(&mut turn, at);
}

/// Twin: somebody who does not know the way yet clicks through the console, and half of it is shut.
fn newcomer(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.engineer(world, now);
    let client = world.own_client(person, now, true);
    let mut turn = world.sign_in_from(person, cast.account, now, client);
    let arn = turn.actor.arn.clone();
    for _ in 0..world.rng.between(8, 15) {
        let call = crate::calls::browse(&mut world.rng);
        let call = if world.rng.chance(60) { call.denied(&arn) } else { call };
        world.call(&mut turn, &call);
    }
}

/// Twin: the policy of a vendor was tightened; its scanner is refused until somebody tells it.
fn scanner(world: &mut World, now: i64, cast: &Cast) {
    let vendor = world.rng.below(world.company.vendors.len());
    let mut turn = world.vendor(vendor, cast.account, now);
    turn.pause = FAST;
    let arn = turn.actor.arn.clone();
    for _ in 0..world.rng.between(10, 20) {
        let call = survey(&mut world.rng);
        let call = if world.rng.chance(75) { call.denied(&arn) } else { call };
        world.call(&mut turn, &call);
    }
}

/// Twin: a script meant for development runs with the profile of production, and is stopped after a while.
fn wrong_account(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.engineer(world, now);
    let mut turn = world.sign_in(person, cast.account, now);
    turn.pause = FAST;
    let arn = turn.actor.arn.clone();
    let company = Rc::clone(&world.company);
    let kinds = [Resources::Queue, Resources::Function, Resources::Topic, Resources::LogGroup];
    for at in cast.targets(world, now, 8, &kinds) {
        let call = modify(&company, &mut world.rng, world.estate.get(at)).denied(&arn);
        world.touch(&mut turn, at, &call);
    }
    let Some(account) = company.account_of(cast.team, Stage::Dev) else { return };
    let noticed = turn.now + world.rng.between(MINUTE, 3 * MINUTE);
    let mut turn = world.sign_in(person, account, noticed);
    turn.pause = FAST;
    for at in cast.targets_in(world, turn.now, account, None, 8, &kinds) {
        world.modify(&mut turn, at);
    }
}
