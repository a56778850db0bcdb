//! What holds for every simulation, whatever the seed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;

use proptest::prelude::*;
use serde_json::Value;
use tagwarden_simulate::{Company, Day, Simulated, Spec, demo_spec, generate, inventory_json, write};

const SCENARIOS: [&str; 15] = [
    "prod_retagged",
    "mass_untag_leaked_key",
    "group_opened",
    "iam_user_night",
    "logging_off",
    "abac_escalation",
    "cost_rewrite",
    "dormant_user",
    "console_drift",
    "slow_retagging",
    "s3_unprotected",
    "ci_token_misused",
    "unused_region",
    "denied_probing",
    "kill_switch_tag",
];

fn fnv(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
}

fn hash(events: &[Simulated]) -> u64 {
    fnv(events.iter().flat_map(|event| event.json.bytes().chain([b'\n'])))
}

fn month(seed: u64) -> (Spec, Vec<Simulated>) {
    let spec = Spec { events_per_day: 250, ..Spec::new(seed, 30) };
    let events = generate(&spec).collect();
    (spec, events)
}

fn parse(event: &Simulated) -> Value {
    serde_json::from_str(&event.json).unwrap_or_else(|error| panic!("{error}: {}", event.json))
}

#[test]
fn the_bytes_of_a_spec_are_pinned() {
    let spec = Spec { events_per_day: 300, ..Spec::new(7, 4) };
    let events: Vec<Simulated> = generate(&spec).collect();
    let inventory = fnv(inventory_json(&spec).bytes());
    // A change here means that everybody's seeds give other companies: do it knowingly.
    assert_eq!((events.len(), hash(&events), inventory), (1503, 15_681_375_157_703_233_685, 5_825_426_938_275_356_750));
}

