//! The laws of the tag store.

use proptest::prelude::*;
use tagwarden_core::{Actor, Change, Enriched, Event, EventKind, StateDelta, TagOp, TagOperation, Timestamp};

use crate::testing::{event, tagging};
use crate::{Directory, Enricher, Inventory, Settings};

const START: i64 = 1_772_618_400_000;

fn enricher() -> Enricher {
    let settings = Settings { required_tags: vec!["a".into(), "env".into()], ..Settings::default() };
    Enricher::new(Directory::build(&settings, None).unwrap())
}

fn at(minute: i64) -> Event<'static> {
    let time = Timestamp(START + minute * 60_000);
    Event { id: format!("e{minute}").into(), time, ..event() }
}

fn enrich(enricher: &Enricher, event: &Event<'static>, change: &Change<'static>) -> Enriched<'static> {
    let actor: Actor<'static> = enricher.actor(event);
    enricher.enrich(event, &actor, change)
}

/// Enriches and applies; deltas as `key:old>new:op`.
fn step(enricher: &mut Enricher, event: &Event<'static>, change: &Change<'static>) -> Vec<String> {
    let enriched = enrich(enricher, event, change);
    enricher.apply(event, change);
    words(&enriched)
}

fn words(enriched: &Enriched<'_>) -> Vec<String> {
    let value = |v: Option<&str>| v.unwrap_or("-").to_owned();
    let tags = enriched.tags.iter();
    tags.map(|d| format!("{}:{}>{}:{}", d.key, value(d.old.as_deref()), value(d.new.as_deref()), d.op)).collect()
}

use TagOperation::{Add, Create, Remove, Replace, State};

#[test]
fn an_old_value_is_known_or_said_to_be_unknown() {
    let mut e = enricher();
    assert_eq!(step(&mut e, &at(0), &tagging("b", Add, &["k=1"])), ["k:->1:unknown"]);
    assert_eq!(step(&mut e, &at(1), &tagging("b", Add, &["k=2", "m=1"])), ["k:1>2:modified", "m:->1:unknown"]);
    assert_eq!(step(&mut e, &at(2), &tagging("b", Add, &["k=2"])), ["k:2>2:unchanged"]);
    assert_eq!(step(&mut e, &at(3), &tagging("b", Remove, &["-k", "-x"])), ["k:2>-:removed", "x:->-:removed"]);
    assert_eq!(step(&mut e, &at(4), &tagging("b", Add, &["k=3", "n=1"])), ["k:->3:added", "n:->1:unknown"]);
    assert_eq!(
        step(&mut e, &at(5), &tagging("b", Replace, &["n=2", "p=1"])),
        ["n:1>2:modified", "p:->1:unknown", "k:3>-:removed", "m:1>-:removed"]
    );
    assert_eq!(step(&mut e, &at(6), &tagging("b", Add, &["q=1"])), ["q:->1:added"]);
    assert_eq!(step(&mut e, &at(7), &tagging("new", Create, &["k=1"])), ["k:->1:added"]);
    assert_eq!(step(&mut e, &at(8), &tagging("new", Add, &["m=1"])), ["m:->1:added"]);
}

#[test]
fn a_conditional_removal_removes_that_value_only() {
    let mut e = enricher();
    step(&mut e, &at(0), &tagging("b", Create, &["k=1", "m=1"]));
    assert_eq!(step(&mut e, &at(1), &tagging("b", Remove, &["-k=2", "-m=1"])), ["k:1>1:unchanged", "m:1>-:removed"]);
    assert_eq!(step(&mut e, &at(2), &tagging("b", Add, &["k=3", "m=3"])), ["k:1>3:modified", "m:->3:added"]);
}

#[test]
fn hidden_parts_make_doubt() {
    let mut e = enricher();
    step(&mut e, &at(0), &tagging("b", Create, &["k=1", "m=1"]));
    let mut hidden = tagging("b", Remove, &[]);
    hidden.tags.partial = true;
    assert_eq!(step(&mut e, &at(1), &hidden), Vec::<String>::new());
    assert_eq!(step(&mut e, &at(2), &tagging("b", Add, &["n=1"])), ["n:->1:unknown"]);
    let secret = tagging("b", Add, &["m=HIDDEN_DUE_TO_SECURITY_REASONS"]);
    assert_eq!(step(&mut e, &at(3), &secret), ["m:1>-:unknown"]);
    assert_eq!(step(&mut e, &at(4), &tagging("b", Add, &["m=2"])), ["m:->2:unknown"]);
}

