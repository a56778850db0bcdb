//! Who plays in an incident, and the moves that several kinds share.

use std::rc::Rc;

use crate::acts::{Act, somebody};
use crate::calendar::{Day, MINUTE};
use crate::company::Stage;
use crate::estate::{Kind as Resources, Resource};
use crate::names::{FINANCE, SECURITY};
use crate::record::{Actor, Call};
use crate::sessions::{Client, foreign_address, stolen, strange_shell};
use crate::words::Duty;
use crate::world::{FAST, Turn, World};

/// Who plays in an incident, and which form of it.
#[derive(Debug, Clone)]
pub(crate) struct Cast {
    pub(super) kind: usize,
    pub(super) id: String,
    pub(super) malicious: bool,
    /// Kinds have several forms; taken modulo their number.
    pub(super) variant: usize,
    /// A team with something in production.
    pub(super) team: usize,
    /// Its production account.
    pub(super) account: usize,
    /// What is played in several acts counts them here; the first is 0.
    pub(super) step: u32,
    /// The same person in all acts, once somebody is chosen.
    pub(super) person: Option<usize>,
}

impl Cast {
    /// Plays the next act of the same story at that time.
    pub(super) fn again(&self, world: &mut World, at: i64, person: Option<usize>) {
        let next = Self { step: self.step + 1, person, ..self.clone() };
        world.plan(at, Act::Incident(next));
    }

    /// Somebody of the team who may work in production.
    pub(super) fn operator(&self, world: &mut World, now: i64) -> usize {
        self.person
            .or_else(|| somebody(world, self.team, Day::of_ms(now), Some(Duty::Operator)))
            .or_else(|| somebody(world, self.team, Day::of_ms(now), None))
            .unwrap_or_else(|| world.company.teams[self.team].members[1])
    }

    /// Somebody of the team who may not, if there is one at work.
    pub(super) fn engineer(&self, world: &mut World, now: i64) -> usize {
        somebody(world, self.team, Day::of_ms(now), Some(Duty::Engineer)).unwrap_or_else(|| self.operator(world, now))
    }

    pub(super) fn security_engineer(world: &mut World, now: i64) -> usize {
        somebody(world, SECURITY, Day::of_ms(now), None).unwrap_or_else(|| world.company.teams[SECURITY].members[0])
    }

    pub(super) fn accountant(world: &mut World, now: i64) -> usize {
        somebody(world, FINANCE, Day::of_ms(now), None).unwrap_or_else(|| world.company.teams[FINANCE].members[0])
    }

    /// Somebody who has not been seen for weeks and was not made to act before; any team will do.
    pub(super) fn sleeper(world: &mut World, now: i64) -> Option<usize> {
        let today = Day::of_ms(now);
        let asleep = |at: &usize| {
            let person = &world.company.people[*at];
            person.dormant_from.is_some_and(|from| from.plus(8) <= today) && !world.woken.contains(at)
        };
        let found: Vec<usize> = (0..world.company.people.len()).filter(asleep).collect();
        if found.is_empty() {
            return None;
        }
        let person = *world.rng.pick(&found);
        world.woken.insert(person);
        Some(person)
    }

    /// Somebody's session, which was the owner's until now, in other hands: the owner's sign-in is not part of it.
    pub(super) fn hijacked(&self, world: &mut World, now: i64) -> Turn {
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
    pub(super) fn hijacked_pipeline(&self, world: &mut World, now: i64) -> Turn {
        let label = world.label.take();
        let mut turn = world.pipeline(self.team, self.account, now);
        world.label = label;
        turn.actor = stolen(&mut world.rng, &turn.actor);
        turn.now += world.rng.between(MINUTE, 4 * MINUTE);
        turn.pause = FAST;
        turn
    }

    /// The export user's key in other hands.
    pub(super) fn leaked_key(&self, world: &mut World, now: i64) -> Turn {
        let mut turn = world.export_user(self.account, now);
        turn.actor = stolen(&mut world.rng, &turn.actor);
        turn.region = world.company.teams[self.team].region;
        turn
    }

    /// A person's password in other hands: the sign-in itself is part of the incident.
    pub(super) fn strange_client(world: &mut World, console: bool) -> Client {
        let agent = if console { world.rng.pick(crate::names::BROWSERS) } else { strange_shell(&mut world.rng) };
        Client { ip: foreign_address(&mut world.rng), agent, console }
    }

    /// Asks who one is and what there is.
    pub(super) fn look_around(world: &mut World, turn: &mut Turn) {
        world.call(turn, &Call::read("sts", "GetCallerIdentity", serde_json::Value::Null));
        for _ in 0..world.rng.between(1, 3) {
            let call = crate::calls::survey(&mut world.rng);
            world.call(turn, &call);
        }
    }

    /// Resources of the team in its production account.
    pub(super) fn targets(&self, world: &mut World, now: i64, count: usize, kinds: &[Resources]) -> Vec<usize> {
        let value = world.company.keys.stage(Stage::Prod);
        self.targets_in(world, now, self.account, Some(value), count, kinds)
    }

    /// Resources of the team in an account; with this value of the environment tag if one is given.
    pub(super) fn targets_in(
        &self,
        world: &mut World,
        now: i64,
        account: usize,
        value: Option<&str>,
        count: usize,
        kinds: &[Resources],
    ) -> Vec<usize> {
        let team = self.team;
        let env = world.company.keys.env;
        let fits = |resource: &Resource| {
            resource.team == team
                && !resource.elastic
                && value.is_none_or(|value| resource.tags.get(env).is_some_and(|tag| tag == value))
                && (kinds.is_empty() || kinds.contains(&resource.kind))
        };
        world.some(account, now, count, fits)
    }
}

/// The actor of a turn replaced by another, at another pace.
pub(super) fn become_actor(turn: &mut Turn, actor: Actor, pause: (i64, i64)) {
    turn.actor = Rc::new(actor);
    turn.pause = pause;
}
