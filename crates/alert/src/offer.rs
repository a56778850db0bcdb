//! A judged change as alerts need it: owned, so that it outlives its event.

use serde::{Deserialize, Serialize};
use tagwarden_core::{Assessment, Disposition, Family, Row, Severity, TagOp, Timestamp, Via};

use crate::kept;

/// What one change did to one tag key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagChange {
    /// The key.
    pub key: String,
    /// The value before, if known.
    pub old: Option<String>,
    /// The value after, if any.
    pub new: Option<String>,
    /// What happened.
    pub op: TagOp,
}

/// A rule that hit, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleName {
    /// The rule's id.
    pub id: String,
    /// The rule's title.
    pub title: String,
}

/// One change that somebody is to be told of, or would be if it were not suppressed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Offer {
    /// `<event_id>.<ordinal>`; an offer is taken once under it.
    pub change_id: String,
    /// The event's id.
    pub event_id: String,
    /// The resource's place in the request.
    pub ordinal: u32,
    /// Links the copies of one cross-account call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_event_id: Option<String>,
    /// When it happened.
    pub event_time: Timestamp,
    /// `eventSource`.
    pub event_source: String,
    /// `eventName`.
    pub event_name: String,
    /// The call was refused and changed nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The word by which the actor is told again.
    pub actor: String,
    /// The person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub human: Option<String>,
    /// `userIdentity.arn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_arn: Option<String>,
    /// The session's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The role or user whose rights were used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// The sessions passed through, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<String>,
    /// The way in.
    pub via: Via,
    /// The root user of an account.
    pub root: bool,
    /// The account's id.
    pub account_id: String,
    /// The account's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_name: Option<String>,
    /// The region; empty if unknown.
    pub region: String,
    /// The environment before the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_before: Option<String>,
    /// The environment after the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Who owns the resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The family.
    pub family: Family,
    /// What was done, in the words of the change tables.
    pub kind: String,
    /// `CloudFormation`'s type name; empty if unknown.
    pub resource_type: String,
    /// The resource's id; empty if the request names none.
    pub resource_id: String,
    /// The resource's ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_arn: Option<String>,
    /// The name a person knows it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    /// What happened to its tags; keys that stayed as they were are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<TagChange>,
    /// Required keys that are missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_tags: Vec<String>,
    /// Facts of the request, redacted before they come here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<(String, String)>,
    /// How bad.
    pub severity: Severity,
    /// What was decided.
    pub disposition: Disposition,
    /// By whom and until when, if suppressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed_by: Option<String>,
    /// The rules that hit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleName>,
    /// `anomaly_percentile`, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percentile: Option<f64>,
    /// The run of one pipeline that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_set_id: Option<String>,
    /// For a witness: the `change_id` that it confirms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirms: Option<String>,
    /// The assessment in full, as it is kept for replay.
    #[serde(with = "kept::AssessmentDef")]
    pub assessment: Assessment,
}

