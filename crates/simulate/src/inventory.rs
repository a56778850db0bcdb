//! What the operator knows of the company, in the form that `--inventory` reads.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::company::{Company, Stage};
use crate::names::{BUILD_ACCOUNT, PLATFORM, ROOT_ACCOUNT};
use crate::spec::Spec;
use crate::world::World;

const STAGES: [Stage; 6] = [Stage::Prod, Stage::Staging, Stage::Dev, Stage::Sandbox, Stage::Security, Stage::Shared];

/// The inventory of the spec's company as indented JSON, with the tags that stand on the first morning.
pub fn inventory_json(spec: &Spec) -> String {
    let world = World::new(spec);
    let company: &Company = &world.company;
    let networks = &company.networks;
    let single = |addresses: &[String]| addresses.iter().map(|ip| format!("{ip}/32")).collect::<Vec<_>>();
    let (keys, words) = (&company.keys, &company.words);
    let (ci, operator) = words.role_patterns();
    let inventory = json!({
        "company": company.name,
        "regions": company.regions,
        "accounts": company.accounts.iter().map(|account| json!({
            "id": account.id, "name": account.name, "ou": account.ou, "environment": account.stage.word(),
        })).collect::<Vec<_>>(),
        "vendors": company.vendors.iter().map(|(name, id)| (*name, id.as_str())).collect::<BTreeMap<_, _>>(),
        "teams": company.teams.iter().map(|team| json!({
            "name": team.name,
            "time_zone": team.zone.name(),
            "cost_center": team.cost_center,
            "repository": team.repository,
            "accounts": team.accounts.iter().map(|&at| company.accounts[at].id.as_str()).collect::<Vec<_>>(),
            "source_identity": team.source_identity,
        })).collect::<Vec<_>>(),
        "people": company.people.iter().map(|person| json!({
            "email": person.email,
            "team": company.teams[person.team].name,
            "role": person.role,
            "time_zone": person.zone.name(),
            "city": person.city,
            "first_day": person.first_day,
            "last_day": person.last_day,
        })).collect::<Vec<_>>(),
        "roles": {
            "permission_sets": words.sets,
            "ci": ci,
            "operator": operator,
            "automation": [words.tagger, words.scheduler, words.janitor],
            "jump": format!("{}-gateway", company.teams[PLATFORM].name),
            "break_glass_users": [
                format!("arn:aws:iam::{}:user/{}", company.accounts[ROOT_ACCOUNT].id, words.envelope_user),
                format!("arn:aws:iam::{}:user/{}", company.accounts[BUILD_ACCOUNT].id, words.envelope_user),
            ],
        },
        "networks": {
            "offices": networks.offices.iter()
                .map(|(city, prefix)| (*city, format!("{prefix}.0/27")))
                .collect::<BTreeMap<_, _>>(),
            "vpn": single(&networks.vpn),
            "nat": single(&networks.nat),
            "runners": single(&networks.runners),
        },
        "tag_keys": {
            "env": keys.env, "owner": keys.owner, "cost": keys.cost, "app": keys.app,
            "backup": keys.backup, "sched": keys.sched, "class": keys.class, "access": keys.access,
        },
        "environment_values": STAGES.iter()
            .map(|&stage| (stage.word().to_owned(), Value::from(keys.stage(stage))))
            .collect::<serde_json::Map<_, _>>(),
        "backup_values": keys.backups,
        "schedule_values": keys.hours,
        "tags": world.estate.standing()
            .map(|resource| (resource.arn.as_str(), &resource.tags))
            .collect::<BTreeMap<_, _>>(),
    });
    format!("{inventory:#}\n")
}
