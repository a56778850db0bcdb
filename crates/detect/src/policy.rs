//! What the operator decides about tags, environments and silence.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tagwarden_core::{Actor, ActorKind, RuleHit, TagDelta, TagOp, TagOperation, Text, Timestamp, Via};

use crate::RowParts;

/// The tag policy, as it stands in the config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Tag keys that only some may change once a resource exists; compared without regard to case.
    pub protected_keys: Vec<String>,
    /// Keys among them that name the environment: setting one is no change while the environment stays what it was.
    pub environment_keys: Vec<String>,
    /// Keys that access rights hang on (attribute-based access control).
    pub access_keys: Vec<String>,
    /// Keys that automation obeys: backups, schedules, patching.
    pub automation_keys: Vec<String>,
    /// Keys by which resources are counted to somebody: owner, cost centre, application.
    pub accounting_keys: Vec<String>,
    /// Who may change protected keys: patterns with `*` over the actor's key, or `team:`, `role:`, `via:` or `kind:` and
    /// a pattern. AWS at work under a role of the company (AWS Backup copying tags to a snapshot) always may.
    pub may_set_protected: Vec<String>,
    /// Key to the values it may have; other keys are free.
    pub allowed_values: BTreeMap<String, Vec<String>>,
    /// Environments that count as production.
    pub production: Vec<String>,
    /// Environments that hold account-wide guard rails: there, and where the environment is not known, a critical hit
    /// counts as production-critical.
    pub guarded: Vec<String>,
    /// Silence that somebody asked for.
    pub suppressions: Vec<Suppression>,
}

impl Default for Policy {
    fn default() -> Self {
        let words = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        Self {
            protected_keys: words(&["Environment", "Env", "DataClassification"]),
            environment_keys: words(&["Environment", "Env"]),
            access_keys: Vec::new(),
            automation_keys: words(&["Backup", "Schedule", "PatchGroup"]),
            accounting_keys: words(&["Owner", "Team", "CostCenter", "Application"]),
            may_set_protected: words(&["via:iac", "kind:aws_service"]),
            allowed_values: BTreeMap::new(),
            production: words(&["prod"]),
            guarded: words(&["security", "shared"]),
            suppressions: Vec::new(),
        }
    }
}

/// Silence about changes that fit all the patterns given (`*` stands for any text); at least one is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suppression {
    /// A rule's id or title. The hits of other rules still count.
    #[serde(default)]
    pub rule: Option<String>,
    /// A change kind.
    #[serde(default)]
    pub kind: Option<String>,
    /// An actor's key.
    #[serde(default)]
    pub actor: Option<String>,
    /// A resource's id, ARN or name.
    #[serde(default)]
    pub resource: Option<String>,
    /// An account's id or name.
    #[serde(default)]
    pub account: Option<String>,
    /// An environment.
    #[serde(default)]
    pub environment: Option<String>,
    /// RFC 3339; events from then on are told again.
    pub until: String,
    /// Who answers for the silence.
    pub owner: String,
    /// Why.
    pub reason: String,
}

