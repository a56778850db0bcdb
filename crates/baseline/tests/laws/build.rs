//! Changes made by hand.

use std::borrow::Cow;

use tagwarden_baseline::Baseline;
use tagwarden_core::{
    Actor, ActorKind, Change, Enriched, Event, EventKind, Family, Identity, Scores, TagDelta, TagEdit, TagOp,
    Timestamp, Via,
};
use tagwarden_json::Tape;

pub(crate) const HOUR: i64 = 3_600_000;
pub(crate) const DAY: i64 = 24 * HOUR;

/// One change, with all that the baseline looks at.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) ordinal: u32,
    pub(crate) at: i64,
    pub(crate) who: String,
    pub(crate) team: Option<String>,
    pub(crate) action: String,
    pub(crate) denied: bool,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) ip: String,
    pub(crate) tags: Vec<(String, Option<String>, Option<String>)>,
}

impl Made {
    /// `who` of team platform retags an instance in an ordinary way, on the n-th occasion.
    pub(crate) fn ordinary(who: &str, at: i64) -> Self {
        Self {
            ordinal: 0,
            at,
            who: who.to_owned(),
            team: Some("platform".to_owned()),
            action: "CreateTags".to_owned(),
            denied: false,
            account: "111122223333".to_owned(),
            region: "eu-central-1".to_owned(),
            ip: "203.0.113.7".to_owned(),
            tags: vec![],
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

    fn with<T>(&self, run: impl FnOnce(&Event<'_>, &Actor<'_>, &Change<'_>, &Enriched<'_>) -> T) -> T {
        let mut tape = Tape::new();
        let node = tape.parse("{}").expect("an empty object");
        let event = Event {
            id: Cow::Borrowed("made"),
            key: self.at.cast_unsigned().into(),
            shared_id: None,
            kind: EventKind::ApiCall,
            time: Timestamp(self.at),
            account_id: Cow::Borrowed(&self.account),
            region: Cow::Borrowed(&self.region),
            source: Cow::Borrowed("ec2.amazonaws.com"),
            name: Cow::Borrowed(&self.action),
            action: Cow::Borrowed(&self.action),
            error_code: self.denied.then_some(Cow::Borrowed("AccessDenied")),
            read_only: false,
            source_ip: Some(Cow::Borrowed(&self.ip)),
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
            human: Some(Cow::Borrowed(&self.who)),
            identity_type: None,
            arn: None,
            session: None,
            principal: None,
            access_key_id: None,
            via: Via::Api,
            root: false,
            chain: vec![],
            key: self.who.clone(),
            team: self.team.as_deref().map(Cow::Borrowed),
            network: None,
            local_hour: 12,
            local_weekday: 2,
            business_hours: true,
            source_identity_missing: false,
        };
        let change = Change {
            ordinal: self.ordinal,
            family: Family::Tags,
            kind: "tags_changed",
            resource_type: Cow::Borrowed("AWS::EC2::Instance"),
            resource_id: Cow::Borrowed("i-0123456789abcdef0"),
            resource_arn: None,
            resource_name: None,
            tags: TagEdit::default(),
            details: vec![],
        };
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
        let enriched =
            Enriched { account_name: Some(Cow::Borrowed("nimbus-prd")), tags: deltas.collect(), ..Enriched::default() };
        run(&event, &actor, &change, &enriched)
    }

    /// What the baseline says of it, with reasons.
    pub(crate) fn judged_by(&self, baseline: &mut Baseline) -> Scores {
        self.with(|event, actor, change, enriched| baseline.score(event, actor, change, enriched, true))
    }

    /// Learns it, with what was said of it.
    pub(crate) fn learnt_by(&self, baseline: &mut Baseline, scores: &Scores) {
        self.with(|event, actor, change, enriched| baseline.learn(event, actor, change, enriched, scores));
    }

    /// What the baseline said of it before it learned it.
    pub(crate) fn taught_to(&self, baseline: &mut Baseline) -> Scores {
        self.with(|event, actor, change, enriched| {
            let scores = baseline.score(event, actor, change, enriched, true);
            baseline.learn(event, actor, change, enriched, &scores);
            scores
        })
    }
}

/// `days` of a place where two people and a pipeline retag things: some keys have few values, builds are always new.
pub(crate) fn routine(baseline: &mut Baseline, days: i64) -> Vec<Scores> {
    let mut all = vec![];
    for day in 0..days {
        for n in 0..100 {
            let who = ["ana@example.net", "ben@example.net", "ci-deploy"][usize::try_from(n % 3).expect("small")];
            let build = format!("{day}.{n}");
            let (old, new) = if n % 2 == 0 { ("dev", "stage") } else { ("stage", "prd") };
            let made = Made::ordinary(who, day * DAY + n * HOUR / 5).tag("Environment", Some(old), Some(new)).tag(
                "build",
                Some("0"),
                Some(&build),
            );
            all.push(made.taught_to(baseline));
        }
    }
    all
}