impl Offer {
    /// `None` for rows that are only stored.
    pub fn from_row(row: &Row<'_>) -> Option<Self> {
        let Row { event, actor, change, enriched, assessment, .. } = *row;
        if assessment.disposition == Disposition::ArchiveOnly {
            return None;
        }
        let own = |text: &Option<tagwarden_core::Text<'_>>| text.as_deref().map(str::to_owned);
        Some(Self {
            change_id: row.change_id(),
            event_id: event.id.clone().into_owned(),
            ordinal: change.ordinal,
            shared_event_id: own(&event.shared_id),
            event_time: event.time,
            event_source: event.source.clone().into_owned(),
            event_name: event.name.clone().into_owned(),
            error_code: own(&event.error_code),
            actor: actor.key.clone(),
            human: own(&actor.human),
            actor_arn: own(&actor.arn),
            session: own(&actor.session),
            principal: own(&actor.principal),
            chain: actor.chain.clone(),
            via: actor.via,
            root: actor.root,
            account_id: event.account_id.clone().into_owned(),
            account_name: own(&enriched.account_name),
            region: event.region.clone().into_owned(),
            environment_before: own(&enriched.environment_before),
            environment: own(&enriched.environment),
            owner: own(&enriched.owner),
            family: change.family,
            kind: change.kind.to_owned(),
            resource_type: change.resource_type.clone().into_owned(),
            resource_id: change.resource_id.clone().into_owned(),
            resource_arn: own(&change.resource_arn),
            resource_name: own(&change.resource_name).or_else(|| own(&enriched.resource_name)),
            tags: enriched
                .tags
                .iter()
                .filter(|delta| delta.op != TagOp::Unchanged)
                .map(|d| TagChange { key: d.key.clone().into_owned(), old: own(&d.old), new: own(&d.new), op: d.op })
                .collect(),
            missing_tags: enriched.missing_tags.iter().map(|key| key.clone().into_owned()).collect(),
            details: change.details.iter().map(|(k, v)| ((*k).to_owned(), v.clone().into_owned())).collect(),
            severity: assessment.severity,
            disposition: assessment.disposition,
            suppressed_by: assessment.suppressed_by.clone(),
            rules: assessment
                .hits
                .iter()
                .map(|hit| RuleName { id: hit.id.to_string(), title: hit.title.to_string() })
                .collect(),
            percentile: assessment.scores.percentile,
            change_set_id: own(&enriched.change_set_id),
            confirms: own(&enriched.confirms),
            assessment: assessment.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use tagwarden_core::{
        Actor, ActorKind, Assessment, Change, Disposition, Enriched, Event, EventKind, Family, Identity, Ingest, Row,
        RuleHit, Severity, TagDelta, TagEdit, TagOp, Timestamp, Versions, Via,
    };
    use tagwarden_json::Tape;

    use super::Offer;
    use crate::message::sample::offer;

    fn from_row(assessment: &Assessment) -> Option<Offer> {
        let mut tape = Tape::new();
        let record = tape.parse("{}").unwrap();
        let event = Event {
            id: "e".into(),
            key: 0,
            shared_id: None,
            kind: EventKind::ApiCall,
            time: Timestamp(1_795_230_245_000),
            account_id: "286728141752".into(),
            region: "eu-west-1".into(),
            source: "rds.amazonaws.com".into(),
            name: "AddTagsToResource".into(),
            action: "AddTagsToResource".into(),
            error_code: None,
            read_only: false,
            source_ip: None,
            user_agent: None,
            identity: Identity::default(),
            request: None,
            response: None,
            record,
            envelope: record,
            fault: None,
        };
        let actor = Actor {
            kind: Some(ActorKind::Human),
            human: Some("dana.garcia@nimbus.example".into()),
            identity_type: None,
            arn: Some("arn:aws:sts::286728141752:assumed-role/Operator/dana.garcia".into()),
            session: Some("dana.garcia".into()),
            principal: Some("arn:aws:iam::286728141752:role/Operator".into()),
            access_key_id: None,
            via: Via::Api,
            root: false,
            chain: Vec::new(),
            key: "dana.garcia@nimbus.example".into(),
            team: None,
            network: None,
            local_hour: 3,
            local_weekday: 5,
            business_hours: false,
            source_identity_missing: false,
        };
        let change = Change {
            ordinal: 0,
            family: Family::Tags,
            kind: "tags_changed",
            resource_type: "AWS::RDS::DBInstance".into(),
            resource_id: "db-1".into(),
            resource_arn: None,
            resource_name: None,
            tags: TagEdit::default(),
            details: Vec::new(),
        };
        let delta =
            |key: &'static str, op| TagDelta { key: key.into(), old: Some("prd".into()), new: Some("dev".into()), op };
        let enriched = Enriched {
            account_name: Some("nimbus-prd".into()),
            environment_before: Some("prod".into()),
            environment: Some("dev".into()),
            owner: Some("team-checkout".into()),
            tags: vec![delta("Team", TagOp::Unchanged), delta("Environment", TagOp::Modified)],
            resource_name: Some("checkout-db".into()),
            ..Enriched::default()
        };
        let ingest = Ingest { source: "", partition: "", position: "" };
        Offer::from_row(&Row {
            event: &event,
            actor: &actor,
            change: &change,
            enriched: &enriched,
            assessment,
            versions: &Versions::default(),
            ingest,
            seen_time: None,
            raw_sha256: "",
            raw_event: None,
        })
    }

    #[test]
    fn takes_from_a_row_what_people_are_told() {
        let title = "Production reclassified";
        let reason = "production resource moved out of production";
        let mut assessment = Assessment {
            hits: vec![RuleHit { id: "5f6c".into(), title: title.into(), severity: Severity::High, reason: None }],
            reasons: vec![reason.to_owned()],
            severity: Severity::High,
            disposition: Disposition::Notify,
            ..Assessment::default()
        };
        assessment.scores.percentile = Some(99.5);
        let wanted = Offer { assessment: assessment.clone(), ..offer("e.0", 0) };
        assert_eq!(format!("{:?}", from_row(&assessment).unwrap()), format!("{wanted:?}"));
    }

    #[test]
    fn leaves_what_is_only_stored() {
        assert!(from_row(&Assessment::default()).is_none());
        let silenced = Assessment { disposition: Disposition::Suppressed, ..Assessment::default() };
        assert!(from_row(&silenced).is_some());
    }
}
