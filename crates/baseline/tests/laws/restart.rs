//! What is stored and read back: a restart can't be seen in anything that is said.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tagwarden_baseline::{Baseline, Settings};
use tagwarden_core::{ActorKind, Entry, NetworkClass, Severity, StateDelta};

use crate::build::{DAY, HOUR, Made, SETTLED, routine, settled, with};

/// What a state store keeps.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Store(BTreeMap<(String, Vec<u8>), Vec<u8>>);

impl Store {
    pub(crate) fn save(&mut self, baseline: &mut Baseline) -> usize {
        let mut delta = StateDelta::default();
        baseline.delta(&mut delta);
        for entry in &delta.entries {
            assert!(Baseline::spaces().contains(&entry.space.as_ref()), "{} is told", entry.space);
            let key = (entry.space.clone().into_owned(), entry.key.clone());
            match &entry.value {
                Some(value) => self.0.insert(key, value.clone()),
                None => self.0.remove(&key),
            };
        }
        delta.entries.len()
    }

    /// A fresh baseline that was given everything, last entry first if `backwards`.
    fn load(&self, settings: Settings, backwards: bool) -> Baseline {
        let mut baseline = with(settings);
        let mut entries: Vec<Entry> = self
            .0
            .iter()
            .map(|((space, key), value)| Entry {
                space: space.clone().into(),
                key: key.clone(),
                value: Some(value.clone()),
            })
            .collect();
        entries.push(Entry { space: "tags".into(), key: b"another room's".to_vec(), value: Some(vec![1]) });
        if backwards {
            entries.reverse();
        }
        for entry in &entries {
            baseline.restore(entry);
        }
        baseline
    }

    /// The keys of what is new or other than in `before`.
    pub(crate) fn changed_since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = &'a (String, Vec<u8>)> {
        self.0.iter().filter(|(key, value)| before.0.get(key) != Some(value)).map(|(key, _)| key)
    }
}

#[test]
fn a_restart_within_a_day_keeps_the_reference_of_its_morning() {
    let settings = Settings::default();
    let mut baseline = settled();
    for n in 0..50 {
        Made::ordinary("ben@example.net", SETTLED * DAY + n).action(&format!("New{n}")).taught_to(&mut baseline);
    }
    let mut store = Store::default();
    store.save(&mut baseline);
    let mut again = store.load(settings, false);
    let probe = Made::ordinary("ana@example.net", SETTLED * DAY + HOUR).tag("Environment", Some("prd"), Some("dev"));
    let said = probe.judged_by(&mut baseline);
    assert_eq!(probe.judged_by(&mut again), said);
    assert!(said.percentile.is_some() && !said.reasons.is_empty(), "{said:?}");
}

#[test]
fn what_falls_out_of_the_window_falls_out_of_the_store() {
    let settings = Settings { reference_days: 4, warm_up_days: 2, ..Settings::default() };
    let mut baseline = with(settings);
    let mut store = Store::default();
    routine(&mut baseline, 8);
    store.save(&mut baseline);
    routine_on(&mut baseline, 8..30);
    store.save(&mut baseline);
    let days = |space: &str| store.0.keys().filter(|(in_space, _)| in_space == space).count();
    assert_eq!(days("reference"), 5, "four and today");
    assert_eq!(days("spread"), 8, "and three that settled, once");
}

fn routine_on(baseline: &mut Baseline, days: std::ops::Range<i64>) {
    for day in days {
        for n in 0..100 {
            Made::ordinary("ana@example.net", day * DAY + n * HOUR / 5).taught_to(baseline);
        }
    }
}

