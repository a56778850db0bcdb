//! Who is behind temporary credentials.

use tagwarden_core::{Actor, Entry, Event, StateDelta};

use crate::RestoreError;

/// Access keys and role sessions, and who asked for them.
#[derive(Debug, Default)]
pub struct Sessions {}

impl Sessions {
    /// Learns from an event that makes a session; every other event changes nothing.
    pub fn feed(&mut self, _event: &Event<'_>, _actor: &Actor<'_>) {}

    /// Takes back one entry of the space `session`.
    pub fn restore(&mut self, _entry: &Entry) -> Result<(), RestoreError> {
        Ok(())
    }

    /// Appends what has changed since the last call.
    pub fn delta(&mut self, _out: &mut StateDelta) {}
}
