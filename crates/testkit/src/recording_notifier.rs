//! A notifier that writes down what it was asked to send.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tagwarden_core::{AlertMessage, Notifier, NotifyError, Receipt};

#[derive(Default)]
struct Held {
    taken: Vec<AlertMessage>,
    answers: VecDeque<NotifyError>,
}

/// Takes every message, but for the refusals it was given first.
#[derive(Default)]
pub struct RecordingNotifier {
    held: Mutex<Held>,
}

impl RecordingNotifier {
    /// One that takes everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses the next message that has no refusal yet with `error`.
    pub fn refuse(&self, error: NotifyError) {
        self.held().answers.push_back(error);
    }

    /// The messages taken so far, in order.
    pub fn taken(&self) -> Vec<AlertMessage> {
        self.held().taken.clone()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notifier for RecordingNotifier {
    async fn notify(&self, message: &AlertMessage) -> Result<Receipt, NotifyError> {
        let mut held = self.held();
        if let Some(error) = held.answers.pop_front() {
            return Err(error);
        }
        held.taken.push(message.clone());
        Ok(Receipt { reference: Some(format!("message-{}", held.taken.len())) })
    }
}
