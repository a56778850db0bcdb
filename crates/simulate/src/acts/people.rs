//! What people do with their own hands.

use std::rc::Rc;

use super::Act;
use crate::calendar::MINUTE;
use crate::calls;
use crate::company::{Company, Stage};
use crate::estate::{Kind, Resource};
use crate::names::PLATFORM;
use crate::words::Duty;
use crate::world::World;

/// An account the person has business in; engineers are mostly in development.
fn account_of(world: &mut World, person: usize) -> usize {
    let team = &world.company.teams[world.company.people[person].team];
    let duty = world.company.people[person].duty;
    let operations = duty != Duty::Engineer;
    let weight = |stage: Stage| match stage {
        Stage::Dev | Stage::Sandbox => 12,
        Stage::Prod if !operations => 1,
        _ => 6,
    };
    let accounts = if duty == Duty::Cost { world.company.accounts_in(Stage::Prod) } else { team.accounts.clone() };
    let at = world.rng.weighted(accounts.iter().map(|&account| weight(world.company.accounts[account].stage)));
    accounts[at]
}

fn own(world: &World, person: usize) -> impl Fn(&Resource) -> bool + use<> {
    let team = world.company.people[person].team;
    move |resource| resource.team == team && !resource.elastic
}

pub(super) fn browse(world: &mut World, now: i64, person: usize) {
    let account = account_of(world, person);
    let mut turn = world.sign_in(person, account, now);
    for _ in 0..world.rng.between(1, 5) {
        let call = calls::browse(&mut world.rng);
        world.call(&mut turn, &call);
    }
    for at in world.some(account, now, 1, own(world, person)) {
        world.describe(&mut turn, at);
    }
}

/// A change of one tag that makes sense on that resource.
fn sensible(world: &mut World, company: &Company, at: usize) -> (String, String) {
    let resource = world.estate.get(at);
    let keys = &company.keys;
    let other = |rng: &mut crate::rng::Rng, values: &[&str], key: &str| {
        let now = resource.tags.get(key).map(String::as_str);
        let rest: Vec<&str> = values.iter().copied().filter(|&value| Some(value) != now).collect();
        (key.to_owned(), (*rng.pick(&rest)).to_owned())
    };
    // In production people don't give up a backup or declassify data by hand; elsewhere they do as they like.
    let careful = !matches!(resource.stage, Stage::Dev | Stage::Staging | Stage::Sandbox);
    match resource.kind {
        Kind::Volume | Kind::Database | Kind::Table => {
            let plans = if careful { &keys.backups[..2] } else { &keys.backups[..] };
            other(&mut world.rng, plans, keys.backup)
        }
        Kind::Instance if !careful => other(&mut world.rng, &keys.hours, keys.sched),
        Kind::Bucket | Kind::Secret if !careful => other(&mut world.rng, &keys.classes, keys.class),
        _ => ("ticket".to_owned(), company.words.ticket(&mut world.rng)),
    }
}

pub(super) fn tag_by_hand(world: &mut World, now: i64, person: usize) {
    let account = account_of(world, person);
    let production = world.company.accounts[account].stage == Stage::Prod;
    let chain = world.company.people[person].duty == Duty::Operator && (production || world.rng.chance(20));
    let mut turn = if chain { world.on_call(person, account, now) } else { world.sign_in(person, account, now) };
    let count = usize::try_from(world.rng.between(1, 3)).unwrap_or(1);
    let company = Rc::clone(&world.company);
    for at in world.some(account, now, count, own(world, person)) {
        if world.rng.chance(30) {
            world.describe(&mut turn, at);
        }
        let allowed = chain || !production || company.people[person].duty == Duty::Platform;
        if allowed && world.estate.get(at).tags.contains_key("ticket") && world.rng.chance(40) {
            world.untag(&mut turn, at, &["ticket"]);
        } else if allowed {
            let (key, value) = sensible(world, &company, at);
            world.tag(&mut turn, at, &[(&key, &value)]);
        }
    }
}

