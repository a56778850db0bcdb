//! The laws of state stores.

use std::collections::{BTreeMap, BTreeSet};

use tagwarden_core::{Entry, Intent, Loaded, Move, Position, Sealed, StateDelta, StateError, StateStore, Versions};

/// Checks a state store: fence, binding, intent, the one commit, seen ids.
///
/// `fresh` makes an empty store and gives a way to open it as often as wanted.
///
/// # Panics
/// Where a law is broken.
pub async fn state_contract<T: StateStore, O: FnMut() -> T>(mut fresh: impl FnMut() -> O) {
    starts_empty(fresh()).await;
    a_new_worker_shuts_the_old_one_out(fresh()).await;
    is_bound_once(fresh()).await;
    an_intent_lives_until_it_is_advanced(fresh()).await;
    an_advance_is_one_commit(fresh()).await;
    an_advance_counts_once(fresh()).await;
    an_advance_may_leave_positions_alone(fresh()).await;
    ids_are_remembered_exactly(fresh()).await;
}

type Entries = BTreeMap<(String, Vec<u8>), Vec<u8>>;

async fn load<T: StateStore>(store: &mut T) -> (Loaded, Entries) {
    let mut entries = Entries::new();
    let mut each = |Entry { space, key, value }: Entry| {
        let value = value.expect("a loaded entry has a value");
        assert!(entries.insert((space.into_owned(), key), value).is_none(), "an entry was loaded twice");
    };
    let loaded = store.load(&mut each).await.expect("load");
    (loaded, entries)
}

fn step(partition: &str, from: u64, to: u64) -> Move {
    let from = if from == 0 { Position::start() } else { Position::offset(from) };
    Move { partition: partition.into(), from, to: Position::offset(to), records: to }
}

fn intent(epoch: u64, moves: Vec<Move>) -> Intent {
    Intent {
        epoch,
        lane: "0".to_owned(),
        moves,
        versions: Versions { config: "c".to_owned(), ..Versions::default() },
        archive_read_only: false,
        objects: vec![format!("changes/dt=2026-11-21/{epoch}.parquet")],
        quarantine: None,
    }
}

fn sealed(intent: &Intent) -> Sealed {
    Sealed { intent: intent.clone(), files: Vec::new(), quarantined: 0 }
}

