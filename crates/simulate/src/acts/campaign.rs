//! Campaigns: for some days hundreds of resources are retagged, moved or replaced, by pipelines and by hand.

use std::rc::Rc;

use super::{Act, plan, somebody, working_hour};
use crate::calendar::Day;
use crate::company::{Company, Stage};
use crate::estate::{Kind, Resource};
use crate::rng::Rng;
use crate::spec::Spec;
use crate::words::Duty;
use crate::world::World;

/// What a campaign is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aim {
    /// The pipelines write a new key on all that a team has.
    KeyAdded,
    /// One key becomes another: the new one is written, the old one removed.
    KeyRenamed,
    /// Everybody says by hand how confidential the own data is.
    Classified,
    /// What ran in one way is made anew in another, and the old is deleted.
    Replaced,
    /// A component goes to another team.
    HandedOver,
}

/// A campaign of one team, or of all.
#[derive(Debug, Clone)]
pub(crate) struct Campaign {
    pub(crate) aim: Aim,
    pub(crate) team: usize,
    pub(crate) first: Day,
    pub(crate) days: i64,
    /// The key or value that it brings.
    pub(crate) word: &'static str,
}

/// The campaigns of the run: one for each fortnight or so, none on the first days.
pub(crate) fn draw(rng: &mut Rng, spec: &Spec, company: &Company) -> Vec<Campaign> {
    let days = i64::from(spec.days);
    let teams = company.product_teams();
    let aims = [Aim::KeyAdded, Aim::KeyRenamed, Aim::Classified, Aim::Replaced, Aim::HandedOver];
    (0..days / 14)
        .map(|_| Campaign {
            aim: *rng.pick(&aims),
            team: *rng.pick(&teams),
            first: spec.start.plus(rng.between(4, (days - 5).max(5))),
            days: rng.between(2, 6),
            word: ["lifecycle", "product", "compliance-scope", "component"][rng.below(4)],
        })
        .collect()
}

/// Puts the day's part of the campaigns on the agenda. Gives about how many events it makes.
pub(super) fn plan_day(world: &mut World, day: Day, rate: usize) -> usize {
    if day.is_weekend() {
        return 0;
    }
    let mut expected = 0;
    for campaign in Rc::clone(&world.campaigns).iter() {
        if !(campaign.first..campaign.first.plus(campaign.days)).contains(&day) {
            continue;
        }
        // A small company's campaign is small too.
        for _ in 0..(rate / 300).clamp(1, 4) {
            let zone = world.company.teams[campaign.team].zone;
            let at = working_hour(world, zone, day);
            plan(world, day, at, Act::Campaign(campaign.clone()));
            expected += 30;
        }
    }
    expected
}

/// One round of a campaign.
pub(super) fn play(world: &mut World, now: i64, campaign: &Campaign) {
    let company = Rc::clone(&world.company);
    let team = campaign.team;
    let account = *world.rng.pick(&company.teams[team].accounts);
    match campaign.aim {
        Aim::KeyAdded => by_pipeline(world, now, campaign, account, None),
        Aim::KeyRenamed => by_pipeline(world, now, campaign, account, Some(company.keys.app)),
        Aim::Classified => classify(world, now),
        Aim::Replaced => replace(world, now, team, account),
        Aim::HandedOver => hand_over(world, now, team, account),
    }
}

fn by_pipeline(world: &mut World, now: i64, campaign: &Campaign, account: usize, old: Option<&str>) {
    let (team, key) = (campaign.team, campaign.word);
    let left =
        move |resource: &Resource| resource.team == team && !resource.elastic && !resource.tags.contains_key(key);
    let mut turn = world.pipeline(team, account, now);
    for at in world.some(account, now, 28, left) {
        let value = world.estate.get(at).app;
        world.tag(&mut turn, at, &[(key, value)]);
        if let Some(old) = old {
            world.untag(&mut turn, at, &[old]);
        }
    }
}

