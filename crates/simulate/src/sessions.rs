//! Who calls: sign-ins, assumed roles and keys, each with the records it leaves in STS and the console.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};

use crate::calendar::{Day, HOUR, iso, prose};
use crate::names::{FOREIGN, LAMBDA_PYTHON, STRANGE_SHELLS};
use crate::record::{Actor, Call};
use crate::rng::Rng;
use crate::roster::Seat;
use crate::world::{FAST, SLOW, Turn, World};

const SESSION: i64 = 4 * HOUR;

/// Sessions that are still good: person, account and role to start, end and caller.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: BTreeMap<SessionKey, (i64, i64, Rc<Actor>)>,
}

/// Person, account, and permission set or role.
type SessionKey = (usize, usize, &'static str);

impl Sessions {
    /// Drops what had ended by then.
    pub(crate) fn forget(&mut self, now: i64) {
        self.open.retain(|_, session| session.1 > now);
    }

    fn get(&self, key: &SessionKey, now: i64) -> Option<Rc<Actor>> {
        let (from, to, actor) = self.open.get(key)?;
        (*from <= now && now < *to).then(|| Rc::clone(actor))
    }
}

/// An address nobody of the company has used.
pub(crate) fn foreign_address(rng: &mut Rng) -> String {
    format!("{}.{}.{}", rng.pick(FOREIGN), rng.between(1, 250), rng.between(2, 250))
}

/// The same credentials in the hands of somebody else, far away.
pub(crate) fn stolen(rng: &mut Rng, actor: &Actor) -> Rc<Actor> {
    let agent = STRANGE_SHELLS[rng.below(STRANGE_SHELLS.len())];
    Rc::new(Actor { ip: foreign_address(rng), agent, console: false, ..actor.clone() })
}

/// What an assumed role's session is made of.
struct RoleSession<'a> {
    account: usize,
    role: &'a str,
    /// The role's path, with both slashes.
    path: &'a str,
    session: &'a str,
    source_identity: Option<&'a str>,
    /// The OIDC provider's arn.
    provider: Option<&'a str>,
    ip: String,
    agent: &'static str,
    console: bool,
}

impl World {
    /// The caller, and the credentials as STS gives them.
    fn assume(&mut self, now: i64, wanted: RoleSession<'_>) -> (Actor, Value) {
        let company = &self.company;
        let account = &company.accounts[wanted.account];
        let role_id = company.role_id(wanted.account, wanted.role);
        let key = format!("ASIA{}{}", account.block, self.rng.upper(8));
        let arn = format!("arn:aws:sts::{}:assumed-role/{}/{}", account.id, wanted.role, wanted.session);
        let mut context = json!({
            "sessionIssuer": {
                "type": "Role", "principalId": role_id,
                "arn": format!("arn:aws:iam::{}:role{}{}", account.id, wanted.path, wanted.role),
                "accountId": account.id, "userName": wanted.role,
            },
            "webIdFederationData": {},
            "attributes": { "creationDate": iso(now), "mfaAuthenticated": "false" },
        });
        if let Some(provider) = wanted.provider {
            context["webIdFederationData"] = json!({ "federatedProvider": provider, "attributes": {} });
        }
        if let Some(source) = wanted.source_identity {
            context["sourceIdentity"] = Value::from(source);
        }
        let identity = json!({
            "type": "AssumedRole", "principalId": format!("{role_id}:{}", wanted.session), "arn": arn,
            "accountId": account.id, "accessKeyId": key, "sessionContext": context,
        });
        let mut response = json!({
            "credentials": {
                "accessKeyId": key,
                "sessionToken": format!("IQoJb3JpZ2luX2Vj{}==", self.rng.base64(60)),
                "expiration": prose(now + SESSION),
            },
            "assumedRoleUser": { "assumedRoleId": format!("{role_id}:{}", wanted.session), "arn": arn },
        });
        if let Some(source) = wanted.source_identity {
            response["sourceIdentity"] = Value::from(source);
        }
        let RoleSession { ip, agent, console, .. } = wanted;
        let actor = Actor { identity: identity.to_string(), arn, ip, agent, console };
        (actor, response)
    }

    fn address_of(&mut self, person: usize, now: i64) -> String {
        let person = &self.company.people[person];
        let city = match person.trip_on(Day::of_ms(now)).map(|trip| &trip.seat) {
            Some(Seat::Address(address)) => return address.clone(),
            Some(Seat::Office(city)) => *city,
            None if self.rng.chance(person.remote) => return person.home.clone(),
            None => person.city,
        };
        let office = self.company.networks.offices.iter().find(|office| office.0 == city);
        match office {
            Some((_, prefix)) if self.rng.chance(75) => format!("{prefix}.{}", self.rng.between(2, 30)),
            _ => self.rng.pick(&self.company.networks.vpn).clone(),
        }
    }

