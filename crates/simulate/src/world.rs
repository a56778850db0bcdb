//! The simulation itself: the agenda of acts, the state they change, and the records they leave.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use crate::acts::{self, Act, Campaign};
use crate::calendar::Day;
use crate::calls;
use crate::company::Company;
use crate::estate::{Estate, Kind, Resource};
use crate::generate::{Simulated, Truth};
use crate::incidents;
use crate::record::{Actor, Call, Frame, render};
use crate::rng::Rng;
use crate::sessions::Sessions;
use crate::spec::Spec;

/// The incident, or twin, whose events are being made.
#[derive(Debug, Clone)]
pub(crate) struct Label {
    pub(crate) incident: String,
    pub(crate) scenario: &'static str,
    pub(crate) malicious: bool,
}

/// Somebody at work: who, where, and what time it has become.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    pub(crate) actor: Rc<Actor>,
    pub(crate) account: usize,
    pub(crate) region: &'static str,
    pub(crate) now: i64,
    /// Shortest and longest pause after a call, in milliseconds.
    pub(crate) pause: (i64, i64),
}

/// Pauses of a program.
pub(crate) const FAST: (i64, i64) = (120, 2_400);
/// Pauses of a person.
pub(crate) const SLOW: (i64, i64) = (4_000, 55_000);

/// All that the acts read and change.
pub(crate) struct World {
    pub(crate) spec: Spec,
    pub(crate) company: Rc<Company>,
    pub(crate) rng: Rng,
    pub(crate) estate: Estate,
    pub(crate) sessions: Sessions,
    pub(crate) label: Option<Label>,
    /// Account, region and id of the snapshots that exist, oldest first.
    pub(crate) snapshots: VecDeque<(usize, &'static str, String)>,
    /// People who had been silent for weeks until an incident, or a twin, made them act.
    pub(crate) woken: BTreeSet<usize>,
    pub(crate) campaigns: Rc<[Campaign]>,
    /// Records that carried a label.
    pub(crate) told: usize,
    agenda: BTreeMap<(i64, u64), Act>,
    made: BTreeMap<(i64, u64), Simulated>,
    tickets: u64,
    next_day: Day,
    /// Events the acts were expected to make, and records made: what acts really make corrects the expectation.
    expected: usize,
    recorded: usize,
}

impl World {
    pub(crate) fn new(spec: &Spec) -> Self {
        let company = Rc::new(Company::new(spec));
        let mut rng = Rng::new(spec.seed.wrapping_mul(0x5851_F42D_4C95_7F2D) ^ 0x7A6);
        let estate = Estate::new(&company, &mut rng);
        let campaigns = acts::draw_campaigns(&mut rng, spec, &company).into();
        let mut world = Self {
            spec: spec.clone(),
            company,
            rng,
            estate,
            sessions: Sessions::default(),
            label: None,
            snapshots: VecDeque::new(),
            woken: BTreeSet::new(),
            campaigns,
            told: 0,
            agenda: BTreeMap::new(),
            made: BTreeMap::new(),
            tickets: 0,
            next_day: spec.start,
            expected: 0,
            recorded: 0,
        };
        for (at, cast) in incidents::plan(&mut world) {
            world.plan(at, Act::Incident(cast));
        }
        world
    }

    /// The next record in event-time order.
    pub(crate) fn next(&mut self) -> Option<Simulated> {
        loop {
            while self.next_day < self.spec.end()
                && self.agenda.first_key_value().is_none_or(|((at, _), _)| *at >= self.next_day.start_ms())
            {
                let day = self.next_day;
                self.next_day = day.plus(1);
                self.sessions.forget(day.start_ms());
                acts::plan_day(self, day);
            }
            // No act still to come can make an event before its own start.
            let horizon = self.agenda.first_key_value().map_or(i64::MAX, |((at, _), _)| *at);
            if let Some(first) = self.made.first_entry().filter(|first| first.key().0 <= horizon) {
                return Some(first.remove());
            }
            let ((at, _), act) = self.agenda.pop_first()?;
            acts::play(self, at, act);
        }
    }

