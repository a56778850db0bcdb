//! Rows with something in every column, and both ways to see them as JSON: before the archive and after.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampMillisecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use bytes::Bytes;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value as Json, json};
use tagwarden_archive::{Archive, Settings};
use tagwarden_core::columns::Column;
use tagwarden_core::{
    Actor, ActorKind, Assessment, Change, Disposition, Enriched, Event, EventKind, Family, Identity, Ingest, Intent,
    NetworkClass, Row, RuleHit, Scores, Severity, Shadow, TagDelta, TagEdit, TagOp, Text, Timestamp, Value, Versions,
    Via,
};
use tagwarden_json::Tape;

pub(crate) const DAY: i64 = 86_400_000;

/// What a row is made of.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub(crate) id: String,
    pub(crate) ordinal: u32,
    pub(crate) account: String,
    pub(crate) time: i64,
    /// Goes into the columns that may be null.
    pub(crate) maybe: Option<String>,
    pub(crate) number: Option<f64>,
    pub(crate) tags: Vec<(String, Option<String>, Option<String>)>,
    pub(crate) words: Vec<String>,
    pub(crate) details: Vec<(&'static str, String)>,
    pub(crate) raw: Option<String>,
    pub(crate) position: u64,
}

impl Spec {
    /// A plain row of `account` at `time`.
    pub(crate) fn new(position: u64, account: &str, time: i64) -> Self {
        Self {
            id: format!("event-{position}"),
            ordinal: 0,
            account: account.to_owned(),
            time,
            maybe: Some(format!("text {}", position % 3)),
            number: Some(0.5),
            tags: vec![("env".to_owned(), Some("prod".to_owned()), Some("dev".to_owned()))],
            words: vec!["owner".to_owned()],
            details: vec![("port", "22".to_owned())],
            raw: Some(format!(r#"{{"eventID":"event-{position}"}}"#)),
            position,
        }
    }

    /// Hands the row that this describes to `each`.
    pub(crate) fn row<T>(&self, each: impl FnOnce(&Row<'_>) -> T) -> T {
        let mut tape = Tape::new();
        let record = tape.parse("{}").unwrap();
        let maybe = || self.maybe.as_deref().map(Text::from);
        let event = Event {
            id: self.id.as_str().into(),
            key: 0,
            shared_id: maybe(),
            kind: EventKind::ApiCall,
            time: Timestamp(self.time),
            account_id: self.account.as_str().into(),
            region: "eu-central-1".into(),
            source: "ec2.amazonaws.com".into(),
            name: "CreateTags".into(),
            action: "CreateTags".into(),
            error_code: maybe(),
            read_only: self.position.is_multiple_of(2),
            source_ip: maybe(),
            user_agent: maybe(),
            identity: Identity::default(),
            request: None,
            response: None,
            record,
            envelope: record,
            fault: None,
        };
        let actor = Actor {
            kind: self.maybe.as_ref().map(|_| ActorKind::Human),
            human: maybe(),
            identity_type: maybe(),
            arn: maybe(),
            session: maybe(),
            principal: None,
            access_key_id: maybe(),
            via: Via::Iac,
            root: false,
            chain: Vec::new(),
            key: String::new(),
            team: None,
            network: self.maybe.as_ref().map(|_| NetworkClass::Vpn),
            local_hour: 0,
            local_weekday: 0,
            business_hours: true,
            source_identity_missing: false,
        };
        let change = Change {
            ordinal: self.ordinal,
            family: Family::Tags,
            kind: "tags_changed",
            resource_type: "AWS::EC2::Instance".into(),
            resource_id: format!("i-{}", self.position).into(),
            resource_arn: maybe(),
            resource_name: maybe(),
            tags: TagEdit::default(),
            details: self.details.iter().map(|(key, value)| (*key, value.as_str().into())).collect(),
        };
        let delta = |(key, old, new): &'_ (String, Option<String>, Option<String>)| TagDelta {
            key: key.clone().into(),
            old: old.clone().map(Text::from),
            new: new.clone().map(Text::from),
            op: TagOp::Modified,
        };
        let enriched = Enriched {
            account_name: maybe(),
            environment: maybe(),
            owner: maybe(),
            tags: self.tags.iter().map(delta).collect(),
            missing_tags: self.words.iter().map(|word| word.as_str().into()).collect(),
            change_set_id: maybe(),
            ..Enriched::default()
        };
        let hit = |word: &String| RuleHit {
            id: word.as_str().into(),
            title: "title".into(),
            severity: Severity::High,
            reason: None,
        };
        let assessment = Assessment {
            hits: self.words.iter().map(hit).collect(),
            scores: Scores {
                percentile: self.number,
                score: 1.5,
                forest: self.number,
                tails: self.number,
                surprisal_sum: 12.25,
                peer_distance: self.number,
                peer_group: self.maybe.clone(),
                shadow: self.number.map(|percentile| Shadow { score: 2.5, percentile }),
                ..Scores::default()
            },
            reasons: self.words.clone(),
            severity: Severity::High,
            disposition: Disposition::Page,
            suppressed_by: self.maybe.clone(),
            ..Assessment::default()
        };
        let versions =
            Versions { config: "c0".to_owned(), rules: self.maybe.clone(), inventory: None, ..Versions::default() };
        let position = self.position.to_string();
        each(&Row {
            event: &event,
            actor: &actor,
            change: &change,
            enriched: &enriched,
            assessment: &assessment,
            versions: &versions,
            ingest: Ingest { source: "files", partition: "a.ndjson", position: &position },
            seen_time: self.number.map(|_| Timestamp(self.time + 7)),
            raw_sha256: "5ha",
            raw_event: self.raw.as_deref(),
        })
    }

    /// Every column as JSON, as the row has it.
    pub(crate) fn expected(&self) -> Vec<Json> {
        self.row(|row| Column::ALL.iter().map(|column| value(row.value(*column))).collect())
    }
}

fn value(value: Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Str(text) => json!(text),
        Value::ChangeId(id, ordinal) => json!(format!("{id}.{ordinal}")),
        Value::Time(time) => json!(time.0),
        Value::Double(number) => json!(number),
        Value::Bool(truth) => json!(truth),
        Value::Strings(texts) => json!(texts),
        Value::Texts(texts) => json!(texts),
        Value::RuleIds(hits) => hits.iter().map(|hit| json!(&*hit.id)).collect(),
        Value::Tags(tags) => tags.iter().map(|tag| json!([tag.key, tag.old, tag.new, tag.op.as_str()])).collect(),
        Value::Map(pairs) => pairs.iter().map(|(key, value)| json!([key, value])).collect(),
        Value::Versions(v) => json!([v.config, v.rules, v.inventory, v.model]),
        Value::Ingest(i) => json!([i.source, i.partition, i.position]),
    }
}

/// Every row of a Parquet file as JSON, by column.
pub(crate) fn read(file: Bytes) -> Vec<Vec<Json>> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    let mut rows = Vec::new();
    for batch in batches {
        rows.extend((0..batch.num_rows()).map(|row| batch.columns().iter().map(|cells| cell(cells, row)).collect()));
    }
    rows
}

