//! Callers with credentials of their own: vendors, and the old export user.

use serde_json::json;

use crate::calls;
use crate::estate::Kind;
use crate::names::FAR_REGIONS;
use crate::record::Call;
use crate::world::World;

pub(super) fn vendor(world: &mut World, now: i64, vendor: usize, account: usize) {
    let mut turn = world.vendor(vendor, account, now);
    for _ in 0..world.rng.between(2, 4) {
        let call = calls::survey(&mut world.rng);
        if world.rng.chance(8) {
            // Scanners look everywhere.
            turn.region = FAR_REGIONS[world.rng.below(FAR_REGIONS.len())];
        }
        world.call(&mut turn, &call);
    }
}

pub(super) fn export(world: &mut World, now: i64, account: usize) {
    let mut turn = world.export_user(account, now);
    let call = Call::read("tagging", "GetResources", json!({ "resourcesPerPage": 100 }));
    world.call(&mut turn, &call);
    let today = crate::calendar::Day::of_ms(now).to_string();
    for at in world.some(account, now, 2, |resource| matches!(resource.kind, Kind::Table | Kind::Database)) {
        world.tag(&mut turn, at, &[("exported", &today)]);
    }
}
