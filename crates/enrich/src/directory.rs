//! What the operator knows, compiled for look-ups.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};
use tagwarden_core::{NetworkClass, Text};

use crate::calendar::Calendar;
use crate::environment::Environments;
use crate::inventory::{Account, Inventory, Person, Team};
use crate::network::Networks;
use crate::pattern::{Pattern, any_fits, bytes_of, lower};
use crate::settings::{Settings, TagKeys};

/// Accounts, people, teams, roles, networks and hours. Immutable.
#[derive(Debug)]
pub struct Directory {
    accounts: FxHashMap<String, AccountFacts>,
    vendors: FxHashMap<String, String>,
    teams: Vec<TeamFacts>,
    /// By name in lower case.
    teams_by_name: FxHashMap<String, usize>,
    teams_by_repository: FxHashMap<String, usize>,
    people: Vec<PersonFacts>,
    /// By lower-case address, the part before `@`, and other names.
    people_by_name: FxHashMap<String, usize>,
    ci: Vec<Pattern>,
    operator: Vec<Pattern>,
    automation: Vec<Pattern>,
    break_glass: FxHashSet<String>,
    workload_names: Vec<Pattern>,
    tag_keys: TagKeys,
    required_tags: Vec<String>,
    pub(crate) environments: Environments,
    pub(crate) networks: Networks,
    pub(crate) calendar: Calendar,
}

#[derive(Debug)]
pub(crate) struct AccountFacts {
    pub(crate) name: Option<String>,
    pub(crate) environment: Option<Text<'static>>,
    pub(crate) owner: Option<String>,
}

#[derive(Debug)]
pub(crate) struct TeamFacts {
    pub(crate) name: String,
    /// The bytes of its name, as [`bytes_of`] gives them.
    needs: u64,
    pub(crate) zone: u16,
    pub(crate) source_identity: bool,
}

#[derive(Debug)]
pub(crate) struct PersonFacts {
    pub(crate) email: String,
    pub(crate) team: Option<usize>,
    pub(crate) zone: u16,
}

/// What a role's name tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RoleFacts {
    /// A pipeline's role.
    pub(crate) pipeline: bool,
    /// A pipeline's or an automation's: the same name is the same actor in every account.
    pub(crate) software: bool,
    /// The team in the name.
    pub(crate) team: Option<usize>,
}

/// The inventory's items, each replaced by the config's of the same name, then the config's others; with their paths.
fn merged<'s, T>(
    name: &str,
    settings: &'s [T],
    inventory: &'s [T],
    key: impl Fn(&T) -> String,
    faults: &mut Vec<String>,
) -> Vec<(String, &'s T)> {
    let mut out: Vec<(String, String, &T)> = Vec::new();
    for (prefix, list) in [("inventory.", inventory), ("", settings)] {
        let start = out.len();
        for (i, item) in list.iter().enumerate() {
            let (key, path) = (key(item), format!("{prefix}{name}[{i}]"));
            match out.iter().position(|(known, _, _)| *known == key) {
                _ if key.is_empty() => faults.push(format!("{path}: found an empty name, wanted one")),
                Some(at) if at >= start => faults.push(format!("{path}: found `{key}` again, wanted it once")),
                Some(at) => out[at] = (key, path, item),
                None => out.push((key, path, item)),
            }
        }
    }
    out.into_iter().map(|(_, path, item)| (path, item)).collect()
}