    /// Records made per hundred expected, so far.
    pub(crate) fn correction(&self) -> usize {
        (self.recorded * 100).checked_div(self.expected).unwrap_or(100).clamp(50, 200)
    }

    pub(crate) fn expect(&mut self, events: usize) {
        self.expected += events;
    }

    /// Puts an act on the agenda, not before the first instant of the day last planned.
    pub(crate) fn plan(&mut self, at: i64, act: Act) {
        self.tickets += 1;
        self.agenda.insert((at, self.tickets), act);
    }

    /// Makes the record of a call and waits a moment. Gives its event id.
    pub(crate) fn call(&mut self, turn: &mut Turn, call: &Call) {
        let actor = Rc::clone(&turn.actor);
        self.record(turn.now, &actor, turn.account, turn.region, call, None);
        turn.now += self.rng.between(turn.pause.0, turn.pause.1);
    }

    /// Makes one record; what would fall after the last day is not written.
    pub(crate) fn record(
        &mut self,
        now: i64,
        actor: &Actor,
        account: usize,
        region: &str,
        call: &Call,
        shared: Option<&str>,
    ) {
        let event_id = self.rng.uuid();
        let request_id = if call.source == "s3" { self.rng.upper(16) } else { self.rng.uuid() };
        if now >= self.spec.end().start_ms() {
            return;
        }
        let frame = Frame {
            actor,
            time_ms: now,
            region: if call.source == "iam" { "us-east-1" } else { region },
            account_id: &self.company.accounts[account].id,
            request_id: &request_id,
            event_id: &event_id,
            shared_event_id: shared,
        };
        let json = render(&frame, call);
        let truth = self.label.as_ref().map(|label| Truth {
            event_id: event_id.clone(),
            incident: label.incident.clone(),
            scenario: label.scenario.to_owned(),
            malicious: label.malicious,
        });
        self.tickets += 1;
        self.recorded += 1;
        self.told += usize::from(self.label.is_some());
        self.made.insert((now, self.tickets), Simulated { time_ms: now, json, truth });
    }

    fn account_id(&self, at: usize) -> String {
        self.company.accounts[self.estate.get(at).account].id.clone()
    }

    /// Makes the record of a call on a resource, in the resource's own account and region.
    fn call_on(&mut self, turn: &mut Turn, at: usize, call: &Call) {
        let Resource { account, region, .. } = *self.estate.get(at);
        (turn.account, turn.region) = (account, region);
        self.call(turn, call);
        self.estate.get_mut(at).busy_until = turn.now;
    }

    pub(crate) fn tag(&mut self, turn: &mut Turn, at: usize, tags: &[(&str, &str)]) {
        let new: BTreeMap<String, String> =
            tags.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        let call = calls::put_tags(self.estate.get(at), &self.account_id(at), &new);
        self.call_on(turn, at, &call);
        self.estate.get_mut(at).tags.extend(new);
    }

    pub(crate) fn untag(&mut self, turn: &mut Turn, at: usize, keys: &[&str]) {
        let call = calls::remove_tags(self.estate.get(at), &self.account_id(at), keys);
        self.call_on(turn, at, &call);
        self.estate.get_mut(at).tags.retain(|key, _| !keys.contains(&key.as_str()));
    }

    /// The same tags on up to 20 resources of one account and region by one call.
    pub(crate) fn tag_many(&mut self, turn: &mut Turn, ats: &[usize], tags: &[(&str, &str)]) {
        let new: BTreeMap<String, String> =
            tags.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        let call = calls::tag_many(&self.arns(ats), &new);
        self.call_on_many(turn, ats, &call);
        for &at in ats {
            self.estate.get_mut(at).tags.extend(new.clone());
        }
    }

