//! The company: accounts, teams, people, networks and tag conventions, all drawn from the seed.

use crate::calendar::{Day, Zone};
use crate::names::{
    ACCOUNTS, BROWSERS, CITIES, COMPANIES, FAMILY, FINANCE, GIVEN, PLATFORM, SECURITY, SHELLS, TEAMS, VENDORS,
};
use crate::rng::Rng;
use crate::spec::Spec;

/// Who and what exists before the first event.
#[derive(Debug, Clone)]
pub struct Company {
    pub(crate) name: String,
    pub(crate) seed: u64,
    pub(crate) accounts: Vec<Account>,
    pub(crate) teams: Vec<Team>,
    pub(crate) people: Vec<Person>,
    /// Name and account id of firms that are let in.
    pub(crate) vendors: Vec<(&'static str, String)>,
    pub(crate) networks: Networks,
    pub(crate) keys: TagKeys,
}

/// What an account is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Prod,
    Staging,
    Dev,
    Sandbox,
    Security,
    Shared,
}

impl Stage {
    /// The word in the inventory's `accounts[].environment`.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Prod => "prod",
            Self::Staging => "stage",
            Self::Dev => "dev",
            Self::Sandbox => "sandbox",
            Self::Security => "security",
            Self::Shared => "shared",
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) ou: &'static str,
    pub(crate) stage: Stage,
    /// The eight letters that all key and principal ids of the account share.
    pub(crate) block: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Team {
    pub(crate) name: &'static str,
    pub(crate) zone: Zone,
    pub(crate) region: &'static str,
    pub(crate) cost_center: String,
    pub(crate) repository: String,
    pub(crate) accounts: &'static [usize],
    /// Whether the team's role chains carry a `sourceIdentity`.
    pub(crate) source_identity: bool,
    pub(crate) apps: &'static [&'static str],
    /// Indexes into the people.
    pub(crate) members: Vec<usize>,
}

#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) email: String,
    /// The part of the address before the `@`.
    pub(crate) short: String,
    pub(crate) team: usize,
    pub(crate) role: &'static str,
    pub(crate) zone: Zone,
    pub(crate) city: &'static str,
    pub(crate) first_day: Option<Day>,
    pub(crate) last_day: Option<Day>,
    pub(crate) permission_set: &'static str,
    pub(crate) home: String,
    pub(crate) browser: &'static str,
    pub(crate) shell: &'static str,
    /// Of a hundred sessions, how many are in the console.
    pub(crate) console: usize,
    /// Of a hundred sessions, how many come from home; the others from the office or the VPN.
    pub(crate) remote: usize,
}

