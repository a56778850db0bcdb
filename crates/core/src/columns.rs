//! The columns that archive, `judge`, rules and index share.
//!
//! Names are what other people's queries rely on; one changes only with a new schema version.

use serde::{Deserialize, Serialize};

use crate::{Actor, Assessment, Change, Enriched, Event, RuleHit, TagDelta, Text, Timestamp};

/// The schema's version in file metadata.
pub const SCHEMA_VERSION: u32 = 1;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// UTF-8 text.
    String,
    /// Milliseconds since the epoch, UTC.
    Timestamp,
    /// 64-bit float.
    Double,
    /// True or false.
    Bool,
    /// List of text.
    StringList,
    /// List of struct(`key`, `old`, `new`, `op`).
    Tags,
    /// Map of text to text.
    StringMap,
    /// Struct of text: the names of [`Versions`].
    Versions,
    /// Struct of text: the names of [`Ingest`].
    Ingest,
}

macro_rules! columns {
    ($($variant:ident = $id:literal, $name:literal, $type:ident;)+) => {
        /// One column.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the names are the documentation")]
        pub enum Column { $($variant),+ }

        impl Column {
            /// Every column, in file order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The column's name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The column's Parquet field id; never reused.
            pub const fn field_id(self) -> i32 {
                match self { $(Self::$variant => $id),+ }
            }

            /// What the column holds.
            pub const fn data_type(self) -> Type {
                match self { $(Self::$variant => Type::$type),+ }
            }

            /// The column of this name.
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

columns! {
    ChangeId = 1, "change_id", String;
    EventId = 2, "event_id", String;
    SharedEventId = 3, "shared_event_id", String;
    EventTime = 4, "event_time", Timestamp;
    SeenTime = 5, "seen_time", Timestamp;
    AccountId = 6, "account_id", String;
    AccountName = 7, "account_name", String;
    Region = 8, "region", String;
    EventSource = 9, "event_source", String;
    EventName = 10, "event_name", String;
    ErrorCode = 11, "error_code", String;
    ReadOnly = 12, "read_only", Bool;
    ActorKind = 13, "actor_kind", String;
    ActorHuman = 14, "actor_human", String;
    ActorType = 15, "actor_type", String;
    ActorArn = 16, "actor_arn", String;
    ActorSession = 17, "actor_session", String;
    AccessKeyId = 18, "access_key_id", String;
    Via = 19, "via", String;
    SourceIp = 20, "source_ip", String;
    NetworkClass = 21, "network_class", String;
    SourceCountry = 22, "source_country", String;
    UserAgent = 23, "user_agent", String;
    ResourceType = 24, "resource_type", String;
    ResourceId = 25, "resource_id", String;
    ResourceArn = 26, "resource_arn", String;
    ResourceName = 27, "resource_name", String;
    Environment = 28, "environment", String;
    Owner = 29, "owner", String;
    ChangeKind = 30, "change_kind", String;
    ChangeSetId = 31, "change_set_id", String;
    Tags = 32, "tags", Tags;
    MissingTags = 33, "missing_tags", StringList;
    Details = 34, "details", StringMap;
    AnomalyPercentile = 35, "anomaly_percentile", Double;
    Score = 36, "score", Double;
    ScoreForest = 37, "score_forest", Double;
    ScoreTails = 38, "score_tails", Double;
    SurprisalSum = 39, "surprisal_sum", Double;
    PeerDistance = 40, "peer_distance", Double;
    PeerGroup = 41, "peer_group", String;
    Reasons = 42, "reasons", StringList;
    RuleIds = 43, "rule_ids", StringList;
    Severity = 44, "severity", String;
    Disposition = 45, "disposition", String;
    SuppressedBy = 46, "suppressed_by", String;
    Versions = 47, "versions", Versions;
    Ingest = 48, "ingest", Ingest;
    RawSha256 = 49, "raw_sha256", String;
    RawEvent = 50, "raw_event", String;
    PercentileShadow = 51, "percentile_shadow", Double;
}

impl Column {
    /// Whether the value is the same for all changes of one event.
    pub const fn is_of_event(self) -> bool {
        matches!(
            self,
            Self::EventId
                | Self::SharedEventId
                | Self::EventTime
                | Self::SeenTime
                | Self::AccountId
                | Self::Region
                | Self::EventSource
                | Self::EventName
                | Self::ErrorCode
                | Self::ReadOnly
                | Self::ActorKind
                | Self::ActorHuman
                | Self::ActorType
                | Self::ActorArn
                | Self::ActorSession
                | Self::AccessKeyId
                | Self::Via
                | Self::SourceIp
                | Self::NetworkClass
                | Self::SourceCountry
                | Self::UserAgent
                | Self::Versions
                | Self::Ingest
                | Self::RawSha256
        )
    }
}

/// SHA-256 names, in hex, of what was in force: the objects under `_versions/`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The config without secrets.
    pub config: String,
    /// The rules; `None` without rules.
    pub rules: Option<String>,
    /// The inventory; `None` without one.
    pub inventory: Option<String>,
    /// The trained model; `None` while learning online.
    pub model: Option<String>,
    /// A second model that judges beside it and decides nothing. No part of the column: an epoch's log names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<String>,
}

/// Where a row's record was read. The only column that may differ between two runs over the same input.
#[derive(Debug, Clone, Copy)]
pub struct Ingest<'a> {
    /// The source's name.
    pub source: &'a str,
    /// The partition.
    pub partition: &'a str,
    /// The position.
    pub position: &'a str,
}

/// One row: what is known of one change, put together from its parts.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// The event.
    pub event: &'a Event<'a>,
    /// Who did it.
    pub actor: &'a Actor<'a>,
    /// What was done to which resource.
    pub change: &'a Change<'a>,
    /// What is known around it.
    pub enriched: &'a Enriched<'a>,
    /// What is thought of it.
    pub assessment: &'a Assessment,
    /// What was in force.
    pub versions: &'a Versions,
    /// Where the record was read.
    pub ingest: Ingest<'a>,
    /// When the source took it in.
    pub seen_time: Option<Timestamp>,
    /// SHA-256 of the bytes received, in hex.
    pub raw_sha256: &'a str,
    /// The event as received, on ordinal 0 only.
    pub raw_event: Option<&'a str>,
}

