//! What is looked at in a change: values, each in its contexts from narrow to wide.

use tagwarden_core::{Actor, ActorKind, Event, NetworkClass, TagDelta, TagOp};

use crate::hash::{mix, text};
use crate::surprisal::Surprisal;

/// Tags looked at in one change: AWS lets a resource have 50, and a crafted event must not cost more than its size.
const MOST_TAGS: usize = 256;

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

impl Kind {
    /// Of a tag of the resource, not of the call: a call on many resources is one call.
    pub(crate) fn is_of_tag(self) -> bool {
        matches!(self, Self::Key | Self::Value | Self::Transition)
    }
}

/// A value and where it is looked up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Feature {
    pub(crate) kind: Kind,
    /// The contexts, narrow to wide: each feature has a narrow one and the organisation's, some one in between.
    narrow: u64,
    between: Option<u64>,
    wide: u64,
    value: u64,
    /// Index in `Enriched::tags`, for the tag features.
    pub(crate) tag: usize,
    /// How unexpected it is, once judged.
    pub(crate) surprisal: Surprisal,
}

impl Feature {
    /// The keys of each context and of the value in it, narrow to wide.
    pub(crate) fn levels(&self) -> impl Iterator<Item = (u64, u64)> {
        let levels = [(1, Some(self.narrow)), (2, self.between), (3, Some(self.wide))];
        let (kind, value) = (self.kind as u64, self.value);
        levels.into_iter().filter_map(move |(level, scope)| {
            let context = mix(kind << 8 | level, scope?);
            Some((context, mix(context, value)))
        })
    }
}

/// Fills `into` with the features of one change, not yet judged; those of one tag lie together.
pub(crate) fn of_change(event: &Event<'_>, actor: &Actor<'_>, tags: &[TagDelta<'_>], into: &mut Vec<Feature>) {
    into.clear();
    let surprisal = Surprisal::default();
    let account = text(&event.account_id);
    let own = text(&actor.key);
    let peers = match (&actor.team, actor.kind) {
        (Some(team), _) => mix(1, text(team)),
        (None, kind) => mix(2, text(kind.map_or("", ActorKind::as_str))),
    };
    let denied = u64::from(event.error_code.is_some());
    let of_actor = [
        (Kind::Action, mix(mix(text(&event.source), text(&event.action)), denied)),
        (Kind::Account, account),
        (Kind::Region, text(&event.region)),
        (Kind::Network, text(network(event, actor))),
    ];
    into.extend(of_actor.map(|(kind, value)| {
        let between = Some(peers);
        Feature { kind, narrow: own, between, wide: 0, value, tag: 0, surprisal }
    }));
    let tags = tags.iter().take(MOST_TAGS).enumerate();
    for (tag, delta) in tags.filter(|(_, delta)| delta.op != TagOp::Unchanged) {
        let key = text(&delta.key);
        let after = delta.new.as_deref().map_or(0, |new| mix(1, text(new)));
        let of_key = Feature { kind: Kind::Key, narrow: account, between: None, wide: 0, value: key, tag, surprisal };
        let of_value = Feature { kind: Kind::Value, narrow: mix(account, key), wide: key, value: after, ..of_key };
        into.extend([of_key, of_value]);
        if let Some(old) = &delta.old {
            into.push(Feature { kind: Kind::Transition, value: mix(text(old), after), ..of_value });
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
    let separator = if address.bytes().all(|b| b == b'.' || b.is_ascii_digit()) {
        b'.'
    } else if address.bytes().any(|b| b == b':') {
        b':'
    } else {
        return address;
    };
    let mut separators = address.bytes().enumerate().filter(|(_, b)| *b == separator);
    separators.nth(1).and_then(|(at, _)| address.get(..at)).unwrap_or(address)
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
