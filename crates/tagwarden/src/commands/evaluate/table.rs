//! The figures as text for people.

use std::fmt::Write;

use tagwarden_baseline::evaluate::{Delays, Metrics};
use tagwarden_baseline::thousands;
use tagwarden_core::Timestamp;

use super::compare::Comparison;
use super::witness::Judged;

/// A heading, our figures, scenarios, and a line for each scorer.
pub(super) fn text(comparison: &Comparison, judged: &Judged, until: Timestamp) -> String {
    let ours = &comparison.ours.metrics;
    let mut out = String::new();
    for (name, value) in figures(comparison, judged, until) {
        line(&mut out, format_args!("{name:<44}{value}"));
    }
    line(&mut out, format_args!("\n{:<28}{:>9}{:>10}   95 % interval at 10 a day", "scenario", "at 10", "at 20"));
    for (scenario, shares) in &ours.per_scenario {
        let [ten, twenty] = [10, 20].map(|budget| shares.get(&budget));
        let of = |share: Option<&tagwarden_baseline::evaluate::Share>| {
            share.map_or("-".into(), |share| format!("{}/{}", share.found, share.of))
        };
        let interval = ten.map_or(String::new(), |share| format!("{:.2} to {:.2}", share.low, share.high));
        line(&mut out, format_args!("{scenario:<28}{:>9}{:>10}   {interval}", of(ten), of(twenty)));
    }
    let heads = ["AP", "AP by incident", "recall at 5/10/20", "false groups per 10k at 70/80/90 %"];
    line(&mut out, format_args!("\n{:<20}{:>7}{:>16}{:>21}{:>38}", "compared", heads[0], heads[1], heads[2], heads[3]));
    for scorer in comparison.all() {
        let [ap, weighted, recall, wrong] = row(&scorer.metrics);
        line(&mut out, format_args!("{:<20}{ap:>7}{weighted:>16}{recall:>21}{wrong:>38}", scorer.name));
    }
    out.push('\n');
    out
}

/// Writing to a string can't fail, so the result is not looked at.
fn line(out: &mut String, what: std::fmt::Arguments<'_>) {
    let _written = writeln!(out, "{what}");
}

/// What there is to say of ours, by name.
pub(super) fn figures(comparison: &Comparison, judged: &Judged, until: Timestamp) -> Vec<(&'static str, String)> {
    let ours = &comparison.ours.metrics;
    let told = comparison.explanations;
    let twins = ours.twin_groups_alerted.values().map(ToString::to_string).collect::<Vec<_>>().join(" / ");
    let [ap, weighted, recall, wrong] = row(ours);
    let days = judged.span.map_or(0.0, |(_, last)| (last.0 - until.0) as f64 / 86_400_000.0);
    let delays = |delays: &Option<Delays>| match delays {
        Some(Delays { median_min, p90_min, at_first_event, at_first_change }) => {
            let [event, change] = [at_first_event, at_first_change].map(|share| share * 100.0);
            format!(
                "median {median_min:.1} min, p90 {p90_min:.1} min, {event:.0} % at the first event, {change:.0} % at the \
                 first that changes something"
            )
        }
        None => "-".to_owned(),
    };
    vec![
        ("learned from", format!("{} events before {}", number(judged.learned), moment(until))),
        ("judged", format!("{} events of {days:.1} days, {} groups", number(ours.events), number(ours.groups))),
        ("to be found", format!("{} incidents of {} events", ours.incidents, number(ours.malicious_events))),
        ("average precision, with equal incidents", format!("{ap}, {weighted}")),
        ("incident recall at 5/10/20 groups a day", recall),
        ("  by an event of the incident itself", shares(ours.recall_own_event.values())),
        ("false groups per 10k events at 70/80/90 %", wrong),
        ("time to detect at 80 % recall", delays(&ours.time_to_detect.at_80_recall)),
        ("time to detect at 10 groups a day", delays(&ours.time_to_detect.at_10_a_day)),
        ("benign twins told of at 5/10/20 a day", twins),
        (
            "first reason of a field unlike the twins'",
            format!("{} of {} found at 10 a day ({} in three reasons)", told.hits, told.of, told.hits_in_three),
        ),
    ]
}

fn number(count: usize) -> String {
    thousands(count as u64)
}

/// A day's beginning as a date, any other time in full.
pub(super) fn moment(time: Timestamp) -> String {
    if time.of_day() == 0 { time.date() } else { time.to_string() }
}

/// AP, AP with equal incidents, recall by budget, false groups by recall.
pub(super) fn row(metrics: &Metrics) -> [String; 4] {
    let one = |x: Option<f64>| x.map_or("-".to_owned(), |x| format!("{x:.3}"));
    let wrong = metrics.false_groups_per_10k.values();
    let wrong = wrong.map(|x| x.map_or("-".to_owned(), |x| format!("{x:.1}"))).collect::<Vec<_>>().join(" / ");
    [one(metrics.ap), one(metrics.ap_incident_weighted), shares(metrics.recall.values()), wrong]
}

fn shares<'x>(shares: impl Iterator<Item = &'x Option<f64>>) -> String {
    shares.map(|x| x.map_or("-".to_owned(), |x| format!("{x:.2}"))).collect::<Vec<_>>().join(" / ")
}
