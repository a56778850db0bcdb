//! What somebody starts in a region where the company has nothing, so that the store knows none of it.

use serde_json::{Value, json};

use crate::record::Call;
use crate::rng::Rng;

/// Starts machines of a type; `tags` as the request has them, if any.
pub(crate) fn launch(
    rng: &mut Rng,
    account_id: &str,
    region: &str,
    kind: &str,
    count: u8,
    tags: Option<&Value>,
) -> Call {
    let image = format!("ami-0{}", rng.hex(16));
    let mut request = json!({
        "instancesSet": { "items": [{ "imageId": image, "minCount": count, "maxCount": count }] },
        "instanceType": kind, "blockDeviceMapping": {}, "monitoring": { "enabled": false },
        "disableApiTermination": false,
    });
    if let Some(tags) = tags {
        request["tagSpecificationSet"] = json!({ "items": [{ "resourceType": "instance", "tags": tags }] });
    }
    let machines: Vec<Value> = (0..count)
        .map(|index| {
            let mut machine = json!({
                "instanceId": format!("i-0{}", rng.hex(16)), "imageId": image, "amiLaunchIndex": index,
                "instanceState": { "code": 0, "name": "pending" }, "instanceType": kind,
                "placement": { "availabilityZone": format!("{region}a"), "tenancy": "default" },
            });
            if let Some(tags) = tags {
                machine["tagSet"] = json!({ "items": tags });
            }
            machine
        })
        .collect();
    Call::write("ec2", "RunInstances", request).answered(json!({
        "reservationId": format!("r-0{}", rng.hex(16)), "ownerId": account_id, "groupSet": {},
        "instancesSet": { "items": machines },
    }))
}

pub(crate) fn import_key(rng: &mut Rng, name: &str) -> Call {
    let answer = json!({
        "keyName": name, "keyPairId": format!("key-0{}", rng.hex(16)), "keyFingerprint": rng.hex(32),
    });
    Call::write("ec2", "ImportKeyPair", json!({ "keyName": name, "publicKeyMaterial": "c3NoLXJzYQ==" }))
        .answered(answer)
}

/// Copies a snapshot from another region into the one called.
pub(crate) fn copy_snapshot(rng: &mut Rng, snapshot: &str, from: &str, encrypted: bool) -> Call {
    let request = json!({ "sourceRegion": from, "sourceSnapshotId": snapshot, "encrypted": encrypted });
    Call::write("ec2", "CopySnapshot", request).answered(json!({ "snapshotId": format!("snap-0{}", rng.hex(16)) }))
}
