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
    PIPELINE_PROVIDERS.iter().any(|known| provider.contains(known))
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
            who.kind = Some(ActorKind::Workload);
            let account = identity.account_id.clone().unwrap_or_default();
            let name = directory.vendor(&account).map(|vendor| format!("vendor {vendor}"));
            let name = name.unwrap_or_else(|| format!("account {account}"));
            who.principal = Some(name.clone().into());
            who.key = Some(name);
            who.session = identity.principal_id.as_ref().filter(|id| id.contains(':')).map(|id| after(id, ':'));
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
    let path = identity.issuer.as_ref().and_then(|issuer| issuer.arn.as_deref()).unwrap_or("");
    if name.starts_with("AWSServiceRoleFor") || path.contains(":role/aws-service-role/") {
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
        || agent.starts_with("console.")
        || agent.starts_with("signin.amazonaws.com")
        || agent.starts_with("AWS-Console")
        || agent.contains("console.amazonaws.com")
        || agent.contains("Console.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;
    use crate::{Inventory, Settings};

    const INVENTORY: &str = r#"{
        "vendors": {"costlens": "999988887777"},
        "teams": [
            {"name": "data", "time_zone": "Asia/Kolkata", "repository": "acme/data-infra", "source_identity": true},
            {"name": "web", "time_zone": "Europe/Berlin"}
        ],
        "people": [
            {"email": "Ella.Meyer@acme.example", "team": "data", "time_zone": "America/New_York"},
            {"email": "bob@acme.example", "team": "web"}
        ],
        "roles": {"ci": "ci-deploy-<team>", "operator": "<team>-operator", "automation": ["auto-tagger"],
                  "break_glass_users": ["arn:aws:iam::111122223333:user/svc-break-glass"]},
        "networks": {"vpn": ["203.0.113.0/24"]}
    }"#;

    fn directory() -> Directory {
        Directory::build(&Settings::default(), Some(&Inventory::from_json(INVENTORY.as_bytes()).unwrap())).unwrap()
    }

    fn alone(json: &str) -> Actor<'static> {
        actor(&directory(), &Sessions::default(), &record(json))
    }

    fn session(role: &str, name: &str, key: &str) -> String {
        format!(
            r#""userIdentity": {{"type": "AssumedRole", "principalId": "AROAX:{name}", "accountId": "111122223333",
            "arn": "arn:aws:sts::111122223333:assumed-role/{role}/{name}", "accessKeyId": "{key}",
            "sessionContext": {{"sessionIssuer": {{"type": "Role", "userName": "{role}",
            "arn": "arn:aws:iam::111122223333:role/{role}"}}, "attributes": {{"creationDate": "2026-03-04T09:00:00Z"}}}}}}"#
        )
    }

    fn in_session(role: &str, name: &str) -> Actor<'static> {
        alone(&format!("{{{}}}", session(role, name, "ASIA1")))
    }

    #[test]
    fn an_identity_center_session_is_its_user() {
        let actor = in_session("AWSReservedSSO_Admin_0123456789abcdef", "ella.meyer@acme.example");
        assert_eq!(actor.kind, Some(ActorKind::Human));
        assert_eq!(actor.human.as_deref(), Some("Ella.Meyer@acme.example"));
        assert_eq!(actor.key, "Ella.Meyer@acme.example");
        assert_eq!(actor.team.as_deref(), Some("data"));
        assert_eq!(actor.principal.as_deref(), Some("AWSReservedSSO_Admin_0123456789abcdef"));
        assert_eq!(actor.session.as_deref(), Some("ella.meyer@acme.example"));
        // 10:00 UTC on a Wednesday in New York, the person's own zone.
        assert_eq!((actor.local_hour, actor.local_weekday, actor.business_hours), (5, 2, false));
        assert_eq!(actor.network, Some(tagwarden_core::NetworkClass::Vpn));
        assert!(!actor.source_identity_missing);
        // Whoever is in nobody's list still has a name.
        let stranger = in_session("AWSReservedSSO_Admin_0123456789abcdef", "jdoe");
        assert_eq!((stranger.human.as_deref(), stranger.key.as_str()), (Some("jdoe"), "jdoe"));
    }

    #[test]
    fn a_session_name_counts_only_if_it_is_a_persons() {
        let ella = in_session("data-operator", "ella.meyer");
        assert_eq!(ella.human.as_deref(), Some("Ella.Meyer@acme.example"));
        assert!(ella.source_identity_missing, "her team always sets it");
        let run = in_session("app-role", "botocore-session-1700000000");
        let other = in_session("app-role", "botocore-session-1800000000");
        assert_eq!((run.kind, run.human.as_deref()), (Some(ActorKind::Workload), None));
        assert_eq!((run.key.as_str(), other.key.as_str()), ("app-role@111122223333", "app-role@111122223333"));
        assert_eq!(in_session("data-operator", "i-0123456789abcdef0").kind, Some(ActorKind::Workload));
        assert!(in_session("data-operator", "whoever").source_identity_missing, "nobody gets in there without");
        assert!(!in_session("web-operator", "bob").source_identity_missing);
    }

    #[test]
    fn pipelines_are_told_by_role_and_subject_never_by_the_agent() {
        let ci = in_session("ci-deploy-data", "GitHubActions");
        assert_eq!((ci.kind, ci.via, ci.key.as_str()), (Some(ActorKind::Workload), Via::Iac, "ci-deploy-data"));
        assert_eq!(ci.team.as_deref(), Some("data"));
        assert_eq!(ci.local_hour, 15, "the team's zone");
        let agent = format!(r#"{{{}, "userAgent": "HashiCorp Terraform/1.9"}}"#, session("app", "s", "ASIA1"));
        assert_eq!(alone(&agent).via, Via::Api);
        let oidc = alone(
            r#"{"eventSource": "sts.amazonaws.com", "eventName": "AssumeRoleWithWebIdentity", "userIdentity": {"type": "WebIdentityUser",
            "userName": "repo:acme/data-infra:ref:refs/heads/main", "identityProvider": "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com"}}"#,
        );
        assert_eq!(
            (oidc.via, oidc.key.as_str(), oidc.team.as_deref()),
            (Via::Iac, "repo:acme/data-infra", Some("data"))
        );
        let tagger = in_session("auto-tagger", "auto-tagger-fn");
        assert_eq!((tagger.via, tagger.key.as_str()), (Via::Api, "auto-tagger"));
    }

    #[test]
    fn iam_users_are_people_or_software_by_their_names() {
        let user = |name: &str| {
            alone(&format!(
                r#"{{"userIdentity": {{"type": "IAMUser", "accountId": "111122223333", "userName": "{name}",
                "arn": "arn:aws:iam::111122223333:user/{name}", "accessKeyId": "AKIA1"}}}}"#
            ))
        };
        let bob = user("bob");
        assert_eq!((bob.key.as_str(), bob.team.as_deref()), ("bob@acme.example", Some("web")));
        assert_eq!(bob.principal.as_deref(), Some("bob"));
        let svc = user("svc-report");
        assert_eq!((svc.kind, svc.key.as_str()), (Some(ActorKind::Workload), "svc-report@111122223333"));
        let carl = user("carl");
        assert_eq!((carl.human.as_deref(), carl.key.as_str()), (Some("carl"), "carl@111122223333"));
        assert_eq!(user("svc-break-glass").kind, Some(ActorKind::Human));
        assert_eq!(user(HIDDEN).kind, None);
    }

    #[test]
    fn root_services_vendors_and_witnesses() {
        let root = alone(
            r#"{"userIdentity": {"type": "Root", "accountId": "111122223333", "arn": "arn:aws:iam::111122223333:root"}}"#,
        );
        assert!(root.root && root.human.is_none());
        assert_eq!(root.key, "root@111122223333");
        let service = alone(r#"{"userIdentity": {"type": "AWSService", "invokedBy": "backup.amazonaws.com"}}"#);
        assert_eq!(
            (service.kind, service.via, service.key.as_str()),
            (Some(ActorKind::AwsService), Via::Service, "backup.amazonaws.com")
        );
        let vendor = alone(
            r#"{"userIdentity": {"type": "AWSAccount", "accountId": "999988887777", "principalId": "AROAX:poller"}}"#,
        );
        assert_eq!(
            (vendor.kind, vendor.key.as_str(), vendor.session.as_deref()),
            (Some(ActorKind::Workload), "vendor costlens", Some("poller"))
        );
        let linked = in_session("AWSServiceRoleForAutoScaling", "AutoScaling");
        assert_eq!((linked.kind, linked.via), (Some(ActorKind::AwsService), Via::Service));
        let mut witness = crate::testing::event();
        witness.kind = EventKind::TagState;
        let witness = actor(&directory(), &Sessions::default(), &witness);
        assert_eq!(
            (witness.kind, witness.via, witness.key.as_str(), witness.network),
            (None, Via::Service, "unknown@111122223333", None)
        );
    }

    #[test]
    fn ways_in() {
        let way = |rest: &str| alone(&format!("{{{}, {rest}}}", session("app", "s", "ASIA1"))).via;
        assert_eq!(way(r#""sessionCredentialFromConsole": "true""#), Via::Console);
        assert_eq!(way(r#""userAgent": "Mozilla/5.0 (Macintosh)""#), Via::Console);
        assert_eq!(way(r#""userAgent": "[S3Console/0.4, aws-internal/3]""#), Via::Console);
        assert_eq!(way(r#""userAgent": "aws-cli/2.1""#), Via::Api);
        let invoked = |by: &str| {
            let json =
                session("app", "s", "ASIA1").replacen("{\"type\"", &format!("{{\"invokedBy\": \"{by}\", \"type\""), 1);
            alone(&format!("{{{json}}}"))
        };
        assert_eq!(invoked("cloudformation.amazonaws.com").via, Via::Iac);
        assert_eq!(invoked("backup.amazonaws.com").via, Via::Service);
        assert_eq!(invoked("backup.amazonaws.com").key, "app@111122223333", "the one behind it stays");
    }

    /// Feeds `json` and gives the actor behind it.
    fn feed(sessions: &mut Sessions, json: &str) -> Actor<'static> {
        let event = record(json);
        let actor = actor(&directory(), sessions, &event);
        sessions.feed(&event, &actor);
        actor
    }

    fn assume(caller: &str, new_key: &str) -> String {
        format!(
            r#"{{"eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", {caller},
            "responseElements": {{"credentials": {{"accessKeyId": "{new_key}"}}}}}}"#
        )
    }

    #[test]
    fn a_chain_leads_back_to_the_person() {
        let mut sessions = Sessions::default();
        let sso = session("AWSReservedSSO_Dev_0123456789abcdef", "bob@acme.example", "ASIA1");
        feed(&mut sessions, &assume(&sso, "ASIA2"));
        // A name that is somebody else's does not help.
        feed(&mut sessions, &assume(&session("jump", "ella.meyer", "ASIA2"), "ASIA3"));
        let last = feed(&mut sessions, &format!("{{{}}}", session("ci-deploy-web", "GitHubActions", "ASIA3")));
        assert_eq!((last.key.as_str(), last.kind, last.via), ("bob@acme.example", Some(ActorKind::Human), Via::Api));
        assert_eq!(
            last.chain,
            [
                "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/bob@acme.example",
                "arn:aws:sts::111122223333:assumed-role/jump/ella.meyer"
            ]
        );
    }

    #[test]
    fn a_refused_call_makes_no_session_and_a_session_ends() {
        let mut sessions = Sessions::default();
        let sso = session("AWSReservedSSO_Dev_0123456789abcdef", "bob@acme.example", "ASIA1");
        let refused = assume(&sso, "ASIA2").replacen('{', r#"{"errorCode": "AccessDenied", "#, 1);
        feed(&mut sessions, &refused);
        let json = format!("{{{}}}", session("app", "x", "ASIA2"));
        assert_eq!(feed(&mut sessions, &json).human, None);
        feed(&mut sessions, &assume(&sso, "ASIA2"));
        assert_eq!(feed(&mut sessions, &json).human.as_deref(), Some("bob@acme.example"));
        let at = |time: &str| json.replacen('{', &format!(r#"{{"eventTime": "{time}", "#), 1);
        assert!(feed(&mut sessions, &at("2026-03-05T21:00:00Z")).human.is_some());
        assert!(feed(&mut sessions, &at("2026-03-05T23:00:00Z")).human.is_none());
    }

    #[test]
    fn sessions_survive_a_restart_and_expire_from_the_state() {
        let mut sessions = Sessions::default();
        let sso = session("AWSReservedSSO_Dev_0123456789abcdef", "bob@acme.example", "ASIA1");
        feed(&mut sessions, &assume(&sso, "ASIA2"));
        let mut delta = tagwarden_core::StateDelta::default();
        sessions.delta(&mut delta);
        assert_eq!(delta.entries.len(), 1);
        let mut again = Sessions::default();
        for entry in &delta.entries {
            again.restore(entry).unwrap();
        }
        let json = format!("{{{}}}", session("app", "x", "ASIA2"));
        let (a, b) = (feed(&mut sessions, &json), feed(&mut again, &json));
        assert_eq!(format!("{a:?}"), format!("{b:?}"));
        assert_eq!(b.chain.len(), 1);
        let later = assume(&sso, "ASIA9").replacen('{', r#"{"eventTime": "2026-03-07T10:00:00Z", "#, 1);
        feed(&mut again, &later);
        let mut delta = tagwarden_core::StateDelta::default();
        again.delta(&mut delta);
        let changed: Vec<_> = delta.entries.iter().map(|e| (e.key.as_slice(), e.value.is_some())).collect();
        assert_eq!(changed, [(&b"ASIA2"[..], false), (&b"ASIA9"[..], true)]);
        let broken = tagwarden_core::Entry { space: "session".into(), key: b"k".to_vec(), value: Some(b"{".to_vec()) };
        assert!(again.restore(&broken).is_err());
    }

    #[test]
    fn a_pipelines_session_is_a_pipeline_whatever_its_role_is_called() {
        let mut sessions = Sessions::default();
        let subject = r#""userIdentity": {"type": "WebIdentityUser", "userName": "repo:acme/data-infra:ref:refs/heads/main",
            "identityProvider": "token.actions.githubusercontent.com"}"#;
        feed(&mut sessions, &assume(subject, "ASIA5").replace("AssumeRole\"", "AssumeRoleWithWebIdentity\""));
        let run = feed(&mut sessions, &format!("{{{}}}", session("anything", "ella.meyer", "ASIA5")));
        assert_eq!((run.kind, run.via, run.team.as_deref()), (Some(ActorKind::Workload), Via::Iac, Some("data")));
        assert_eq!(run.chain, ["repo:acme/data-infra:ref:refs/heads/main"]);
        let taken = feed(&mut sessions, &assume(&session("AWSReservedSSO_D_0", "bob", "ASIA1"), "ASIA6"));
        assert_eq!(taken.human.as_deref(), Some("bob@acme.example"));
        let ci = feed(&mut sessions, &format!("{{{}}}", session("ci-deploy-web", "GitHubActions", "ASIA6")));
        assert_eq!(
            (ci.human.as_deref(), ci.via),
            (Some("bob@acme.example"), Via::Api),
            "a person in a pipeline's role"
        );
    }
}
