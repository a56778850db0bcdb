//! Changes for tests, told as JSON: what the tests beside the shipped rules are written in.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use tagwarden_core::{
    Actor, ActorKind, Assessment, Change, Enriched, Event, EventKind, Family, Identity, NetworkClass, OtherAccount,
    RuleHit, Scores, TagDelta, TagEdit, TagOp, TagOperation, Text, Timestamp, Via,
};
use tagwarden_json::{Node, Tape};

use crate::{Judge, Policy, RowParts};

/// One change and what is to come of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// The `CloudTrail` record; `{n}` in it, and in the actor, counts the times it happens.
    pub(crate) record: serde_json::Value,
    /// What kind of change it is; none: whatever the tables of events make of the record, resource and details included.
    pub(crate) kind: Option<String>,
    #[serde(default = "generic")]
    pub(crate) family: Family,
    #[serde(default)]
    pub(crate) resource_id: String,
    #[serde(default)]
    pub(crate) details: BTreeMap<String, String>,
    pub(crate) operation: Option<TagOperation>,
    /// Key, old, new, what happened.
    #[serde(default)]
    pub(crate) tags: Vec<(String, Option<String>, Option<String>, TagOp)>,
    #[serde(default)]
    pub(crate) missing_tags: Vec<String>,
    /// Accounts that are neither the company's nor a vendor's.
    #[serde(default)]
    pub(crate) outside_accounts: Vec<String>,
    #[serde(default = "somebody")]
    pub(crate) actor: String,
    pub(crate) team: Option<String>,
    pub(crate) actor_kind: Option<ActorKind>,
    pub(crate) via: Option<Via>,
    pub(crate) session: Option<String>,
    pub(crate) network: Option<NetworkClass>,
    #[serde(default)]
    pub(crate) off_hours: bool,
    pub(crate) before: Option<String>,
    pub(crate) environment: Option<String>,
    /// The `change_id` that a witness confirms.
    pub(crate) confirms: Option<String>,
    #[serde(default)]
    pub(crate) anomalous: bool,
    /// How often it happens, a second apart, each time to another resource.
    #[serde(default = "once")]
    pub(crate) times: u32,
    /// The names of the calls, again and again in this order, each behind its source and a colon if that changes; none: the
    /// record's.
    #[serde(default)]
    pub(crate) calls: Vec<String>,
    /// The tag policy in force.
    #[serde(default)]
    pub(crate) policy: Policy,
    /// The titles of the rules that hit, the last time.
    pub(crate) hits: Vec<String>,
    /// None: not looked at.
    pub(crate) severity: Option<String>,
    /// None: what nobody is told of.
    pub(crate) disposition: Option<String>,
    /// The first reason.
    pub(crate) reason: Option<String>,
}

fn somebody() -> String {
    "ana@example.com".to_owned()
}

fn generic() -> Family {
    Family::Generic
}

fn once() -> u32 {
    1
}