    /// A person in an account through single sign-on, signing in if there is no session.
    pub(crate) fn sign_in(&mut self, person: usize, account: usize, now: i64) -> Turn {
        let row = &self.company.people[person];
        let set = self.company.words.set(row.duty);
        let (email, region) = (row.email.clone(), self.company.teams[row.team].region);
        let mut turn = Turn { actor: Rc::new(nobody()), account, region, now, pause: SLOW };
        if let Some(actor) = self.sessions.get(&(person, account, set), now) {
            turn.actor = actor;
        } else {
            let console = self.rng.chance(row.console);
            let agent = if console { row.browser } else { row.shell };
            let ip = self.address_of(person, now);
            self.federate(&mut turn, person, set, &email, ip, agent, console);
        }
        if !turn.actor.console {
            turn.pause = (1_500, 25_000);
        }
        turn
    }

    #[expect(clippy::too_many_arguments, reason = "one caller, which has just looked all of it up")]
    fn federate(
        &mut self,
        turn: &mut Turn,
        person: usize,
        set: &'static str,
        email: &str,
        ip: String,
        agent: &'static str,
        console: bool,
    ) {
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
        let session = (now, now + SESSION, Rc::clone(&turn.actor));
        self.sessions.open.insert((person, account, set), session);
    }

    /// The person's way to the team's on-call role in an account: signs in where the person is at home, chains from
    /// there. A chain that crosses accounts leaves a record in both.
    pub(crate) fn on_call(&mut self, person: usize, account: usize, now: i64) -> Turn {
        let row = &self.company.people[person];
        let team = row.team;
        let (email, short, shell) = (row.email.clone(), row.short.clone(), row.shell);
        let from = if self.company.teams[team].accounts.contains(&account) {
            account
        } else {
            self.company.teams[team].accounts[0]
        };
        let key = (person, account, "oncall");
        if let Some(actor) = self.sessions.get(&key, now) {
            let region = self.company.teams[team].region;
            return Turn { actor, account, region, now, pause: (1_500, 25_000) };
        }
        let mut turn = self.sign_in(person, from, now);
        let source = self.company.teams[team].source_identity.then_some(email);
        let role = self.company.words.operator_role(self.company.teams[team].name);
        let role_arn = format!("arn:aws:iam::{}:role/{role}", self.company.accounts[account].id);
        let caller = Rc::clone(&turn.actor);
        let agent = if caller.console { caller.agent } else { shell };
        let wanted = RoleSession {
            account,
            role: &role,
            path: "/",
            session: &short,
            source_identity: source.as_deref(),
            provider: None,
            ip: caller.ip.clone(),
            agent,
            console: caller.console,
        };
        let (actor, response) = self.assume(turn.now, wanted);
        let mut request = json!({ "roleArn": role_arn, "roleSessionName": short, "durationSeconds": 14400 });
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
        let session = (turn.now, turn.now + SESSION, Rc::clone(&turn.actor));
        self.sessions.open.insert(key, session);
        turn.now += self.rng.between(1_000, 9_000);
        turn
    }

    /// A workflow run of the team's repository, in an account, with the deployment role.
    pub(crate) fn pipeline(&mut self, team: usize, account: usize, now: i64) -> Turn {
        let row = &self.company.teams[team];
        let account_id = self.company.accounts[account].id.clone();
        let role = self.company.words.ci_role(row.name);
        let region = row.region;
        let run = self.rng.between(12_000_000_000, 12_999_999_999);
        let session = self.company.words.run_name(run);
        let subject = format!("repo:{}:ref:refs/heads/{}", row.repository, self.company.words.branch);
        let provider = format!("arn:aws:iam::{account_id}:oidc-provider/token.actions.githubusercontent.com");
        let role_arn = format!("arn:aws:iam::{account_id}:role/{role}");
        let ip = self.rng.pick(&self.company.networks.runners).clone();
        let caller = Actor {
            identity: json!({
                "type": "WebIdentityUser",
                "principalId": format!("{provider}:sts.amazonaws.com:{subject}"),
                "userName": subject,
                "identityProvider": provider,
            })
            .to_string(),
            arn: subject.clone(),
            ip: ip.clone(),
            agent: "aws-sdk-nodejs/2.1396.0 linux/v20.18.0 configure-aws-credentials-for-github-actions promise",
            console: false,
        };
        let wanted = RoleSession {
            account,
            role: &role,
            path: "/",
            session: &session,
            source_identity: None,
            provider: Some(&provider),
            ip,
            agent: self.company.words.terraform,
            console: false,
        };
        let (actor, mut response) = self.assume(now, wanted);
        response["subjectFromWebIdentityToken"] = Value::from(subject);
        response["provider"] = Value::from(provider);
        response["audience"] = Value::from("sts.amazonaws.com");
        let request = json!({ "roleArn": role_arn, "roleSessionName": session, "durationSeconds": 3600 });
        let call = Call::read("sts", "AssumeRoleWithWebIdentity", request)
            .answered(response)
            .about("AWS::IAM::Role", role_arn);
        self.record(now, &caller, account, region, &call, None);
        let mut turn = Turn { actor: Rc::new(actor), account, region, now: now + 2_000, pause: FAST };
        self.call(&mut turn, &Call::read("sts", "GetCallerIdentity", Value::Null));
        turn
    }

