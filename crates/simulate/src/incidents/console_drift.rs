//! A person changes in the console what a pipeline owns.

use std::rc::Rc;

use serde_json::json;

use super::{Cast, Hours, Kind};
use crate::calendar::{HOUR, MINUTE};
use crate::calls::{attach_role_policy, trust};
use crate::company::Stage;
use crate::estate::{Kind as Resources, Resource};
use crate::record::Call;
use crate::world::{Turn, World};

pub(super) const KIND: Kind = Kind { name: "console_drift", hours: Hours::Working, days: 2, play };

fn play(world: &mut World, now: i64, cast: &Cast) {
    match (cast.malicious, cast.variant % 4) {
        (true, 0) => trust_widened(world, now, cast),
        (true, 1) => database_exposed(world, now, cast),
        (true, 2) => code_replaced(world, now, cast),
        (true, _) => cut_loose(world, now, cast),
        (false, 0) => outage(world, now, cast),
        (false, 1) => by_template(world, now, cast),
        (false, 2) => tried_in_development(world, now, cast),
        (false, _) => taken_out_of_the_templates(world, now, cast),
    }
}

/// The person in the browser, and from there to the team's role in production.
fn in_console(world: &mut World, now: i64, cast: &Cast) -> Turn {
    let person = cast.operator(world, now);
    let client = world.own_client(person, now, true);
    let turn = world.sign_in_from(person, world.door(person, cast.account), now, client);
    let mut turn = world.climb(turn, person, cast.account, None);
    turn.pause = (6_000, 60_000);
    turn
}

/// A role of the templates lets another company's account in.
fn trust_widened(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = in_console(world, now, cast);
    let stranger = format!("{}{}", world.rng.between(1, 9), world.rng.digits(11));
    for at in cast.targets(world, now, 1, &[Resources::Role]) {
        world.describe(&mut turn, at);
        let call = trust(&world.estate.get(at).id, &stranger);
        world.touch(&mut turn, at, &call);
        let call = attach_role_policy(&world.estate.get(at).id, "AdministratorAccess");
        world.touch(&mut turn, at, &call);
    }
}

fn database(resource: &Resource, change: serde_json::Value) -> Call {
    let mut request = json!({ "dBInstanceIdentifier": resource.id, "applyImmediately": true });
    let mut answer = json!({ "dBInstanceIdentifier": resource.id, "dBInstanceArn": resource.arn });
    if let (Some(request), Some(answer), serde_json::Value::Object(change)) =
        (request.as_object_mut(), answer.as_object_mut(), change)
    {
        request.extend(change.clone());
        answer.extend(change);
    }
    Call::write("rds", "ModifyDBInstance", request).answered(answer)
}

/// A database becomes public, loses its backups, and may be deleted.
fn database_exposed(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = in_console(world, now, cast);
    for at in cast.targets(world, now, 1, &[Resources::Database]) {
        world.describe(&mut turn, at);
        let change = json!({ "publiclyAccessible": true, "backupRetentionPeriod": 0, "deletionProtection": false });
        let call = database(world.estate.get(at), change);
        world.touch(&mut turn, at, &call);
    }
}

/// A function gets other code and an address to send to, and no longer says who manages it.
fn code_replaced(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = in_console(world, now, cast);
    let managed = world.company.keys.managed;
    for at in cast.targets(world, now, 2, &[Resources::Function]) {
        world.untag(&mut turn, at, &[managed]);
        let resource = world.estate.get(at);
        let (id, arn) = (resource.id.clone(), resource.arn.clone());
        let request = json!({ "functionName": id, "publish": false, "dryRun": false });
        let answer = json!({
            "functionName": id, "functionArn": arn, "version": "$LATEST", "lastUpdateStatus": "InProgress",
            "codeSha256": format!("{}=", world.rng.base64(43)),
        });
        let call = Call::write("lambda", "UpdateFunctionCode20150331v2", request).answered(answer);
        world.touch(&mut turn, at, &call);
        let request = json!({ "functionName": id, "environment": {} });
        let call = Call::write("lambda", "UpdateFunctionConfiguration20150331v2", request)
            .answered(json!({ "functionName": id, "functionArn": arn }));
        world.touch(&mut turn, at, &call);
    }
}

/// Several parts of a stack are declared to be managed by hand, and then changed.
fn cut_loose(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = in_console(world, now, cast);
    let managed = world.company.keys.managed;
    for at in cast.targets(world, now, 4, &[Resources::Group, Resources::Queue, Resources::Role, Resources::Balancer]) {
        world.tag(&mut turn, at, &[(managed, "manual")]);
        world.modify(&mut turn, at);
    }
}

/// Twin: during an outage the on-call gives a database room and a service more copies; next morning the pipeline
/// writes the same into what it owns.
fn outage(world: &mut World, now: i64, cast: &Cast) {
    if cast.step > 0 {
        let mut turn = world.pipeline(cast.team, cast.account, now);
        for at in cast.targets(world, now, 3, &[Resources::Database, Resources::Service]) {
            world.describe(&mut turn, at);
            world.modify(&mut turn, at);
        }
        return;
    }
    let mut turn = in_console(world, now, cast);
    let ticket = world.company.words.ticket(&mut world.rng);
    for at in cast.targets(world, now, 3, &[Resources::Database, Resources::Service]) {
        world.describe(&mut turn, at);
        world.modify(&mut turn, at);
        world.tag(&mut turn, at, &[("ticket", &ticket)]);
    }
    let later = turn.now + world.rng.between(14 * HOUR, 20 * HOUR);
    cast.again(world, later, None);
}

/// Twin: the pipeline itself changes who may assume a role, within the company.
fn by_template(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = world.pipeline(cast.team, cast.account, now);
    let company = Rc::clone(&world.company);
    let own = &company.accounts[*world.rng.pick(&company.teams[cast.team].accounts)].id;
    for at in cast.targets(world, now, 2, &[Resources::Role]) {
        let call = trust(&world.estate.get(at).id, own);
        world.touch(&mut turn, at, &call);
        world.modify(&mut turn, at);
    }
}

/// Twin: in the development account things are tried by hand before they go into the templates.
fn tried_in_development(world: &mut World, now: i64, cast: &Cast) {
    let Some(account) = world.company.account_of(cast.team, Stage::Dev) else { return by_template(world, now, cast) };
    let person = cast.engineer(world, now);
    let client = world.own_client(person, now, true);
    let mut turn = world.sign_in_from(person, account, now, client);
    let kinds = [Resources::Database, Resources::Function, Resources::Group, Resources::Queue];
    for at in cast.targets_in(world, now, account, None, 4, &kinds) {
        world.describe(&mut turn, at);
        world.modify(&mut turn, at);
        turn.now += world.rng.between(MINUTE, 4 * MINUTE);
    }
}

/// Twin: what the templates no longer cover says so, by ticket, and stays as it is.
fn taken_out_of_the_templates(world: &mut World, now: i64, cast: &Cast) {
    let mut turn = in_console(world, now, cast);
    let managed = world.company.keys.managed;
    let ticket = world.company.words.ticket(&mut world.rng);
    for at in cast.targets(world, now, 2, &[Resources::Queue, Resources::Topic, Resources::LogGroup]) {
        world.tag(&mut turn, at, &[(managed, "manual"), ("ticket", &ticket)]);
    }
}
