//! One column of the open epoch: values in the order of arrival, gathered into Arrow arrays in any other.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, ListArray, MapArray, StructArray, TimestampMillisecondArray};
use arrow_buffer::{NullBuffer, NullBufferBuilder, OffsetBuffer};
use arrow_schema::{ArrowError, DataType, Field};
use bytes::Bytes;
use tagwarden_core::columns::Type;
use tagwarden_core::{TagDelta, Value};

use crate::texts::Texts;

fn offset(at: usize) -> Result<i32, ArrowError> {
    i32::try_from(at).map_err(|_| ArrowError::OffsetOverflowError(at))
}

/// Lists of text, or of structs of text.
#[derive(Debug)]
pub(crate) struct Lists {
    /// Where each row's elements start, and the end of the last one's.
    offsets: Vec<usize>,
    nulls: Vec<bool>,
    /// One per member of the element.
    members: Vec<Texts>,
}

impl Lists {
    fn new(members: usize) -> Self {
        Self { offsets: vec![0], nulls: Vec::new(), members: texts(members) }
    }

    #[inline]
    fn push<'a, const N: usize>(&mut self, elements: impl ExactSizeIterator<Item = [Option<&'a str>; N]>) {
        for element in elements {
            push_all(&mut self.members, element);
        }
        self.close(false);
    }

    fn close(&mut self, null: bool) {
        self.offsets.push(self.members.first().map_or(0, Texts::rows));
        self.nulls.push(null);
    }

    fn clear(&mut self) {
        self.offsets.truncate(1);
        self.nulls.clear();
        self.members.iter_mut().for_each(Texts::clear);
    }

    fn held(&self) -> usize {
        self.nulls.len() * (size_of::<usize>() + 1) + self.members.iter().map(Texts::held).sum::<usize>()
    }

    /// The values of `rows`, in that order.
    fn gather(&self, dictionaries: &[ArrayRef], rows: &[u32]) -> Result<Gathered, ArrowError> {
        let mut children = Vec::new();
        let mut offsets = Vec::with_capacity(rows.len() + 1);
        let mut nulls = NullBufferBuilder::new(rows.len());
        offsets.push(0);
        for &row in rows {
            let row = row as usize;
            if let Some([start, end]) = self.offsets.get(row..row + 2) {
                children.extend(*start..*end);
            }
            nulls.append(self.nulls.get(row) == Some(&false));
            offsets.push(offset(children.len())?);
        }
        let members: Result<_, _> = self
            .members
            .iter()
            .zip(dictionaries)
            .map(|(member, dictionary)| member.gather(dictionary, children.iter().copied()))
            .collect();
        Ok(Gathered { members: members?, offsets: OffsetBuffer::new(offsets.into()), nulls: nulls.finish() })
    }
}

/// Lists of rows, ready to become an array.
struct Gathered {
    members: Vec<ArrayRef>,
    offsets: OffsetBuffer<i32>,
    nulls: Option<NullBuffer>,
}

fn texts(count: usize) -> Vec<Texts> {
    std::iter::repeat_with(Texts::default).take(count).collect()
}

#[inline]
fn push_all<const N: usize>(members: &mut [Texts], element: [Option<&str>; N]) {
    for (member, text) in members.iter_mut().zip(element) {
        member.push_option(text);
    }
}

/// The values of one column.
#[derive(Debug)]
pub(crate) enum Cells {
    Text(Texts),
    /// Slices of the input, not copied before they are encoded.
    Slices(Vec<Option<Bytes>>),
    Time(Vec<Option<i64>>),
    Double(Vec<Option<f64>>),
    Bool(Vec<Option<bool>>),
    List(Lists),
    Map(Lists),
    Struct(Vec<Texts>),
}

impl Cells {
    pub(crate) fn new(kind: Type) -> Self {
        match kind {
            Type::String => Self::Text(Texts::default()),
            Type::Timestamp => Self::Time(Vec::new()),
            Type::Double => Self::Double(Vec::new()),
            Type::Bool => Self::Bool(Vec::new()),
            Type::StringList => Self::List(Lists::new(1)),
            Type::Tags => Self::List(Lists::new(4)),
            Type::StringMap => Self::Map(Lists::new(2)),
            Type::Versions => Self::Struct(texts(4)),
            Type::Ingest => Self::Struct(texts(3)),
        }
    }

