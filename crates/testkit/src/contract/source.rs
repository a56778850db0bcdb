//! The laws of sources.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tagwarden_core::{Fault, Partition, Position, Positions, Pulled, Record, Source};

/// A record, to compare.
type Seen = (Partition, Position, Bytes, Option<Fault>);

fn seen(record: &Record) -> Seen {
    (record.partition.clone(), record.position.clone(), record.bytes.clone(), record.fault.clone())
}

/// Checks a finite source: that moves chain and cover every record, that `max` holds, that a dropped pull loses
/// nothing, and, if it can go back, that a restart from any position gives the same rest.
///
/// `make` gives a new source over the same input each time. Gives back the records.
///
/// # Panics
/// Where a law is broken.
pub async fn source_contract<S: Source>(mut make: impl FnMut() -> S) -> Vec<Record> {
    let (all, end) = drain(&mut make(), &Positions::default(), usize::MAX, "at once").await;
    let wanted: Vec<Seen> = all.iter().map(seen).collect();
    let repeatable = make().repeatable();
    for max in [1, 2, 3, 7, 1000] {
        let (some, stands) = drain(&mut make(), &Positions::default(), max, "in small batches").await;
        assert_eq!(some.iter().map(seen).collect::<Vec<_>>(), wanted, "by {max}");
        assert_eq!(stands, end, "by {max}");
    }
    dropped(&mut make(), &wanted).await;
    if repeatable {
        restarted(&mut make, &wanted, &end).await;
    }
    all
}

/// Pulls until the end, and checks every batch.
async fn drain<S: Source>(source: &mut S, from: &Positions, max: usize, how: &str) -> (Vec<Record>, Positions) {
    source.start(from).expect("start");
    let (mut all, mut stands) = (Vec::new(), from.clone());
    while let Some(pulled) = source.pull(max).await.expect("pull") {
        check(&pulled, max, &mut stands, how);
        all.extend(pulled.records);
    }
    assert!(source.pull(max).await.expect("pull").is_none(), "{how}: the end stays the end");
    (all, stands)
}

/// Checks one batch against its moves, and applies them.
fn check(pulled: &Pulled, max: usize, stands: &mut Positions, how: &str) {
    assert!(pulled.records.len() <= max, "{how}: found {} records, wanted at most {max}", pulled.records.len());
    assert!(!pulled.moves.is_empty(), "{how}: a batch without a move");
    let mut records = pulled.records.iter();
    for (index, step) in pulled.moves.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| pulled.moves.get(before));
        assert!(before.is_none_or(|before| before.partition != step.partition), "{how}: one stretch in two moves");
        let mut last = step.from.clone();
        for _ in 0..step.records {
            let record = records.next().expect("a move covers more records than there are");
            assert_eq!(record.partition, step.partition, "{how}");
            assert!(last < record.position, "{how}: {:?} after {last:?}", record.position);
            last = record.position.clone();
        }
        assert!(last <= step.to, "{how}: the move ends at {:?}, its last record at {last:?}", step.to);
    }
    assert!(records.next().is_none(), "{how}: a record that no move covers");
    stands.apply(&pulled.moves).expect("moves chain");
}

/// Drops every pull that is not ready at once, now and then.
async fn dropped<S: Source>(source: &mut S, wanted: &[Seen]) {
    source.start(&Positions::default()).expect("start");
    let (mut all, mut stands) = (Vec::new(), Positions::default());
    for turn in 0u32.. {
        let impatient = {
            let mut pull = pin!(source.pull(3));
            match pull.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(pulled) => Some(pulled),
                Poll::Pending if turn.is_multiple_of(2) => None,
                Poll::Pending => Some(pull.await),
            }
        };
        let Some(pulled) = impatient else { continue };
        let Some(pulled) = pulled.expect("pull") else { break };
        check(&pulled, 3, &mut stands, "with dropped pulls");
        all.extend(pulled.records.iter().map(seen));
    }
    assert_eq!(all, wanted, "with dropped pulls");
}

/// Restarts after each of a run's batches.
async fn restarted<S: Source>(make: &mut impl FnMut() -> S, wanted: &[Seen], end: &Positions) {
    let step = wanted.len() / 100 + 1;
    let mut first = make();
    first.start(&Positions::default()).expect("start");
    let (mut stands, mut before) = (Positions::default(), 0);
    while let Some(pulled) = first.pull(step).await.expect("pull") {
        check(&pulled, step, &mut stands, "before a restart");
        before += pulled.records.len();
        let (rest, at) = drain(&mut make(), &stands, 1000, "after a restart").await;
        assert_eq!(rest.iter().map(seen).collect::<Vec<_>>(), &wanted[before..], "after {before} records");
        assert_eq!(&at, end, "after {before} records");
    }
    let (none, _) = drain(&mut make(), end, 1000, "from the end").await;
    assert!(none.is_empty(), "found {} records behind the end", none.len());
    // A source that was used may be started anew: recovery reads an epoch, then goes on.
    let (again, _) = drain(&mut first, &Positions::default(), 1000, "started anew").await;
    assert_eq!(again.iter().map(seen).collect::<Vec<_>>(), wanted, "started anew");
}
