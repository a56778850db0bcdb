//! What the config says about who, where, whose and when.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::inventory::{Account, Person, Roles, Team};

/// The config's part on actors, environments, owners, networks and hours. Every key has a default.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How a resource's environment is found.
    pub environment: EnvironmentSettings,
    /// What tag keys are for.
    pub tag_keys: TagKeys,
    /// Keys that every resource must have, spelled exactly.
    pub required_tags: Vec<String>,
    /// Address ranges in CIDR form, beside the inventory's.
    pub networks: NetworkSettings,
    /// Business hours, in local time.
    pub business_hours: BusinessHours,
    /// IANA time zone of actors about whom nothing is known.
    pub time_zone: String,
    /// Names of IAM users that are software, `*` standing for anything; case does not matter.
    pub workload_names: Vec<String>,
    /// Accounts; an account listed here replaces the inventory's of the same id.
    pub accounts: Vec<Account>,
    /// People; a person listed here replaces the inventory's of the same address.
    pub people: Vec<Person>,
    /// Teams; a team listed here replaces the inventory's of the same name.
    pub teams: Vec<Team>,
    /// Vendors, name to account id, beside the inventory's.
    pub vendors: BTreeMap<String, String>,
    /// Role names, beside the inventory's.
    pub roles: Roles,
}

/// How a resource's environment is found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EnvironmentSettings {
    /// The sources to ask, first answer wins.
    pub order: Vec<EnvironmentSource>,
    /// Normalised name to the spellings that mean it; case does not matter. Listed names replace the defaults'.
    pub aliases: BTreeMap<String, Vec<String>>,
    /// Names of resources that tell the environment, `*` standing for anything; asked in order, before the words of a
    /// name are compared with the aliases.
    pub names: Vec<NamePattern>,
    /// Organisational unit to environment, for accounts that name none.
    pub ous: BTreeMap<String, String>,
}

/// Where an environment may be read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EnvironmentSource {
    /// The resource's own environment tag.
    Tags,
    /// The account, else its organisational unit.
    Account,
    /// The resource's name.
    Name,
}

/// A name that tells the environment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamePattern {
    /// The name, `*` standing for anything.
    pub pattern: String,
    /// The environment.
    pub environment: String,
}

/// What tag keys are for. Case does not matter; the first key that a resource has counts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TagKeys {
    /// Keys that hold the environment; the inventory's `env` goes before them.
    pub environment: Vec<String>,
    /// Keys that hold the owner; the inventory's `owner` goes before them.
    pub owner: Vec<String>,
    /// Keys that hold the cost centre; the inventory's `cost` goes before them.
    pub cost: Vec<String>,
}

/// Address ranges in CIDR form; an address alone is a range of one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkSettings {
    /// Offices.
    pub office: Vec<String>,
    /// The VPN's exits.
    pub vpn: Vec<String>,
    /// The company's own addresses in AWS.
    pub internal: Vec<String>,
    /// Ranges of AWS (`ip-ranges.json`).
    pub aws: Vec<String>,
}

/// Business hours.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BusinessHours {
    /// First hour, 0..=23.
    pub start: u8,
    /// The hour after the last, 1..=24.
    pub end: u8,
    /// Working days: `mon` to `sun`.
    pub weekdays: Vec<String>,
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            environment: EnvironmentSettings::default(),
            tag_keys: TagKeys::default(),
            required_tags: Vec::new(),
            networks: NetworkSettings::default(),
            business_hours: BusinessHours::default(),
            time_zone: "UTC".to_owned(),
            workload_names: owned(&[
                "svc-*",
                "svc_*",
                "srv-*",
                "sa-*",
                "app-*",
                "ci-*",
                "cd-*",
                "bot-*",
                "*-bot",
                "*-ci",
                "*-svc",
                "*-sa",
                "*-service",
                "*automation*",
                "*terraform*",
                "*jenkins*",
                "*github*",
                "*gitlab*",
                "*deploy*",
                "ses-smtp*",
            ]),
            accounts: Vec::new(),
            people: Vec::new(),
            teams: Vec::new(),
            vendors: BTreeMap::new(),
            roles: Roles::default(),
        }
    }
}

impl Default for EnvironmentSettings {
    fn default() -> Self {
        Self {
            order: vec![EnvironmentSource::Tags, EnvironmentSource::Account, EnvironmentSource::Name],
            aliases: BTreeMap::new(),
            names: Vec::new(),
            ous: BTreeMap::new(),
        }
    }
}

impl EnvironmentSettings {
    /// The spellings that are understood unless [`aliases`](Self::aliases) replaces them.
    pub const DEFAULT_ALIASES: &'static [(&'static str, &'static [&'static str])] = &[
        ("prod", &["prod", "prd", "production", "live"]),
        ("stage", &["stage", "stg", "staging", "preprod", "pre-prod", "uat"]),
        ("dev", &["dev", "develop", "development"]),
        ("test", &["test", "tst", "testing", "qa", "integration"]),
        ("sandbox", &["sandbox", "sbx", "playground"]),
    ];
}

impl Default for TagKeys {
    fn default() -> Self {
        Self {
            environment: owned(&["environment", "env", "stage"]),
            owner: owned(&["owner", "team"]),
            cost: owned(&["cost-center", "costcenter", "cost_center"]),
        }
    }
}

impl Default for BusinessHours {
    fn default() -> Self {
        Self { start: 8, end: 18, weekdays: owned(&["mon", "tue", "wed", "thu", "fri"]) }
    }
}
