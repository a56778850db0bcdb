//! Delivery under faults: refusals, dead destinations, crashes, stops.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tagwarden_core::{AlertMessage, Clock, Notifier, NotifyError, Receipt, Retry, Severity, Timestamp};
use tagwarden_testkit::{FakeClock, RecordingNotifier};
use tokio::sync::{Notify, watch};

use super::{Courier, Drain};
use crate::message::sample::offer;
use crate::queue::Queue;
use crate::{AlertError, Counts, Offer, Outbox, Settings};

const MINUTE: i64 = 60_000;
const LONG: Duration = Duration::from_secs(1 << 20);

#[derive(Clone)]
struct Hands(Arc<FakeClock>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn sleep(&self, wait: Duration) {
        self.0.sleep(wait).await;
    }
}

struct Bench {
    _dir: tempfile::TempDir,
    path: PathBuf,
    clock: Hands,
    notifier: Arc<RecordingNotifier>,
    outbox: Outbox,
}

fn open(path: &Path) -> Outbox {
    // Room for every follow-up of one alert.
    Outbox::open(path, Settings { max_a_day: 12, ..Settings::default() }, vec!["soc".into()]).unwrap()
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let clock = Hands(Arc::new(FakeClock::new(offer("x.0", 0).event_time)));
        Self { outbox: open(&path), clock, notifier: Arc::default(), path, _dir: dir }
    }

    fn courier(&self) -> Courier<Arc<RecordingNotifier>, Hands> {
        let (notifier, clock) = (Arc::clone(&self.notifier), self.clock.clone());
        Courier::open(&self.path, "soc", &Settings::default(), notifier, clock, self.outbox.wake()).unwrap()
    }

    fn offer(&mut self, offer: Offer) {
        self.outbox.offer(self.clock.now(), 1, &[offer]).unwrap();
    }

    fn refuse(&self, retry: Retry) {
        self.notifier.refuse(NotifyError { what: "no".into(), retry });
    }

    fn counts(&self) -> Counts {
        let counts = self.outbox.ledger().counts().unwrap()["soc"];
        assert!(counts.adds_up(), "{counts:?}");
        counts
    }

    fn told(&self) -> Vec<(String, u64)> {
        self.notifier.taken().iter().map(|m| (m.state.clone(), m.changes)).collect()
    }
}

#[tokio::test]
async fn the_first_alert_leaves_at_once_and_news_after_a_quarter_an_hour_one_and_six() {
    let mut bench = Bench::new();
    let mut courier = bench.courier();
    let start = bench.clock.now().0;
    let mut when: Vec<(String, i64)> = Vec::new();
    for minute in 0..(10 * 60) {
        // A change every five minutes, for ten hours.
        if minute % 5 == 0 {
            bench.offer(offer(&format!("e{minute}.0"), minute * MINUTE));
        }
        courier.drain(Drain::Due, LONG).await.unwrap();
        for message in bench.notifier.taken().iter().skip(when.len()) {
            when.push((message.state.clone(), (bench.clock.now().0 - start) / MINUTE));
        }
        bench.clock.0.advance(Duration::from_mins(1));
    }
    let wanted = [("opening", 0), ("follow_up", 15), ("follow_up", 60), ("follow_up", 360)];
    let wanted: Vec<(String, i64)> = wanted.iter().map(|(s, m)| ((*s).to_owned(), *m)).collect();
    assert_eq!(when, wanted);
    assert_eq!(bench.notifier.taken()[1].changes, 4, "the follow-up counts all so far");
    assert!(bench.notifier.taken()[1].text.starts_with("+3 changes (4 in all): dana.garcia "));
    let counts = bench.counts();
    assert_eq!((counts.delivered, counts.folded + counts.pending), (1, 119));
}

#[tokio::test]
async fn the_ledger_says_what_was_told_and_how() {
    use tagwarden_core::Disposition::{Digest, Notify, Page};
    let mut bench = Bench::new();
    let mut courier = bench.courier();
    bench.offer(offer("a.0", 0));
    courier.drain(Drain::Due, LONG).await.unwrap();
    bench.offer(Offer { disposition: Page, ..offer("b.0", MINUTE) });
    bench.offer(Offer { disposition: Digest, actor: "other".into(), ..offer("c.0", 2 * MINUTE) });
    courier.drain(Drain::Due, LONG).await.unwrap();
    let told = |bench: &Bench| {
        let told = bench.outbox.ledger().told("soc").unwrap();
        told.into_iter().map(|t| (t.change_id, t.alert_id, t.digest, t.disposition)).collect::<Vec<_>>()
    };
    let at_once = [("a.0".into(), "a.0".into(), false, Notify), ("b.0".into(), "a.0".into(), false, Page)];
    assert_eq!(told(&bench), at_once);
    courier.drain(Drain::All, LONG).await.unwrap();
    assert_eq!(told(&bench).last(), Some(&("c.0".into(), "c.0".into(), true, Digest)));
    assert_eq!(bench.outbox.ledger().told("nobody").unwrap(), []);
}

