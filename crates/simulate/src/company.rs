//! The company: accounts, teams, people, networks and habits, all drawn from the seed.

use crate::calendar::{Day, Zone};
use crate::names::{
    COMPANIES, CORE_ACCOUNTS, CORE_TEAMS, FAR_REGIONS, FINANCE, PRODUCTS, Product, TERRAFORMS, VENDORS,
};
use crate::people::{Person, hire};
use crate::places::{PLACES, Place};
use crate::rng::Rng;
use crate::roster;
use crate::spec::Spec;
use crate::words::{TagKeys, Words, tag_keys, words};

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
    pub(crate) regions: Vec<&'static str>,
    pub(crate) keys: TagKeys,
    pub(crate) words: Words,
    pub(crate) habits: Habits,
    /// Days off for everybody in a zone.
    pub(crate) holidays: Vec<(Zone, Day)>,
    pub(crate) newborn: Option<Newborn>,
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

/// An account that is founded during the run, and the team that builds it up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Newborn {
    pub(crate) account: usize,
    pub(crate) team: usize,
    pub(crate) day: Day,
}

#[derive(Debug, Clone)]
pub(crate) struct Team {
    pub(crate) name: &'static str,
    pub(crate) zone: Zone,
    pub(crate) region: &'static str,
    pub(crate) cost_center: String,
    pub(crate) repository: String,
    pub(crate) accounts: Vec<usize>,
    /// Whether the team's role chains carry a `sourceIdentity`.
    pub(crate) source_identity: bool,
    pub(crate) apps: &'static [&'static str],
    /// Indexes into the people.
    pub(crate) members: Vec<usize>,
}

