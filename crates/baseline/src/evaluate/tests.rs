//! Figures worked out by hand, and what must hold of all.

use proptest::prelude::*;

use super::{Case, Incident, Judged, Label, MOST_A_DAY, OneHot, Place, curves, explanations, field, measure, random};
use tagwarden_core::Timestamp;

/// Second, actor, and an attack as `Some((number, true))` or a twin as `Some((number, false))`.
type Short = (i64, usize, Option<(usize, bool)>);

fn judged(cases: &[Short]) -> Judged {
    let case = |&(second, actor, label): &Short| Case {
        time: Timestamp::from_seconds(second),
        actor,
        quiet: false,
        label: label.map(|(incident, malicious)| Label { incident, malicious }),
    };
    Judged {
        actors: (0..40).map(|actor| format!("actor-{actor}")).collect(),
        incidents: (0..8).map(|n| Incident { name: format!("i{n}"), scenario: format!("s{}", n % 2) }).collect(),
        cases: cases.iter().map(case).collect(),
    }
}

fn close(found: Option<f64>, wanted: f64) {
    let found = found.expect("a figure");
    assert!((found - wanted).abs() < 1e-12, "found {found}, want {wanted}");
}

/// Two attacks and a twin: three groups, of 9, 7 and 1.
fn small() -> (Judged, Vec<f64>) {
    let cases = [
        (0, 0, Some((0, true))),
        // The hour after the first event holds its last second, not the one after.
        (3600, 0, None),
        (3601, 0, Some((1, true))),
        (100, 1, Some((2, false))),
        (200, 1, None),
    ];
    (judged(&cases), vec![5.0, 9.0, 1.0, 7.0, 3.0])
}

#[test]
fn a_small_case_worked_out_by_hand() {
    let (judged, scores) = small();
    let found = measure(&judged, &scores);
    assert_eq!((found.events, found.incidents, found.malicious_events), (5, 2, 2));
    assert_eq!((found.groups, found.groups_with_incident), (3, 2));
    // Malicious in the third and the fifth place: (1/3 + 2/5) / 2.
    close(found.ap, 11.0 / 30.0);
    close(found.ap_incident_weighted, 11.0 / 30.0);
    // Two of two are needed for 70 %, and the twin's group is seen before the second: 1 of 5 events.
    for target in [70, 80, 90] {
        close(found.false_groups_per_10k[&target], 2000.0);
    }
    close(found.recall[&5], 1.0);
    assert_eq!(found.twin_groups_alerted[&5], 1);
    assert_eq!(found.per_scenario.keys().collect::<Vec<_>>(), ["s0", "s1"], "the twin's scenario is no attack");
    assert_eq!((found.per_scenario["s1"][&10].found, found.per_scenario["s1"][&10].of), (1, 1));
    let told = found.time_to_detect.at_80_recall.unwrap();
    close(Some(told.at_first_event), 1.0);
}

#[test]
fn a_group_holds_for_an_hour_and_no_longer() {
    let groups = |second| measure(&judged(&[(0, 0, None), (second, 0, None)]), &[1.0, 1.0]).groups;
    assert_eq!((groups(3600), groups(3601)), (1, 2));
}

#[test]
fn an_attack_with_many_events_weighs_as_much_as_one_with_a_single() {
    let cases = [
        (0, 0, Some((0, true))),
        (1, 0, Some((0, true))),
        (2, 0, Some((0, true))),
        (3, 1, None),
        (4, 2, Some((1, true))),
    ];
    let found = measure(&judged(&cases), &[5.0, 4.0, 3.0, 2.0, 1.0]);
    close(found.ap, 3.0 / 4.0 + 1.0 / 4.0 * 4.0 / 5.0);
    // Weights 2/3, 2/3, 2/3 and 2, in all 4: half the way is made at precision 1, half at 4 of 5.
    close(found.ap_incident_weighted, 0.5 + 0.5 * 4.0 / 5.0);
}

#[test]
fn equal_scores_are_one_step() {
    let cases = [(0, 0, Some((0, true))), (1, 1, None), (2, 2, None), (3, 3, None)];
    close(measure(&judged(&cases), &[0.0; 4]).ap, 0.25);
}

#[test]
fn who_only_looks_around_first_is_told_of_at_the_first_change() {
    let mut judged = judged(&[(0, 0, Some((0, true))), (600, 0, Some((0, true))), (1200, 0, Some((0, true)))]);
    judged.cases[0].quiet = true;
    let told = |scores: [f64; 3]| {
        let delays = measure(&judged, &scores).time_to_detect.at_80_recall.unwrap();
        (delays.at_first_event, delays.at_first_change)
    };
    assert_eq!(told([1.0, 9.0, 9.0]), (0.0, 1.0));
    assert_eq!(told([1.0, 8.0, 9.0]), (0.0, 0.0));
    assert_eq!(told([9.0, 1.0, 9.0]), (1.0, 1.0));
}