#[test]
fn a_late_event_slots_in_behind() {
    let mut e = enricher();
    step(&mut e, &at(0), &tagging("b", Create, &["k=1"]));
    step(&mut e, &at(20), &tagging("b", Add, &["k=3"]));
    assert_eq!(step(&mut e, &at(10), &tagging("b", Add, &["k=2"])), ["k:1>2:modified"]);
    assert_eq!(step(&mut e, &at(30), &tagging("b", Add, &["k=4"])), ["k:3>4:modified"]);
    assert_eq!(step(&mut e, &at(15), &tagging("b", Add, &["k=5"])), ["k:2>5:modified"]);
}

#[test]
fn what_is_folded_is_not_guessed_at() {
    let mut e = enricher();
    for day in 0..5 {
        let change = tagging("b", Add, &[["k=0", "k=1", "k=2", "k=3", "k=4"][usize::try_from(day).unwrap()]]);
        step(&mut e, &at(day * 1440), &change);
    }
    // Versions of the last 24 hours are told apart, older ones are not, and the newest value stands.
    assert_eq!(step(&mut e, &at(4 * 1440 - 1), &tagging("b", Add, &["k=x"])), ["k:3>x:modified"]);
    assert_eq!(step(&mut e, &at(1440 + 1), &tagging("b", Add, &["k=y"])), ["k:->y:unknown"]);
    assert_eq!(step(&mut e, &at(4 * 1440 + 1), &tagging("b", Add, &["k=5"])), ["k:4>5:modified"]);
}

#[test]
fn within_one_second_arrival_decides() {
    let mut e = enricher();
    step(&mut e, &at(0), &tagging("b", Create, &["k=1"]));
    assert_eq!(step(&mut e, &at(0), &tagging("b", Add, &["k=2"])), ["k:1>2:modified"]);
    assert_eq!(step(&mut e, &at(0), &tagging("b", Add, &["k=3"])), ["k:2>3:modified"]);
    assert_eq!(step(&mut e, &at(1), &tagging("b", Add, &["k=4"])), ["k:3>4:modified"]);
}

#[test]
fn an_absence_is_not_claimed_for_times_that_were_folded() {
    let mut e = enricher();
    for (day, change) in [
        (0, tagging("b", Create, &["k=1"])),
        (1, tagging("b", Add, &["m=1"])),
        (3, tagging("b", Add, &["m=2"])),
        (5, tagging("b", Add, &["m=3"])),
    ] {
        step(&mut e, &at(day * 1440), &change);
    }
    assert_eq!(step(&mut e, &at(2 * 1440), &tagging("b", Add, &["m=9"])), ["m:->9:unknown"]);
    assert_eq!(step(&mut e, &at(6 * 1440), &tagging("b", Add, &["n=1"])), ["n:->1:added"]);
}

#[test]
fn a_resource_made_anew_has_nothing_of_its_namesake() {
    let mut e = enricher();
    step(&mut e, &at(0), &tagging("b", Create, &["env=prod", "owner=ann"]));
    let again = enrich(&e, &at(1), &tagging("b", Create, &["x=1"]));
    assert_eq!((again.environment, again.owner), (None, None));
    assert_eq!(again.missing_tags, ["a", "env"]);
}

#[test]
fn required_keys_are_missing_only_where_all_are_known() {
    let mut e = enricher();
    let missing = |e: &Enricher, change: &Change<'static>| {
        let enriched = enrich(e, &at(9), change);
        (enriched.tags_known, enriched.missing_tags.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(missing(&e, &tagging("b", Add, &["x=1"])), (false, vec![]));
    assert_eq!(missing(&e, &tagging("b", Create, &["x=1"])), (true, vec!["a".into(), "env".into()]));
    step(&mut e, &at(0), &tagging("b", Create, &["a=1", "env=dev"]));
    assert_eq!(missing(&e, &tagging("b", Remove, &["-a"])), (true, vec!["a".into()]));
    assert_eq!(missing(&e, &tagging("b", Remove, &["-x"])), (true, vec![]));
    assert_eq!(missing(&e, &tagging("b", Replace, &["a=2"])), (true, vec!["env".into()]));
}

#[test]
fn environment_before_and_after() {
    let inventory = br#"{"accounts": [{"id": "111122223333", "name": "shop", "environment": "prd", "team": "web"}],
        "tags": {"arn:aws:s3:::seeded": {"Env": "Staging", "owner": "ann", "Name": "the seed"}}}"#;
    let inventory = Inventory::from_json(inventory).unwrap();
    let mut e = Enricher::new(Directory::build(&Settings::default(), Some(&inventory)).unwrap());
    e.seed(&inventory);
    let told = |e: &Enricher, change: &Change<'static>| {
        let enriched = enrich(e, &at(9), change);
        [enriched.environment_before, enriched.environment, enriched.owner]
            .map(|text| text.unwrap_or_default().into_owned())
    };
    assert_eq!(told(&e, &tagging("b", Add, &["env=dev"])), ["prod", "dev", "web"]);
    assert_eq!(told(&e, &tagging("b", Create, &["env=dev"])), ["", "dev", "web"]);
    assert_eq!(told(&e, &tagging("seeded", Add, &["Env=LIVE"])), ["stage", "prod", "ann"]);
    assert_eq!(told(&e, &tagging("seeded", Remove, &["-Env", "-owner"])), ["stage", "prod", "ann"]);
    let mut stop = tagging("seeded", Add, &[]);
    stop.tags.operation = None;
    assert_eq!(told(&e, &stop), ["stage", "stage", "ann"]);
    assert_eq!(enrich(&e, &at(9), &stop).resource_name.as_deref(), Some("the seed"));
    assert_eq!(enrich(&e, &at(9), &stop).account_name.as_deref(), Some("shop"));
    // What the store knows is not overwritten by a second seed.
    step(&mut e, &at(0), &tagging("seeded", Add, &["Env=dev"]));
    e.seed(&inventory);
    assert_eq!(told(&e, &stop), ["dev", "dev", "ann"]);
}

