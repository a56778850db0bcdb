//! The company's own automations: Lambda functions on a schedule.

use serde_json::json;

use crate::estate::Kind;
use crate::record::Call;
use crate::world::{Turn, World};

fn lambda(world: &mut World, name: &'static str, account: usize, region: &'static str, now: i64) -> Turn {
    world.service("lambda.amazonaws.com", ("/", name), name, (account, region), now)
}

/// Starts or stops the instances that have office hours.
pub(crate) fn night_watch(world: &mut World, now: i64, account: usize, on: bool) {
    let (key, office_hours) = (world.company.keys.sched, world.company.keys.hours[0]);
    let due = world.estate.find(account, now, |resource| {
        resource.kind == Kind::Instance
            && resource.running != on
            && resource.tags.get(key).is_some_and(|value| value == office_hours)
    });
    let Some(&first) = due.first() else { return };
    let region = world.estate.get(first).region;
    let mut turn = lambda(world, world.company.words.scheduler, account, region, now);
    for at in due {
        world.power(&mut turn, at, on);
    }
}

/// Marks a few resources as seen, and completes those without an owner.
pub(super) fn sweep(world: &mut World, now: i64, account: usize) {
    let found = world.some(account, now, 5, |resource| !resource.elastic);
    let Some(&first) = found.first() else { return };
    let region = world.estate.get(first).region;
    let mut turn = lambda(world, world.company.words.tagger, account, region, now);
    let call = Call::read("tagging", "GetResources", json!({ "resourcesPerPage": 100, "tagFilters": [] }));
    world.call(&mut turn, &call);
    let today = crate::calendar::Day::of_ms(now).to_string();
    for at in found {
        world.tag(&mut turn, at, &[("last-review", &today)]);
    }
    // A ticket that has done its service goes.
    let marked = |resource: &crate::estate::Resource| resource.tags.contains_key("ticket");
    for at in world.some(account, turn.now, 2, marked) {
        world.untag(&mut turn, at, &["ticket"]);
    }
}

/// Adds the owner and the cost centre to what was made without them, if it is still there.
pub(super) fn complete(world: &mut World, now: i64, at: usize, id: &str) {
    let resource = world.estate.get(at);
    let keys = &world.company.keys;
    if resource.id != id || resource.busy_until >= now || resource.tags.contains_key(keys.owner) {
        return;
    }
    let team = &world.company.teams[resource.team];
    let (owner, cost) = ((keys.owner, team.name), (keys.cost, team.cost_center.clone()));
    let (account, region) = (resource.account, resource.region);
    let mut turn = lambda(world, world.company.words.tagger, account, region, now);
    world.tag(&mut turn, at, &[owner, (cost.0, &cost.1)]);
}

/// Deletes the oldest snapshots beyond what is kept.
pub(super) fn janitor(world: &mut World, now: i64) {
    const KEPT: usize = 60;
    const ROUND: usize = 30;
    let mut turn: Option<Turn> = None;
    let surplus = world.snapshots.len().saturating_sub(KEPT).min(ROUND);
    let mut due: Vec<_> = world.snapshots.drain(..surplus).collect();
    due.sort_by_key(|snapshot| snapshot.0);
    for (account, region, id) in due {
        let mut at_work = match turn.take().filter(|turn| turn.account == account) {
            Some(turn) => turn,
            None => lambda(world, world.company.words.janitor, account, region, now),
        };
        at_work.region = region;
        let call =
            Call::write("ec2", "DeleteSnapshot", json!({ "snapshotId": id })).answered(json!({ "_return": true }));
        world.call(&mut at_work, &call);
        turn = Some(at_work);
    }
}
