//! Which reads were learned from already in these four hours: one more of the same says nothing new.

use tagwarden_core::{Change, Entry, Event, Family, StateDelta};

use crate::hash::{mix, text};

pub(crate) const SPACE: &str = "heard";
/// As long as the blocks of the day that hours are counted by.
const BLOCK: i64 = 4 * 3_600_000;
/// One bit per way of reading, by hash: of 50,000 in one block, one in twenty is taken for another that was heard.
const BITS: usize = 1 << 20;
/// Words of a part: what is stored at once.
const PART: usize = 256;
const PARTS: usize = BITS / 64 / PART;

/// The ways of reading heard in the newest block.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    block: i64,
    bits: Vec<u64>,
    dirty: [bool; PARTS],
}

impl Default for Heard {
    fn default() -> Self {
        Self { block: i64::MIN, bits: vec![0; PARTS * PART], dirty: [false; PARTS] }
    }
}

impl Heard {
    /// Whether an event is a read that succeeded, like one that was learned from in the same block: by the same identity
    /// from the same address with the same program, the same call in the same account and region, of the same `secret`
    /// if it reads one. A late event belongs to the newest block.
    pub(crate) fn knows(&self, event: &Event<'_>, secret: &str) -> bool {
        let bit = |way| self.bits.get(word(way)).is_some_and(|word| word & mask(way) != 0);
        event.time.0.div_euclid(BLOCK) <= self.block && way(event, secret).is_some_and(bit)
    }

    /// Takes an event in; what is no read leaves nothing behind.
    pub(crate) fn note(&mut self, event: &Event<'_>, secret: &str) {
        let Some(way) = way(event, secret) else { return };
        let block = event.time.0.div_euclid(BLOCK);
        if block > self.block {
            self.block = block;
            for (part, dirty) in self.bits.chunks_exact_mut(PART).zip(&mut self.dirty) {
                *dirty |= part.iter().any(|word| *word != 0);
                part.fill(0);
            }
        }
        if let (Some(bits), Some(dirty)) = (self.bits.get_mut(word(way)), self.dirty.get_mut(word(way) / PART)) {
            *dirty |= *bits & mask(way) == 0;
            *bits |= mask(way);
        }
    }

    /// Takes back what [`delta`](Self::delta) gave out, in any order.
    pub(crate) fn restore(&mut self, entry: &Entry) {
        let (&[part], Some(value)) = (entry.key.as_slice(), entry.value.as_deref()) else { return };
        let Some((block, words)) = value.split_first_chunk::<8>() else { return };
        let Some(bits) = self.bits.chunks_exact_mut(PART).nth(part.into()) else { return };
        self.block = self.block.max(i64::from_be_bytes(*block));
        for (to, from) in bits.iter_mut().zip(words.as_chunks::<8>().0) {
            *to = u64::from_be_bytes(*from);
        }
    }

    /// Adds the parts that changed since the last call.
    pub(crate) fn delta(&mut self, delta: &mut StateDelta) {
        for ((number, part), dirty) in (0u8..).zip(self.bits.chunks_exact(PART)).zip(&mut self.dirty) {
            if !std::mem::take(dirty) {
                continue;
            }
            if part.iter().all(|word| *word == 0) {
                delta.remove(SPACE, [number]);
                continue;
            }
            let mut value = self.block.to_be_bytes().to_vec();
            for word in part {
                value.extend(word.to_be_bytes());
            }
            delta.set(SPACE, [number], value);
        }
    }
}

/// Which secret a change reads; empty for any other.
pub(crate) fn secret<'c>(change: &'c Change<'_>) -> &'c str {
    if change.family == Family::Read && change.kind != "read" { &change.resource_id } else { "" }
}

/// A number for how an event reads; `None` if it is no read that succeeded.
fn way(event: &Event<'_>, secret: &str) -> Option<u64> {
    if !event.read_only || event.error_code.is_some() {
        return None;
    }
    let identity = &event.identity;
    let parts = [
        identity.arn.as_deref().or(identity.principal_id.as_deref()),
        identity.invoked_by.as_deref(),
        event.source_ip.as_deref(),
        event.user_agent.as_deref(),
        Some(&*event.region),
        Some(&*event.account_id),
        Some(&*event.source),
        Some(&*event.name),
        Some(secret),
    ];
    Some(parts.into_iter().fold(0, |way, part| mix(way, text(part.unwrap_or("")))))
}

