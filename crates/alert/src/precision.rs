//! How often what alerts are told for is worth telling, by the verdicts.

use std::collections::BTreeMap;

use crate::{JudgedAlert, RuleName};

/// What an alert was told for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Anything.
    Any,
    /// A rule hit one of its changes.
    Rule(RuleName),
    /// One of its changes was anomalous, whatever rules hit.
    Anomalous,
    /// One of its changes was anomalous, and no rule hit any.
    AnomalousAlone,
}

/// The verdicts on the alerts that were told for one cause.
#[derive(Debug, Clone, PartialEq)]
pub struct Precision {
    /// The cause.
    pub cause: Cause,
    /// Alerts by the verdict that holds, in the order of [`Verdict::ALL`](crate::Verdict::ALL).
    pub verdicts: [u64; 3],
}

impl Precision {
    /// Alerts with a verdict.
    pub fn judged(&self) -> u64 {
        self.verdicts.iter().sum()
    }

    /// Alerts that were true positives.
    pub fn true_positives(&self) -> u64 {
        self.verdicts[0]
    }

    /// True positives among the judged, 0..=1; `None` without any judged.
    pub fn share(&self) -> Option<f64> {
        (self.judged() > 0).then(|| self.true_positives() as f64 / self.judged() as f64)
    }

    /// The 95 % interval of [`share`](Self::share), 0..=1: from `0..=1`, without any judged, it narrows with each verdict.
    ///
    /// Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    pub fn interval(&self) -> (f64, f64) {
        /// The normal distribution's 97.5 % quantile.
        const Z: f64 = 1.959_963_984_540_054;
        let Some(share) = self.share() else { return (0.0, 1.0) };
        let n = self.judged() as f64;
        let square = Z * Z / n;
        let middle = (share + square / 2.0) / (1.0 + square);
        let half = Z / (1.0 + square) * (share * (1.0 - share) / n + square / (4.0 * n)).sqrt();
        ((middle - half).max(0.0), (middle + half).min(1.0))
    }
}

/// For all alerts, for what was anomalous, then for each rule that hit any, by title. Alerts without a verdict don't count.
pub fn precision(alerts: &[JudgedAlert]) -> Vec<Precision> {
    let mut all =
        [Cause::Any, Cause::Anomalous, Cause::AnomalousAlone].map(|cause| Precision { cause, verdicts: [0; 3] });
    let mut by_rule: BTreeMap<(&str, &str), Precision> = BTreeMap::new();
    for alert in alerts {
        let Some(verdict) = alert.verdict() else { continue };
        let place = verdict as usize;
        let counts = [true, alert.anomalous, alert.anomalous && alert.rules.is_empty()];
        for (precision, counts) in all.iter_mut().zip(counts) {
            precision.verdicts[place] += u64::from(counts);
        }
        for rule in &alert.rules {
            let new = || Precision { cause: Cause::Rule(rule.clone()), verdicts: [0; 3] };
            by_rule.entry((&rule.title, &rule.id)).or_insert_with(new).verdicts[place] += 1;
        }
    }
    all.into_iter().chain(by_rule.into_values()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Cause, Precision};

    #[test]
    fn the_interval_is_wilsons() {
        let interval = |good: u64, bad: u64| Precision { cause: Cause::Any, verdicts: [good, bad, 0] }.interval();
        let near = |(low, high): (f64, f64), wanted: (f64, f64)| {
            assert!((low - wanted.0).abs() < 5e-4 && (high - wanted.1).abs() < 5e-4, "{low} {high}, wanted {wanted:?}");
        };
        // Worked out beside this from the same formula, with 64-bit floats.
        near(interval(8, 2), (0.4902, 0.9433));
        near(interval(0, 10), (0.0, 0.2775));
        near(interval(10, 0), (0.7225, 1.0));
        near(interval(0, 0), (0.0, 1.0));
        for bad in 0..200 {
            assert!(interval(0, bad).0 >= 0.0 && interval(bad, 0).1 <= 1.0, "{bad}");
        }
    }
}
