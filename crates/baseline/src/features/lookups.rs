//! What is looked up in the counters for one change: values, each in its contexts from narrow to wide.

use tagwarden_core::{Actor, ActorKind, Change, Enriched, Event, NetworkClass, TagDelta, TagOp};

use super::{Feature, Program, network, refused, same_in_plain};
use crate::hash::{mix, text};
use crate::surprisal::Surprisal;

/// Tags looked at in one change: AWS lets a resource have 50, and a crafted event must not cost more than its size.
const MOST_TAGS: usize = 64;
/// Details looked at in one change, and the longest of their values in bytes: what is longer lists things.
const MOST_DETAILS: usize = 12;
const LONGEST_DETAIL: usize = 64;
/// Contexts of one value at most.
const LEVELS: usize = 4;

/// A value and where it is looked up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lookup {
    pub(crate) feature: Feature,
    /// From narrow to wide; as many as there are.
    scopes: [u64; LEVELS],
    levels: u8,
    value: u64,
    /// The keys of the narrowest context and of the value in it.
    pub(crate) narrow: (u64, u64),
    /// Index in `Enriched::tags`, `Change::details` or `Enriched::other_accounts`, for the features of those.
    pub(crate) index: usize,
    /// How unexpected it is, once judged.
    pub(crate) surprisal: Surprisal,
}

impl Lookup {
    fn new<const N: usize>(feature: Feature, contexts: [u64; N], value: u64) -> Self {
        const { assert!(N >= 1 && N <= LEVELS) };
        let mut scopes = [0; LEVELS];
        for (to, from) in scopes.iter_mut().zip(contexts) {
            *to = from;
        }
        let levels = u8::try_from(N).unwrap_or(1);
        let narrow = keys(feature, 0, scopes[0], value);
        Self { feature, scopes, levels, value, narrow, index: 0, surprisal: Surprisal::default() }
    }

    fn at(self, index: usize) -> Self {
        Self { index, ..self }
    }

    /// The keys of each context and of the value in it, narrow to wide.
    pub(crate) fn levels(&self) -> impl Iterator<Item = (u64, u64)> {
        let wider = self.scopes.into_iter().enumerate().take(self.levels.into()).skip(1);
        let (feature, value) = (self.feature, self.value);
        std::iter::once(self.narrow).chain(wider.map(move |(level, scope)| keys(feature, level, scope, value)))
    }
}

/// The keys of a context and of a value in it.
fn keys(feature: Feature, level: usize, scope: u64, value: u64) -> (u64, u64) {
    let context = mix(KEYS[feature as usize][level], scope);
    (context, mix(context, value))
}

/// By feature and level.
static KEYS: [[u64; LEVELS]; Feature::ALL.len()] = {
    let mut keys = [[0; LEVELS]; Feature::ALL.len()];
    let (mut feature, mut level) = (0, 0);
    while feature < Feature::ALL.len() {
        keys[feature][level] = mix(key_of(Feature::ALL[feature].name()), level as u64 + 1);
        level += 1;
        if level == LEVELS {
            (feature, level) = (feature + 1, 0);
        }
    }
    keys
};

/// The number by which a feature's counters are stored: of its name, so that the order of features may change.
const fn key_of(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let (mut hash, mut at) = (0xcbf2_9ce4_8422_2325_u64, 0);
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

/// Who acts, as numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Whom {
    /// The actor.
    pub(crate) actor: u64,
    /// The role whose rights are used, without account, path and generated ending; else the type of identity.
    pub(crate) role: u64,
    /// The team; without one, the kind.
    pub(crate) team: u64,
    /// Human, workload, service.
    pub(crate) kind: u64,
}

impl Whom {
    pub(crate) fn of(actor: &Actor<'_>) -> Self {
        let kind = text(actor.kind.map_or("", ActorKind::as_str));
        let team = actor.team.as_deref().map_or(mix(2, kind), |team| mix(1, text(team)));
        Self { actor: text(&actor.key), role: text(role(actor)), team, kind }
    }
}