/// Somebody of any team goes through the own team's data.
fn classify(world: &mut World, now: i64) {
    let company = Rc::clone(&world.company);
    let team = *world.rng.pick(&company.product_teams());
    let day = Day::of_ms(now);
    let Some(person) = somebody(world, team, day, Some(Duty::Operator)) else { return };
    let account = *world.rng.pick(&company.teams[team].accounts);
    let stage = company.accounts[account].stage;
    let mut turn =
        if stage == Stage::Prod { world.on_call(person, account, now) } else { world.sign_in(person, account, now) };
    let value = company.keys.classes[if stage == Stage::Prod { 2 } else { 1 }];
    let data = move |resource: &Resource| {
        resource.team == team && matches!(resource.kind, Kind::Bucket | Kind::Table | Kind::Secret | Kind::Database)
    };
    for at in world.some(account, now, 14, data) {
        world.tag(&mut turn, at, &[(company.keys.class, value)]);
    }
}

fn replace(world: &mut World, now: i64, team: usize, account: usize) {
    let apps = world.company.teams[team].apps;
    let app = apps[world.rng.below(apps.len())];
    let mut turn = world.pipeline(team, account, now);
    let old = move |resource: &Resource| {
        resource.team == team
            && resource.app == app
            && !resource.elastic
            && matches!(resource.kind, Kind::Instance | Kind::Volume | Kind::Queue | Kind::Topic | Kind::LogGroup)
    };
    for at in world.some(account, now, 10, old) {
        let kind = world.estate.get(at).kind;
        let new = if kind == Kind::Instance { Kind::Service } else { kind };
        world.create(&mut turn, new, team, app);
        world.delete(&mut turn, at);
    }
}

/// The owner and the cost centre of what two teams share go from one to the other, by the new owner's hands.
fn hand_over(world: &mut World, now: i64, team: usize, account: usize) {
    let company = Rc::clone(&world.company);
    let day = Day::of_ms(now);
    let Some(person) = somebody(world, team, day, Some(Duty::Operator)) else { return };
    let mut turn = if company.accounts[account].stage == Stage::Prod {
        world.on_call(person, account, now)
    } else {
        world.sign_in(person, account, now)
    };
    let row = &company.teams[team];
    let ticket = company.words.ticket(&mut company.rng_for(&[row.name, "handed over"]));
    let tags =
        [(company.keys.owner, row.name), (company.keys.cost, row.cost_center.as_str()), ("ticket", ticket.as_str())];
    let owner = company.keys.owner;
    let foreign =
        |resource: &Resource| !resource.elastic && resource.tags.get(owner).is_some_and(|value| value != row.name);
    let mut found = world.some(account, now, 16, foreign);
    if found.is_empty() {
        found = world.some(account, now, 8, |resource| resource.team == team && !resource.elastic);
    }
    for at in found {
        world.tag(&mut turn, at, &tags);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::generate;

    #[test]
    fn a_campaign_writes_its_key_on_many_within_its_days() {
        let mut found = 0;
        for seed in 0..12 {
            let spec = Spec { incidents: false, events_per_day: 600, ..Spec::new(seed, 30) };
            let campaigns = Rc::clone(&World::new(&spec).campaigns);
            let Some(campaign) = campaigns.iter().find(|campaign| campaign.aim == Aim::KeyAdded) else { continue };
            // Another campaign may bring the same word.
            if campaigns.iter().filter(|other| other.word == campaign.word).count() > 1 {
                continue;
            }
            let key = format!("\"{}\"", campaign.word);
            let times: Vec<i64> = generate(&spec)
                .filter(|event| event.json.contains("\"readOnly\":false") && event.json.contains(&key))
                .map(|event| event.time_ms)
                .collect();
            let (from, to) = (campaign.first.start_ms(), campaign.first.plus(campaign.days + 1).start_ms());
            let within = times.iter().filter(|time| (from..to).contains(time)).count();
            assert!(times.first().is_none_or(|&first| first >= from));
            found += within;
        }
        assert!(found >= 60, "{found} resources in twelve worlds");
    }
}