fn witness(minute: i64, words: &[&str], changed: &'static str) -> (Event<'static>, Change<'static>) {
    let mut change = tagging("b", State, words);
    change.details.push(("changed_tag_keys", changed.into()));
    (Event { kind: EventKind::TagState, ..at(minute) }, change)
}

#[test]
fn a_witness_confirms_the_change_that_it_agrees_with() {
    let mut e = enricher();
    step(&mut e, &at(0), &tagging("b", Create, &["k=1", "m=1"]));
    step(&mut e, &at(60), &tagging("b", Add, &["k=2"]));
    step(&mut e, &at(61), &tagging("b", Remove, &["-m"]));
    let told = |minute: i64, words_: &[&str], changed: &'static str| {
        let (event, change) = witness(minute, words_, changed);
        let enriched = enrich(&e, &event, &change);
        (enriched.confirms.clone().map(std::borrow::Cow::into_owned), words(&enriched))
    };
    assert_eq!(told(62, &["k=2"], "k").0.as_deref(), Some("e60.0"));
    assert_eq!(told(62, &["k=2", "-m"], "k,m").0.as_deref(), Some("e61.0"));
    assert_eq!(told(62, &["k=2", "-m"], "k,m").1, ["k:2>2:unchanged", "m:->-:unchanged"]);
    assert_eq!(told(62, &["k=9"], "k"), (None, vec!["k:2>9:modified".into()]));
    assert_eq!(told(62, &["k=2", "n=1"], "n"), (None, vec!["k:2>2:unchanged".into(), "n:->1:added".into()]));
    assert_eq!(told(62, &["k=2", "n=1"], "k,n").0, None, "half of it is news");
    assert_eq!(told(75, &["k=2"], "k").0.as_deref(), Some("e60.0"));
    assert_eq!(told(76, &["k=2"], "k").0, None, "too late");
}

#[test]
fn a_deleted_resource_is_forgotten_after_two_days() {
    let mut e = enricher();
    let delete = |minute: i64, action: &'static str| Event { action: action.into(), ..at(minute) };
    let mut gone = tagging("b", Add, &[]);
    gone.tags.operation = None;
    step(&mut e, &at(0), &tagging("b", Create, &["k=1"]));
    step(&mut e, &delete(1, "DeleteBucketPolicy"), &gone);
    step(&mut e, &at(4000), &tagging("other", Create, &["k=1"]));
    assert_eq!(step(&mut e, &at(4001), &tagging("b", Add, &["k=2"])), ["k:1>2:modified"]);
    step(&mut e, &delete(4002, "DeleteBucket"), &gone);
    step(&mut e, &at(4002 + 2880), &tagging("other", Add, &["k=2"]));
    assert_eq!(words(&enrich(&e, &at(4002), &tagging("b", Add, &["k=3"]))), ["k:2>3:modified"], "for late events");
    step(&mut e, &at(4003 + 2880), &tagging("other", Add, &["k=3"]));
    assert_eq!(words(&enrich(&e, &at(4002), &tagging("b", Add, &["k=3"]))), ["k:->3:unknown"]);
    assert_eq!(e.tags.len(), 2);
    step(&mut e, &at(20_000), &tagging("other", Add, &["k=4"]));
    assert_eq!(e.tags.len(), 1);
    let mut delta = StateDelta::default();
    e.delta(&mut delta);
    let keys: Vec<_> = delta.entries.iter().map(|entry| (entry.key.as_slice(), entry.value.is_some())).collect();
    assert_eq!(keys, [(&b"s3|b"[..], false), (&b"s3|other"[..], true)]);
}

