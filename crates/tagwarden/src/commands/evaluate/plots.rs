//! Plots as SVG, drawn by hand: lines in a square of shares, bars with whiskers.

use std::collections::BTreeMap;
use std::fmt::Write;

use tagwarden_baseline::evaluate::{MOST_A_DAY, Share};

/// Points from left to right, both in data units.
pub(super) type Line = Vec<(f64, f64)>;

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 50.0;
const BOTTOM: f64 = 42.0;
const EDGE: f64 = 20.0;

/// Recall at 1, 2, .. groups a day as points.
pub(super) fn by_budget(recall: &[f64]) -> Line {
    (1..).map(f64::from).zip(recall.iter().copied()).collect()
}

/// Recall against groups a day.
pub(super) fn recall(lines: &[Line]) -> String {
    let most = MOST_A_DAY as f64;
    let ticks: Vec<(f64, String)> = [1, 10, 20, 30, 40, 50].map(|n| (f64::from(n), n.to_string())).into();
    square(lines, (1.0, most), &ticks, "groups a day", "incident recall")
}

/// Precision against recall. Each precision holds back to the recall before it, so the area below a line is its average
/// precision; a straight line between two points would promise what no threshold gives.
pub(super) fn precision(lines: &[Line]) -> String {
    let lines: Vec<Line> = lines.iter().map(|line| stairs(line)).collect();
    let ticks: Vec<(f64, String)> = (0..=5).map(|n| (f64::from(n) / 5.0, percent(f64::from(n) / 5.0))).collect();
    square(&lines, (0.0, 1.0), &ticks, "recall", "precision")
}

fn stairs(line: &[(f64, f64)]) -> Line {
    let mut before = 0.0;
    let step = |(x, y): &(f64, f64)| {
        let from = std::mem::replace(&mut before, *x);
        [(from, *y), (*x, *y)]
    };
    line.iter().flat_map(step).collect()
}

