//! What is remembered of each actor: since when, how busy at most, from where last, what was odd within the hour.

use std::sync::LazyLock;

use tagwarden_core::{self as core, Event, NetworkClass};

use crate::features::{self, ECHOES, Feature, Row};
use crate::hash::text;
use crate::slots::Kept;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Ten minutes each; an hour looks at the running one and the six before it.
const SPAN: i64 = 10 * MINUTE;
const SPANS: u8 = 7;
/// Actors and keys count as new for so long, and so long after the first event of all nobody does.
const NEW_FOR: i64 = 3 * DAY;
/// Days over which a person's rewrites of governed tags are added up.
const DRIFT_DAYS: usize = 4;

/// What one event adds to its actor's counts.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not hang together")]
pub(crate) struct Deed {
    pub(crate) at: i64,
    /// Something was taken away.
    pub(crate) loss: bool,
    pub(crate) refused: bool,
    /// The resource, as a number; 0 for none.
    pub(crate) resource: u64,
    /// A governed tag of the resource was changed or removed.
    pub(crate) rewrite: bool,
    pub(crate) human: bool,
    pub(crate) network: u64,
    pub(crate) class: Option<NetworkClass>,
    /// The first change of its event.
    pub(crate) first: bool,
}

impl Deed {
    /// What a call is, before it is known what it changes.
    pub(crate) fn of_call(event: &Event<'_>, actor: &core::Actor<'_>) -> Self {
        let lost =
            ["Delete", "Remove", "Detach", "Disable", "Stop", "Terminate", "Revoke", "Untag", "Deregister", "Schedule"];
        Self {
            at: event.time.0,
            loss: !event.read_only && lost.into_iter().any(|verb| event.action.starts_with(verb)),
            refused: features::refused(event.error_code.as_deref()),
            human: actor.human.is_some(),
            network: text(features::network(event, actor)),
            class: actor.network,
            ..Self::default()
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Span {
    calls: u16,
    losses: u16,
    refused: u16,
    /// Different resources, one bit each by hash: good to about a hundred.
    resources: u128,
    rewritten: u128,
}

/// One actor.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Actor {
    first: i64,
    last: i64,
    network: u64,
    network_at: i64,
    /// By ten minutes, modulo their number; `newest` counts them from 1970.
    spans: [Span; SPANS as usize],
    newest: i64,
    /// The most there ever was of each amount.
    most: [u16; AMOUNTS.len()],
    echoes: [(f32, i64); ECHOES.len()],
    drift: [u16; DRIFT_DAYS],
    drift_day: i64,
}

const AMOUNTS: [Feature; 9] = [
    Feature::Calls10,
    Feature::Calls60,
    Feature::Losses10,
    Feature::Losses60,
    Feature::Refused10,
    Feature::Refused60,
    Feature::Resources10,
    Feature::Resources60,
    Feature::Rewrites60,
];

impl Actor {
    /// Raises the features of the call that come from what is remembered, as it stands before the deed. `began` is the
    /// time of the first event of all.
    pub(crate) fn measure_call(known: Option<&Self>, deed: &Deed, began: i64, row: &mut Row) {
        let fresh = Self::default();
        let me = known.unwrap_or(&fresh);
        let first = if known.is_some() { me.first } else { deed.at };
        if deed.at - began >= NEW_FOR {
            row.raise(Feature::NewActor, newness(deed.at - first));
        }
        let silent = if known.is_some() { (deed.at - me.last) as f64 / DAY as f64 } else { 0.0 };
        if silent > 0.5 {
            row.raise(Feature::Pause, silent.ln_1p());
        }
        if deed.travels() && me.network != 0 && me.network != deed.network {
            // An event that comes late lies before, and is as far apart.
            let apart = (deed.at - me.network_at).abs().max(MINUTE / 2) as f64;
            row.raise(Feature::Travel, ((12 * HOUR) as f64 / apart).ln());
        }
        for ((feature, echo), (loudest, at)) in ECHOES.into_iter().zip(me.echoes) {
            let still = if deed.at - at < HOUR { loudest } else { 0.0 };
            row.raise(echo, f64::from(row.get(feature).max(still)));
        }
    }

    /// Raises the features that say how much there was, with the deed: they grow from change to change of one call.
    pub(crate) fn measure_amounts(known: Option<&Self>, deed: &Deed, row: &mut Row) {
        let fresh = Self::default();
        let me = known.unwrap_or(&fresh);
        for ((feature, now), most) in AMOUNTS.into_iter().zip(me.amounts(deed)).zip(me.most) {
            if now > 1 {
                let usual = if most == 0 && matches!(feature, Feature::Calls10 | Feature::Calls60) { 1.7 } else { 0.0 };
                let beyond = (f64::from(now) + 1.0) / (f64::from(most) + 1.0 + usual);
                row.raise(feature, beyond.ln().max(0.0));
            }
        }
        if deed.rewrite && deed.human {
            let drifted: u32 = me.drifted(deed.at).iter().map(|n| u32::from(*n)).sum();
            row.raise(Feature::Drift, f64::from(drifted).ln_1p());
        }
    }

    /// How much there is of what `feature` counts, the deed included, and the most there ever was; 0 for other features.
    pub(crate) fn amount(known: Option<&Self>, deed: &Deed, feature: Feature) -> (u16, u16) {
        let fresh = Self::default();
        let me = known.unwrap_or(&fresh);
        let amounts = me.amounts(deed).into_iter().zip(me.most);
        AMOUNTS.into_iter().zip(amounts).find(|(counted, _)| *counted == feature).map_or((0, 0), |(_, amount)| amount)
    }

    /// Takes the deed in; `row` is what was measured of it.
    pub(crate) fn learn(&mut self, deed: &Deed, row: &Row) {
        if self.first == 0 {
            self.first = deed.at;
        }
        let amounts = self.amounts(deed);
        self.turn(deed.at);
        if let Some(span) = self.span_mut(deed.at) {
            span.add(deed);
        }
        for (most, now) in self.most.iter_mut().zip(amounts) {
            *most = (*most).max(now);
        }
        if deed.rewrite && deed.human {
            self.drift = self.drifted(deed.at);
            self.drift_day = self.drift_day.max(deed.at.div_euclid(DAY));
            if let Some(today) = self.drift.first_mut() {
                *today = today.saturating_add(1);
            }
        }
        if !deed.first {
            return;
        }
        if deed.travels() && deed.at >= self.network_at {
            (self.network, self.network_at) = (deed.network, deed.at);
        }
        for ((feature, _), (loudest, at)) in ECHOES.into_iter().zip(&mut self.echoes) {
            let now = row.get(feature);
            if deed.at - *at >= HOUR || now >= *loudest {
                (*loudest, *at) = (now, deed.at);
            }
        }
        self.last = self.last.max(deed.at);
    }

    /// The amounts with the deed in them, in the order of [`AMOUNTS`].
    fn amounts(&self, deed: &Deed) -> [u16; AMOUNTS.len()] {
        let now = deed.at.div_euclid(SPAN).max(self.newest);
        let mut added = Span::default();
        added.add(deed);
        let (mut ten, mut sixty) = (added, added);
        for age in 0..SPANS {
            let at = now - i64::from(age);
            if let Some(span) = self.span(at) {
                sixty.join(span);
                if age < 2 {
                    ten.join(span);
                }
            }
        }
        [
            ten.calls,
            sixty.calls,
            ten.losses,
            sixty.losses,
            ten.refused,
            sixty.refused,
            distinct(ten.resources),
            distinct(sixty.resources),
            distinct(sixty.rewritten),
        ]
    }

    /// The ten minutes numbered `at`, if they are remembered.
    fn span(&self, at: i64) -> Option<&Span> {
        let known = at <= self.newest && self.newest - at < i64::from(SPANS);
        known.then(|| self.spans.get(place(at))).flatten()
    }

    fn span_mut(&mut self, time: i64) -> Option<&mut Span> {
        let at = time.div_euclid(SPAN).max(self.newest - i64::from(SPANS) + 1);
        self.spans.get_mut(place(at))
    }

    /// Forgets the ten minutes that have turned too old at `time`.
    fn turn(&mut self, time: i64) {
        let now = time.div_euclid(SPAN);
        let passed = now - self.newest;
        for step in 0..passed.clamp(0, i64::from(SPANS)) {
            if let Some(span) = self.spans.get_mut(place(now - step)) {
                *span = Span::default();
            }
        }
        self.newest = self.newest.max(now);
    }

    /// The rewrites by day as they stand at `time`, today first.
    fn drifted(&self, time: i64) -> [u16; DRIFT_DAYS] {
        let passed = usize::try_from(time.div_euclid(DAY) - self.drift_day).unwrap_or(0);
        let mut drift = [0; DRIFT_DAYS];
        for (to, from) in drift.iter_mut().skip(passed).zip(self.drift) {
            *to = from;
        }
        drift
    }
}

impl Deed {
    /// Whether the place says where a person is: not a VPN, not a machine.
    fn travels(&self) -> bool {
        self.human && matches!(self.class, Some(NetworkClass::Internet | NetworkClass::Office))
    }
}

impl Span {
    fn add(&mut self, deed: &Deed) {
        if deed.first {
            self.calls = self.calls.saturating_add(1);
            self.losses = self.losses.saturating_add(deed.loss.into());
            self.refused = self.refused.saturating_add(deed.refused.into());
        }
        let bit = if deed.resource == 0 { 0 } else { 1 << (deed.resource % 128) };
        self.resources |= bit;
        if deed.rewrite {
            self.rewritten |= bit;
        }
    }

    fn join(&mut self, other: &Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.losses = self.losses.saturating_add(other.losses);
        self.refused = self.refused.saturating_add(other.refused);
        self.resources |= other.resources;
        self.rewritten |= other.rewritten;
    }
}

fn place(span: i64) -> usize {
    usize::try_from(span.rem_euclid(i64::from(SPANS))).unwrap_or(0)
}

/// Linear counting (Whang et al. 1990): so many things leave so many of 128 bits empty.
fn distinct(bits: u128) -> u16 {
    /// By how many bits are empty.
    static THINGS: LazyLock<[u16; 129]> = LazyLock::new(|| {
        std::array::from_fn(|empty| {
            let things = 128.0 * (128.0 / empty.max(1) as f64).ln();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 621")]
            let things = things.round() as u16;
            things
        })
    });
    THINGS.get(bits.count_zeros() as usize).copied().unwrap_or(0)
}

/// How new something is that has been known for `age` milliseconds.
fn newness(age: i64) -> f64 {
    if age >= NEW_FOR { 0.0 } else { (NEW_FOR as f64 / age.max(MINUTE) as f64).ln() }
}

impl Kept for Actor {
    fn used(&self) -> i64 {
        self.last
    }

    fn encode(&self, into: &mut Vec<u8>) {
        for number in [self.first, self.last, self.network_at, self.newest, self.drift_day] {
            into.extend(number.to_be_bytes());
        }
        into.extend(self.network.to_be_bytes());
        for span in &self.spans {
            for number in [span.calls, span.losses, span.refused] {
                into.extend(number.to_be_bytes());
            }
            into.extend(span.resources.to_be_bytes());
            into.extend(span.rewritten.to_be_bytes());
        }
        for number in self.most.iter().chain(&self.drift) {
            into.extend(number.to_be_bytes());
        }
        for (loudest, at) in &self.echoes {
            into.extend(loudest.to_be_bytes());
            into.extend(at.to_be_bytes());
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = Bytes(bytes);
        let mut actor = Self::default();
        for number in
            [&mut actor.first, &mut actor.last, &mut actor.network_at, &mut actor.newest, &mut actor.drift_day]
        {
            *number = i64::from_be_bytes(rest.take()?);
        }
        actor.network = u64::from_be_bytes(rest.take()?);
        for span in &mut actor.spans {
            for number in [&mut span.calls, &mut span.losses, &mut span.refused] {
                *number = u16::from_be_bytes(rest.take()?);
            }
            span.resources = u128::from_be_bytes(rest.take()?);
            span.rewritten = u128::from_be_bytes(rest.take()?);
        }
        for number in actor.most.iter_mut().chain(&mut actor.drift) {
            *number = u16::from_be_bytes(rest.take()?);
        }
        for (loudest, at) in &mut actor.echoes {
            *loudest = f32::from_be_bytes(rest.take()?);
            *at = i64::from_be_bytes(rest.take()?);
        }
        rest.0.is_empty().then_some(actor)
    }
}

/// Bytes taken from the front.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }
}

/// A long- or short-lived access key: where and with what it was issued or first used.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct AccessKey {
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) network: u64,
    pub(crate) address: u64,
    pub(crate) tool: u64,
}

