//! A pipeline's role is used from a strange address, or for what pipelines never do.

use std::rc::Rc;

use serde_json::json;

use super::{Cast, Hours, Kind};
use crate::calendar::MINUTE;
use crate::calls::{attach_role_policy, create_access_key, create_user, read_secret};
use crate::company::Stage;
use crate::estate::Kind as Resources;
use crate::record::Call;
use crate::sessions::{Run, foreign_address, strange_shell};
use crate::world::{Turn, World};

pub(super) const KIND: Kind = Kind { name: "ci_token_misused", hours: Hours::Any, days: 1, play };

fn play(world: &mut World, now: i64, cast: &Cast) {
    match (cast.malicious, cast.variant % 4) {
        (true, 0) => token_elsewhere(world, now, cast),
        (true, 1) => poisoned_workflow(world, now, cast),
        (true, 2) => pull_request(world, now, cast),
        (true, _) => session_taken(world, now, cast),
        (false, 0) => new_runners(world, now, cast),
        (false, 1) => from_a_tag(world, now, cast),
        (false, 2) => keys_rotated(world, now, cast),
        (false, _) => smoke_test(world, now, cast),
    }
}

fn read_secrets(world: &mut World, turn: &mut Turn, count: usize) {
    let call = Call::read("secretsmanager", "ListSecrets", json!({ "maxResults": 100 }));
    world.call(turn, &call);
    for at in world.some(turn.account, turn.now, count, |resource| resource.kind == Resources::Secret) {
        let call = read_secret(world.estate.get(at));
        world.call(turn, &call);
    }
}

fn new_key(world: &mut World, account: usize) -> String {
    format!("AKIA{}{}", world.company.accounts[account].block, world.rng.upper(8))
}

/// The token itself was taken, and is exchanged far away.
fn token_elsewhere(world: &mut World, now: i64, cast: &Cast) {
    let agent = strange_shell(&mut world.rng);
    let run = Run { ip: Some(foreign_address(&mut world.rng)), agent: Some(agent), ..Run::default() };
    let mut turn = world.pipeline_run(cast.team, cast.account, now, run);
    Cast::look_around(world, &mut turn);
    read_secrets(world, &mut turn, 4);
    for at in cast.targets(world, turn.now, 2, &[Resources::Role]) {
        let call = attach_role_policy(&world.estate.get(at).id, "AdministratorAccess");
        world.touch(&mut turn, at, &call);
    }
}

/// A poisoned step in the usual workflow, on the usual runner: everything is as always, but what it does.
fn poisoned_workflow(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = world.pipeline(cast.team, cast.account, now);
    read_secrets(world, &mut turn, 3);
    let user = world.company.words.export_user;
    let key = new_key(world, cast.account);
    let call = create_access_key(user, &key, turn.now);
    world.call(&mut turn, &call);
}

/// A branch of a stranger is let into production, and leaves a user behind.
fn pull_request(world: &mut World, now: i64, cast: &Cast) {
    let agent = strange_shell(&mut world.rng);
    let run = Run { reference: Some(String::from("pull_request")), agent: Some(agent), ..Run::default() };
    let mut turn = world.pipeline_run(cast.team, cast.account, now, run);
    Cast::look_around(world, &mut turn);
    let name = format!("ci-helper-{}", world.rng.hex(3));
    let call = create_user(&world.company, cast.account, &name, None, turn.now);
    world.call(&mut turn, &call);
    let key = new_key(world, cast.account);
    let call = create_access_key(&name, &key, turn.now);
    world.call(&mut turn, &call);
}

/// The session is taken from the runner's memory, and used to change tags that templates own.
fn session_taken(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.hijacked_pipeline(world, now);
    Cast::look_around(world, &mut turn);
    let company = Rc::clone(&world.company);
    read_secrets(world, &mut turn, 2);
    for at in cast.targets(world, turn.now, 6, &[Resources::Bucket, Resources::Role, Resources::Table]) {
        world.tag(&mut turn, at, &[(company.keys.access, "shared"), (company.keys.class, company.keys.classes[0])]);
    }
}

/// What a release does: looks, changes, and writes its version.
fn release(world: &mut World, turn: &mut Turn, cast: &Cast) {
    let version = format!("{}.{}.1", world.rng.between(1, 6), world.rng.between(0, 40));
    for at in cast.targets(world, turn.now, 8, &[Resources::Function, Resources::Service, Resources::LogGroup]) {
        world.describe(turn, at);
        world.modify(turn, at);
        world.tag(turn, at, &[("version", &version)]);
    }
}

/// Twin: the runners were renewed; the addresses are new, the work is not.
fn new_runners(world: &mut World, now: i64, cast: &Cast) {
    let usual = world.company.networks.runners[0].clone();
    let prefix = usual.split('.').take(2).collect::<Vec<_>>().join(".");
    let ip = format!("{prefix}.{}.{}", world.rng.between(1, 250), world.rng.between(2, 250));
    let mut turn = world.pipeline_run(cast.team, cast.account, now, Run { ip: Some(ip), ..Run::default() });
    release(world, &mut turn, cast);
}

/// Twin: a release from a tag instead of the branch.
fn from_a_tag(world: &mut World, now: i64, cast: &Cast) {
    let reference = format!("ref:refs/tags/v{}.{}.0", world.rng.between(1, 6), world.rng.between(0, 40));
    let run = Run { reference: Some(reference), ..Run::default() };
    let mut turn = world.pipeline_run(cast.team, cast.account, now, run);
    release(world, &mut turn, cast);
}

/// Twin: the rotation, which the pipeline does a few times a year: the new key, the secret, and the old key goes.
fn keys_rotated(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = world.pipeline(cast.team, cast.account, now);
    let user = world.company.words.batch_user;
    let key = new_key(world, cast.account);
    let call = create_access_key(user, &key, turn.now);
    world.call(&mut turn, &call);
    for at in cast.targets(world, turn.now, 1, &[Resources::Secret]) {
        world.modify(&mut turn, at);
    }
    turn.now += world.rng.between(MINUTE, 4 * MINUTE);
    let request = json!({ "userName": user, "accessKeyId": new_key(world, cast.account) });
    world.call(&mut turn, &Call::write("iam", "DeleteAccessKey", request));
}

/// Twin: a smoke test in staging reads the secrets that the application will read.
fn smoke_test(world: &mut World, now: i64, cast: &Cast) {
    let stage = world.company.account_of(cast.team, Stage::Staging).unwrap_or(cast.account);
    let mut turn = world.pipeline(cast.team, stage, now);
    let team = cast.team;
    for at in world.some(stage, now, 2, |resource| resource.kind == Resources::Secret && resource.team == team) {
        let call = read_secret(world.estate.get(at));
        world.call(&mut turn, &call);
    }
    for at in world.some(stage, turn.now, 2, |resource| resource.team == team && !resource.elastic) {
        world.describe(&mut turn, at);
        world.modify(&mut turn, at);
    }
}
