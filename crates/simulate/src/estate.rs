//! What the company runs: resources with their tags, as they are at the moment of the simulation.

use std::collections::BTreeMap;

use crate::company::{Company, Stage};
use crate::rng::Rng;

/// Kinds of resource the company uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Instance,
    Volume,
    Group,
    Bucket,
    Function,
    Table,
    Database,
    Queue,
    Topic,
    Key,
    Role,
    Service,
    Balancer,
    LogGroup,
    Secret,
}

/// One resource.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) kind: Kind,
    /// The id the service gave, or the name where there is none.
    pub(crate) id: String,
    pub(crate) arn: String,
    /// The component it belongs to (`checkout-worker`).
    pub(crate) name: String,
    pub(crate) account: usize,
    pub(crate) region: &'static str,
    pub(crate) team: usize,
    pub(crate) app: &'static str,
    pub(crate) stage: Stage,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) running: bool,
    /// Kept by an auto scaling group, which replaces it at will.
    pub(crate) elastic: bool,
    /// Until then another act is at work on it.
    pub(crate) busy_until: i64,
}

/// All resources; slots of deleted ones are used again.
#[derive(Debug, Default)]
pub(crate) struct Estate {
    resources: Vec<Resource>,
    live: Vec<Vec<usize>>,
    free: Vec<usize>,
}

impl Estate {
    /// What stands on the first morning.
    pub(crate) fn new(company: &Company, rng: &mut Rng) -> Self {
        let mut estate = Self { live: vec![Vec::new(); company.accounts.len()], ..Self::default() };
        for team in 0..company.teams.len() {
            for &app in company.teams[team].apps {
                for &account in &company.teams[team].accounts {
                    let prod = company.accounts[account].stage == Stage::Prod;
                    let machines = if prod { 4 } else { 2 };
                    for index in 0..machines {
                        for kind in [Kind::Instance, Kind::Volume] {
                            let at = estate.add(company, rng, kind, team, app, account);
                            estate.resources[at].elastic = prod && index > 1;
                        }
                    }
                    for kind in [
                        Kind::Group,
                        Kind::Group,
                        Kind::Bucket,
                        Kind::Bucket,
                        Kind::Function,
                        Kind::Function,
                        Kind::Table,
                        Kind::Database,
                        Kind::Queue,
                        Kind::Topic,
                        Kind::Key,
                        Kind::Role,
                        Kind::Service,
                        Kind::Balancer,
                        Kind::LogGroup,
                        Kind::Secret,
                    ] {
                        if prod || rng.chance(70) {
                            estate.add(company, rng, kind, team, app, account);
                        }
                    }
                }
            }
        }
        estate
    }

    /// A new resource with the tags its team's templates give; in the store from now on.
    pub(crate) fn add(
        &mut self,
        company: &Company,
        rng: &mut Rng,
        kind: Kind,
        team: usize,
        app: &'static str,
        account: usize,
    ) -> usize {
        let stage = company.accounts[account].stage;
        let region = company.teams[team].region;
        let name = format!("{app}-{}", rng.pick(&company.words.components));
        let id = new_id(company, rng, kind, &name, stage);
        let arn = arn(&company.accounts[account].id, region, kind, &id, app);
        let mut resource = Resource {
            kind,
            id,
            arn,
            name,
            account,
            region,
            team,
            app,
            stage,
            tags: BTreeMap::new(),
            running: true,
            elastic: false,
            busy_until: 0,
        };
        resource.tags = template_tags(company, rng, &resource);
        let at = if let Some(at) = self.free.pop() {
            self.resources[at] = resource;
            at
        } else {
            self.resources.push(resource);
            self.resources.len() - 1
        };
        self.live[account].push(at);
        at
    }

    /// All that stands, account by account.
    pub(crate) fn standing(&self) -> impl Iterator<Item = &Resource> {
        self.live.iter().flatten().map(|&at| &self.resources[at])
    }

    pub(crate) fn get(&self, at: usize) -> &Resource {
        &self.resources[at]
    }

    pub(crate) fn get_mut(&mut self, at: usize) -> &mut Resource {
        &mut self.resources[at]
    }

    pub(crate) fn remove(&mut self, at: usize) {
        self.live[self.resources[at].account].retain(|&other| other != at);
        self.free.push(at);
    }

    /// Resources of an account that nobody is at work on and that fit.
    pub(crate) fn find(&self, account: usize, now: i64, fits: impl Fn(&Resource) -> bool) -> Vec<usize> {
        let suits = |&&at: &&usize| self.resources[at].busy_until < now && fits(&self.resources[at]);
        self.live[account].iter().filter(suits).copied().collect()
    }
}

