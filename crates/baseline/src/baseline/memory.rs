//! What a baseline remembers: given out to be stored, and taken back.

use tagwarden_core::{Entry, StateDelta};

use super::{BEGAN, Baseline, Judged};
use crate::{heard, reference, shadow, spread, table};

impl Baseline {
    /// Takes back what [`delta`](Self::delta) gave out, into a fresh baseline, in any order. Entries of other spaces
    /// are left alone.
    pub fn restore(&mut self, entry: &Entry) {
        self.judged = Judged::default();
        match entry.space.as_ref() {
            table::SPACE => self.table.restore(entry),
            reference::SPACE => self.reference.restore(entry),
            spread::SPACE => self.spread.restore(entry),
            heard::SPACE => self.heard.restore(entry),
            BEGAN => {
                let began = entry.value.as_deref().and_then(|value| value.try_into().ok());
                self.began = began.map(i64::from_be_bytes).or(self.began);
            }
            shadow::SPACE => {
                if let Some(shadow) = &mut self.shadow {
                    shadow.restore(entry);
                }
            }
            space if space == self.actors.space() => self.actors.restore(entry),
            space if space == self.keys.space() => self.keys.restore(entry),
            space if space == self.newcomers.space() => self.newcomers.restore(entry),
            _ => {}
        }
    }

    /// The spaces of what [`delta`](Self::delta) gives out.
    pub fn spaces() -> [&'static str; 9] {
        let [actors, keys, newcomers] = ["actor", "access_key", "profile"];
        [table::SPACE, reference::SPACE, spread::SPACE, heard::SPACE, BEGAN, shadow::SPACE, actors, keys, newcomers]
    }

    /// Adds all that has changed since the last call.
    pub fn delta(&mut self, delta: &mut StateDelta) {
        self.table.delta(delta);
        self.reference.delta(delta);
        self.spread.delta(delta);
        self.heard.delta(delta);
        self.actors.delta(delta);
        self.keys.delta(delta);
        self.newcomers.delta(delta);
        if let (true, Some(began)) = (std::mem::take(&mut self.began_dirty), self.began) {
            delta.set(BEGAN, [], began.to_be_bytes().to_vec());
        }
        if let Some(shadow) = &mut self.shadow {
            shadow.delta(delta);
        }
    }
}
