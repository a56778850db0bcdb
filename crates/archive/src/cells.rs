//! One column of the open epoch: values in the order of arrival, gathered into Arrow arrays in any other.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, ListArray, MapArray, StringArray, StructArray, TimestampMillisecondArray,
};
use arrow_buffer::{Buffer, NullBuffer, NullBufferBuilder, OffsetBuffer};
use arrow_schema::{ArrowError, DataType, Field, Fields};
use bytes::Bytes;
use tagwarden_core::columns::Type;
use tagwarden_core::{TagDelta, Value};

/// Text of many rows end to end. A text equal to the one before it takes no room.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    /// [`NULL`] where there is no text.
    len: usize,
}

const NULL: usize = usize::MAX;

impl Texts {
    #[inline]
    fn push(&mut self, text: &str) {
        if let Some(last) = self.spans.last().copied()
            && last.len == text.len()
            && self.bytes.get(last.start..last.start + last.len) == Some(text.as_bytes())
        {
            self.spans.push(last);
            return;
        }
        self.spans.push(Span { start: self.bytes.len(), len: text.len() });
        self.bytes.extend_from_slice(text.as_bytes());
    }

    #[inline]
    fn push_change_id(&mut self, event_id: &str, ordinal: u32) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(event_id.as_bytes());
        self.bytes.push(b'.');
        let mut digits = [b'0'; 10];
        let mut first = digits.len();
        let mut rest = ordinal;
        for (at, digit) in digits.iter_mut().enumerate().rev() {
            // A remainder of ten fits.
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            first = at;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.bytes.extend_from_slice(digits.get(first..).unwrap_or_default());
        self.spans.push(Span { start, len: self.bytes.len() - start });
    }

    #[inline]
    fn push_null(&mut self) {
        self.spans.push(Span { start: 0, len: NULL });
    }

    #[inline]
    fn push_option(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.push(text),
            None => self.push_null(),
        }
    }

    fn get(&self, row: usize) -> Option<&[u8]> {
        let span = self.spans.get(row).filter(|span| span.len != NULL)?;
        self.bytes.get(span.start..span.start + span.len)
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
    }

    fn held(&self) -> usize {
        self.bytes.len() + self.spans.len() * size_of::<Span>()
    }

    fn gather(&self, rows: impl ExactSizeIterator<Item = usize>) -> Result<ArrayRef, ArrowError> {
        strings(rows.map(|row| self.get(row)))
    }
}

/// An Arrow array of `texts`, which are checked to be UTF-8.
fn strings<'a>(texts: impl ExactSizeIterator<Item = Option<&'a [u8]>>) -> Result<ArrayRef, ArrowError> {
    let mut values = Vec::new();
    let mut offsets = Vec::with_capacity(texts.len() + 1);
    let mut nulls = NullBufferBuilder::new(texts.len());
    offsets.push(0);
    for text in texts {
        if let Some(text) = text {
            values.extend_from_slice(text);
        }
        nulls.append(text.is_some());
        offsets.push(offset(values.len())?);
    }
    let array = StringArray::try_new(OffsetBuffer::new(offsets.into()), Buffer::from_vec(values), nulls.finish())?;
    Ok(Arc::new(array))
}

fn offset(at: usize) -> Result<i32, ArrowError> {
    i32::try_from(at).map_err(|_| ArrowError::OffsetOverflowError(at))
}

/// Text that belongs to a row in numbers: a list, a map or a struct.
#[derive(Debug)]
pub(crate) struct Nested {
    /// First child and number of children of each row; [`NULL`] children where there is no value.
    spans: Vec<Span>,
    /// One per member of the element.
    members: Vec<Texts>,
}

impl Nested {
    fn new(members: usize) -> Self {
        Self { spans: Vec::new(), members: std::iter::repeat_with(Texts::default).take(members).collect() }
    }

    #[inline]
    fn push<'a, const N: usize>(&mut self, elements: impl ExactSizeIterator<Item = [Option<&'a str>; N]>) {
        let start = self.members.first().map_or(0, |member| member.spans.len());
        self.spans.push(Span { start, len: elements.len() });
        for element in elements {
            for (member, text) in self.members.iter_mut().zip(element) {
                member.push_option(text);
            }
        }
    }

    #[inline]
    fn push_null(&mut self) {
        self.spans.push(Span { start: 0, len: NULL });
    }

    fn clear(&mut self) {
        self.spans.clear();
        self.members.iter_mut().for_each(Texts::clear);
    }

    fn held(&self) -> usize {
        self.spans.len() * size_of::<Span>() + self.members.iter().map(Texts::held).sum::<usize>()
    }

    /// The values of `rows`, in that order.
    fn gather(&self, rows: &[u32]) -> Result<Gathered, ArrowError> {
        let mut children = Vec::new();
        let mut offsets = Vec::with_capacity(rows.len() + 1);
        let mut nulls = NullBufferBuilder::new(rows.len());
        offsets.push(0);
        for &row in rows {
            let span = self.spans.get(row as usize).filter(|span| span.len != NULL);
            nulls.append(span.is_some());
            children.extend(span.map_or(0..0, |span| span.start..span.start + span.len));
            offsets.push(offset(children.len())?);
        }
        let members: Result<_, _> = self.members.iter().map(|member| member.gather(children.iter().copied())).collect();
        Ok(Gathered { members: members?, offsets: OffsetBuffer::new(offsets.into()), nulls: nulls.finish() })
    }
}