/// The value of one column of one row.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// Absent.
    Null,
    /// Text.
    Str(&'a str),
    /// `change_id`, put together only where it is needed.
    ChangeId(&'a str, u32),
    /// A time.
    Time(Timestamp),
    /// A number.
    Double(f64),
    /// A truth.
    Bool(bool),
    /// A list of text.
    Strings(&'a [String]),
    /// A list of text that may be borrowed from the event.
    Texts(&'a [Text<'a>]),
    /// The ids of rules.
    RuleIds(&'a [RuleHit]),
    /// Tag changes.
    Tags(&'a [TagDelta<'a>]),
    /// A map of text to text.
    Map(&'a [(&'static str, Text<'a>)]),
    /// Versions.
    Versions(&'a Versions),
    /// Where the record was read.
    Ingest(Ingest<'a>),
}

fn text<'a>(value: Option<&'a Text<'_>>) -> Value<'a> {
    value.map_or(Value::Null, |v| Value::Str(v))
}

fn filled(value: &str) -> Value<'_> {
    if value.is_empty() { Value::Null } else { Value::Str(value) }
}

fn double(value: Option<f64>) -> Value<'static> {
    value.map_or(Value::Null, Value::Double)
}

impl<'a> Row<'a> {
    /// The value of `column`. Empty text is null, except in lists and maps.
    pub fn value(&self, column: Column) -> Value<'a> {
        let Self { event, actor, change, enriched, assessment, .. } = *self;
        let scores = &assessment.scores;
        match column {
            Column::ChangeId => Value::ChangeId(&event.id, change.ordinal),
            Column::EventId => Value::Str(&event.id),
            Column::SharedEventId => text(event.shared_id.as_ref()),
            Column::EventTime => Value::Time(event.time),
            Column::SeenTime => self.seen_time.map_or(Value::Null, Value::Time),
            Column::AccountId => filled(&event.account_id),
            Column::AccountName => text(enriched.account_name.as_ref()),
            Column::Region => filled(&event.region),
            Column::EventSource => Value::Str(&event.source),
            Column::EventName => Value::Str(&event.name),
            Column::ErrorCode => text(event.error_code.as_ref()),
            Column::ReadOnly => Value::Bool(event.read_only),
            Column::ActorKind => actor.kind.map_or(Value::Null, |k| Value::Str(k.as_str())),
            Column::ActorHuman => text(actor.human.as_ref()),
            Column::ActorType => text(actor.identity_type.as_ref()),
            Column::ActorArn => text(actor.arn.as_ref()),
            Column::ActorSession => text(actor.session.as_ref()),
            Column::AccessKeyId => text(actor.access_key_id.as_ref()),
            Column::Via => Value::Str(actor.via.as_str()),
            Column::SourceIp => text(event.source_ip.as_ref()),
            Column::NetworkClass => actor.network.map_or(Value::Null, |n| Value::Str(n.as_str())),
            Column::SourceCountry => Value::Null,
            Column::UserAgent => text(event.user_agent.as_ref()),
            Column::ResourceType => filled(&change.resource_type),
            Column::ResourceId => filled(&change.resource_id),
            Column::ResourceArn => text(change.resource_arn.as_ref()),
            Column::ResourceName => text(change.resource_name.as_ref().or(enriched.resource_name.as_ref())),
            Column::Environment => text(enriched.environment.as_ref()),
            Column::Owner => text(enriched.owner.as_ref()),
            Column::ChangeKind => Value::Str(change.kind),
            Column::ChangeSetId => text(enriched.change_set_id.as_ref()),
            Column::Tags => Value::Tags(&enriched.tags),
            Column::MissingTags => Value::Texts(&enriched.missing_tags),
            Column::Details => Value::Map(&change.details),
            Column::AnomalyPercentile => double(scores.percentile),
            Column::Score => Value::Double(scores.score),
            Column::ScoreForest => double(scores.forest),
            Column::ScoreTails => double(scores.tails),
            Column::SurprisalSum => Value::Double(scores.surprisal_sum),
            Column::PeerDistance => double(scores.peer_distance),
            Column::PeerGroup => scores.peer_group.as_deref().map_or(Value::Null, Value::Str),
            Column::Reasons => Value::Strings(&assessment.reasons),
            Column::RuleIds => Value::RuleIds(&assessment.hits),
            Column::Severity => Value::Str(assessment.severity.as_str()),
            Column::Disposition => Value::Str(assessment.disposition.as_str()),
            Column::SuppressedBy => assessment.suppressed_by.as_deref().map_or(Value::Null, Value::Str),
            Column::Versions => Value::Versions(self.versions),
            Column::Ingest => Value::Ingest(self.ingest),
            Column::RawSha256 => Value::Str(self.raw_sha256),
            Column::RawEvent => self.raw_event.map_or(Value::Null, Value::Str),
            Column::PercentileShadow => double(scores.shadow.map(|shadow| shadow.percentile)),
        }
    }

    /// `<event_id>.<ordinal>`.
    pub fn change_id(&self) -> String {
        format!("{}.{}", self.event.id, self.change.ordinal)
    }
}
