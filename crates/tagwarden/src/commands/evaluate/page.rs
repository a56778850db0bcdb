//! The figures as one page that needs nothing beside it: no script, no font, no picture from elsewhere.

use std::fmt::Write;

use tagwarden_core::Timestamp;

use super::compare::Comparison;
use super::plots::{self, Line};
use super::table::{figures, moment, row};
use super::witness::Judged;

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tagwarden: how well incidents are found</title>
<style>
:root { color-scheme: light dark; --ink: #1d2430; --soft: #5c6675; --rule: #dde2e9; --paper: #fff;
  --s0: #1257c9; --s1: #b4530a; --s2: #0f7f63; --s3: #8b46b5; --s4: #8a929e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf0; --soft: #a0a9b8; --rule: #343b47; --paper: #14181f;
  --s0: #6ea4ff; --s1: #f0a15e; --s2: #4fcfae; --s3: #c795ea; --s4: #8b94a3; } }
body { margin: 0 auto; padding: 2rem 1.25rem 3rem; max-width: 64rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0 .75rem; color: var(--soft); max-width: 46rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 0 2rem; }
.wide { overflow-x: auto; } .wide svg { min-width: 46rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--rule); text-align: right; white-space: nowrap; }
th { color: var(--soft); font-weight: 500; }
th:first-child, td:first-child { text-align: left; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.5rem; margin: .5rem 0; }
dt { color: var(--soft); } dt.of { padding-left: 1rem; } dd { margin: 0; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
svg text.name { fill: var(--ink); }
.grid { stroke: var(--rule); } .axis { stroke: var(--soft); }
.line { fill: none; stroke-width: 1.75; stroke-linejoin: round; }
.line.c0 { stroke-width: 2.75; }
.c0 { stroke: var(--s0); } .c1 { stroke: var(--s1); } .c2 { stroke: var(--s2); } .c3 { stroke: var(--s3); }
.c4 { stroke: var(--s4); stroke-dasharray: 4 3; }
.bar { fill: var(--s0); opacity: .6; } .more { fill: var(--s0); opacity: .25; }
.whisker { stroke: var(--ink); stroke-width: 1.5; fill: none; }
.key { display: inline-block; width: 1.5rem; border-top: 3px solid; vertical-align: middle; margin-right: .5rem; }
.k0 { color: var(--s0); } .k1 { color: var(--s1); } .k2 { color: var(--s2); } .k3 { color: var(--s3); }
.k4 { color: var(--s4); border-top-style: dashed; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .4rem; } }
</style>
</head>
<body>
"#;

/// The whole page.
pub(super) fn page(comparison: &Comparison, judged: &Judged, until: Timestamp) -> String {
    let mut out = HEAD.to_owned();
    let mut put = |what: std::fmt::Arguments<'_>| {
        // Writing to a string can't fail, so the result is not looked at.
        let _written = writeln!(out, "{what}");
    };
    let ours = &comparison.ours.metrics;
    let ten = ours.recall.get(&10).copied().flatten().unwrap_or_default() * ours.incidents as f64;
    put(format_args!("<h1>{ten:.0} of {} incidents found at ten groups a day</h1>", ours.incidents));
    put(format_args!(
        "<p>A group is what one actor did within one hour. Learned from events before {}, then judged in order.</p>",
        moment(until)
    ));
    put(format_args!("<dl>"));
    for (name, value) in figures(comparison, judged, until) {
        // What is set in below a figure is a part of it.
        let class = if name.starts_with(' ') { " class=\"of\"" } else { "" };
        put(format_args!("<dt{class}>{}</dt><dd>{}</dd>", plots::escaped(name.trim()), plots::escaped(&value)));
    }
    put(format_args!("</dl>\n<h2>Beside simpler scorers</h2>\n<div class=\"wide\"><table>"));
    put(format_args!(
        "<tr><th>scorer</th><th>AP</th><th>AP, equal incidents</th><th>recall at 5/10/20 a day</th>\
         <th>false groups per 10k at 70/80/90 %</th></tr>"
    ));
    for (at, scorer) in comparison.all().enumerate() {
        let [ap, weighted, recall, wrong] = row(&scorer.metrics);
        put(format_args!(
            "<tr><td><span class=\"key k{at}\"></span>{}</td><td>{ap}</td><td>{weighted}</td><td>{recall}</td><td>{wrong}</td></tr>",
            plots::escaped(scorer.name)
        ));
    }
    put(format_args!("</table></div>\n<div class=\"plots\">"));
    let recall: Vec<Line> = comparison.all().map(|s| plots::by_budget(&s.curves.recall)).collect();
    put(format_args!("<div><h2>Incidents found, by groups looked at per day</h2>{}</div>", plots::recall(&recall)));
    let precision: Vec<Line> = comparison.all().map(|s| s.curves.precision.clone()).collect();
    put(format_args!("<div><h2>Precision against recall, over events</h2>{}</div>", plots::precision(&precision)));
    put(format_args!("</div>\n<h2>By scenario</h2>"));
    put(format_args!(
        "<p>Share of incidents found at ten groups a day (full), at twenty (pale), with the 95 % interval at ten.</p>\n\
         <div class=\"wide\">{}</div>",
        plots::scenarios(&ours.per_scenario)
    ));
    put(format_args!("</body>\n</html>"));
    out
}
