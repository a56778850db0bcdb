//! What the operator decides about tags, environments and silence.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The tag policy, as it stands in the config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Tag keys that only some may change once a resource exists; compared without regard to case.
    pub protected_keys: Vec<String>,
    /// Who may change them: patterns with `*` over the actor's key, or `team:`, `role:`, `via:` or `kind:` and a pattern.
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
