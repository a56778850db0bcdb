//! What happens seldom, and to everybody once: first days, quarterly jobs, access that is granted, nights that go wrong.

use super::{Act, on_duty, plan, somebody, working_hour};
use crate::calendar::{Day, HOUR, MINUTE};
use crate::calls;
use crate::company::Stage;
use crate::estate::{Kind, Resource};
use crate::names::SECURITY;
use crate::record::Call;
use crate::world::World;

/// Puts the day's share on the agenda. Gives about how many events it makes.
pub(super) fn plan_day(world: &mut World, day: Day) -> usize {
    let mut expected = 0;
    let since = |from: Day| (day.start_ms() - from.start_ms()) / (24 * HOUR);
    if since(world.spec.start) == 1 {
        // The last time for a while.
        for account in world.company.accounts_in(Stage::Prod) {
            let at = day.start_ms() + 3 * HOUR + world.rng.between(0, 20 * MINUTE);
            plan(world, day, at, Act::Quarterly { account });
            expected += 8;
        }
    }
    for person in 0..world.company.people.len() {
        let row = &world.company.people[person];
        let zone = row.zone_on(day);
        if row.first_day == Some(day) {
            let at = zone.at(day, 10 * HOUR + world.rng.between(0, HOUR));
            plan(world, day, at, Act::FirstDay { person });
            expected += 12;
        } else if row.dormant_from.is_some_and(|from| day < from) && !day.is_weekend() {
            // Who is going to fall silent is seen until then.
            let at = working_hour(world, zone, day);
            plan(world, day, at, Act::TagByHand { person });
            expected += 5;
        }
    }
    // What is seldom does not fall on the days from which everything else is learned first.
    if !day.is_weekend() && since(world.spec.start) > 1 && world.rng.chance(25) {
        let zone = world.company.teams[SECURITY].zone;
        let at = working_hour(world, zone, day);
        plan(world, day, at, Act::Grant);
        expected += 4;
    }
    if !day.is_weekend() && since(world.spec.start) > 1 {
        for _ in 0..world.rng.between(0, 2) {
            let team = *world.rng.pick(&world.company.product_teams());
            let zone = world.company.teams[team].zone;
            let at = working_hour(world, zone, day);
            plan(world, day, at, Act::Odd { team });
            expected += 4;
        }
    }
    if world.rng.chance(6) {
        expected += bad_night(world, day);
    }
    expected
}

/// An outage: two people are up for hours.
fn bad_night(world: &mut World, day: Day) -> usize {
    let team = *world.rng.pick(&world.company.product_teams());
    let Some(first) = on_duty(world, team, day) else { return 0 };
    let second = somebody(world, team, day, None).unwrap_or(first);
    let zone = world.company.people[first].zone_on(day);
    let began = zone.at(day, world.rng.between(19 * HOUR, 28 * HOUR));
    for round in 0..5 {
        let person = if round % 2 == 0 { first } else { second };
        let at = began + round * world.rng.between(12 * MINUTE, 30 * MINUTE);
        plan(world, day, at, Act::OnCall { person });
    }
    40
}

/// Somebody new finds the way through the console, and some of it is still shut.
pub(super) fn first_day(world: &mut World, now: i64, person: usize) {
    let team = world.company.people[person].team;
    let Some(&account) = world.company.teams[team].accounts.last() else { return };
    let client = world.own_client(person, now, true);
    let mut turn = world.sign_in_from(person, account, now, client);
    let arn = turn.actor.arn.clone();
    for _ in 0..world.rng.between(6, 12) {
        let call = calls::browse(&mut world.rng);
        let call = if world.rng.chance(25) { call.denied(&arn) } else { call };
        world.call(&mut turn, &call);
    }
}

/// The quarterly job in an account.
pub(super) fn quarterly(world: &mut World, now: i64, account: usize) {
    let mut turn = world.batch_user(account, now);
    let call = calls::survey(&mut world.rng);
    world.call(&mut turn, &call);
    let today = Day::of_ms(now).to_string();
    let data = |resource: &Resource| matches!(resource.kind, Kind::Table | Kind::Database | Kind::Bucket);
    for at in world.some(account, now, 5, data) {
        world.tag(&mut turn, at, &[("extracted", &today)]);
    }
}

/// The security team gives a team's role or store the team's own access tag.
pub(super) fn grant(world: &mut World, now: i64) {
    let Some(person) = somebody(world, SECURITY, Day::of_ms(now), None) else { return };
    let team = *world.rng.pick(&world.company.product_teams());
    let account = *world.rng.pick(&world.company.teams[team].accounts);
    let mut turn = world.on_call(person, account, now);
    let (key, value) = (world.company.keys.access, world.company.teams[team].name);
    let ticket = world.company.words.ticket(&mut world.rng);
    let fits = move |resource: &Resource| {
        resource.team == team && matches!(resource.kind, Kind::Role | Kind::Secret | Kind::Bucket)
    };
    for at in world.some(account, now, 2, fits) {
        world.describe(&mut turn, at);
        world.tag(&mut turn, at, &[(key, value), ("ticket", &ticket)]);
    }
}

/// A program reads a secret it is there to use.
pub(super) fn use_secret(world: &mut World, turn: &mut crate::world::Turn, team: usize) {
    let own = move |resource: &Resource| resource.team == team && resource.kind == Kind::Secret;
    for at in world.some(turn.account, turn.now, 1, own) {
        let call: Call = calls::read_secret(world.estate.get(at));
        world.call(turn, &call);
    }
}