/// `DeveloperAccess` of `arn:aws:iam::1:role/aws-reserved/AWSReservedSSO_DeveloperAccess_bb17bcc67aa6f2b9`.
pub(crate) fn role<'a>(actor: &'a Actor<'_>) -> &'a str {
    let assumed = actor.identity_type.as_deref() == Some("AssumedRole");
    let Some(principal) = actor.principal.as_deref().filter(|_| assumed) else {
        return actor.identity_type.as_deref().unwrap_or("");
    };
    let name = principal.rsplit(['/', ':']).next().unwrap_or(principal);
    let generated = |end: &str| end.len() == 16 && end.bytes().all(|b| b.is_ascii_hexdigit());
    let name = name.rsplit_once('_').filter(|(_, end)| generated(end)).map_or(name, |(name, _)| name);
    name.strip_prefix("AWSReservedSSO_").unwrap_or(name)
}

/// The lookups of one event: those of the call itself, then those of the change at hand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lookups {
    pub(crate) of_call: Vec<Lookup>,
    pub(crate) of_change: Vec<Lookup>,
}

/// Where a change takes place, as numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    account: u64,
    environment: u64,
}

impl Place {
    pub(crate) fn of(event: &Event<'_>, enriched: &Enriched<'_>) -> Self {
        Self { account: text(&event.account_id), environment: text(enriched.environment.as_deref().unwrap_or("")) }
    }
}

impl Lookups {
    /// What the call says, whatever it changes.
    pub(crate) fn call(&mut self, event: &Event<'_>, actor: &Actor<'_>, whom: Whom, place: Place, program: Program) {
        let Whom { actor: own, role, team, kind } = whom;
        let refused = u64::from(refused(event.error_code.as_deref()));
        let action = mix(mix(text(&event.source), text(&event.action)), refused);
        let (account, region) = (place.account, text(&event.region));
        let human = actor.human.is_some();
        let identity = text(actor.identity_type.as_deref().unwrap_or(""));
        let chain = mix(mix(identity, if human { role } else { 0 }), text(actor.via.as_str()));
        let mfa = event.identity.mfa.map_or(2, u64::from);
        let named = u64::from(event.identity.source_identity.is_some());
        let hours = u64::from(actor.local_hour / 4) * 2 + u64::from(actor.local_weekday >= 5);
        self.of_call.clear();
        // What AWS does on somebody's behalf says nothing about where and with what they work.
        if event.identity.invoked_by.is_none() && actor.network != Some(NetworkClass::Service) {
            self.of_call.extend([
                Lookup::new(Feature::Network, [own, team, kind], text(network(event, actor))),
                Lookup::new(Feature::Agent, [own, team, kind], program.class),
                Lookup::new(Feature::Tool, [own, kind], program.tool),
                Lookup::new(Feature::Chain, [own, role, kind], chain),
            ]);
        }
        self.of_call.extend([
            Lookup::new(Feature::Action, [own, mix(role, team), role, kind], action),
            Lookup::new(Feature::RoleAction, [role, kind], action),
            Lookup::new(Feature::AccountAction, [account, place.environment, 0], action),
            Lookup::new(Feature::Account, [own, mix(role, team), role, kind], mix(account, role)),
            Lookup::new(Feature::Region, [own, account, kind], region),
            Lookup::new(Feature::NewRegion, [0], region),
            Lookup::new(Feature::Mfa, [own, role, kind], mfa),
            Lookup::new(Feature::SourceIdentity, [mix(own, role), role, kind], named),
            Lookup::new(Feature::Hours, [own, team, kind], hours),
        ]);
    }

