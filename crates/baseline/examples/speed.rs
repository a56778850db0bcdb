//! What judging and learning cost per change: `cargo run --release -p tagwarden-baseline --example speed`.

use std::borrow::Cow;

use tagwarden_baseline::{Baseline, Settings};
use tagwarden_core::{
    Actor, ActorKind, Change, Enriched, Event, EventKind, Family, Identity, StateDelta, TagDelta, TagEdit, TagOp,
    Timestamp, Via,
};
use tagwarden_json::{Node, Tape};

const CHANGES: u64 = 50_000;
const PASSES: i64 = 20;
const DAY: i64 = 86_400_000;
const KEYS: [&str; 6] = ["Environment", "Team", "costcenter", "version", "Name", "Schedule"];
const ACTIONS: [&str; 8] = [
    "CreateTags",
    "TagResource",
    "RunInstances",
    "PutBucketTagging",
    "UpdateStack",
    "DeleteTags",
    "CreateSnapshot",
    "AttachRolePolicy",
];

/// A small fixed generator: numbers that look unordered and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    /// Small numbers far more often than great ones.
    fn skewed(&mut self, end: u64) -> u64 {
        let end = self.below(end) + 1;
        let end = self.below(end) + 1;
        self.below(end)
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        let at = self.skewed(from.len() as u64);
        usize::try_from(at).ok().and_then(|at| from.get(at)).copied().unwrap_or_default()
    }
}

type Made<'a> = (Event<'a>, Actor<'a>, Change<'a>, Enriched<'a>);

fn made<'a>(numbers: &mut Numbers, n: u64, node: Node<'a>) -> Made<'a> {
    let who = numbers.skewed(400);
    let action = numbers.pick(&ACTIONS);
    let event = Event {
        id: Cow::Borrowed(""),
        key: n.into(),
        shared_id: None,
        kind: EventKind::ApiCall,
        time: Timestamp(0),
        account_id: format!("{:012}", (who + numbers.skewed(3)) % 40 * 7_919_111).into(),
        region: if numbers.below(50) == 0 { "us-east-1" } else { "eu-central-1" }.into(),
        source: "ec2.amazonaws.com".into(),
        name: action.into(),
        action: action.into(),
        error_code: None,
        read_only: false,
        source_ip: Some(format!("203.{}.113.7", who % 20).into()),
        user_agent: None,
        identity: Identity::default(),
        request: None,
        response: None,
        record: node,
        envelope: node,
        fault: None,
    };
    let actor = Actor {
        kind: Some(ActorKind::Human),
        human: None,
        identity_type: None,
        arn: None,
        session: None,
        principal: None,
        access_key_id: None,
        via: Via::Api,
        root: false,
        chain: vec![],
        key: format!("somebody.number{who}@acmeo-group.example.net"),
        team: Some(format!("team-{}", who % 12).into()),
        network: None,
        local_hour: 12,
        local_weekday: 2,
        business_hours: true,
        source_identity_missing: false,
    };
    let change = Change {
        ordinal: 0,
        family: Family::Tags,
        kind: "tags_changed",
        resource_type: "AWS::EC2::Instance".into(),
        resource_id: "i-0123456789abcdef0".into(),
        resource_arn: None,
        resource_name: None,
        tags: TagEdit::default(),
        details: vec![],
    };
    let tags = (0..numbers.below(4)).map(|_| {
        let key = numbers.pick(&KEYS);
        let many = if key == "version" || key == "Name" { 5000 } else { 8 };
        let (old, new) = (numbers.skewed(many), numbers.skewed(many));
        let old = (numbers.below(2) == 0).then(|| format!("value-{old}").into());
        TagDelta { key: key.into(), old, new: Some(format!("value-{new}").into()), op: TagOp::Modified }
    });
    let enriched = Enriched { tags: tags.collect(), ..Enriched::default() };
    (event, actor, change, enriched)
}

/// Nanoseconds that this process has spent on a processor: other people's work on the machine does not count.
fn spent() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn main() {
    let mut tape = Tape::new();
    let Ok(node) = tape.parse("{}") else { return };
    let mut numbers = Numbers(7);
    let mut all: Vec<Made<'_>> = (0..CHANGES).map(|n| made(&mut numbers, n, node)).collect();
    let tags: usize = all.iter().map(|(_, _, _, enriched)| enriched.tags.len()).sum();
    println!("{CHANGES} changes with {tags} tags, a day each pass");
    let mut baseline = Baseline::new(Settings::default());
    for pass in 0..PASSES {
        for (n, (event, ..)) in (0i64..).zip(&mut all) {
            event.time = Timestamp(pass * DAY + n * 1000);
        }
        let begun = spent();
        let mut anomalous = 0;
        for (event, actor, change, enriched) in &all {
            let scores = baseline.score(event, actor, change, enriched, false);
            baseline.learn(event, actor, change, enriched, &scores);
            anomalous += u32::from(scores.threshold.is_some_and(|threshold| scores.score > threshold));
        }
        let each = (spent() - begun) / CHANGES;
        let begun = spent();
        let mut delta = StateDelta::default();
        baseline.delta(&mut delta);
        let (entries, micros) = (delta.entries.len(), (spent() - begun) / 1000);
        let bytes: usize = delta.entries.iter().filter_map(|entry| entry.value.as_ref()).map(Vec::len).sum();
        println!(
            "day {pass:2}: {each} ns a change, {anomalous} above; saved {entries} entries, {bytes} bytes in {micros} us"
        );
    }
}
