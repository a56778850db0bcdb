//! What judging and learning cost per change:
//! `cargo run --release -p tagwarden-baseline --example speed -- [CHANGES [MODEL]]`.
//!
//! A simulated place: 400 people and machines, new ones now and then, in 40 accounts, 50,000 changes a day; without a
//! number one million changes in all. Each is scored, by the model if one is named, judged by the shipped rules and
//! learned; those that a rule hit or that are in the top fiftieth are put into words, as a worker does. What is printed:
//! per change the median, the 99th percentile and the longest of all that (time on the processor, so that other work on
//! the machine does not count), the same of those put into words, those above 5 ms, the memory held, and the longest of
//! handing out what changed.

use std::borrow::Cow;

use rustix::time::{ClockId, clock_gettime};
use tagwarden_baseline::{Baseline, Governed, Model, Settings};
use tagwarden_core::{
    Actor, ActorKind, Change, Disposition, Enriched, Event, EventKind, Family, Identity, NetworkClass, StateDelta,
    TagDelta, TagEdit, TagOp, Timestamp, Via,
};
use tagwarden_detect::{Judge, Policy, RowParts, Rules};
use tagwarden_json::{Node, Tape};

const CHANGES: u64 = 1_000_000;
/// A day's changes; after so many the place is as busy as it gets.
const A_DAY: u64 = 50_000;
const DAY: i64 = 86_400_000;
/// Changes after which what changed is handed out, as a worker does.
const EPOCH: u64 = 65_536;
const STALL: u64 = 5_000_000;
/// Percentile from which a change is put into words.
const WORDS_FROM: f64 = 99.9;
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

    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        let at = self.skewed(from.len() as u64);
        usize::try_from(at).ok().and_then(|at| from.get(at)).copied().unwrap_or_default()
    }
}

type Made<'a> = (Event<'a>, Actor<'a>, Change<'a>, Enriched<'a>);

/// The `n`-th change.
fn made<'a>(numbers: &mut Numbers, n: u64, node: Node<'a>) -> Made<'a> {
    // Somebody new begins, once in a thousand changes; most of them are never seen again.
    let who = if numbers.one_in(1000) { 400 + n } else { numbers.skewed(400) };
    let human = who % 3 > 0;
    let action = numbers.pick(&ACTIONS);
    let second = i64::try_from(n % A_DAY * 86_400 / A_DAY).unwrap_or(0) * 1000;
    let day = i64::try_from(n / A_DAY).unwrap_or(0);
    let at = (1000 + day) * DAY + second;
    let away = numbers.one_in(300);
    let event = Event {
        id: Cow::Borrowed(""),
        key: n.into(),
        shared_id: None,
        kind: EventKind::ApiCall,
        time: Timestamp(at),
        account_id: format!("{:012}", (who + numbers.skewed(3)) % 40 * 7_919_111).into(),
        region: if numbers.one_in(50) { "us-east-1" } else { "eu-central-1" }.into(),
        source: "ec2.amazonaws.com".into(),
        name: action.into(),
        action: action.into(),
        error_code: numbers.one_in(60).then(|| "AccessDenied".into()),
        read_only: numbers.one_in(10),
        source_ip: Some(format!("203.{}.113.{}", if away { n % 250 } else { who % 20 }, who % 250).into()),
        user_agent: Some(if numbers.one_in(40) { "Boto3/1.35 os/linux" } else { "aws-cli/2.15 os/macos" }.into()),
        identity: Identity { mfa: Some(!numbers.one_in(90)), ..Identity::default() },
        request: None,
        response: None,
        record: node,
        envelope: node,
        fault: None,
    };
    let actor = Actor {
        kind: Some(if human { ActorKind::Human } else { ActorKind::Workload }),
        human: human.then(|| format!("number{who}").into()),
        identity_type: Some("AssumedRole".into()),
        arn: None,
        session: None,
        principal: Some(format!("arn:aws:iam::111122223333:role/role-{}", who % 30).into()),
        access_key_id: Some(format!("ASIA{}", who * 1_000_000 + n / 2_000).into()),
        via: Via::Api,
        root: false,
        chain: vec![],
        key: format!("somebody.number{who}@acmeo-group.example.net"),
        team: Some(format!("team-{}", who % 12).into()),
        network: Some(if away { NetworkClass::Internet } else { NetworkClass::Office }),
        local_hour: u8::try_from(second / 3_600_000).unwrap_or(0),
        local_weekday: u8::try_from(day % 7).unwrap_or(0),
        business_hours: true,
        source_identity_missing: false,
    };
    let change = Change {
        ordinal: 0,
        family: Family::Tags,
        kind: "tags_changed",
        resource_type: "AWS::EC2::Instance".into(),
        resource_id: format!("i-{:017x}", numbers.skewed(200_000)).into(),
        resource_arn: None,
        resource_name: None,
        tags: TagEdit::default(),
        details: vec![],
    };
    let tags: Vec<TagDelta<'_>> = (0..numbers.below(4))
        .map(|_| {
            let key = numbers.pick(&KEYS);
            let many = if key == "version" || key == "Name" { 5000 } else { 8 };
            let (old, new) = (numbers.skewed(many), numbers.skewed(many));
            let old = numbers.one_in(2).then(|| format!("value-{old}").into());
            TagDelta { key: key.into(), old, new: Some(format!("value-{new}").into()), op: TagOp::Modified }
        })
        .collect();
    let owner = Some(format!("team-{}", if numbers.one_in(20) { n % 12 } else { who % 12 }).into());
    let environment = Some(if who % 40 < 15 { "prod" } else { "dev" }.into());
    let enriched = Enriched { tags, owner, environment, ..Enriched::default() };
    (event, actor, change, enriched)
}

