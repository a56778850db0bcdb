//! What must hold of models: they come back from their bytes, and nothing else does.

use std::sync::LazyLock;

use proptest::prelude::*;
use tagwarden_core::{RuleHit, Scores, Severity};

use super::{About, Model, ModelError};
use crate::card::Card;
use crate::features::{FEATURES_VERSION, Family, Feature, Row};
use crate::hash::mix;
use crate::rerank::Example;
use crate::spread::Spread;
use crate::training::{Given, Training, TrainingError};
use crate::{Kind, LAYOUT_VERSION};

/// From 0 to below 1.
fn share(a: u64, b: u64) -> f64 {
    (mix(mix(a, 77), b) >> 11) as f64 / (1u64 << 53) as f64
}

/// Mostly ordinary; each number is rare by itself, and one change in 500 is odd all over.
fn row(n: u64) -> Row {
    let mut row = Row::default();
    let odd = n % 500 == 499;
    for (at, feature) in (0..).zip(Feature::ALL) {
        if odd || share(n, at) < 0.2 {
            row.raise(feature, -share(n + 1, at + 100).ln() + if odd { 5.0 } else { 0.0 });
        }
    }
    row
}

fn about(seed: u64) -> About {
    About { from: 0, to: 86_400_000 * 20, events: 4000, changes: 8000, excluded: 3, seed, data: [7; 32] }
}

fn train(seed: u64, days: u16) -> Result<(Model, Card), TrainingError> {
    taught(seed, days, None)
}

fn taught(seed: u64, days: u16, verdicts: Option<&[Example]>) -> Result<(Model, Card), TrainingError> {
    let (mut spread, mut training) = (Spread::new(28), Training::new(seed, 3.0));
    for n in 0..u64::from(days) * 400 {
        let (day, row) = (u16::try_from(1 + n / 400).unwrap(), row(n));
        let rule = RuleHit { id: "r".into(), title: "r".into(), severity: Severity::High, reason: None };
        let hits: &[RuleHit] = if n % 900 == 0 { &[rule] } else { &[] };
        let scores =
            Scores { tails: Some(1.0), score: row.values().iter().map(|x| f64::from(*x)).sum(), ..Scores::default() };
        if spread.is_settled(day) {
            training.take(&Given { day, group: n / 4, row: &row, quiet: n % 7 == 0, hits, scores: &scores });
        }
        spread.learn(day, &row, n % 2 == 0, hits.iter().map(|hit| &*hit.id));
    }
    training.attacked_on(19);
    training.finish(&spread, about(seed), verdicts, 2)
}

static TRAINED: LazyLock<(Model, Card, Vec<u8>)> = LazyLock::new(|| {
    let (model, card) = train(5, 20).unwrap();
    let bytes = model.to_bytes();
    (model, card, bytes)
});

#[test]
fn a_model_comes_back_from_its_bytes() {
    let (model, _, bytes) = &*TRAINED;
    assert_eq!(&Model::from_bytes(bytes).unwrap(), model);
    let again = train(5, 20).unwrap().0;
    assert!(again.to_bytes() == *bytes, "same input, same bytes");
    let other = train(6, 20).unwrap().0;
    assert!(Kind::ALL.iter().all(|kind| other.scale(*kind) != model.scale(*kind)), "scores of two models are compared");
    assert_ne!(model.scale(Kind::Blend), model.scale(Kind::Forest));
}

/// Incidents are odd by what they could do; other alerts are as odd in all else.
#[test]
fn verdicts_come_back_with_the_model_and_its_references_are_made_with_them() {
    let alert = |n: u64| {
        let mut families = [6.0; Family::COUNT];
        families[Family::Harm as usize] = if n.is_multiple_of(4) { 14.0 } else { 0.0 };
        Example { incident: n.is_multiple_of(4), score: 20.0, families, rules: 0.0 }
    };
    let (plain, _, _) = &*TRAINED;
    let (model, card) = taught(5, 20, Some(&(0..60).map(alert).collect::<Vec<_>>())).unwrap();
    assert!(card.verdicts.as_ref().is_some_and(|verdicts| verdicts.in_use), "{card:?}");
    assert_eq!(Model::from_bytes(&model.to_bytes()).unwrap(), model);
    let differs = |kind| (model.threshold(kind) - plain.threshold(kind)).abs() > 1e-9;
    assert_eq!(Kind::ALL.map(differs), Kind::ALL.map(|kind| kind == Kind::Blend), "only the blend is re-ranked");
    assert!(model.rerank(Kind::Blend).is_some() && model.rerank(Kind::Forest).is_none());
    let told = card.groups_a_day();
    assert!((0.5..=3.0).contains(&told), "{told}: {:?}", card.groups_told);
}

