//! What is pushed is what is read, whatever happens on the way.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod sample;

use std::sync::Arc;

use bytes::Bytes;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::serialized_reader::ReadOptionsBuilder;
use parquet::schema::types::Type as Field;
use proptest::prelude::*;
use sample::{DAY, Spec, archive, intent, object, push, read};
use tagwarden_archive::{Archive, ArchiveError, Settings};
use tagwarden_core::columns::Column;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn silent(_: &str) {}

/// Three accounts, two days, not in order; more rows than a row group holds.
fn specs() -> Vec<Spec> {
    let spec = |n: u64| {
        let time = 1_700_000_000_000 + i64::try_from(n * 7919 % 300).unwrap() * 250_000;
        Spec::new(n, ["222222222222", "111111111111", "333333333333"][usize::try_from(n % 3).unwrap()], time)
    };
    (0..350).map(spec).collect()
}

/// The rows of each date, sorted as files are.
fn expected(specs: &[Spec]) -> Vec<Vec<Vec<serde_json::Value>>> {
    let mut order: Vec<&Spec> = specs.iter().collect();
    order.sort_by_key(|spec| (spec.time.div_euclid(DAY), spec.account.clone(), spec.time));
    order
        .chunk_by(|a, b| a.time.div_euclid(DAY) == b.time.div_euclid(DAY))
        .map(|day| day.iter().map(|spec| spec.expected()).collect())
        .collect()
}

#[tokio::test]
async fn every_column_comes_back_sorted_and_cut_by_date() {
    let store = Arc::new(InMemory::new());
    let mut archive = archive(&store).await;
    let specs = specs();
    push(&mut archive, &specs);
    assert_eq!(archive.rows(), 350);
    let intent = intent(&archive, 7);
    assert_eq!(
        intent.objects,
        ["changes/dt=2023-11-14/main-0000000007.parquet", "changes/dt=2023-11-15/main-0000000007.parquet"]
    );
    let sealed = archive.seal(&intent, &mut silent).await.unwrap();
    let expected = expected(&specs);
    assert_eq!(sealed.files.len(), expected.len());
    for (file, wanted) in sealed.files.iter().zip(&expected) {
        assert_eq!(file.rows, wanted.len() as u64);
        assert_eq!(&read(object(&*store, &file.key).await), wanted);
    }
    assert_eq!((archive.rows(), archive.bytes()), (0, 0));
}

#[tokio::test]
async fn a_reader_can_skip_pages() {
    let store = Arc::new(InMemory::new());
    let mut archive = Archive::open_store(store.clone(), "main", Settings::default()).await.unwrap();
    // 20,000 rows fill a page; two rows share a time.
    let time = |n: u64| i64::try_from(n / 2).unwrap() * 1000;
    let specs: Vec<Spec> = (0..20_010).map(|n| Spec::new(n, "111111111111", time(n))).collect();
    push(&mut archive, &specs);
    let sealed = archive.seal(&intent(&archive, 1), &mut silent).await.unwrap();
    let file = object(&*store, &sealed.files[0].key).await;
    assert_eq!(read(file.clone()), expected(&specs)[0]);
    let options = ReadOptionsBuilder::new().with_page_index().build();
    let reader = SerializedFileReader::new_with_options(file, options).unwrap();
    let times = Column::EventTime as usize;
    let ColumnIndexMetaData::INT64(bounds) = &reader.metadata().column_index().unwrap()[0][times] else {
        panic!("event_time has no page index")
    };
    assert_eq!((bounds.min_values(), bounds.max_values()), (&[0, 10_000_000][..], &[9_999_000, 10_004_000][..]));
    let pages = reader.metadata().offset_index().unwrap()[0][times].page_locations().iter();
    assert_eq!(pages.map(|page| page.first_row_index).collect::<Vec<_>>(), [0, 20_000]);
}

