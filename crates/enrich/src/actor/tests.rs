//! Who is found behind which identity.

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
    assert_eq!((oidc.via, oidc.key.as_str(), oidc.team.as_deref()), (Via::Iac, "repo:acme/data-infra", Some("data")));
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
    assert_eq!((ci.human.as_deref(), ci.via), (Some("bob@acme.example"), Via::Api), "a person in a pipeline's role");
}

#[test]
fn the_other_accounts_copy_of_a_call_hides_nobody() {
    let sso = session("AWSReservedSSO_Dev_0123456789abcdef", "bob@acme.example", "ASIA1");
    let copy = r#""userIdentity": {"type": "AWSAccount", "accountId": "444455556666", "principalId": "AROAX:bob"}"#;
    for order in [[&*sso, copy], [copy, &*sso]] {
        let mut sessions = Sessions::default();
        for caller in order {
            feed(&mut sessions, &assume(caller, "ASIA2"));
        }
        let actor = feed(&mut sessions, &format!("{{{}}}", session("app", "x", "ASIA2")));
        assert_eq!(actor.human.as_deref(), Some("bob@acme.example"));
    }
}

#[test]
fn a_borrowed_name_helps_nobody_whose_way_in_was_seen() {
    let mut sessions = Sessions::default();
    let leaked = r#""userIdentity": {"type": "IAMUser", "accountId": "111122223333", "userName": "svc-report",
        "arn": "arn:aws:iam::111122223333:user/svc-report", "accessKeyId": "AKIA1"}"#;
    feed(&mut sessions, &assume(leaked, "ASIA2"));
    let actor = feed(&mut sessions, &format!("{{{}}}", session("data-operator", "ella.meyer", "ASIA2")));
    assert_eq!((actor.kind, actor.human), (Some(ActorKind::Workload), None));
    assert_eq!(actor.chain, ["arn:aws:iam::111122223333:user/svc-report"]);
    assert!(actor.source_identity_missing);
}