#[test]
fn what_is_no_model_of_ours_is_told() {
    let bytes = &TRAINED.2;
    let told = |bytes: &[u8]| Model::from_bytes(bytes).unwrap_err().to_string();
    assert_eq!(
        told(b"PAR1 and so on"),
        "found 14 bytes that begin with `PAR1 and`, want a model, which begins with TAGWMODL"
    );
    let with = |at: usize, value: u32| {
        let mut bytes = bytes.clone();
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    let layout = format!("found a model of layout version 9, want {LAYOUT_VERSION}: train it anew");
    assert_eq!(told(&with(8, 9)), layout);
    let features = format!("found a model of feature version 4711, want {FEATURES_VERSION}: train it anew");
    assert_eq!(told(&with(12, 4711)), features);
    assert!(told(&bytes[..bytes.len() - 1]).ends_with("the file is damaged or cut short"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn damage_is_found(cut: prop::sample::Index, at: prop::sample::Index, bits in 1..=255_u8) {
        let bytes = &TRAINED.2;
        prop_assert!(Model::from_bytes(&bytes[..cut.index(bytes.len())]).is_err());
        let mut changed = bytes.clone();
        *at.get_mut(&mut changed) ^= bits;
        let error = Model::from_bytes(&changed).unwrap_err();
        prop_assert!(!matches!(error, ModelError::Part { .. }), "{error}");
    }
}

/// The file is as large as those of real archives: 300,000 changes of a company give 1.3 MB.
#[test]
fn a_model_is_quickly_loaded_and_asked() {
    let (model, _, bytes) = &*TRAINED;
    let quickest = |times: u32, run: &mut dyn FnMut()| {
        let one = |_| {
            let began = std::time::Instant::now();
            run();
            began.elapsed()
        };
        (0..times).map(one).min().unwrap()
    };
    let load = quickest(30, &mut || drop(std::hint::black_box(Model::from_bytes(bytes).unwrap())));
    let families = crate::blend::Oddest::of(&row(499), &model.spread).families();
    let forest = quickest(1000, &mut || {
        std::hint::black_box(model.forest(&families));
    });
    let nearest = quickest(1000, &mut || {
        std::hint::black_box(model.nearest(&families));
    });
    eprintln!("{} bytes: loaded in {load:?}, forest {forest:?}, nearest {nearest:?}", bytes.len());
    // The best of many, so that a busy machine does no harm; without optimisation all takes several times as long.
    let slower = if cfg!(debug_assertions) { 10 } else { 1 };
    assert!(load.as_micros() < 5000 * slower, "{load:?}");
    assert!(forest.as_micros() < 8 * slower, "{forest:?}");
}

#[test]
fn the_threshold_lets_through_what_was_asked_for() {
    let (model, card, _) = &*TRAINED;
    assert_eq!(card.groups_told.len(), 14);
    assert!(
        card.groups_told.iter().all(|(day, _)| day != "1970-01-20"),
        "a day with an incident: {:?}",
        card.groups_told
    );
    let mean = card.groups_a_day();
    assert!((0.5..=3.0).contains(&mean), "{mean}: {:?}", card.groups_told);
    assert!(Kind::ALL.iter().all(|kind| model.threshold(*kind) >= crate::surprisal::ORDINARY));
}

#[test]
fn what_is_odd_all_over_is_far_out_by_forest_and_crowds() {
    let model = &TRAINED.0;
    let families = |n| crate::blend::Oddest::of(&row(n), &model.spread).families();
    let (odd, plain) = (families(499), families(8));
    assert!(model.forest(&odd).tail > 3.0, "{:?}", model.forest(&odd));
    assert!(model.forest(&plain).tail < 3.0, "{:?}", model.forest(&plain));
    let distance = |families: &[f32; Family::COUNT]| model.nearest(families).unwrap().distance;
    assert!(model.distance_tail(distance(&odd)) > 3.0 && distance(&odd) > 2.0 * distance(&plain));
}

#[test]
fn the_same_distribution_has_not_moved_and_another_has() {
    let (_, card, _) = &*TRAINED;
    assert!(
        card.shifts.len() == Feature::ALL.len() && card.shifts.iter().all(|shift| shift.psi < 0.1),
        "{:?}",
        card.shifts
    );
    let mut moved = Spread::new(28);
    for n in 0..8000 {
        moved.learn(u16::try_from(1 + n / 400).unwrap(), &row(n / 10 * 500 + 499), true, std::iter::empty());
    }
    let moved = moved.freeze_between(0, u16::MAX).unwrap();
    let shifts = crate::card::shifts(&TRAINED.0.spread, &moved);
    assert!(shifts.iter().all(|shift| shift.psi > 0.25), "{shifts:?}");
}

#[test]
fn too_little_is_told() {
    let told = train(1, 3).unwrap_err().to_string();
    assert_eq!(
        told,
        "found 0 days with 0 changes after the first three, want at least one with 300: give a longer window"
    );
}
