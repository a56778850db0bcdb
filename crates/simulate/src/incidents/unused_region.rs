//! Something is started in a region where the company has nothing.

use serde_json::json;

use super::{Cast, Hours, Kind};
use crate::calls::{copy_snapshot, import_key, launch};
use crate::company::Stage;
use crate::names::{FAR_REGIONS, PLATFORM};
use crate::record::Call;
use crate::words::Duty;
use crate::world::{Turn, World};

pub(super) const KIND: Kind = Kind { name: "unused_region", hours: Hours::Any, days: 1, play };

fn play(world: &mut World, now: i64, cast: &Cast) {
    match (cast.malicious, cast.variant % 4) {
        (true, 0) => mining(world, now, cast),
        (true, 1) => wherever_it_works(world, now, cast),
        (true, 2) => copied_away(world, now, cast),
        (true, _) => pipeline_stolen(world, now, cast),
        (false, 0) => branch_office(world, now, cast),
        (false, 1) => tried_out(world, now, cast),
        (false, 2) => second_home(world, now, cast),
        (false, _) => looked_up(world, now, cast),
    }
}

fn far(world: &mut World) -> &'static str {
    FAR_REGIONS[world.rng.below(FAR_REGIONS.len())]
}

fn start(world: &mut World, turn: &mut Turn, kind: &str, count: u8, tags: Option<&serde_json::Value>) -> Call {
    let account_id = world.company.accounts[turn.account].id.clone();
    launch(&mut world.rng, &account_id, turn.region, kind, count, tags)
}

/// A stolen session brings its own key pair and starts large machines.
fn mining(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.hijacked(world, now);
    Cast::look_around(world, &mut turn);
    turn.region = far(world);
    let name = format!("k{}", world.rng.hex(4));
    let call = import_key(&mut world.rng, &name);
    world.call(&mut turn, &call);
    for _ in 0..world.rng.between(2, 4) {
        let call = start(world, &mut turn, "g5.48xlarge", 8, None);
        world.call(&mut turn, &call);
    }
}

/// The leaked key tries region after region, until one lets it.
fn wherever_it_works(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.leaked_key(world, now);
    let mut regions = FAR_REGIONS.to_vec();
    world.rng.shuffle(&mut regions);
    let arn = turn.actor.arn.clone();
    for (tried, region) in regions.into_iter().take(4).enumerate() {
        turn.region = region;
        let call = start(world, &mut turn, "c6a.32xlarge", 6, None);
        let call = if tried < 3 { call.denied(&arn) } else { call };
        world.call(&mut turn, &call);
    }
}

/// An insider copies the backups to where nobody looks, and shares them with another account.
fn copied_away(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    let home = turn.region;
    turn.region = far(world);
    for _ in 0..world.rng.between(2, 4) {
        let snapshot = match world.snapshots.back() {
            Some((_, _, id)) => id.clone(),
            None => format!("snap-0{}", world.rng.hex(16)),
        };
        let call = copy_snapshot(&mut world.rng, &snapshot, home, false);
        let copy = call.response["snapshotId"].clone();
        world.call(&mut turn, &call);
        let stranger = format!("{}{}", world.rng.between(1, 9), world.rng.digits(11));
        let request = json!({
            "snapshotId": copy, "attributeType": "CREATE_VOLUME_PERMISSION",
            "createVolumePermission": { "add": { "items": [{ "userId": stranger }] } },
        });
        let call = Call::write("ec2", "ModifySnapshotAttribute", request).answered(json!({ "_return": true }));
        world.call(&mut turn, &call);
    }
}

/// The pipeline's credentials start a machine with tags that look like the company's.
fn pipeline_stolen(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.hijacked_pipeline(world, now);
    turn.region = far(world);
    let tags = tags(world, cast.team, Stage::Prod);
    for _ in 0..2 {
        let call = start(world, &mut turn, "p4d.24xlarge", 2, Some(&tags));
        world.call(&mut turn, &call);
    }
}

