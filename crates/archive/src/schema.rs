//! The files' schema: `core`'s columns as Arrow and Parquet see them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;
use tagwarden_core::columns::{Column, Type};

/// The schema of every file: one field per column, in order.
pub(crate) static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let fields: Vec<Field> = Column::ALL.iter().map(|column| field(*column)).collect();
    Arc::new(Schema::new(fields))
});

/// The field id of the `place`-th nested field of `column`: 1000 + 10 × the column's own id + place, so that none is
/// ever used twice.
fn nested_id(column: Column, place: i32) -> i32 {
    1000 + 10 * column.field_id() + place
}

fn field(column: Column) -> Field {
    let member =
        |place, name: &str, nullable| numbered(Field::new(name, DataType::Utf8, nullable), nested_id(column, place));
    let data_type = match column.data_type() {
        Type::String => DataType::Utf8,
        Type::Timestamp => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        Type::Double => DataType::Float64,
        Type::Bool => DataType::Boolean,
        Type::StringList => DataType::List(Arc::new(member(0, "element", true))),
        Type::Tags => {
            let members =
                [member(1, "key", true), member(2, "old", true), member(3, "new", true), member(4, "op", true)];
            let element = Field::new("element", DataType::Struct(Fields::from_iter(members)), true);
            DataType::List(Arc::new(numbered(element, nested_id(column, 0))))
        }
        Type::StringMap => {
            let members = [member(1, "key", false), member(2, "value", true)];
            let entry = Field::new("key_value", DataType::Struct(Fields::from_iter(members)), false);
            DataType::Map(Arc::new(entry), false)
        }
        Type::Versions => {
            let names = [(1, "config"), (2, "rules"), (3, "inventory"), (4, "model")];
            DataType::Struct(names.into_iter().map(|(place, name)| member(place, name, true)).collect())
        }
        Type::Ingest => {
            let names = [(1, "source"), (2, "partition"), (3, "position")];
            DataType::Struct(names.into_iter().map(|(place, name)| member(place, name, true)).collect())
        }
    };
    numbered(Field::new(column.name(), data_type, true), column.field_id())
}

fn numbered(field: Field, id: i32) -> Field {
    field.with_metadata(HashMap::from([(PARQUET_FIELD_ID_META_KEY.to_owned(), id.to_string())]))
}
