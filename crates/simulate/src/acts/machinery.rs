//! What AWS services do on the company's behalf.

use serde_json::{Value, json};

use crate::calls;
use crate::company::Stage;
use crate::estate::Kind;
use crate::record::Call;
use crate::world::World;

pub(super) fn elastic(world: &mut World, now: i64, account: usize) {
    let Some(&old) =
        world.some(account, now, 1, |resource| resource.elastic && resource.kind == Kind::Instance).first()
    else {
        return;
    };
    let resource = world.estate.get(old);
    let (team, app, region) = (resource.team, resource.app, resource.region);
    let path = "/aws-service-role/autoscaling.amazonaws.com/";
    let mut turn = world.service(
        "autoscaling.amazonaws.com",
        (path, "AWSServiceRoleForAutoScaling"),
        "AutoScaling",
        (account, region),
        now,
    );
    let new = world.estate.add(&world.company, &mut world.rng, Kind::Instance, team, app, account);
    let resource = world.estate.get_mut(new);
    resource.elastic = true;
    resource.tags.insert(String::from("aws:autoscaling:groupName"), format!("{app}-asg"));
    world.announce(&mut turn, new);
    turn.now += world.rng.between(40_000, 200_000);
    world.delete(&mut turn, old);
}

pub(super) fn backup(world: &mut World, now: i64, account: usize) {
    let (key, none) = (world.company.keys.backup, world.company.keys.backups[2]);
    let wanted = |resource: &crate::estate::Resource| {
        resource.kind == Kind::Volume && resource.tags.get(key).is_some_and(|plan| plan != none)
    };
    let volumes = world.some(account, now, 8, wanted);
    let Some(&first) = volumes.first() else { return };
    let region = world.estate.get(first).region;
    let role = ("/service-role/", "AWSBackupDefaultServiceRole");
    let session = "AWSBackup-AWSBackupDefaultServiceRole";
    let mut turn = world.service("backup.amazonaws.com", role, session, (account, region), now);
    for at in volumes {
        let volume = world.estate.get(at);
        let (id, region) = (format!("snap-0{}", world.rng.hex(16)), volume.region);
        let tags = json!([{ "key": "aws:backup:source-resource", "value": volume.id }]);
        let request = json!({
            "volumeId": volume.id, "description": "This snapshot is created by the AWS Backup service.",
            "tagSpecificationSet": { "items": [{ "resourceType": "snapshot", "tags": tags.clone() }] },
        });
        let call = Call::write("ec2", "CreateSnapshot", request).answered(json!({
            "snapshotId": id, "volumeId": volume.id, "status": "pending", "startTime": turn.now / 1000 * 1000,
            "progress": "", "ownerId": world.company.accounts[account].id, "volumeSize": "40",
            "encrypted": true, "tagSet": { "items": tags },
        }));
        world.touch(&mut turn, at, &call);
        world.snapshots.push_back((account, region, id));
    }
    if let (Some(far), true) = (world.company.habits.second_home, world.rng.chance(40)) {
        let home = std::mem::replace(&mut turn.region, far);
        if let Some(id) = world.snapshots.back().map(|(_, _, id)| id.clone()) {
            let call = calls::copy_snapshot(&mut world.rng, &id, home, true);
            world.call(&mut turn, &call);
        }
    }
}

pub(super) fn reads(world: &mut World, now: i64, account: usize) {
    let region = *world.rng.pick(&world.company.regions);
    let path = "/aws-service-role/config.amazonaws.com/";
    let role = (path, "AWSServiceRoleForConfig");
    let mut turn = world.service("config.amazonaws.com", role, "AWSConfig-Describe", (account, region), now);
    let call = calls::survey(&mut world.rng);
    world.call(&mut turn, &call);
    // Only production keeps the recorder's answer about itself.
    if world.company.accounts[account].stage == Stage::Prod {
        world.call(&mut turn, &Call::read("config", "DescribeConfigRules", Value::Null));
    }
}