#[test]
fn a_deletion_ends_only_what_came_before_it() {
    let mut e = enricher();
    let delete = |minute: i64| Event { action: "DeleteBucket".into(), ..at(minute) };
    let mut gone = tagging("again", Add, &[]);
    gone.tags.operation = None;
    step(&mut e, &at(0), &tagging("again", Create, &["k=1"]));
    step(&mut e, &delete(10), &gone);
    step(&mut e, &at(20), &tagging("again", Create, &["k=2"]));
    // Told late.
    step(&mut e, &delete(15), &gone);
    step(&mut e, &at(20_000), &tagging("other", Create, &["k=1"]));
    assert_eq!(words(&enrich(&e, &at(20_001), &tagging("again", Add, &["k=3"]))), ["k:2>3:modified"]);
}

#[derive(Debug, Clone)]
struct Op {
    kind: u8,
    key: u8,
    value: u8,
    partial: bool,
    /// Deletes the resource instead.
    deletes: bool,
}

fn op() -> impl Strategy<Value = Op> {
    (0u8..10, 0u8..4, 0u8..3, prop::bool::weighted(0.05), prop::bool::weighted(0.1))
        .prop_map(|(kind, key, value, partial, deletes)| Op { kind, key, value, partial, deletes })
}

/// The change that `op` stands for, on one of two resources.
fn change_of(op: &Op) -> Change<'static> {
    let name = if op.key.is_multiple_of(2) { "even" } else { "odd" };
    let (set, other) = (format!("k{}={}", op.key, op.value), format!("x={}", op.value));
    let gone = format!("-k{}", op.key);
    let gone_if = format!("-k{}={}", op.key, op.value);
    let mut change = match op.kind {
        0 => tagging(name, Create, &[&set]),
        1 => tagging(name, Replace, &[&set, &other]),
        2 => tagging(name, Remove, &[&gone]),
        3 | 4 => tagging(name, Remove, &[&gone_if]),
        5 => tagging(name, Add, &[&set, &other]),
        _ => tagging(name, Add, &[&set]),
    };
    change.tags.partial = op.partial;
    change
}

/// What the store says of every key of both resources, now.
fn all_known(e: &Enricher, time: i64) -> String {
    let mut out = Vec::new();
    for name in ["s3|even", "s3|odd"] {
        let Some(history) = e.tags.history(name) else { continue };
        out.extend(
            ["k0", "k1", "k2", "k3", "x"].map(|key| format!("{name} {key} {:?}", history.at(time, |k| k == key))),
        );
        out.push(format!("{name} {} {:?}", history.full(time), history.values(time)));
    }
    out.join("\n")
}

/// A model of one resource: what is known by key, and whether absence is known.
#[derive(Default, Clone)]
struct Model {
    known: std::collections::BTreeMap<String, Option<String>>,
    full: bool,
}

impl Model {
    fn apply(&mut self, change: &Change<'_>) {
        let edit = &change.tags;
        if matches!(edit.operation, Some(Create | Replace)) {
            self.known.clear();
            self.full = true;
        }
        if edit.partial {
            self.full = false;
            self.known.retain(|_, value| value.is_some());
        }
        for (key, value) in &edit.set {
            self.known.insert(key.to_string(), Some(value.to_string()));
        }
        for (key, only) in &edit.remove {
            let known = self.known.get(&**key).cloned();
            match only {
                Some(only) if known != Some(Some(only.to_string())) => {}
                _ => _ = self.known.insert(key.to_string(), None),
            }
        }
    }

