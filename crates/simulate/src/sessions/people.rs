//! People: single sign-on, the console, and the way to a role in production.

use std::rc::Rc;

use serde_json::{Value, json};

use super::{RoleSession, SESSION};
use crate::calendar::Day;
use crate::record::{Actor, Call};
use crate::roster::Seat;
use crate::world::{SLOW, Turn, World};

/// From where and with what somebody signs in.
pub(crate) struct Client {
    pub(crate) ip: String,
    pub(crate) agent: &'static str,
    pub(crate) console: bool,
}

impl World {
    fn address_of(&mut self, person: usize, now: i64) -> String {
        let person = &self.company.people[person];
        let city = match person.trip_on(Day::of_ms(now)).map(|trip| &trip.seat) {
            Some(Seat::Address(address)) => return address.clone(),
            Some(Seat::Office(city)) => *city,
            None if self.rng.chance(person.remote) => return person.equipment(Day::of_ms(now)).1.to_owned(),
            None => person.city,
        };
        let office = self.company.networks.offices.iter().find(|office| office.0 == city);
        match office {
            Some((_, prefix)) if self.rng.chance(75) => format!("{prefix}.{}", self.rng.between(2, 30)),
            _ => self.rng.pick(&self.company.networks.vpn).clone(),
        }
    }

    /// From where and with what the person works that day.
    pub(crate) fn own_client(&mut self, person: usize, now: i64, console: bool) -> Client {
        let ip = self.address_of(person, now);
        let person = &self.company.people[person];
        Client { ip, agent: if console { person.browser } else { person.equipment(Day::of_ms(now)).0 }, console }
    }

    /// A person in an account through single sign-on, signing in if there is no session.
    pub(crate) fn sign_in(&mut self, person: usize, account: usize, now: i64) -> Turn {
        let row = &self.company.people[person];
        let set = self.company.words.set(row.duty);
        let region = self.company.teams[row.team].region;
        let mut turn = Turn { actor: Rc::new(nobody()), account, region, now, pause: SLOW };
        if let Some(actor) = self.sessions.get(&(person, account, set), now) {
            turn.actor = actor;
        } else {
            let console = self.rng.chance(row.console);
            let client = self.own_client(person, now, console);
            self.federate(&mut turn, person, client);
            self.sessions.open.insert((person, account, set), (now, now + SESSION, Rc::clone(&turn.actor)));
        }
        if !turn.actor.console {
            turn.pause = (1_500, 25_000);
        }
        turn
    }

    /// A sign-in from a place and with a client of the caller's choice, whatever sessions there are. It is not
    /// kept: the person's own later work doesn't go on from there.
    pub(crate) fn sign_in_from(&mut self, person: usize, account: usize, now: i64, client: Client) -> Turn {
        let region = self.company.teams[self.company.people[person].team].region;
        let mut turn = Turn { actor: Rc::new(nobody()), account, region, now, pause: SLOW };
        self.federate(&mut turn, person, client);
        turn
    }

    fn federate(&mut self, turn: &mut Turn, person: usize, client: Client) {
        let Client { ip, agent, console } = client;
        let set = self.company.words.set(self.company.people[person].duty);
        let email = self.company.people[person].email.clone();
        let email = email.as_str();
        let account = turn.account;
        let role = self.company.sso_role(account, set);
        let provider = self.company.saml_provider(account);
        let path = format!("/aws-reserved/sso.amazonaws.com/{}/", turn.region);
        let role_arn = format!("arn:aws:iam::{}:role{path}{role}", self.company.accounts[account].id);
        let subject = format!("{}:{email}", self.company.rng_for(&[&provider]).base64(27));
        let caller = Actor {
            identity: json!({
                "type": "SAMLUser", "principalId": subject, "userName": email, "identityProvider": provider,
            })
            .to_string(),
            arn: email.to_owned(),
            ip: ip.clone(),
            agent,
            console,
        };
        let wanted = RoleSession {
            account,
            role: &role,
            path: &path,
            session: email,
            source_identity: None,
            provider: None,
            ip,
            agent,
            console,
        };
        let now = turn.now;
        let (actor, mut response) = self.assume(now, wanted);
        response["subjectType"] = Value::from("persistent");
        response["issuer"] = Value::from(format!("https://portal.sso.{}.amazonaws.com/saml/assertion", turn.region));
        response["subject"] = Value::from(email);
        response["audience"] = Value::from("https://signin.aws.amazon.com/saml");
        let request = json!({
            "sAMLAssertionID": format!("_{}", self.rng.uuid()), "roleSessionName": email, "durationSeconds": 14400,
            "roleArn": role_arn, "principalArn": provider,
        });
        let call = Call::read("sts", "AssumeRoleWithSAML", request)
            .answered(response)
            .about("AWS::IAM::Role", role_arn.clone())
            .about("AWS::IAM::SAMLProvider", provider);
        self.record(now, &caller, account, turn.region, &call, None);
        turn.actor = Rc::new(actor);
        turn.now += self.rng.between(700, 2_500);
        if console {
            let mut call =
                Call::write("signin", "ConsoleLogin", Value::Null).answered(json!({ "ConsoleLogin": "Success" }));
            call.extra = json!({
                "LoginTo": "https://console.aws.amazon.com/", "MobileVersion": "No", "MFAUsed": "No",
            });
            let actor = Rc::clone(&turn.actor);
            self.record(turn.now, &actor, account, turn.region, &call, None);
            turn.now += self.rng.between(3_000, 20_000);
        }
    }

