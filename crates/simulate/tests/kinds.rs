//! Each kind of incident does what its name says, and its twin does the same thing for a good reason.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::Value;
use tagwarden_simulate::{Simulated, Spec, generate, inventory_json};

/// A run, read as somebody who gets the files would.
struct Run {
    spec: Spec,
    inventory: Value,
    events: Vec<Simulated>,
}

/// Played once for all tests.
static WORLDS: LazyLock<Vec<Run>> = LazyLock::new(|| (100..105).map(run).collect());

fn run(seed: u64) -> Run {
    let spec = Spec { events_per_day: 300, ..Spec::new(seed, 45) };
    let inventory = serde_json::from_str(&inventory_json(&spec)).unwrap();
    let events = generate(&spec).collect();
    Run { spec, inventory, events }
}

type Stories = BTreeMap<String, Vec<(i64, Value)>>;

impl Run {
    /// The stories of a kind: events by incident, in order.
    fn stories(&self, scenario: &str, malicious: bool) -> Stories {
        let mut stories = Stories::new();
        for event in &self.events {
            let wanted = event.truth.as_ref().filter(|row| row.scenario == scenario && row.malicious == malicious);
            if let Some(truth) = wanted {
                let record = serde_json::from_str(&event.json).unwrap();
                stories.entry(truth.incident.clone()).or_default().push((event.time_ms, record));
            }
        }
        stories
    }

    fn key(&self, purpose: &str) -> &str {
        self.inventory["tag_keys"][purpose].as_str().unwrap()
    }
}

/// Plays five worlds and hands over all stories of a kind.
fn each(scenario: &str, malicious: bool, mut check: impl FnMut(&Run, &[(i64, Value)])) -> usize {
    let mut count = 0;
    for run in WORLDS.iter() {
        for story in run.stories(scenario, malicious).values() {
            check(run, story);
            count += 1;
        }
    }
    assert!(count >= 5, "{scenario}: {count} stories in five worlds");
    count
}

fn name(event: &Value) -> &str {
    event["eventName"].as_str().unwrap()
}

fn is_write(event: &Value) -> bool {
    event["readOnly"] == false
}

fn refused(event: &Value) -> bool {
    event["errorCode"].is_string()
}

/// Whether the request speaks of a tag key or value, in whatever words the service has for it.
fn speaks_of(event: &Value, word: &str) -> bool {
    is_write(event) && event["requestParameters"].to_string().contains(&format!("\"{word}\""))
}

fn writes_key(run: &Run, story: &[(i64, Value)], purposes: &[&str]) -> bool {
    story.iter().any(|(_, event)| purposes.iter().any(|purpose| speaks_of(event, run.key(purpose))))
}

#[test]
fn forty_five_days_have_twenty_incidents_and_thirty_twins() {
    let run = &WORLDS[0];
    let test_start = run.spec.test_start().start_ms();
    let (mut incidents, mut twins) = (BTreeSet::new(), BTreeSet::new());
    let (mut kinds, mut known) = (BTreeSet::new(), BTreeSet::new());
    for event in &run.events {
        let Some(truth) = &event.truth else { continue };
        if truth.malicious {
            assert!(event.time_ms >= test_start, "{} before the test", truth.incident);
            incidents.insert(&truth.incident);
            kinds.insert(&truth.scenario);
        } else {
            twins.insert(&truth.incident);
            if event.time_ms < test_start {
                known.insert(&truth.scenario);
            }
        }
    }
    assert_eq!((incidents.len(), twins.len(), kinds.len(), known.len()), (20, 30, 15, 10));
}

#[test]
fn access_is_escalated_by_a_tag() {
    let by_tag = |run: &Run, story: &[(i64, Value)]| {
        let session = story.iter().any(|(_, event)| {
            event["requestParameters"]["tags"][0]["key"] == run.key("access") && name(event) == "AssumeRole"
        });
        session || writes_key(run, story, &["access", "class"])
    };
    each("abac_escalation", true, |run, story| {
        assert!(by_tag(run, story), "{story:#?}");
        // The tag is not the end of it: something is read or changed afterwards.
        let last = &story.last().unwrap().1;
        assert!(matches!(name(last), "GetSecretValue" | "PutBucketPolicy") || is_write(last), "{last:#}");
        assert!(story.len() >= 3);
    });
    each("abac_escalation", false, |run, story| assert!(by_tag(run, story), "{story:#?}"));
}

#[test]
fn cost_centres_are_rewritten_in_numbers() {
    for malicious in [true, false] {
        each("cost_rewrite", malicious, |run, story| {
            let resources: usize = story
                .iter()
                .filter(|(_, event)| speaks_of(event, run.key("cost")))
                .map(|(_, event)| event["requestParameters"]["resourceARNList"].as_array().map_or(1, Vec::len))
                .sum();
            assert!(resources >= if malicious { 8 } else { 5 }, "{resources} resources");
        });
    }
}