/// Lists of rows, ready to become an array.
struct Gathered {
    members: Vec<ArrayRef>,
    offsets: OffsetBuffer<i32>,
    nulls: Option<NullBuffer>,
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
    List(Nested),
    Map(Nested),
    /// One element in every row.
    Struct(Nested),
}

impl Cells {
    pub(crate) fn new(kind: Type) -> Self {
        match kind {
            Type::String => Self::Text(Texts::default()),
            Type::Timestamp => Self::Time(Vec::new()),
            Type::Double => Self::Double(Vec::new()),
            Type::Bool => Self::Bool(Vec::new()),
            Type::StringList => Self::List(Nested::new(1)),
            Type::Tags | Type::Versions => {
                let nested = Nested::new(4);
                if kind == Type::Tags { Self::List(nested) } else { Self::Struct(nested) }
            }
            Type::StringMap => Self::Map(Nested::new(2)),
            Type::Ingest => Self::Struct(Nested::new(3)),
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
                let rest = [v.rules.as_deref(), v.inventory.as_deref(), v.model.as_deref()];
                cells.push(std::iter::once([Some(v.config.as_str()), rest[0], rest[1], rest[2]]));
            }
            (Self::Struct(cells), Value::Ingest(i)) => {
                cells.push(std::iter::once([Some(i.source), Some(i.partition), Some(i.position)]));
            }
            (Self::List(cells) | Self::Map(cells) | Self::Struct(cells), _) => cells.push_null(),
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
            Self::List(cells) | Self::Map(cells) | Self::Struct(cells) => cells.clear(),
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
            Self::List(cells) | Self::Map(cells) | Self::Struct(cells) => cells.held(),
        }
    }

    /// How many of `rows` to gather at once: what stays in a core's cache.
    pub(crate) fn batch(&self) -> usize {
        if matches!(self, Self::Slices(_)) { 256 } else { 8192 }
    }

    /// The values of `rows`, in that order, as the array that `field` describes.
    pub(crate) fn gather(&self, field: &Field, rows: &[u32]) -> Result<ArrayRef, ArrowError> {
        let at = rows.iter().map(|&row| row as usize);
        Ok(match self {
            Self::Text(cells) => cells.gather(at)?,
            Self::Slices(cells) => strings(at.map(|row| cells.get(row)?.as_deref()))?,
            Self::Time(cells) => {
                let times: TimestampMillisecondArray = at.map(|row| cells.get(row).copied().flatten()).collect();
                Arc::new(times.with_timezone("UTC"))
            }
            Self::Double(cells) => Arc::new(at.map(|row| cells.get(row).copied().flatten()).collect::<Float64Array>()),
            Self::Bool(cells) => Arc::new(at.map(|row| cells.get(row).copied().flatten()).collect::<BooleanArray>()),
            Self::List(cells) => {
                let Gathered { members, offsets, nulls } = cells.gather(rows)?;
                let DataType::List(element) = field.data_type() else { return Err(unlike(field)) };
                let values = match element.data_type() {
                    DataType::Struct(fields) => Arc::new(StructArray::try_new(fields.clone(), members, None)?),
                    _ => members.into_iter().next().ok_or_else(|| unlike(field))?,
                };
                Arc::new(ListArray::try_new(element.clone(), offsets, values, nulls)?)
            }
            Self::Map(cells) => {
                let Gathered { members, offsets, nulls } = cells.gather(rows)?;
                let DataType::Map(entry, sorted) = field.data_type() else { return Err(unlike(field)) };
                let DataType::Struct(fields) = entry.data_type() else { return Err(unlike(field)) };
                let entries = StructArray::try_new(fields.clone(), members, None)?;
                Arc::new(MapArray::try_new(entry.clone(), offsets, entries, nulls, *sorted)?)
            }
            Self::Struct(cells) => {
                let DataType::Struct(fields) = field.data_type() else { return Err(unlike(field)) };
                Arc::new(structs(cells, fields, rows)?)
            }
        })
    }
}

fn structs(cells: &Nested, fields: &Fields, rows: &[u32]) -> Result<StructArray, ArrowError> {
    let span = |row: u32| cells.spans.get(row as usize).filter(|span| span.len != NULL);
    let nulls: NullBuffer = rows.iter().map(|&row| span(row).is_some()).collect();
    let members: Result<_, _> =
        cells.members.iter().map(|member| strings(rows.iter().map(|&row| member.get(span(row)?.start)))).collect();
    StructArray::try_new(fields.clone(), members?, Some(nulls).filter(|nulls| nulls.null_count() > 0))
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
