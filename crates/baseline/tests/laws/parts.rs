//! A score is the sum of its parts, whatever scores and whatever was asked before.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use tagwarden_baseline::{About, Baseline, Example, Family, Kind, Model, Settings, Training};
use tagwarden_core::{Parts, Scores, Severity};

use crate::build::{DAY, HOUR, Made, routine, with};

/// Of a place where now and then a call or a network is new. Verdicts taught it that alerts are incidents where much could
/// be harmed.
pub(crate) static MODEL: LazyLock<Arc<Model>> = LazyLock::new(|| {
    let (mut baseline, mut training) = (with(Settings::default()), Training::new(3, 3.0));
    for n in 0..1000 {
        let made = Made::ordinary(["ana", "ben"][usize::from(n % 2 == 1)], n / 100 * DAY + n % 100 * HOUR / 5);
        let made = made.tag("Environment", Some("dev"), Some("stage"));
        let made = if n % 10 == 9 { made.action(&format!("New{n}")) } else { made };
        let made = if n % 20 == 5 { Made { ip: format!("198.{}.100.9", n / 20), ..made } } else { made };
        let scores = made.judged_by(&mut baseline);
        made.with(|event, actor, _, enriched| {
            baseline.train(&mut training, event, actor, enriched, &made.hits, &scores);
        });
        made.learnt_by(&mut baseline, &scores);
    }
    let about = About { from: 0, to: 10 * DAY, events: 1000, changes: 1000, excluded: 0, seed: 3, data: [0; 32] };
    let alert = |n: usize| {
        let incident = n.is_multiple_of(4);
        let mut families = [6.0; Family::COUNT];
        families[Family::Harm as usize] = if incident { 14.0 } else { 0.0 };
        Example { incident, score: 20.0, families, rules: 0.0 }
    };
    let alerts: Vec<Example> = (0..60).map(alert).collect();
    let (model, card) = baseline.trained(training, about, Some(&alerts), 1).expect("a model");
    assert!(card.verdicts.is_some_and(|verdicts| verdicts.in_use));
    Arc::new(model)
});

/// Settled; without a model where the kind is none.
static SETTLED: LazyLock<[Baseline; 4]> = LazyLock::new(|| {
    [None, Some(Kind::Blend), Some(Kind::Forest), Some(Kind::Dbscan)].map(|kind| {
        let mut baseline = with(Settings { kind: kind.unwrap_or(Kind::Blend), ..Settings::default() });
        if kind.is_some() {
            baseline.judge_by(Arc::clone(&MODEL));
        }
        routine(&mut baseline, 14);
        baseline
    })
});

fn taken_apart(made: &Made, baseline: &mut Baseline) -> (Scores, Parts) {
    let mut scores = made.judged_by(baseline);
    baseline.take_apart(&mut scores);
    let parts = scores.parts.expect("parts of what has a score");
    (scores, parts)
}

fn made() -> impl Strategy<Value = Made> {
    let word = |all: &'static [&'static str]| prop::sample::select(all);
    let who = word(&["ana@example.net", "ben@example.net", "eve@example.net"]);
    let place = (word(&["203.0.113.7", "198.51.100.9"]), word(&["eu-central-1", "sa-east-1"]));
    let what = (word(&["CreateTags", "DeleteTags", "StopLogging"]), word(&["stage", "prd", "x"]));
    let rule = prop::option::of(word(&["low", "high"]));
    (who, place, what, rule, any::<bool>(), 0..DAY / HOUR).prop_map(|(who, place, what, rule, read_only, hour)| {
        let made =
            Made::ordinary(who, 14 * DAY + hour * HOUR).action(what.0).tag("Environment", Some("dev"), Some(what.1));
        let made = match rule {
            Some("low") => made.hit("r", Severity::Low),
            Some(_) => made.hit("r", Severity::High),
            None => made,
        };
        Made { ip: place.0.to_owned(), region: place.1.to_owned(), read_only, ..made }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_score_is_the_sum_of_its_parts(made in made()) {
        for (baseline, model) in SETTLED.iter().zip([false, true, true, true]) {
            let (scores, parts) = taken_apart(&made, &mut baseline.clone());
            prop_assert!((parts.sum() - scores.score).abs() < 1e-6, "{parts:?} {scores:?}");
            let parts_of_families = [parts.families, parts.forest].concat();
            prop_assert!(parts_of_families.iter().all(|part| *part >= 0.0) && parts.quiet <= 0.0, "{parts:?}");
            prop_assert!(parts.rules >= 0.0 && (made.hits.is_empty() || parts.rules > 0.0), "{parts:?}");
            prop_assert!(made.read_only || parts.quiet == 0.0, "{parts:?}");
            prop_assert!(model || parts.forest.iter().all(|part| *part == 0.0), "{parts:?}");
        }
    }

    #[test]
    fn parts_and_reasons_are_the_same_in_any_order(mades in prop::collection::vec(made(), 2..12)) {
        let mut baseline = SETTLED[1].clone();
        let said: Vec<_> = mades.iter().map(|made| taken_apart(made, &mut baseline)).collect();
        let mut turned: Vec<_> = mades.iter().rev().map(|made| taken_apart(made, &mut baseline)).collect();
        turned.reverse();
        prop_assert_eq!(said, turned);
    }
}

/// What is odd in one family only is what the forest speaks of.
#[test]
fn the_forest_s_part_goes_to_what_is_odd() {
    let odd = Made { ip: "198.51.100.9".to_owned(), ..Made::ordinary("ana@example.net", 14 * DAY + HOUR) };
    let odd = odd.tag("Environment", Some("dev"), Some("stage"));
    let (_, parts) = taken_apart(&odd, &mut SETTLED[1].clone());
    let forest: f64 = parts.forest.iter().sum();
    assert!(forest > 0.0 && parts.forest[Family::Network as usize] > forest / 2.0, "{parts:?}");
}

/// The tag is a little odder, but the forest has seen new calls and cuts this one off early.
#[test]
fn the_first_reason_is_of_the_family_that_gives_most() {
    let odd = Made::ordinary("ana@example.net", 14 * DAY + HOUR).action("DeleteTags");
    let odd = odd.tag("Environment", Some("dev"), Some("prd"));
    let (scores, parts) = taken_apart(&odd, &mut SETTLED[1].clone());
    let [tags, what] = [Family::Tags, Family::What].map(|family| family as usize);
    assert!(scores.families[tags] > scores.families[what], "{scores:?}");
    assert!(parts.by_family()[what] > parts.by_family()[tags], "{parts:?}");
    assert!(
        scores.reasons[0].starts_with("DeleteTags: ") && scores.reasons[1].starts_with("Environment "),
        "{scores:?}"
    );
}