fn square(lines: &[Line], (from, to): (f64, f64), ticks: &[(f64, String)], below: &str, beside: &str) -> String {
    let x = |value: f64| LEFT + (value - from) / (to - from) * (WIDTH - LEFT - EDGE);
    let y = |share: f64| EDGE + (1.0 - share) * (HEIGHT - EDGE - BOTTOM);
    let mut out = opening(WIDTH, HEIGHT, &format!("{beside} against {below}"));
    for step in 0..=5 {
        let share = f64::from(step) / 5.0;
        let at = y(share);
        let right = WIDTH - EDGE;
        put(&mut out, format_args!(r#"<line class="grid" x1="{LEFT}" y1="{at:.1}" x2="{right}" y2="{at:.1}"/>"#));
        let (left, middle) = (LEFT - 6.0, at + 4.0);
        put(&mut out, format_args!(r#"<text x="{left}" y="{middle:.1}" text-anchor="end">{}</text>"#, percent(share)));
    }
    for (value, name) in ticks {
        let (at, under) = (x(*value), HEIGHT - BOTTOM + 16.0);
        put(&mut out, format_args!(r#"<text x="{at:.1}" y="{under}" text-anchor="middle">{}</text>"#, escaped(name)));
    }
    let (middle, under) = (f64::midpoint(LEFT, WIDTH - EDGE), HEIGHT - 8.0);
    put(&mut out, format_args!(r#"<text x="{middle:.1}" y="{under}" text-anchor="middle">{}</text>"#, escaped(below)));
    // The first line is drawn last, above the others.
    for (at, line) in lines.iter().enumerate().rev() {
        let points: Vec<String> = line.iter().map(|(a, b)| format!("{:.1},{:.1}", x(*a), y(*b))).collect();
        put(&mut out, format_args!(r#"<polyline class="line c{at}" points="{}"/>"#, points.join(" ")));
    }
    out.push_str("</svg>");
    out
}

/// A bar per scenario: found at ten groups a day, at twenty behind it, and the interval at ten.
pub(super) fn scenarios(shares: &BTreeMap<String, BTreeMap<u32, Share>>) -> String {
    const NAMES: f64 = 190.0;
    const COUNTS: f64 = 70.0;
    const ROW: f64 = 26.0;
    const ALL: f64 = 940.0;
    let height = shares.len() as f64 * ROW + 24.0;
    let length = ALL - NAMES - COUNTS;
    let mut out = opening(ALL, height, "share of incidents found, by scenario");
    for step in 0..=4 {
        let share = f64::from(step) / 4.0;
        let (at, under) = (NAMES + share * length, height - 20.0);
        put(&mut out, format_args!(r#"<line class="grid" x1="{at:.1}" y1="0" x2="{at:.1}" y2="{under}"/>"#));
        let low = height - 4.0;
        put(&mut out, format_args!(r#"<text x="{at:.1}" y="{low}" text-anchor="middle">{}</text>"#, percent(share)));
    }
    let none = Share::new(0, 0);
    for (at, (name, shares)) in shares.iter().enumerate() {
        let top = at as f64 * ROW;
        let [ten, twenty] = [10, 20].map(|budget| shares.get(&budget).copied().unwrap_or(none));
        let part = |share: Share| share.found as f64 / share.of.max(1) as f64 * length;
        let (end, line) = (NAMES - 10.0, top + 17.0);
        let name = escaped(name);
        put(&mut out, format_args!(r#"<text class="name" x="{end}" y="{line}" text-anchor="end">{name}</text>"#));
        for (class, width) in [("more", part(twenty)), ("bar", part(ten))] {
            let upper = top + 6.0;
            put(
                &mut out,
                format_args!(
                    r#"<rect class="{class}" x="{NAMES}" y="{upper}" width="{width:.1}" height="14" rx="2"/>"#
                ),
            );
        }
        let (low, high, middle) = (NAMES + ten.low * length, NAMES + ten.high * length, top + 13.0);
        let (over, under) = (middle - 4.0, middle + 4.0);
        let path = format!("M{low:.1},{over}V{under}M{low:.1},{middle}H{high:.1}M{high:.1},{over}V{under}");
        put(&mut out, format_args!(r#"<path class="whisker" d="{path}"/>"#));
        let right = ALL - COUNTS + 10.0;
        let (found, of) = (ten.found, ten.of);
        put(&mut out, format_args!(r#"<text x="{right}" y="{line}">{found} of {of}</text>"#));
    }
    out.push_str("</svg>");
    out
}

fn opening(width: f64, height: f64, says: &str) -> String {
    format!(r#"<svg viewBox="0 0 {width} {height}" role="img" aria-label="{}">"#, escaped(says)) + "\n"
}

/// Writing to a string can't fail, so the result is not looked at.
fn put(out: &mut String, what: std::fmt::Arguments<'_>) {
    let _written = writeln!(out, "{what}");
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// Text that may stand in HTML and in an attribute.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::{Share, by_budget, escaped, recall, scenarios, stairs};
    use std::collections::BTreeMap;

    #[test]
    fn a_lines_ends_are_the_plots_corners() {
        let drawn = recall(&[by_budget(&[0.0; 50].map(|_: f64| 0.0)), vec![(1.0, 0.0), (50.0, 1.0)]]);
        // Left and bottom edge, then right and top.
        assert!(drawn.contains(r#"class="line c1" points="50.0,258.0 440.0,20.0""#), "{drawn}");
        assert!(drawn.find("line c1") < drawn.find("line c0"), "ours is drawn last");
    }

    #[test]
    fn the_area_below_the_stairs_is_the_average_precision() {
        let drawn = stairs(&[(0.5, 1.0), (1.0, 0.4)]);
        let area: f64 =
            drawn.windows(2).map(|ends| (ends[1].0 - ends[0].0) * f64::midpoint(ends[0].1, ends[1].1)).sum();
        assert_eq!((area, drawn.len()), (0.5 * 1.0 + 0.5 * 0.4, 4));
    }

    #[test]
    fn names_cant_break_the_page() {
        assert_eq!(escaped(r#"<b a="1">&"#), "&lt;b a=&quot;1&quot;&gt;&amp;");
        let shares = BTreeMap::from([(10, Share::new(1, 2)), (20, Share::new(2, 2))]);
        let drawn = scenarios(&BTreeMap::from([("<script>".to_owned(), shares)]));
        assert!(!drawn.contains("<script>") && drawn.contains("1 of 2"), "{drawn}");
    }
}
