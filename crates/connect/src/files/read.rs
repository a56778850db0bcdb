//! Reading files one after another, and streams, to their end.

use std::fs::File;
use std::io::Read;

use tagwarden_core::{Partition, Position, Positions, SourceError};

use super::Reading;
use super::buffers::Buffers;
use super::cut::Cutter;
use super::feed::{Gone, Outbox, Parcel, Stretch, send, stop};
use super::gunzip::{Input, Unreadable};
use super::list::{Found, failed};

/// Why reading stops early.
pub(crate) enum Halt {
    Gone,
    Failed(SourceError),
}

impl From<Gone> for Halt {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

/// How a stream came to its end.
pub(crate) enum Ended {
    Whole,
    /// What is wrong with the gzip stream.
    Corrupt(String),
}

/// Reads every file to its end, in order.
pub(crate) fn read_all(files: Vec<Found>, positions: &Positions, reading: Reading, outbox: &Outbox) {
    let mut left: u64 = files.iter().map(|file| file.length).sum();
    let buffers = Buffers::default();
    let read = || {
        for file in files {
            left -= file.length;
            let cutter = cutter(&file.partition, &positions.get(&file.partition), &buffers)?;
            read_file(&file, cutter, left, reading, outbox)?;
        }
        Ok(send(outbox, Parcel::End)?)
    };
    tell(read(), outbox);
}

/// Reads one stream to its end, handing on what it gives as it comes.
pub(crate) fn read_stream(input: impl Read, partition: &Partition, reading: Reading, outbox: &Outbox) {
    let read = || {
        let unread = |error| Halt::Failed(stop(format!("reading {partition}"), Some(error)));
        let mut input = Input::open(input).map_err(unread)?;
        let mut cutter = cutter(partition, &Position::start(), &Buffers::default())?;
        let (ended, _) = pump(&mut input, &mut cutter, reading, Pace::AsItComes, outbox)?;
        post(close(ended, &mut cutter, None), outbox)?;
        Ok(send(outbox, Parcel::End)?)
    };
    tell(read(), outbox);
}

fn tell(result: Result<(), Halt>, outbox: &Outbox) {
    if let Err(Halt::Failed(error)) = result {
        // Nobody left to tell is no trouble.
        send(outbox, Parcel::Failed(error)).unwrap_or(());
    }
}

fn read_file(file: &Found, mut cutter: Cutter, left: u64, reading: Reading, outbox: &Outbox) -> Result<(), Halt> {
    let opened = File::open(&file.path).map_err(|error| Halt::Failed(failed("opening", &file.path, error)))?;
    let mut input = Input::open(opened).map_err(|error| Halt::Failed(failed("reading", &file.path, error)))?;
    let end = left + file.length;
    let (ended, held) = pump(&mut input, &mut cutter, reading, Pace::Held { end }, outbox)?;
    refuse_shorter(&cutter)?;
    post(join(held, close(ended, &mut cutter, Some(left))), outbox)
}

/// A cutter for a partition that stands at `stands`.
pub(crate) fn cutter(partition: &Partition, stands: &Position, buffers: &Buffers) -> Result<Cutter, Halt> {
    let what = || format!("{partition}: found position `{}`, wanted a byte offset", stands.as_str());
    Cutter::new(partition.clone(), stands.clone(), buffers.clone()).ok_or_else(|| Halt::Failed(stop(what(), None)))
}

/// Refuses a file that holds less than what was read of it before: positions don't go back.
pub(crate) fn refuse_shorter(cutter: &Cutter) -> Result<(), Halt> {
    let (found, wanted) = (cutter.seen(), cutter.stands_at());
    // A break at the very end takes a position one byte behind it.
    if wanted <= found + 1 {
        return Ok(());
    }
    let what =
        format!("{}: found {found} bytes, wanted the {wanted} read before: the file was replaced", cutter.partition());
    Err(Halt::Failed(stop(what, None)))
}

/// When a stretch is handed on.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// At once; a read takes what there is.
    AsItComes,
    /// At once; a read fills a chunk. `end` is what is behind before any of the input is consumed.
    Chunks { end: u64 },
    /// When the next one is there, so that the last one and the file's end are one.
    Held { end: u64 },
}

/// Reads until `input` gives no more, and hands every whole record on, but for a stretch that is held.
pub(crate) fn pump<R: Read>(
    input: &mut Input<R>,
    cutter: &mut Cutter,
    reading: Reading,
    pace: Pace,
    outbox: &Outbox,
) -> Result<(Ended, Option<Stretch>), Halt> {
    let (full, hold, end) = match pace {
        Pace::AsItComes => (false, false, None),
        Pace::Chunks { end } => (true, false, Some(end)),
        Pace::Held { end } => (true, true, Some(end)),
    };
    let mut held = None;
    loop {
        // A value longer than a chunk is looked at again when twice as much of it is there.
        let long = cutter.waiting() > reading.chunk;
        let want = reading.chunk.max(if long { cutter.waiting() } else { 0 });
        match input.fill(cutter.buffer(), want, full || long) {
            Ok(0) => return Ok((Ended::Whole, held)),
            Ok(_) => {
                let next = cutter.cut(end.map(|end| end.saturating_sub(input.consumed())));
                if next.is_some() {
                    let before = if hold { std::mem::replace(&mut held, next) } else { next };
                    post(before, outbox)?;
                }
            }
            Err(Unreadable::Corrupt(what)) => return Ok((Ended::Corrupt(what), held)),
            Err(Unreadable::Io(error)) => {
                return Err(Halt::Failed(stop(format!("reading {}", cutter.partition()), Some(error))));
            }
        }
    }
}

/// Two stretches in a row as one.
fn join(first: Option<Stretch>, second: Option<Stretch>) -> Option<Stretch> {
    match (first, second) {
        (Some(mut first), Some(second)) => {
            first.records.extend(second.records);
            (first.to, first.behind) = (second.to, second.behind);
            Some(first)
        }
        (first, second) => first.or(second),
    }
}

/// What is left at the end of a stream.
pub(crate) fn close(ended: Ended, cutter: &mut Cutter, left: Option<u64>) -> Option<Stretch> {
    match ended {
        Ended::Whole => cutter.finish(true, left),
        Ended::Corrupt(what) => cutter.break_off(what, left),
    }
}

/// Hands a stretch on, if there is one.
pub(crate) fn post(stretch: Option<Stretch>, outbox: &Outbox) -> Result<(), Halt> {
    match stretch {
        Some(stretch) => Ok(send(outbox, Parcel::Stretch(stretch))?),
        None => Ok(()),
    }
}
