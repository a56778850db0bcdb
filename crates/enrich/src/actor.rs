//! Who is behind the credentials of an event.
//!
//! Evidence, strongest first: how the credentials were made, where that was seen (a session's own name proves nothing
//! then); `sourceIdentity`, which STS carries along a chain; the session name of an IAM Identity Center role, which the
//! user can't choose; and last a session name that is a known person's.

use tagwarden_core::{Actor, ActorKind, Event, EventKind, Identity, Text, Via};

use crate::directory::{Directory, PersonFacts, RoleFacts};
use crate::sessions::{Session, Sessions};

/// Identity providers whose subjects are pipeline runs.
const PIPELINE_PROVIDERS: &[&str] = &[
    "token.actions.githubusercontent.com",
    "gitlab.",
    "app.terraform.io",
    "agent.buildkite.com",
    "oidc.circleci.com",
    "vstoken.dev.azure.com",
    "api.bitbucket.org",
];

const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

fn is_pipeline_provider(provider: &str) -> bool {
    // Either `arn:aws:iam::<account>:oidc-provider/<host>` or the host alone.
    let host = provider.split_once('/').map_or(provider, |(_, host)| host);
    PIPELINE_PROVIDERS.iter().any(|known| host.starts_with(known))
}

/// What is found out step by step.
#[derive(Default)]
struct Who<'a, 'd> {
    kind: Option<ActorKind>,
    human: Option<Text<'a>>,
    person: Option<&'d PersonFacts>,
    principal: Option<Text<'a>>,
    session: Option<Text<'a>>,
    /// The key, where neither the person nor principal and account are it.
    key: Option<String>,
    team: Option<usize>,
    /// A run of a pipeline, by role or OIDC subject.
    pipeline: bool,
    /// In a role that the inventory keeps for a team's people.
    operator: bool,
    root: bool,
}

impl<'a, 'd> Who<'a, 'd> {
    /// Takes `name` for a person's.
    fn human(&mut self, directory: &'d Directory, name: Text<'a>) {
        self.kind = Some(ActorKind::Human);
        self.person = directory.person(&name);
        self.human = Some(self.person.map_or(name, |person| person.email.clone().into()));
    }
}

/// Text after the last `mark`; all of it if there is none.
fn after<'a>(text: &Text<'a>, mark: char) -> Text<'a> {
    let cut = |text: &str| text.rfind(mark).map_or(0, |at| at + mark.len_utf8());
    match text {
        Text::Borrowed(text) => Text::Borrowed(text.get(cut(text)..).unwrap_or(text)),
        Text::Owned(text) => Text::Owned(text.get(cut(text)..).unwrap_or(text).to_owned()),
    }
}

fn is_address(name: &str) -> bool {
    name.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.') && !host.contains('@'))
}

/// The role's name: the issuer's, else the one in `arn:aws:sts::..:assumed-role/<role>/<session>`.
fn role_name<'a>(identity: &Identity<'a>) -> Option<Text<'a>> {
    let issuer = identity.issuer.as_ref();
    let named = issuer.and_then(|issuer| issuer.user_name.clone());
    named.or_else(|| issuer.and_then(|issuer| issuer.arn.as_ref()).map(|arn| after(arn, '/'))).or_else(|| {
        let parts = identity.arn.as_ref()?.split('/').nth(1)?.to_owned();
        Some(Text::Owned(parts))
    })
}

fn session_name<'a>(identity: &Identity<'a>) -> Option<Text<'a>> {
    let arn = identity.arn.as_ref().map(|arn| after(arn, '/'));
    arn.or_else(|| identity.principal_id.as_ref().filter(|id| id.contains(':')).map(|id| after(id, ':')))
}

/// Who is behind `event`.
pub(crate) fn actor<'a>(directory: &Directory, sessions: &Sessions, event: &Event<'a>) -> Actor<'a> {
    let identity = &event.identity;
    let origin = sessions.find(identity, event.time);
    let who = who(directory, origin, event);
    let via = via(event, &who);
    let account = identity.account_id.as_ref().filter(|id| !id.is_empty()).unwrap_or(&event.account_id);
    let team = who.person.and_then(|person| person.team).or(who.team);
    let team = team.and_then(|team| directory.team(team));
    let zone = who.person.map(|person| person.zone).or(team.map(|team| team.zone)).unwrap_or(0);
    let local = directory.calendar.local(zone, event.time);
    let assumed = identity.kind.as_deref() == Some("AssumedRole");
    // IAM Identity Center sets no source identity; the name of its sessions says the same.
    let source_identity_missing = assumed
        && (who.kind == Some(ActorKind::Human) || who.operator)
        && identity.source_identity.is_none()
        && team.is_some_and(|team| team.source_identity)
        && !who.principal.as_ref().is_some_and(|role| role.starts_with("AWSReservedSSO_"));
    let key = match (&who.key, &who.human, &who.principal) {
        (Some(key), _, _) => key.clone(),
        (None, Some(human), _) => human.clone().into_owned(),
        (None, None, Some(principal)) => at(principal, account),
        (None, None, None) if account.is_empty() => "unknown".to_owned(),
        (None, None, None) => at("unknown", account),
    };
    let network = if event.kind.is_witness() { None } else { event.source_ip.as_deref() };
    Actor {
        kind: who.kind,
        human: who.human,
        identity_type: identity.kind.clone(),
        arn: identity.arn.clone(),
        session: who.session,
        principal: who.principal,
        access_key_id: identity.access_key_id.clone(),
        via,
        root: who.root,
        chain: origin.map(|origin| origin.chain.clone()).unwrap_or_default(),
        key,
        team: team.map(|team| team.name.clone().into()),
        network: network.and_then(|source| directory.networks.class(source)),
        local_hour: local.hour,
        local_weekday: local.weekday,
        business_hours: local.business,
        source_identity_missing,
    }
}