    /// What the change at hand says.
    pub(crate) fn change(
        &mut self,
        event: &Event<'_>,
        actor: &Actor<'_>,
        change: &Change<'_>,
        enriched: &Enriched<'_>,
        whom: Whom,
        place: Place,
    ) {
        let Whom { actor: own, role, kind, .. } = whom;
        let what = text(change.kind);
        let refused = u64::from(refused(event.error_code.as_deref()));
        let into = &mut self.of_change;
        into.clear();
        let kind_here = mix(mix(what, place.environment), refused);
        into.extend([
            Lookup::new(Feature::ChangeType, [own, role, kind], mix(text(&change.resource_type), what)),
            Lookup::new(Feature::ChangeEnvironment, [own, role, kind], kind_here),
            Lookup::new(Feature::Environment, [own, role, kind], mix(place.environment, event.read_only.into())),
        ]);
        if !change.details.is_empty() {
            let width = change.detail("cidr").map_or(0, width);
            into.push(Lookup::new(Feature::Cidr, [place.account, 0], mix(what, width)));
        }
        if !event.read_only {
            into.push(Lookup::new(Feature::Owner, [own, role, kind], whose(actor, enriched)));
            if !change.resource_id.is_empty() {
                let resource = mix(place.account, text(change.resource_arn.as_deref().unwrap_or(&change.resource_id)));
                into.push(Lookup::new(Feature::Toucher, [resource], mix(kind, text(actor.via.as_str()))));
            }
        }
        let changed = enriched.tags.iter().take(MOST_TAGS).enumerate().filter(|(_, tag)| tag.op != TagOp::Unchanged);
        for (index, delta) in changed {
            tag(into, index, delta, whom, place.account);
        }
        let told = change.details.iter().take(MOST_DETAILS).enumerate();
        for (index, (name, value)) in told.filter(|(_, (_, value))| value.len() <= LONGEST_DETAIL) {
            let which = mix(what, text(name));
            into.push(Lookup::new(Feature::Detail, [mix(place.account, which), which], text(value)).at(index));
        }
        for (index, other) in enriched.other_accounts.iter().enumerate() {
            into.push(Lookup::new(Feature::OtherAccount, [place.account, 0], text(&other.id)).at(index));
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Lookup> {
        self.of_call.iter().chain(&self.of_change)
    }
}

/// Whether the resource is the actor's team's own, another's, or nobody's that is known.
fn whose(actor: &Actor<'_>, enriched: &Enriched<'_>) -> u64 {
    match (&enriched.owner, &actor.team) {
        (None, _) => 0,
        (Some(owner), Some(team)) if owner.eq_ignore_ascii_case(team) => 1,
        (Some(_), _) => 2,
    }
}

fn tag(into: &mut Vec<Lookup>, index: usize, delta: &TagDelta<'_>, whom: Whom, account: u64) {
    let Whom { actor: own, role, team, kind } = whom;
    let key = text(&delta.key);
    let after = delta.new.as_deref().map_or(0, |new| mix(1, text(new)));
    let removed = u64::from(delta.op == TagOp::Removed);
    into.extend([
        Lookup::new(Feature::TagKey, [own, role, account, 0], mix(key, removed)).at(index),
        Lookup::new(Feature::TagValue, [mix(account, key), key], after).at(index),
        Lookup::new(Feature::PeerValue, [mix(team, key), mix(kind, key)], after).at(index),
    ]);
    if let Some(old) = &delta.old {
        let both = mix(text(old), after);
        into.extend([
            Lookup::new(Feature::Transition, [mix(account, key), key], both).at(index),
            Lookup::new(Feature::ActorTransition, [mix(own, key), mix(role, key), mix(kind, key)], both).at(index),
        ]);
    }
    if let Some(new) = &delta.new {
        let plain = text(&same_in_plain(new));
        into.push(Lookup::new(Feature::NearMiss, [mix(key, plain)], after).at(index));
    }
}

/// How wide an address range is: the world, a private network, one address, any other.
fn width(cidr: &str) -> u64 {
    let any = |wanted: fn(&str) -> bool| cidr.split(',').any(wanted);
    if any(|one| matches!(one, "0.0.0.0/0" | "::/0")) {
        4
    } else if any(|one| one.starts_with("10.") || one.starts_with("192.168.") || one.starts_with("172.")) {
        1
    } else if any(|one| one.ends_with("/32") || one.ends_with("/128")) {
        2
    } else {
        3
    }
}

#[cfg(test)]
mod tests {
    use super::{Lookup, key_of, width};
    use crate::features::Feature;
    use crate::hash::mix;
    use std::collections::BTreeSet;

    #[test]
    fn features_are_stored_apart() {
        let keys: BTreeSet<u64> = Feature::ALL.iter().map(|feature| key_of(feature.name())).collect();
        assert_eq!(keys.len(), Feature::ALL.len());
        assert_eq!(key_of("action"), 0x6568_640b_035a_56df, "stored counters hang on it");
        let lookup = Lookup::new(Feature::Action, [7, 8], 9);
        let level = |level, scope| mix(mix(0x6568_640b_035a_56df, level), scope);
        let wanted = [level(1, 7), level(2, 8)].map(|context| (context, mix(context, 9)));
        assert_eq!(lookup.levels().collect::<Vec<_>>(), wanted, "and on these");
    }

    #[test]
    fn ranges_are_told_by_width() {
        for (cidr, class) in
            [("0.0.0.0/0", 4), ("10.0.0.0/8,::/0", 4), ("10.1.0.0/16", 1), ("203.0.113.7/32", 2), ("203.0.113.0/24", 3)]
        {
            assert_eq!(width(cidr), class, "{cidr}");
        }
    }
}
