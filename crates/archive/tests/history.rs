//! What was archived comes back in the order in which it was read, and nothing that was changed since.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[expect(dead_code, reason = "rows are read back by the other tests")]
mod sample;

use std::fs;
use std::path::Path;

use sample::{DAY, Spec, intent, push};
use tagwarden_archive::{Archive, Settings};
use tagwarden_core::{Intent, Move, Position};

fn step(partition: &str, from: u64, to: u64) -> Move {
    let from = if from == 0 { Position::start() } else { Position::offset(from) };
    Move { partition: partition.into(), from, to: Position::offset(to), records: to }
}

/// Two epochs over three dates: times, accounts and dates run against the order of the input; the second row of an event
/// has no bytes of its own.
async fn archived(root: &Path) -> Archive {
    let mut archive = Archive::open(root, "main", Settings::default()).await.unwrap();
    push(&mut archive, &[Spec::new(9, "333333333333", DAY), Spec::new(10, "111111111111", 2 * DAY)]);
    let second = Spec { ordinal: 1, raw: None, ..Spec::new(10, "111111111111", 2 * DAY) };
    push(&mut archive, &[second, Spec::new(100, "222222222222", 0), Spec::new(101, "111111111111", DAY - 1)]);
    let partition = "a.ndjson";
    let intended = Intent { moves: vec![step(partition, 0, 200)], ..intent(&archive, 1) };
    archive.seal(&intended, &mut |_| ()).await.unwrap();
    push(&mut archive, &[Spec::new(300, "222222222222", 2 * DAY), Spec::new(301, "111111111111", 0)]);
    let intended = Intent { moves: vec![step(partition, 200, 400)], ..intent(&archive, 2) };
    archive.seal(&intended, &mut |_| ()).await.unwrap();
    archive
}

async fn positions(archive: &Archive, from: &str, to: &str) -> Vec<Vec<u64>> {
    let mut history = archive.history(from, to).await.unwrap();
    let mut epochs = Vec::new();
    while let Some(epoch) = history.next().await.unwrap() {
        let number = |raw: &bytes::Bytes| {
            let text = std::str::from_utf8(raw).unwrap();
            text.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()
        };
        epochs.push(epoch.events.iter().map(number).collect());
    }
    epochs
}

#[tokio::test]
async fn events_come_epoch_by_epoch_in_the_order_of_the_input() {
    let root = tempfile::tempdir().unwrap();
    let archive = archived(root.path()).await;
    let all = positions(&archive, "1970-01-01", "1970-01-04").await;
    assert_eq!(all, [vec![9, 10, 100, 101], vec![300, 301]]);
    let middle = positions(&archive, "1970-01-02", "1970-01-03").await;
    assert_eq!(middle, [vec![9], vec![]]);
}

#[tokio::test]
async fn what_was_read_has_a_name_and_a_changed_file_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let archive = archived(root.path()).await;
    let mut names = Vec::new();
    for to in ["1970-01-04", "1970-01-04", "1970-01-03"] {
        let mut history = archive.history("1970-01-01", to).await.unwrap();
        assert_eq!(history.epochs_left(), 2);
        while history.next().await.unwrap().is_some() {}
        names.push(history.data_sha256());
    }
    assert_eq!(names[0], names[1]);
    assert_ne!(names[0], names[2], "fewer files, another name");
    let file = root.path().join("changes/dt=1970-01-02/main-0000000001.parquet");
    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::remove_file(&file).unwrap();
    fs::write(&file, bytes).unwrap();
    let mut history = archive.history("1970-01-01", "1970-01-04").await.unwrap();
    let told = history.next().await.unwrap_err().to_string();
    assert!(told.contains("dt=1970-01-02/main-0000000001.parquet`: found SHA-256"), "{told}");
}
