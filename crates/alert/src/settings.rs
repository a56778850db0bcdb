//! What the operator decides about alerts: routes, windows, limits.

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tagwarden_core::Severity;

/// The `alerts` part of the config. Destinations are named here and described where their notifiers live.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Who is told what. A change that no route matches goes to every destination.
    pub routes: Vec<Route>,
    /// How far apart, in event time, changes of one actor may lie and still be one alert.
    pub group_window: Span,
    /// An event older than this by the delivery clock is told in a digest.
    pub stale_after: Span,
    /// A message that a failing destination has not taken for this long is given up.
    pub expire_after: Span,
    /// The hour of the day (UTC, 0-23) at which the daily digest leaves.
    pub digest_hour: u8,
    /// Opening messages that may wait for one destination; what comes on top is told in a digest.
    pub max_waiting: u32,
    /// Alerts a day (UTC, by the delivery clock) that open at one destination; what comes on top waits for the daily
    /// digest, unless it pages or an alert that was told turns out worse. From a third of it on follow-ups wait, too.
    pub max_a_day: u32,
    /// Address of the runbook; `{rule}` stands for the id of the rule that hit.
    pub runbook_url: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            routes: Vec::new(),
            group_window: Span::minutes(60),
            stale_after: Span::hours(6),
            expire_after: Span::hours(24),
            digest_hour: 8,
            max_waiting: 20,
            max_a_day: 8,
            runbook_url: None,
        }
    }
}

impl Settings {
    /// Every fault against the names of the destinations, as `path: found X, want Y` below `alerts`.
    pub fn faults(&self, destinations: &[String]) -> Vec<String> {
        let mut faults = Vec::new();
        for (i, route) in self.routes.iter().enumerate() {
            if !destinations.contains(&route.destination) {
                faults.push(format!(
                    "routes[{i}].destination: found \"{}\", want one of {}",
                    route.destination,
                    destinations.join(", ")
                ));
            }
            if let Some(tag) = route.tag.as_deref().filter(|tag| !tag.contains('=')) {
                faults.push(format!("routes[{i}].tag: found \"{tag}\", want key=value"));
            }
            // NaN fails this form of the test too.
            if let Some(p) = route.threshold.percentile.filter(|p| !(0.0..=100.0).contains(p)) {
                faults.push(format!("routes[{i}].threshold.percentile: found {p}, want 0 to 100"));
            }
        }
        if self.digest_hour > 23 {
            faults.push(format!("digest_hour: found {}, want 0 to 23", self.digest_hour));
        }
        if self.group_window.millis() == 0 {
            faults.push("group_window: found 0s, want more".to_owned());
        }
        faults
    }
}

/// Sends the changes that match every condition given to one destination.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The environment before or after the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The account's id or name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// `key=value` of a tag that the change names, before or after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The resource's owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// This severity or worse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// The name of a destination.
    pub destination: String,
    /// What matches but lies below this is not told here, nor by default elsewhere.
    #[serde(default)]
    pub threshold: Threshold,
}

/// Reached if either bound that is given is reached; always, if none is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Threshold {
    /// At least this severity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// At least this `anomaly_percentile`, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentile: Option<f64>,
}

/// A length of time in the config: a whole number and one of `ms`, `s`, `m`, `h`, `d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(Duration);

impl Span {
    /// A span of whole minutes.
    pub const fn minutes(n: u64) -> Self {
        Self(Duration::from_secs(n * 60))
    }

    /// A span of whole hours.
    pub const fn hours(n: u64) -> Self {
        Self::minutes(n * 60)
    }

    /// The span as the standard library has it.
    pub const fn duration(self) -> Duration {
        self.0
    }

    pub(crate) fn millis(self) -> i64 {
        i64::try_from(self.0.as_millis()).unwrap_or(i64::MAX)
    }

    /// The span that `text` says.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let n: u64 = number.parse().ok()?;
        let ms = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        // A thousand years: longer spans would leave the range of dates.
        let total = n.checked_mul(ms).filter(|t| *t <= 31_536_000_000_000)?;
        Some(Self(Duration::from_millis(total)))
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = self.0.as_millis();
        let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")];
        let (size, unit) = units.into_iter().find(|(size, _)| ms > 0 && ms.is_multiple_of(*size)).unwrap_or((1, "ms"));
        write!(f, "{}{unit}", ms / size)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom(format!("found \"{text}\", want a span such as \"10m\"")))
    }
}

#[cfg(test)]
mod tests {
    use super::{Route, Settings, Span, Threshold};

    #[test]
    fn spans_read_as_they_print() {
        for text in ["250ms", "30s", "10m", "6h", "1d", "0ms", "90m"] {
            let span = Span::parse(text).unwrap();
            assert_eq!(span.to_string(), text);
        }
        assert_eq!(Span::parse("10m"), Some(Span::minutes(10)));
        for text in ["", "10", "m", "-1s", "1.5h", "10 m", "99999999999999999d"] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_empty_config_is_the_default_and_unknown_keys_are_faults() {
        assert_eq!(serde_json::from_str::<Settings>("{}").unwrap(), Settings::default());
        assert!(serde_json::from_str::<Settings>(r#"{"group_windows":"10m"}"#).is_err());
        let text = r#"{"group_window":"5m","routes":[{"environment":"prod","destination":"soc","threshold":{"severity":"high"}}]}"#;
        let settings: Settings = serde_json::from_str(text).unwrap();
        assert_eq!(settings.group_window, Span::minutes(5));
        assert_eq!(settings.routes.len(), 1);
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let route = Route {
            destination: "nowhere".into(),
            tag: Some("team".into()),
            threshold: Threshold { percentile: Some(f64::NAN), severity: None },
            ..Route::default()
        };
        let settings = Settings { routes: vec![route], digest_hour: 24, ..Settings::default() };
        assert_eq!(settings.faults(&["soc".into()]).len(), 4);
        assert_eq!(Settings::default().faults(&[]), Vec::<String>::new());
    }
}