    /// The same keys off up to 20 resources of one account and region by one call.
    pub(crate) fn untag_many(&mut self, turn: &mut Turn, ats: &[usize], keys: &[&str]) {
        let call = calls::untag_many(&self.arns(ats), keys);
        self.call_on_many(turn, ats, &call);
        for &at in ats {
            self.estate.get_mut(at).tags.retain(|key, _| !keys.contains(&key.as_str()));
        }
    }

    fn arns(&self, ats: &[usize]) -> Vec<String> {
        ats.iter().map(|&at| self.estate.get(at).arn.clone()).collect()
    }

    fn call_on_many(&mut self, turn: &mut Turn, ats: &[usize], call: &Call) {
        let Some(&first) = ats.first() else { return };
        self.call_on(turn, first, call);
        for &at in ats {
            self.estate.get_mut(at).busy_until = turn.now;
        }
    }

    pub(crate) fn describe(&mut self, turn: &mut Turn, at: usize) {
        let call = calls::describe(self.estate.get(at));
        let Resource { account, region, .. } = *self.estate.get(at);
        (turn.account, turn.region) = (account, region);
        self.call(turn, &call);
    }

    pub(crate) fn modify(&mut self, turn: &mut Turn, at: usize) {
        let call = calls::modify(&self.company, &mut self.rng, self.estate.get(at));
        self.call_on(turn, at, &call);
    }

    /// Any other call on a resource that leaves its tags and its power alone.
    pub(crate) fn touch(&mut self, turn: &mut Turn, at: usize, call: &Call) {
        self.call_on(turn, at, call);
    }

    pub(crate) fn create(&mut self, turn: &mut Turn, kind: Kind, team: usize, app: &'static str) -> usize {
        let at = self.estate.add(&self.company, &mut self.rng, kind, team, app, turn.account);
        self.announce(turn, at);
        at
    }

    /// The calls that make a resource which the store has already.
    pub(crate) fn announce(&mut self, turn: &mut Turn, at: usize) {
        for call in calls::create(&self.company, &mut self.rng, self.estate.get(at), turn.now) {
            self.call_on(turn, at, &call);
        }
    }

    pub(crate) fn delete(&mut self, turn: &mut Turn, at: usize) {
        let call = calls::delete(self.estate.get(at), &self.account_id(at));
        self.call_on(turn, at, &call);
        self.estate.remove(at);
    }

    pub(crate) fn power(&mut self, turn: &mut Turn, at: usize, on: bool) {
        let call = calls::power(self.estate.get(at), on);
        self.call_on(turn, at, &call);
        self.estate.get_mut(at).running = on;
    }

