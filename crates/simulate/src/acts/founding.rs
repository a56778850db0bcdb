//! A new account: opened by the platform team, given its guard rails, and built up by the team it is for.

use serde_json::json;

use super::{Act, pipeline, plan, somebody, working_hour};
use crate::calendar::{Day, MINUTE};
use crate::calls::{self, storage};
use crate::company::Newborn;
use crate::names::{PLATFORM, ROOT_ACCOUNT};
use crate::record::Call;
use crate::words::Duty;
use crate::world::World;

/// Puts the day's part on the agenda. Gives about how many events it makes.
pub(super) fn plan_day(world: &mut World, day: Day, rate: usize) -> usize {
    let Some(newborn) = world.company.newborn else { return 0 };
    if day < newborn.day {
        return 0;
    }
    let zone = world.company.teams[newborn.team].zone;
    let mut expected = 0;
    if day == newborn.day {
        let zone = world.company.teams[PLATFORM].zone;
        let at = working_hour(world, zone, day);
        plan(world, day, at, Act::Found(newborn));
        expected += 20;
    } else if !day.is_weekend() {
        let first_week = day < newborn.day.plus(7);
        for _ in 0..(rate / 450).clamp(1, 4) {
            if first_week || world.rng.chance(40) {
                let at = working_hour(world, zone, day);
                let by_hand = world.rng.chance(45);
                plan(world, day, at, Act::Build { newborn, by_hand });
                expected += 10;
            }
        }
    }
    expected
}

pub(super) fn found(world: &mut World, now: i64, newborn: Newborn) {
    let Newborn { account, team, .. } = newborn;
    let day = Day::of_ms(now);
    if let Some(person) = somebody(world, PLATFORM, day, Some(Duty::Platform)) {
        let mut turn = world.sign_in(person, ROOT_ACCOUNT, now);
        turn.region = "us-east-1";
        let row = &world.company.accounts[account];
        let (id, name) = (row.id.clone(), row.name.clone());
        let request =
            json!({ "email": "HIDDEN_DUE_TO_SECURITY_REASONS", "accountName": "HIDDEN_DUE_TO_SECURITY_REASONS" });
        let answer = json!({ "createAccountStatus": {
            "id": format!("car-{}", world.rng.hex(32)), "state": "IN_PROGRESS", "accountName": name,
        } });
        world.call(&mut turn, &Call::write("organizations", "CreateAccount", request).answered(answer));
        turn.now += world.rng.between(MINUTE, 3 * MINUTE);
        let request = json!({
            "accountId": id, "sourceParentId": format!("r-{}", world.rng.hex(4)),
            "destinationParentId": format!("ou-{}-{}", world.rng.hex(4), world.rng.hex(8)),
        });
        world.call(&mut turn, &Call::write("organizations", "MoveAccount", request));
    }
    let mut turn = world.pipeline(PLATFORM, account, now + 8 * MINUTE);
    let block = storage::account_block(&world.company.accounts[account], turn.region, true);
    world.call(&mut turn, &block);
    let trail = calls::trail_arn(&world.company, account, turn.region);
    let bucket = format!("{}-trail", world.company.name);
    let request = json!({ "name": trail, "s3BucketName": bucket, "isMultiRegionTrail": true });
    let answer = json!({ "trailARN": trail, "s3BucketName": bucket, "isMultiRegionTrail": true });
    world.call(&mut turn, &Call::write("cloudtrail", "CreateTrail", request).answered(answer));
    world.call(&mut turn, &calls::start_logging(&trail));
    let role = format!("arn:aws:iam::{}:role/config-recorder", world.company.accounts[account].id);
    let request = json!({ "configurationRecorder": { "name": "default", "roleARN": role } });
    world.call(&mut turn, &Call::write("config", "PutConfigurationRecorder", request));
    world.call(&mut turn, &calls::recorder(true));
    let words = &world.company.words;
    let name = world.company.teams[team].name;
    for role in [words.ci_role(name), words.operator_role(name)] {
        let request = json!({ "path": "/", "roleName": role, "maxSessionDuration": 14400 });
        let answer = json!({ "role": {
            "path": "/", "roleName": role, "roleId": world.company.role_id(account, &role),
            "arn": format!("arn:aws:iam::{}:role/{role}", world.company.accounts[account].id),
        } });
        world.call(&mut turn, &Call::write("iam", "CreateRole", request).answered(answer));
        world.call(&mut turn, &calls::role_policy(&role, "baseline", "ec2:*"));
    }
}

/// The team at work in its new account.
pub(super) fn build(world: &mut World, now: i64, newborn: Newborn, by_hand: bool) {
    let Newborn { account, team, .. } = newborn;
    let apps = world.company.teams[team].apps;
    let app = apps[world.rng.below(apps.len())];
    if !by_hand {
        let mut turn = world.pipeline(team, account, now);
        return pipeline::lay_out(world, &mut turn, team, app);
    }
    let Some(person) = somebody(world, team, Day::of_ms(now), None) else { return };
    let mut turn = world.sign_in(person, account, now);
    for _ in 0..world.rng.between(1, 4) {
        let call = calls::browse(&mut world.rng);
        world.call(&mut turn, &call);
    }
    if world.company.people[person].duty == Duty::Reader {
        return;
    }
    for at in world.some(account, now, 3, |resource| resource.team == team) {
        world.describe(&mut turn, at);
        world.modify(&mut turn, at);
    }
}

#[cfg(test)]
mod tests {
    use crate::company::Company;
    use crate::generate::generate;
    use crate::spec::Spec;

    #[test]
    fn a_new_account_is_opened_on_its_day_and_grows_from_then_on() {
        let spec = (0..20)
            .map(|seed| Spec { incidents: false, events_per_day: 300, ..Spec::new(seed, 30) })
            .find(|spec| Company::new(spec).newborn.is_some_and(|newborn| newborn.day.plus(8) < spec.end()))
            .unwrap();
        let company = Company::new(&spec);
        let newborn = company.newborn.unwrap();
        let id = &company.accounts[newborn.account].id;
        let there = format!("\"recipientAccountId\":\"{id}\"");
        let times: Vec<i64> =
            generate(&spec).filter(|event| event.json.contains(&there)).map(|event| event.time_ms).collect();
        let (from, to) = (newborn.day.start_ms(), newborn.day.plus(1).start_ms());
        assert!((from..to).contains(&times[0]), "{} is not on {}", times[0], newborn.day);
        assert!(times.len() >= 40, "{}", times.len());
        assert!(times.iter().any(|&time| time > to));
    }
}
