//! Severity, disposition, silence and correlations, on changes told as JSON.

use serde_json::{Value, json};
use tagwarden_core::{Assessment, Disposition, StateDelta};

use crate::testing::Case;
use crate::{Judge, Policy, Rules, Suppression};

/// An instance of production stopped by a person, with what `over` says differently.
fn case(over: &Value) -> Case {
    let mut case = json!({
        "name": "", "kind": "instance_stopped", "family": "instance", "resource_id": "i-1", "before": "prod",
        "environment": "prod", "hits": [], "severity": "", "disposition": "",
        "record": {"eventSource": "ec2.amazonaws.com", "eventName": "StopInstances", "eventTime": "2026-11-21T11:00:00Z"},
    });
    for (key, value) in over.as_object().unwrap() {
        case[key] = value.clone();
    }
    serde_json::from_value(case).unwrap()
}

fn stopped(over: &Value) -> Value {
    let record = json!({"eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging", "eventTime": "2026-11-21T11:00:00Z"});
    let mut case = json!({"kind": "trail_stopped", "family": "logging", "resource_id": "main", "record": record});
    for (key, value) in over.as_object().unwrap() {
        case[key] = value.clone();
    }
    case
}

fn rules(texts: &[&str]) -> Rules {
    let texts: Vec<_> = texts.iter().enumerate().map(|(at, text)| (format!("{at}.yml"), text)).collect();
    Rules::from_version_text(&serde_json::to_string(&texts).unwrap()).unwrap()
}

fn judge(policy: Policy, over: &Value) -> Assessment {
    case(over).judge(&mut Judge::new(Rules::shipped().unwrap(), policy).unwrap())
}

fn silence(over: Suppression) -> Policy {
    let until = "2026-11-22T00:00:00Z".to_owned();
    let silence = Suppression { until, owner: "ben".into(), reason: "migration".into(), ..over };
    Policy { suppressions: vec![silence], ..Policy::default() }
}

/// Plans answer where a rule asks for fields alone, rsigma where it looks for words.
#[test]
fn rules_over_changes_hold_where_they_should() {
    for (detection, wanted) in [
        ("{s: {tagwarden.change_kind: INSTANCE_stopped}, condition: s}", true),
        ("{s: {tagwarden.change_kind: [user_created, trail_stopped]}, condition: s}", false),
        ("{s: {tagwarden.change_kind: instance_stopped, tagwarden.environment: dev}, condition: s}", false),
        ("{s: [{tagwarden.environment: dev}, {eventName: StopInstances}], condition: s}", true),
        ("{s: {tagwarden.environment: prod}, f: {tagwarden.environment_before: prod}, condition: s and not f}", false),
        ("{s: {tagwarden.owner: null}, condition: s}", true),
        ("{s: {tagwarden.environment: null}, condition: s}", false),
        ("{s: {'tagwarden.ordinal|lt': 1}, condition: s}", true),
        ("{s: {'tagwarden.owner|exists': false}, condition: s}", true),
        ("{s_a: {tagwarden.production: true}, s_b: {tagwarden.denied: true}, condition: all of s_*}", false),
        ("{s_a: {tagwarden.production: true}, s_b: {tagwarden.denied: true}, condition: 1 of s_*}", true),
        ("{s: [StopInstances], t: {tagwarden.family: instance}, condition: s and t}", true),
        ("{s: [StartInstances], t: {tagwarden.family: instance}, condition: s and t}", false),
    ] {
        let rules = rules(&[&format!("title: T\nlogsource: {{product: aws}}\ndetection: {detection}\n")]);
        let found = case(&json!({})).judge(&mut Judge::new(rules, Policy::default()).unwrap());
        assert_eq!(!found.hits.is_empty(), wanted, "{detection}");
    }
}

