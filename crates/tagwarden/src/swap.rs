//! Watches the file of the model in force, and asks for an epoch's edge when another model lies there.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use crate::setup::read_model;

/// How often the file is looked at.
const EVERY: Duration = Duration::from_millis(500);

/// A watch over one file. It ends with the process.
pub struct Swap {
    /// True once the worker should come to an edge, be it for a model or for good.
    edge: watch::Sender<bool>,
    found: Arc<Mutex<Option<Arc<[u8]>>>>,
}

impl Swap {
    /// Watches `file`, in which `in_force` was found, if anything; no file, no swap. `stop` is handed on.
    pub fn watch(file: Option<PathBuf>, in_force: Option<Arc<[u8]>>, stop: watch::Receiver<bool>) -> Self {
        let swap = Self { edge: watch::Sender::new(false), found: Arc::default() };
        let edge = swap.edge.clone();
        let mut stopped = stop;
        tokio::spawn(async move {
            // An error is a sender that is gone: nobody will ask for a stop any more.
            if stopped.wait_for(|stop| *stop).await.is_ok() {
                edge.send_replace(true);
            }
        });
        if let Some(file) = file {
            tokio::spawn(look(file, in_force, swap.edge.clone(), Arc::clone(&swap.found)));
        }
        swap
    }

    /// What a pipeline stops by.
    pub fn edge(&self) -> watch::Receiver<bool> {
        self.edge.subscribe()
    }

    /// What asks for an epoch's edge at which the worker starts anew.
    pub fn asking(&self) -> impl Fn() + 'static {
        let edge = self.edge.clone();
        move || {
            edge.send_replace(true);
        }
    }

    /// The model that the last edge was asked for, if it was for a model.
    pub fn take(&self, stop: &watch::Receiver<bool>) -> Option<Arc<[u8]>> {
        // Under the lock, so that a model found now asks for an edge of its own.
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        self.edge.send_replace(false);
        if *stop.borrow() {
            // It came in between.
            self.edge.send_replace(true);
        }
        found.take()
    }
}

async fn look(
    file: PathBuf,
    in_force: Option<Arc<[u8]>>,
    edge: watch::Sender<bool>,
    found: Arc<Mutex<Option<Arc<[u8]>>>>,
) {
    let mut in_force = in_force;
    let mut known = None;
    loop {
        tokio::time::sleep(EVERY).await;
        // A file that is gone for a moment is about to be replaced.
        let Some(now) = stamp(&file).filter(|now| known != Some(*now)) else { continue };
        known = Some(now);
        match read_model("--model", &file) {
            Ok(model) if Some(&model) != in_force.as_ref() => {
                in_force = Some(Arc::clone(&model));
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                *found = Some(model);
                edge.send_replace(true);
            }
            Ok(_) => {}
            Err(error) => eprintln!("tagwarden: {error}; the model in force stays"),
        }
    }
}

/// What changes when the file is written or replaced.
fn stamp(file: &std::path::Path) -> Option<(SystemTime, u64)> {
    let about = std::fs::metadata(file).ok()?;
    Some((about.modified().ok()?, about.len()))
}