/// Eleven groups of others above an attack's first events; its group is told of for a later one.
#[test]
fn time_runs_from_the_attacks_first_event_to_the_first_over_the_cut() {
    let mut cases = vec![(0, 0, Some((0, true))), (600, 0, Some((0, true))), (1200, 0, Some((0, true)))];
    let mut scores = vec![1.0, 4.0, 8.0];
    for other in 1..12 {
        cases.push((50, other, None));
        scores.push(5.0);
    }
    let found = measure(&judged(&cases), &scores);
    // At ten a day the cut is 5, which the third event reaches: 20 minutes.
    let told = found.time_to_detect.at_10_a_day.unwrap();
    assert_eq!((told.median_min, told.p90_min, told.at_first_event), (20.0, 20.0, 0.0));
    // The group is the first of all, so 80 % are reached at its own score.
    assert_eq!(found.time_to_detect.at_80_recall, Some(told));
    close(found.false_groups_per_10k[&80], 0.0);
}

#[test]
fn a_group_told_of_for_anothers_event_is_not_found_by_its_own() {
    let mut cases = vec![(0, 0, Some((0, true))), (10, 0, None)];
    let mut scores = vec![1.0, 9.0];
    for other in 1..5 {
        cases.push((50, other, None));
        scores.push(5.0);
    }
    let found = measure(&judged(&cases), &scores);
    close(found.recall[&5], 1.0);
    close(found.recall_own_event[&5], 0.0);
}

#[test]
fn a_budget_counts_by_day() {
    // Five better groups on the attack's day; on the next day it is alone.
    let mut cases: Vec<_> = (1..6).map(|other| (50, other, None)).collect();
    cases.push((60, 0, Some((0, true))));
    cases.push((86_400, 0, Some((1, true))));
    let scores = [9.0, 9.0, 9.0, 9.0, 9.0, 1.0, 0.5];
    let judged = judged(&cases);
    let found = measure(&judged, &scores);
    close(found.recall[&5], 0.5);
    close(found.recall[&10], 1.0);
    let drawn = curves(&judged, &scores);
    assert_eq!(drawn.recall.len(), MOST_A_DAY);
    assert_eq!(drawn.recall[..7], [0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 1.0]);
    // 1 of 6, then 2 of 7.
    let ends = (drawn.precision.first().copied(), drawn.precision.last().copied());
    assert_eq!(ends, (Some((0.0, 0.0)), Some((1.0, 2.0 / 7.0))));
}

/// The 95 % interval of 8 in 10, as textbooks have it.
#[test]
fn intervals_are_wilsons() {
    let share = super::Share::new(8, 10);
    assert!((share.low - 0.4902).abs() < 5e-5 && (share.high - 0.9433).abs() < 5e-5, "{share:?}");
    let none = super::Share::new(0, 0);
    assert_eq!((none.low, none.high), (0.0, 1.0));
}

#[test]
fn without_an_attack_there_is_no_figure() {
    let found = measure(&judged(&[(0, 0, None)]), &[1.0]);
    assert_eq!((found.ap, found.recall[&5], found.false_groups_per_10k[&80]), (None, None, None));
    assert_eq!(found.time_to_detect.at_10_a_day, None);
}

#[test]
fn an_attack_is_explained_by_what_its_twins_do_not_show() {
    // Attack 0 and the twins 2 and 4 are of one scenario; attack 1 has no twin.
    let cases = [
        (0, 0, Some((0, true))),
        (1, 0, Some((0, true))),
        (2, 1, Some((1, true))),
        (3, 2, Some((2, false))),
        (4, 3, Some((4, false))),
    ];
    let judged = judged(&cases);
    let scores = [1.0, 5.0, 4.0, 3.0, 2.0];
    let found = |fields: [&[&str]; 5]| {
        let fields = fields.map(|of_case| of_case.iter().map(|field| (*field).to_owned()).collect::<Vec<_>>());
        let found = explanations(&judged, &scores, &fields.each_ref().map(Vec::as_slice));
        assert_eq!(found.of, 1);
        (found.hits, found.hits_in_three)
    };
    let region = found([&["hours"], &["region"], &["region"], &["region"], &["network"]]);
    assert_eq!(region, (0, 0), "the worst event says `region`, as half of the twins do");
    let alone = found([&["hours"], &["region"], &["region"], &["hours"], &["network"]]);
    assert_eq!(alone, (1, 1), "no twin's worst event says `region`");
    let second = found([&[], &["region", "tag"], &[], &["region"], &["region", "hours"]]);
    assert_eq!(second, (0, 1), "what the twins do not say comes second");
    let fourth = found([&[], &["a", "b", "c", "tag"], &[], &["a", "b", "c"], &["a", "c", "b"]]);
    assert_eq!(fourth, (0, 0), "nobody reads the fourth");
    assert_eq!(found([&["tag"], &[], &[], &["region"], &[]]), (0, 0), "nothing said explains nothing");
}