pub(super) fn slip(world: &mut World, now: i64, person: usize) {
    let team = world.company.people[person].team;
    let Some(account) = world.company.account_of(team, Stage::Staging).or(world.company.account_of(team, Stage::Dev))
    else {
        return;
    };
    let mut turn = world.sign_in(person, account, now);
    let Some(&at) = world.some(account, now, 1, own(world, person)).first() else { return };
    let keys = world.company.keys.clone();
    let key = if world.rng.chance(60) { keys.cost } else { keys.owner };
    let Some(right) = world.estate.get(at).tags.get(key).cloned() else { return };
    let wrong = if key == keys.cost {
        let other = world.rng.below(world.company.teams.len());
        world.company.teams[other].cost_center.chars().rev().collect::<String>()
    } else {
        format!("{right}s")
    };
    world.tag(&mut turn, at, &[(key, &wrong)]);
    turn.now += world.rng.between(2 * MINUTE, 9 * MINUTE);
    world.describe(&mut turn, at);
    world.tag(&mut turn, at, &[(key, &right)]);
}

pub(super) fn refused(world: &mut World, now: i64, person: usize) {
    let team = world.company.people[person].team;
    let account = world
        .company
        .account_of(team, Stage::Prod)
        .filter(|_| world.rng.chance(60))
        .unwrap_or_else(|| account_of(world, person));
    let mut turn = world.sign_in(person, account, now);
    let Some(&at) = world.some(account, now, 1, own(world, person)).first() else { return };
    let company = Rc::clone(&world.company);
    let call = if world.rng.chance(35) {
        calls::browse(&mut world.rng)
    } else if world.rng.chance(60) {
        let (key, value) = sensible(world, &company, at);
        let tags = [(key, value)].into_iter().collect();
        calls::put_tags(world.estate.get(at), &company.accounts[account].id, &tags)
    } else {
        calls::modify(&company, &mut world.rng, world.estate.get(at))
    };
    let arn = turn.actor.arn.clone();
    let call = if world.rng.chance(88) { call.denied(&arn) } else { call.throttled() };
    for _ in 0..world.rng.between(1, 2) {
        world.touch(&mut turn, at, &call);
    }
}

pub(super) fn tinker(world: &mut World, now: i64, person: usize) {
    let team = world.company.people[person].team;
    let Some(account) =
        world.company.account_of(team, Stage::Dev).or(world.company.teams[team].accounts.first().copied())
    else {
        return;
    };
    if world.company.people[person].duty == Duty::Reader {
        return browse(world, now, person);
    }
    let mut turn = world.sign_in(person, account, now);
    for at in world.some(account, now, 3, own(world, person)) {
        if world.rng.chance(50) {
            world.describe(&mut turn, at);
        }
        world.modify(&mut turn, at);
    }
    let apps = world.company.teams[team].apps;
    // Leftovers of earlier days are in the way of new ones.
    let crowded = world.estate.find(account, i64::MAX, own(world, person)).len() > 40 * apps.len();
    if world.rng.chance(25) && !crowded && !apps.is_empty() {
        let app = *world.rng.pick(apps);
        let kind = *world.rng.pick(&[Kind::Queue, Kind::Bucket, Kind::Function, Kind::Volume, Kind::Topic]);
        // Made by hand, tagged by hand: the owner and the cost centre are what people forget.
        let at = world.estate.add(&world.company, &mut world.rng, kind, team, app, account);
        let keys = world.company.keys.clone();
        let forgetful = world.rng.chance(60);
        world.estate.get_mut(at).tags.retain(|key, _| !forgetful || (key != keys.owner && key != keys.cost));
        world.announce(&mut turn, at);
        let id = world.estate.get(at).id.clone();
        let later = turn.now + world.rng.between(2 * MINUTE, 6 * MINUTE);
        world.plan(later, Act::Complete { at, id });
    }
}

pub(super) fn on_call(world: &mut World, now: i64, person: usize) {
    let team = world.company.people[person].team;
    let account = world.company.account_of(team, Stage::Prod).unwrap_or(world.company.teams[PLATFORM].accounts[0]);
    let mut turn = world.on_call(person, account, now);
    for _ in 0..world.rng.between(2, 5) {
        let call = calls::browse(&mut world.rng);
        world.call(&mut turn, &call);
    }
    let team_only = own(world, person);
    if world.rng.chance(15) {
        super::seldom::use_secret(world, &mut turn, team);
    }
    let works = move |resource: &Resource| {
        team_only(resource) && matches!(resource.kind, Kind::Service | Kind::Database | Kind::Function)
    };
    let ticket = world.rng.chance(30).then(|| world.company.words.ticket(&mut world.rng));
    for at in world.some(account, now, 2, works) {
        world.describe(&mut turn, at);
        world.modify(&mut turn, at);
        if let Some(ticket) = &ticket {
            world.tag(&mut turn, at, &[("ticket", ticket)]);
        }
    }
}
