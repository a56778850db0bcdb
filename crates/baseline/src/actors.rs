//! What is remembered of each actor: since when, how busy at most, from where last, what was odd within the hour.

use tagwarden_core::NetworkClass;

use crate::features::{ECHOES, Feature, Row};
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
    let empty = f64::from(bits.count_zeros().max(1));
    let things = 128.0 * (128.0 / empty).ln();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 621")]
    let things = things.round() as u16;
    things
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
mod tests {
    use super::{AccessKey, Actor, DAY, Deed, HOUR, MINUTE, SPAN, distinct};
    use crate::features::{Feature, Row};
    use crate::slots::Kept;
    use tagwarden_core::NetworkClass;

    const START: i64 = 20_000 * DAY;

    fn deed(at: i64) -> Deed {
        Deed { at, first: true, human: true, resource: crate::hash::mix(at.cast_unsigned(), 1), ..Deed::default() }
    }

    fn amounts(known: &Actor, deed: &Deed) -> Row {
        let mut row = Row::default();
        Actor::measure_amounts(Some(known), deed, &mut row);
        row
    }

    fn measured(known: &Actor, deed: &Deed) -> Row {
        let mut row = Row::default();
        Actor::measure_call(Some(known), deed, START, &mut row);
        row
    }

    /// Calls so many minutes after the start.
    fn after(minutes: impl IntoIterator<Item = i64>) -> Actor {
        let mut actor = Actor::default();
        minutes.into_iter().for_each(|minute| actor.learn(&deed(START + minute * MINUTE), &Row::default()));
        actor
    }

    #[test]
    fn amounts_are_of_the_last_ten_minutes_and_the_last_hour() {
        let actor = after([0, 1, 2, 30, 31, 55]);
        let counts = |minute| {
            let amount = |feature| Actor::amount(Some(&actor), &deed(START + minute * MINUTE), feature).0;
            [Feature::Calls10, Feature::Calls60].map(amount)
        };
        assert_eq!([55, 70, 95, 105, 300].map(counts), [[2, 7], [1, 4], [1, 4], [1, 2], [1, 1]]);
        // A call that comes late belongs to the newest hour, and one long gone is not remembered.
        assert_eq!(counts(-600), counts(59));
    }

    #[test]
    fn a_burst_is_odd_only_beyond_what_there_was() {
        let mut actor = after(0..9);
        let odd = amounts(&actor, &deed(START + 9 * MINUTE));
        assert!(odd.get(Feature::Calls10) > 0.0 && odd.get(Feature::Resources10) > 0.0);
        for minute in 100..130 {
            actor.learn(&deed(START + minute * MINUTE), &Row::default());
        }
        let later: Vec<i64> = (1000..1009).collect();
        for minute in later {
            let deed = deed(START + minute * MINUTE);
            assert!(amounts(&actor, &deed).get(Feature::Calls10) == 0.0, "there were more once");
            actor.learn(&deed, &Row::default());
        }
    }

    #[test]
    fn the_changes_of_one_call_are_one_call_on_many_resources() {
        let mut actor = Actor::default();
        for n in 0..30 {
            let change = Deed { first: n == 0, resource: crate::hash::mix(n, 1), ..deed(START) };
            actor.learn(&change, &Row::default());
        }
        let next = Deed { first: false, resource: 0, ..deed(START) };
        assert_eq!(Actor::amount(Some(&actor), &next, Feature::Calls10).0, 1);
        let resources = Actor::amount(Some(&actor), &next, Feature::Resources10).0;
        assert!((25..=35).contains(&resources), "{resources}");
    }

    #[test]
    fn different_things_are_counted_by_bits() {
        assert_eq!([0, 1, 0b11, u128::MAX].map(distinct), [0, 1, 2, 621]);
    }

    #[test]
    fn an_echo_lasts_an_hour_and_the_loudest_is_heard() {
        let mut row = Row::default();
        row.raise(Feature::Region, 5.0);
        let mut actor = Actor::default();
        actor.learn(&deed(START), &row);
        let mut quiet = Row::default();
        quiet.raise(Feature::Region, 1.0);
        actor.learn(&deed(START + 10 * MINUTE), &quiet);
        let echo = |actor: &Actor, at| measured(actor, &deed(at)).get(Feature::HourRegion).to_bits();
        assert_eq!(echo(&actor, START + HOUR - 1), 5f32.to_bits());
        assert_eq!(echo(&actor, START + HOUR), 0f32.to_bits());
        actor.learn(&deed(START + HOUR), &quiet);
        assert_eq!(echo(&actor, START + 2 * HOUR - 1), 1f32.to_bits());
    }