#[test]
fn a_reasons_field_is_what_it_is_about() {
    let cases = [
        ("region eu-north-1: first time by ana (41 calls known, last today)", "region"),
        ("within the last hour a region unusual for ana", "region"),
        ("denied StopLogging: 0 of 4,210 calls in account prod", "denied action"),
        ("StopLogging: 0 of 4,210 calls in account prod", "action"),
        ("region eu → us: 0 of 4,210 changes of region in account prod", "tag"),
        ("tag key env: first time by ana", "tag"),
        ("tags changed (EC2 Instance): first time by ana", "resource type"),
        ("rule added for 0.0.0.0/0: 0 of 12 changes", "address range"),
        ("from 203.0.113.7 (203.0.0.0/16): first time by ana", "network"),
        ("from 203.0.113.7: ana called from elsewhere 20 minutes before", "travel"),
        ("access key used from 203.0.113.7: another network than at first", "address of an access key"),
        ("trail created, its home region us-east-1: 0 of 3 such changes in account prod", "trail created"),
        ("trail stopped: takes a guard rail away or opens one", "harm"),
        ("something new 17 times", "something new ## times"),
    ];
    for (reason, wanted) in cases {
        assert_eq!(field(reason), wanted, "{reason}");
    }
}

#[test]
fn the_one_hot_forest_finds_what_is_rare_but_not_what_is_new() {
    let mut forest = OneHot::default();
    for n in 0..30_000 {
        let actor = ["ana", "ben", "cleo", "dan"][n % 4];
        let region = if n % 50 == 0 { "ap-south-1" } else { "eu-west-1" };
        forest.learn(Place::of(["DescribeInstances", "1", region, actor, "dev"]));
    }
    let usual = Place::of(["DescribeInstances", "1", "eu-west-1", "ana", "dev"]);
    let rare = Place::of(["DescribeInstances", "1", "ap-south-1", "ana", "dev"]);
    let new = Place::of(["StopLogging", "1", "eu-west-1", "ana", "dev"]);
    let scores = forest.scores(&[usual, rare, usual, new]).unwrap();
    assert!(scores[1] > scores[0], "{scores:?}");
    assert_eq!(scores[0].to_bits(), scores[2].to_bits());
    assert!(scores[3] <= scores[0], "a column that was never lit is never cut at: {scores:?}");
    assert_eq!(forest.scores(&[rare]).unwrap(), scores[1..2], "the same seed, the same forest");
    assert!(OneHot::default().scores(&[usual]).is_err());
}

#[test]
fn chance_is_even_and_the_same_each_time() {
    let scores = random(10_000, 3);
    assert_eq!(scores, random(10_000, 3));
    assert_ne!(scores, random(10_000, 4));
    let mean = scores.iter().sum::<f64>() / 1e4;
    assert!((mean - 0.5).abs() < 0.02 && scores.iter().all(|x| (0.0..1.0).contains(x)), "{mean}");
}

proptest! {
    #[test]
    fn recall_never_falls_with_the_budget(
        rows in proptest::collection::vec((0_i64..400_000, 0_usize..40, 0_usize..12, any::<bool>(), 0_u8..20), 1..300),
    ) {
        let cases: Vec<_> = rows
            .iter()
            .map(|&(second, actor, incident, malicious, _)| (second, actor, (incident < 8).then_some((incident, malicious))))
            .collect();
        let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.4)).collect();
        let judged = judged(&cases);
        let found = measure(&judged, &scores);
        prop_assert!(found.recall[&5] <= found.recall[&10] && found.recall[&10] <= found.recall[&20]);
        prop_assert!(found.recall_own_event.iter().all(|(budget, own)| *own <= found.recall[budget]));
        let drawn = curves(&judged, &scores).recall;
        prop_assert!(drawn.is_sorted(), "{drawn:?}");
        for budget in [5, 10, 20] {
            let wanted = found.recall[&budget].unwrap_or(0.0);
            prop_assert!((drawn[budget as usize - 1] - wanted).abs() < 1e-12);
        }
        let false_groups: Vec<_> = found.false_groups_per_10k.values().collect();
        prop_assert!(false_groups.is_sorted());
    }
}
