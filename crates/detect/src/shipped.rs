//! The shipped rules against the cases beside them.

use std::collections::BTreeSet;
use std::path::Path;

use tagwarden_core::{ActorKind, Via};

use crate::testing::Case;
use crate::{Judge, Rules};

/// File stem and cases, in order of name.
fn cases() -> Vec<(String, Vec<Case>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/tests");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: &Path| {
        let text = std::fs::read_to_string(path).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    files.iter().map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), read(path))).collect()
}

#[test]
fn every_shipped_rule_fires_and_misses_as_its_cases_say() {
    let mut wrong = Vec::new();
    for (file, cases) in cases() {
        for case in cases {
            let mut judge = Judge::new(Rules::shipped().unwrap(), case.policy.clone()).unwrap();
            let found = case.judge(&mut judge);
            let titles: Vec<_> = found.hits.iter().map(|hit| hit.title.to_string()).collect();
            let severity = case.severity.as_deref().unwrap_or(found.severity.as_str());
            let wanted = (&case.hits, severity, case.disposition.as_deref().unwrap_or("archive_only"));
            let reason = case.reason.as_ref().or(found.reasons.first());
            let said = (&titles, found.severity.as_str(), found.disposition.as_str());
            if (said, found.reasons.first()) != (wanted, reason) {
                wrong.push(format!("{file}: {}: found {said:?} {:?}", case.name, found.reasons));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_shipped_rule_has_a_case_that_fires_and_a_near_miss_and_a_runbook() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let loaded = Rules::load_dir(&folder).unwrap();
    let shipped = Rules::shipped().unwrap();
    let titles = |rules: &Rules| rules.titles().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(titles(&shipped), titles(&loaded), "`SHIPPED` and the folder, in order of file name");
    assert_eq!(loaded.version_text(), shipped.version_text(), "the list of shipped rules and the folder differ");
    let mut fired = BTreeSet::new();
    for (file, cases) in cases() {
        assert!(cases.iter().any(|case| case.hits.is_empty()), "{file} has no near miss");
        fired.extend(cases.into_iter().flat_map(|case| case.hits));
        let text = std::fs::read_to_string(folder.join(format!("{file}.yml"))).unwrap();
        // A rule with a name is one that a correlation counts.
        let told = text.split("\n---\n").filter(|rule| !rule.contains("\nname: "));
        assert!(told.into_iter().all(|rule| rule.contains("\ntagwarden_runbook: ")), "{file} has no runbook");
    }
    let rules = (0..).map_while(|number| shipped.rule(number)).filter(|rule| !rule.silent).map(|rule| &rule.hit);
    let titles: BTreeSet<_> = rules
        .chain(shipped.correlations().iter().map(|counted| &counted.hit))
        .map(|hit| hit.title.to_string())
        .collect();
    assert_eq!(titles, fired);
}

#[test]
fn the_cases_name_kinds_and_details_as_the_tables_of_events_do() {
    for (file, cases) in cases() {
        for case in cases.into_iter().filter(|case| !case.hits.is_empty()) {
            let Some(kind) = &case.kind else { continue };
            let text = case.record.to_string();
            let mut tape = tagwarden_json::Tape::new();
            let event = crate::testing::event(tape.parse(&text).unwrap());
            let mut changes = Vec::new();
            tagwarden_events::normalise(&event, &mut changes);
            let change = changes.first().unwrap();
            let name = format!("{file}: {}", case.name);
            assert_eq!((change.kind, change.family), (kind.as_str(), case.family), "{name}");
            for (key, _) in case.details.iter().filter(|(key, _)| key.starts_with("world")) {
                assert!(change.detail(key).is_some(), "{name}: {key} in {:?}", change.details);
            }
        }
    }
}

/// A kind that no call has never fires.
#[test]
fn the_rules_name_kinds_that_calls_have() {
    let tables = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events/tables");
    let texts = ["families.csv", "calls.csv"].map(|table| std::fs::read_to_string(tables.join(table)).unwrap());
    let mut kinds: BTreeSet<_> =
        texts.iter().flat_map(|text| text.lines()).filter_map(|row| row.split(';').nth(3)).collect();
    kinds.insert("console_login_failed");
    let rules = Rules::shipped().unwrap();
    let mut named = 0;
    for (path, text) in serde_json::from_str::<Vec<(String, String)>>(&rules.version_text()).unwrap() {
        for part in text.split("tagwarden.change_kind:").skip(1) {
            let (first, rest) = part.split_once('\n').unwrap();
            let list = rest.lines().map_while(|line| line.trim().strip_prefix("- "));
            for kind in
                [first.trim()].into_iter().filter(|kind| !kind.is_empty()).chain(list.filter(|_| first.is_empty()))
            {
                assert!(kinds.contains(kind), "{path}: no call is of the kind {kind}");
                named += 1;
            }
        }
    }
    assert!(named > 150, "{named}");
}

/// What a rule leaves out, some case that hits would show.
#[test]
fn pipelines_services_and_refused_calls_are_left_out_where_a_rule_says_so() {
    let said = ["tagwarden.via: iac", "tagwarden.actor_kind: aws_service", "tagwarden.denied: false", "filter_denied:"];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut shown = 0;
    for (file, cases) in cases() {
        let text = std::fs::read_to_string(folder.join(format!("{file}.yml"))).unwrap();
        for rule in text.split("\n---\n").filter(|rule| !rule.contains("\nname: ") && !rule.contains("\ncorrelation:"))
        {
            let title = rule.lines().next().unwrap().trim_start_matches("title: ");
            let hits = |case: &Case| {
                let mut judge = Judge::new(Rules::shipped().unwrap(), case.policy.clone()).unwrap();
                case.judge(&mut judge).hits.iter().any(|hit| &*hit.title == title)
            };
            for word in said.into_iter().filter(|word| rule.contains(word)) {
                let mut told = cases.iter().filter(|case| case.hits.iter().any(|hit| hit == title)).cloned();
                let left_out = told.any(|mut case| {
                    match word {
                        "tagwarden.via: iac" => case.via = Some(Via::Iac),
                        "tagwarden.actor_kind: aws_service" => case.actor_kind = Some(ActorKind::AwsService),
                        _ => case.record["errorCode"] = "AccessDenied".into(),
                    }
                    !hits(&case)
                });
                assert!(left_out, "{file}: {title}: {word}");
                shown += 1;
            }
        }
    }
    assert!(shown > 80, "{shown}");
}