fn tags(world: &World, team: usize, stage: Stage) -> serde_json::Value {
    let keys = &world.company.keys;
    let team = &world.company.teams[team];
    json!([
        { "key": keys.env, "value": keys.stage(stage) }, { "key": keys.owner, "value": team.name },
        { "key": keys.cost, "value": team.cost_center }, { "key": keys.managed, "value": "terraform" },
    ])
}

/// Twin: the team's pipeline lays out a small outpost, in development first, with all its tags.
fn branch_office(world: &mut World, now: i64, cast: &Cast) {
    let account = world.company.account_of(cast.team, Stage::Dev).unwrap_or(cast.account);
    let mut turn = world.pipeline(cast.team, account, now);
    turn.region = far(world);
    let group = json!({ "groupName": "outpost", "groupDescription": "Managed by Terraform" });
    let answer = json!({ "_return": true, "groupId": format!("sg-0{}", world.rng.hex(16)) });
    world.call(&mut turn, &Call::write("ec2", "CreateSecurityGroup", group).answered(answer));
    let tags = tags(world, cast.team, Stage::Dev);
    let call = start(world, &mut turn, "t4g.small", 1, Some(&tags));
    world.call(&mut turn, &call);
}

/// Twin: somebody of the platform measures the distance from a sandbox, and stops what was started.
fn tried_out(world: &mut World, now: i64, cast: &Cast) {
    let account = world.company.accounts_in(Stage::Sandbox).first().copied().unwrap_or(cast.account);
    let day = crate::calendar::Day::of_ms(now);
    let Some(person) = crate::acts::somebody(world, PLATFORM, day, Some(Duty::Platform)) else {
        return branch_office(world, now, cast);
    };
    let mut turn = world.sign_in(person, account, now);
    turn.region = far(world);
    let tags = tags(world, PLATFORM, Stage::Sandbox);
    let call = start(world, &mut turn, "t4g.nano", 1, Some(&tags));
    let id = call.response["instancesSet"]["items"][0]["instanceId"].clone();
    world.call(&mut turn, &call);
    turn.now += world.rng.between(600_000, 2_400_000);
    let request = json!({ "instancesSet": { "items": [{ "instanceId": id }] } });
    let answer = json!({ "instancesSet": { "items": [{
        "instanceId": id, "currentState": { "code": 32, "name": "shutting-down" },
        "previousState": { "code": 16, "name": "running" },
    }] } });
    world.call(&mut turn, &Call::write("ec2", "TerminateInstances", request).answered(answer));
}

/// Twin: the platform's pipeline copies encrypted backups to a second home, as the plan for disasters wants it.
fn second_home(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = world.pipeline(cast.team, cast.account, now);
    let home = turn.region;
    // The same second home every time.
    let new = FAR_REGIONS[world.company.rng_for(&["second home"]).below(FAR_REGIONS.len())];
    turn.region = world.company.habits.second_home.unwrap_or(new);
    for _ in 0..world.rng.between(1, 3) {
        let snapshot = format!("snap-0{}", world.rng.hex(16));
        let call = copy_snapshot(&mut world.rng, &snapshot, home, true);
        world.call(&mut turn, &call);
    }
}

/// Twin: somebody looks up quotas and machine types elsewhere, and changes nothing.
fn looked_up(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.engineer(world, now);
    let account = world.company.account_of(cast.team, Stage::Dev).unwrap_or(cast.account);
    let mut turn = world.sign_in(person, account, now);
    for _ in 0..world.rng.between(2, 4) {
        turn.region = far(world);
        let request = json!({ "maxResults": 100, "filterSet": {} });
        world.call(&mut turn, &Call::read("ec2", "DescribeInstanceTypes", request));
    }
    let request = json!({ "serviceCode": "ec2", "quotaCode": "L-1216C47A", "desiredValue": 64.0 });
    world.call(&mut turn, &Call::write("servicequotas", "RequestServiceQuotaIncrease", request));
}