    /// Some of the fitting resources, at most `count`, in random order.
    pub(crate) fn some(
        &mut self,
        account: usize,
        now: i64,
        count: usize,
        fits: impl Fn(&Resource) -> bool,
    ) -> Vec<usize> {
        let mut found = self.estate.find(account, now, fits);
        self.rng.shuffle(&mut found);
        found.truncate(count);
        found
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;

    type Tags = BTreeMap<String, BTreeMap<String, String>>;

    /// Tags of all live resources that nobody is at work on, by arn.
    fn store(world: &World, now: i64) -> Tags {
        (0..world.company.accounts.len())
            .flat_map(|account| world.estate.find(account, now, |_| true))
            .map(|at| world.estate.get(at))
            .map(|resource| (resource.arn.clone(), resource.tags.clone()))
            .collect()
    }

    fn pairs(value: &Value) -> Vec<(String, String)> {
        let text =
            |item: &Value, names: [&str; 3]| names.iter().find_map(|name| item[*name].as_str()).map(str::to_owned);
        match value {
            Value::Array(items) => items
                .iter()
                .filter_map(|item| {
                    Some((text(item, ["key", "tagKey", "Key"])?, text(item, ["value", "tagValue", "Value"])?))
                })
                .collect(),
            Value::Object(members) if members.contains_key("Key") => pairs(&Value::Array(vec![value.clone()])),
            Value::Object(members) => {
                members.iter().map(|(key, value)| (key.clone(), value.as_str().unwrap_or("").to_owned())).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Which resource a request is about: found by the id or arn it names.
    fn targets<'a>(request: &Value, by_name: &'a BTreeMap<String, String>) -> Vec<&'a str> {
        let mut named: Vec<String> = Vec::new();
        for member in
            ["resource", "resourceArn", "resourceName", "keyId", "secretId", "bucketName", "roleName", "queueUrl"]
        {
            named.extend(request[member].as_str().map(str::to_owned));
        }
        for member in ["resourceArns", "resourceARNList"] {
            named.extend(request[member].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
        }
        for item in request["resourcesSet"]["items"].as_array().into_iter().flatten() {
            named.extend(item["resourceId"].as_str().map(str::to_owned));
        }
        // The roles of people and pipelines are not in the store.
        let of_principal = request["roleName"].is_string();
        let known = |name: &String| match by_name.get(name) {
            None if of_principal => None,
            found => Some(found.unwrap_or_else(|| panic!("nobody knows {name}")).as_str()),
        };
        named.iter().filter_map(known).collect()
    }

    #[test]
    fn the_records_tell_the_whole_story_of_the_tags() {
        let spec = Spec { events_per_day: 500, ..Spec::new(77, 21) };
        let mut world = World::new(&spec);
        let mut replayed = store(&world, 1);
        let mut by_name: BTreeMap<String, String> = BTreeMap::new();
        let mut know = |world: &World| {
            for account in 0..world.company.accounts.len() {
                for at in world.estate.find(account, i64::MAX, |_| true) {
                    let resource = world.estate.get(at);
                    by_name.insert(resource.id.clone(), resource.arn.clone());
                    by_name.insert(resource.arn.clone(), resource.arn.clone());
                    let id = &world.company.accounts[account].id;
                    by_name.insert(calls::queue_url(resource, id), resource.arn.clone());
                }
            }
            by_name.clone()
        };
        let mut names = know(&world);
        let (mut sets, mut removals) = (0, 0);
        while let Some(event) = world.next() {
            let record: Value = serde_json::from_str(&event.json).unwrap();
            let name = record["eventName"].as_str().unwrap();
            let request = &record["requestParameters"];
            if record["errorCode"].is_string() || record["readOnly"] == true {
                continue;
            }
            if name.starts_with("Create") && name != "CreateTags" || name == "RunInstances" {
                // The new resource starts with what its own creation says, which is in the store already.
                names = know(&world);
                continue;
            }
            if !name.to_lowercase().contains("tag") {
                continue;
            }
            for arn in targets(request, &names) {
                let removes = ["Untag", "Remove", "Delete"].iter().any(|verb| name.starts_with(verb));
                let tags = replayed.entry(arn.to_owned()).or_default();
                if removes {
                    removals += 1;
                    let ec2 = request["tagSet"]["items"].as_array().into_iter().flatten();
                    let keys = request["tagKeys"].as_array().into_iter().flatten();
                    let gone: Vec<&str> =
                        ec2.filter_map(|item| item["key"].as_str()).chain(keys.filter_map(Value::as_str)).collect();
                    tags.retain(|key, _| !gone.contains(&key.as_str()));
                } else {
                    sets += 1;
                    if name == "PutBucketTagging" {
                        tags.clear();
                    }
                    for member in [&request["tags"], &request["tagSet"]["items"], &request["Tagging"]["TagSet"]["Tag"]]
                    {
                        tags.extend(pairs(member));
                    }
                }
            }
        }
        assert!(sets > 1000 && removals > 5, "{sets} set, {removals} removed");
        let end = spec.end().start_ms();
        let mut compared = 0;
        let started = store(&World::new(&spec), 1);
        for (arn, tags) in store(&world, end) {
            // What was made during the run brought tags of its own, which the replay did not read.
            if started.contains_key(&arn) {
                compared += 1;
                assert_eq!(replayed.get(&arn), Some(&tags), "{arn}");
            }
        }
        assert!(compared > 300, "{compared}");
    }
}
