//! The company's own words: tag keys and values, names of roles and automations, ways of writing numbers.

use crate::company::Stage;
use crate::names::TERRAFORMS;
use crate::rng::Rng;

/// What a person may do, whatever the company calls the permission set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Duty {
    Reader,
    Engineer,
    Operator,
    Security,
    Cost,
    Platform,
}

/// The company's tag keys and their values.
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
    /// Which patch round an instance takes part in.
    pub(crate) patch: &'static str,
    /// What keeps a resource as it is: `terraform` on all that the pipelines made.
    pub(crate) managed: &'static str,
    stages: [&'static str; 4],
    /// The long plan, the short plan, and no backup.
    pub(crate) backups: [&'static str; 3],
    /// Office hours, and always on.
    pub(crate) hours: [&'static str; 2],
    /// Everybody may read it, the company, those who need to.
    pub(crate) classes: [&'static str; 3],
    /// In the monthly round, and left out of it.
    pub(crate) rounds: [&'static str; 2],
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

/// A key under its names; a company writes all its keys in the same style, of which there are four.
type Key = &'static [[&'static str; 4]];

const ENV: Key = &[
    ["Environment", "env", "ops:environment", "environment"],
    ["Stage", "stage", "ops:stage", "deploy_stage"],
    ["EnvType", "environment", "ops:env", "env_type"],
];
const OWNER: Key = &[
    ["Owner", "owner", "ops:owner", "owner"],
    ["Team", "team", "ops:team", "team"],
    ["Squad", "squad", "ops:squad", "owning_team"],
];
const COST: Key = &[
    ["CostCenter", "cost-center", "finance:cost-center", "cost_center"],
    ["BillingCode", "billing-code", "finance:billing-code", "billing_code"],
    ["CostAllocation", "charge-to", "finance:charge-to", "charge_to"],
];
const APP: Key = &[
    ["Application", "app", "ops:application", "application"],
    ["Service", "service", "ops:service", "service"],
    ["Workload", "workload", "ops:workload", "workload"],
];
const BACKUP: Key = &[
    ["BackupPlan", "backup", "ops:backup", "backup_plan"],
    ["Backup", "backup-plan", "ops:backup-plan", "backup"],
    ["Retention", "retention", "ops:retention", "retention"],
];
const SCHEDULE: Key = &[
    ["Schedule", "schedule", "ops:schedule", "schedule"],
    ["Uptime", "uptime", "ops:uptime", "uptime"],
    ["PowerSchedule", "power-schedule", "ops:power", "power_schedule"],
];
const CLASS: Key = &[
    ["DataClass", "data-class", "security:data-class", "data_class"],
    ["Classification", "classification", "security:classification", "classification"],
    ["Sensitivity", "sensitivity", "security:sensitivity", "sensitivity"],
];
const ACCESS: Key = &[
    ["AccessGroup", "access-group", "security:access-group", "access_group"],
    ["AccessScope", "access-scope", "security:scope", "access_scope"],
    ["Project", "project", "security:project", "project"],
];
const PATCH: Key = &[
    ["PatchGroup", "patch-group", "ops:patch-group", "patch_group"],
    ["PatchWindow", "patching", "ops:patching", "patching"],
];
const MANAGED: Key = &[
    ["ManagedBy", "managed-by", "ops:managed-by", "managed_by"],
    ["Provisioner", "iac", "ops:provisioner", "provisioner"],
];

pub(crate) fn tag_keys(rng: &mut Rng) -> TagKeys {
    let style = rng.below(4);
    let mut key = |rows: Key| rows[rng.below(rows.len())][style];
    let [env, owner, cost, app] = [ENV, OWNER, COST, APP].map(&mut key);
    let [backup, sched, class, access] = [BACKUP, SCHEDULE, CLASS, ACCESS].map(&mut key);
    let [patch, managed] = [PATCH, MANAGED].map(&mut key);
    TagKeys {
        env,
        owner,
        cost,
        app,
        backup,
        sched,
        class,
        access,
        patch,
        managed,
        stages: *rng.pick(&[
            ["production", "staging", "development", "sandbox"],
            ["prod", "stage", "dev", "play"],
            ["prd", "stg", "dev", "sbx"],
            ["live", "preprod", "dev", "lab"],
            ["Production", "Staging", "Development", "Sandbox"],
        ]),
        backups: *rng.pick(&[
            ["daily-35", "daily-7", "none"],
            ["gold", "silver", "off"],
            ["35d", "7d", "0"],
            ["full", "basic", "no"],
        ]),
        hours: *rng.pick(&[
            ["weekdays", "always"],
            ["office-hours", "24x7"],
            ["business", "continuous"],
            ["mo-fr", "always-on"],
        ]),
        classes: *rng.pick(&[
            ["public", "internal", "confidential"],
            ["open", "company", "restricted"],
            ["c1", "c2", "c3"],
        ]),
        rounds: *rng.pick(&[["monthly", "excluded"], ["wave-2", "frozen"], ["auto", "manual"]]),
    }
}

/// Names that differ from company to company but mean the same.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    /// Reader, engineer, operator, security, cost, platform.
    pub(crate) sets: [&'static str; 6],
    /// With `<team>` in it.
    ci: &'static str,
    operator: &'static str,
    run: &'static str,
    repository: &'static str,
    cost_center: &'static str,
    /// Completes tags, starts and stops machines, deletes snapshots.
    pub(crate) tagger: &'static str,
    pub(crate) scheduler: &'static str,
    pub(crate) janitor: &'static str,
    /// The old user that exports data with a long-lived key.
    pub(crate) export_user: &'static str,
    /// Users that were forgotten, or that are needed once a quarter.
    pub(crate) batch_user: &'static str,
    pub(crate) envelope_user: &'static str,
    pub(crate) trail: &'static str,
    pub(crate) components: [&'static str; 4],
    pub(crate) ticket: &'static str,
    pub(crate) terraform: &'static str,
    /// The branch that pipelines release from.
    pub(crate) branch: &'static str,
}

fn one(rng: &mut Rng, choices: &[&'static str]) -> &'static str {
    choices[rng.below(choices.len())]
}

pub(crate) fn words(rng: &mut Rng) -> Words {
    Words {
        sets: *rng.pick(&[
            ["ReadOnlyAccess", "EngineerAccess", "OperationsAccess", "SecurityAdmin", "CostSteward", "PlatformOwner"],
            ["Viewer", "Developer", "Operator", "SecurityAudit", "Billing", "PlatformAdmin"],
            ["ro-all", "team-dev", "team-ops", "sec-admin", "fin-tags", "infra-admin"],
            ["AWSReadOnlyAccess", "PowerUser", "ProductionSupport", "SecOps", "FinanceTagging", "CloudAdmin"],
        ]),
        ci: one(rng, &["gha-<team>", "<team>-deploy", "ci-<team>", "tf-apply-<team>", "<team>-pipeline"]),
        operator: one(rng, &["<team>-oncall", "ops-<team>", "<team>-operator", "prod-<team>"]),
        run: one(rng, &["gha-<run>", "GitHubActions", "deploy-<run>", "<run>"]),
        repository: one(rng, &["<company>/<team>-live", "<company>-eng/<team>-infra", "<company>/infra-<team>"]),
        cost_center: one(rng, &["<n>", "CC-<n>", "cc<n>0", "K<n>"]),
        tagger: one(rng, &["tag-steward", "auto-tagger", "TagCompliance", "owner-bot"]),
        scheduler: one(rng, &["night-watch", "instance-scheduler", "PowerSaver", "lights-out"]),
        janitor: one(rng, &["snapshot-janitor", "ebs-cleanup", "RetentionSweeper", "old-copies"]),
        export_user: one(rng, &["svc-export", "dwh-sync", "report-feed", "legacy-etl"]),
        batch_user: one(rng, &["svc-quarterly", "audit-extract", "year-end", "partner-upload"]),
        envelope_user: one(rng, &["sealed-envelope", "break-glass", "emergency-admin", "red-button"]),
        trail: one(rng, &["audit", "management-events", "org-trail", "all-regions"]),
        components: *rng.pick(&[
            ["web", "worker", "sync", "edge"],
            ["api", "jobs", "store", "gateway"],
            ["front", "core", "batch", "feed"],
        ]),
        ticket: one(rng, &["OPS", "CHG", "INC", "TASK", "REQ"]),
        terraform: TERRAFORMS[rng.below(TERRAFORMS.len())],
        branch: one(rng, &["main", "main", "master", "release"]),
    }
}

impl Words {
    pub(crate) const fn set(&self, duty: Duty) -> &'static str {
        match duty {
            Duty::Reader => self.sets[0],
            Duty::Engineer => self.sets[1],
            Duty::Operator => self.sets[2],
            Duty::Security => self.sets[3],
            Duty::Cost => self.sets[4],
            Duty::Platform => self.sets[5],
        }
    }

    /// The role of a team's pipeline.
    pub(crate) fn ci_role(&self, team: &str) -> String {
        self.ci.replace("<team>", team)
    }

    /// The role that a team's people assume in production.
    pub(crate) fn operator_role(&self, team: &str) -> String {
        self.operator.replace("<team>", team)
    }

    /// A pipeline's session name in one run.
    pub(crate) fn run_name(&self, run: i64) -> String {
        self.run.replace("<run>", &run.to_string())
    }

    pub(crate) fn repository(&self, company: &str, team: &str) -> String {
        self.repository.replace("<company>", company).replace("<team>", team)
    }

    pub(crate) fn cost_center(&self, rng: &mut Rng) -> String {
        self.cost_center.replace("<n>", &rng.between(2100, 9899).to_string())
    }

    /// The reference of a change somebody has asked for.
    pub(crate) fn ticket(&self, rng: &mut Rng) -> String {
        format!("{}-{}", self.ticket, rng.between(100, 9899))
    }

    pub(crate) const fn role_patterns(&self) -> (&'static str, &'static str) {
        (self.ci, self.operator)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn companies_do_not_speak_alike() {
        let spoken = |seed| {
            let mut rng = Rng::new(seed);
            let keys = tag_keys(&mut rng);
            let words = words(&mut rng);
            (keys.env, keys.owner, keys.backups[2], words.ci_role("x"), words.set(Duty::Operator), words.tagger)
        };
        assert_eq!(spoken(3), spoken(3));
        let all: BTreeSet<_> = (0..20).map(spoken).collect();
        assert!(all.len() >= 19, "{all:#?}");
    }

    #[test]
    fn keys_of_a_company_are_all_different() {
        for seed in 0..200 {
            let keys = tag_keys(&mut Rng::new(seed));
            let all = [
                keys.env,
                keys.owner,
                keys.cost,
                keys.app,
                keys.backup,
                keys.sched,
                keys.class,
                keys.access,
                keys.patch,
                keys.managed,
            ];
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
        }
    }
}
