//! What the operator knows of the company, as a file: accounts, people, teams, roles, networks, tags.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// An inventory that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("inventory: {path}: {what}")]
pub struct InventoryError {
    /// The member at fault, such as `people[3].team`; `.` for the file as a whole.
    pub path: String,
    /// What was found and what was wanted, with line and column.
    pub what: String,
}

/// The inventory's JSON form. Every member is optional and unknown ones are ignored.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Inventory {
    /// The company's name.
    pub company: Option<String>,
    /// The regions in use.
    pub regions: Vec<String>,
    /// AWS accounts.
    pub accounts: Vec<Account>,
    /// Vendors that may come in from their own accounts: name to account id.
    pub vendors: BTreeMap<String, String>,
    /// Teams.
    pub teams: Vec<Team>,
    /// People.
    pub people: Vec<Person>,
    /// Names of roles that have a meaning.
    pub roles: Roles,
    /// Address ranges.
    pub networks: InventoryNetworks,
    /// What a tag key is for, to its name: `env`, `owner`, `cost`, ...
    pub tag_keys: BTreeMap<String, String>,
    /// Environment to the value that the environment tag has there.
    pub environment_values: BTreeMap<String, String>,
    /// Tags known before the first event.
    pub tags: KnownTags,
}

/// One AWS account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its organisational unit.
    #[serde(default)]
    pub ou: Option<String>,
    /// The environment that its resources belong to unless their tags say otherwise.
    #[serde(default)]
    pub environment: Option<String>,
    /// The team that owns it; else the one team that lists it.
    #[serde(default)]
    pub team: Option<String>,
}

/// One team.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Team {
    /// Its name.
    pub name: String,
    /// IANA time zone.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// The repository whose pipeline deploys for the team: `owner/name`.
    #[serde(default)]
    pub repository: Option<String>,
    /// Ids of the accounts where it works.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// Whether its people always set `sourceIdentity` when they assume a role.
    #[serde(default)]
    pub source_identity: bool,
}

/// One person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Person {
    /// E-mail address; its part before `@` is taken for a session or user name too.
    pub email: String,
    /// Other names that the person signs in by.
    #[serde(default)]
    pub names: Vec<String>,
    /// The team.
    #[serde(default)]
    pub team: Option<String>,
    /// IANA time zone; else the team's.
    #[serde(default)]
    pub time_zone: Option<String>,
}

/// Role names, with `<team>` standing for a team's name and `*` for anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Roles {
    /// Roles of pipelines.
    #[serde(deserialize_with = "one_or_many")]
    pub ci: Vec<String>,
    /// Roles that a team's people assume.
    #[serde(deserialize_with = "one_or_many")]
    pub operator: Vec<String>,
    /// Roles of the company's own automation.
    #[serde(deserialize_with = "one_or_many")]
    pub automation: Vec<String>,
    /// ARNs of IAM users kept for emergencies.
    #[serde(deserialize_with = "one_or_many")]
    pub break_glass_users: Vec<String>,
}

/// Address ranges in CIDR form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct InventoryNetworks {
    /// Office to its range or ranges.
    pub offices: BTreeMap<String, Ranges>,
    /// The VPN's exits.
    #[serde(deserialize_with = "one_or_many")]
    pub vpn: Vec<String>,
    /// NAT gateways.
    #[serde(deserialize_with = "one_or_many")]
    pub nat: Vec<String>,
    /// Pipelines' runners.
    #[serde(deserialize_with = "one_or_many")]
    pub runners: Vec<String>,
    /// Ranges of AWS.
    #[serde(deserialize_with = "one_or_many")]
    pub aws: Vec<String>,
}

/// One range or several.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Ranges(#[serde(deserialize_with = "one_or_many")] pub Vec<String>);

/// Tags by resource ARN: `[{"arn": .., "tags": {..}}]` or `{"<arn>": {..}}`. Each set is taken as complete.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownTags(pub Vec<(String, BTreeMap<String, String>)>);

impl Inventory {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// Text that is no JSON, and members of a wrong type, with the path to them.
    pub fn from_json(bytes: &[u8]) -> Result<Self, InventoryError> {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let inventory = serde_path_to_error::deserialize(&mut reader)
            .map_err(|error| InventoryError { path: error.path().to_string(), what: error.inner().to_string() })?;
        reader.end().map_err(|error| InventoryError { path: ".".to_owned(), what: error.to_string() })?;
        Ok(inventory)
    }
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct OneOrMany;
    impl<'de> Visitor<'de> for OneOrMany {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text or a list of texts")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            Ok(vec![text.to_owned()])
        }

        fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut out = Vec::new();
            while let Some(text) = seq.next_element()? {
                out.push(text);
            }
            Ok(out)
        }
    }
    deserializer.deserialize_any(OneOrMany)
}

impl<'de> Deserialize<'de> for KnownTags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Item {
            arn: String,
            #[serde(default)]
            tags: BTreeMap<String, String>,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = KnownTags;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of {arn, tags} or a map from ARN to tags")
            }

            fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
                Ok(KnownTags::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut out = Vec::new();
                while let Some(Item { arn, tags }) = seq.next_element()? {
                    out.push((arn, tags));
                }
                Ok(KnownTags(out))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut out = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    out.push(pair);
                }
                Ok(KnownTags(out))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::Inventory;

    #[test]
    fn every_member_is_optional_and_unknown_ones_are_ignored() {
        assert_eq!(Inventory::from_json(b"{}").unwrap(), Inventory::default());
        let read = Inventory::from_json(br#"{"watchers": [1], "roles": {"ci": "ci-<team>", "jump": 3}, "people": [{"email": "a@b.example", "city": 1}]}"#).unwrap();
        assert_eq!(read.roles.ci, ["ci-<team>"]);
        assert_eq!(read.people[0].email, "a@b.example");
    }

    #[test]
    fn a_wrong_type_is_named_with_its_path() {
        for (text, path) in [
            (r#"{"people": [{"email": "a@b.example"}, {"email": 5}]}"#, "people[1].email"),
            (r#"{"teams": [{"name": "x", "source_identity": "yes"}]}"#, "teams[0].source_identity"),
            (r#"{"networks": {"offices": {"Oslo": 7}}}"#, "networks.offices.Oslo"),
            (r#"{"tags": {"arn:aws:s3:::b": {"k": 1}}}"#, "tags.arn:aws:s3:::b.k"),
            (r#"{"accounts": {}}"#, "accounts"),
            ("{} x", "."),
        ] {
            let error = Inventory::from_json(text.as_bytes()).unwrap_err();
            assert_eq!(error.path, path, "{error}");
        }
    }

    #[test]
    fn tags_come_as_a_list_or_a_map() {
        let list = Inventory::from_json(br#"{"tags": [{"arn": "arn:aws:s3:::b", "tags": {"k": "v"}}]}"#).unwrap();
        let map = Inventory::from_json(br#"{"tags": {"arn:aws:s3:::b": {"k": "v"}}}"#).unwrap();
        assert_eq!(list.tags, map.tags);
        assert_eq!(list.tags.0[0].1["k"], "v");
    }
}
