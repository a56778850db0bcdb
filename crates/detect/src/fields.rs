//! What rules read as `tagwarden.<name>`: the columns known before judging, and a few facts beside them.

use std::borrow::Cow;

use rsigma_eval::{Event as SigmaEvent, EventValue};
use tagwarden_core::columns::Column;
use tagwarden_core::{Scores, TagDelta, TagOp, Text};

use crate::RowParts;
use crate::index::Held;
use crate::policy::Verdict;
use crate::record::RecordEvent;

/// Before every name of ours.
pub(crate) const PREFIX: &str = "tagwarden.";

/// The facts beside the columns, as the crate's documentation lists them.
const FACTS: [&str; 28] = [
    "access_keys_changed",
    "actor",
    "actor_root",
    "automation_keys_changed",
    "business_hours",
    "denied",
    "environment_before",
    "family",
    "governed_keys_changed",
    "governed_keys_rewritten",
    "invalid_tags",
    "left_production",
    "local_hour",
    "local_weekday",
    "ordinal",
    "outside_accounts",
    "principal",
    "production",
    "production_after",
    "production_before",
    "protected_keys_changed",
    "source_identity_missing",
    "tag_operation",
    "tags_changed",
    "tags_known",
    "tags_removed",
    "team",
    "witness",
];

/// Whether `name` (without the prefix) is something that rules can read.
pub(crate) fn is_known(name: &str) -> bool {
    FACTS.binary_search(&name).is_ok()
        || name.strip_prefix("details.").is_some_and(|rest| !rest.is_empty())
        || name.strip_prefix("tags.").is_some_and(|rest| matches!(rest, "key" | "old" | "new" | "op"))
        || tag_part(name).is_some()
        || Column::parse(name).is_some_and(is_known_before_judging)
}

/// Columns that come out of judging, or after it, can't go into it.
fn is_known_before_judging(column: Column) -> bool {
    !matches!(
        column,
        Column::Reasons
            | Column::RuleIds
            | Column::Severity
            | Column::Disposition
            | Column::SuppressedBy
            | Column::Versions
            | Column::Ingest
            | Column::SeenTime
            | Column::SourceCountry
            | Column::RawSha256
            | Column::RawEvent
            // What decides nothing must not decide through a rule.
            | Column::PercentileShadow
    )
}

/// `tag.<key>.<old|new|op>`: the key, which may have dots, and the part.
fn tag_part(name: &str) -> Option<(&str, &str)> {
    let (key, part) = name.strip_prefix("tag.")?.rsplit_once('.')?;
    matches!(part, "old" | "new" | "op").then_some((key, part))
}

/// One change as rules see it: the record, and `tagwarden.*` over it.
pub(crate) struct RowEvent<'a> {
    pub(crate) row: RowParts<'a>,
    pub(crate) record: RecordEvent<'a>,
    pub(crate) verdict: &'a Verdict<'a>,
    pub(crate) scores: &'a Scores,
}