#[test]
fn the_same_seed_gives_the_same_and_another_seed_another() {
    let run = |seed| hash(&generate(&Spec { events_per_day: 200, ..Spec::new(seed, 3) }).collect::<Vec<_>>());
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn every_record_is_whole_and_in_order() {
    let (spec, events) = month(11);
    let mut ids = BTreeSet::new();
    let mut before = i64::MIN;
    for event in &events {
        let record = parse(event);
        assert!(before <= event.time_ms, "out of order at {}", record["eventTime"]);
        before = event.time_ms;
        assert!((spec.start.start_ms()..spec.end().start_ms()).contains(&event.time_ms));
        for member in [
            "eventVersion",
            "userIdentity",
            "eventTime",
            "eventSource",
            "eventName",
            "awsRegion",
            "sourceIPAddress",
            "userAgent",
            "eventID",
            "eventType",
            "recipientAccountId",
            "eventCategory",
        ] {
            assert!(!record[member].is_null(), "{member} missing in {}", event.json);
        }
        assert_eq!(record.get("requestParameters").is_some(), record.get("responseElements").is_some());
        assert!(record["managementEvent"].as_bool().unwrap());
        assert!(record["userIdentity"]["type"].is_string());
        assert!(ids.insert(record["eventID"].as_str().unwrap().to_owned()), "repeated id in {}", event.json);
        // The shown time is the event's, cut to seconds.
        let shown = record["eventTime"].as_str().unwrap();
        assert!(shown.starts_with(&Day::of_ms(event.time_ms).to_string()) && shown.ends_with('Z'));
        for resource in record["resources"].as_array().into_iter().flatten() {
            let owner = resource["ARN"].as_str().unwrap().split(':').nth(4).unwrap();
            assert!(owner.is_empty() || resource["accountId"] == owner, "a resource's own account: {}", event.json);
        }
        if record["errorCode"].is_string() {
            assert!(record["responseElements"].is_null(), "a refused call answers nothing: {}", event.json);
            assert!(record["errorMessage"].is_string());
        }
    }
}

#[test]
fn read_only_says_what_the_name_says() {
    let (_, events) = month(12);
    for event in &events {
        let record = parse(event);
        let name = record["eventName"].as_str().unwrap();
        let reads = ["Describe", "List", "Get", "Lookup", "AssumeRole"].iter().any(|verb| name.starts_with(verb));
        assert_eq!(record["readOnly"].as_bool().unwrap(), reads, "{name}");
    }
}

#[test]
fn a_fifth_to_a_third_only_look() {
    let (_, events) = month(13);
    let looks = events
        .iter()
        .filter(|event| event.json.contains("\"readOnly\":true") && !event.json.contains("\"eventSource\":\"sts."));
    let share = looks.count() * 100 / events.len();
    assert!((18..=33).contains(&share), "{share} % reads");
}

#[test]
fn as_many_events_as_asked_for_and_fewer_on_weekends() {
    for rate in [400, 900] {
        let spec = Spec { events_per_day: rate, ..Spec::new(14, 14) };
        let mut days: BTreeMap<Day, usize> = BTreeMap::new();
        for event in generate(&spec) {
            *days.entry(Day::of_ms(event.time_ms)).or_default() += 1;
        }
        let total: usize = days.values().sum();
        let wanted = usize::try_from(rate).unwrap() * 14;
        assert!(total.abs_diff(wanted) * 100 < wanted * 15, "{total} events, want about {wanted}");
        // The spec starts on a Monday.
        let counts: Vec<usize> = days.into_values().collect();
        assert!(counts[5] + counts[6] < counts[3]);
    }
}

#[test]
fn every_kind_happens_with_its_twin_and_no_malice_before_the_test() {
    for seed in [21, 22, 23] {
        let (spec, events) = month(seed);
        let ids: BTreeSet<String> =
            events.iter().map(|event| parse(event)["eventID"].as_str().unwrap().to_owned()).collect();
        let mut stories: BTreeMap<(String, bool), BTreeSet<String>> = BTreeMap::new();
        for event in &events {
            let Some(truth) = &event.truth else { continue };
            assert!(ids.contains(&truth.event_id));
            assert!(event.json.contains(&truth.event_id), "the truth names another event");
            assert!(!truth.malicious || event.time_ms >= spec.test_start().start_ms());
            let key = (truth.scenario.clone(), truth.malicious);
            stories.entry(key).or_default().insert(truth.incident.clone());
        }
        for scenario in SCENARIOS {
            for malicious in [true, false] {
                assert!(stories.contains_key(&(scenario.to_owned(), malicious)), "{seed}: {scenario} {malicious}");
            }
        }
        assert_eq!(stories.len(), 2 * SCENARIOS.len());
        let count = |wanted: bool| -> usize {
            stories.iter().filter(|((_, malicious), _)| *malicious == wanted).map(|(_, ids)| ids.len()).sum()
        };
        assert_eq!(count(true), 15);
        assert!((20..=30).contains(&count(false)), "{} twins", count(false));
    }
}

#[test]
fn users_are_made_at_night_where_a_team_lives() {
    // None of these has daylight saving in January and early February.
    let offset = |zone: &str| match zone {
        "Europe/Lisbon" => 0.0,
        "Europe/Berlin" => 1.0,
        "America/Toronto" => -5.0,
        "America/Chicago" => -6.0,
        "America/Sao_Paulo" => -3.0,
        "Asia/Kolkata" => 5.5,
        "Asia/Singapore" => 8.0,
        "Asia/Tokyo" => 9.0,
        other => panic!("{other}"),
    };
    let mut nights = 0;
    for seed in 30..36 {
        let (spec, events) = month(seed);
        let inventory: Value = serde_json::from_str(&inventory_json(&spec)).unwrap();
        let teams = inventory["teams"].as_array().unwrap();
        let zones: Vec<f64> = teams.iter().map(|team| offset(team["time_zone"].as_str().unwrap())).collect();
        for event in &events {
            let night = event.truth.as_ref().is_some_and(|truth| truth.malicious && truth.scenario == "iam_user_night");
            if night && event.json.contains("\"eventName\":\"CreateUser\"") {
                nights += 1;
                let record = parse(event);
                let time = record["eventTime"].as_str().unwrap();
                let hour: f64 = time[11..13].parse::<f64>().unwrap() + time[14..16].parse::<f64>().unwrap() / 60.0;
                let local = |zone: &f64| (hour + zone).rem_euclid(24.0);
                assert!(zones.iter().any(|zone| (0.0..5.0).contains(&local(zone))), "{hour}: {}", event.json);
            }
        }
    }
    assert!(nights >= 6);
}

#[test]
fn without_incidents_there_is_no_truth() {
    let spec = Spec { incidents: false, events_per_day: 300, ..Spec::new(5, 6) };
    assert!(generate(&spec).all(|event| event.truth.is_none()));
}

#[test]
fn chains_across_accounts_share_an_id() {
    let (_, events) = month(15);
    let mut shared: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in &events {
        let record = parse(event);
        if let Some(id) = record["sharedEventID"].as_str() {
            let account = record["recipientAccountId"].as_str().unwrap().to_owned();
            shared.entry(id.to_owned()).or_default().push(account);
        }
    }
    let pairs: Vec<_> = shared.values().filter(|accounts| accounts.len() == 2).collect();
    assert!(!pairs.is_empty());
    assert!(pairs.iter().all(|accounts| accounts[0] != accounts[1]));
}

#[test]
fn the_showcase_has_one_of_each_kind_within_its_hour() {
    let spec = Spec { events_per_day: 200, ..demo_spec() };
    let (from, to) = spec.showcase_ms().unwrap();
    let mut kinds = BTreeSet::new();
    let mut twins = BTreeSet::new();
    for event in generate(&spec) {
        let Some(truth) = event.truth else { continue };
        assert!((from..to + 600_000).contains(&event.time_ms), "{} outside", truth.incident);
        if truth.malicious {
            kinds.insert(truth.scenario)
        } else {
            twins.insert(truth.scenario)
        };
    }
    assert_eq!((kinds.len(), twins.len()), (5, 5));
}

#[test]
fn nothing_asked_for_gives_nothing_and_does_not_hang() {
    assert_eq!(generate(&Spec::new(1, 0)).count(), 0);
    let quiet = Spec { events_per_day: 0, incidents: false, ..Spec::new(1, 2) };
    assert!(generate(&quiet).count() < 100);
    assert!(generate(&Spec { events_per_day: 0, ..Spec::new(1, 1) }).count() > 0);
}

#[test]
fn the_inventory_has_the_form_the_reader_knows() {
    let spec = Spec::new(3, 30);
    let text = inventory_json(&spec);
    let inventory: Value = serde_json::from_str(&text).unwrap();
    for member in [
        "company",
        "regions",
        "accounts",
        "vendors",
        "teams",
        "people",
        "roles",
        "networks",
        "tag_keys",
        "environment_values",
        "backup_values",
        "schedule_values",
        "tags",
    ] {
        assert!(!inventory[member].is_null(), "{member}");
    }
    let accounts = inventory["accounts"].as_array().unwrap();
    assert!((10..=16).contains(&accounts.len()));
    assert!((40..=80).contains(&inventory["people"].as_array().unwrap().len()));
    let known: BTreeSet<&str> = accounts.iter().map(|account| account["id"].as_str().unwrap()).collect();
    // Nobody works in an account the inventory does not list, and the environments all have a word.
    for event in generate(&Spec { events_per_day: 300, ..Spec::new(3, 2) }) {
        assert!(known.contains(parse(&event)["recipientAccountId"].as_str().unwrap()));
    }
    for account in accounts {
        assert!(inventory["environment_values"][account["environment"].as_str().unwrap()].is_string());
    }
    assert_eq!(text, inventory_json(&spec));
    assert!(format!("{:?}", Company::new(&spec)).contains(inventory["company"].as_str().unwrap()));
}

#[test]
fn what_is_written_is_what_is_generated_and_twice_the_same() {
    let spec = Spec { events_per_day: 250, ..Spec::new(9, 5) };
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut told = Vec::new();
    let summary = write(&spec, folders[0].path(), &mut |events| told.push(events)).unwrap();
    assert_eq!(write(&spec, folders[1].path(), &mut |_| {}).unwrap(), summary);
    assert_eq!(told.len(), 5);
    assert_eq!(told.last(), Some(&summary.events));

    let names = |folder: &tempfile::TempDir| {
        let mut names: Vec<_> =
            fs::read_dir(folder.path().join("events")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&folders[0]).len(), 5);
    let mut text = String::new();
    for name in names(&folders[0]) {
        let bytes = fs::read(folders[0].path().join("events").join(&name)).unwrap();
        assert_eq!(bytes, fs::read(folders[1].path().join("events").join(&name)).unwrap());
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    }
    let generated: String = generate(&spec).map(|event| event.json + "\n").collect();
    assert_eq!(text, generated);
    for name in ["truth.ndjson", "spec.json", "inventory.json"] {
        let read = |folder: &tempfile::TempDir| fs::read(folder.path().join(name)).unwrap();
        assert_eq!(read(&folders[0]), read(&folders[1]));
    }
    let truth = fs::read_to_string(folders[0].path().join("truth.ndjson")).unwrap();
    assert_eq!(truth.lines().count() as u64, summary.malicious_events + summary.twin_events);
    let described: Value = serde_json::from_slice(&fs::read(folders[0].path().join("spec.json")).unwrap()).unwrap();
    assert_eq!(described["events"], summary.events);
    assert_eq!(described["test_start"], spec.test_start().to_string());
    assert_eq!(described["writes"], text.matches("\"readOnly\":false").count());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_spec_gives_ordered_records_with_ids_of_their_own(
        seed: u64,
        days in 0_u32..24,
        rate in 0_u32..300,
        shift in 0_i64..4000,
        incidents: bool,
        showcase: bool,
    ) {
        let start = Day::of_ms(shift * 86_400_000);
        let spec = Spec { seed, days, start, events_per_day: rate, incidents, showcase };
        let mut ids = BTreeSet::new();
        let mut before = start.start_ms();
        for event in generate(&spec) {
            prop_assert!(before <= event.time_ms && event.time_ms < spec.end().start_ms());
            before = event.time_ms;
            let record = parse(&event);
            prop_assert!(ids.insert(record["eventID"].as_str().unwrap().to_owned()));
            let malicious = event.truth.is_some_and(|truth| truth.malicious);
            prop_assert!(!malicious || event.time_ms >= spec.test_start().start_ms());
        }
        prop_assert_eq!(start.to_string().parse::<Day>(), Ok(start));
    }
}
