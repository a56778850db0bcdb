//! Standard input, or any other stream that can be read once.

use std::io::Read;

use tagwarden_core::{Partition, Positions, Pulled, Source, SourceError};

use crate::files::Reading;
use crate::files::feed::{Feed, stop};
use crate::files::read::read_stream;

/// A stream of events, plain or gzip. It can't be gone back to: each run is a partition of its own, from offset 0.
pub struct Stdin {
    input: Option<Box<dyn Read + Send>>,
    partition: String,
    reading: Reading,
    feed: Option<Feed>,
}

impl Stdin {
    /// Reads `input`; `run` is a number that no earlier run with the same state had, such as the fence.
    pub fn new(input: impl Read + Send + 'static, run: u64, reading: Reading) -> Self {
        Self { input: Some(Box::new(input)), partition: format!("stdin-{run}"), reading, feed: None }
    }
}

impl Source for Stdin {
    fn name(&self) -> &'static str {
        "stdin"
    }

    fn repeatable(&self) -> bool {
        false
    }

    fn start(&mut self, _positions: &Positions) -> Result<(), SourceError> {
        let Some(input) = self.input.take() else {
            return Err(stop("starting standard input a second time".to_owned(), None));
        };
        let (partition, reading) = (Partition::from(self.partition.as_str()), self.reading);
        self.feed = Some(Feed::spawn("read-stdin", move |outbox| read_stream(input, &partition, reading, &outbox))?);
        Ok(())
    }

    async fn pull(&mut self, max: usize) -> Result<Option<Pulled>, SourceError> {
        match &mut self.feed {
            Some(feed) => feed.pull(max).await,
            None => Err(stop("pulling from standard input before it was started".to_owned(), None)),
        }
    }
}