fn word(way: u64) -> usize {
    usize::try_from(way >> 44).unwrap_or(0) / 64
}

fn mask(way: u64) -> u64 {
    1 << ((way >> 44) % 64)
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Heard};
    use tagwarden_core::{Event, EventKind, Identity, StateDelta, Timestamp};
    use tagwarden_json::{Node, Tape};

    /// Test data lives as long as the test process.
    fn node() -> Node<'static> {
        Box::leak(Box::new(Tape::new())).parse("{}").expect("an empty object")
    }

    fn read(name: &'static str, at: i64) -> Event<'static> {
        Event {
            id: "e1".into(),
            key: 1,
            shared_id: None,
            kind: EventKind::ApiCall,
            time: Timestamp(at),
            account_id: "111122223333".into(),
            region: "eu-west-1".into(),
            source: "iam.amazonaws.com".into(),
            name: name.into(),
            action: name.into(),
            error_code: None,
            read_only: true,
            source_ip: Some("203.0.113.1".into()),
            user_agent: Some("aws-cli/2".into()),
            identity: Identity::default(),
            request: None,
            response: None,
            record: node(),
            envelope: node(),
            fault: None,
        }
    }

    #[test]
    fn a_read_is_known_for_the_rest_of_its_block() {
        let mut heard = Heard::default();
        assert!(!heard.knows(&read("ListUsers", 5), ""));
        heard.note(&read("ListUsers", 5), "");
        assert!(heard.knows(&read("ListUsers", BLOCK - 1), ""));
        assert!(heard.knows(&read("ListUsers", -1), ""), "a late one belongs to the newest block");
        assert!(!heard.knows(&read("ListUsers", BLOCK), ""), "a block later it says that it still goes on");
        heard.note(&read("ListRoles", BLOCK), "");
        assert!(!heard.knows(&read("ListUsers", BLOCK), ""), "the block before is forgotten");
    }

    #[test]
    fn every_part_of_the_way_counts() {
        let mut heard = Heard::default();
        heard.note(&read("ListUsers", 0), "");
        let others: [fn(&mut Event<'static>); 8] = [
            |e| e.identity.arn = Some("arn:aws:iam::1:user/another".into()),
            |e| e.identity.invoked_by = Some("config.amazonaws.com".into()),
            |e| e.source_ip = Some("203.0.113.99".into()),
            |e| e.user_agent = Some("another".into()),
            |e| e.region = "xx-south-9".into(),
            |e| e.account_id = "999".into(),
            |e| e.source = "other.amazonaws.com".into(),
            |e| e.name = "ListRoles".into(),
        ];
        for (number, change) in others.iter().enumerate() {
            let mut other = read("ListUsers", 1);
            change(&mut other);
            assert!(!heard.knows(&other, ""), "part {number}");
        }
        heard.note(&read("GetSecretValue", 0), "db/password");
        let again = read("GetSecretValue", 1);
        assert!(heard.knows(&again, "db/password") && !heard.knows(&again, "api/key"), "each secret is news");
        for change in
            [|e: &mut Event<'_>| e.read_only = false, |e: &mut Event<'_>| e.error_code = Some("Denied".into())]
        {
            let mut other = read("ListUsers", 1);
            change(&mut other);
            heard.note(&other, "");
            assert!(!heard.knows(&other, ""), "writes and refused calls always say something");
        }
    }

    #[test]
    fn it_is_stored_and_read_back_with_what_was_forgotten() {
        let (mut heard, mut stored) = (Heard::default(), std::collections::BTreeMap::new());
        for (name, at) in [("a", 0), ("b", 1), ("c", BLOCK), ("d", BLOCK + 1)] {
            heard.note(&read(name, at), "");
            let mut delta = StateDelta::default();
            heard.delta(&mut delta);
            for entry in delta.entries {
                match entry.value {
                    Some(_) => stored.insert(entry.key.clone(), entry),
                    None => stored.remove(&entry.key),
                };
            }
        }
        let mut again = Heard::default();
        for entry in stored.values() {
            again.restore(entry);
        }
        assert_eq!((again.block, &again.bits), (heard.block, &heard.bits));
        assert!(again.knows(&read("c", BLOCK + 2), "") && !again.knows(&read("a", BLOCK + 2), ""));
        let mut nothing = StateDelta::default();
        heard.delta(&mut nothing);
        assert!(nothing.entries.is_empty());
    }
}