fn made() -> impl Strategy<Value = (i64, Made)> {
    let tag = (0u8..4, proptest::option::of(0u8..5), proptest::option::of(0u8..40));
    let step = prop_oneof![12 => 0..HOUR / 4, 4 => 0..8 * HOUR, 1 => DAY..3 * DAY, 1 => -2 * DAY..0];
    let who = (0u8..6, proptest::option::of(0u8..2), 0u8..9, 0u8..12);
    let from = (0u8..3, proptest::option::of(0u8..5), 0u8..12, 0u8..4);
    let what = (0u8..3, 0u8..9, 0u8..12, proptest::collection::vec(tag, 0..4));
    (step, who, from, what).prop_map(|(step, who, from, what)| {
        let (who, team, action, outcome) = who;
        let (region, key, issues, network) = from;
        let (account, resource, rule, tags) = what;
        let name = |n: u8| format!("v{n}");
        let networks = [None, Some(NetworkClass::Internet), Some(NetworkClass::Office), Some(NetworkClass::Service)];
        let made = Made {
            ordinal: u32::from(account),
            call: 0,
            at: 0,
            who: name(who),
            kind: if who < 4 { ActorKind::Human } else { ActorKind::Workload },
            team: team.map(name),
            action: if action < 3 { format!("Delete{action}") } else { name(action) },
            error: (outcome == 0).then_some("AccessDenied"),
            read_only: outcome == 1,
            account: name(account),
            region: name(region),
            ip: format!("10.{region}.0.{}", network % 2),
            network: networks[usize::from(network)],
            agent: [None, Some("Boto3/1.35 linux"), Some("aws-cli/2.15 windows")][usize::from(resource % 3)],
            access_key: key.map(|n| if n < 2 { format!("AKIA{n}") } else { format!("ASIA{n}") }),
            issues: (issues == 0).then_some("ASIA3"),
            resource: name(resource),
            tags: tags.into_iter().map(|(key, old, new)| (name(key), old.map(name), new.map(name))).collect(),
            details: if resource < 4 { vec![("size", ["s", "m", "l", "xl"][usize::from(resource)])] } else { vec![] },
            other: (action > 6).then_some(("999999999999", rule < 6)),
            hits: vec![],
        };
        let made = if rule < 2 { made.hit(&name(rule), Severity::High) } else { made };
        (step, made)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Wherever the run is cut and whatever was forgotten for want of room, a restart can't be seen.
    #[test]
    fn a_restart_changes_nothing_that_is_said(
        steps in proptest::collection::vec(made(), 1..1600),
        cuts in proptest::collection::btree_set(0usize..1600, 0..6),
        max_counters in prop_oneof![Just(1_000_000u32), 200..3000u32],
        backwards: bool,
    ) {
        let settings = Settings { warm_up_days: 1, reference_days: 6, max_counters, ..Settings::default() };
        let mut undisturbed = with(settings);
        let mut restarted = with(settings);
        let (mut store, mut whole) = (Store::default(), Store::default());
        let mut at = 100 * DAY;
        for (n, (step, made)) in steps.into_iter().enumerate() {
            if cuts.contains(&n) {
                store.save(&mut restarted);
                restarted = store.load(settings, backwards);
            }
            at += step;
            let made = Made { call: n as u64, ..made }.at(at);
            let (a, b) = (made.taught_to(&mut undisturbed), made.taught_to(&mut restarted));
            prop_assert_eq!(a.score.to_bits(), b.score.to_bits(), "{:?} {:?}", a, b);
            prop_assert_eq!(a.surprisal_sum.to_bits(), b.surprisal_sum.to_bits());
            prop_assert_eq!(a.percentile.map(f64::to_bits), b.percentile.map(f64::to_bits));
            prop_assert_eq!(a.threshold.map(f64::to_bits), b.threshold.map(f64::to_bits));
            prop_assert!(a.score.is_finite() && a.score >= 0.0 && a.surprisal_sum.is_finite());
            prop_assert_eq!(a, b);
        }
        if max_counters == 1_000_000 {
            // With room for all nothing waits to be swept, and then the bytes are the same too.
            store.save(&mut restarted);
            whole.save(&mut undisturbed);
            prop_assert_eq!(store, whole);
        }
    }

    /// Garbage in the store is not taken for learning, and never a panic.
    #[test]
    fn foreign_bytes_are_left_alone(key in proptest::collection::vec(any::<u8>(), 0..9), value in proptest::collection::vec(any::<u8>(), 0..700)) {
        let mut baseline = crate::build::fresh();
        for space in Baseline::spaces() {
            baseline.restore(&Entry { space: space.into(), key: key.clone(), value: Some(value.clone()) });
            baseline.restore(&Entry { space: space.into(), key: key.clone(), value: None });
        }
        let scores = Made::ordinary("ana@example.net", DAY).taught_to(&mut baseline);
        prop_assert!(scores.surprisal_sum >= 0.0);
    }
}
