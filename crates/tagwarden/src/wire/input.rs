//! Where records come from.

use std::path::Path;

use tagwarden_connect::{Files, Reading, Stdin};
use tagwarden_core::{Clock, Positions, Pulled, Source, SourceError};
use tagwarden_engine::SystemClock;

use crate::feed::SimulatedSource;

/// Where records come from, by what the command was given.
pub enum Input {
    /// A file or folder.
    Files(Files),
    /// Standard input.
    Stdin(Stdin),
    /// The simulator.
    Simulated(SimulatedSource),
}

impl Input {
    /// `-` is standard input, everything else a file or folder.
    pub fn open(path: &Path, follow: bool) -> Self {
        if path.as_os_str() == "-" {
            let run = SystemClock.now().0.unsigned_abs();
            return Self::Stdin(Stdin::new(std::io::stdin(), run, Reading::default()));
        }
        Self::Files(Files::new(path.to_owned(), follow, Reading::default()))
    }
}

impl Source for Input {
    fn name(&self) -> &str {
        match self {
            Self::Files(source) => source.name(),
            Self::Stdin(source) => source.name(),
            Self::Simulated(source) => source.name(),
        }
    }

    fn repeatable(&self) -> bool {
        match self {
            Self::Files(source) => source.repeatable(),
            Self::Stdin(source) => source.repeatable(),
            Self::Simulated(source) => source.repeatable(),
        }
    }

    fn start(&mut self, positions: &Positions) -> Result<(), SourceError> {
        match self {
            Self::Files(source) => source.start(positions),
            Self::Stdin(source) => source.start(positions),
            Self::Simulated(source) => source.start(positions),
        }
    }

    async fn pull(&mut self, max: usize) -> Result<Option<Pulled>, SourceError> {
        match self {
            Self::Files(source) => source.pull(max).await,
            Self::Stdin(source) => source.pull(max).await,
            Self::Simulated(source) => source.pull(max).await,
        }
    }
}
