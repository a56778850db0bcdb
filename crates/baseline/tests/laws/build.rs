//! Changes made by hand.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use tagwarden_baseline::{Baseline, Governed, Settings};
use tagwarden_core::{
    Actor, ActorKind, Change, Enriched, Event, EventKind, Family, Identity, NetworkClass, OtherAccount, RuleHit,
    Scores, Severity, TagDelta, TagEdit, TagOp, Timestamp, Via,
};
use tagwarden_json::Tape;

pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;
/// From this day on a routine place has a percentile and a threshold.
pub(crate) const SETTLED: i64 = 14;

/// One change, with all that the baseline looks at.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) ordinal: u32,
    pub(crate) at: i64,
    /// Tells calls of one moment apart.
    pub(crate) call: u64,
    pub(crate) who: String,
    pub(crate) kind: ActorKind,
    pub(crate) team: Option<String>,
    pub(crate) action: String,
    pub(crate) error: Option<&'static str>,
    pub(crate) read_only: bool,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) ip: String,
    pub(crate) network: Option<NetworkClass>,
    pub(crate) agent: Option<&'static str>,
    pub(crate) access_key: Option<String>,
    /// The access key that the call gives out.
    pub(crate) issues: Option<&'static str>,
    pub(crate) resource: String,
    pub(crate) tags: Vec<(String, Option<String>, Option<String>)>,
    /// Details of the change.
    pub(crate) details: Vec<(&'static str, &'static str)>,
    /// Another account, and whether it is known.
    pub(crate) other: Option<(&'static str, bool)>,
    pub(crate) hits: Vec<RuleHit>,
}

impl Made {
    /// `who` of team platform retags an instance in an ordinary way.
    pub(crate) fn ordinary(who: &str, at: i64) -> Self {
        Self {
            ordinal: 0,
            at,
            call: 0,
            who: who.to_owned(),
            kind: ActorKind::Human,
            team: Some("platform".to_owned()),
            action: "CreateTags".to_owned(),
            error: None,
            read_only: false,
            account: "111122223333".to_owned(),
            region: "eu-central-1".to_owned(),
            ip: "203.0.113.7".to_owned(),
            network: None,
            agent: None,
            access_key: None,
            issues: None,
            resource: "i-0".to_owned(),
            tags: vec![],
            details: vec![],
            other: None,
            hits: vec![],
        }
    }

    pub(crate) fn tag(mut self, key: &str, old: Option<&str>, new: Option<&str>) -> Self {
        self.tags.push((key.to_owned(), old.map(str::to_owned), new.map(str::to_owned)));
        self
    }

    pub(crate) fn action(mut self, action: &str) -> Self {
        action.clone_into(&mut self.action);
        self
    }

    pub(crate) fn at(mut self, at: i64) -> Self {
        self.at = at;
        self
    }

    pub(crate) fn hit(mut self, rule: &str, severity: Severity) -> Self {
        let id: Arc<str> = rule.into();
        self.hits.push(RuleHit { id: id.clone(), title: id, severity, reason: None });
        self
    }

    /// The same for all changes of one call, another for another.
    fn event_key(&self) -> u128 {
        let mut hasher = DefaultHasher::new();
        self.call.hash(&mut hasher);
        let call = Self {
            ordinal: 0,
            resource: String::new(),
            tags: vec![],
            details: vec![],
            other: None,
            hits: vec![],
            ..self.clone()
        };
        format!("{call:?}").hash(&mut hasher);
        hasher.finish().into()
    }

