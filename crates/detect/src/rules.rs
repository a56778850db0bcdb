//! The rules in force: read from disk or shipped, asked about events, kept as text for the record.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rsigma_eval::compiler::eval_condition;
use rsigma_eval::{CompiledRule, Event as SigmaEvent};
use rustc_hash::FxHashMap;
use tagwarden_core::{Event, RuleHit};
use tagwarden_json::Node;

use crate::compile::{Compiled, Counted, Rule, compile};
use crate::fields::RowEvent;
use crate::index::Index;
use crate::plan::{Item, Items, Plan};
use crate::record::RecordEvent;
use crate::sieve::{Call, Sieve};

/// The rules that come with Tagwarden.
const SHIPPED: [(&str, &str); 55] = [
    ("access_tag_changed.yml", include_str!("../rules/access_tag_changed.yml")),
    ("account_defaults_weakened.yml", include_str!("../rules/account_defaults_weakened.yml")),
    ("account_settings_changed.yml", include_str!("../rules/account_settings_changed.yml")),
    ("admin_rights_granted.yml", include_str!("../rules/admin_rights_granted.yml")),
    ("alarms_silenced.yml", include_str!("../rules/alarms_silenced.yml")),
    ("automation_tag_changed.yml", include_str!("../rules/automation_tag_changed.yml")),
    ("backups_destroyed.yml", include_str!("../rules/backups_destroyed.yml")),
    ("brought_to_a_stand.yml", include_str!("../rules/brought_to_a_stand.yml")),
    ("code_changed_by_hand.yml", include_str!("../rules/code_changed_by_hand.yml")),
    ("commands_tied_to_machines.yml", include_str!("../rules/commands_tied_to_machines.yml")),
    ("console_access_assigned.yml", include_str!("../rules/console_access_assigned.yml")),
    ("console_sign_in.yml", include_str!("../rules/console_sign_in.yml")),
    ("cost_guard_rail_removed.yml", include_str!("../rules/cost_guard_rail_removed.yml")),
    ("costly_use.yml", include_str!("../rules/costly_use.yml")),
    ("credentials_for_another_user.yml", include_str!("../rules/credentials_for_another_user.yml")),
    ("data_moved_out.yml", include_str!("../rules/data_moved_out.yml")),
    ("database_password_changed.yml", include_str!("../rules/database_password_changed.yml")),
    ("deletion_protection_off.yml", include_str!("../rules/deletion_protection_off.yml")),
    ("denied_probing.yml", include_str!("../rules/denied_probing.yml")),
    ("detection_weakened.yml", include_str!("../rules/detection_weakened.yml")),
    ("dns_control_lost.yml", include_str!("../rules/dns_control_lost.yml")),
    ("iam_user_or_key_off_hours.yml", include_str!("../rules/iam_user_or_key_off_hours.yml")),
    ("identity_provider_changed.yml", include_str!("../rules/identity_provider_changed.yml")),
    ("instance_credentials_elsewhere.yml", include_str!("../rules/instance_credentials_elsewhere.yml")),
    ("instances_entered_by_hand.yml", include_str!("../rules/instances_entered_by_hand.yml")),
    ("key_pair_imported.yml", include_str!("../rules/key_pair_imported.yml")),
    ("kms_key_lost.yml", include_str!("../rules/kms_key_lost.yml")),
    ("launched_without_required_tags.yml", include_str!("../rules/launched_without_required_tags.yml")),
    ("logging_stopped.yml", include_str!("../rules/logging_stopped.yml")),
    ("logs_narrowed.yml", include_str!("../rules/logs_narrowed.yml")),
    ("mail_identity_added.yml", include_str!("../rules/mail_identity_added.yml")),
    ("many_resources_destroyed.yml", include_str!("../rules/many_resources_destroyed.yml")),
    ("mass_retagging.yml", include_str!("../rules/mass_retagging.yml")),
    ("mass_untagging.yml", include_str!("../rules/mass_untagging.yml")),
    ("network_opened.yml", include_str!("../rules/network_opened.yml")),
    ("opened_to_everybody.yml", include_str!("../rules/opened_to_everybody.yml")),
    ("organization_guard_rail_removed.yml", include_str!("../rules/organization_guard_rail_removed.yml")),
    ("outside_accounts.yml", include_str!("../rules/outside_accounts.yml")),
    ("permissions_boundary_removed.yml", include_str!("../rules/permissions_boundary_removed.yml")),
    ("port_opened_to_the_world.yml", include_str!("../rules/port_opened_to_the_world.yml")),
    ("principal_tag_changed.yml", include_str!("../rules/principal_tag_changed.yml")),
    ("production_reclassified.yml", include_str!("../rules/production_reclassified.yml")),
    ("protected_key_changed.yml", include_str!("../rules/protected_key_changed.yml")),
    ("reachable_by_everybody.yml", include_str!("../rules/reachable_by_everybody.yml")),
    ("root_used.yml", include_str!("../rules/root_used.yml")),
    ("s3_protection_removed.yml", include_str!("../rules/s3_protection_removed.yml")),
    ("second_factor_removed.yml", include_str!("../rules/second_factor_removed.yml")),
    ("secrets_read_in_bulk.yml", include_str!("../rules/secrets_read_in_bulk.yml")),
    ("sign_in_weakened.yml", include_str!("../rules/sign_in_weakened.yml")),
    ("software_from_elsewhere.yml", include_str!("../rules/software_from_elsewhere.yml")),
    ("tag_set_and_used.yml", include_str!("../rules/tag_set_and_used.yml")),
    ("traffic_sent_elsewhere.yml", include_str!("../rules/traffic_sent_elsewhere.yml")),
    ("vpc_created.yml", include_str!("../rules/vpc_created.yml")),
    ("web_protection_removed.yml", include_str!("../rules/web_protection_removed.yml")),
    ("workbench_made_by_hand.yml", include_str!("../rules/workbench_made_by_hand.yml")),
];