impl<'a> RowEvent<'a> {
    /// The field as text, as reasons and group keys show it; lists are joined by a comma.
    pub(crate) fn text(&self, path: &str) -> Option<Cow<'a, str>> {
        text_of(self.value(path)?)
    }

    /// What the index asks for.
    pub(crate) fn held(&self, key: &str) -> Held<'a> {
        let event = self.row.event;
        match key {
            "tagwarden.change_kind" => Held::Text(self.row.change.kind.into()),
            "tagwarden.family" => Held::Text(self.row.change.family.as_str().into()),
            // The name and source of a witness are not those of its record.
            "eventName" if !event.kind.is_witness() => Held::Text(Cow::Borrowed(&event.name)),
            "eventSource" if !event.kind.is_witness() => Held::Text(Cow::Borrowed(&event.source)),
            _ => match self.value(key) {
                None | Some(EventValue::Null) => Held::Nothing,
                Some(EventValue::Str(text)) => Held::Text(text),
                Some(_) => Held::Odd,
            },
        }
    }

    pub(crate) fn value(&self, path: &str) -> Option<EventValue<'a>> {
        match path.strip_prefix(PREFIX) {
            Some(name) => self.fact(name).or_else(|| self.column(name)),
            None => self.record.field(path),
        }
    }

    fn fact(&self, name: &str) -> Option<EventValue<'a>> {
        let RowParts { event, actor, change, enriched } = self.row;
        let verdict = self.verdict;
        Some(match name {
            "access_keys_changed" => list(&verdict.access_keys)?,
            "actor" => text(&actor.key),
            "actor_root" => EventValue::Bool(actor.root),
            "automation_keys_changed" => list(&verdict.automation_keys)?,
            "business_hours" => EventValue::Bool(actor.business_hours),
            "denied" => EventValue::Bool(event.error_code.is_some()),
            "environment_before" => text(enriched.environment_before.as_deref()?),
            "family" => text(change.family.as_str()),
            "governed_keys_changed" => list(&verdict.governed_keys)?,
            "governed_keys_rewritten" => list(&verdict.rewritten_keys)?,
            "invalid_tags" => list(&verdict.invalid_tags)?,
            "left_production" => EventValue::Bool(verdict.production_before && !verdict.production_after),
            "local_hour" => EventValue::Int(actor.local_hour.into()),
            "local_weekday" => EventValue::Int(actor.local_weekday.into()),
            "ordinal" => EventValue::Int(change.ordinal.into()),
            "outside_accounts" => {
                let strangers = enriched.other_accounts.iter().filter(|other| other.let_in && !other.known);
                let ids: Vec<_> = strangers.map(|other| text(&other.id)).collect();
                (!ids.is_empty()).then_some(EventValue::Array(ids))?
            }
            "principal" => text(actor.principal.as_deref()?),
            "production" => EventValue::Bool(verdict.production()),
            "production_after" => EventValue::Bool(verdict.production_after),
            "production_before" => EventValue::Bool(verdict.production_before),
            "protected_keys_changed" => list(&verdict.protected_keys)?,
            "source_identity_missing" => EventValue::Bool(actor.source_identity_missing),
            "tag_operation" => text(change.tags.operation?.as_str()),
            "tags_changed" => count(&enriched.tags, |tag| tag.op != TagOp::Unchanged),
            "tags_known" => EventValue::Bool(enriched.tags_known),
            "tags_removed" => count(&enriched.tags, |tag| tag.op == TagOp::Removed),
            "team" => text(actor.team.as_deref()?),
            "witness" => EventValue::Bool(event.kind.is_witness()),
            _ => return self.nested(name),
        })
    }

    fn nested(&self, name: &str) -> Option<EventValue<'a>> {
        let RowParts { change, enriched, .. } = self.row;
        if let Some(detail) = name.strip_prefix("details.") {
            return change.detail(detail).map(text);
        }
        if let Some((key, part)) = tag_part(name) {
            return member(enriched.tags.iter().find(|tag| tag.key == key)?, part);
        }
        let part = name.strip_prefix("tags.")?;
        let values: Vec<_> = enriched.tags.iter().filter_map(|tag| member(tag, part)).collect();
        (!values.is_empty()).then_some(EventValue::Array(values))
    }

    fn column(&self, name: &str) -> Option<EventValue<'a>> {
        let RowParts { event, actor, change, enriched } = self.row;
        let scores = self.scores;
        Some(match Column::parse(name)? {
            Column::ChangeId => EventValue::Str(Cow::Owned(format!("{}.{}", event.id, change.ordinal))),
            Column::EventId => text(&event.id),
            Column::SharedEventId => text(event.shared_id.as_deref()?),
            Column::EventTime => EventValue::Str(Cow::Owned(event.time.to_string())),
            Column::AccountId => filled(&event.account_id)?,
            Column::AccountName => text(enriched.account_name.as_deref()?),
            Column::Region => filled(&event.region)?,
            Column::EventSource => text(&event.source),
            Column::EventName => text(&event.name),
            Column::ErrorCode => text(event.error_code.as_deref()?),
            Column::ReadOnly => EventValue::Bool(event.read_only),
            Column::ActorKind => text(actor.kind?.as_str()),
            Column::ActorHuman => text(actor.human.as_deref()?),
            Column::ActorType => text(actor.identity_type.as_deref()?),
            Column::ActorArn => text(actor.arn.as_deref()?),
            Column::ActorSession => text(actor.session.as_deref()?),
            Column::AccessKeyId => text(actor.access_key_id.as_deref()?),
            Column::Via => text(actor.via.as_str()),
            Column::SourceIp => text(event.source_ip.as_deref()?),
            Column::NetworkClass => text(actor.network?.as_str()),
            Column::UserAgent => text(event.user_agent.as_deref()?),
            Column::ResourceType => filled(&change.resource_type)?,
            Column::ResourceId => filled(&change.resource_id)?,
            Column::ResourceArn => text(change.resource_arn.as_deref()?),
            Column::ResourceName => text(change.resource_name.as_deref().or(enriched.resource_name.as_deref())?),
            Column::Environment => text(enriched.environment.as_deref()?),
            Column::Owner => text(enriched.owner.as_deref()?),
            Column::ChangeKind => text(change.kind),
            Column::ChangeSetId => text(enriched.change_set_id.as_deref()?),
            Column::Tags => EventValue::Array(enriched.tags.iter().map(whole).collect()),
            Column::MissingTags => list(&enriched.missing_tags)?,
            Column::Details => {
                EventValue::Map(change.details.iter().map(|(k, v)| (Cow::Borrowed(*k), text(v))).collect())
            }
            Column::AnomalyPercentile => EventValue::Float(scores.percentile?),
            Column::Score => EventValue::Float(scores.score),
            Column::ScoreForest => EventValue::Float(scores.forest?),
            Column::ScoreTails => EventValue::Float(scores.tails?),
            Column::SurprisalSum => EventValue::Float(scores.surprisal_sum),
            Column::PeerDistance => EventValue::Float(scores.peer_distance?),
            Column::PeerGroup => text(scores.peer_group.as_deref()?),
            _ => return None,
        })
    }
}