fn new_id(company: &Company, rng: &mut Rng, kind: Kind, name: &str, stage: Stage) -> String {
    let word = company.keys.stage(stage);
    match kind {
        Kind::Instance => format!("i-0{}", rng.hex(16)),
        Kind::Volume => format!("vol-0{}", rng.hex(16)),
        Kind::Group => format!("sg-0{}", rng.hex(16)),
        Kind::Bucket => format!("{}-{name}-{word}-{}", company.name, rng.hex(4)),
        Kind::Key => rng.uuid(),
        Kind::Balancer => format!("{name}-{word}-{}/{}", rng.hex(3), rng.hex(16)),
        Kind::LogGroup => format!("/{word}/{name}-{}", rng.hex(4)),
        Kind::Secret => format!("{word}/{name}-{}/token-{}", rng.hex(3), rng.base64(6).replace(['+', '/'], "x")),
        _ => format!("{name}-{word}-{}", rng.hex(4)),
    }
}

fn arn(account: &str, region: &str, kind: Kind, id: &str, app: &str) -> String {
    let (service, path) = match kind {
        Kind::Bucket => return format!("arn:aws:s3:::{id}"),
        Kind::Role => return format!("arn:aws:iam::{account}:role/{id}"),
        Kind::Instance => ("ec2", format!("instance/{id}")),
        Kind::Volume => ("ec2", format!("volume/{id}")),
        Kind::Group => ("ec2", format!("security-group/{id}")),
        Kind::Function => ("lambda", format!("function:{id}")),
        Kind::Table => ("dynamodb", format!("table/{id}")),
        Kind::Database => ("rds", format!("db:{id}")),
        Kind::Queue => ("sqs", id.to_owned()),
        Kind::Topic => ("sns", id.to_owned()),
        Kind::Key => ("kms", format!("key/{id}")),
        Kind::Service => ("ecs", format!("service/{app}/{id}")),
        Kind::Balancer => ("elasticloadbalancing", format!("loadbalancer/app/{id}")),
        Kind::LogGroup => ("logs", format!("log-group:{id}")),
        Kind::Secret => ("secretsmanager", format!("secret:{id}")),
    };
    format!("arn:aws:{service}:{region}:{account}:{path}")
}

fn template_tags(company: &Company, rng: &mut Rng, resource: &Resource) -> BTreeMap<String, String> {
    let keys = &company.keys;
    let team = &company.teams[resource.team];
    let prod = resource.stage == Stage::Prod;
    let mut tags = BTreeMap::new();
    let mut put = |key: &str, value: &str| tags.insert(key.to_owned(), value.to_owned());
    put(keys.env, keys.stage(resource.stage));
    put(keys.owner, team.name);
    put(keys.cost, &team.cost_center);
    put(keys.app, resource.app);
    put(keys.managed, "terraform");
    match resource.kind {
        Kind::Instance | Kind::Volume | Kind::Database => {
            put("Name", &resource.name);
            put(keys.backup, keys.backups[if prod { 0 } else { 2 }]);
            if resource.kind == Kind::Instance {
                put(keys.sched, keys.hours[usize::from(prod)]);
                put(keys.patch, keys.rounds[0]);
            }
        }
        Kind::Group => {
            put("Name", &format!("{}-sg", resource.name));
        }
        Kind::Bucket | Kind::Table | Kind::Secret => {
            put(keys.class, keys.classes[if prod { 2 } else { 1 }]);
            if resource.kind == Kind::Table {
                put(keys.backup, keys.backups[if prod { 1 } else { 2 }]);
            }
        }
        Kind::Function | Kind::Service => {
            put("version", &format!("{}.{}.0", rng.between(1, 5), rng.between(0, 30)));
        }
        Kind::Role => {
            put(keys.access, team.name);
        }
        _ => {}
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Spec;

    #[test]
    fn a_slot_is_used_again_and_the_rest_stays() {
        let company = Company::new(&Spec::new(1, 2));
        let mut rng = Rng::new(1);
        let mut estate = Estate::new(&company, &mut rng);
        let before = estate.find(5, 1, |_| true);
        estate.remove(before[0]);
        assert!(!estate.find(5, 1, |_| true).contains(&before[0]));
        let app = company.teams[3].apps[0];
        assert_eq!(estate.add(&company, &mut rng, Kind::Queue, 3, app, 6), before[0]);
        assert_eq!(estate.find(5, 1, |_| true).len(), before.len() - 1);
    }

    #[test]
    fn busy_resources_are_left_alone() {
        let company = Company::new(&Spec::new(1, 2));
        let mut estate = Estate::new(&company, &mut Rng::new(1));
        let at = estate.find(5, 1, |_| true)[0];
        estate.get_mut(at).busy_until = 10;
        assert!(!estate.find(5, 10, |_| true).contains(&at));
        assert!(estate.find(5, 11, |_| true).contains(&at));
    }
}