impl Person {
    pub(crate) fn works_on(&self, day: Day) -> bool {
        self.first_day.is_none_or(|first| first <= day) && self.last_day.is_none_or(|last| day <= last)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Networks {
    /// City and the first three octets of its /24, of which the office has the lowest 32 addresses.
    pub(crate) offices: Vec<(&'static str, String)>,
    pub(crate) vpn: Vec<String>,
    pub(crate) nat: Vec<String>,
    pub(crate) runners: Vec<String>,
}

/// The company's tag keys and its words for the stages.
#[derive(Debug, Clone)]
pub(crate) struct TagKeys {
    pub(crate) env: &'static str,
    pub(crate) owner: &'static str,
    pub(crate) cost: &'static str,
    pub(crate) app: &'static str,
    pub(crate) backup: &'static str,
    pub(crate) sched: &'static str,
    pub(crate) class: &'static str,
    pub(crate) access: &'static str,
    stages: [&'static str; 4],
}

impl TagKeys {
    /// The value of the environment tag for a stage.
    pub(crate) fn stage(&self, stage: Stage) -> &'static str {
        match stage {
            Stage::Prod | Stage::Security | Stage::Shared => self.stages[0],
            Stage::Staging => self.stages[1],
            Stage::Dev => self.stages[2],
            Stage::Sandbox => self.stages[3],
        }
    }
}

const KEY_STYLES: [TagKeys; 3] = [
    TagKeys {
        env: "Environment",
        owner: "Owner",
        cost: "CostCenter",
        app: "Application",
        backup: "BackupPlan",
        sched: "Schedule",
        class: "DataClass",
        access: "AccessGroup",
        stages: ["production", "staging", "development", "sandbox"],
    },
    TagKeys {
        env: "env",
        owner: "team",
        cost: "cost-center",
        app: "service",
        backup: "backup",
        sched: "schedule",
        class: "data-class",
        access: "access-group",
        stages: ["prod", "stage", "dev", "play"],
    },
    TagKeys {
        env: "ops:environment",
        owner: "ops:team",
        cost: "finance:cost-center",
        app: "ops:application",
        backup: "ops:backup",
        sched: "ops:schedule",
        class: "security:data-class",
        access: "security:access-group",
        stages: ["prd", "stg", "dev", "sbx"],
    },
];

pub(crate) const BACKUP_VALUES: [&str; 3] = ["daily-35", "daily-7", "none"];
pub(crate) const SCHEDULE_VALUES: [&str; 2] = ["weekdays", "always"];

const fn region_of(zone: Zone) -> &'static str {
    match zone {
        Zone::Lisbon => "eu-west-1",
        Zone::Toronto => "ca-central-1",
        Zone::Singapore => "ap-southeast-1",
    }
}

pub(crate) const REGIONS: [&str; 3] = ["eu-west-1", "ca-central-1", "ap-southeast-1"];

impl Company {
    /// The company of this spec.
    pub fn new(spec: &Spec) -> Self {
        let mut rng = Rng::new(spec.seed ^ 0xC0_4A_22);
        let name = (*rng.pick(COMPANIES)).to_owned();
        let keys = rng.pick(&KEY_STYLES).clone();
        let accounts = ACCOUNTS
            .iter()
            .map(|&(account, ou, stage)| Account {
                id: account_id(&mut rng),
                name: format!("{name}-{account}"),
                ou,
                stage,
                block: rng.upper(8),
            })
            .collect();
        let vendors = VENDORS.iter().map(|&vendor| (vendor, account_id(&mut rng))).collect();
        let networks = networks(&mut rng);
        let mut teams: Vec<Team> = TEAMS
            .iter()
            .map(|row| Team {
                name: row.name,
                zone: row.zone,
                region: region_of(row.zone),
                cost_center: format!("{}", rng.between(2100, 9899)),
                repository: format!("{name}/{}-live", row.name),
                accounts: row.accounts,
                source_identity: row.source_identity,
                apps: row.apps,
                members: Vec::new(),
            })
            .collect();
        let people = people(&mut rng, spec, &name, &mut teams);
        Self { name, seed: spec.seed, accounts, teams, people, vendors, networks, keys }
    }

    /// A number that belongs to a name for the whole run, so that ids derived from it stay the same.
    pub(crate) fn rng_for(&self, parts: &[&str]) -> Rng {
        let mut hash = 0xCBF2_9CE4_8422_2325_u64 ^ self.seed.rotate_left(17);
        for byte in parts.iter().flat_map(|part| part.bytes().chain([0])) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
        Rng::new(hash)
    }

    /// The `AROA…` id of a role, the same each time.
    pub(crate) fn role_id(&self, account: usize, role: &str) -> String {
        let account = &self.accounts[account];
        format!("AROA{}{}", account.block, self.rng_for(&[&account.id, role]).upper(9))
    }

    /// The name of the role behind a permission set in an account.
    pub(crate) fn sso_role(&self, account: usize, permission_set: &str) -> String {
        let suffix = self.rng_for(&[&self.accounts[account].id, permission_set, "sso"]).hex(16);
        format!("AWSReservedSSO_{permission_set}_{suffix}")
    }

    /// The arn of the account's SAML provider.
    pub(crate) fn saml_provider(&self, account: usize) -> String {
        let id = &self.accounts[account].id;
        format!("arn:aws:iam::{id}:saml-provider/AWSSSO_{}_DO_NOT_DELETE", self.rng_for(&[id, "saml"]).hex(16))
    }

    /// Stage accounts of a team that have this stage.
    pub(crate) fn account_of(&self, team: usize, stage: Stage) -> Option<usize> {
        self.teams[team].accounts.iter().copied().find(|&account| self.accounts[account].stage == stage)
    }

    /// Teams that run something in production.
    pub(crate) fn product_teams(&self) -> Vec<usize> {
        (0..self.teams.len()).filter(|&team| self.account_of(team, Stage::Prod).is_some()).collect()
    }
}

fn account_id(rng: &mut Rng) -> String {
    format!("{}{}", rng.between(1, 9), rng.digits(11))
}

fn networks(rng: &mut Rng) -> Networks {
    let mut address = |prefix: &str| format!("{prefix}.{}.{}", rng.between(1, 250), rng.between(2, 250));
    let vpn = vec![address("34.249"), address("15.222"), address("13.228")];
    let nat = vec![
        address("54.77"),
        address("54.78"),
        address("3.96"),
        address("3.97"),
        address("18.138"),
        address("18.139"),
    ];
    let runners = vec![address("52.210"), address("52.211")];
    let offices = [("Lisbon", "62.28"), ("Toronto", "207.164"), ("Singapore", "203.116")]
        .map(|(city, prefix)| (city, format!("{prefix}.{}", rng.between(1, 250))))
        .to_vec();
    Networks { offices, vpn, nat, runners }
}

fn people(rng: &mut Rng, spec: &Spec, company: &str, teams: &mut [Team]) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::new();
    for (index, row) in TEAMS.iter().enumerate() {
        for seat in 0..row.size {
            let short = loop {
                let short = format!("{}.{}", rng.pick(GIVEN), rng.pick(FAMILY));
                if people.iter().all(|person| person.short != short) {
                    break short;
                }
            };
            let (role, permission_set) = match (index, seat) {
                (SECURITY, _) => ("security", "SecurityAdmin"),
                (FINANCE, _) => ("finance", "CostSteward"),
                (PLATFORM, 0..=2) => ("sre", "PlatformOwner"),
                (_, 0) => ("lead", "EngineerAccess"),
                (_, 1 | 2) => ("sre", "OperationsAccess"),
                (_, 3) if row.size > 6 => ("analyst", "ReadOnlyAccess"),
                _ => ("engineer", "EngineerAccess"),
            };
            let cities: Vec<_> = CITIES.iter().filter(|city| city.1 == row.zone).collect();
            let &&(city, zone, prefixes) = rng.pick(&cities);
            let home = format!("{}.{}.{}", rng.pick(prefixes), rng.between(1, 250), rng.between(2, 250));
            // The last two seats move: a newcomer and a leaver now and then, as in any company.
            let half = i64::from(spec.days / 2);
            let newcomer = seat + 1 == row.size && row.size > 6 && rng.chance(50);
            let leaver = seat + 2 == row.size && row.size > 6 && rng.chance(30);
            teams[index].members.push(people.len());
            people.push(Person {
                email: format!("{short}@{company}.example"),
                short,
                team: index,
                role,
                zone,
                city,
                first_day: newcomer.then(|| spec.start.plus(rng.between(2, 2 + half))),
                last_day: leaver.then(|| spec.start.plus(rng.between(half, i64::from(spec.days)))),
                permission_set,
                home,
                browser: BROWSERS[rng.below(BROWSERS.len())],
                shell: SHELLS[rng.below(SHELLS.len())],
                console: if role == "finance" { 100 } else { usize::try_from(rng.between(15, 85)).unwrap_or(50) },
                remote: usize::try_from(rng.between(5, 70)).unwrap_or(30),
            });
        }
    }
    people
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_of_the_size_asked_for() {
        let company = Company::new(&Spec::new(3, 30));
        assert!((10..=16).contains(&company.accounts.len()));
        assert!((40..=80).contains(&company.people.len()));
        assert!(company.teams.iter().all(|team| team.accounts.iter().all(|&at| at < company.accounts.len())));
        assert!(company.accounts.iter().all(|account| account.id.len() == 12));
    }

    #[test]
    fn ids_of_a_role_stay_and_differ_between_accounts() {
        let company = Company::new(&Spec::new(3, 30));
        assert_eq!(company.role_id(5, "x"), company.role_id(5, "x"));
        assert_ne!(company.role_id(5, "x"), company.role_id(6, "x"));
        assert_eq!(company.role_id(5, "x").len(), 21);
    }
}