    /// Old value, and whether the key is known to be absent.
    fn old(&self, key: &str) -> (Option<String>, bool) {
        match self.known.get(key) {
            Some(Some(value)) => (Some(value.clone()), false),
            Some(None) => (None, true),
            None => (None, self.full),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// In event-time order, the store says what a plain model says: the old of an event is the new of the one before.
    #[test]
    fn agrees_with_a_plain_model(ops in prop::collection::vec(op(), 1..40), gap in 1i64..200) {
        let mut e = enricher();
        let mut models = std::collections::BTreeMap::<String, Model>::new();
        for (i, op) in ops.iter().enumerate() {
            let (event, change) = (at(i64::try_from(i).unwrap() * gap), change_of(op));
            let enriched = enrich(&e, &event, &change);
            let model = models.entry(change.resource_id.to_string()).or_default();
            if change.tags.operation != Some(Create) {
                for delta in &enriched.tags {
                    let (old, absent) = model.old(&delta.key);
                    prop_assert_eq!(delta.old.as_deref(), old.as_deref(), "event {} {:?}", i, delta);
                    let set = delta.new.is_some();
                    let wanted = match (&old, absent) {
                        (Some(old), _) if delta.new.as_deref() == Some(old) => TagOp::Unchanged,
                        (Some(_), _) if set => TagOp::Modified,
                        (None, true) if set => TagOp::Added,
                        (None, false) if set => TagOp::Unknown,
                        (None, true) => TagOp::Unchanged,
                        _ => TagOp::Removed,
                    };
                    prop_assert_eq!(delta.op, wanted, "event {} {:?}", i, delta);
                }
            }
            model.apply(&change);
            e.apply(&event, &change);
        }
    }

    /// Whatever the order of delivery within 24 hours, the current values are the same.
    #[test]
    fn order_of_delivery_does_not_matter(
        (ops, order) in prop::collection::vec(op(), 1..25)
            .prop_flat_map(|ops| { let places: Vec<usize> = (0..ops.len()).collect(); (Just(ops), Just(places).prop_shuffle()) }),
        gap in 1i64..57,
    ) {
        let minute = |place: usize| i64::try_from(place).unwrap() * gap;
        let (mut ordered, mut shuffled) = (enricher(), enricher());
        for (place, op) in ops.iter().enumerate() {
            ordered.apply(&at(minute(place)), &change_of(op));
        }
        for place in order {
            shuffled.apply(&at(minute(place)), &change_of(&ops[place]));
        }
        let now = START + minute(ops.len()) * 60_000;
        prop_assert_eq!(all_known(&ordered, now), all_known(&shuffled, now));
    }

    /// A restart at any place, with events and deletions days late, gives the same answers and the same state.
    #[test]
    fn a_restart_changes_no_answer(
        ops in prop::collection::vec((op(), 0i64..9000), 1..40),
        cut in 0usize..40,
    ) {
        let (mut steady, mut restarted) = (enricher(), enricher());
        let mut states = [StateDelta::default(), StateDelta::default()];
        for (i, (op, minute)) in ops.iter().enumerate() {
            if i == cut {
                let mut delta = StateDelta::default();
                restarted.delta(&mut delta);
                restarted = enricher();
                for entry in &delta.entries {
                    restarted.restore(entry).unwrap();
                }
            }
            let (mut event, mut change) = (at(*minute), change_of(op));
            if op.deletes {
                event.action = "DeleteBucket".into();
                change.tags = tagwarden_core::TagEdit::default();
            }
            let answers = [&steady, &restarted].map(|e| format!("{:?}", enrich(e, &event, &change)));
            prop_assert_eq!(&answers[0], &answers[1]);
            steady.apply(&event, &change);
            restarted.apply(&event, &change);
        }
        steady.delta(&mut states[0]);
        let last: std::collections::BTreeMap<_, _> = states[0].entries.iter().map(|e| (e.key.clone(), e.value.clone())).collect();
        restarted.delta(&mut states[1]);
        // What is over may have been swept in one and not yet in the other.
        for entry in states[1].entries.iter().filter(|entry| entry.value.is_some()) {
            prop_assert!(last.get(&entry.key).is_some_and(|value| value.is_none() || *value == entry.value));
        }
    }

    /// Refused calls and witnesses leave no trace.
    #[test]
    fn refused_calls_and_witnesses_write_nothing(ops in prop::collection::vec((op(), 0u8..3), 1..30)) {
        let (mut all, mut real) = (enricher(), enricher());
        for (i, (op, what)) in ops.iter().enumerate() {
            let (mut event, mut change) = (at(i64::try_from(i).unwrap()), change_of(op));
            match what {
                0 => event.error_code = Some("AccessDenied".into()),
                1 => {
                    event.kind = EventKind::TagState;
                    change.tags.operation = Some(State);
                    all.tags.apply(&event, &change);
                }
                _ => real.apply(&event, &change),
            }
            all.apply(&event, &change);
        }
        prop_assert_eq!(all_known(&all, i64::MAX), all_known(&real, i64::MAX));
        let mut deltas = [StateDelta::default(), StateDelta::default()];
        all.delta(&mut deltas[0]);
        real.delta(&mut deltas[1]);
        prop_assert_eq!(&deltas[0], &deltas[1]);
    }
}
