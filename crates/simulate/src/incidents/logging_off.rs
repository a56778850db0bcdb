//! The trail, the recorder or the flow logs are switched off.

use serde_json::json;

use super::{Cast, Hours, Kind};
use crate::calendar::MINUTE;
use crate::calls::{
    create_flow_logs, delete_flow_logs, delete_trail, flow_log_id, recorder, start_logging, stop_logging, trail_arn,
};
use crate::company::Stage;
use crate::names::AUDIT_ACCOUNT;
use crate::record::Call;
use crate::world::World;

pub(super) const KIND: Kind = Kind { name: "logging_off", hours: Hours::Any, days: 1, play };

fn play(world: &mut World, now: i64, cast: &Cast) {
    match (cast.malicious, cast.variant % if cast.malicious { 3 } else { 4 }) {
        (true, 0) => trail_stopped(world, now, cast),
        (true, 1) => blinded(world, now, cast),
        (true, _) => trail_deleted(world, now, cast),
        (false, 0) => trail_moved(world, now, cast),
        (false, 1) => recorder_renewed(world, now, cast),
        (false, 2) => flow_logs_renewed(world, now, cast),
        (false, _) => local_trail_retired(world, now, cast),
    }
}

/// A stolen session stops the trail, and then looks at what is worth taking.
fn trail_stopped(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.hijacked(world, now);
    let trail = trail_arn(&world.company, cast.account, turn.region);
    world.call(&mut turn, &stop_logging(&trail));
    Cast::look_around(world, &mut turn);
    for at in cast.targets(world, now, 2, &[crate::estate::Kind::Secret, crate::estate::Kind::Bucket]) {
        world.describe(&mut turn, at);
    }
}

/// The pipeline's credentials stop the recorder and delete the flow logs.
fn blinded(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = cast.hijacked_pipeline(world, now);
    Cast::look_around(world, &mut turn);
    world.call(&mut turn, &recorder(false));
    let id = flow_log_id(&world.company, cast.account, turn.region);
    world.call(&mut turn, &delete_flow_logs(&id));
}

/// An insider deletes the trail; the first try is refused.
fn trail_deleted(world: &mut World, now: i64, cast: &Cast) {
    let person = cast.operator(world, now);
    let trail = trail_arn(&world.company, cast.account, world.company.teams[cast.team].region);
    let mut turn = world.sign_in(person, cast.account, now);
    let arn = turn.actor.arn.clone();
    world.call(&mut turn, &delete_trail(&trail).denied(&arn));
    let mut turn = world.on_call(person, cast.account, turn.now);
    world.call(&mut turn, &stop_logging(&trail));
    world.call(&mut turn, &delete_trail(&trail));
}

/// Twin: the security team moves the trail to a new bucket: off, changed, and on again.
fn trail_moved(world: &mut World, now: i64, _cast: &Cast) {
    let person = Cast::security_engineer(world, now);
    let mut turn = world.sign_in(person, AUDIT_ACCOUNT, now);
    let trail = trail_arn(&world.company, AUDIT_ACCOUNT, turn.region);
    world.call(&mut turn, &stop_logging(&trail));
    let bucket = format!("{}-trail-{}", world.company.name, world.rng.hex(4));
    let request = json!({ "name": trail, "s3BucketName": bucket, "isMultiRegionTrail": true });
    let call = Call::write("cloudtrail", "UpdateTrail", request)
        .answered(json!({ "trailARN": trail, "s3BucketName": bucket, "isMultiRegionTrail": true }));
    world.call(&mut turn, &call);
    world.call(&mut turn, &start_logging(&trail));
}

/// Twin: the pipeline renews the recorder, which has to stand still for it.
fn recorder_renewed(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = world.pipeline(cast.team, cast.account, now);
    world.call(&mut turn, &recorder(false));
    let role = format!("arn:aws:iam::{}:role/config-recorder", world.company.accounts[cast.account].id);
    let request = json!({ "configurationRecorder": {
        "name": "default", "roleARN": role, "recordingGroup": { "allSupported": true, "includeGlobalResourceTypes": true },
    } });
    world.call(&mut turn, &Call::write("config", "PutConfigurationRecorder", request));
    world.call(&mut turn, &recorder(true));
}

/// Twin: flow logs of a development network are deleted and made anew with more fields.
fn flow_logs_renewed(world: &mut World, now: i64, cast: &Cast) {
    let Some(account) = world.company.account_of(cast.team, Stage::Dev) else { return };
    let mut turn = world.pipeline(cast.team, account, now);
    let id = flow_log_id(&world.company, account, turn.region);
    world.call(&mut turn, &delete_flow_logs(&id));
    turn.now += world.rng.between(2_000, MINUTE);
    let call = create_flow_logs(&world.company, &mut world.rng, account, turn.region);
    world.call(&mut turn, &call);
}

/// Twin: an account's own trail goes, because the organisation's covers it now; which is checked first.
fn local_trail_retired(world: &mut World, now: i64, cast: &Cast) {
    let Some(account) = world.company.account_of(cast.team, Stage::Dev) else { return };
    let person = Cast::security_engineer(world, now);
    let mut turn = world.on_call(person, account, now);
    let request = json!({ "trailNameList": [], "includeShadowTrails": true });
    world.call(&mut turn, &Call::read("cloudtrail", "DescribeTrails", request));
    let trail = trail_arn(&world.company, account, turn.region);
    world.call(&mut turn, &delete_trail(&trail));
}
