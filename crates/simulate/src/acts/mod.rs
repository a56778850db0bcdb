//! The company's ordinary days: which acts there are, how many, and when.

mod automation;
mod bulk;
mod campaign;
mod founding;
mod machinery;
mod odd;
mod outside;
mod people;
mod pipeline;
mod seldom;

pub(crate) use automation::night_watch;
pub(crate) use campaign::{Campaign, draw as draw_campaigns};

use crate::calendar::{DAY, Day, HOUR, MINUTE, Zone};
use crate::company::{Newborn, Stage};
use crate::incidents::{self, Cast};
use crate::names::{FINANCE, PLATFORM, SECURITY};
use crate::words::Duty;
use crate::world::World;

/// Something somebody does; the records follow when it is played.
#[derive(Debug)]
pub(crate) enum Act {
    /// A person looks around in the console or the shell.
    Browse { person: usize },
    /// A person sets a tag or two.
    TagByHand { person: usize },
    /// A person writes a wrong value and puts it right.
    Slip { person: usize },
    /// A person may not do what was tried.
    Refused { person: usize },
    /// A person changes something in a development account.
    Tinker { person: usize },
    /// On-call work in production, at any hour.
    OnCall { person: usize },
    /// A pipeline brings a version to a stage, and later to the next.
    Release { team: usize, app: &'static str, stage: Stage, version: String },
    /// Terraform makes a new component.
    Grow { team: usize, app: &'static str, stage: Stage },
    /// Terraform removes one.
    Retire { team: usize, app: &'static str },
    /// `CloudFormation` updates a stack.
    Stack { team: usize, app: &'static str, stage: Stage },
    /// Auto scaling replaces an instance.
    Elastic { account: usize },
    /// AWS Backup takes snapshots.
    Backup { account: usize },
    /// Services look at the account.
    ServiceReads { account: usize },
    /// The scheduler starts or stops what has office hours.
    NightWatch { account: usize, on: bool },
    /// The tagger goes through an account.
    Sweep { account: usize },
    /// The tagger completes what somebody has just made.
    Complete { at: usize, id: String },
    /// Old snapshots are deleted.
    Janitor,
    /// A vendor reads.
    Vendor { vendor: usize, account: usize },
    /// The export user does its round.
    Export { account: usize },
    /// Finance moves resources to another cost centre.
    CostMove { person: usize },
    /// One round of a campaign.
    Campaign(Campaign),
    /// An account is opened.
    Found(Newborn),
    /// A team builds up its new account.
    Build { newborn: Newborn, by_hand: bool },
    /// Somebody's first day.
    FirstDay { person: usize },
    /// The job that runs once a quarter.
    Quarterly { account: usize },
    /// A rare but innocent call.
    Odd { team: usize },
    /// The security team grants access.
    Grant,
    /// An incident or a twin.
    Incident(Cast),
}

/// Weight on a working day, weight on a weekend, and about how many events one makes.
const MIX: [(usize, usize, usize); 11] = [
    (17, 8, 6),
    (20, 2, 5),
    (3, 0, 6),
    (5, 1, 3),
    (11, 2, 6),
    (10, 1, 55),
    (4, 0, 18),
    (3, 0, 10),
    (5, 1, 15),
    (13, 20, 4),
    (3, 6, 3),
];

/// Puts the acts of a day on the agenda.
pub(crate) fn plan_day(world: &mut World, day: Day) {
    let weekend = day.is_weekend();
    let rate = usize::try_from(world.spec.events_per_day).unwrap_or(usize::MAX);
    // Five working days and two weekend days of these make seven average days.
    let target = if weekend { rate.saturating_mul(3) / 8 } else { rate.saturating_mul(5) / 4 };
    let mut expected = rounds(world, day, weekend, rate);
    if world.spec.events_per_day > 0 {
        expected += campaign::plan_day(world, day, rate) + founding::plan_day(world, day, rate);
        expected += seldom::plan_day(world, day);
    }
    let correction = world.correction();
    while expected.saturating_mul(correction) / 100 < target {
        let kind = {
            let habits = &world.company.habits.mix;
            let weigh = |(row, habit): (&(usize, usize, usize), &usize)| {
                let weight = if weekend { row.1 } else { row.0 };
                weight * habit
            };
            world.rng.weighted(MIX.iter().zip(habits).map(weigh))
        };
        expected += MIX[kind].2;
        draw(world, day, kind);
    }
    world.expect(expected);
}

/// What happens every day whatever people do. Gives about how many events it makes.
fn rounds(world: &mut World, day: Day, weekend: bool, rate: usize) -> usize {
    let mut expected = 0;
    // A company with few events has fewer rounds too.
    let share = (rate / 6).min(100);
    for account in 0..world.company.accounts.len() {
        if world.company.newborn.is_some_and(|newborn| newborn.account == account && day <= newborn.day) {
            continue;
        }
        let stage = world.company.accounts[account].stage;
        if matches!(stage, Stage::Dev | Stage::Staging) && !weekend && world.rng.chance(share) {
            for (on, hour) in [(true, 6), (false, 20)] {
                let at = day.start_ms() + hour * HOUR + world.rng.between(0, 4 * MINUTE);
                plan(world, day, at, Act::NightWatch { account, on });
                expected += 10;
            }
        }
        if stage == Stage::Prod && world.rng.chance(share) {
            let night = day.start_ms() + 2 * HOUR + world.rng.between(0, 40 * MINUTE);
            plan(world, day, night, Act::Backup { account });
            let export = day.start_ms() + 5 * HOUR + world.rng.between(0, 10 * MINUTE);
            plan(world, day, export, Act::Export { account });
            for vendor in 0..world.company.vendors.len() {
                let at = day.start_ms() + world.rng.between(0, DAY - HOUR);
                plan(world, day, at, Act::Vendor { vendor, account });
            }
            expected += 30;
        }
        if matches!(stage, Stage::Prod | Stage::Dev) && world.rng.chance(share) {
            let at = day.start_ms() + 4 * HOUR + world.rng.between(0, 30 * MINUTE);
            plan(world, day, at, Act::Sweep { account });
            expected += 6;
        }
    }
    plan(world, day, day.start_ms() + 3 * HOUR + 10 * MINUTE, Act::Janitor);
    if world.rng.chance(world.company.habits.nights) {
        let team = *world.rng.pick(&world.company.product_teams());
        if let Some(person) = on_duty(world, team, day) {
            let zone = world.company.people[person].zone_on(day);
            let at = zone.at(day, world.rng.between(22 * HOUR, 29 * HOUR));
            plan(world, day, at, Act::OnCall { person });
            expected += 6;
        }
    }
    if !weekend
        && world.rng.chance(world.company.habits.cost_moves)
        && let Some(person) = somebody(world, FINANCE, day, Some(Duty::Cost))
    {
        let zone = world.company.people[person].zone_on(day);
        let at = working_hour(world, zone, day);
        plan(world, day, at, Act::CostMove { person });
        expected += 6;
    }
    expected
}

fn plan(world: &mut World, day: Day, at: i64, act: Act) {
    // Records before this day's midnight may have been handed out already.
    world.plan(at.max(day.start_ms()), act);
}

/// A time in working hours, mostly not at the edges of them.
pub(crate) fn working_hour(world: &mut World, zone: Zone, day: Day) -> i64 {
    let half = 9 * HOUR / 2;
    if world.rng.chance(4) {
        // Some come back to it in the evening.
        return zone.at(day, world.rng.between(19 * HOUR, 23 * HOUR));
    }
    zone.at(day, world.company.habits.start_hour * HOUR + world.rng.between(0, half) + world.rng.between(0, half))
}

/// Somebody of a team at work that day, with this duty if one is asked for.
pub(crate) fn somebody(world: &mut World, team: usize, day: Day, duty: Option<Duty>) -> Option<usize> {
    let found = present(world, team, day, duty);
    (!found.is_empty()).then(|| *world.rng.pick(&found))
}

/// The operator whose week it is.
pub(crate) fn on_duty(world: &World, team: usize, day: Day) -> Option<usize> {
    let found = present(world, team, day, Some(Duty::Operator));
    let week = usize::try_from(day.start_ms() / DAY / 7).unwrap_or(0);
    found.get(week % found.len().max(1)).copied()
}

fn present(world: &World, team: usize, day: Day, duty: Option<Duty>) -> Vec<usize> {
    let company = &world.company;
    let fits =
        |&&person: &&usize| company.at_work(person, day) && duty.is_none_or(|duty| company.people[person].duty == duty);
    company.teams[team].members.iter().filter(fits).copied().collect()
}

/// One of the accounts of a stage.
fn pick(world: &mut World, stage: Stage) -> Option<usize> {
    let accounts = world.company.accounts_in(stage);
    (!accounts.is_empty()).then(|| *world.rng.pick(&accounts))
}

fn draw(world: &mut World, day: Day, kind: usize) {
    let products = world.company.product_teams();
    let team = match kind {
        0 => world.rng.below(world.company.teams.len()),
        1..=4 if world.rng.chance(20) => *world.rng.pick(&[PLATFORM, SECURITY]),
        _ => *world.rng.pick(&products),
    };
    if kind >= 9 {
        let stage = if world.rng.chance(75) { Stage::Prod } else { Stage::Staging };
        let Some(account) = pick(world, stage) else { return };
        let at = day.start_ms() + world.rng.between(0, DAY - 1);
        let act = if kind == 9 { Act::Elastic { account } } else { Act::ServiceReads { account } };
        return plan(world, day, at, act);
    }
    let Some(person) = somebody(world, team, day, None) else { return };
    let zone = world.company.people[person].zone_on(day);
    let at = working_hour(world, zone, day);
    if kind <= 4 {
        let act = match kind {
            0 => Act::Browse { person },
            1 => Act::TagByHand { person },
            2 => Act::Slip { person },
            3 => Act::Refused { person },
            _ => Act::Tinker { person },
        };
        return plan(world, day, at, act);
    }
    let app = *world.rng.pick(world.company.teams[team].apps);
    let stage = *world.rng.pick(&[Stage::Dev, Stage::Dev, Stage::Staging, Stage::Prod]);
    let act = match kind {
        5 => {
            let version =
                format!("{}.{}.{}", world.rng.between(1, 6), world.rng.between(0, 40), world.rng.between(0, 9));
            Act::Release { team, app, stage: Stage::Dev, version }
        }
        6 => Act::Grow { team, app, stage },
        7 => Act::Retire { team, app },
        _ => Act::Stack { team, app, stage },
    };
    plan(world, day, at, act);
}

/// Plays an act that begins now.
pub(crate) fn play(world: &mut World, now: i64, act: Act) {
    match act {
        Act::Browse { person } => people::browse(world, now, person),
        Act::TagByHand { person } => people::tag_by_hand(world, now, person),
        Act::Slip { person } => people::slip(world, now, person),
        Act::Refused { person } => people::refused(world, now, person),
        Act::Tinker { person } => people::tinker(world, now, person),
        Act::OnCall { person } => people::on_call(world, now, person),
        Act::Release { team, app, stage, version } => pipeline::release(world, now, team, app, stage, version),
        Act::Grow { team, app, stage } => pipeline::grow(world, now, team, app, stage),
        Act::Retire { team, app } => pipeline::retire(world, now, team, app),
        Act::Stack { team, app, stage } => pipeline::stack(world, now, team, app, stage),
        Act::Elastic { account } => machinery::elastic(world, now, account),
        Act::Backup { account } => machinery::backup(world, now, account),
        Act::ServiceReads { account } => machinery::reads(world, now, account),
        Act::NightWatch { account, on } => night_watch(world, now, account, on),
        Act::Sweep { account } => automation::sweep(world, now, account),
        Act::Complete { at, id } => automation::complete(world, now, at, &id),
        Act::Janitor => automation::janitor(world, now),
        Act::Vendor { vendor, account } => outside::vendor(world, now, vendor, account),
        Act::Export { account } => outside::export(world, now, account),
        Act::CostMove { person } => bulk::cost_move(world, now, person),
        Act::Campaign(campaign) => campaign::play(world, now, &campaign),
        Act::Found(newborn) => founding::found(world, now, newborn),
        Act::Build { newborn, by_hand } => founding::build(world, now, newborn, by_hand),
        Act::FirstDay { person } => seldom::first_day(world, now, person),
        Act::Quarterly { account } => seldom::quarterly(world, now, account),
        Act::Odd { team } => odd::play(world, now, team),
        Act::Grant => seldom::grant(world, now),
        Act::Incident(cast) => incidents::play(world, now, &cast),
    }
}