#[test]
fn an_ordinary_change_is_stored_and_no_more() {
    let found = judge(Policy::default(), &json!({}));
    assert_eq!((found.disposition, found.production_critical), (Disposition::ArchiveOnly, false));
    assert!(found.reasons.is_empty());
}

#[test]
fn an_anomalous_change_is_told() {
    let found = judge(Policy::default(), &json!({"anomalous": true, "before": "dev", "environment": "dev"}));
    assert_eq!((found.disposition, found.anomalous), (Disposition::Notify, true));
}

#[test]
fn a_rule_of_level_high_pages_only_together_with_the_baseline() {
    let night = json!({"kind": "user_created", "family": "iam", "off_hours": true});
    assert_eq!(judge(Policy::default(), &night).disposition, Disposition::Notify);
    let mut odd = night;
    odd["anomalous"] = json!(true);
    assert_eq!(judge(Policy::default(), &odd).disposition, Disposition::Page);
}

#[test]
fn a_denied_call_never_pages() {
    let mut denied = stopped(&json!({"anomalous": true}));
    denied["record"]["errorCode"] = json!("AccessDenied");
    assert_eq!(judge(Policy::default(), &denied).disposition, Disposition::Notify);
    denied["anomalous"] = json!(false);
    assert_eq!(judge(Policy::default(), &denied).disposition, Disposition::Digest);
}

#[test]
fn a_refused_call_of_root_is_told_and_does_not_page() {
    let mut root = stopped(&json!({"environment": "shared", "before": "shared"}));
    root["record"]["userIdentity"] = json!({"type": "Root"});
    assert_eq!(judge(Policy::default(), &root).disposition, Disposition::Page);
    root["record"]["errorCode"] = json!("AccessDenied");
    let found = judge(Policy::default(), &root);
    assert_eq!((found.disposition, found.severity.as_str()), (Disposition::Notify, "critical"));
}

#[test]
fn a_witness_that_confirms_is_never_told() {
    let seen = json!({"actor": "", "confirms": "x.0", "anomalous": true, "tags": [["Environment", "prod", "dev", "modified"]]});
    let found = judge(Policy::default(), &seen);
    assert_eq!(found.disposition, Disposition::ArchiveOnly);
    assert!(found.hits.is_empty());
}

#[test]
fn silence_says_by_whom_and_ends_in_time() {
    let quiet =
        silence(Suppression { account: Some("1234*".into()), kind: Some("trail_*".into()), ..Suppression::default() });
    let found = judge(quiet.clone(), &stopped(&json!({})));
    assert_eq!(found.disposition, Disposition::Suppressed);
    assert_eq!(found.suppressed_by.as_deref(), Some("ben until 2026-11-22T00:00:00Z: migration"));
    let mut later = stopped(&json!({}));
    later["record"]["eventTime"] = json!("2026-11-22T00:00:00Z");
    assert_eq!(judge(quiet.clone(), &later).disposition, Disposition::Page);
    let nothing_to_silence = judge(quiet, &json!({"kind": "trail_described"}));
    assert_eq!((nothing_to_silence.disposition, nothing_to_silence.suppressed_by), (Disposition::ArchiveOnly, None));
}

#[test]
fn silence_of_one_rule_does_not_hide_another() {
    let title = "Trail, recorder or detector stopped or deleted";
    let quiet = silence(Suppression { rule: Some(title.into()), ..Suppression::default() });
    assert_eq!(judge(quiet.clone(), &stopped(&json!({}))).disposition, Disposition::Suppressed);
    let mut by_root = stopped(&json!({}));
    by_root["record"]["userIdentity"] = json!({"type": "Root"});
    let found = judge(quiet.clone(), &by_root);
    assert_eq!((found.disposition, found.hits.len()), (Disposition::Page, 2));
    let odd = judge(quiet, &stopped(&json!({"anomalous": true})));
    assert_eq!((odd.disposition, odd.suppressed_by), (Disposition::Notify, None), "the anomaly is left");
}