/// What is wrong with one rule file; prints as `path:line: found X, wanted Y`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {what}", path.display(), line.map(|n| format!(":{n}")).unwrap_or_default())]
pub struct RuleFault {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1, where known.
    pub line: Option<usize>,
    /// What was found and what was wanted.
    pub what: String,
}

/// Rules that do not compile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rules: found {} faults, wanted none; the first: {}", .0.len(), .0.first().map(ToString::to_string).unwrap_or_default())]
pub struct RuleError(pub Vec<RuleFault>);

/// Compiled rules and the texts that they were made of.
#[derive(Debug, Default)]
pub struct Rules {
    texts: Vec<(String, String)>,
    compiled: Compiled,
    by_id: FxHashMap<Arc<str>, u32>,
    on_event: Sieve,
    /// Rules over events that are no tree of items: rsigma answers for them.
    odd: Vec<u32>,
    on_change: Index,
    /// What the plans of rules over changes are made of.
    change_items: Items,
    /// By a rule's number; `None` for rules over events, and where rsigma answers.
    change_plans: Vec<Option<Plan>>,
}

impl Rules {
    /// The rules that come with Tagwarden.
    ///
    /// # Errors
    /// Never in a released build: a test compiles them.
    pub fn shipped() -> Result<Self, RuleError> {
        Self::compile(SHIPPED.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
            .map_err(RuleError)
    }

    /// No rules: only policy and baseline judge.
    pub fn none() -> Self {
        Self::default()
    }

    /// Every `*.yml` and `*.yaml` under `dir`, recursively, in order of path; hidden entries are left out.
    ///
    /// # Errors
    /// Every fault of every file at once, and a folder without rules.
    pub fn load_dir(dir: &Path) -> Result<Self, Vec<RuleFault>> {
        let mut texts = Vec::new();
        let mut faults = Vec::new();
        read_dir(dir, "", &mut texts, &mut faults);
        texts.sort();
        if texts.is_empty() && faults.is_empty() {
            faults.push(RuleFault {
                path: dir.into(),
                line: None,
                what: "found no rules, wanted *.yml or *.yaml".into(),
            });
        }
        let compiled = Self::compile(texts);
        match compiled {
            Ok(rules) if faults.is_empty() => Ok(rules),
            Ok(_) => Err(faults),
            Err(more) => {
                let whole = |fault: RuleFault| RuleFault { path: dir.join(fault.path), ..fault };
                faults.extend(more.into_iter().map(whole));
                Err(faults)
            }
        }
    }

    /// The texts of all rules in order of path, as a JSON list of path and text: what is hashed and stored under
    /// `_versions`.
    pub fn version_text(&self) -> String {
        serde_json::to_string(&self.texts).unwrap_or_default()
    }

    /// The rules that [`Self::version_text`] gave.
    ///
    /// # Errors
    /// Text of another form, and rules that do not compile.
    pub fn from_version_text(text: &str) -> Result<Self, RuleError> {
        let texts = serde_json::from_str(text).map_err(|error| {
            let what = format!("found {error}, wanted a JSON list of path and text");
            RuleError(vec![RuleFault { path: PathBuf::from("_versions"), line: None, what }])
        })?;
        Self::compile(texts).map_err(RuleError)
    }

    fn compile(texts: Vec<(String, String)>) -> Result<Self, Vec<RuleFault>> {
        let compiled = compile(&texts)?;
        let mut rules = Self { texts, ..Self::default() };
        for (number, rule) in (0..).zip(&compiled.rules) {
            rules.by_id.insert(rule.hit.id.clone(), number);
            if rule.on_change {
                rules.on_change.add(number, &rule.compiled);
                rules.change_plans.push(rules.change_items.plan(&rule.compiled));
                continue;
            }
            rules.change_plans.push(None);
            match rules.on_event.items().plan(&rule.compiled) {
                Some(plan) => rules.on_event.add(number, plan),
                None => rules.odd.push(number),
            }
        }
        rules.compiled = compiled;
        Ok(rules)
    }

    /// How many rules and correlations there are.
    pub fn len(&self) -> usize {
        self.compiled.rules.len() + self.compiled.correlations.len()
    }

    /// The titles of rules and correlations, in order.
    pub fn titles(&self) -> impl Iterator<Item = &str> {
        let rules = self.compiled.rules.iter().map(|rule| &*rule.hit.title);
        rules.chain(self.compiled.correlations.iter().map(|counted| &*counted.hit.title))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds the hits of those rules that read the event alone, in the rules' order; called once per event, reads
    /// included. A rule that only feeds a correlation is among them, so that what it counts is judged.
    pub fn match_event(&mut self, event: &Event<'_>, out: &mut Vec<RuleHit>) {
        let call = Call { source: &event.source, name: &event.name };
        // The name and source of a witness are not those of its record.
        self.ask(event.record, (!event.kind.is_witness()).then_some(call), out);
    }

    fn ask(&mut self, record: Node<'_>, call: Option<Call<'_>>, out: &mut Vec<RuleHit>) {
        let event = RecordEvent::new(record);
        let rules = &self.compiled.rules;
        let rule = |number: u32| rules.get(usize::try_from(number).ok()?);
        let (items, questions) = self.on_event.questions(call);
        let value = |item: &Item| event.shaped(&item.field, item.shape);
        let matched = questions.iter().filter(|(_, plan)| items.hold(plan, &event, &value)).map(|(number, _)| *number);
        if self.odd.is_empty() {
            out.extend(matched.filter_map(rule).map(|rule| rule.hit.clone()));
            return;
        }
        let odd = self.odd.iter().filter_map(|&number| Some((number, rule(number)?)));
        let odd = odd.filter(|(_, rule)| matches(&rule.compiled, &event)).map(|(number, _)| number);
        let mut matched: Vec<u32> = matched.chain(odd).collect();
        matched.sort_unstable();
        out.extend(matched.into_iter().filter_map(rule).map(|rule| rule.hit.clone()));
    }

    /// As [`Self::match_event`], for a `CloudTrail` record alone.
    #[cfg(test)]
    pub(crate) fn match_record(&mut self, record: Node<'_>, out: &mut Vec<RuleHit>) {
        let text = |name: &str| record.get(name).and_then(|node| node.str());
        let (source, name) = (text("eventSource"), text("eventName"));
        let call = source.as_deref().zip(name.as_deref()).map(|(source, name)| Call { source, name });
        self.ask(record, call, out);
    }

    /// The rules that read `tagwarden.*` and match this change, in the rules' order.
    pub(crate) fn match_change(&self, event: &RowEvent<'_>) -> Vec<u32> {
        let mut matched = Vec::new();
        let value = |item: &Item| event.value(&item.field);
        let holds = |number: u32| match self.change_plans.get(usize::try_from(number).ok()?)? {
            Some(plan) => Some(self.change_items.hold(plan, event, &value)),
            None => Some(matches(&self.rule(number)?.compiled, event)),
        };
        self.on_change.candidates(
            |key| event.held(key),
            |number| {
                if holds(number) == Some(true) {
                    matched.push(number);
                }
            },
        );
        matched.sort_unstable();
        matched
    }

    pub(crate) fn rule(&self, number: u32) -> Option<&Rule> {
        self.compiled.rules.get(usize::try_from(number).ok()?)
    }

    pub(crate) fn number(&self, id: &str) -> Option<u32> {
        self.by_id.get(id).copied()
    }

    pub(crate) fn correlations(&self) -> &[Counted] {
        &self.compiled.correlations
    }
}

fn matches(rule: &CompiledRule, event: &impl SigmaEvent) -> bool {
    let mut names = Vec::new();
    rule.conditions.iter().any(|condition| eval_condition(condition, &rule.detections, event, &mut names))
}

/// Reads every rule text under `dir`; `under` is its path from the root, with a slash behind it.
fn read_dir(dir: &Path, under: &str, texts: &mut Vec<(String, String)>, faults: &mut Vec<RuleFault>) {
    let mut fault = |path: &Path, error: &std::io::Error| {
        let what = format!("found no way to read it ({error}), wanted a readable file or folder");
        faults.push(RuleFault { path: path.into(), line: None, what });
    };
    let entries = match std::fs::read_dir(dir).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(entries) => entries,
        Err(error) => return fault(dir, &error),
    };
    let mut folders = Vec::new();
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let path = entry.path();
        // A link to a folder is not followed: it may lead back here.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            folders.push((path, format!("{under}{name}/")));
        } else if matches!(path.extension().and_then(|e| e.to_str()), Some("yml" | "yaml")) {
            match std::fs::read_to_string(&path) {
                Ok(text) => texts.push((format!("{under}{name}"), text)),
                Err(error) => fault(&path, &error),
            }
        }
    }
    for (path, under) in folders {
        read_dir(&path, &under, texts, faults);
    }
}