/// An event around a record, as the decoder makes it of a plain API call.
pub(crate) fn event(record: Node<'_>) -> Event<'_> {
    let text = |name: &str| record.get(name).and_then(|node| node.str());
    Event {
        id: text("eventID").unwrap_or(Cow::Borrowed("11111111-2222-3333-4444-555555555555")),
        key: 1,
        shared_id: None,
        kind: EventKind::ApiCall,
        time: text("eventTime").and_then(|time| Timestamp::parse(&time).ok()).unwrap_or(Timestamp(1_795_230_245_000)),
        account_id: text("recipientAccountId").unwrap_or(Cow::Borrowed("123456789012")),
        region: text("awsRegion").unwrap_or(Cow::Borrowed("eu-central-1")),
        source: text("eventSource").unwrap_or_default(),
        name: text("eventName").unwrap_or_default(),
        action: text("eventName").unwrap_or_default(),
        error_code: text("errorCode"),
        read_only: record.get("readOnly").and_then(|node| node.bool()).unwrap_or(false),
        source_ip: text("sourceIPAddress"),
        user_agent: text("userAgent"),
        identity: Identity::default(),
        request: record.get("requestParameters"),
        response: record.get("responseElements"),
        record,
        envelope: record,
        fault: None,
    }
}

impl Case {
    /// Judges the change as often as it happens; the last assessment.
    pub(crate) fn judge(&self, judge: &mut Judge) -> Assessment {
        let mut assessment = Assessment::default();
        for time in 0..self.times {
            let mut record = self.record.clone();
            if let Some(call) = self.calls.iter().cycle().nth(usize::try_from(time).unwrap()) {
                let (source, name) = call.split_once(':').unwrap_or(("", call));
                record["eventName"] = name.into();
                if !source.is_empty() {
                    record["eventSource"] = source.into();
                }
            }
            let text = record.to_string().replace("{n}", &time.to_string());
            let mut tape = Tape::new();
            let mut event = event(tape.parse(&text).unwrap());
            if self.actor.is_empty() {
                event.kind = EventKind::TagState;
            }
            event.time = event.time.plus_seconds(time.into());
            let change = self.change(&event, time);
            let (actor, enriched) = (self.actor(&event, time), self.enriched());
            let row = RowParts { event: &event, actor: &actor, change: &change, enriched: &enriched };
            let mut hits: Vec<RuleHit> = Vec::new();
            judge.match_event(&event, &mut hits);
            let scores = if self.anomalous {
                Scores { score: 9.0, threshold: Some(5.0), ..Scores::default() }
            } else {
                Scores::default()
            };
            assessment = judge.judge(row, &hits, scores, |_, _| {});
        }
        assessment
    }

    fn change<'a>(&'a self, event: &Event<'a>, time: u32) -> Change<'a> {
        let Some(kind) = &self.kind else {
            let mut changes = Vec::new();
            tagwarden_events::normalise(event, &mut changes);
            return changes.swap_remove(0);
        };
        let details = self.details.iter();
        let id = if self.times > 1 { format!("{}-{time}", self.resource_id) } else { self.resource_id.clone() };
        Change {
            ordinal: 0,
            family: self.family,
            kind: kind.clone().leak(),
            resource_type: Text::default(),
            resource_id: id.into(),
            resource_arn: None,
            resource_name: None,
            tags: TagEdit { operation: self.operation, ..TagEdit::default() },
            details: details.map(|(key, value)| (&*key.clone().leak(), Cow::Borrowed(value.as_str()))).collect(),
        }
    }

    fn actor(&self, event: &Event<'_>, time: u32) -> Actor<'_> {
        Actor {
            kind: self.actor_kind.or(Some(ActorKind::Human)),
            human: None,
            identity_type: event
                .record
                .at(&["userIdentity", "type"])
                .and_then(|node| node.str())
                .map(Cow::into_owned)
                .map(Cow::Owned),
            arn: None,
            session: self.session.as_deref().map(Cow::Borrowed),
            principal: None,
            access_key_id: None,
            via: self.via.unwrap_or(Via::Api),
            root: event.record.at(&["userIdentity", "type"]).and_then(|node| node.str()).as_deref() == Some("Root"),
            chain: Vec::new(),
            key: self.actor.replace("{n}", &time.to_string()),
            team: self.team.as_deref().map(Cow::Borrowed),
            network: self.network,
            local_hour: if self.off_hours { 3 } else { 11 },
            local_weekday: 2,
            business_hours: !self.off_hours,
            source_identity_missing: false,
        }
    }

    fn enriched(&self) -> Enriched<'_> {
        let text = |text: &Option<String>| text.clone().map(Cow::Owned);
        Enriched {
            environment_before: text(&self.before),
            environment: text(&self.environment),
            tags: self
                .tags
                .iter()
                .map(|(key, old, new, op)| TagDelta {
                    key: Cow::Borrowed(key),
                    old: text(old),
                    new: text(new),
                    op: *op,
                })
                .collect(),
            missing_tags: self.missing_tags.iter().map(|key| Cow::Borrowed(key.as_str())).collect(),
            confirms: text(&self.confirms),
            other_accounts: self
                .outside_accounts
                .iter()
                .map(|id| OtherAccount { id: Cow::Borrowed(id), known: false, let_in: true })
                .collect(),
            ..Enriched::default()
        }
    }
}
