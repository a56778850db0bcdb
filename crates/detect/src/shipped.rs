//! The shipped rules against the cases beside them.

use std::collections::BTreeSet;
use std::path::Path;

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
    for (file, cases) in cases() {
        for case in cases {
            let mut judge = Judge::new(Rules::shipped().unwrap(), case.policy.clone()).unwrap();
            let found = case.judge(&mut judge);
            let titles: Vec<_> = found.hits.iter().map(|hit| hit.title.to_string()).collect();
            let name = format!("{file}: {}", case.name);
            assert_eq!(titles, case.hits, "{name}");
            assert_eq!(found.severity.as_str(), case.severity, "{name}");
            assert_eq!(found.disposition.as_str(), case.disposition, "{name}");
            if case.reason.is_some() {
                assert_eq!(found.reasons.first(), case.reason.as_ref(), "{name}");
            }
        }
    }
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
            let text = case.record.to_string();
            let mut tape = tagwarden_json::Tape::new();
            let event = crate::testing::event(tape.parse(&text).unwrap());
            let mut changes = Vec::new();
            tagwarden_events::normalise(&event, &mut changes);
            let change = changes.first().unwrap();
            let name = format!("{file}: {}", case.name);
            assert_eq!((change.kind, change.family), (case.kind.as_str(), case.family), "{name}");
            for (key, _) in case.details.iter().filter(|(key, _)| key.starts_with("world")) {
                assert!(change.detail(key).is_some(), "{name}: {key} in {:?}", change.details);
            }
        }
    }
}
