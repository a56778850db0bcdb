//! Finance at the tag editor: many resources by one call.

use crate::calls;
use crate::world::World;

pub(super) fn cost_move(world: &mut World, now: i64, person: usize) {
    let team = *world.rng.pick(&world.company.product_teams());
    let account = *world.rng.pick(&world.company.teams[team].accounts);
    let mut turn = world.sign_in(person, account, now);
    turn.region = world.company.teams[team].region;
    let call = calls::browse(&mut world.rng);
    world.call(&mut turn, &call);
    let count = usize::try_from(world.rng.between(10, 40)).unwrap_or(10);
    let found = world.some(account, now, count, |resource| resource.team == team && !resource.elastic);
    let key = world.company.keys.cost;
    // Half of the moves only write the team's own number where something else had crept in.
    let value = if world.rng.chance(50) {
        world.company.teams[team].cost_center.clone()
    } else {
        world.company.words.cost_center(&mut world.rng)
    };
    for batch in found.chunks(20) {
        world.tag_many(&mut turn, batch, &[(key, &value)]);
    }
}