#[tokio::test]
async fn the_file_says_what_it_is() {
    let store = Arc::new(InMemory::new());
    let mut archive = archive(&store).await;
    push(&mut archive, &specs());
    let sealed = archive.seal(&intent(&archive, 1), &mut silent).await.unwrap();
    let file = SerializedFileReader::new(object(&*store, &sealed.files[0].key).await).unwrap();
    let metadata = file.metadata().file_metadata();
    assert_eq!(metadata.created_by(), Some("tagwarden version 1"));
    let pairs = metadata.key_value_metadata().unwrap();
    assert_eq!(
        pairs.iter().map(|pair| (&*pair.key, pair.value.as_deref())).collect::<Vec<_>>(),
        [("tagwarden.schema_version", Some("1"))]
    );
    let columns = metadata.schema().get_fields();
    assert_eq!(columns.len(), Column::ALL.len());
    let mut ids = Vec::new();
    for (field, column) in columns.iter().zip(Column::ALL) {
        assert_eq!((field.name(), field.get_basic_info().id()), (column.name(), column.field_id()));
        numbered(field, &mut ids);
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "a field id occurs twice");
    let group = file.metadata().row_group(0);
    let by: Vec<&str> = group
        .sorting_columns()
        .unwrap()
        .iter()
        .map(|by| group.column(usize::try_from(by.column_idx).unwrap()).column_descr().name())
        .collect();
    assert_eq!(by, ["account_id", "event_time"]);
    for column in group.columns() {
        let name = column.column_path().string();
        let looked_up =
            ["event_id", "resource_id", "resource_arn", "actor_human", "access_key_id", "source_ip"].contains(&&*name);
        assert_eq!(column.bloom_filter_offset().is_some(), looked_up, "{name}");
    }
    assert!(group.column(3).statistics().is_some(), "event_time has no statistics");
}

/// Collects field ids, and fails for an unsigned field or one without an id. The groups that Parquet itself puts around
/// lists and maps have none.
fn numbered(field: &Field, ids: &mut Vec<i32>) {
    let info = field.get_basic_info();
    let wrapper = field.is_group() && matches!(info.name(), "list" | "key_value");
    assert!(wrapper || info.has_id(), "{} has no field id", info.name());
    if info.has_id() {
        ids.push(info.id());
    }
    let logical = format!("{:?} {:?}", info.logical_type_ref(), info.converted_type());
    assert!(!logical.contains("UINT") && !logical.contains("is_signed: false"), "{}: {logical}", info.name());
    if field.is_group() {
        field.get_fields().iter().for_each(|member| numbered(member, ids));
    }
}

#[tokio::test]
async fn the_same_rows_give_the_same_bytes() {
    let specs = specs();
    let mut sums = Vec::new();
    for _ in 0..2 {
        let store = Arc::new(InMemory::new());
        let mut archive = archive(&store).await;
        // What an earlier epoch left behind must not show.
        push(&mut archive, &specs[..sums.len() * 40]);
        archive.seal(&intent(&archive, 1), &mut silent).await.unwrap();
        push(&mut archive, &specs);
        sums.push(archive.seal(&intent(&archive, 2), &mut silent).await.unwrap().files);
    }
    assert_eq!(sums[0], sums[1]);
}

