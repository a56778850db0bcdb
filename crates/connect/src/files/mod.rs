//! Files and folders of events, read once or followed as they grow.

mod buffers;
mod cut;
pub(crate) mod feed;
mod follow;
mod gunzip;
mod list;
pub(crate) mod read;

use std::path::PathBuf;
use std::time::Duration;

use tagwarden_core::{Positions, Pulled, Source, SourceError};

use feed::{Feed, stop};

/// How files are read.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// Bytes read at a time, decompressed.
    pub chunk: usize,
    /// Followed: the wait between two looks at the folder.
    pub poll: Duration,
    /// Followed: looks without growth after which a last line without a line end counts as whole.
    pub settled: u32,
    /// Followed: looks without growth after which a last line, or a gzip file, that is not whole counts as broken.
    pub abandoned: u32,
}

impl Default for Reading {
    fn default() -> Self {
        Self { chunk: 256 << 10, poll: Duration::from_secs(1), settled: 3, abandoned: 60 }
    }
}

/// A file, or the `.json`, `.ndjson` and `.jsonl` files of a folder and those below it, plain or gzip (by content).
///
/// Read once: in byte order of the path, `None` at the end. Followed: new files and growth are picked up at each look,
/// without end. A partition is a file's absolute path; its positions are bytes, decompressed.
pub struct Files {
    root: PathBuf,
    follow: bool,
    reading: Reading,
    feed: Option<Feed>,
}

impl Files {
    /// A source over `root`; `follow` keeps looking for growth.
    pub fn new(root: PathBuf, follow: bool, reading: Reading) -> Self {
        Self { root, follow, reading, feed: None }
    }
}

impl Source for Files {
    fn name(&self) -> &'static str {
        "files"
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn start(&mut self, positions: &Positions) -> Result<(), SourceError> {
        let files = list::list(&self.root)?;
        let (positions, reading, root) = (positions.clone(), self.reading, self.root.clone());
        let feed = if self.follow {
            Feed::spawn("follow-files", move |outbox| follow::follow(&root, &positions, reading, &outbox))
        } else {
            Feed::spawn("read-files", move |outbox| read::read_all(files, &positions, reading, &outbox))
        };
        self.feed = Some(feed?);
        Ok(())
    }

    async fn pull(&mut self, max: usize) -> Result<Option<Pulled>, SourceError> {
        match &mut self.feed {
            Some(feed) => feed.pull(max).await,
            None => Err(stop(format!("pulling from {} before it was started", self.root.display()), None)),
        }
    }
}
