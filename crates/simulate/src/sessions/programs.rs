//! Programs: pipelines, services, vendors, and users with long-lived keys.

use std::rc::Rc;

use serde_json::{Value, json};

use super::RoleSession;
use crate::names::LAMBDA_PYTHON;
use crate::record::{Actor, Call};
use crate::rng::Rng;
use crate::world::{FAST, Turn, World};

const CONFIGURE: &str = "aws-sdk-nodejs/2.1396.0 linux/v20.18.0 configure-aws-credentials-for-github-actions promise";

/// What was current when the users' jobs were written.
const OLD_CLIENTS: [&str; 2] = [
    "Boto3/1.28.57 md/Botocore#1.31.57 ua/2.0 os/linux#5.15.0-1051-aws md/arch#x86_64 lang/python#3.10.12 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.31.57",
    "Boto3/1.26.90 Python/3.9.2 Linux/5.10.0-21-amd64 Botocore/1.29.90",
];

/// In what a workflow run differs from the usual ones.
#[derive(Default)]
pub(crate) struct Run {
    pub(crate) ip: Option<String>,
    /// What stands for the branch in the token's subject.
    pub(crate) reference: Option<String>,
    pub(crate) agent: Option<&'static str>,
}

impl World {
    /// A workflow run of the team's repository, in an account, with the deployment role.
    pub(crate) fn pipeline(&mut self, team: usize, account: usize, now: i64) -> Turn {
        self.pipeline_run(team, account, now, Run::default())
    }

    /// A workflow run that differs from the usual ones.
    pub(crate) fn pipeline_run(&mut self, team: usize, account: usize, now: i64, differs: Run) -> Turn {
        let row = &self.company.teams[team];
        let account_id = self.company.accounts[account].id.clone();
        let role = self.company.words.ci_role(row.name);
        let region = row.region;
        let run = self.rng.between(12_000_000_000, 12_999_999_999);
        let session = self.company.words.run_name(run);
        let reference = differs.reference.unwrap_or_else(|| format!("ref:refs/heads/{}", self.company.words.branch));
        let subject = format!("repo:{}:{reference}", row.repository);
        let provider = format!("arn:aws:iam::{account_id}:oidc-provider/token.actions.githubusercontent.com");
        let role_arn = format!("arn:aws:iam::{account_id}:role/{role}");
        let usual = self.rng.pick(&self.company.networks.runners).clone();
        let ip = differs.ip.unwrap_or(usual);
        let (client, worker) = match differs.agent {
            Some(agent) => (agent, agent),
            None => (CONFIGURE, self.terraform(now)),
        };
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
            agent: client,
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
            agent: worker,
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

    fn terraform(&self, now: i64) -> &'static str {
        match self.company.habits.upgrade {
            Some((from, newer)) if from.start_ms() <= now => newer,
            _ => self.company.words.terraform,
        }
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
        let agent = if own.chance(35) {
            "aws-sdk-go/1.44.122 (go1.19.4; linux; amd64)"
        } else {
            "aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#arm64"
        };
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
            agent,
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
    pub(crate) fn export_user(&self, account: usize, now: i64) -> Turn {
        self.key_holder(account, self.company.words.export_user, now)
    }

    /// The user of a job that runs once a quarter.
    pub(crate) fn batch_user(&self, account: usize, now: i64) -> Turn {
        self.key_holder(account, self.company.words.batch_user, now)
    }

    fn key_holder(&self, account: usize, name: &str, now: i64) -> Turn {
        let row = &self.company.accounts[account];
        let mut own = self.company.rng_for(&[&row.id, name, "key"]);
        let key = format!("AKIA{}{}", row.block, own.upper(8));
        let ip = own.pick(&self.company.networks.nat).clone();
        let agent = OLD_CLIENTS[self.company.rng_for(&[name, "client"]).below(OLD_CLIENTS.len())];
        let actor = iam_user(&row.id, &row.block, name, &key, &mut own, ip, agent);
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