#[tokio::test]
async fn worse_news_does_not_wait() {
    let mut bench = Bench::new();
    let mut courier = bench.courier();
    bench.offer(offer("a.0", 0));
    courier.drain(Drain::Due, LONG).await.unwrap();
    bench.offer(offer("b.0", MINUTE));
    courier.drain(Drain::Due, LONG).await.unwrap();
    assert_eq!(bench.told().len(), 1);
    bench.offer(Offer { severity: Severity::Critical, ..offer("c.0", MINUTE) });
    courier.drain(Drain::Due, LONG).await.unwrap();
    assert_eq!(bench.told(), [("opening".to_owned(), 1), ("follow_up".to_owned(), 3)]);
    let page = tagwarden_core::Disposition::Page;
    bench.offer(Offer { severity: Severity::Critical, disposition: page, ..offer("d.0", MINUTE) });
    courier.drain(Drain::Due, LONG).await.unwrap();
    assert_eq!(bench.told().last(), Some(&("follow_up".to_owned(), 4)));
    assert_eq!(bench.counts(), Counts { to_alert: 4, delivered: 1, folded: 3, ..Counts::default() });
}

#[tokio::test]
async fn what_joins_before_the_message_leaves_is_in_it() {
    let mut bench = Bench::new();
    let mut courier = bench.courier();
    bench.refuse(Retry::Retry { after: None });
    bench.offer(offer("a.0", 0));
    bench.offer(offer("b.0", 1));
    courier.drain(Drain::Due, LONG).await.unwrap();
    assert_eq!(bench.told(), [("opening".to_owned(), 2)]);
    assert_eq!(bench.counts(), Counts { to_alert: 2, delivered: 1, folded: 1, ..Counts::default() });
}

#[tokio::test]
async fn news_names_what_the_first_message_led_with() {
    let mut bench = Bench::new();
    let mut courier = bench.courier();
    bench.refuse(Retry::Retry { after: None });
    bench.offer(offer("a.0", 0));
    bench.offer(Offer { severity: Severity::Critical, resource_name: Some("worse".into()), ..offer("b.0", 1) });
    courier.drain(Drain::Due, LONG).await.unwrap();
    bench.offer(Offer { disposition: tagwarden_core::Disposition::Page, ..offer("c.0", MINUTE) });
    courier.drain(Drain::Due, LONG).await.unwrap();
    let [opening, news] = bench.notifier.taken().try_into().unwrap();
    assert!(opening.text.contains("worse"), "{}", opening.text);
    assert_eq!(news.fields[0], ("First told".to_owned(), opening.text));
}

#[tokio::test]
async fn a_wait_that_is_asked_for_is_kept_and_others_double() {
    let mut bench = Bench::new();
    let mut courier = bench.courier();
    bench.refuse(Retry::Retry { after: Some(Duration::from_secs(7)) });
    bench.refuse(Retry::Retry { after: None });
    bench.refuse(Retry::Retry { after: None });
    bench.offer(offer("a.0", 0));
    assert_eq!(courier.drain(Drain::Due, LONG).await.unwrap(), 1);
    assert_eq!(bench.clock.0.slept(), [7, 2, 4].map(Duration::from_secs));
}

