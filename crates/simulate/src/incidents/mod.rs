//! Incidents and their benign twins: which kinds there are, when they happen, and who is made to act.
//!
//! A new kind is one file here with a [`Kind`], and one line in [`KINDS`].

mod group_opened;
mod iam_user_night;
mod logging_off;
mod mass_untag_leaked_key;
mod prod_retagged;

use std::rc::Rc;

use crate::acts::{somebody, working_hour};
use crate::calendar::{DAY, Day, HOUR, MINUTE};
use crate::company::Stage;
use crate::estate::{Kind as Resources, Resource};
use crate::names::SECURITY;
use crate::record::{Actor, Call};
use crate::sessions::stolen;
use crate::words::Duty;
use crate::world::{FAST, Label, Turn, World};

/// One kind of incident.
struct Kind {
    /// The name in the truth.
    name: &'static str,
    /// In the team's working hours, at any hour, or in its night.
    hours: Hours,
    /// Plays the malicious form or the twin.
    play: fn(&mut World, i64, &Cast),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hours {
    Working,
    Any,
    Night,
}

const KINDS: [Kind; 5] =
    [prod_retagged::KIND, mass_untag_leaked_key::KIND, group_opened::KIND, iam_user_night::KIND, logging_off::KIND];

/// Who plays in an incident, and which form of it.
#[derive(Debug, Clone)]
pub(crate) struct Cast {
    kind: usize,
    id: String,
    malicious: bool,
    /// Kinds have several forms; taken modulo their number.
    variant: usize,
    /// A team with something in production.
    team: usize,
    /// Its production account.
    account: usize,
}

/// All incidents and twins of the run, with their times.
pub(crate) fn plan(world: &mut World) -> Vec<(i64, Cast)> {
    if !world.spec.incidents || world.spec.days == 0 {
        return Vec::new();
    }
    if let Some((from, to)) = world.spec.showcase_ms() {
        return showcase(world, from, to);
    }
    let first = world.spec.test_start();
    let days = (world.spec.end().start_ms() - first.start_ms()) / DAY;
    // One of each kind at least; about eight incidents and eleven twins a fortnight.
    let incidents = usize::try_from(days * 8 / 15).unwrap_or(0).max(KINDS.len());
    let twins = usize::try_from(days * 11 / 15).unwrap_or(0).max(KINDS.len() + 1);
    let mut planned = Vec::new();
    for (count, malicious) in [(incidents, true), (twins, false)] {
        let mut order: Vec<usize> = (0..count).collect();
        world.rng.shuffle(&mut order);
        let offset = world.rng.below(6);
        for (number, at) in order.into_iter().enumerate() {
            let day = first.plus(world.rng.between(0, days - 1));
            // Each kind goes through its forms in turn, so that none is left out for long.
            let (kind, variant) = (at % KINDS.len(), at / KINDS.len() + offset);
            planned.push(place(world, day, kind, malicious, variant, number));
        }
    }
    // The benign forms are known from before, too.
    let learning = (first.start_ms() - world.spec.start.start_ms()) / DAY;
    for (number, kind) in (0..KINDS.len()).enumerate().filter(|_| learning >= 7) {
        let day = world.spec.start.plus(world.rng.between(1, learning - 2));
        let variant = world.rng.below(60);
        planned.push(place(world, day, kind, false, variant, twins + number));
    }
    planned
}

fn place(world: &mut World, day: Day, kind: usize, malicious: bool, variant: usize, number: usize) -> (i64, Cast) {
    let team = *world.rng.pick(&world.company.product_teams());
    let zone = world.company.teams[team].zone;
    let hours = match KINDS[kind].hours {
        // Honest work is done by day, whenever it could have been done.
        Hours::Any if !malicious => Hours::Working,
        hours => hours,
    };
    let mut day = day;
    if hours == Hours::Working && !malicious {
        while day.is_weekend() && day.plus(1) < world.spec.end() {
            day = day.plus(1);
        }
    }
    let local = match hours {
        Hours::Working => working_hour(world, zone, day),
        Hours::Any => day.start_ms() + world.rng.between(HOUR, DAY - 3 * HOUR),
        Hours::Night => zone.at(day, world.rng.between(HOUR / 2, 4 * HOUR)),
    };
    // A local day east or west of Greenwich sticks out of the UTC day: the same hour, within it.
    let at = day.start_ms() + (local - day.start_ms()).rem_euclid(DAY).min(DAY - HOUR);
    (at, cast(world, kind, malicious, variant, team, number))
}

fn cast(world: &World, kind: usize, malicious: bool, variant: usize, team: usize, number: usize) -> Cast {
    let word = if malicious { "inc" } else { "twin" };
    let account = world.company.account_of(team, Stage::Prod).unwrap_or_default();
    Cast { kind, id: format!("{word}-{:03}", number + 1), malicious, variant, team, account }
}

/// One of each kind, a few minutes apart, with a twin after each.
fn showcase(world: &mut World, from: i64, to: i64) -> Vec<(i64, Cast)> {
    let products = world.company.product_teams();
    let step = (to - from) / 11;
    let mut planned = Vec::new();
    for (kind, row) in KINDS.iter().enumerate() {
        let night = |&&team: &&usize| {
            let (_, local) = world.company.teams[team].zone.local(from);
            row.hours != Hours::Night || !(6 * HOUR..22 * HOUR).contains(&local)
        };
        let fitting: Vec<usize> = products.iter().filter(night).copied().collect();
        for malicious in [true, false] {
            let team = *world.rng.pick(if fitting.is_empty() { &products } else { &fitting });
            let at = from + step * i64::try_from(planned.len()).unwrap_or(0) + world.rng.between(10_000, 60_000);
            planned.push((at, cast(world, kind, malicious, 0, team, kind)));
        }
    }
    planned
}

/// Plays an incident; all records it makes carry its label.
pub(crate) fn play(world: &mut World, now: i64, cast: &Cast) {
    let kind = &KINDS[cast.kind];
    world.label = Some(Label { incident: cast.id.clone(), scenario: kind.name, malicious: cast.malicious });
    (kind.play)(world, now, cast);
    world.label = None;
}

impl Cast {
    /// Somebody of the team who may work in production.
    fn operator(&self, world: &mut World, now: i64) -> usize {
        somebody(world, self.team, Day::of_ms(now), Some(Duty::Operator))
            .or_else(|| somebody(world, self.team, Day::of_ms(now), None))
            .unwrap_or_else(|| world.company.teams[self.team].members[1])
    }