impl Directory {
    /// Compiles config and inventory.
    ///
    /// # Errors
    /// All faults at once, each as `path: found X, wanted Y`; paths are those of the config's part and, with
    /// `inventory.` before them, of the inventory.
    pub fn build(settings: &Settings, inventory: Option<&Inventory>) -> Result<Self, Vec<String>> {
        let empty = Inventory::default();
        let inventory = inventory.unwrap_or(&empty);
        let mut faults = Vec::new();
        let environments = Environments::build(&settings.environment, Some(&inventory.environment_values), &mut faults);
        let networks = networks(settings, inventory, &mut faults);
        let mut calendar = Calendar::build(&settings.time_zone, &settings.business_hours, &mut faults);

        let listed = merged("teams", &settings.teams, &inventory.teams, |t: &Team| t.name.clone(), &mut faults);
        let (mut teams, mut teams_by_name, mut teams_by_repository) =
            (Vec::new(), FxHashMap::default(), FxHashMap::default());
        let mut teams_by_account: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (path, team) in &listed {
            let zone =
                team.time_zone.as_ref().map_or(0, |z| calendar.zone(z, &format!("{path}.time_zone"), &mut faults));
            teams_by_name.insert(team.name.to_ascii_lowercase(), teams.len());
            if let Some(repository) = &team.repository {
                teams_by_repository.insert(repository.to_ascii_lowercase(), teams.len());
            }
            for account in &team.accounts {
                teams_by_account.entry(account).or_default().push(&team.name);
            }
            let needs = bytes_of(&team.name);
            teams.push(TeamFacts { name: team.name.clone(), needs, zone, source_identity: team.source_identity });
        }

        let listed = merged(
            "people",
            &settings.people,
            &inventory.people,
            |p: &Person| p.email.to_ascii_lowercase(),
            &mut faults,
        );
        let (mut people, mut people_by_name) = (Vec::<PersonFacts>::new(), FxHashMap::default());
        let mut ambiguous = FxHashSet::default();
        for (path, person) in &listed {
            let team = person.team.as_ref().and_then(|team| {
                let at = teams_by_name.get(&team.to_ascii_lowercase()).copied();
                // An inventory is exported and may lag; the config is written by hand.
                if at.is_none() && !path.starts_with("inventory.") {
                    faults.push(format!("{path}.team: found `{team}`, wanted one of the teams"));
                }
                at
            });
            let of_team = team.and_then(|at| teams.get(at)).map_or(0, |team| team.zone);
            let zone = person.time_zone.as_ref();
            let zone = zone.map_or(of_team, |z| calendar.zone(z, &format!("{path}.time_zone"), &mut faults));
            let short = person.email.split_once('@').map(|(name, _)| name);
            for name in short.into_iter().chain(person.names.iter().map(String::as_str)) {
                let name = name.to_ascii_lowercase();
                if people_by_name.insert(name.clone(), people.len()).is_some_and(|other| other != people.len()) {
                    ambiguous.insert(name);
                }
            }
            people.push(PersonFacts { email: person.email.clone(), team, zone });
        }
        people_by_name.retain(|name, _| !ambiguous.contains(name));
        for (at, person) in people.iter().enumerate() {
            people_by_name.insert(person.email.to_ascii_lowercase(), at);
        }

        let listed =
            merged("accounts", &settings.accounts, &inventory.accounts, |a: &Account| a.id.clone(), &mut faults);
        let mut accounts = FxHashMap::default();
        for (path, account) in &listed {
            if account.id.len() != 12 || !account.id.bytes().all(|b| b.is_ascii_digit()) {
                faults.push(format!("{path}.id: found `{}`, wanted 12 digits", account.id));
            }
            let Account { name, ou, environment, team, .. } = account;
            let environment = environments.of_account(environment.as_deref(), ou.as_deref(), name.as_deref());
            let owner = team.clone().or_else(|| match teams_by_account.get(account.id.as_str()).map(Vec::as_slice) {
                Some([only]) => Some((*only).to_owned()),
                _ => None,
            });
            accounts.insert(account.id.clone(), AccountFacts { name: name.clone(), environment, owner });
        }

        let patterns =
            |a: &[String], b: &[String]| -> Vec<Pattern> { a.iter().chain(b).map(|p| Pattern::new(p)).collect() };
        let (ours, theirs) = (&settings.roles, &inventory.roles);
        let vendors = inventory.vendors.iter().chain(&settings.vendors);
        let directory = Self {
            accounts,
            vendors: vendors.map(|(name, id)| (id.clone(), name.clone())).collect(),
            teams,
            teams_by_name,
            teams_by_repository,
            people,
            people_by_name,
            ci: patterns(&ours.ci, &theirs.ci),
            operator: patterns(&ours.operator, &theirs.operator),
            automation: patterns(&ours.automation, &theirs.automation),
            break_glass: ours.break_glass_users.iter().chain(&theirs.break_glass_users).cloned().collect(),
            workload_names: patterns(&settings.workload_names, &[]),
            tag_keys: tag_keys(settings, inventory),
            required_tags: settings.required_tags.clone(),
            environments,
            networks,
            calendar,
        };
        if faults.is_empty() { Ok(directory) } else { Err(faults) }
    }

    /// What tag keys are for: the inventory's first, then the config's.
    pub fn tag_keys(&self) -> &TagKeys {
        &self.tag_keys
    }

    /// Keys that every resource must have.
    pub fn required_tags(&self) -> &[String] {
        &self.required_tags
    }

    pub(crate) fn account(&self, id: &str) -> Option<&AccountFacts> {
        self.accounts.get(id)
    }