#[tokio::test]
async fn an_item_that_is_refused_does_not_hold_up_the_next() {
    let mut bench = Bench::new();
    let mut courier = bench.courier();
    bench.refuse(Retry::RejectItem);
    bench.offer(offer("a.0", 0));
    bench.offer(Offer { actor: "else".into(), ..offer("b.0", 0) });
    courier.drain(Drain::Due, LONG).await.unwrap();
    assert_eq!(bench.counts(), Counts { to_alert: 2, delivered: 1, expired: 1, ..Counts::default() });
    let reason: String = bench
        .outbox
        .ledger()
        .db
        .query_row("SELECT reason FROM alert_message WHERE status = 'expired'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(reason, "no");
    bench.offer(offer("c.0", 1));
    courier.drain(Drain::Due, LONG).await.unwrap();
    assert_eq!(bench.told().last(), Some(&("opening".to_owned(), 2)), "an alert that was never told opens anew");
}

#[tokio::test]
async fn a_destination_that_is_gone_stops_its_courier_and_keeps_its_messages() {
    let mut bench = Bench::new();
    let mut courier = bench.courier();
    bench.refuse(Retry::Stop);
    bench.offer(offer("a.0", 0));
    let error = courier.drain(Drain::Due, LONG).await.unwrap_err();
    assert!(matches!(error, AlertError::Stopped { .. }));
    assert_eq!(bench.counts().pending, 1);
    bench.courier().drain(Drain::Due, LONG).await.unwrap();
    assert_eq!(bench.counts().delivered, 1);
}

#[tokio::test]
async fn a_message_is_given_up_after_a_day_of_failing_not_after_a_leap_of_the_clock() {
    let mut bench = Bench::new();
    let mut courier = bench.courier();
    bench.offer(offer("a.0", 0));
    bench.clock.0.advance(Duration::from_hours(25));
    bench.refuse(Retry::Retry { after: None });
    courier.drain(Drain::Due, LONG).await.unwrap();
    assert_eq!(bench.counts().delivered, 1, "old, but not for want of trying");
    bench.offer(Offer { actor: "else".into(), event_time: bench.clock.now(), ..offer("b.0", 0) });
    for _ in 0..25 {
        bench.refuse(Retry::Retry { after: Some(Duration::from_hours(1)) });
    }
    courier.drain(Drain::Due, LONG).await.unwrap();
    assert_eq!(bench.counts(), Counts { to_alert: 2, delivered: 1, expired: 1, ..Counts::default() });
}

#[tokio::test]
async fn a_crash_while_sending_repeats_that_one_message() {
    let mut bench = Bench::new();
    for actor in ["a", "b", "c"] {
        bench.offer(Offer { actor: actor.into(), ..offer(&format!("{actor}.0"), 0) });
    }
    let mut queue = Queue::open(&bench.path, "soc", &Settings::default()).unwrap();
    let job = queue.begin(bench.clock.now(), false).unwrap().unwrap();
    bench.notifier.notify(&job.message).await.unwrap();
    drop(queue);
    bench.courier().drain(Drain::Due, LONG).await.unwrap();
    let ids: Vec<String> = bench.notifier.taken().into_iter().map(|m| m.alert_id).collect();
    assert_eq!(ids, ["a.0", "a.0", "b.0", "c.0"]);
    assert_eq!(bench.counts().delivered, 3);
}

#[tokio::test]
async fn late_events_are_told_together_and_at_the_end_of_input_at_once() {
    let mut bench = Bench::new();
    let mut courier = bench.courier();
    for i in 0..5 {
        bench.offer(Offer { actor: format!("a{i}"), ..offer(&format!("e{i}.0"), -7 * 60 * MINUTE) });
    }
    assert_eq!(courier.drain(Drain::Due, LONG).await.unwrap(), 0);
    assert_eq!(courier.drain(Drain::All, LONG).await.unwrap(), 1);
    assert_eq!(bench.told(), [("digest".to_owned(), 5)]);
    assert_eq!(bench.counts(), Counts { to_alert: 5, delivered: 5, ..Counts::default() });
    bench.offer(Offer { actor: "a9".into(), ..offer("e9.0", -7 * 60 * MINUTE) });
    bench.clock.0.advance(Duration::from_hours(1));
    assert_eq!(courier.drain(Drain::Due, LONG).await.unwrap(), 0, "one a day");
    bench.clock.0.advance(Duration::from_hours(23));
    assert_eq!(courier.drain(Drain::Due, LONG).await.unwrap(), 1);
}

#[tokio::test]
async fn between_two_batches_nobody_waits_for_a_destination() {
    let mut bench = Bench::new();
    let mut courier = bench.courier();
    bench.refuse(Retry::Retry { after: Some(Duration::from_millis(80)) });
    bench.offer(offer("a.0", 0));
    assert_eq!(courier.deliver_due().await.unwrap(), 0);
    assert_eq!(courier.deliver_due().await.unwrap(), 0, "the wait is not over");
    assert_eq!(courier.drain(Drain::Due, Duration::from_millis(1)).await.unwrap(), 0);
    assert_eq!(bench.clock.0.slept(), []);
    tokio::time::sleep(Duration::from_millis(90)).await;
    assert_eq!(courier.deliver_due().await.unwrap(), 1);
}

#[tokio::test]
async fn a_digest_of_thousands_counts_them_all() {
    let mut bench = Bench::new();
    let mut courier = bench.courier();
    let one = |i: usize| Offer {
        actor: format!("a{i}"),
        severity: if i == 1500 { Severity::Critical } else { Severity::High },
        ..offer(&format!("e{i}.0"), -7 * 60 * MINUTE)
    };
    let offers: Vec<Offer> = (0..1600).map(one).collect();
    bench.outbox.offer(bench.clock.now(), 1, &offers).unwrap();
    courier.drain(Drain::All, LONG).await.unwrap();
    let told = bench.notifier.taken();
    assert_eq!((told.len(), told[0].changes, told[0].severity), (1, 1600, Severity::Critical));
    assert_eq!(told[0].fields[0].1, "1 critical, 1599 high");
    assert_eq!(bench.counts().delivered, 1600);
}

/// Takes the call and never answers.
struct Dead;

impl Notifier for Dead {
    async fn notify(&self, _: &AlertMessage) -> Result<Receipt, NotifyError> {
        std::future::pending().await
    }
}

fn spawnable<T: Send>(future: T) -> T {
    future
}

#[tokio::test]
async fn a_dead_destination_holds_up_no_offer() {
    let mut bench = Bench::new();
    let (stop, stopped) = watch::channel(false);
    let mut courier =
        Courier::open(&bench.path, "soc", &Settings::default(), Dead, bench.clock.clone(), Arc::new(Notify::new()))
            .unwrap();
    let task = tokio::spawn(spawnable(async move { courier.run(stopped).await }));
    for i in 0..50 {
        bench.offer(Offer { actor: format!("a{i}"), ..offer(&format!("e{i}.0"), 0) });
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.counts().pending, 50);
    task.abort();
    drop(stop);
}

#[tokio::test]
async fn running_delivers_as_offers_come_and_ends_when_told() {
    let mut bench = Bench::new();
    let (stop, stopped) = watch::channel(false);
    let mut courier = bench.courier();
    let task = tokio::spawn(async move { courier.run(stopped).await });
    for i in 0..3 {
        bench.offer(Offer { actor: format!("a{i}"), ..offer(&format!("e{i}.0"), 0) });
        for _ in 0..10_000 {
            if bench.told().len() == i + 1 {
                break;
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(bench.told().len(), i + 1);
    }
    stop.send(true).unwrap();
    task.await.unwrap().unwrap();
}

/// What can happen to a ledger.
#[derive(Debug, Clone)]
enum Act {
    Offer {
        actor: u8,
        minute: i64,
        suppressed: bool,
    },
    Wait(u64),
    Refuse(u8),
    Deliver,
    /// The process dies with a message on its way, which had or had not arrived.
    Crash {
        arrived: bool,
    },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (0..4u8, -500..10i64, prop::bool::weighted(0.2))
            .prop_map(|(actor, minute, suppressed)| Act::Offer { actor, minute, suppressed }),
        2 => (1..2000u64).prop_map(Act::Wait),
        1 => (0..3u8).prop_map(Act::Refuse),
        2 => Just(Act::Deliver),
        1 => any::<bool>().prop_map(|arrived| Act::Crash { arrived }),
    ];
    prop::collection::vec(act, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn both_sides_of_the_ledger_agree_after_every_fault(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut bench = Bench::new();
            let mut courier = bench.courier();
            let (mut crashes, mut refusals, mut offered) = (0, 0, 0);
            for (i, act) in acts.iter().enumerate() {
                match act {
                    Act::Offer { actor, minute, suppressed } => {
                        let mut one = offer(&format!("e{i}.0"), 0);
                        one.event_time = Timestamp(bench.clock.now().0 + minute * MINUTE);
                        one.actor = format!("actor-{actor}");
                        if *suppressed {
                            one.disposition = tagwarden_core::Disposition::Suppressed;
                        }
                        offered += 1;
                        bench.offer(one);
                    }
                    Act::Wait(minutes) => bench.clock.0.advance(Duration::from_mins(*minutes)),
                    Act::Refuse(0) => {
                        refusals += 1;
                        bench.refuse(Retry::RejectItem);
                    }
                    Act::Refuse(_) => bench.refuse(Retry::Retry { after: None }),
                    Act::Deliver => {
                        courier.drain(Drain::Due, LONG).await.unwrap();
                    }
                    Act::Crash { arrived } => {
                        crashes += 1;
                        let job = courier.queue.begin(bench.clock.now(), false).unwrap();
                        if let (Some(job), true) = (job, arrived) {
                            // A refusal that was meant for another call is fine here.
                            drop(bench.notifier.notify(&job.message).await);
                        }
                        bench.outbox = open(&bench.path);
                        courier = bench.courier();
                    }
                }
                bench.counts();
            }
            courier.drain(Drain::All, LONG).await.unwrap();
            let counts = bench.counts();
            assert_eq!((counts.to_alert, counts.pending), (offered, 0));
            let openings: Vec<String> =
                bench.notifier.taken().into_iter().filter(|m| m.state == "opening").map(|m| m.alert_id).collect();
            let distinct: BTreeSet<&String> = openings.iter().collect();
            assert!(openings.len() - distinct.len() <= crashes + refusals, "{openings:?}");
        });
    }
}