impl Policy {
    /// Everything wrong with it, as `path: found X, wanted Y`; paths start at the policy itself.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (key, values) in &self.allowed_values {
            if values.is_empty() {
                faults.push(format!("allowed_values.{key}: found an empty list, wanted at least one value"));
            }
        }
        for (at, silence) in self.suppressions.iter().enumerate() {
            let mut fault = |what: String| faults.push(format!("suppressions[{at}]{what}"));
            if Timestamp::parse(&silence.until).is_err() {
                let until = &silence.until;
                fault(format!(".until: found `{until}`, wanted an RFC 3339 time such as 2026-11-21T03:04:05Z"));
            }
            if silence.owner.trim().is_empty() {
                fault(".owner: found nothing, wanted who answers for the silence".to_owned());
            }
            if silence.reason.trim().is_empty() {
                fault(".reason: found nothing, wanted why".to_owned());
            }
            if silence.rule.is_none() && silence.patterns().iter().all(|pattern| pattern.is_none()) {
                let wanted = "rule, kind, actor, resource, account or environment";
                fault(format!(": found no pattern, wanted at least one of {wanted}"));
            }
        }
        faults
    }

    /// Whether `environment` counts as production.
    fn is_production(&self, environment: Option<&str>) -> bool {
        environment.is_some_and(|name| self.production.iter().any(|known| known.eq_ignore_ascii_case(name)))
    }

    /// Whether a critical hit in `environment` counts as production-critical although it is not production.
    pub(crate) fn is_guarded(&self, environment: Option<&str>) -> bool {
        environment.is_none_or(|name| self.guarded.iter().any(|known| known.eq_ignore_ascii_case(name)))
    }

    fn may_set(&self, actor: &Actor<'_>) -> bool {
        let aws_at_work = actor.via == Via::Service && actor.kind == Some(ActorKind::Workload);
        aws_at_work
            || self.may_set_protected.iter().any(|pattern| match pattern.split_once(':') {
                Some(("team", pattern)) => fits_some(pattern, actor.team.as_deref()),
                Some(("role", pattern)) => actor.principal.as_deref().is_some_and(|principal| {
                    let name = principal.rsplit('/').next().unwrap_or(principal);
                    fits(pattern, principal) || fits(pattern, name)
                }),
                Some(("via", pattern)) => fits(pattern, actor.via.as_str()),
                Some(("kind", pattern)) => fits_some(pattern, actor.kind.map(ActorKind::as_str)),
                _ => fits(pattern, &actor.key),
            })
    }

    /// What the policy alone says of a change.
    pub(crate) fn verdict<'a>(&self, row: RowParts<'a>) -> Verdict<'a> {
        let RowParts { actor, change, enriched, .. } = row;
        let mut verdict = Verdict {
            production_before: self.is_production(enriched.environment_before.as_deref()),
            production_after: self.is_production(enriched.environment.as_deref()),
            ..Verdict::default()
        };
        if enriched.confirms.is_some() {
            return verdict;
        }
        let changed = || enriched.tags.iter().filter(|tag| tag.op != TagOp::Unchanged);
        if change.tags.operation != Some(TagOperation::Create) && changed().next().is_some() {
            let among = |keys: &[String], key: &str| keys.iter().any(|known| known.eq_ignore_ascii_case(key));
            let stays = enriched.environment_before == enriched.environment;
            let protected = |tag: &&TagDelta<'_>| {
                let environment = among(&self.environment_keys, &tag.key);
                let says_the_same = environment && stays && tag.op != TagOp::Removed;
                // Writing a value over one that nobody knows may well be writing the same one again; only an account of
                // production tells that it was another.
                let leaves_production = environment && verdict.production_before && !verdict.production_after;
                let may_be_the_same = tag.op == TagOp::Unknown && !leaves_production;
                among(&self.protected_keys, &tag.key) && !says_the_same && !may_be_the_same
            };
            let keys: Vec<_> = changed().filter(protected).map(|tag| borrow(&tag.key)).collect();
            if !keys.is_empty() && !self.may_set(actor) {
                verdict.protected_keys = keys;
            }
        }
        if change.tags.operation != Some(TagOperation::Create) {
            for tag in changed() {
                let among = |keys: &[String]| keys.iter().any(|known| known.eq_ignore_ascii_case(&tag.key));
                let rewritten = matches!(tag.op, TagOp::Modified | TagOp::Removed);
                if among(&self.access_keys) {
                    verdict.access_keys.push(borrow(&tag.key));
                }
                if tag.op != TagOp::Added && among(&self.automation_keys) {
                    verdict.automation_keys.push(borrow(&tag.key));
                }
                let groups = [&self.access_keys, &self.automation_keys, &self.accounting_keys, &self.protected_keys];
                if groups.into_iter().any(|keys| among(keys)) {
                    verdict.governed_keys.push(borrow(&tag.key));
                    if rewritten {
                        verdict.rewritten_keys.push(borrow(&tag.key));
                    }
                }
            }
        }
        for tag in changed() {
            let allowed = self.allowed_values.get(tag.key.as_ref());
            if let (Some(allowed), Some(new)) = (allowed, &tag.new)
                && !allowed.iter().any(|value| *value == **new)
            {
                verdict.invalid_tags.push(borrow(&tag.key));
            }
        }
        verdict
    }
}