    /// The person's way to the team's on-call role in an account: signs in where the person is at home, chains from
    /// there.
    pub(crate) fn on_call(&mut self, person: usize, account: usize, now: i64) -> Turn {
        let key = (person, account, "oncall");
        let region = self.company.teams[self.company.people[person].team].region;
        if let Some(actor) = self.sessions.get(&key, now) {
            return Turn { actor, account, region, now, pause: (1_500, 25_000) };
        }
        let from = self.door(person, account);
        let signed_in = self.sign_in(person, from, now);
        let began = signed_in.now;
        let team = self.company.teams[self.company.people[person].team].name;
        let tag = (self.company.keys.access, team);
        let tag = self.company.habits.session_tags.then_some(tag);
        let turn = self.climb(signed_in, person, account, tag);
        self.sessions.open.insert(key, (began, began + SESSION, Rc::clone(&turn.actor)));
        turn
    }

    /// The account from which the person's chain to another begins: the same one where the team is at home in it.
    pub(crate) fn door(&self, person: usize, account: usize) -> usize {
        let team = &self.company.teams[self.company.people[person].team];
        if team.accounts.contains(&account) { account } else { team.accounts[0] }
    }

    /// From a sign-in to the team's on-call role in an account, with a session tag if attribute-based access wants
    /// one. A chain that crosses accounts leaves a record in both.
    pub(crate) fn climb(&mut self, turn: Turn, person: usize, account: usize, tag: Option<(&str, &str)>) -> Turn {
        let mut turn = turn;
        let from = turn.account;
        let row = &self.company.people[person];
        let (email, short) = (row.email.clone(), row.short.clone());
        let team = &self.company.teams[row.team];
        let source = team.source_identity.then_some(email);
        let role = self.company.words.operator_role(team.name);
        let role_arn = format!("arn:aws:iam::{}:role/{role}", self.company.accounts[account].id);
        let caller = Rc::clone(&turn.actor);
        let wanted = RoleSession {
            account,
            role: &role,
            path: "/",
            session: &short,
            source_identity: source.as_deref(),
            provider: None,
            ip: caller.ip.clone(),
            agent: caller.agent,
            console: caller.console,
        };
        let (actor, mut response) = self.assume(turn.now, wanted);
        let mut request = json!({ "roleArn": role_arn, "roleSessionName": short, "durationSeconds": 14400 });
        if let Some((key, value)) = tag {
            request["tags"] = json!([{ "key": key, "value": value }]);
            request["transitiveTagKeys"] = json!([key]);
            response["packedPolicySize"] = Value::from(6);
        }
        if let Some(source) = &source {
            request["sourceIdentity"] = Value::from(source.as_str());
        }
        let call = Call::read("sts", "AssumeRole", request).answered(response).about("AWS::IAM::Role", role_arn);
        if from == account {
            self.record(turn.now, &caller, from, turn.region, &call, None);
        } else {
            let shared = self.rng.uuid();
            self.record(turn.now, &caller, from, turn.region, &call, Some(&shared));
            self.record(turn.now, &caller, account, turn.region, &call, Some(&shared));
        }
        turn.actor = Rc::new(actor);
        turn.account = account;
        turn.now += self.rng.between(1_000, 9_000);
        turn
    }
}

fn nobody() -> Actor {
    Actor { identity: String::from("{}"), arn: String::new(), ip: String::new(), agent: "", console: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Spec;

    #[test]
    fn a_traveller_works_from_the_road_and_is_back_afterwards() {
        let spec = Spec::new(2, 45);
        let mut world = World::new(&spec);
        let mut roads = 0;
        for person in 0..world.company.people.len() {
            let row = world.company.people[person].clone();
            let Some(trip) = row.trip else { continue };
            let noon = |day: Day| day.start_ms() + 12 * crate::calendar::HOUR;
            if let Seat::Address(address) = &trip.seat {
                roads += 1;
                assert_eq!(&world.own_client(person, noon(trip.first), false).ip, address);
                assert_ne!(&world.own_client(person, noon(trip.last.plus(1)), false).ip, address);
                assert_ne!(&world.own_client(person, noon(trip.first.plus(-1)), true).ip, address);
            }
        }
        assert!(roads >= 1);
    }
}
