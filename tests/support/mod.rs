//! What the whole-system tests share: running the binary, reading archives back, a simulated company on disk.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use arrow_array::ArrayRef;
use arrow_cast::cast;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// The binary under test.
pub fn tagwarden() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tagwarden"));
    command.stdin(Stdio::null());
    command
}

/// Runs to the end and gives the report; panics unless it exits with 0.
pub fn report(command: &mut Command) -> serde_json::Value {
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {told}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(text.lines().last().expect("a last line")).unwrap()
}

/// `pulled = archived + read_only + quarantined + duplicate`, counted on both sides.
pub fn assert_identity(report: &serde_json::Value) {
    let get = |name: &str| report[name].as_u64().unwrap();
    let fates = get("archived") + get("read_only") + get("quarantined") + get("duplicate");
    assert_eq!(get("pulled"), fates, "{report}");
}

/// The files under the archive's root, by their path below it.
pub fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// Every row of an archive by its `change_id`: each column as text, `ingest` left out. Panics if a change is there twice.
pub fn rows(root: &Path) -> BTreeMap<String, Vec<String>> {
    let mut rows = BTreeMap::new();
    for path in files(&root.join("changes")) {
        assert_eq!(path.extension().and_then(|e| e.to_str()), Some("parquet"), "{}", path.display());
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap().build().unwrap();
        for batch in reader {
            let batch = batch.unwrap();
            let options = FormatOptions::default().with_null("null");
            let names: Vec<_> = batch.schema().fields().iter().map(|f| f.name().clone()).collect();
            // Times as numbers: the formatter knows no time zones by name.
            let plain = |column: &ArrayRef| match column.data_type() {
                DataType::Timestamp(..) => cast(column, &DataType::Int64).unwrap(),
                _ => column.clone(),
            };
            let columns: Vec<_> = batch.columns().iter().map(plain).collect();
            let cells: Vec<_> = columns.iter().map(|c| ArrayFormatter::try_new(c.as_ref(), &options).unwrap()).collect();
            for row in 0..batch.num_rows() {
                let pairs = names.iter().zip(&cells).filter(|(name, _)| *name != "ingest");
                let texts: Vec<String> = pairs.map(|(name, cell)| format!("{name}={}", cell.value(row))).collect();
                let id = texts[0].clone();
                assert!(rows.insert(id.clone(), texts).is_none(), "{id} is in the archive twice");
            }
        }
    }
    rows
}

/// The first difference between two archives' rows, for a message that can be read.
pub fn assert_same_rows(found: &BTreeMap<String, Vec<String>>, wanted: &BTreeMap<String, Vec<String>>) {
    for (id, wanted) in wanted {
        let found = found.get(id).unwrap_or_else(|| panic!("{id} is missing"));
        for (found, wanted) in found.iter().zip(wanted) {
            assert_eq!(found, wanted, "in {id}");
        }
    }
    assert_eq!(found.len(), wanted.len(), "rows that should not be there");
}

/// Writes a simulated company and gives its folder.
pub fn simulate(out: &Path, days: u32, seed: u64) -> PathBuf {
    let status = tagwarden()
        .args(["simulate", "--days", &days.to_string(), "--seed", &seed.to_string(), "--out"])
        .arg(out)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    out.to_owned()
}
