//! Reading a folder again and again as it grows.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Seek, SeekFrom};
use std::path::Path;
use std::time::{Duration, SystemTime};

use tagwarden_core::{Partition, Positions};

use super::Reading;
use super::buffers::Buffers;
use super::cut::Cutter;
use super::feed::{Outbox, Parcel, send};
use super::gunzip::Input;
use super::list::{Found, failed, list};
use super::read::{Ended, Halt, Pace, close, cutter, post, pump, refuse_shorter};

/// What is known of a file between two looks.
#[derive(Default)]
struct Watched {
    /// Kept while a plain file may grow; a gzip file is read from its start each time.
    cutter: Option<Cutter>,
    /// Bytes read of a plain file.
    read: u64,
    length: u64,
    modified: Option<SystemTime>,
    /// Looks since it last changed.
    quiet: u32,
    /// A gzip file that was read and ended too early.
    partial: bool,
}

struct Follower<'a> {
    positions: Positions,
    reading: Reading,
    outbox: &'a Outbox,
    buffers: Buffers,
    /// Bytes of files that come later in this look.
    left: u64,
}

/// Reads `root` as it grows, until nobody pulls.
pub(crate) fn follow(root: &Path, positions: &Positions, reading: Reading, outbox: &Outbox) {
    let mut follower = Follower { positions: positions.clone(), reading, outbox, buffers: Buffers::default(), left: 0 };
    let mut watched = BTreeMap::new();
    loop {
        let result = match list(root) {
            Ok(files) => follower.look(files, &mut watched),
            Err(error) => Err(Halt::Failed(error)),
        };
        match result {
            Ok(()) => {}
            Err(Halt::Gone) => return,
            Err(Halt::Failed(error)) => return send(outbox, Parcel::Failed(error)).unwrap_or(()),
        }
        let mut waited = Duration::ZERO;
        while waited < reading.poll {
            if outbox.is_closed() {
                return;
            }
            let nap = Duration::from_millis(100).min(reading.poll.saturating_sub(waited));
            std::thread::sleep(nap);
            waited += nap;
        }
    }
}

impl Follower<'_> {
    fn look(&mut self, files: Vec<Found>, watched: &mut BTreeMap<Partition, Watched>) -> Result<(), Halt> {
        let mut before = std::mem::take(watched);
        self.left = files.iter().map(|file| file.length).sum();
        for file in files {
            self.left = self.left.saturating_sub(file.length);
            let mut known = before.remove(&file.partition).unwrap_or_default();
            match File::open(&file.path) {
                Ok(opened) => self.file(&file, opened, &mut known)?,
                // Gone since it was listed.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(Halt::Failed(failed("opening", &file.path, error))),
            }
            watched.insert(file.partition, known);
        }
        Ok(())
    }

    fn file(&mut self, file: &Found, mut opened: File, known: &mut Watched) -> Result<(), Halt> {
        let unread = |error| Halt::Failed(failed("reading", &file.path, error));
        let about = opened.metadata().map_err(unread)?;
        let modified = about.modified().ok();
        if known.length == about.len() && known.modified == modified {
            known.quiet = known.quiet.saturating_add(1);
            return self.quiet(file, opened, known);
        }
        (known.length, known.modified, known.quiet) = (about.len(), modified, 0);
        if known.read < 2 || known.cutter.is_none() {
            (known.read, known.cutter) = (0, None);
        }
        let behind = self.left + known.length - known.read.min(known.length);
        let Some(mut cutter) = known.cutter.take() else {
            return self.anew(file, opened, known, behind);
        };
        if about.len() < known.read {
            let what = format!(
                "{}: found {} bytes, wanted the {} read before: the file was replaced",
                file.partition,
                about.len(),
                known.read
            );
            return Err(Halt::Failed(super::feed::stop(what, None)));
        }
        opened.seek(SeekFrom::Start(known.read)).map_err(unread)?;
        let mut input = Input::plain(opened);
        pump(&mut input, &mut cutter, self.reading, Pace::Chunks { end: behind }, self.outbox)?;
        self.keep(known, cutter);
        Ok(())
    }

    fn anew(&mut self, file: &Found, opened: File, known: &mut Watched, behind: u64) -> Result<(), Halt> {
        let mut input = Input::open(opened).map_err(|error| Halt::Failed(failed("reading", &file.path, error)))?;
        let mut cutter = cutter(&file.partition, &self.positions.get(&file.partition), &self.buffers)?;
        let (ended, _) = pump(&mut input, &mut cutter, self.reading, Pace::Chunks { end: behind }, self.outbox)?;
        if !input.is_gzip() {
            refuse_shorter(&cutter)?;
            self.keep(known, cutter);
            return Ok(());
        }
        known.partial = matches!(ended, Ended::Corrupt(_));
        if !known.partial {
            refuse_shorter(&cutter)?;
        }
        if !known.partial || known.quiet >= self.reading.abandoned {
            post(close(ended, &mut cutter, Some(self.left)), self.outbox)?;
            known.partial = false;
        }
        self.positions.set(file.partition.clone(), cutter.stands().clone());
        Ok(())
    }

    /// What is to be done about a file that did not change since the last look.
    fn quiet(&mut self, file: &Found, opened: File, known: &mut Watched) -> Result<(), Halt> {
        let abandoned = known.quiet == self.reading.abandoned;
        if abandoned && known.partial {
            return self.anew(file, opened, known, self.left + file.length);
        }
        if !abandoned && known.quiet != self.reading.settled {
            return Ok(());
        }
        if let Some(mut cutter) = known.cutter.take() {
            post(cutter.finish(abandoned, Some(self.left)), self.outbox)?;
            self.keep(known, cutter);
        }
        Ok(())
    }

    fn keep(&mut self, known: &mut Watched, mut cutter: Cutter) {
        self.positions.set(cutter.partition().clone(), cutter.stands().clone());
        cutter.buffer().shrink_to_fit();
        known.read = cutter.seen();
        known.cutter = Some(cutter);
    }
}