    #[test]
    fn travel_is_of_people_and_not_through_a_vpn() {
        let from = |network, class, at| Deed { network, class: Some(class), ..deed(at) };
        let mut actor = Actor::default();
        actor.learn(&from(1, NetworkClass::Internet, START), &Row::default());
        // What says nothing of the place does not move anybody.
        actor.learn(&from(9, NetworkClass::Vpn, START + MINUTE), &Row::default());
        let travel = |deed: &Deed| measured(&actor, deed).get(Feature::Travel);
        let office = |network, at| from(network, NetworkClass::Office, at);
        assert!(travel(&office(2, START + 2 * MINUTE)) > 5.0);
        assert!(travel(&office(2, START + HOUR)) < travel(&office(2, START + 2 * MINUTE)));
        let none = [
            office(1, START + 2 * MINUTE),
            office(2, START + 12 * HOUR),
            // Late, but as far apart.
            office(2, START - 12 * HOUR),
            from(2, NetworkClass::Vpn, START + 2 * MINUTE),
            Deed { human: false, ..office(2, START + 2 * MINUTE) },
        ];
        for deed in none {
            assert!(travel(&deed) == 0.0, "{deed:?}");
        }
    }

    #[test]
    fn rewrites_are_added_up_over_four_days() {
        let rewrite = |day: i64| Deed { rewrite: true, ..deed(START + day * DAY) };
        let mut actor = Actor::default();
        for day in [0, 0, 1, 3] {
            actor.learn(&rewrite(day), &Row::default());
        }
        let sum = |day| actor.drifted(START + day * DAY).iter().sum::<u16>();
        assert_eq!([3, 4, 5, 6, 7, 30].map(sum), [4, 2, 1, 1, 0, 0]);
        assert!(amounts(&actor, &rewrite(3)).get(Feature::Drift) > amounts(&actor, &rewrite(4)).get(Feature::Drift));
        let by_machine = Deed { human: false, ..rewrite(3) };
        assert!(amounts(&actor, &by_machine).get(Feature::Drift) == 0.0);
    }

    #[test]
    fn an_actor_and_a_key_are_stored_and_read_back() {
        let mut row = Row::default();
        row.raise(Feature::Account, 3.5);
        let mut actor = after([0, 5, 47]);
        let busy = Deed {
            loss: true,
            refused: true,
            rewrite: true,
            class: Some(NetworkClass::Internet),
            ..deed(START + SPAN)
        };
        actor.learn(&Deed { network: 7, ..busy }, &row);
        let key = AccessKey { first: 1, last: 2, network: 3, address: 4, tool: 5 };
        let (mut bytes, mut of_key) = (vec![], vec![]);
        actor.encode(&mut bytes);
        key.encode(&mut of_key);
        assert_eq!((Actor::decode(&bytes), AccessKey::decode(&of_key)), (Some(actor), Some(key)));
        assert_eq!((Actor::decode(&of_key), AccessKey::decode(&bytes)), (None, None));
        bytes.push(0);
        assert_eq!(Actor::decode(&bytes), None);
    }

    #[test]
    fn a_key_is_compared_with_where_it_was_first_used() {
        let known = AccessKey { first: START, last: START, network: 1, address: 1, tool: 1 };
        let measure = |now: &AccessKey, known| {
            let mut row = Row::default();
            AccessKey::measure(known, now, true, START - 10 * DAY, &mut row);
            row
        };
        let odd = |now: &AccessKey| {
            let row = measure(now, Some(&known));
            [Feature::KeyNetwork, Feature::KeyTool].map(|feature| row.get(feature) * 10.0).map(f32::to_bits)
        };
        let bits = |numbers: [f32; 2]| numbers.map(f32::to_bits);
        assert_eq!(odd(&known), bits([0.0, 0.0]));
        assert_eq!(odd(&AccessKey { address: 2, ..known.clone() }), bits([10.0, 0.0]));
        assert_eq!(odd(&AccessKey { network: 2, tool: 2, ..known.clone() }), bits([20.0, 10.0]));
        let after = |days| {
            measure(&AccessKey { first: START + days * DAY, ..known.clone() }, Some(&known)).get(Feature::NewKey)
        };
        assert!(measure(&known, None).get(Feature::NewKey) > after(1) && after(1) > 0.0 && after(3) == 0.0);
    }
}