fn cell(cells: &Arc<dyn Array>, row: usize) -> Json {
    if cells.is_null(row) {
        return Json::Null;
    }
    match cells.data_type() {
        DataType::Utf8 => json!(cells.as_string::<i32>().value(row)),
        DataType::Timestamp(_, Some(zone)) if &**zone == "UTC" => {
            json!(cells.as_primitive::<TimestampMillisecondType>().value(row))
        }
        DataType::Float64 => json!(cells.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => json!(cells.as_boolean().value(row)),
        DataType::List(_) => {
            let list = cells.as_list::<i32>().value(row);
            (0..list.len()).map(|at| cell(&list, at)).collect()
        }
        DataType::Map(..) => {
            let entries: Arc<dyn Array> = Arc::new(cells.as_map().value(row));
            (0..entries.len()).map(|at| cell(&entries, at)).collect()
        }
        DataType::Struct(_) => cells.as_struct().columns().iter().map(|member| cell(member, row)).collect(),
        other => panic!("found a column of {other}"),
    }
}

pub(crate) async fn archive(store: &Arc<InMemory>) -> Archive {
    let settings = Settings { row_group_rows: 100, ..Settings::default() };
    Archive::open_store(store.clone(), "main", settings).await.unwrap()
}

pub(crate) fn push(archive: &mut Archive, specs: &[Spec]) {
    for spec in specs {
        spec.row(|row| archive.push(row, None));
    }
}

pub(crate) fn intent(archive: &Archive, epoch: u64) -> Intent {
    let (objects, quarantine) = archive.plan(epoch);
    Intent {
        epoch,
        lane: "main".to_owned(),
        moves: Vec::new(),
        versions: Versions::default(),
        archive_read_only: false,
        objects,
        quarantine,
    }
}

pub(crate) async fn object(store: &dyn ObjectStore, key: &str) -> Bytes {
    store.get(&Path::from(key)).await.unwrap().bytes().await.unwrap()
}