fn text(value: &str) -> EventValue<'_> {
    EventValue::Str(Cow::Borrowed(value))
}

fn filled(value: &str) -> Option<EventValue<'_>> {
    (!value.is_empty()).then(|| text(value))
}

/// Empty lists are absent, so that `exists` asks whether there is anything.
fn list<'a>(values: &'a [Text<'_>]) -> Option<EventValue<'a>> {
    (!values.is_empty()).then(|| EventValue::Array(values.iter().map(|value| text(value)).collect()))
}

fn count(tags: &[TagDelta<'_>], wanted: impl Fn(&TagDelta<'_>) -> bool) -> EventValue<'static> {
    EventValue::Int(i64::try_from(tags.iter().filter(|tag| wanted(tag)).count()).unwrap_or(i64::MAX))
}

fn member<'a>(tag: &'a TagDelta<'_>, part: &str) -> Option<EventValue<'a>> {
    Some(match part {
        "key" => text(&tag.key),
        "old" => text(tag.old.as_deref()?),
        "new" => text(tag.new.as_deref()?),
        "op" => text(tag.op.as_str()),
        _ => return None,
    })
}

fn whole<'a>(tag: &'a TagDelta<'_>) -> EventValue<'a> {
    let parts = ["key", "old", "new", "op"];
    EventValue::Map(parts.into_iter().map(|p| (Cow::Borrowed(p), member(tag, p).unwrap_or(EventValue::Null))).collect())
}

fn text_of(value: EventValue<'_>) -> Option<Cow<'_, str>> {
    match value {
        EventValue::Str(text) => Some(text),
        EventValue::Array(values) => {
            let texts: Vec<_> = values.into_iter().filter_map(text_of).collect();
            (!texts.is_empty()).then(|| Cow::Owned(texts.join(", ")))
        }
        other => other.as_str().map(|text| Cow::Owned(text.into_owned())),
    }
}

impl SigmaEvent for RowEvent<'_> {
    fn get_field(&self, path: &str) -> Option<EventValue<'_>> {
        self.value(path)
    }

    fn any_string_value(&self, pred: &dyn Fn(&str) -> bool) -> bool {
        self.record.any_string_value(pred)
    }

    fn all_string_values(&self) -> Vec<Cow<'_, str>> {
        self.record.all_string_values()
    }

    fn to_json(&self) -> serde_json::Value {
        self.record.to_json()
    }
}

#[cfg(test)]
mod tests {
    use super::is_known;

    #[test]
    fn what_comes_out_of_judging_or_decides_nothing_is_no_field() {
        assert!(is_known("anomaly_percentile") && is_known("details.port") && is_known("team"));
        for name in ["percentile_shadow", "disposition", "rule_ids", "details.", "raw_event"] {
            assert!(!is_known(name), "{name}");
        }
    }
}
