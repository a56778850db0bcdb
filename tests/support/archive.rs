//! Archives read back, as text to compare and as JSON to ask.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value, json};
use tagwarden_core::Timestamp;

/// The files under a folder, in order of their paths.
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

fn batches(root: &Path) -> Vec<RecordBatch> {
    let changes = root.join("changes");
    let mut found = Vec::new();
    for path in if changes.exists() { files(&changes) } else { Vec::new() } {
        assert_eq!(path.extension().and_then(|e| e.to_str()), Some("parquet"), "{}", path.display());
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap().build().unwrap();
        found.extend(reader.map(Result::unwrap));
    }
    found
}

/// Every row of an archive by its `change_id`: each column as `name=text`, `ingest` left out. Panics if a change is
/// there twice.
pub fn rows(root: &Path) -> BTreeMap<String, Vec<String>> {
    let mut rows = BTreeMap::new();
    for batch in batches(root) {
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
            let id = cells[0].value(row).to_string();
            let pairs = names.iter().zip(&cells).filter(|(name, _)| *name != "ingest");
            let texts: Vec<String> = pairs.map(|(name, cell)| format!("{name}={}", cell.value(row))).collect();
            assert!(rows.insert(id.clone(), texts).is_none(), "{id} is in the archive twice");
        }
    }
    rows
}

/// The text of one column of a row that [`rows`] gave.
pub fn cell<'a>(row: &'a [String], column: &str) -> &'a str {
    let found = row.iter().find_map(|text| text.strip_prefix(column)?.strip_prefix('='));
    found.unwrap_or_else(|| panic!("no column {column}"))
}

/// The first difference between two archives' rows, for a message that can be read.
pub fn assert_same_rows(found: &BTreeMap<String, Vec<String>>, wanted: &BTreeMap<String, Vec<String>>) {
    assert_subset(wanted, found);
    assert_eq!(found.len(), wanted.len(), "rows that should not be there");
}

/// Every row of `part` is in `whole`, and the same there.
pub fn assert_subset(part: &BTreeMap<String, Vec<String>>, whole: &BTreeMap<String, Vec<String>>) {
    for (id, wanted) in part {
        let found = whole.get(id).unwrap_or_else(|| panic!("{id} is missing"));
        for (found, wanted) in found.iter().zip(wanted) {
            assert_eq!(found, wanted, "in {id}");
        }
    }
}

/// Every row of an archive by its `change_id`, as `judge` writes it: absent is null, times are RFC 3339.
pub fn json_rows(root: &Path) -> BTreeMap<String, Map<String, Value>> {
    let mut rows = BTreeMap::new();
    for batch in batches(root) {
        let schema = batch.schema();
        for row in 0..batch.num_rows() {
            let cells = schema.fields().iter().zip(batch.columns());
            let found: Map<_, _> = cells.map(|(field, column)| (field.name().clone(), value(column, row))).collect();
            let id = found["change_id"].as_str().unwrap().to_owned();
            assert!(rows.insert(id.clone(), found).is_none(), "{id} is in the archive twice");
        }
    }
    rows
}

fn value(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    let members = |items: &ArrayRef| (0..items.len()).map(|at| value(items, at)).collect::<Vec<_>>();
    match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).into(),
        DataType::Timestamp(..) => {
            Timestamp(array.as_primitive::<TimestampMillisecondType>().value(row)).to_string().into()
        }
        DataType::List(_) => members(&array.as_list::<i32>().value(row)).into(),
        DataType::Struct(fields) => {
            let columns = fields.iter().zip(array.as_struct().columns());
            Value::Object(columns.map(|(field, column)| (field.name().clone(), value(column, row))).collect())
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (members(entries.column(0)), members(entries.column(1)));
            let pairs = keys.iter().zip(values).map(|(key, value)| (key.as_str().unwrap().to_owned(), value));
            Value::Object(pairs.collect())
        }
        _ => json!(cast(array, &DataType::Utf8).unwrap().as_string::<i32>().value(row)),
    }
}
