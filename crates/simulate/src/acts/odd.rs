//! Rare but innocent calls: alone, none of them says that somebody means harm.

use std::rc::Rc;

use serde_json::json;

use super::somebody;
use crate::calendar::{Day, MINUTE};
use crate::calls::{self, storage};
use crate::company::Stage;
use crate::estate::{Kind, Resource};
use crate::names::{BUILD_ACCOUNT, FINANCE, PLATFORM};
use crate::record::Call;
use crate::words::Duty;
use crate::world::World;

/// One of them, for a team.
pub(super) fn play(world: &mut World, now: i64, team: usize) {
    let company = Rc::clone(&world.company);
    let dev = company.account_of(team, Stage::Dev);
    let prod = company.account_of(team, Stage::Prod);
    let (Some(dev), Some(prod)) = (dev, prod) else { return };
    match world.rng.below(11) {
        0 => imported_key(world, now, team, dev),
        1 => shared_snapshot(world, now, team, prod),
        2 => looks_at_secrets(world, now, team, prod),
        3 => refused_secret(world, now, team, prod),
        4 => service_user(world, now, team, dev),
        5 => rotation(world, now, prod),
        6 => refused_launch(world, now, team, dev),
        7 => policy_anew(world, now, team, dev),
        8 => flow_logs_anew(world, now, team, dev),
        9 => key_cleaned_up(world, now, team, dev),
        _ => encryption_anew(world, now, team, dev),
    }
}

fn own(team: usize, kind: Kind) -> impl Fn(&Resource) -> bool {
    move |resource| resource.team == team && resource.kind == kind
}

fn imported_key(world: &mut World, now: i64, team: usize, account: usize) {
    let Some(person) = somebody(world, team, Day::of_ms(now), Some(Duty::Engineer)) else { return };
    let mut turn = world.sign_in(person, account, now);
    let name = format!("{}-laptop", world.company.people[person].short);
    let call = calls::import_key(&mut world.rng, &name);
    world.call(&mut turn, &call);
}

/// A snapshot is shared with the company's own build account.
fn shared_snapshot(world: &mut World, now: i64, team: usize, account: usize) {
    let mut turn = world.pipeline(team, account, now);
    let build = world.company.accounts[BUILD_ACCOUNT].id.clone();
    let request = json!({
        "snapshotId": format!("snap-0{}", world.rng.hex(16)), "attributeType": "CREATE_VOLUME_PERMISSION",
        "createVolumePermission": { "add": { "items": [{ "userId": build }] } },
    });
    let call = Call::write("ec2", "ModifySnapshotAttribute", request).answered(json!({ "_return": true }));
    world.call(&mut turn, &call);
}

fn looks_at_secrets(world: &mut World, now: i64, team: usize, account: usize) {
    let Some(person) = somebody(world, team, Day::of_ms(now), Some(Duty::Operator)) else { return };
    let mut turn = world.on_call(person, account, now);
    let call = Call::read("secretsmanager", "ListSecrets", json!({ "maxResults": 100 }));
    world.call(&mut turn, &call);
    for at in world.some(account, now, 2, own(team, Kind::Secret)) {
        let call = calls::read_secret(world.estate.get(at));
        world.call(&mut turn, &call);
    }
}

fn refused_secret(world: &mut World, now: i64, team: usize, account: usize) {
    let Some(person) = somebody(world, team, Day::of_ms(now), Some(Duty::Engineer)) else { return };
    let mut turn = world.sign_in(person, account, now);
    let arn = turn.actor.arn.clone();
    for at in world.some(account, now, 2, |resource| resource.kind == Kind::Secret) {
        let call = calls::read_secret(world.estate.get(at)).denied(&arn);
        world.call(&mut turn, &call);
    }
}

/// A user for something that can do without roles no better.
fn service_user(world: &mut World, now: i64, team: usize, account: usize) {
    let mut turn = world.pipeline(team, account, now);
    let name = format!("{}-mailer-{}", world.company.teams[team].name, world.rng.hex(3));
    let call = calls::create_user(&world.company, account, &name, None, turn.now);
    world.call(&mut turn, &call);
    world.call(&mut turn, &calls::user_policy(&name, "ses:SendRawEmail"));
    let key = format!("AKIA{}{}", world.company.accounts[account].block, world.rng.upper(8));
    let call = calls::create_access_key(&name, &key, turn.now);
    world.call(&mut turn, &call);
}

/// The platform's pipeline gives the export user a new key, and takes the old one.
fn rotation(world: &mut World, now: i64, account: usize) {
    let mut turn = world.pipeline(PLATFORM, account, now);
    let user = world.company.words.export_user;
    let block = world.company.accounts[account].block.clone();
    let (old, new) = (world.rng.upper(8), world.rng.upper(8));
    let call = calls::create_access_key(user, &format!("AKIA{block}{new}"), turn.now);
    world.call(&mut turn, &call);
    let today = Day::of_ms(now).to_string();
    world.call(&mut turn, &calls::tag_user(user, &[("rotated", &today)]));
    turn.now += world.rng.between(2 * MINUTE, 9 * MINUTE);
    let request = json!({ "userName": user, "accessKeyId": format!("AKIA{block}{old}") });
    world.call(&mut turn, &Call::write("iam", "DeleteAccessKey", request));
}

fn refused_launch(world: &mut World, now: i64, team: usize, account: usize) {
    let mut turn = world.pipeline(team, account, now);
    let (id, arn) = (world.company.accounts[account].id.clone(), turn.actor.arn.clone());
    for _ in 0..world.rng.between(1, 3) {
        let call = calls::launch(&mut world.rng, &id, turn.region, "c6a.8xlarge", 1, None).denied(&arn);
        world.call(&mut turn, &call);
    }
}

fn policy_anew(world: &mut World, now: i64, team: usize, account: usize) {
    let mut turn = world.pipeline(team, account, now);
    for at in world.some(account, now, 2, own(team, Kind::Bucket)) {
        let bucket = world.estate.get(at).clone();
        world.touch(&mut turn, at, &storage::delete_policy(&bucket));
        world.touch(&mut turn, at, &storage::tls_policy(&bucket));
    }
}

fn encryption_anew(world: &mut World, now: i64, team: usize, account: usize) {
    let mut turn = world.pipeline(team, account, now);
    for at in world.some(account, now, 1, own(team, Kind::Bucket)) {
        let bucket = world.estate.get(at).clone();
        world.touch(&mut turn, at, &storage::delete_encryption(&bucket));
        world.touch(&mut turn, at, &storage::encryption(&bucket, None));
    }
}

fn flow_logs_anew(world: &mut World, now: i64, team: usize, account: usize) {
    let mut turn = world.pipeline(team, account, now);
    let id = calls::flow_log_id(&world.company, account, turn.region);
    world.call(&mut turn, &calls::delete_flow_logs(&id));
    let call = calls::create_flow_logs(&world.company, &mut world.rng, account, turn.region);
    world.call(&mut turn, &call);
}

/// Finance takes a key off that nobody uses any more.
fn key_cleaned_up(world: &mut World, now: i64, team: usize, account: usize) {
    let Some(person) = somebody(world, FINANCE, Day::of_ms(now), Some(Duty::Cost)) else { return };
    let mut turn = world.sign_in(person, account, now);
    turn.region = world.company.teams[team].region;
    let marked = |resource: &Resource| resource.team == team && resource.tags.contains_key("stack-revision");
    let found = world.some(account, now, 12, marked);
    world.untag_many(&mut turn, &found, &["stack-revision"]);
}
