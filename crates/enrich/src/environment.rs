//! One name per environment, whatever the company writes into tags and names.

use std::collections::BTreeMap;

use tagwarden_core::Text;

use crate::pattern::{Pattern, lower};
use crate::settings::{EnvironmentSettings, EnvironmentSource};

/// Names that need no allocation.
const KNOWN: [&str; 9] =
    ["prod", "stage", "dev", "test", "sandbox", "shared", "security", "infrastructure", "management"];

/// Spellings and name patterns, compiled.
#[derive(Debug)]
pub(crate) struct Environments {
    pub(crate) order: Vec<EnvironmentSource>,
    spellings: Vec<(String, Text<'static>)>,
    names: Vec<(Pattern, Text<'static>)>,
    ous: BTreeMap<String, Text<'static>>,
}

fn word(name: &str) -> Text<'static> {
    let lower = name.trim().to_ascii_lowercase();
    KNOWN.iter().find(|known| **known == lower).map_or(Text::Owned(lower), |known| Text::Borrowed(known))
}

impl Environments {
    /// Config first, then the defaults, then what the inventory says that tags are set to; the first to claim a
    /// spelling has it.
    pub(crate) fn build(
        settings: &EnvironmentSettings,
        values: Option<&BTreeMap<String, String>>,
        faults: &mut Vec<String>,
    ) -> Self {
        let mut spellings: Vec<(String, Text<'static>)> = Vec::new();
        let claim = |spellings: &mut Vec<(String, Text<'static>)>, spelling: &str, name: &str| {
            let spelling = spelling.trim().to_ascii_lowercase();
            let free = !spelling.is_empty() && spellings.iter().all(|(taken, _)| *taken != spelling);
            if free {
                spellings.push((spelling, word(name)));
            }
            free
        };
        for name in settings.aliases.keys() {
            claim(&mut spellings, name, name);
        }
        for (name, listed) in &settings.aliases {
            for (i, spelling) in listed.iter().enumerate() {
                if !claim(&mut spellings, spelling, name) && !spelling.trim().eq_ignore_ascii_case(name.trim()) {
                    let path = format!("environment.aliases.{name}[{i}]");
                    faults.push(format!("{path}: found `{spelling}`, wanted a spelling that no other environment has"));
                }
            }
        }
        for (name, listed) in EnvironmentSettings::DEFAULT_ALIASES {
            for spelling in listed.iter().filter(|_| !settings.aliases.contains_key(*name)) {
                claim(&mut spellings, spelling, name);
            }
        }
        for (name, value) in values.into_iter().flatten() {
            claim(&mut spellings, value, name);
        }
        if settings.order.is_empty() {
            faults.push("environment.order: found nothing, wanted at least one of tags, account, name".to_owned());
        }
        let mut environments =
            Self { order: settings.order.clone(), spellings, names: Vec::new(), ous: BTreeMap::new() };
        for (i, rule) in settings.names.iter().enumerate() {
            match environments.normalise(&rule.environment) {
                Some(name) => environments.names.push((Pattern::new(&rule.pattern), name)),
                None => faults.push(format!("environment.names[{i}].environment: found nothing, wanted a name")),
            }
        }
        for (ou, name) in &settings.ous {
            match environments.normalise(name) {
                Some(name) => _ = environments.ous.insert(ou.clone(), name),
                None => faults.push(format!("environment.ous.{ou}: found nothing, wanted an environment")),
            }
        }
        environments
    }

    fn spelling(&self, value: &str) -> Option<Text<'static>> {
        let found = self.spellings.iter().find(|(spelling, _)| spelling.eq_ignore_ascii_case(value));
        found.map(|(_, name)| name.clone())
    }

    /// The normalised name of a tag's value; `None` for blank text.
    pub(crate) fn normalise(&self, value: &str) -> Option<Text<'static>> {
        let value = value.trim();
        if value.is_empty() { None } else { Some(self.spelling(value).unwrap_or_else(|| word(value))) }
    }

    /// What a resource's name tells: a pattern, else the first word that spells an environment.
    pub(crate) fn of_name(&self, name: &str) -> Option<Text<'static>> {
        let listed = || {
            let lower = lower(name);
            self.names.iter().find(|(pattern, _)| pattern.fits(&lower)).map(|(_, name)| name.clone())
        };
        let listed = if self.names.is_empty() { None } else { listed() };
        listed.or_else(|| name.split(|c: char| !c.is_alphanumeric()).find_map(|word| self.spelling(word)))
    }

    /// What an account's facts tell: its own environment, its organisational unit, its name.
    pub(crate) fn of_account(&self, own: Option<&str>, ou: Option<&str>, name: Option<&str>) -> Option<Text<'static>> {
        let own = own.and_then(|own| self.normalise(own));
        own.or_else(|| self.ous.get(ou?).cloned()).or_else(|| self.of_name(ou?)).or_else(|| self.of_name(name?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(json: &str, values: &str) -> (Environments, Vec<String>) {
        let mut faults = Vec::new();
        let values: BTreeMap<String, String> = serde_json::from_str(values).unwrap();
        (Environments::build(&serde_json::from_str(json).unwrap(), Some(&values), &mut faults), faults)
    }

    #[test]
    fn every_spelling_leads_to_one_name() {
        let (environments, faults) =
            build("{}", r#"{"prod": "prd", "shared": "prd", "security": "sec-x", "dev": "d1"}"#);
        assert_eq!(faults, Vec::<String>::new());
        let name = |value: &str| environments.normalise(value).map(Text::into_owned);
        for (value, wanted) in [
            ("PRD", "prod"),
            (" Production ", "prod"),
            ("stg", "stage"),
            ("sec-x", "security"),
            ("D1", "dev"),
            ("Blue", "blue"),
        ] {
            assert_eq!(name(value).as_deref(), Some(wanted), "{value}");
        }
        assert_eq!(name(" "), None);
    }

    #[test]
    fn config_replaces_the_defaults_of_a_name() {
        let (environments, faults) = build(r#"{"aliases": {"prod": ["live"], "old": ["prd"]}}"#, "{}");
        assert_eq!(faults, Vec::<String>::new());
        assert_eq!(environments.normalise("prd").as_deref(), Some("old"));
        assert_eq!(environments.normalise("production").as_deref(), Some("production"));
        let (_, faults) = build(r#"{"aliases": {"a": ["x"], "b": ["X"]}, "order": []}"#, "{}");
        assert_eq!(faults.len(), 2, "{faults:?}");
    }

    #[test]
    fn names_and_accounts_tell() {
        let (environments, _) =
            build(r#"{"names": [{"pattern": "p-*", "environment": "prd"}], "ous": {"Core": "prod"}}"#, "{}");
        assert_eq!(environments.of_name("p-dev-1").as_deref(), Some("prod"));
        assert_eq!(environments.of_name("api_stg_1").as_deref(), Some("stage"));
        assert_eq!(environments.of_name("delivery"), None);
        assert_eq!(environments.of_account(Some("dev"), Some("Core"), None).as_deref(), Some("dev"));
        assert_eq!(environments.of_account(None, Some("Core"), Some("x-dev")).as_deref(), Some("prod"));
        assert_eq!(environments.of_account(None, Some("workloads-stage"), Some("x-dev")).as_deref(), Some("stage"));
        assert_eq!(environments.of_account(None, None, Some("x-dev")).as_deref(), Some("dev"));
    }
}
