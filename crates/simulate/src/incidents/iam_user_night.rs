//! At night somebody makes an IAM user with a key and all rights.

use serde_json::json;

use super::{Cast, Hours, Kind, become_actor};
use crate::calendar::{Day, MINUTE};
use crate::calls::{attach_admin, create_access_key, create_user, deny_all_policy, survey, user_policy};
use crate::names::PLATFORM;
use crate::record::Call;
use crate::sessions::stolen;
use crate::words::Duty;
use crate::world::{FAST, Turn, World};

pub(super) const KIND: Kind = Kind { name: "iam_user_night", hours: Hours::Night, days: 1, play };

const NAMES: [&str; 5] = ["backup-agent", "support-desk", "metrics-svc", "aws-health", "terraform-old"];

fn play(world: &mut World, now: i64, cast: &Cast) {
    match (cast.malicious, cast.variant % 3) {
        (true, 0) => session_stolen(world, now, cast),
        (true, 1) => key_leaked(world, now, cast),
        (true, _) => pipeline_stolen(world, now, cast),
        (false, 0) => planned_by_pipeline(world, now, cast),
        (false, 1) => day_elsewhere(world, now, cast),
        (false, _) => locked_again(world, now, cast),
    }
}

/// A new user name that nobody has yet.
fn name(world: &mut World) -> String {
    let base = *world.rng.pick(&NAMES);
    format!("{base}-{}", world.rng.hex(3))
}

fn new_key(world: &mut World, account: usize) -> String {
    format!("AKIA{}{}", world.company.accounts[account].block, world.rng.upper(8))
}

/// User, key and all rights; then the first steps with the new key.
fn back_door(world: &mut World, turn: &mut Turn) {
    let account = turn.account;
    let name = name(world);
    let key = new_key(world, account);
    let call = create_user(&world.company, account, &name, None, turn.now);
    world.call(turn, &call);
    world.call(turn, &create_access_key(&name, &key, turn.now));
    world.call(turn, &attach_admin(&name));
    turn.now += world.rng.between(MINUTE, 4 * MINUTE);
    let actor = world.new_user(account, &name, &key, &turn.actor);
    become_actor(turn, actor, (1_500, 12_000));
    Cast::look_around(world, turn);
}

fn session_stolen(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.hijacked(world, now);
    Cast::look_around(world, &mut turn);
    back_door(world, &mut turn);
}

/// The export user's key: first refused on one way, then not on the other.
fn key_leaked(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = world.export_user(cast.account, now);
    turn.actor = stolen(&mut world.rng, &turn.actor);
    let arn = turn.actor.arn.clone();
    let refused =
        Call::write("iam", "CreateLoginProfile", json!({ "userName": world.company.words.export_user })).denied(&arn);
    world.call(&mut turn, &refused);
    back_door(world, &mut turn);
}

fn pipeline_stolen(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.hijacked_pipeline(world, now);
    back_door(world, &mut turn);
}

/// Twin: a nightly pipeline run makes a tagged user with one right.
fn planned_by_pipeline(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = world.pipeline(cast.team, cast.account, now);
    let name = format!("smtp-{}", world.rng.hex(4));
    let keys = &world.company.keys;
    let tags = json!([
        { "key": keys.owner, "value": world.company.teams[cast.team].name },
        { "key": keys.env, "value": keys.stage(crate::company::Stage::Prod) },
    ]);
    let call = create_user(&world.company, cast.account, &name, Some(tags), turn.now);
    world.call(&mut turn, &call);
    world.call(&mut turn, &user_policy(&name, "ses:SendRawEmail"));
    let key = new_key(world, cast.account);
    let call = create_access_key(&name, &key, turn.now);
    world.call(&mut turn, &call);
}

/// Twin: where the platform's own people are it is a working morning.
fn day_elsewhere(world: &mut World, now: i64, cast: &Cast) {
    let day = Day::of_ms(now);
    let now = if world.spec.showcase {
        now
    } else {
        now.max(world.company.teams[PLATFORM].zone.at(day, 9 * 60 * MINUTE + 12 * MINUTE))
    };
    let Some(person) = crate::acts::somebody(world, PLATFORM, day, Some(Duty::Platform)) else { return };
    let mut turn = world.on_call(person, cast.account, now);
    let name = format!("migration-{}", world.rng.hex(4));
    let tags = json!([{ "key": "ticket", "value": world.company.words.ticket(&mut world.rng) }]);
    let call = create_user(&world.company, cast.account, &name, Some(tags), turn.now);
    world.call(&mut turn, &call);
    world.call(&mut turn, &user_policy(&name, "dms:*"));
    let key = new_key(world, cast.account);
    let call = create_access_key(&name, &key, turn.now);
    world.call(&mut turn, &call);
}

/// Twin: the on-call makes a user for a vendor during an outage, and locks and deletes it within the hour.
fn locked_again(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let mut turn = world.on_call(person, cast.account, now);
    let name = format!("vendor-help-{}", world.rng.hex(3));
    let key = new_key(world, cast.account);
    let call = create_user(&world.company, cast.account, &name, None, turn.now);
    world.call(&mut turn, &call);
    let call = create_access_key(&name, &key, turn.now);
    world.call(&mut turn, &call);
    world.call(&mut turn, &user_policy(&name, "rds:Describe*"));
    turn.now += world.rng.between(20 * MINUTE, 45 * MINUTE);
    turn.pause = FAST;
    world.call(&mut turn, &deny_all_policy(&name));
    let request = json!({ "userName": name, "accessKeyId": key });
    world.call(&mut turn, &Call::write("iam", "DeleteAccessKey", request));
    world.call(&mut turn, &Call::write("iam", "DeleteUser", json!({ "userName": name })));
    let call = survey(&mut world.rng);
    world.call(&mut turn, &call);
}