/// What the policy alone says of a change.
#[derive(Debug, Default)]
pub(crate) struct Verdict<'a> {
    pub(crate) production_before: bool,
    pub(crate) production_after: bool,
    /// Protected keys changed by somebody who may not.
    pub(crate) protected_keys: Vec<Text<'a>>,
    /// Keys set, changed or removed that access rights hang on.
    pub(crate) access_keys: Vec<Text<'a>>,
    /// Keys changed or removed that automation obeys.
    pub(crate) automation_keys: Vec<Text<'a>>,
    /// Keys set, changed or removed on which anything hangs.
    pub(crate) governed_keys: Vec<Text<'a>>,
    /// Those of them that had a value, which is known.
    pub(crate) rewritten_keys: Vec<Text<'a>>,
    /// Keys set to a value that is not allowed.
    pub(crate) invalid_tags: Vec<Text<'a>>,
}

impl Verdict<'_> {
    pub(crate) fn production(&self) -> bool {
        self.production_before || self.production_after
    }
}

fn borrow<'a>(text: &'a Text<'_>) -> Text<'a> {
    Text::Borrowed(text)
}

impl Suppression {
    fn patterns(&self) -> [&Option<String>; 5] {
        [&self.kind, &self.actor, &self.resource, &self.account, &self.environment]
    }

    /// Whether the silence holds for this change, its rule left aside.
    pub(crate) fn covers(&self, row: RowParts<'_>) -> bool {
        let RowParts { event, actor, change, enriched } = row;
        let fits_any = |pattern: &Option<String>, texts: &[Option<&str>]| {
            pattern.as_ref().is_none_or(|pattern| texts.iter().any(|text| fits_some(pattern, *text)))
        };
        let name = change.resource_name.as_deref().or(enriched.resource_name.as_deref());
        // A time that does not parse is a fault that stops the start; here it silences nothing.
        Timestamp::parse(&self.until).is_ok_and(|until| event.time < until)
            && fits_any(&self.kind, &[Some(change.kind)])
            && fits_any(&self.actor, &[Some(&actor.key)])
            && fits_any(&self.resource, &[Some(&change.resource_id), change.resource_arn.as_deref(), name])
            && fits_any(&self.account, &[Some(&event.account_id), enriched.account_name.as_deref()])
            && fits_any(&self.environment, &[enriched.environment.as_deref()])
    }

    /// Whether it is this rule that is silenced.
    pub(crate) fn silences(&self, hit: &RuleHit) -> bool {
        self.rule.as_ref().is_some_and(|pattern| fits(pattern, &hit.id) || fits(pattern, &hit.title))
    }

    /// By whom, until when and why, for the row.
    pub(crate) fn by(&self) -> String {
        format!("{} until {}: {}", self.owner, self.until, self.reason)
    }
}

fn fits_some(pattern: &str, text: Option<&str>) -> bool {
    text.is_some_and(|text| fits(pattern, text))
}

/// Whether `text` fits `pattern`, in which `*` stands for any text; upper and lower case are the same.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while let Some(byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(wanted) if wanted.eq_ignore_ascii_case(byte) => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                p = at + 1;
                t = from + 1;
            }
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::{Policy, Suppression, fits};

    #[test]
    fn patterns_fit() {
        for (pattern, text) in
            [("*", ""), ("a*c", "ABBC"), ("*@x", "me@x"), ("i-*", "i-1"), ("a*b*c", "aXbYbZc"), ("", "")]
        {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("a*c", "abcd"), ("", "a"), ("a*b*c", "acb"), ("*x", "xy")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let policy = Policy {
            allowed_values: [("Environment".to_owned(), vec![])].into(),
            suppressions: vec![
                Suppression { until: "tomorrow".into(), owner: " ".into(), ..Suppression::default() },
                Suppression {
                    rule: Some("x".into()),
                    until: "2026-11-21T00:00:00Z".into(),
                    owner: "ana".into(),
                    reason: "migration".into(),
                    ..Suppression::default()
                },
            ],
            ..Policy::default()
        };
        assert_eq!(
            policy.faults(),
            [
                "allowed_values.Environment: found an empty list, wanted at least one value",
                "suppressions[0].until: found `tomorrow`, wanted an RFC 3339 time such as 2026-11-21T03:04:05Z",
                "suppressions[0].owner: found nothing, wanted who answers for the silence",
                "suppressions[0].reason: found nothing, wanted why",
                "suppressions[0]: found no pattern, wanted at least one of rule, kind, actor, resource, account or environment",
            ]
        );
        assert_eq!(Policy::default().faults(), Vec::<String>::new());
    }
}