fn at(principal: &str, account: &str) -> String {
    let mut key = String::with_capacity(principal.len() + 1 + account.len());
    key.push_str(principal);
    key.push('@');
    key.push_str(account);
    key
}

fn who<'a, 'd>(directory: &'d Directory, origin: Option<&Session>, event: &Event<'a>) -> Who<'a, 'd> {
    let identity = &event.identity;
    let mut who = Who::default();
    match identity.kind.as_deref() {
        Some("AssumedRole") => assumed_role(&mut who, directory, origin, event),
        Some("IAMUser") => {
            let name = identity.user_name.clone().or_else(|| identity.arn.as_ref().map(|arn| after(arn, '/')));
            user(&mut who, directory, identity, name);
        }
        Some("FederatedUser") => {
            // The token's name is its maker's to choose; the issuer is who made it.
            let name = session_name(identity).map(|name| after(&name, ':'));
            if let Some(human) = origin.and_then(|origin| origin.human.as_deref()) {
                who.human(directory, human.to_owned().into());
                who.principal = name.clone();
            } else if let Some(known) = name.clone().filter(|n| is_address(n) || directory.person(n).is_some()) {
                who.human(directory, known);
                who.principal = name.clone();
            } else {
                let issuer = identity.issuer.as_ref().and_then(|issuer| issuer.user_name.clone());
                user(&mut who, directory, identity, issuer.or_else(|| name.clone()));
            }
            who.session = name;
        }
        Some("Root") => {
            who.kind = Some(ActorKind::Human);
            who.root = true;
            who.principal = Some(Text::Borrowed("root"));
        }
        Some("SAMLUser" | "IdentityCenterUser") => {
            let name = identity.user_name.clone();
            let name = name.or_else(|| identity.principal_id.as_ref().map(|id| after(id, ':')));
            who.kind = Some(ActorKind::Human);
            if let Some(name) = name.filter(|name| !name.is_empty() && name != HIDDEN) {
                who.human(directory, name);
            }
        }
        Some("WebIdentityUser") => web_identity(&mut who, directory, identity),
        Some("AWSAccount") => {
            let account = identity.account_id.clone().unwrap_or_default();
            who.session = identity.principal_id.as_ref().filter(|id| id.contains(':')).map(|id| after(id, ':'));
            let ours = directory.account(&account).is_some();
            if let Some(name) = who.session.clone().filter(|name| ours && directory.person(name).is_some()) {
                who.human(directory, name);
            }
            let name = directory.vendor(&account).map(|vendor| format!("vendor {vendor}"));
            let name = name.unwrap_or_else(|| format!("account {account}"));
            who.principal = Some(name.clone().into());
            if who.human.is_none() {
                who.kind = Some(ActorKind::Workload);
                who.key = Some(name);
            }
        }
        kind => {
            let service = kind == Some("AWSService")
                || event.kind == EventKind::ServiceEvent
                || (kind.is_none() && identity.invoked_by.is_some());
            if service {
                let name = identity.invoked_by.as_ref().unwrap_or(&event.source);
                who.kind = Some(ActorKind::AwsService);
                who.principal = Some(name.clone());
                who.key = Some(name.clone().into_owned());
            } else if !event.kind.is_witness() && kind.is_some() {
                user(&mut who, directory, identity, identity.user_name.clone());
            }
        }
    }
    who
}