    /// Whether the account is the company's or a vendor's; nobody is a stranger while no account is named.
    pub(crate) fn knows(&self, account: &str) -> bool {
        self.accounts.is_empty() || self.accounts.contains_key(account) || self.vendors.contains_key(account)
    }

    pub(crate) fn vendor(&self, account: &str) -> Option<&str> {
        self.vendors.get(account).map(String::as_str)
    }

    pub(crate) fn team(&self, at: usize) -> Option<&TeamFacts> {
        self.teams.get(at)
    }

    /// The team whose name is a word of `name`, the longest if there are several: `data` in `data-report-7f3a`.
    pub(crate) fn team_in(&self, name: &str) -> Option<&TeamFacts> {
        let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let (bytes, has) = (name.as_bytes(), bytes_of(name));
        let begins = |at: usize| !is_letter(at.checked_sub(1).and_then(|before| bytes.get(before)));
        let words = || (0..bytes.len()).filter(|at| begins(*at)).filter_map(|at| bytes.get(at..));
        let named = |team: &&TeamFacts| {
            let (possible, team) = (team.needs & !has == 0, team.name.as_bytes());
            possible
                && !team.is_empty()
                && words().any(|rest| rest.starts_with(team) && !is_letter(rest.get(team.len())))
        };
        self.teams.iter().filter(named).max_by_key(|team| team.name.len())
    }

    /// The team that a pipeline's OIDC subject names: `repo:owner/name:...`.
    pub(crate) fn team_of_repository(&self, repository: &str) -> Option<usize> {
        self.teams_by_repository.get(&*lower(repository)).copied()
    }

    /// The person with this address, user name or session name.
    pub(crate) fn person(&self, name: &str) -> Option<&PersonFacts> {
        self.people_by_name.get(&*lower(name)).and_then(|&at| self.people.get(at))
    }

    pub(crate) fn role(&self, name: &str) -> RoleFacts {
        let name = &*lower(name);
        let pipeline = any_fits(&self.ci, name);
        let software = pipeline || any_fits(&self.automation, name);
        let patterns = if pipeline { &self.ci } else { &self.operator };
        let team = patterns.iter().find_map(|pattern| self.teams_by_name.get(pattern.team(name)?));
        RoleFacts { pipeline, software, team: team.copied() }
    }

    /// Whether an IAM user or a session of this name is software, going by the name.
    pub(crate) fn names_workload(&self, name: &str) -> bool {
        any_fits(&self.workload_names, &lower(name))
    }

    pub(crate) fn is_break_glass(&self, arn: &str) -> bool {
        self.break_glass.contains(arn)
    }
}

fn networks(settings: &Settings, inventory: &Inventory, faults: &mut Vec<String>) -> Networks {
    let (ours, theirs) = (&settings.networks, &inventory.networks);
    let mut ranges = Vec::new();
    let mut add = |path: &str, list: &'_ [String], class| {
        ranges.extend(list.iter().enumerate().map(|(i, text)| (format!("{path}[{i}]"), text.clone(), class)));
    };
    add("networks.office", &ours.office, NetworkClass::Office);
    for (office, list) in &theirs.offices {
        add(&format!("inventory.networks.offices.{office}"), &list.0, NetworkClass::Office);
    }
    add("networks.vpn", &ours.vpn, NetworkClass::Vpn);
    add("inventory.networks.vpn", &theirs.vpn, NetworkClass::Vpn);
    add("networks.internal", &ours.internal, NetworkClass::Internal);
    add("inventory.networks.nat", &theirs.nat, NetworkClass::Internal);
    add("inventory.networks.runners", &theirs.runners, NetworkClass::Internal);
    add("networks.aws", &ours.aws, NetworkClass::Aws);
    add("inventory.networks.aws", &theirs.aws, NetworkClass::Aws);
    let ranges: Vec<_> = ranges.iter().map(|(path, text, class)| (path.clone(), text.as_str(), *class)).collect();
    Networks::build(&ranges, faults)
}