#[test]
fn the_policy_speaks_without_rules() {
    let mut judge = Judge::new(
        Rules::none(),
        Policy {
            allowed_values: [("Environment".to_owned(), vec!["prod".to_owned(), "dev".to_owned()])].into(),
            may_set_protected: vec!["team:platform".into(), "role:tagger-*".into()],
            ..Policy::default()
        },
    )
    .unwrap();
    let tags = json!([["Environment", "prod", "dv", "modified"]]);
    let found = case(&json!({"tags": tags, "operation": "add", "environment": "dv"})).judge(&mut judge);
    assert_eq!(
        (found.disposition, found.severity.as_str(), found.production_critical),
        (Disposition::Notify, "high", true)
    );
    assert_eq!(
        found.reasons,
        [
            "ana@example.com may not change the protected tag Environment",
            "tag Environment is dv, allowed are prod, dev",
        ]
    );
    let found =
        case(&json!({"tags": tags, "operation": "add", "environment": "dv", "team": "Platform"})).judge(&mut judge);
    assert_eq!(
        (found.disposition, found.severity.as_str()),
        (Disposition::Digest, "medium"),
        "may set it, but not to that"
    );
}

const BASE: &str = "title: Denied\nname: denied\nlogsource: {product: aws}\ndetection:\n    s: {errorCode: AccessDenied}\n    condition: s\nlevel: low\n";

fn many(generate: bool) -> Rules {
    let counted = format!(
        "title: Many\nid: many\ncorrelation:\n    type: event_count\n    rules: [denied]\n    group-by: [userIdentity.arn]\n    timespan: 5m\n    condition: {{gte: 3}}\ngenerate: {generate}\nlevel: high\ntagwarden_reason: '{{count}} refusals'\n"
    );
    rules(&[BASE, &counted])
}

fn refused(who: &str, times: u32) -> Case {
    let record = json!({"eventName": "GetObject", "errorCode": "AccessDenied", "userIdentity": {"arn": who}});
    case(&json!({"record": record, "times": times, "kind": "read", "family": "read"}))
}

#[test]
fn a_correlation_counts_events_per_group_and_survives_a_restart() {
    let mut first = Judge::new(many(false), Policy::default()).unwrap();
    assert!(refused("a", 2).judge(&mut first).hits.is_empty(), "the rule that feeds is silent");
    assert!(refused("b", 2).judge(&mut first).hits.is_empty());
    let mut delta = StateDelta::default();
    first.delta(&mut delta);
    assert_eq!(delta.entries.len(), 2);
    let mut second = Judge::new(many(false), Policy::default()).unwrap();
    for entry in &delta.entries {
        second.restore(entry);
    }
    for judge in [&mut first, &mut second] {
        let found = refused("a", 1).judge(judge);
        assert_eq!(found.hits.iter().map(|hit| &*hit.title).collect::<Vec<_>>(), ["Many"]);
        assert_eq!(found.reasons, ["3 refusals"]);
    }
}

#[test]
fn a_rule_that_also_generates_is_a_hit_of_its_own() {
    let mut judge = Judge::new(many(true), Policy::default()).unwrap();
    let titles = |found: Assessment| found.hits.iter().map(|hit| hit.title.to_string()).collect::<Vec<_>>();
    assert_eq!(titles(refused("a", 1).judge(&mut judge)), ["Denied"]);
    assert_eq!(titles(refused("a", 2).judge(&mut judge)), ["Denied", "Many"]);
}

#[test]
fn a_rule_in_two_correlations_is_a_hit_if_one_of_them_generates() {
    let counted = |id: &str, generate: bool| {
        format!(
            "title: {id}\nid: {id}\ncorrelation: {{type: event_count, rules: [denied], timespan: 5m, condition: {{gte: 9}}}}\ngenerate: {generate}\n"
        )
    };
    for generate in [[true, false], [false, true], [false, false]] {
        let rules = rules(&[BASE, &counted("one", generate[0]), &counted("two", generate[1])]);
        let found = refused("a", 1).judge(&mut Judge::new(rules, Policy::default()).unwrap());
        assert_eq!(found.hits.len(), usize::from(generate.contains(&true)), "{generate:?}");
    }
}

