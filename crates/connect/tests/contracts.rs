//! Every source, state store and notifier against the laws of its seam.
#![expect(clippy::unwrap_used, reason = "a test that can't go on ends")]

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use std::time::Duration;
use tagwarden_connect::{Files, Reading, SqliteState, Stdin};

use tagwarden_connect::notify::slack::Slack;
use tagwarden_core::{Record, Secret};
use tagwarden_testkit::http_server::Answer;
use tagwarden_testkit::{MemoryState, VecSource, notifier_contract, source_contract, state_contract};

fn small() -> Reading {
    Reading { chunk: 64, ..Reading::default() }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn values(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|n| format!("{{\"n\":{n},\"pad\":\"{}\"}}", "x".repeat(n % 150))).collect()
}

/// One folder with every layout, whole and broken.
fn folder(path: &Path) {
    let lines = values(0, 40).join("\n");
    let list = format!("{{\"Records\":[{}]}}\n", values(40, 80).join(","));
    let cut = gzip(format!("[{}]", values(120, 160).join(",")).as_bytes());
    fs::create_dir(path.join("deep")).unwrap();
    for (name, bytes) in [
        ("a.ndjson", lines.as_bytes().to_vec()),
        ("b.json", list.as_bytes().to_vec()),
        ("b.json.gz", gzip(format!("{}\r\n", values(80, 120).join("\r\n")).as_bytes())),
        ("c.json.gz", cut[..cut.len() - 20].to_vec()),
        ("d.json", b"{\"n\":1}\nnoise\n{\"n\":2}\n{\"n\":".to_vec()),
        ("deep/e.jsonl", b"\xEF\xBB\xBF{\"n\":1}\n{\"n\":\"\xFF\"}\n".to_vec()),
        ("deep/f.jsonl", b"".to_vec()),
        ("deep/g.jsonl", b" \n \n".to_vec()),
        ("deep/h.json", b"{\"Records\":[{\"n\":1}".to_vec()),
        ("deep/i.json.gz", gzip(b"")),
    ] {
        fs::write(path.join(name), bytes).unwrap();
    }
}

fn faults(records: &[Record]) -> Vec<(String, String)> {
    let name = |record: &Record| record.partition.rsplit('/').next().unwrap_or_default().to_owned();
    let fault = |record: &Record| Some((name(record), record.fault.as_ref()?.reason.clone()));
    records.iter().filter_map(fault).collect()
}

#[tokio::test]
async fn the_fakes_keep_the_laws() {
    let partitions = [("a", values(0, 10)), ("b", vec![]), ("c", values(10, 33))];
    let records = source_contract(|| VecSource::new(partitions.clone())).await;
    assert_eq!(records.len(), 33);
    state_contract(|| {
        let store = MemoryState::new();
        move || store.clone()
    })
    .await;
}

#[tokio::test]
async fn files_keep_the_laws() {
    let temporary = tempfile::tempdir().unwrap();
    folder(temporary.path());
    for reading in [small(), Reading::default()] {
        let records = source_contract(|| Files::new(temporary.path().to_owned(), false, reading)).await;
        let faults = faults(&records);
        let names: Vec<&str> = faults.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["c.json.gz", "d.json", "d.json", "h.json"], "{faults:?}");
        assert!(
            faults.iter().all(|(name, reason)| reason.contains(" at byte ") && reason.contains(&**name)),
            "{faults:?}"
        );
        let whole = records.iter().filter(|record| record.fault.is_none()).count();
        let cut = records.iter().filter(|r| r.partition.ends_with("c.json.gz") && r.fault.is_none()).count();
        assert!(cut > 20, "only {cut} before the break");
        assert_eq!(whole - cut, 120 + 2 + 2 + 1);
    }
}

#[tokio::test]
async fn a_single_file_keeps_the_laws() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("anything");
    fs::write(&path, gzip(values(0, 25).join("\n").as_bytes())).unwrap();
    let records = source_contract(|| Files::new(path.clone(), false, small())).await;
    let found: Vec<_> = records.iter().map(|record| std::str::from_utf8(&record.bytes).unwrap()).collect();
    assert_eq!(found, values(0, 25));
}

#[tokio::test]
async fn standard_input_keeps_the_laws() {
    let text = values(0, 50).join("\n");
    for bytes in [text.clone().into_bytes(), gzip(text.as_bytes())] {
        let records = source_contract(|| Stdin::new(Cursor::new(bytes.clone()), 3, small())).await;
        assert_eq!(records.len(), 50);
        assert!(records.iter().all(|record| &*record.partition == "stdin-3"));
    }
}

#[tokio::test]
async fn sqlite_keeps_the_laws() {
    let temporary = tempfile::tempdir().unwrap();
    let mut stores = 0;
    state_contract(|| {
        stores += 1;
        let path = temporary.path().join(format!("{stores}.db"));
        move || SqliteState::open(&path).unwrap()
    })
    .await;
}

#[tokio::test]
async fn slack_keeps_the_laws() {
    notifier_contract(|url| Slack::new(Secret::new(url)).unwrap().spaced(Duration::ZERO), Answer::ok()).await;
}
