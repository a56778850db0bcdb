//! Reads which events belong to which incident, and lays that beside what was judged.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use anyhow::Result;
use serde::Deserialize;
use tagwarden_baseline::evaluate::{self, Case, Incident, Label};

use super::witness::Judged;
use crate::Usage;

/// One line; more members may stand beside these.
#[derive(Deserialize)]
struct Line {
    event_id: String,
    incident: String,
    scenario: String,
    malicious: bool,
}

/// What truth says, by event.
pub(super) struct Truth {
    incidents: Vec<Incident>,
    /// In the order of the file, so that messages name the first.
    order: Vec<String>,
    labels: HashMap<String, Label>,
}

impl Truth {
    /// Reads a file of one JSON object per line. Of two lines of one event the last holds.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).map_err(|e| Usage(format!("--truth: reading {}: {e}", path.display())))?;
        Self::parse(&text).map_err(|what| Usage(format!("--truth {}: {what}", path.display())).into())
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut truth = Self { incidents: Vec::new(), order: Vec::new(), labels: HashMap::new() };
        let mut known: HashMap<(String, bool), usize> = HashMap::new();
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let line: Line = serde_json::from_str(line).map_err(|error| {
                format!(
                    "line {}: found {error}, want an object with `event_id`, `incident`, `scenario` and `malicious`",
                    at + 1
                )
            })?;
            // An attack and a twin of one name are two things.
            let incident = *known.entry((line.incident.clone(), line.malicious)).or_insert_with(|| {
                truth.incidents.push(Incident { name: line.incident, scenario: String::new() });
                truth.incidents.len() - 1
            });
            truth.incidents[incident].scenario = line.scenario;
            let label = Label { incident, malicious: line.malicious };
            if truth.labels.insert(line.event_id.clone(), label).is_none() {
                truth.order.push(line.event_id);
            }
        }
        if truth.labels.is_empty() {
            return Err("found no line, want one per event of an incident".into());
        }
        Ok(truth)
    }

    /// Labels what was judged. Events that could not be used are not there to be found; else all of truth's must be.
    pub(super) fn lay_beside(self, judged: &Judged) -> Result<evaluate::Judged, String> {
        let after: HashSet<&str> = judged.events.iter().map(|event| event.id.as_str()).collect();
        let unknown = |id: &&String| !after.contains(id.as_str()) && !judged.learned_from(id);
        let missing: Vec<&String> = self.order.iter().filter(unknown).collect();
        if let Some(first) = missing.first() {
            let (missing, all) = (missing.len(), self.order.len());
            let what = format!("found {missing} of {all} events that are not among --events, such as {first}");
            if missing == all || judged.quarantined == 0 {
                return Err(format!("{what}; want the truth of the same events"));
            }
            eprintln!("--truth: {what}; {} records could not be used", judged.quarantined);
        }
        let cases: Vec<Case> = judged
            .events
            .iter()
            .map(|event| Case {
                time: event.time,
                actor: event.actor,
                quiet: event.quiet,
                label: self.labels.get(&event.id).copied(),
            })
            .collect();
        if !cases.iter().any(|case| case.label.is_some_and(|label| label.malicious)) {
            return Err("found no malicious event at or after --train-until, want one at least".into());
        }
        Ok(evaluate::Judged { actors: judged.actors.clone(), incidents: self.incidents, cases })
    }
}

#[cfg(test)]
mod tests {
    use super::Truth;

    #[test]
    fn a_line_that_is_no_truth_is_named() {
        let good = r#"{"event_id": "a", "incident": "i", "scenario": "s", "malicious": true, "note": 1}"#;
        let fault = |text: &str| Truth::parse(text).map(|_| ()).unwrap_err();
        let found = fault(&format!("{good}\n\n{{\"event_id\": \"b\"}}\n"));
        assert!(found.starts_with("line 3: found missing field `incident`"), "{found}");
        assert_eq!(fault("\n"), "found no line, want one per event of an incident");
        assert_eq!(Truth::parse(good).unwrap().order, ["a"]);
    }

    #[test]
    fn an_attack_and_a_twin_may_share_a_name() {
        let line = |id: &str, malicious: bool| {
            format!(
                "{{\"event_id\": \"{id}\", \"incident\": \"i\", \"scenario\": \"s\", \"malicious\": {malicious}}}\n"
            )
        };
        let truth = Truth::parse(&(line("a", true) + &line("b", false) + &line("c", true))).unwrap();
        let of = |id: &str| truth.labels[id].incident;
        assert_eq!((truth.incidents.len(), of("a") == of("c"), of("a") == of("b")), (2, true, false));
    }
}