fn tag_keys(settings: &Settings, inventory: &Inventory) -> TagKeys {
    let merge = |purpose: &str, ours: &[String]| -> Vec<String> {
        let mut keys: Vec<String> = inventory.tag_keys.get(purpose).into_iter().cloned().collect();
        let new: Vec<_> =
            ours.iter().filter(|key| !keys.iter().any(|k| k.eq_ignore_ascii_case(key))).cloned().collect();
        keys.extend(new);
        keys
    };
    TagKeys {
        environment: merge("env", &settings.tag_keys.environment),
        owner: merge("owner", &settings.tag_keys.owner),
        cost: merge("cost", &settings.tag_keys.cost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(settings: &str, inventory: &str) -> Result<Directory, Vec<String>> {
        let settings: Settings = serde_json::from_str(settings).unwrap();
        Directory::build(&settings, Some(&Inventory::from_json(inventory.as_bytes()).unwrap()))
    }

    #[test]
    fn the_config_replaces_single_items_of_the_inventory() {
        let directory = build(
            r#"{"accounts": [{"id": "000000000001", "name": "new", "environment": "prd"}]}"#,
            r#"{"accounts": [{"id": "000000000001", "name": "old"}, {"id": "000000000002", "name": "other-dev"}],
                "teams": [{"name": "data", "accounts": ["000000000002"]}], "tag_keys": {"env": "Umgebung", "owner": "Team"}}"#,
        )
        .unwrap();
        let first = directory.account("000000000001").unwrap();
        assert_eq!((first.name.as_deref(), first.environment.as_deref()), (Some("new"), Some("prod")));
        let second = directory.account("000000000002").unwrap();
        assert_eq!((second.environment.as_deref(), second.owner.as_deref()), (Some("dev"), Some("data")));
        assert_eq!(directory.tag_keys().environment, ["Umgebung", "environment", "env", "stage"]);
        assert_eq!(directory.tag_keys().owner, ["Team", "owner"]);
    }

    #[test]
    fn people_are_found_by_every_name_that_is_theirs_alone() {
        let directory = build(
            r#"{"people": [{"email": "Eve@x.example", "names": ["adm-eve"]}]}"#,
            r#"{"people": [{"email": "bob@x.example"}, {"email": "bob@y.example"}, {"email": "ann.lee@x.example"}]}"#,
        )
        .unwrap();
        let email = |name: &str| directory.person(name).map(|p| p.email.as_str());
        assert_eq!(email("eve@x.example"), Some("Eve@x.example"));
        assert_eq!(email("ADM-EVE"), Some("Eve@x.example"));
        assert_eq!(email("ann.lee"), Some("ann.lee@x.example"));
        assert_eq!(email("bob"), None);
        assert_eq!(email("bob@y.example"), Some("bob@y.example"));
    }

    #[test]
    fn all_faults_come_at_once() {
        let faults = build(
            r#"{"time_zone": "Nowhere", "networks": {"vpn": ["1.2.3.4/40"]}, "accounts": [{"id": "12"}],
                "people": [{"email": "a@x.example", "team": "none"}]}"#,
            r#"{"people": [{"email": "b@x.example", "team": "none"}], "teams": [{"name": "t"}, {"name": "t"}],
                "networks": {"offices": {"Oslo": "x"}}}"#,
        )
        .unwrap_err();
        for path in [
            "time_zone",
            "networks.vpn[0]",
            "accounts[0].id",
            "people[0].team",
            "inventory.teams[1]",
            "inventory.networks.offices.Oslo[0]",
        ] {
            assert!(faults.iter().any(|fault| fault.starts_with(&format!("{path}: found"))), "{path} in {faults:?}");
        }
        assert_eq!(faults.len(), 6, "{faults:?}");
    }

    #[test]
    fn a_team_is_found_as_a_word_of_a_name() {
        let directory = build("{}", r#"{"teams": [{"name": "data"}, {"name": "data-core"}]}"#).unwrap();
        let found = |name: &str| directory.team_in(name).map(|team| team.name.clone());
        assert_eq!(found("data-report-7f3a").as_deref(), Some("data"));
        assert_eq!(found("prd/data-core/api").as_deref(), Some("data-core"));
        for other in ["database", "mydata", "", "core"] {
            assert_eq!(found(other), None, "{other}");
        }
    }

    #[test]
    fn role_names_tell_pipelines_and_teams() {
        let directory = build(
            "{}",
            r#"{"roles": {"ci": "ci-deploy-<team>", "operator": "<team>-operator", "automation": ["tagger"]}, "teams": [{"name": "data"}]}"#,
        )
        .unwrap();
        assert_eq!(directory.role("ci-deploy-data"), RoleFacts { pipeline: true, software: true, team: Some(0) });
        assert_eq!(directory.role("data-operator"), RoleFacts { pipeline: false, software: false, team: Some(0) });
        assert_eq!(directory.role("tagger"), RoleFacts { pipeline: false, software: true, team: None });
        assert_eq!(directory.role("other-operator"), RoleFacts::default());
    }
}