    pub(crate) fn with<T>(&self, run: impl FnOnce(&Event<'_>, &Actor<'_>, &Change<'_>, &Enriched<'_>) -> T) -> T {
        let (mut tape, mut answer) = (Tape::new(), Tape::new());
        let node = tape.parse("{}").expect("an empty object");
        let response = self.issues.map(|key| format!(r#"{{"credentials":{{"accessKeyId":"{key}"}}}}"#));
        let event = Event {
            id: Cow::Borrowed("made"),
            key: self.event_key(),
            shared_id: None,
            kind: EventKind::ApiCall,
            time: Timestamp(self.at),
            account_id: Cow::Borrowed(&self.account),
            region: Cow::Borrowed(&self.region),
            source: Cow::Borrowed("ec2.amazonaws.com"),
            name: Cow::Borrowed(&self.action),
            action: Cow::Borrowed(&self.action),
            error_code: self.error.map(Cow::Borrowed),
            read_only: self.read_only,
            source_ip: Some(Cow::Borrowed(&self.ip)),
            user_agent: self.agent.map(Cow::Borrowed),
            identity: Identity { arn: Some(Cow::Borrowed(&self.who)), ..Identity::default() },
            request: None,
            response: response.as_ref().map(|text| answer.parse(text).expect("an object")),
            record: node,
            envelope: node,
            fault: None,
        };
        let actor = Actor {
            kind: Some(self.kind),
            human: (self.kind == ActorKind::Human).then_some(Cow::Borrowed(self.who.as_str())),
            identity_type: Some(Cow::Borrowed("AssumedRole")),
            arn: None,
            session: None,
            principal: Some(Cow::Borrowed(match self.kind {
                ActorKind::Human => "arn:aws:iam::111122223333:role/Developer",
                _ => "arn:aws:iam::111122223333:role/ci-deploy",
            })),
            access_key_id: self.access_key.as_deref().map(Cow::Borrowed),
            via: Via::Api,
            root: false,
            chain: vec![],
            key: self.who.clone(),
            team: self.team.as_deref().map(Cow::Borrowed),
            network: self.network,
            local_hour: 12,
            local_weekday: 2,
            business_hours: true,
            source_identity_missing: false,
        };
        let change = Change {
            ordinal: self.ordinal,
            family: if self.read_only { Family::Read } else { Family::Tags },
            kind: "tags_changed",
            resource_type: Cow::Borrowed("AWS::EC2::Instance"),
            resource_id: Cow::Borrowed(&self.resource),
            resource_arn: None,
            resource_name: None,
            tags: TagEdit::default(),
            details: self.details.iter().map(|(name, value)| (*name, Cow::Borrowed(*value))).collect(),
        };
        let other = |(id, known)| OtherAccount { id: Cow::Borrowed(id), known, let_in: true };
        let deltas = self.tags.iter().map(|(key, old, new)| TagDelta {
            key: Cow::Borrowed(key),
            old: old.as_deref().map(Cow::Borrowed),
            new: new.as_deref().map(Cow::Borrowed),
            op: match (old, new) {
                (old, new) if old == new => TagOp::Unchanged,
                (None, _) => TagOp::Added,
                (Some(_), None) => TagOp::Removed,
                _ => TagOp::Modified,
            },
        });
        let enriched = Enriched {
            account_name: Some(Cow::Borrowed("nimbus-prd")),
            tags: deltas.collect(),
            other_accounts: self.other.map(other).into_iter().collect(),
            ..Enriched::default()
        };
        run(&event, &actor, &change, &enriched)
    }

    /// What the baseline says of it, its rules in it and with reasons.
    pub(crate) fn judged_by(&self, baseline: &mut Baseline) -> Scores {
        self.with(|event, actor, change, enriched| {
            let mut scores = baseline.score(event, actor, change, enriched);
            baseline.add_rules(event.time.day(), &self.hits, &mut scores);
            (scores.reasons, scores.leading) = baseline.reasons(event, actor, change, enriched);
            scores
        })
    }

    /// Learns it, with what was said of it.
    pub(crate) fn learnt_by(&self, baseline: &mut Baseline, scores: &Scores) {
        self.with(|event, actor, change, enriched| {
            baseline.learn(event, actor, change, enriched, &self.hits, scores);
        });
    }

    /// What the baseline said of it before it learned it.
    pub(crate) fn taught_to(&self, baseline: &mut Baseline) -> Scores {
        let scores = self.judged_by(baseline);
        self.learnt_by(baseline, &scores);
        scores
    }
}

/// Nothing learned; the environment and who pays are governed.
pub(crate) fn fresh() -> Baseline {
    with(Settings::default())
}

pub(crate) fn with(settings: Settings) -> Baseline {
    let words = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    let governed = Governed {
        environment: words(&["Environment"]),
        accounting: words(&["CostCenter"]),
        access: words(&["v0"]),
        ..Governed::default()
    };
    Baseline::new(settings, governed)
}

/// `days` of a place where two people and a pipeline retag things: some keys have few values, builds are always new.
pub(crate) fn routine(baseline: &mut Baseline, days: i64) -> Vec<Scores> {
    let mut all = vec![];
    for day in 0..days {
        for n in 0..100 {
            let who = ["ana@example.net", "ben@example.net", "ci-deploy"][usize::try_from(n % 3).expect("small")];
            let kind = if n % 3 == 2 { ActorKind::Workload } else { ActorKind::Human };
            let build = format!("{day}.{n}");
            let (old, new) = if n % 2 == 0 { ("dev", "stage") } else { ("stage", "prd") };
            let made = Made::ordinary(who, day * DAY + n * HOUR / 5).tag("Environment", Some(old), Some(new)).tag(
                "build",
                Some("0"),
                Some(&build),
            );
            all.push(Made { kind, resource: format!("i-{}", n % 6), ..made }.taught_to(baseline));
        }
    }
    all
}

/// A place that has seen enough to judge.
pub(crate) fn settled() -> Baseline {
    let mut baseline = fresh();
    routine(&mut baseline, SETTLED);
    baseline
}