impl AccessKey {
    /// Raises the features that say how `now` differs from what is known of the key.
    pub(crate) fn measure(known: Option<&Self>, now: &Self, long_lived: bool, began: i64, row: &mut Row) {
        if long_lived && now.first - began >= NEW_FOR {
            row.raise(Feature::NewKey, newness(now.first - known.map_or(now.first, |known| known.first)));
        }
        let Some(known) = known else { return };
        if known.network != now.network {
            row.raise(Feature::KeyNetwork, 2.0);
        } else if known.address != now.address {
            row.raise(Feature::KeyNetwork, 1.0);
        }
        if known.tool != now.tool {
            row.raise(Feature::KeyTool, 1.0);
        }
    }
}

impl Kept for AccessKey {
    fn used(&self) -> i64 {
        self.last
    }

    fn encode(&self, into: &mut Vec<u8>) {
        into.extend(self.first.to_be_bytes());
        into.extend(self.last.to_be_bytes());
        for number in [self.network, self.address, self.tool] {
            into.extend(number.to_be_bytes());
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = Bytes(bytes);
        let key = Self {
            first: i64::from_be_bytes(rest.take()?),
            last: i64::from_be_bytes(rest.take()?),
            network: u64::from_be_bytes(rest.take()?),
            address: u64::from_be_bytes(rest.take()?),
            tool: u64::from_be_bytes(rest.take()?),
        };
        rest.0.is_empty().then_some(key)
    }
}

#[cfg(test)]
#[path = "actors_tests.rs"]
mod tests;
