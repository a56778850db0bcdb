//! What an actor is remembered by, and for how long.

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
    let busy =
        Deed { loss: true, refused: true, rewrite: true, class: Some(NetworkClass::Internet), ..deed(START + SPAN) };
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
    let after =
        |days| measure(&AccessKey { first: START + days * DAY, ..known.clone() }, Some(&known)).get(Feature::NewKey);
    assert!(measure(&known, None).get(Feature::NewKey) > after(1) && after(1) > 0.0 && after(3) == 0.0);
}