fn set(pairs: &[(&'static str, &str, &str)]) -> StateDelta {
    let mut delta = StateDelta::default();
    for (space, key, value) in pairs {
        delta.set(space, *key, value.as_bytes().to_vec());
    }
    delta
}

fn entries(pairs: &[(&str, &str, &str)]) -> Entries {
    let pair = |(space, key, value): &(&str, &str, &str)| {
        ((*space).to_owned(), key.as_bytes().to_vec(), value.as_bytes().to_vec())
    };
    pairs.iter().map(pair).map(|(space, key, value)| ((space, key), value)).collect()
}

async fn starts_empty<T: StateStore>(mut open: impl FnMut() -> T) {
    let (loaded, entries) = load(&mut open()).await;
    assert_eq!((loaded.fence, loaded.epoch, loaded.intent, loaded.archive_id), (1, 0, None, None));
    assert_eq!(loaded.positions.iter().count(), 0);
    assert!(entries.is_empty());
}

async fn a_new_worker_shuts_the_old_one_out<T: StateStore>(mut open: impl FnMut() -> T) {
    let mut old = open();
    let (before, _) = load(&mut old).await;
    let first = intent(1, vec![step("p", 0, 5)]);
    old.intend(before.fence, &first).await.expect("intend");
    let mut new = open();
    let (after, _) = load(&mut new).await;
    assert_eq!(after.fence, before.fence + 1);
    assert_eq!(after.intent.as_ref(), Some(&first), "the predecessor's intent is found");
    let (found, wanted) = (after.fence, before.fence);
    let stale = old.advance(before.fence, &sealed(&first), &set(&[("s", "k", "old")])).await;
    assert!(
        matches!(&stale, Err(StateError::Stale { found: f, wanted: w }) if (*f, *w) == (found, wanted)),
        "{stale:?}"
    );
    let stale = old.intend(before.fence, &first).await;
    assert!(matches!(stale, Err(StateError::Stale { .. })), "{stale:?}");
    new.advance(after.fence, &sealed(&first), &set(&[("s", "k", "new")])).await.expect("advance");
    let (loaded, held) = load(&mut open()).await;
    assert_eq!((loaded.epoch, held), (1, entries(&[("s", "k", "new")])));
}

async fn is_bound_once<T: StateStore>(mut open: impl FnMut() -> T) {
    let mut store = open();
    load(&mut store).await;
    store.bind("one").await.expect("bind");
    store.bind("one").await.expect("bind again");
    let other = store.bind("two").await;
    assert!(
        matches!(&other, Err(StateError::Mismatch(what)) if what.contains("one") && what.contains("two")),
        "{other:?}"
    );
    assert_eq!(load(&mut open()).await.0.archive_id.as_deref(), Some("one"));
}

async fn an_intent_lives_until_it_is_advanced<T: StateStore>(mut open: impl FnMut() -> T) {
    let mut store = open();
    let (loaded, _) = load(&mut store).await;
    for bad in [intent(2, vec![]), intent(0, vec![]), intent(1, vec![step("p", 3, 5)])] {
        assert!(store.intend(loaded.fence, &bad).await.is_err(), "{bad:?}");
    }
    let first = intent(1, vec![step("p", 0, 5), step("q", 0, 7), step("p", 5, 9)]);
    assert!(store.advance(loaded.fence, &sealed(&first), &StateDelta::default()).await.is_err(), "without an intent");
    store.intend(loaded.fence, &first).await.expect("intend");
    store.intend(loaded.fence, &first).await.expect("intend the same again");
    let other = intent(1, vec![step("p", 0, 6)]);
    assert!(store.intend(loaded.fence, &other).await.is_err(), "an open intent is not changed");
    drop(store);
    let mut store = open();
    let (loaded, _) = load(&mut store).await;
    assert_eq!(loaded.intent.as_ref(), Some(&first));
    assert_eq!((loaded.epoch, loaded.positions.get("p")), (0, Position::start()), "an intent moves nothing");
    store.advance(loaded.fence, &sealed(&first), &StateDelta::default()).await.expect("advance");
    let (loaded, _) = load(&mut open()).await;
    assert_eq!((loaded.intent, loaded.epoch), (None, 1));
    assert_eq!((loaded.positions.get("p"), loaded.positions.get("q")), (Position::offset(9), Position::offset(7)));
}

async fn an_advance_is_one_commit<T: StateStore>(mut open: impl FnMut() -> T) {
    let mut store = open();
    let (loaded, _) = load(&mut store).await;
    let first = intent(1, vec![step("p", 0, 5)]);
    store.intend(loaded.fence, &first).await.expect("intend");
    let mut delta = set(&[("s", "k", "v")]);
    delta.seen.push((20_000, vec![7]));
    for moves in [vec![step("p", 1, 5)], vec![step("p", 0, 5), step("p", 6, 7)], vec![step("q", 2, 3)]] {
        let bad = Sealed { intent: Intent { moves, ..first.clone() }, files: Vec::new(), quarantined: 0 };
        assert!(store.advance(loaded.fence, &bad, &delta).await.is_err(), "{bad:?}");
        assert!(!store.was_seen(20_000, 7).expect("was_seen"));
    }
    drop(store);
    let mut store = open();
    let (loaded, held) = load(&mut store).await;
    assert_eq!((loaded.epoch, held, loaded.positions.iter().count()), (0, Entries::new(), 0), "nothing of it is kept");
    assert_eq!(loaded.intent.as_ref(), Some(&first), "the intent is still there");
    store.advance(loaded.fence, &sealed(&first), &delta).await.expect("advance");
    assert!(store.was_seen(20_000, 7).expect("was_seen"));
}

async fn an_advance_counts_once<T: StateStore>(mut open: impl FnMut() -> T) {
    let mut store = open();
    let (loaded, _) = load(&mut store).await;
    let first = intent(1, vec![step("p", 0, 5)]);
    store.intend(loaded.fence, &first).await.expect("intend");
    let delta = set(&[("s", "a", "1"), ("s", "b", "1"), ("t", "a", "1")]);
    store.advance(loaded.fence, &sealed(&first), &delta).await.expect("advance");
    store.advance(loaded.fence, &sealed(&first), &set(&[("s", "a", "2")])).await.expect("advance again");
    let second = intent(2, vec![step("p", 5, 6)]);
    assert!(store.advance(loaded.fence, &sealed(&second), &delta).await.is_err(), "without its intent");
    store.intend(loaded.fence, &second).await.expect("intend");
    let mut delta = set(&[("s", "b", "2")]);
    delta.remove("t", "a");
    delta.remove("t", "never there");
    store.advance(loaded.fence, &sealed(&second), &delta).await.expect("advance");
    assert!(store.advance(loaded.fence, &sealed(&first), &delta).await.is_err(), "an epoch long gone");
    let (loaded, held) = load(&mut open()).await;
    assert_eq!((loaded.epoch, loaded.positions.get("p")), (2, Position::offset(6)));
    assert_eq!(held, entries(&[("s", "a", "1"), ("s", "b", "2")]));
}

async fn an_advance_may_leave_positions_alone<T: StateStore>(mut open: impl FnMut() -> T) {
    let mut store = open();
    let (loaded, _) = load(&mut store).await;
    let first = intent(1, vec![step("p", 0, 5)]);
    store.intend(loaded.fence, &first).await.expect("intend");
    let without = Sealed { intent: Intent { moves: Vec::new(), ..first }, files: Vec::new(), quarantined: 0 };
    store.advance(loaded.fence, &without, &set(&[("s", "k", "v")])).await.expect("advance");
    let (loaded, held) = load(&mut open()).await;
    assert_eq!((loaded.epoch, loaded.positions.get("p"), loaded.intent), (1, Position::start(), None));
    assert_eq!(held, entries(&[("s", "k", "v")]));
}

/// Ids that look like no other's, the same each time.
fn id(n: u64) -> u128 {
    let mixed = (n ^ 0x9e37_79b9).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    u128::from(mixed) << 64 | u128::from(mixed.rotate_left(29))
}

async fn ids_are_remembered_exactly<T: StateStore>(mut open: impl FnMut() -> T) {
    let mut store = open();
    let (loaded, _) = load(&mut store).await;
    let mut wanted: BTreeMap<i64, BTreeSet<u128>> = BTreeMap::new();
    // Enough epochs that a store which merges has merged more than once.
    for epoch in 1..=80 {
        let next = intent(epoch, Vec::new());
        store.intend(loaded.fence, &next).await.expect("intend");
        let mut delta = StateDelta::default();
        for (day, count) in [(20_000_i64, 130), (20_001, 3), (20_002, u64::from(epoch % 9 == 0))] {
            let ids: Vec<u128> = (0..count).map(|n| id(epoch * 1000 + n + day.unsigned_abs())).collect();
            wanted.entry(day).or_default().extend(&ids);
            delta.seen.push((day, ids));
        }
        delta.seen.push((20_003, vec![0, u128::MAX]));
        store.advance(loaded.fence, &sealed(&next), &delta).await.expect("advance");
    }
    wanted.insert(20_003, BTreeSet::from([0, u128::MAX]));
    drop(store);
    let store = open();
    for (day, ids) in &wanted {
        let mut found = BTreeSet::new();
        store.seen_on(*day, &mut |id| _ = found.insert(id)).expect("seen_on");
        assert_eq!(&found, ids, "on {day}");
        for id in ids {
            assert!(store.was_seen(*day, *id).expect("was_seen"), "{id:x} on {day}");
            assert!(!store.was_seen(*day, id ^ 0x10).expect("was_seen"), "{id:x} but for a bit, on {day}");
            assert!(!store.was_seen(19_000, *id).expect("was_seen"), "{id:x} on another day");
        }
    }
}