#[derive(Debug, Clone)]
pub(crate) struct Networks {
    /// City and the first three octets of its /24, of which the office has the lowest 32 addresses.
    pub(crate) offices: Vec<(&'static str, String)>,
    pub(crate) vpn: Vec<String>,
    pub(crate) nat: Vec<String>,
    pub(crate) runners: Vec<String>,
}

/// How much of what happens here, in percent of what is usual elsewhere, and when.
#[derive(Debug, Clone)]
pub(crate) struct Habits {
    /// One for each row of the mix of acts.
    pub(crate) mix: [usize; 11],
    /// Of a hundred releases, how many write the tags of the whole stack.
    pub(crate) whole: usize,
    /// Of a hundred versions in staging, how many go on to production.
    pub(crate) promote: usize,
    /// The hour at which most have begun.
    pub(crate) start_hour: i64,
    /// Of a hundred nights, how many have work for the on-call.
    pub(crate) nights: usize,
    pub(crate) cost_moves: usize,
    /// The region that gets a copy of the backups, though nothing runs there.
    pub(crate) second_home: Option<&'static str>,
    /// Whether the chain into a role carries the team as a session tag.
    pub(crate) session_tags: bool,
    /// From when on the pipelines run another version of Terraform.
    pub(crate) upgrade: Option<(Day, &'static str)>,
}

impl Company {
    /// The company of this spec.
    pub fn new(spec: &Spec) -> Self {
        let mut rng = Rng::new(spec.seed ^ 0xC0_4A_22);
        let name = (*rng.pick(COMPANIES)).to_owned();
        let (keys, words) = (tag_keys(&mut rng), words(&mut rng));
        let mut places: Vec<&Place> = PLACES.iter().collect();
        rng.shuffle(&mut places);
        let offices = if rng.chance(30) { 2 } else { 3 };
        places.truncate(offices);
        let mut products: Vec<&Product> = PRODUCTS.iter().collect();
        rng.shuffle(&mut products);
        let lines = rng.below(3) + 2;
        products.truncate(lines);
        let mut accounts = Vec::new();
        let mut found = |rng: &mut Rng, account: &str, ou: &'static str, stage: Stage| {
            let (id, name) = (account_id(rng), format!("{name}-{account}"));
            accounts.push(Account { id, name, ou, stage, block: rng.upper(8) });
            accounts.len() - 1
        };
        for (account, ou, stage) in CORE_ACCOUNTS {
            found(&mut rng, account, ou, stage);
        }
        let mut seats: Vec<(&'static str, Vec<usize>, &'static [&'static str])> =
            CORE_TEAMS.iter().map(|&(names, accounts, apps)| (*rng.pick(names), accounts.to_vec(), apps)).collect();
        for (index, (line, rows)) in products.iter().enumerate() {
            let mut own = vec![found(&mut rng, &format!("{line}-prod"), "Workloads/Production", Stage::Prod)];
            // Four lines with all three stages each would be more than a company of this size has.
            if (index == 0 || lines < 4) && rng.chance(80) {
                own.push(found(&mut rng, &format!("{line}-stage"), "Workloads/Staging", Stage::Staging));
            }
            own.push(found(&mut rng, &format!("{line}-dev"), "Workloads/Development", Stage::Dev));
            let both = lines < 3 || rng.chance(60);
            for (team, apps) in rows.iter().take(if both { 2 } else { 1 }) {
                seats.push((*team, own.clone(), *apps));
            }
        }
        let sandbox = found(&mut rng, "playground", "Sandbox", Stage::Sandbox);
        if let Some(last) = seats.last_mut() {
            last.1.push(sandbox);
        }
        let newborn = newborn(&mut rng, spec, seats.len());
        if newborn.is_some() {
            let (name, ou, stage) = *rng.pick(&[
                ("venture-dev", "Workloads/Development", Stage::Dev),
                ("venture-prod", "Workloads/Production", Stage::Prod),
            ]);
            found(&mut rng, name, ou, stage);
        }
        let newborn = newborn.map(|(team, day)| Newborn { account: accounts.len() - 1, team, day });
        let mut vendors = VENDORS.to_vec();
        rng.shuffle(&mut vendors);
        vendors.truncate(3);
        let vendors = vendors.into_iter().map(|vendor| (vendor, account_id(&mut rng))).collect();
        let networks = networks(&mut rng, &places);
        let mut teams: Vec<Team> = seats
            .into_iter()
            .enumerate()
            .map(|(index, (team, accounts, apps))| {
                // The platform is where the company began; the others are where there was room.
                let place = if index <= FINANCE { places[0] } else { places[(index + offices) % offices] };
                Team {
                    name: team,
                    zone: place.zone,
                    region: place.region,
                    cost_center: words.cost_center(&mut rng),
                    repository: words.repository(&name, team),
                    accounts,
                    source_identity: rng.chance(60),
                    apps,
                    members: Vec::new(),
                }
            })
            .collect();
        let mut people = hire(&mut rng, spec, &name, &mut teams);
        let holidays = roster::draw(&mut rng, spec, &mut people, &places);
        let habits = habits(&mut rng, spec);
        let regions = places.iter().map(|place| place.region).collect();
        let seed = spec.seed;
        Self { name, seed, accounts, teams, people, vendors, networks, regions, keys, words, habits, holidays, newborn }
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

    /// The account of a team that has this stage.
    pub(crate) fn account_of(&self, team: usize, stage: Stage) -> Option<usize> {
        self.teams[team].accounts.iter().copied().find(|&account| self.accounts[account].stage == stage)
    }

    /// All accounts of a stage that were there on the first morning.
    pub(crate) fn accounts_in(&self, stage: Stage) -> Vec<usize> {
        let old = |at: usize| self.newborn.is_none_or(|newborn| newborn.account != at);
        (0..self.accounts.len()).filter(|&at| self.accounts[at].stage == stage && old(at)).collect()
    }

    /// Teams that run something in production.
    pub(crate) fn product_teams(&self) -> Vec<usize> {
        (0..self.teams.len()).filter(|&team| self.account_of(team, Stage::Prod).is_some()).collect()
    }

    /// Whether the person can be met at work on that day, weekends aside.
    pub(crate) fn at_work(&self, person: usize, day: Day) -> bool {
        let person = &self.people[person];
        person.employed_on(day)
            && person.dormant_from.is_none_or(|from| day < from)
            && person.away.iter().all(|&(first, last)| !(first..=last).contains(&day))
            && !self.holidays.contains(&(person.zone_on(day), day))
    }
}

fn account_id(rng: &mut Rng) -> String {
    format!("{}{}", rng.between(1, 9), rng.digits(11))
}

fn newborn(rng: &mut Rng, spec: &Spec, teams: usize) -> Option<(usize, Day)> {
    // Too short a run has no room for an account to grow up in.
    if spec.days < 14 || !rng.chance(75) {
        return None;
    }
    let team = FINANCE + 1 + rng.below(teams - FINANCE - 1);
    Some((team, spec.start.plus(rng.between(5, i64::from(spec.days) - 6))))
}

fn habits(rng: &mut Rng, spec: &Spec) -> Habits {
    let upgraded = spec.days > 14 && rng.chance(50);
    let upgrade = upgraded.then(|| {
        let day = spec.start.plus(rng.between(4, i64::from(spec.days) - 2));
        (day, TERRAFORMS[rng.below(TERRAFORMS.len())])
    });
    let second_home = rng.chance(45).then(|| FAR_REGIONS[rng.below(FAR_REGIONS.len())]);
    let mut percent = |low, high| usize::try_from(rng.between(low, high)).unwrap_or(100);
    Habits {
        mix: std::array::from_fn(|_| percent(55, 150)),
        whole: percent(15, 45),
        promote: percent(50, 85),
        start_hour: if percent(0, 1) == 0 { 8 } else { 9 },
        nights: percent(20, 65),
        cost_moves: percent(35, 85),
        second_home,
        session_tags: percent(1, 100) <= 35,
        upgrade,
    }
}

fn networks(rng: &mut Rng, places: &[&Place]) -> Networks {
    let mut address = |prefix: &str| format!("{prefix}.{}.{}", rng.between(1, 250), rng.between(2, 250));
    let vpn = places.iter().map(|place| address(place.vpn)).collect();
    let nat = places.iter().flat_map(|place| place.nat).map(&mut address).collect();
    let runners = (0..3).map(|_| address(places[0].runner)).collect();
    let offices =
        places.iter().map(|place| (place.cities[0].0, format!("{}.{}", place.office, rng.between(1, 250)))).collect();
    Networks { offices, vpn, nat, runners }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn companies_of_the_size_asked_for() {
        for seed in 0..60 {
            let company = Company::new(&Spec::new(seed, 30));
            assert!((10..=16).contains(&company.accounts.len()), "{seed}: {}", company.accounts.len());
            assert!((40..=80).contains(&company.people.len()), "{seed}: {}", company.people.len());
            assert!(company.teams.iter().all(|team| team.accounts.iter().all(|&at| at < company.accounts.len())));
            assert!(company.accounts.iter().all(|account| account.id.len() == 12));
            let products = company.product_teams();
            assert!(products.len() >= 2 && products.iter().all(|&team| team > FINANCE));
            let prod = company.accounts_in(Stage::Prod);
            assert!((2..=4).contains(&prod.len()));
        }
    }

    #[test]
    fn the_first_twenty_worlds_are_different_companies() {
        let shape = |seed| {
            let company = Company::new(&Spec::new(seed, 45));
            let team = company.teams[FINANCE + 1].name;
            let role = company.words.ci_role(team);
            (company.accounts.len(), company.teams.len(), company.people.len(), company.keys.env, role)
        };
        let shapes: BTreeSet<_> = (0..20).map(shape).collect();
        assert_eq!(shapes.len(), 20);
        assert!(shapes.iter().map(|shape| shape.0).collect::<BTreeSet<_>>().len() >= 4);
        assert!(shapes.iter().map(|shape| shape.1).collect::<BTreeSet<_>>().len() >= 3);
    }

    #[test]
    fn ids_of_a_role_stay_and_differ_between_accounts() {
        let company = Company::new(&Spec::new(3, 30));
        assert_eq!(company.role_id(5, "x"), company.role_id(5, "x"));
        assert_ne!(company.role_id(5, "x"), company.role_id(6, "x"));
        assert_eq!(company.role_id(5, "x").len(), 21);
    }
}
