//! What is looked at in a change: values, each in its contexts from narrow to wide.

use tagwarden_core::{Actor, ActorKind, Event, NetworkClass, TagDelta, TagOp};

use crate::hash::{mix, text};

/// What a value is a value of. The numbers go into stored keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The call, and whether it was denied: by the actor, its peers, the organisation.
    Action = 1,
    /// The account: for the actor, its peers, the organisation.
    Account = 2,
    /// The region: for the actor, its peers, the organisation.
    Region = 3,
    /// Where the call came from: for the actor, its peers, the organisation.
    Network = 4,
    /// The tag key: in the account, the organisation.
    Key = 5,
    /// The value after, or the removal: of the key in the account, in the organisation.
    Value = 6,
    /// Old and new: of the key in the account, in the organisation.
    Transition = 7,
}

/// A value and where it is looked up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Feature {
    pub(crate) kind: Kind,
    /// Keys of the contexts, narrow to wide; the first `depth` count.
    contexts: [u64; 3],
    depth: usize,
    value: u64,
    /// Index in `Enriched::tags`, for the tag features.
    pub(crate) tag: usize,
}

impl Feature {
    /// The keys of each context and of the value in it, narrow to wide.
    pub(crate) fn levels(&self) -> impl Iterator<Item = (u64, u64)> {
        self.contexts.into_iter().take(self.depth).map(|context| (context, mix(context, self.value)))
    }
}

/// Fills `into` with the features of one change; those of one tag lie together.
pub(crate) fn of_change(event: &Event<'_>, actor: &Actor<'_>, tags: &[TagDelta<'_>], into: &mut Vec<Feature>) {
    into.clear();
    let account = text(&event.account_id);
    let own = text(&actor.key);
    let peers = match (&actor.team, actor.kind) {
        (Some(team), _) => mix(1, text(team)),
        (None, kind) => mix(2, text(kind.map_or("", ActorKind::as_str))),
    };
    let mut of_actor = |kind: Kind, value: u64| {
        let seed = kind as u64;
        let contexts = [mix(mix(seed, 1), own), mix(mix(seed, 2), peers), mix(seed, 3)];
        into.push(Feature { kind, contexts, depth: 3, value, tag: 0 });
    };
    let denied = u64::from(event.error_code.is_some());
    of_actor(Kind::Action, mix(mix(text(&event.source), text(&event.action)), denied));
    of_actor(Kind::Account, account);
    of_actor(Kind::Region, text(&event.region));
    of_actor(Kind::Network, text(network(event, actor)));

    for (tag, delta) in tags.iter().enumerate().filter(|(_, delta)| delta.op != TagOp::Unchanged) {
        let key = text(&delta.key);
        let after = delta.new.as_deref().map_or(0, |new| mix(1, text(new)));
        let mut of_tag = |kind: Kind, narrow: u64, wide: u64, value: u64| {
            let seed = kind as u64;
            let contexts = [mix(mix(seed, 1), narrow), mix(mix(seed, 2), wide), 0];
            into.push(Feature { kind, contexts, depth: 2, value, tag });
        };
        of_tag(Kind::Key, account, 0, key);
        of_tag(Kind::Value, mix(account, key), key, after);
        if let Some(old) = &delta.old {
            of_tag(Kind::Transition, mix(account, key), key, mix(text(old), after));
        }
    }
}

/// The network's class where it says something; for an address of the internet its first half.
pub(crate) fn network<'a>(event: &'a Event<'_>, actor: &Actor<'_>) -> &'a str {
    match actor.network {
        Some(class) if !matches!(class, NetworkClass::Internet | NetworkClass::Service) => class.as_str(),
        _ => event.source_ip.as_deref().map_or("", first_half),
    }
}

/// `203.0` of `203.0.113.7`, `2001:db8` of an IPv6 address, and all of a service's name.
fn first_half(address: &str) -> &str {
    let separator = if address.contains(':') {
        ':'
    } else if address.bytes().all(|b| b == b'.' || b.is_ascii_digit()) {
        '.'
    } else {
        return address;
    };
    let end = address.match_indices(separator).nth(1).map_or(address.len(), |(at, _)| at);
    address.get(..end).unwrap_or(address)
}

#[cfg(test)]
mod tests {
    use super::first_half;

    #[test]
    fn addresses_are_halved_and_names_are_not() {
        for (address, half) in [
            ("203.0.113.7", "203.0"),
            ("2001:db8:1::7", "2001:db8"),
            ("cloudformation.amazonaws.com", "cloudformation.amazonaws.com"),
            ("10", "10"),
            ("", ""),
        ] {
            assert_eq!(first_half(address), half);
        }
    }
}
