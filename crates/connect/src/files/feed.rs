//! The seam between the reading thread and `pull`: stretches of records through a bounded channel.

use std::vec;

use tagwarden_core::{Move, Partition, Position, Pulled, Record, Retry, SourceError};
use tokio::sync::mpsc;

/// Stretches that may wait: with about 1 MiB each, enough for reading and judging to overlap.
const WAITING: usize = 3;

/// Records of one partition in a row, with the progress that they mean.
pub(crate) struct Stretch {
    pub(crate) partition: Partition,
    pub(crate) from: Position,
    pub(crate) records: Vec<Record>,
    /// Where the partition stands once all records are taken; never before the last of them.
    pub(crate) to: Position,
    /// Bytes of the source that lie behind the stretch, if known.
    pub(crate) behind: Option<u64>,
}

/// What the reading thread says.
pub(crate) enum Parcel {
    Stretch(Stretch),
    Failed(SourceError),
    /// The source is finite and this was all of it.
    End,
}

/// The reading thread's end of the channel.
pub(crate) type Outbox = mpsc::Sender<Parcel>;

/// Nobody pulls any more.
pub(crate) struct Gone;

/// Hands `parcel` over, waiting for room.
pub(crate) fn send(outbox: &Outbox, parcel: Parcel) -> Result<(), Gone> {
    outbox.blocking_send(parcel).map_err(|_| Gone)
}

struct Open {
    partition: Partition,
    from: Position,
    records: vec::IntoIter<Record>,
    to: Position,
    behind: Option<u64>,
}

enum Finish {
    End,
    Failed(SourceError),
    Told,
}

/// The pulling end.
pub(crate) struct Feed {
    inbox: mpsc::Receiver<Parcel>,
    open: Option<Open>,
    finish: Option<Finish>,
}

impl Feed {
    /// Runs `read` on a thread of its own, named `name`.
    pub(crate) fn spawn(name: &str, read: impl FnOnce(Outbox) + Send + 'static) -> Result<Self, SourceError> {
        let (outbox, inbox) = mpsc::channel(WAITING);
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || read(outbox))
            .map_err(|error| stop("starting the reading thread".to_owned(), Some(error)))?;
        Ok(Self { inbox, open: None, finish: None })
    }

    /// At most `max` records: waits for the first stretch, then takes what is ready. Cancel-safe: the only wait is on
    /// the channel, before anything is taken out of it.
    pub(crate) async fn pull(&mut self, max: usize) -> Result<Option<Pulled>, SourceError> {
        let mut pulled = Pulled::default();
        if max == 0 {
            return Ok(Some(pulled));
        }
        if self.open.is_none() && self.finish.is_none() {
            let parcel = self.inbox.recv().await;
            self.accept(parcel);
        }
        loop {
            if let Some(open) = &mut self.open {
                take(open, max, &mut pulled);
                if open.records.len() > 0 {
                    return Ok(Some(pulled));
                }
                self.open = None;
            }
            if pulled.records.len() == max || self.finish.is_some() {
                break;
            }
            match self.inbox.try_recv() {
                Ok(parcel) => self.accept(Some(parcel)),
                Err(mpsc::error::TryRecvError::Empty) => break,
                Err(mpsc::error::TryRecvError::Disconnected) => self.accept(None),
            }
        }
        if !pulled.moves.is_empty() {
            return Ok(Some(pulled));
        }
        match self.finish.replace(Finish::Told) {
            Some(Finish::Failed(error)) => Err(error),
            Some(Finish::End) => {
                self.finish = Some(Finish::End);
                Ok(None)
            }
            Some(Finish::Told) | None => Err(stop("pulling after reading had failed".to_owned(), None)),
        }
    }

    fn accept(&mut self, parcel: Option<Parcel>) {
        match parcel {
            Some(Parcel::Stretch(Stretch { partition, from, records, to, behind })) => {
                self.open = Some(Open { partition, from, records: records.into_iter(), to, behind });
            }
            Some(Parcel::Failed(error)) => self.finish = Some(Finish::Failed(error)),
            Some(Parcel::End) => self.finish = Some(Finish::End),
            // A thread that dies without a word must not look like the end of the input.
            None => {
                let died = stop("waiting for the reading thread, which died".to_owned(), None);
                self.finish = Some(Finish::Failed(died));
            }
        }
    }
}

/// Moves records from `open` to `pulled` until that holds `max`.
fn take(open: &mut Open, max: usize, pulled: &mut Pulled) {
    let room = max - pulled.records.len();
    let before = pulled.records.len();
    pulled.records.extend(open.records.by_ref().take(room));
    let records = pulled.records.len() - before;
    let done = open.records.len() == 0;
    let to = match pulled.records.last() {
        _ if done => open.to.clone(),
        Some(last) => last.position.clone(),
        None => return,
    };
    let ahead = open.to.as_offset().unwrap_or(0).saturating_sub(to.as_offset().unwrap_or(0));
    pulled.behind = open.behind.map(|behind| behind + ahead);
    let from = std::mem::replace(&mut open.from, to.clone());
    match pulled.moves.last_mut() {
        Some(last) if last.partition == open.partition && last.to == from => {
            last.to = to;
            last.records += records as u64;
        }
        _ => pulled.moves.push(Move { partition: open.partition.clone(), from, to, records: records as u64 }),
    }
}

/// An error after which nothing more can be read.
pub(crate) fn stop(what: String, cause: Option<std::io::Error>) -> SourceError {
    SourceError { what, retry: Retry::Stop, source: cause.map(Into::into) }
}