#[test]
fn dormant_identities_have_been_silent_for_more_than_a_week() {
    let principal = |event: &Value| {
        let identity = &event["userIdentity"];
        let text = identity["arn"].as_str().or(identity["userName"].as_str()).unwrap_or_default().to_owned();
        // The person or user, whatever role it goes through.
        let last = text.rsplit('/').next().unwrap_or_default();
        last.split('@').next().unwrap_or_default().to_owned()
    };
    for malicious in [true, false] {
        let mut silent = 0;
        let count = each("dormant_user", malicious, |run, story| {
            let (began, first) = (story[0].0, &story[0].1);
            let (who, account) = (principal(first), &first["recipientAccountId"]);
            let user = first["userIdentity"]["type"] == "IAMUser";
            let same = |event: &&Simulated| {
                let record: Value = serde_json::from_str(&event.json).unwrap();
                principal(&record) == who && (!user || record["recipientAccountId"] == *account)
            };
            let before = run.events.iter().filter(|event| event.time_ms < began && event.json.contains(&who));
            let last = before.filter(same).map(|event| event.time_ms).max();
            silent += usize::from(last.is_none_or(|last| began - last > 7 * 86_400_000));
        });
        // A user that an earlier story has woken is the exception.
        assert!(silent * 10 >= count * 7, "{silent} of {count} were silent before");
    }
}

#[test]
fn drift_is_made_in_the_console() {
    each("console_drift", true, |_, story| {
        let writes: Vec<_> =
            story.iter().filter(|(_, event)| is_write(event) && name(event) != "ConsoleLogin").collect();
        assert!(!writes.is_empty());
        assert!(writes.iter().all(|(_, event)| event["sessionCredentialFromConsole"] == "true"), "{story:#?}");
    });
    each("console_drift", false, |_, story| assert!(story.iter().any(|(_, event)| is_write(event))));
}

#[test]
fn slow_retagging_takes_days_and_a_few_resources_each() {
    for malicious in [true, false] {
        let mut long = 0;
        let count = each("slow_retagging", malicious, |_, story| {
            let mut days: BTreeMap<i64, usize> = BTreeMap::new();
            for (time, event) in story.iter().filter(|(_, event)| is_write(event) && name(event).contains("ag")) {
                let size = event["requestParameters"]["resourceARNList"].as_array().map_or(1, Vec::len);
                *days.entry(time.div_euclid(86_400_000)).or_default() += size;
            }
            assert!(days.values().all(|&resources| resources <= 8), "{days:?}");
            long += usize::from(days.len() >= 3);
        });
        assert!(long * 10 >= count * 8, "{long} of {count} over days");
    }
}

#[test]
fn the_protection_of_buckets_is_touched() {
    let touches = |story: &[(i64, Value)]| {
        let protection = ["PublicAccessBlock", "Encryption", "BucketPolicy", "BucketVersioning", "BucketLifecycle"];
        story.iter().any(|(_, event)| is_write(event) && protection.iter().any(|part| name(event).contains(part)))
    };
    for malicious in [true, false] {
        each("s3_unprotected", malicious, |_, story| {
            assert!(touches(story));
            for (_, event) in story.iter().filter(|(_, event)| name(event) == "PutBucketPolicy") {
                let request = &event["requestParameters"];
                assert!(request["bucketPolicy"]["Statement"].is_array() && request["policy"] == "", "{event:#}");
                assert_eq!(event["resources"][0]["type"], "AWS::S3::Bucket");
                assert_eq!(event["tlsDetails"]["clientProvidedHostHeader"], request["Host"]);
            }
        });
    }
}

#[test]
fn ci_roles_are_what_is_misused() {
    for malicious in [true, false] {
        each("ci_token_misused", malicious, |run, story| {
            let pattern = run.inventory["roles"]["ci"].as_str().unwrap();
            let teams = run.inventory["teams"].as_array().unwrap();
            let roles: Vec<String> =
                teams.iter().map(|team| pattern.replace("<team>", team["name"].as_str().unwrap())).collect();
            for (_, event) in story {
                let issuer = event["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"].as_str();
                let token = event["userIdentity"]["type"] == "WebIdentityUser";
                assert!(token || issuer.is_some_and(|role| roles.iter().any(|known| known == role)), "{event:#}");
            }
        });
    }
}

#[test]
fn unused_regions_are_not_in_the_inventory() {
    for malicious in [true, false] {
        each("unused_region", malicious, |run, story| {
            let used = run.inventory["regions"].as_array().unwrap();
            let strange = |event: &Value| !used.contains(&event["awsRegion"]) && event["awsRegion"] != "us-east-1";
            assert!(story.iter().any(|(_, event)| strange(event)), "{story:#?}");
            if malicious {
                assert!(story.iter().any(|(_, event)| strange(event) && is_write(event) && !refused(event)));
            }
        });
    }
}

#[test]
fn probing_is_refused_again_and_again() {
    for (malicious, least) in [(true, 5), (false, 3)] {
        each("denied_probing", malicious, |_, story| {
            let count = story.iter().filter(|(_, event)| refused(event)).count();
            assert!(count >= least, "{count} refused");
            assert!(story.iter().all(|(_, event)| !refused(event) || event["responseElements"].is_null()));
        });
    }
}

#[test]
fn kill_switches_are_tags_that_automations_obey() {
    for malicious in [true, false] {
        each("kill_switch_tag", malicious, |run, story| {
            let patch = ["PatchGroup", "patch-group", "ops:patch-group", "patch_group"];
            let window = ["PatchWindow", "patching", "ops:patching"];
            let patching = patch.iter().chain(&window);
            let obeyed = writes_key(run, story, &["sched", "backup"])
                || patching.into_iter().any(|key| story.iter().any(|(_, event)| speaks_of(event, key)));
            assert!(obeyed, "{story:#?}");
        });
    }
}
