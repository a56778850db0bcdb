//! Terraform and `CloudFormation` runs of the teams' pipelines.

use serde_json::json;

use super::Act;
use crate::calendar::{HOUR, MINUTE};
use crate::company::Stage;
use crate::estate::{Kind, Resource};
use crate::record::Call;
use crate::sessions::Run;
use crate::world::{Turn, World};

/// A team's stack in one account shrinks above the first number, and never below the second.
const STACK: (usize, usize) = (34, 14);

fn of_app(team: usize, app: &'static str) -> impl Fn(&Resource) -> bool {
    move |resource| resource.team == team && resource.app == app && !resource.elastic
}

/// Now and then a run comes from a tag instead of the branch, or from a runner that is new.
fn unusual(world: &mut World, version: &str) -> Run {
    let reference = world.rng.chance(4).then(|| format!("ref:refs/tags/v{version}"));
    let ip = world.rng.chance(3).then(|| {
        let known = &world.company.networks.runners[0];
        let prefix = known.split('.').take(2).collect::<Vec<_>>().join(".");
        format!("{prefix}.{}.{}", world.rng.between(1, 250), world.rng.between(2, 250))
    });
    Run { ip, reference, agent: None }
}

pub(super) fn release(world: &mut World, now: i64, team: usize, app: &'static str, stage: Stage, version: String) {
    if let Some(account) = world.company.account_of(team, stage) {
        let run = unusual(world, &version);
        let mut turn = world.pipeline_run(team, account, now, run);
        if world.rng.chance(20) {
            super::seldom::use_secret(world, &mut turn, team);
        }
        let stack = world.some(account, now, 24, of_app(team, app));
        for &at in stack.iter().take(3) {
            world.describe(&mut turn, at);
        }
        // Some releases change the provider's default tags, and with them the whole stack.
        let whole = world.rng.chance(world.company.habits.whole);
        let env = (world.company.keys.env, world.company.keys.stage(stage));
        for at in stack {
            let kind = world.estate.get(at).kind;
            let code = matches!(kind, Kind::Function | Kind::Service);
            if code || world.rng.chance(8) {
                world.modify(&mut turn, at);
            }
            // What has drifted is put back: the templates own the environment.
            let drifted = world.estate.get(at).tags.get(env.0).is_none_or(|value| value != env.1);
            let new = ("version", version.as_str());
            match (code || whole, drifted) {
                (true, true) => world.tag(&mut turn, at, &[env, new]),
                (true, false) => world.tag(&mut turn, at, &[new]),
                (false, true) => world.tag(&mut turn, at, &[env]),
                (false, false) => {}
            }
        }
        if world.rng.chance(15) {
            roll(world, &mut turn, team, app);
        }
        if world.rng.chance(5) {
            let call = Call::read("tagging", "GetResources", json!({ "resourcesPerPage": 100 })).throttled();
            world.call(&mut turn, &call);
        }
    }
    let (next, low, high) = match stage {
        Stage::Dev => (Stage::Staging, 30 * MINUTE, 2 * HOUR),
        Stage::Staging if world.rng.chance(world.company.habits.promote) => (Stage::Prod, 40 * MINUTE, 3 * HOUR),
        _ => return,
    };
    let at = now + world.rng.between(low, high);
    world.plan(at, Act::Release { team, app, stage: next, version });
}

/// Machines are not changed but replaced: the new ones come first.
fn roll(world: &mut World, turn: &mut Turn, team: usize, app: &'static str) {
    let machine = move |resource: &Resource| of_app(team, app)(resource) && resource.kind == Kind::Instance;
    for at in world.some(turn.account, turn.now, 2, machine) {
        world.create(turn, Kind::Instance, team, app);
        world.delete(turn, at);
    }
}

pub(super) fn grow(world: &mut World, now: i64, team: usize, app: &'static str, stage: Stage) {
    let Some(account) = world.company.account_of(team, stage) else { return };
    let mut turn = world.pipeline(team, account, now);
    if world.estate.find(account, i64::MAX, of_app(team, app)).len() > STACK.0 {
        return shrink(world, &mut turn, team, app);
    }
    lay_out(world, &mut turn, team, app);
}

/// The calls of a new component.
pub(super) fn lay_out(world: &mut World, turn: &mut Turn, team: usize, app: &'static str) {
    let kinds: &[Kind] = match world.rng.below(4) {
        0 => &[Kind::LogGroup, Kind::Role, Kind::Function, Kind::Queue],
        1 => &[Kind::Key, Kind::Bucket, Kind::Secret],
        2 => &[Kind::Group, Kind::Instance, Kind::Volume],
        _ => &[Kind::LogGroup, Kind::Table, Kind::Topic, Kind::Service],
    };
    for &kind in kinds {
        let at = world.create(turn, kind, team, app);
        if matches!(kind, Kind::Group | Kind::Role) {
            world.modify(turn, at);
        }
    }
}

pub(super) fn retire(world: &mut World, now: i64, team: usize, app: &'static str) {
    let Some(account) = world.company.account_of(team, Stage::Dev) else { return };
    let mut turn = world.pipeline(team, account, now);
    shrink(world, &mut turn, team, app);
}

/// Deletes a few resources of the stack; what is left is what the team still works on.
fn shrink(world: &mut World, turn: &mut Turn, team: usize, app: &'static str) {
    let (account, now) = (turn.account, turn.now);
    let size = world.estate.find(account, i64::MAX, of_app(team, app)).len();
    for at in world.some(account, now, size.saturating_sub(STACK.1).min(6), of_app(team, app)) {
        world.describe(turn, at);
        world.delete(turn, at);
    }
}

pub(super) fn stack(world: &mut World, now: i64, team: usize, app: &'static str, stage: Stage) {
    let Some(account) = world.company.account_of(team, stage) else { return };
    let mut turn = world.pipeline(team, account, now);
    let id = format!(
        "arn:aws:cloudformation:{}:{}:stack/{app}-data/{}",
        turn.region,
        world.company.accounts[account].id,
        world.company.rng_for(&[app, &world.company.accounts[account].id, "stack"]).uuid()
    );
    let request = json!({
        "stackName": format!("{app}-data"), "capabilities": ["CAPABILITY_NAMED_IAM"], "usePreviousTemplate": false,
        "clientRequestToken": world.rng.uuid(),
    });
    let call = Call::write("cloudformation", "UpdateStack", request).answered(json!({ "stackId": id }));
    world.call(&mut turn, &call);
    turn.actor = turn.actor.through("cloudformation.amazonaws.com").into();
    let data = move |resource: &Resource| {
        of_app(team, app)(resource)
            && matches!(resource.kind, Kind::Table | Kind::Queue | Kind::Topic | Kind::Bucket | Kind::Key)
    };
    let revision = world.rng.between(100, 999).to_string();
    for at in world.some(account, now, 5, data) {
        world.describe(&mut turn, at);
        if world.rng.chance(40) {
            world.modify(&mut turn, at);
        }
        world.tag(&mut turn, at, &[("stack-revision", &revision)]);
    }
}
