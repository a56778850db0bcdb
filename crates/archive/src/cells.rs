//! One column of the open epoch: values in the order of arrival, gathered into leaves in any other.

use bytes::Bytes;
use tagwarden_core::columns::Type;
use tagwarden_core::{TagDelta, Value};

use crate::leaf::{EMPTY, Leaf, NO_LIST, NONE, Values};
use crate::texts::Texts;

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

    /// Of each of `rows`, in that order, where its slots start; a list without elements has one slot. And of each slot
    /// the element's place, or why there is none.
    fn slots(&self, rows: &[u32]) -> (Vec<usize>, Vec<Result<usize, i32>>) {
        let (mut starts, mut slots) = (Vec::with_capacity(rows.len() + 1), Vec::with_capacity(rows.len()));
        for &row in rows {
            let row = row as usize;
            starts.push(slots.len());
            match self.offsets.get(row..row + 2) {
                Some([start, end]) if start < end => slots.extend((*start..*end).map(Ok)),
                _ if self.nulls.get(row) == Some(&false) => slots.push(Err(EMPTY)),
                _ => slots.push(Err(NO_LIST)),
            }
        }
        starts.push(slots.len());
        (starts, slots)
    }
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

    /// Readies the column for reading. Texts of a leaf that `is_unique` are taken as they are.
    pub(crate) fn freeze(&self, is_unique: impl Fn(usize) -> bool) -> Frozen<'_> {
        let texts = match self {
            Self::Text(cells) => std::slice::from_ref(cells),
            Self::List(cells) | Self::Map(cells) => cells.members.as_slice(),
            Self::Struct(cells) => cells.as_slice(),
            Self::Slices(_) | Self::Time(_) | Self::Double(_) | Self::Bool(_) => &[],
        };
        let interned = |(place, texts): (usize, &Texts)| if is_unique(place) { Vec::new() } else { texts.interned() };
        Frozen { cells: self, interned: texts.iter().enumerate().map(interned).collect() }
    }
}

/// One column of an epoch that is being sealed.
pub(crate) struct Frozen<'a> {
    cells: &'a Cells,
    /// For each column of text inside what [`Texts::interned`] says.
    interned: Vec<Vec<i32>>,
}

impl Frozen<'_> {
    /// Hands each leaf's values of `rows`, in that order, to `take`.
    pub(crate) fn leaves<E>(&self, rows: &[u32], mut take: impl FnMut(&Leaf<'_>) -> Result<(), E>) -> Result<(), E> {
        let at = rows.iter().map(|&row| row as usize);
        let interned = |member: usize| self.interned.get(member).map_or(&[][..], Vec::as_slice);
        let mut keys = Vec::with_capacity(rows.len());
        match self.cells {
            Cells::Text(texts) => {
                texts.gather(interned(0), at, &mut keys);
                take(&Leaf { keys: &keys, starts: None, values: Values::Texts(texts) })
            }
            Cells::Struct(members) => members.iter().enumerate().try_for_each(|(member, texts)| {
                keys.clear();
                texts.gather(interned(member), at.clone(), &mut keys);
                take(&Leaf { keys: &keys, starts: None, values: Values::Texts(texts) })
            }),
            Cells::List(lists) | Cells::Map(lists) => {
                let (starts, slots) = lists.slots(rows);
                lists.members.iter().enumerate().try_for_each(|(member, texts)| {
                    texts.gather_slots(interned(member), &slots, &mut keys);
                    take(&Leaf { keys: &keys, starts: Some(&starts), values: Values::Texts(texts) })
                })
            }
            Cells::Slices(cells) => {
                keys.extend(present(cells, rows));
                take(&Leaf { keys: &keys, starts: None, values: Values::Slices(cells) })
            }
            Cells::Time(cells) => {
                keys.extend(present(cells, rows));
                take(&Leaf { keys: &keys, starts: None, values: Values::Times(cells) })
            }
            Cells::Double(cells) => {
                keys.extend(present(cells, rows));
                take(&Leaf { keys: &keys, starts: None, values: Values::Doubles(cells) })
            }
            Cells::Bool(cells) => {
                keys.extend(present(cells, rows));
                take(&Leaf { keys: &keys, starts: None, values: Values::Bools(cells) })
            }
        }
    }
}

/// The key of each of `rows`: the row itself, if it has a value.
fn present<T>(cells: &[Option<T>], rows: &[u32]) -> impl Iterator<Item = i32> {
    let some = |row: u32| cells.get(row as usize).is_some_and(Option::is_some);
    rows.iter().map(move |&row| if some(row) { i32::try_from(row).unwrap_or(NONE) } else { NONE })
}

fn tag<'a>(tag: &'a TagDelta<'_>) -> [Option<&'a str>; 4] {
    [Some(&tag.key), tag.old.as_deref(), tag.new.as_deref(), Some(tag.op.as_str())]
}