    /// A role that a service takes on its own: `service` assumes `role` and works as `session`.
    pub(crate) fn service(
        &mut self,
        service: &'static str,
        role: (&str, &str),
        session: &str,
        place: (usize, &'static str),
        now: i64,
    ) -> Turn {
        let (path, role) = role;
        let (account, region) = place;
        let role_arn = format!("arn:aws:iam::{}:role{path}{role}", self.company.accounts[account].id);
        let caller = Actor {
            identity: json!({ "type": "AWSService", "invokedBy": service }).to_string(),
            arn: service.to_owned(),
            ip: service.to_owned(),
            agent: service,
            console: false,
        };
        let lambda = service == "lambda.amazonaws.com";
        let ip = if lambda { self.rng.pick(&self.company.networks.nat).clone() } else { service.to_owned() };
        let wanted = RoleSession {
            account,
            role,
            path,
            session,
            source_identity: None,
            provider: None,
            ip,
            agent: if lambda { LAMBDA_PYTHON } else { service },
            console: false,
        };
        let (mut actor, response) = self.assume(now, wanted);
        if !lambda {
            actor = actor.through(service);
        }
        let request = json!({ "roleArn": role_arn, "roleSessionName": session });
        let call = Call::read("sts", "AssumeRole", request).answered(response).about("AWS::IAM::Role", role_arn);
        let shared = self.rng.uuid();
        self.record(now, &caller, account, region, &call, Some(&shared));
        Turn { actor: Rc::new(actor), account, region, now: now + 600, pause: FAST }
    }

    /// A firm that was let in, with its own account's credentials.
    pub(crate) fn vendor(&mut self, vendor: usize, account: usize, now: i64) -> Turn {
        let (name, vendor_account) = self.company.vendors[vendor].clone();
        let region = self.company.regions[0];
        let role = format!("{name}-reader");
        let role_arn = format!("arn:aws:iam::{}:role/{role}", self.company.accounts[account].id);
        let mut own = self.company.rng_for(&[name]);
        let ip = format!("52.31.{}.{}", own.between(1, 250), own.between(2, 250));
        let caller = Actor {
            identity: json!({
                "type": "AWSAccount", "principalId": format!("AROA{}:{name}", own.upper(17)), "accountId": vendor_account,
            })
            .to_string(),
            arn: name.to_owned(),
            ip: ip.clone(),
            agent: "aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#arm64 api/sts#1.30.3",
            console: false,
        };
        let wanted = RoleSession {
            account,
            role: &role,
            path: "/",
            session: name,
            source_identity: None,
            provider: None,
            ip,
            agent: "aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#arm64",
            console: false,
        };
        let (actor, response) = self.assume(now, wanted);
        let request = json!({
            "roleArn": role_arn, "roleSessionName": name, "externalId": own.uuid(), "durationSeconds": 3600,
        });
        let call = Call::read("sts", "AssumeRole", request).answered(response).about("AWS::IAM::Role", role_arn);
        let shared = self.rng.uuid();
        self.record(now, &caller, account, region, &call, Some(&shared));
        Turn { actor: Rc::new(actor), account, region, now: now + 800, pause: FAST }
    }

    /// The export job of an account: an old IAM user with a long-lived key, in the company's own network.
    pub(crate) fn export_user(&mut self, account: usize, now: i64) -> Turn {
        let row = &self.company.accounts[account];
        let mut own = self.company.rng_for(&[&row.id, "export"]);
        let name = self.company.words.export_user;
        let key = format!("AKIA{}{}", row.block, own.upper(8));
        let ip = own.pick(&self.company.networks.nat).clone();
        let actor = iam_user(
            &row.id,
            &row.block,
            name,
            &key,
            &mut own,
            ip,
            "Boto3/1.28.57 md/Botocore#1.31.57 ua/2.0 os/linux#5.15.0-1051-aws md/arch#x86_64 lang/python#3.10.12 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.31.57",
        );
        Turn { actor: Rc::new(actor), account, region: self.company.regions[0], now, pause: FAST }
    }

    /// An IAM user made during the run, with its new key, in the hands of whoever made it.
    pub(crate) fn new_user(&self, account: usize, name: &str, key: &str, like: &Actor) -> Actor {
        let row = &self.company.accounts[account];
        let mut own = self.company.rng_for(&[&row.id, name, "user"]);
        iam_user(&row.id, &row.block, name, key, &mut own, like.ip.clone(), like.agent)
    }
}

fn iam_user(
    account_id: &str,
    block: &str,
    name: &str,
    key: &str,
    own: &mut Rng,
    ip: String,
    agent: &'static str,
) -> Actor {
    let arn = format!("arn:aws:iam::{account_id}:user/{name}");
    let identity = json!({
        "type": "IAMUser", "principalId": format!("AIDA{block}{}", own.upper(9)), "arn": arn,
        "accountId": account_id, "accessKeyId": key, "userName": name,
    });
    Actor { identity: identity.to_string(), arn, ip, agent, console: false }
}

fn nobody() -> Actor {
    Actor { identity: String::from("{}"), arn: String::new(), ip: String::new(), agent: "", console: false }
}