    fn security_engineer(world: &mut World, now: i64) -> usize {
        somebody(world, SECURITY, Day::of_ms(now), None).unwrap_or_else(|| world.company.teams[SECURITY].members[0])
    }

    /// Somebody's session, which was the owner's until now, in other hands: the owner's sign-in is not part of it.
    fn hijacked(&self, world: &mut World, now: i64) -> Turn {
        let person = self.operator(world, now);
        let label = world.label.take();
        let mut turn = world.on_call(person, self.account, now);
        world.label = label;
        turn.actor = stolen(&mut world.rng, &turn.actor);
        turn.now += world.rng.between(2 * MINUTE, 5 * MINUTE);
        turn.pause = (1_500, 12_000);
        turn
    }

    /// The pipeline's session in other hands.
    fn hijacked_pipeline(&self, world: &mut World, now: i64) -> Turn {
        let label = world.label.take();
        let mut turn = world.pipeline(self.team, self.account, now);
        world.label = label;
        turn.actor = stolen(&mut world.rng, &turn.actor);
        turn.now += world.rng.between(MINUTE, 4 * MINUTE);
        turn.pause = FAST;
        turn
    }

    /// Asks who one is and what there is.
    fn look_around(world: &mut World, turn: &mut Turn) {
        world.call(turn, &Call::read("sts", "GetCallerIdentity", serde_json::Value::Null));
        for _ in 0..world.rng.between(1, 3) {
            let call = crate::calls::survey(&mut world.rng);
            world.call(turn, &call);
        }
    }

    /// Resources of the team in its production account.
    fn targets(&self, world: &mut World, now: i64, count: usize, kinds: &[Resources]) -> Vec<usize> {
        let team = self.team;
        let env = world.company.keys.env;
        let value = world.company.keys.stage(Stage::Prod);
        let fits = |resource: &Resource| {
            resource.team == team
                && !resource.elastic
                && resource.tags.get(env).is_some_and(|tag| tag == value)
                && (kinds.is_empty() || kinds.contains(&resource.kind))
        };
        world.some(self.account, now, count, fits)
    }
}

/// The actor of a turn replaced by another, at another pace.
fn become_actor(turn: &mut Turn, actor: Actor, pause: (i64, i64)) {
    turn.actor = Rc::new(actor);
    turn.pause = pause;
}
