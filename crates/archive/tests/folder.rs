//! An archive in a folder: what is put is whole, and what a killed process left does no harm.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[expect(dead_code, reason = "rows are read back by the other tests")]
mod sample;

use std::fs;
use std::path::Path;

use sample::{Spec, intent, push};
use tagwarden_archive::{Archive, ArchiveError, Settings};
use tagwarden_core::Retry;

fn files(root: &Path, folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root.join(folder)) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

async fn open(root: &Path, lane: &str) -> Archive {
    Archive::open(root, lane, Settings::default()).await.unwrap()
}

#[tokio::test]
async fn objects_are_plain_files_and_nothing_stays_in_progress() {
    let root = tempfile::tempdir().unwrap();
    let root = &root.path().join("made/for/it");
    let mut archive = open(root, "main").await;
    assert!(archive.is_empty().await.unwrap());
    push(&mut archive, &[Spec::new(1, "111111111111", 0)]);
    let intent = intent(&archive, 1);
    let sealed = archive.seal(&intent, &mut |_| ()).await.unwrap();
    assert_eq!(files(root, "changes/dt=1970-01-01"), ["main-0000000001.parquet"]);
    assert_eq!(files(root, "_log/main"), ["0000000001.json"]);
    let log = fs::read(root.join("_log/main/0000000001.json")).unwrap();
    assert_eq!(serde_json::from_slice::<tagwarden_core::Sealed>(&log).unwrap(), sealed);
    archive.put_version(b"config").await.unwrap();
    assert_eq!(files(root, "_versions").len(), 1);
    assert!(files(root, "_tmp").is_empty());
    let again = open(root, "other").await;
    assert_eq!(again.id(), archive.id());
    assert!(!again.is_empty().await.unwrap());
}

#[tokio::test]
async fn a_seal_sweeps_its_own_lane_only_and_adopts_what_is_there() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let mut first = open(root, "main").await;
    push(&mut first, &[Spec::new(1, "111111111111", 0), Spec::new(2, "111111111111", 1)]);
    let intended = intent(&first, 1);
    let sealed = first.seal(&intended, &mut |_| ()).await.unwrap();
    fs::remove_file(root.join("_log/main/0000000001.json")).unwrap();
    for left in ["main~changes~half", "other~changes~half"] {
        fs::write(root.join("_tmp").join(left), "half a file").unwrap();
    }
    let mut second = open(root, "main").await;
    push(&mut second, &[Spec::new(1, "111111111111", 0)]);
    assert_eq!(second.seal(&intended, &mut |_| ()).await.unwrap(), sealed);
    assert_eq!(sealed.files[0].rows, 2);
    assert_eq!(files(root, "_tmp"), ["other~changes~half"]);
}

#[tokio::test]
async fn a_file_that_is_no_parquet_is_not_adopted() {
    let root = tempfile::tempdir().unwrap();
    let mut archive = open(root.path(), "main").await;
    push(&mut archive, &[Spec::new(1, "111111111111", 0)]);
    let intended = intent(&archive, 1);
    let target = root.path().join(&intended.objects[0]);
    fs::create_dir_all(target.parent().unwrap()).unwrap();
    fs::write(&target, "PAR1").unwrap();
    let failed = archive.seal(&intended, &mut |_| ()).await.unwrap_err();
    assert!(matches!(failed, ArchiveError::Corrupt { .. }), "{failed}");
    assert_eq!(failed.retry(), Retry::Stop);
    // The open epoch is still there, for when somebody has looked.
    fs::remove_file(&target).unwrap();
    assert_eq!(archive.seal(&intended, &mut |_| ()).await.unwrap().files[0].rows, 1);
}

#[tokio::test]
async fn trouble_of_the_folder_is_worth_another_try() {
    let root = tempfile::tempdir().unwrap();
    let mut archive = open(root.path(), "main").await;
    push(&mut archive, &[Spec::new(1, "111111111111", 0)]);
    let intended = intent(&archive, 1);
    fs::write(root.path().join("changes"), "in the way").unwrap();
    let failed = archive.seal(&intended, &mut |_| ()).await.unwrap_err();
    assert!(matches!(failed.retry(), Retry::Retry { .. }), "{failed}");
    fs::remove_file(root.path().join("changes")).unwrap();
    assert_eq!(archive.seal(&intended, &mut |_| ()).await.unwrap().files[0].rows, 1);
}

#[tokio::test]
async fn a_lane_is_a_plain_name() {
    let root = tempfile::tempdir().unwrap();
    for lane in ["", "a/b", "a-b", "a~b"] {
        let opened = Archive::open(root.path(), lane, Settings::default()).await;
        assert!(matches!(opened, Err(ArchiveError::Settings(_))), "{lane}");
    }
}