    /// Appends one value. A value of another kind than the column's is a mistake in `core`'s table and becomes null.
    #[inline]
    pub(crate) fn push(&mut self, value: Value<'_>) {
        match (self, value) {
            (Self::Text(cells), Value::Str(text)) => cells.push(text),
            (Self::Text(cells), Value::ChangeId(id, ordinal)) => cells.push_change_id(id, ordinal),
            (Self::Text(cells), _) => cells.push_null(),
            (Self::Slices(cells), Value::Str(text)) => cells.push(Some(Bytes::copy_from_slice(text.as_bytes()))),
            (Self::Slices(cells), _) => cells.push(None),
            (Self::Time(cells), Value::Time(time)) => cells.push(Some(time.0)),
            (Self::Time(cells), _) => cells.push(None),
            (Self::Double(cells), Value::Double(number)) => cells.push(Some(number)),
            (Self::Double(cells), _) => cells.push(None),
            (Self::Bool(cells), Value::Bool(truth)) => cells.push(Some(truth)),
            (Self::Bool(cells), _) => cells.push(None),
            (Self::List(cells), Value::Strings(texts)) => cells.push(texts.iter().map(|text| [Some(text.as_str())])),
            (Self::List(cells), Value::Texts(texts)) => cells.push(texts.iter().map(|text| [Some(text.as_ref())])),
            (Self::List(cells), Value::RuleIds(hits)) => cells.push(hits.iter().map(|hit| [Some(hit.id.as_ref())])),
            (Self::List(cells), Value::Tags(tags)) => cells.push(tags.iter().map(tag)),
            (Self::Map(cells), Value::Map(pairs)) => {
                cells.push(pairs.iter().map(|(key, value)| [Some(*key), Some(value.as_ref())]));
            }
            (Self::Struct(cells), Value::Versions(v)) => {
                push_all(cells, [Some(&v.config), v.rules.as_deref(), v.inventory.as_deref(), v.model.as_deref()]);
            }
            (Self::Struct(cells), Value::Ingest(i)) => {
                push_all(cells, [Some(i.source), Some(i.partition), Some(i.position)]);
            }
            (Self::List(cells) | Self::Map(cells), _) => cells.close(true),
            (Self::Struct(cells), _) => cells.iter_mut().for_each(Texts::push_null),
        }
    }

    /// Appends a slice of the input, or null.
    #[inline]
    pub(crate) fn push_slice(&mut self, slice: Option<Bytes>) {
        if let Self::Slices(cells) = self {
            cells.push(slice);
        }
    }

    /// Empties the column and keeps its room.
    pub(crate) fn clear(&mut self) {
        match self {
            Self::Text(cells) => cells.clear(),
            Self::Slices(cells) => cells.clear(),
            Self::Time(cells) => cells.clear(),
            Self::Double(cells) => cells.clear(),
            Self::Bool(cells) => cells.clear(),
            Self::List(cells) | Self::Map(cells) => cells.clear(),
            Self::Struct(cells) => cells.iter_mut().for_each(Texts::clear),
        }
    }

    /// Bytes in use; slices of the input are counted where they are pushed.
    pub(crate) fn held(&self) -> usize {
        match self {
            Self::Text(cells) => cells.held(),
            Self::Slices(cells) => size_of_val(cells.as_slice()),
            Self::Time(cells) => size_of_val(cells.as_slice()),
            Self::Double(cells) => size_of_val(cells.as_slice()),
            Self::Bool(cells) => size_of_val(cells.as_slice()),
            Self::List(cells) | Self::Map(cells) => cells.held(),
            Self::Struct(cells) => cells.iter().map(Texts::held).sum(),
        }
    }

