//! The one door: who is behind an event, what is known around its changes, and what is to be remembered of them.

use tagwarden_core::{Actor, Change, Enriched, Entry, Event, StateDelta};

use crate::{Directory, Inventory, RestoreError, Sessions, TagStore};

/// Directory, sessions and tags together. Called by the judging thread only, in arrival order: `actor` once per event,
/// `feed` once per event, `enrich` and then `apply` once per change.
#[derive(Debug)]
pub struct Enricher {
    /// What the operator knows.
    pub directory: Directory,
    /// Who is behind temporary credentials.
    pub sessions: Sessions,
    /// The tags that resources had.
    pub tags: TagStore,
}

impl Enricher {
    /// An enricher that remembers nothing yet.
    pub fn new(directory: Directory) -> Self {
        Self { directory, sessions: Sessions::default(), tags: TagStore::default() }
    }

    /// Who is behind an event.
    pub fn actor<'a>(&self, _event: &Event<'a>) -> Actor<'a> {
        unimplemented!()
    }

    /// Learns sessions from sign-in and role events, reads included; every other event costs a comparison.
    pub fn feed(&mut self, event: &Event<'_>, actor: &Actor<'_>) {
        self.sessions.feed(event, actor);
    }

    /// What is known around a change before it is applied.
    pub fn enrich<'a>(&self, _event: &Event<'a>, _actor: &Actor<'a>, _change: &Change<'a>) -> Enriched<'a> {
        unimplemented!()
    }

    /// Remembers a judged change. Denied calls and witnesses change nothing.
    pub fn apply(&mut self, _event: &Event<'_>, _actor: &Actor<'_>, _change: &Change<'_>, _enriched: &Enriched<'_>) {}

    /// Takes back one entry of the spaces `session` and `tags`; entries of other spaces are left alone.
    ///
    /// # Errors
    /// An entry that this crate did not write.
    pub fn restore(&mut self, _entry: &Entry) -> Result<(), RestoreError> {
        Ok(())
    }

    /// Appends what has changed since the last call, in a fixed order.
    pub fn delta(&mut self, _out: &mut StateDelta) {}

    /// Takes in tags known before the first event; a resource about which the store knows something is left alone.
    pub fn seed(&mut self, _inventory: &Inventory) {}
}