/// Nanoseconds that this thread has spent on a processor.
fn spent() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(now.tv_sec * 1_000_000_000 + now.tv_nsec).unwrap_or(0)
}

/// Memory that the process holds, in MiB.
fn held() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).map_or(0, |pages| (pages * 4096) >> 20)
}

/// How often what took so long; in steps of a sixteenth of its size.
struct Times {
    counts: Vec<u64>,
    longest: (u64, u64),
    stalls: u64,
}

impl Times {
    fn new() -> Self {
        Self { counts: vec![0; 64 * 16], longest: (0, 0), stalls: 0 }
    }

    fn add(&mut self, nanos: u64, n: u64) {
        self.longest = self.longest.max((nanos, n));
        self.stalls += u64::from(nanos > STALL);
        let step = |nanos: u64| {
            let doublings = u64::from(nanos.max(16).ilog2());
            doublings * 16 + (nanos.max(16) >> (doublings - 4)) - 16
        };
        if let Some(count) = usize::try_from(step(nanos)).ok().and_then(|at| self.counts.get_mut(at)) {
            *count += 1;
        }
    }

    /// The time that a share of all do not exceed.
    fn at(&self, share: f64) -> u64 {
        let all: u64 = self.counts.iter().sum();
        let mut seen = 0;
        let place = self.counts.iter().position(|count| {
            seen += count;
            seen as f64 >= share * all as f64
        });
        let place = place.unwrap_or(0) as u64;
        ((place % 16 + 17) << (place / 16)) >> 4
    }
}

fn main() {
    let mut tape = Tape::new();
    let Ok(node) = tape.parse("{}") else { return };
    let changes = std::env::args().nth(1).and_then(|number| number.parse().ok()).unwrap_or(CHANGES);
    let words = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    let governed = Governed {
        environment: words(&["Environment"]),
        accounting: words(&["costcenter", "Team"]),
        automation: words(&["Schedule"]),
        ..Governed::default()
    };
    let mut baseline = Baseline::new(Settings::default(), governed);
    if let Some(file) = std::env::args().nth(2) {
        match std::fs::read(&file)
            .map_err(|e| e.to_string())
            .and_then(|b| Model::from_bytes(&b).map_err(|e| e.to_string()))
        {
            Ok(model) => baseline.judge_by(model.into()),
            Err(error) => return eprintln!("{file}: {error}"),
        }
    }
    let Some(mut judge) = Rules::shipped().ok().and_then(|rules| Judge::new(rules, Policy::default()).ok()) else {
        return;
    };
    let (mut numbers, mut all, mut turns, mut saves) = (Numbers(7), Times::new(), Times::new(), Times::new());
    let mut worded = Times::new();
    let mut anomalous = 0;
    for n in 0..changes {
        let (event, actor, change, enriched) = made(&mut numbers, n, node);
        let begun = spent();
        let mut hits = Vec::new();
        judge.match_event(&event, &mut hits);
        let scores = baseline.score(&event, &actor, &change, &enriched);
        let row = RowParts { event: &event, actor: &actor, change: &change, enriched: &enriched };
        let mut assessment = judge.judge(row, &hits, scores, |hits, scores| {
            baseline.add_rules(event.time.day(), hits, scores);
        });
        let told = matches!(assessment.disposition, Disposition::Notify | Disposition::Page);
        let words = told || assessment.scores.percentile.is_some_and(|percentile| percentile >= WORDS_FROM);
        if words {
            let (reasons, leading) = baseline.reasons(&event, &actor, &change, &enriched);
            assessment.explain(reasons, leading);
            baseline.peers(&mut assessment.scores);
        }
        baseline.learn(&event, &actor, &change, &enriched, &assessment.hits, &assessment.scores);
        let took = spent() - begun;
        if words { &mut worded } else { &mut all }.add(took, n);
        if words {
            all.longest = all.longest.max((took, n));
            all.stalls += u64::from(took > STALL);
        }
        if n % A_DAY == 0 {
            turns.add(took, n);
        }
        anomalous += u64::from(assessment.anomalous);
        if n % EPOCH == EPOCH - 1 {
            let begun = spent();
            let mut delta = StateDelta::default();
            baseline.delta(&mut delta);
            saves.add(spent() - begun, n);
        }
        if (n + 1) % (changes / 10).max(1) == 0 {
            let (p50, p99, (longest, which)) = (all.at(0.5), all.at(0.99), all.longest);
            let (w50, w99) = (worded.at(0.5), worded.at(0.99));
            println!(
                "{:9} changes: {p50} ns median, {p99} ns p99; put into words {w50} ns, {w99} ns; {} us longest (number {which}), {} above 5 ms; a day's \
                 first {} us at most; saved in {} ms at most; {anomalous} anomalous; {} MiB",
                n + 1,
                longest / 1000,
                all.stalls,
                turns.longest.0 / 1000,
                saves.longest.0 / 1_000_000,
                held(),
            );
        }
    }
}