    /// Readies the column for reading.
    pub(crate) fn freeze(&self) -> Result<Frozen<'_>, ArrowError> {
        let texts = match self {
            Self::Text(cells) => std::slice::from_ref(cells),
            Self::List(cells) | Self::Map(cells) => cells.members.as_slice(),
            Self::Struct(cells) => cells.as_slice(),
            Self::Slices(_) | Self::Time(_) | Self::Double(_) | Self::Bool(_) => &[],
        };
        let dictionaries: Result<_, _> = texts.iter().map(Texts::dictionary).collect();
        Ok(Frozen { cells: self, dictionaries: dictionaries?, uniform: self.uniform() })
    }

    /// For each leaf whether all rows have the same value or none.
    fn uniform(&self) -> Vec<bool> {
        match self {
            Self::Text(texts) => vec![texts.uniform()],
            Self::List(lists) | Self::Map(lists) => lists.members.iter().map(|texts| texts.rows() == 0).collect(),
            Self::Struct(members) => members.iter().map(Texts::uniform).collect(),
            Self::Time(times) => vec![times.iter().all(Option::is_none)],
            Self::Double(numbers) => vec![numbers.iter().all(Option::is_none)],
            Self::Slices(_) | Self::Bool(_) => vec![false],
        }
    }
}

/// One column of an epoch that is being sealed.
pub(crate) struct Frozen<'a> {
    cells: &'a Cells,
    /// One per column of text inside.
    dictionaries: Vec<ArrayRef>,
    uniform: Vec<bool>,
}

impl Frozen<'_> {
    /// For each leaf whether all rows have the same value or none.
    pub(crate) fn uniform(&self) -> &[bool] {
        &self.uniform
    }

    /// Slices of the input, which are no Arrow array.
    pub(crate) fn slices(&self) -> Option<&[Option<Bytes>]> {
        if let Cells::Slices(slices) = self.cells { Some(slices) } else { None }
    }

    /// The values of `rows`, in that order, as the array that `field` describes.
    pub(crate) fn gather(&self, field: &Field, rows: &[u32]) -> Result<ArrayRef, ArrowError> {
        let at = rows.iter().map(|&row| row as usize);
        let texts = |cells: &[Texts]| -> Result<Vec<ArrayRef>, ArrowError> {
            let pairs = cells.iter().zip(&self.dictionaries);
            pairs.map(|(texts, dictionary)| texts.gather(dictionary, at.clone())).collect()
        };
        let only = |arrays: Vec<ArrayRef>| arrays.into_iter().next().ok_or_else(|| unlike(field));
        Ok(match self.cells {
            Cells::Text(cells) => only(texts(std::slice::from_ref(cells))?)?,
            Cells::Slices(_) => return Err(unlike(field)),
            Cells::Time(cells) => {
                let times: TimestampMillisecondArray = at.map(|row| cells.get(row).copied().flatten()).collect();
                Arc::new(times.with_timezone("UTC"))
            }
            Cells::Double(cells) => Arc::new(at.map(|row| cells.get(row).copied().flatten()).collect::<Float64Array>()),
            Cells::Bool(cells) => Arc::new(at.map(|row| cells.get(row).copied().flatten()).collect::<BooleanArray>()),
            Cells::List(cells) => {
                let Gathered { members, offsets, nulls } = cells.gather(&self.dictionaries, rows)?;
                let DataType::List(element) = field.data_type() else { return Err(unlike(field)) };
                let values = match element.data_type() {
                    DataType::Struct(fields) => Arc::new(StructArray::try_new(fields.clone(), members, None)?),
                    _ => only(members)?,
                };
                Arc::new(ListArray::try_new(element.clone(), offsets, values, nulls)?)
            }
            Cells::Map(cells) => {
                let Gathered { members, offsets, nulls } = cells.gather(&self.dictionaries, rows)?;
                let DataType::Map(entry, sorted) = field.data_type() else { return Err(unlike(field)) };
                let DataType::Struct(fields) = entry.data_type() else { return Err(unlike(field)) };
                let entries = StructArray::try_new(fields.clone(), members, None)?;
                Arc::new(MapArray::try_new(entry.clone(), offsets, entries, nulls, *sorted)?)
            }
            Cells::Struct(cells) => {
                let DataType::Struct(fields) = field.data_type() else { return Err(unlike(field)) };
                Arc::new(StructArray::try_new(fields.clone(), texts(cells)?, None)?)
            }
        })
    }
}

fn tag<'a>(tag: &'a TagDelta<'_>) -> [Option<&'a str>; 4] {
    [Some(&tag.key), tag.old.as_deref(), tag.new.as_deref(), Some(tag.op.as_str())]
}

fn unlike(field: &Field) -> ArrowError {
    ArrowError::SchemaError(format!(
        "column `{}`: found {}, wanted what its cells hold",
        field.name(),
        field.data_type()
    ))
}
