//! The rules in force: read, compiled, kept as text for the record.

use std::path::{Path, PathBuf};

use tagwarden_core::{Event, RuleHit};

/// What is wrong with one rule file, as `path:line: found X, wanted Y`.
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

/// Compiled rules.
#[derive(Debug, Default)]
pub struct Rules {}

impl Rules {
    /// The rules that come with Tagwarden.
    ///
    /// # Errors
    /// Never in a released build: a test compiles them.
    pub fn shipped() -> Result<Self, RuleError> {
        Ok(Self::none())
    }

    /// No rules: only policy and baseline judge.
    pub fn none() -> Self {
        Self::default()
    }

    /// Every `*.yml` and `*.yaml` under `dir`, recursively, in order of path.
    ///
    /// # Errors
    /// Every fault of every file at once.
    pub fn load_dir(_dir: &Path) -> Result<Self, Vec<RuleFault>> {
        Ok(Self::none())
    }

    /// The texts of all rules in order of path: what is hashed and stored under `_versions`.
    pub fn version_text(&self) -> String {
        String::new()
    }

    /// The rules that [`Self::version_text`] gave.
    ///
    /// # Errors
    /// Text of another form, and rules that do not compile.
    pub fn from_version_text(_text: &str) -> Result<Self, RuleError> {
        Ok(Self::none())
    }

    /// How many rules and correlations there are.
    pub fn len(&self) -> usize {
        0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds the hits of those rules that read the event alone; called once per event, reads included.
    pub fn match_event(&self, _event: &Event<'_>, _out: &mut Vec<RuleHit>) {}
}