fn assumed_role<'a, 'd>(who: &mut Who<'a, 'd>, directory: &'d Directory, origin: Option<&Session>, event: &Event<'a>) {
    let identity = &event.identity;
    let role = role_name(identity);
    let name = role.as_deref().unwrap_or("");
    let session = session_name(identity);
    who.session.clone_from(&session);
    who.principal.clone_from(&role);
    if name.starts_with("AWSServiceRoleFor") {
        who.kind = Some(ActorKind::AwsService);
        let service = identity.invoked_by.as_ref();
        who.key = Some(service.map_or_else(|| name.to_owned(), |service| service.clone().into_owned()));
        return;
    }
    let facts: RoleFacts = directory.role(name);
    who.team = facts.team;
    who.operator = facts.team.is_some() && !facts.software;
    let subject = identity.federated_provider.as_deref().is_some_and(is_pipeline_provider);
    let run = subject || origin.is_some_and(|origin| origin.pipeline);
    let seen_human = origin.and_then(|origin| origin.human.as_deref());
    let source = identity.source_identity.clone().filter(|name| !directory.names_workload(name));
    let claimed = || {
        let name = session.clone().filter(|name| !name.is_empty())?;
        let known = directory.person(&name).is_some() || is_address(&name);
        // An Identity Center session bears its user's name; a console session is a person's, whatever it is called.
        let sso = name_of_sso(role.as_deref());
        let console = identity.from_console || event.kind == EventKind::ConsoleSignIn;
        (sso || known || (console && !facts.software)).then_some(name)
    };
    if let Some(human) = seen_human {
        who.human(directory, human.to_owned().into());
    } else if run {
        who.kind = Some(ActorKind::Workload);
    } else if let Some(human) = source {
        who.human(directory, human);
    } else if let Some(human) = if origin.is_none() { claimed() } else { None } {
        who.human(directory, human);
    } else {
        who.kind = Some(ActorKind::Workload);
    }
    if who.kind == Some(ActorKind::Workload) {
        who.pipeline = run || facts.pipeline;
        if who.team.is_none() {
            who.team =
                origin.and_then(|origin| origin.chain.first()).and_then(|first| repository_team(directory, first));
        }
        if facts.software {
            who.key = Some(name.to_owned());
        }
    }
}

fn name_of_sso(role: Option<&str>) -> bool {
    role.is_some_and(|role| role.starts_with("AWSReservedSSO_"))
}

/// An IAM user: a known person, else software by its name, else a person of that name.
fn user<'a, 'd>(who: &mut Who<'a, 'd>, directory: &'d Directory, identity: &Identity<'a>, name: Option<Text<'a>>) {
    let Some(name) = name.filter(|name| !name.is_empty() && name != HIDDEN) else { return };
    let kept = identity.arn.as_deref().is_some_and(|arn| directory.is_break_glass(arn));
    if directory.person(&name).is_some() || is_address(&name) {
        who.human(directory, name.clone());
    } else if !kept && directory.names_workload(&name) {
        who.kind = Some(ActorKind::Workload);
    } else {
        who.human(directory, name.clone());
        // A user name that no directory knows means somebody else in every account.
        who.key = identity.account_id.as_ref().map(|account| at(&name, account));
    }
    who.principal = Some(name);
}

fn web_identity<'a, 'd>(who: &mut Who<'a, 'd>, directory: &'d Directory, identity: &Identity<'a>) {
    let subject = identity.user_name.clone().or_else(|| identity.principal_id.clone()).unwrap_or_default();
    let provider = identity.identity_provider.as_deref().unwrap_or("");
    who.pipeline = is_pipeline_provider(provider);
    if !who.pipeline && (is_address(&subject) || directory.person(&subject).is_some()) {
        who.human(directory, subject);
        return;
    }
    who.kind = Some(ActorKind::Workload);
    who.team = repository_team(directory, &subject);
    // The branch and the run are left out: they change, the repository stays.
    let stable: Vec<&str> = subject.split(':').take(2).collect();
    who.key = Some(stable.join(":"));
    who.principal = Some(subject);
}

/// The team whose repository an OIDC subject such as `repo:owner/name:ref:refs/heads/main` names.
fn repository_team(directory: &Directory, subject: &str) -> Option<usize> {
    let repository = subject.strip_prefix("repo:").or_else(|| subject.strip_prefix("project_path:"))?;
    directory.team_of_repository(repository.split(':').next()?)
}

/// The way in. A pipeline is believed by its role or its OIDC subject, and only while no person is behind it; the
/// user agent can't make one.
fn via(event: &Event<'_>, who: &Who<'_, '_>) -> Via {
    let invoked_by = event.identity.invoked_by.as_deref();
    if event.kind.is_witness() {
        return Via::Service;
    }
    if who.pipeline || invoked_by.is_some_and(|service| service.starts_with("cloudformation.")) {
        return Via::Iac;
    }
    let by_service = invoked_by.is_some_and(|service| service != "AWS Internal" && service != "signin.amazonaws.com");
    if by_service || who.kind == Some(ActorKind::AwsService) || event.kind == EventKind::ServiceEvent {
        return Via::Service;
    }
    let console = event.identity.from_console
        || matches!(event.kind, EventKind::ConsoleAction | EventKind::ConsoleSignIn)
        || invoked_by == Some("signin.amazonaws.com")
        || event.user_agent.as_deref().is_some_and(is_console);
    if console { Via::Console } else { Via::Api }
}

/// What browsers and the console's own back ends call themselves.
fn is_console(agent: &str) -> bool {
    let agent = agent.strip_prefix('[').unwrap_or(agent);
    agent.starts_with("Mozilla/")
        || agent.starts_with("S3Console/")
        || agent.starts_with("signin.amazonaws.com")
        // Long ones are those of SDKs, which may name anything.
        || (agent.len() < 64 && (agent.contains("Console") || agent.contains("console.")))
}

#[cfg(test)]
mod tests;