#[test]
fn every_fault_of_every_file_is_told_with_its_place() {
    let folder = std::env::temp_dir().join(format!("tagwarden-detect-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("deep")).unwrap();
    let rule = |title: &str, id: &str, detection: &str| {
        format!(
            "title: {title}\nid: {id}\nlogsource: {{product: aws}}\ndetection:\n    s: {detection}\n    condition: s\n"
        )
    };
    for (name, text) in [
        ("a.yml", rule("A", "one", "{tagwarden.severity: high}")),
        ("b.yaml", rule("B", "one", "{eventName|gibberish: x}")),
        ("c.yml", "title: C\n  id: [".to_owned()),
        ("deep/d.yml", rule("D", "one", "{eventName: x}")),
        (
            "deep/e.yml",
            "title: E\ncorrelation: {type: event_count, rules: [nobody], timespan: 1m, condition: {lt: 3}}\n"
                .to_owned(),
        ),
        ("g.yml", "title: G\ncorrelation: {type: temporal, rules: [one], timespan: 1m}\n".to_owned()),
        (
            "h.yml",
            "title: H\ncorrelation: {type: temporal_ordered, rules: [one, one], timespan: 1m, condition: {gte: 5}}\n"
                .to_owned(),
        ),
        ("f.txt", "no rule".to_owned()),
        (".hidden.yml", "no rule".to_owned()),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let faults = Rules::load_dir(&folder).unwrap_err();
    let told: Vec<_> = faults.iter().map(|fault| fault.to_string().replace(&*folder.to_string_lossy(), "")).collect();
    std::fs::remove_dir_all(&folder).unwrap();
    let wanted = [
        ("/a.yml:1: ", "tagwarden.severity"),
        ("/b.yaml", "gibberish"),
        ("/c.yml:", "YAML"),
        ("/deep/d.yml:1: ", "found the id one, which a.yml has too"),
        ("/g.yml:1: ", "found 1 rules, wanted 2 to 16"),
        ("/h.yml:1: ", "found a condition with temporal_ordered, wanted none"),
        ("/deep/e.yml:1: ", "wanted gte or gt"),
        ("/deep/e.yml:1: ", "found the rule nobody"),
    ];
    for (place, what) in wanted {
        assert!(told.iter().any(|one| one.starts_with(place) && one.contains(what)), "{place} {what} in {told:#?}");
    }
    assert_eq!(told.len(), wanted.len(), "{told:#?}");
}

#[test]
fn rules_come_back_from_their_version_text() {
    let rules = Rules::shipped().unwrap();
    let again = Rules::from_version_text(&rules.version_text()).unwrap();
    assert_eq!(rules.version_text(), again.version_text());
    assert_eq!(rules.len(), again.len());
    assert_eq!(Rules::from_version_text(&Rules::none().version_text()).unwrap().len(), 0);
    assert!(Rules::from_version_text("{}").is_err());
}

#[test]
fn a_filter_takes_hits_away() {
    let filter = "title: Not ours\nlogsource: {product: aws}\nfilter:\n    rules: [denied_rule]\n    selection: {userAgent: scanner}\n    condition: not selection\n";
    let base = BASE.replace("name: denied", "id: denied_rule");
    let mut judge = Judge::new(rules(&[&base, filter]), Policy::default()).unwrap();
    assert_eq!(refused("a", 1).judge(&mut judge).hits.len(), 1);
    let mut ours = refused("a", 1);
    ours.record["userAgent"] = json!("scanner");
    assert_eq!(ours.judge(&mut judge).hits.len(), 0);
}