#[tokio::test]
async fn slices_of_the_input_are_the_raw_event() {
    let store = Arc::new(InMemory::new());
    let mut archive = archive(&store).await;
    let input = Bytes::from(r#"{"a":1}{"ü":2}"#);
    for (position, range) in [(10, 0..7), (9, 7..15)] {
        let mut spec = Spec::new(position, "111111111111", 0);
        spec.raw = None;
        spec.row(|row| archive.push(row, Some(input.slice(range))));
    }
    let mut second = Spec::new(9, "111111111111", 0);
    (second.raw, second.ordinal) = (None, 1);
    push(&mut archive, &[second]);
    let sealed = archive.seal(&intent(&archive, 1), &mut silent).await.unwrap();
    let raw = archive.raw_events(&sealed.files[0].key).await.unwrap();
    assert_eq!(raw, [r#"{"ü":2}"#, r#"{"a":1}"#], "9 comes before 10");
}

#[tokio::test]
async fn an_object_that_is_there_is_adopted() {
    let store = Arc::new(InMemory::new());
    let specs = specs();
    let mut first = archive(&store).await;
    push(&mut first, &specs[..200]);
    let intended = intent(&first, 1);
    let before = first.seal(&intended, &mut silent).await.unwrap();
    store.delete(&Path::from("_log/main/0000000001.json")).await.unwrap();
    // Other rows of the same dates: what was sealed counts.
    let mut second = archive(&store).await;
    push(&mut second, &specs);
    let mut steps = Vec::new();
    let after = second.seal(&intended, &mut |step| steps.push(step.to_owned())).await.unwrap();
    assert_eq!(before, after);
    let key = &intended.objects[0];
    assert_eq!(steps[..2], [format!("put:{key}"), format!("put-done:{key}")]);
    assert_eq!(steps[4..], ["put:_log/main/0000000001.json", "put-done:_log/main/0000000001.json"]);
    // Once more, with the log there as well.
    push(&mut second, &specs);
    assert_eq!(second.seal(&intended, &mut silent).await.unwrap(), after);
    // A log that says something else is nobody's to adopt.
    push(&mut second, &specs);
    let mut other = intended.clone();
    other.archive_read_only = true;
    assert!(matches!(second.seal(&other, &mut silent).await, Err(ArchiveError::Intent { epoch: 1, .. })));
}

#[tokio::test]
async fn an_intent_that_does_not_fit_puts_nothing() {
    let store = Arc::new(InMemory::new());
    let mut archive = archive(&store).await;
    push(&mut archive, &specs());
    let good = intent(&archive, 1);
    for change in 0..3 {
        let mut bad = good.clone();
        match change {
            0 => drop(bad.objects.pop()),
            1 => bad.quarantine = Some("_quarantine/main/0000000001.ndjson".to_owned()),
            _ => bad.lane = "other".to_owned(),
        }
        assert!(matches!(archive.seal(&bad, &mut silent).await, Err(ArchiveError::Intent { .. })));
    }
    assert!(archive.is_empty().await.unwrap());
    assert_eq!(archive.rows(), 350, "the open epoch is kept");
    archive.seal(&good, &mut silent).await.unwrap();
    assert!(!archive.is_empty().await.unwrap());
}

#[tokio::test]
async fn shutting_out_fills_the_gaps_and_keeps_what_landed() {
    let store = Arc::new(InMemory::new());
    let mut writer = archive(&store).await;
    push(&mut writer, &specs());
    writer.reject(rejected());
    let intended = intent(&writer, 3);
    let sealed = writer.seal(&intended, &mut silent).await.unwrap();
    for gone in [&intended.objects[1], intended.quarantine.as_ref().unwrap(), "_log/main/0000000003.json"] {
        store.delete(&Path::from(gone)).await.unwrap();
    }
    let finished = archive(&store).await.shut_out(&intended).await.unwrap();
    assert_eq!(finished.files[0], sealed.files[0]);
    assert_eq!((finished.files[1].rows, finished.quarantined), (0, 0));
    let empty = object(&*store, &intended.objects[1]).await;
    assert!(read(empty.clone()).is_empty());
    let columns = SerializedFileReader::new(empty).unwrap().metadata().file_metadata().schema().get_fields().len();
    assert_eq!(columns, Column::ALL.len());
    // The late writer finds the door shut.
    push(&mut writer, &specs());
    writer.reject(rejected());
    assert_eq!(writer.seal(&intended, &mut silent).await.unwrap(), finished);
}

fn rejected() -> tagwarden_archive::Rejected {
    tagwarden_archive::Rejected {
        bytes: Bytes::from_static(b"{\"half\": \xff"),
        source: "files".to_owned(),
        partition: "a.ndjson".into(),
        position: tagwarden_core::Position::offset(12),
        stage: tagwarden_core::Stage::Decode,
        reason: "found the end of input, wanted a value".to_owned(),
    }
}

#[tokio::test]
async fn rejects_come_back_whole() {
    let store = Arc::new(InMemory::new());
    let mut archive = archive(&store).await;
    assert!(archive.quarantined().await.unwrap().is_empty());
    archive.reject(rejected());
    archive.reject(rejected());
    assert!(archive.bytes() > 0);
    let intent = intent(&archive, 2);
    assert_eq!((intent.objects.len(), intent.quarantine.as_deref()), (0, Some("_quarantine/main/0000000002.ndjson")));
    assert_eq!(archive.seal(&intent, &mut silent).await.unwrap().quarantined, 2);
    let found = archive.quarantined().await.unwrap();
    let ids: Vec<&str> = found.iter().map(|entry| &*entry.id).collect();
    assert_eq!(ids, ["main-0000000002-1", "main-0000000002-2"]);
    let sent = rejected();
    assert_eq!(found[1].bytes, sent.bytes);
    assert_eq!((&*found[1].source, &*found[1].partition), ("files", "a.ndjson"));
    assert_eq!((&found[1].position, found[1].stage, &found[1].reason), (&sent.position, sent.stage, &sent.reason));
}

#[tokio::test]
async fn a_version_is_what_its_name_says() {
    let store = Arc::new(InMemory::new());
    let archive = archive(&store).await;
    let name = archive.put_version(b"rules").await.unwrap();
    assert_eq!(name, "6c621d1a05138a7888d37d9269a9da8e2e11e4aced2f6cfd24b05ab1b9e61bb0");
    assert_eq!(archive.put_version(b"rules").await.unwrap(), name);
    assert_eq!(archive.get_version(&name).await.unwrap(), b"rules");
    let key = Path::from(format!("_versions/{name}"));
    store.put(&key, PutPayload::from_static(b"rulez")).await.unwrap();
    assert!(matches!(archive.get_version(&name).await, Err(ArchiveError::Corrupt { .. })));
    assert!(archive.get_version("absent").await.is_err());
}

#[tokio::test]
async fn the_root_keeps_its_id_and_refuses_another_layout() {
    let store = Arc::new(InMemory::new());
    let first = archive(&store).await;
    assert_eq!(first.id().len(), 32);
    assert_eq!(first.id(), archive(&store).await.id());
    assert_ne!(first.id(), archive(&Arc::new(InMemory::new())).await.id());
    let marker = PutPayload::from_static(br#"{"archive_id":"a","layout_version":2}"#);
    store.put(&Path::from("_tagwarden.json"), marker).await.unwrap();
    let opened = tagwarden_archive::Archive::open_store(store, "main", tagwarden_archive::Settings::default()).await;
    assert!(matches!(opened, Err(ArchiveError::Mismatch(_))));
}

fn spec() -> impl Strategy<Value = Spec> {
    let text = || prop_oneof!["[a-zü€😀 ]{0,12}", Just(String::new())];
    let maybe = || prop::option::of("[a-z😀]{1,8}");
    let details = prop::collection::vec((prop::sample::select(vec!["port", "cidr", "fault"]), text()), 0..3);
    (
        ("[a-f0-9-]{1,36}", any::<u32>(), prop::sample::select(vec!["", "1", "22", "111111111111"])),
        (-3 * DAY..3 * DAY, maybe(), prop::option::of(-1e300..1e300)),
        prop::collection::vec((text(), maybe(), maybe()), 0..4),
        (prop::collection::vec(text(), 0..3), details, prop::option::of(text())),
        any::<u64>(),
    )
        .prop_map(|((id, ordinal, account), (time, maybe, number), tags, (words, details, raw), position)| Spec {
            id: format!("{id}-{position}"),
            ordinal,
            account: account.to_owned(),
            time,
            maybe,
            number,
            tags,
            words,
            details,
            raw,
            position,
        })
}

/// The changes of one event, which share what is known of the event.
fn changes() -> impl Strategy<Value = Vec<Spec>> {
    (spec(), prop::collection::vec(spec(), 0..4)).prop_map(|(first, others)| {
        let mut all = vec![first];
        for (ordinal, Spec { tags, words, details, raw, .. }) in (0..).zip(others) {
            let first = &all[0];
            let ordinal = first.ordinal.wrapping_add(1 + ordinal);
            all.push(Spec { ordinal, tags, words, details, raw, ..first.clone() });
        }
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn whatever_is_pushed_is_read(events in prop::collection::vec(changes(), 1..120)) {
        let specs = events.concat();
        let files: Vec<_> = block_on(async {
            let store = Arc::new(InMemory::new());
            let mut archive = archive(&store).await;
            push(&mut archive, &specs);
            let sealed = archive.seal(&intent(&archive, 1), &mut silent).await.unwrap();
            let mut files = Vec::new();
            for file in sealed.files {
                files.push(read(object(&*store, &file.key).await));
            }
            files
        });
        prop_assert_eq!(files, expected(&specs));
    }
}
