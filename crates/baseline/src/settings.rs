//! What an operator may set about the baseline.

use serde::{Deserialize, Serialize};

use crate::reference::GROUPS_KEPT;

/// What the score is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The oddest families of features, with a model its forest too.
    #[default]
    Blend,
    /// The model's forest alone.
    Forest,
    /// How far the model's nearest group of ordinary changes is.
    Dbscan,
}

impl Kind {
    /// All of them, in the order in which a model keeps what belongs to each.
    pub(crate) const ALL: [Self; 3] = [Self::Blend, Self::Forest, Self::Dbscan];

    /// The word in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blend => "blend",
            Self::Forest => "forest",
            Self::Dbscan => "dbscan",
        }
    }

    /// Whether there is no score of this kind without a trained model.
    pub const fn needs_model(self) -> bool {
        !matches!(self, Self::Blend)
    }
}

/// How much is learned, and how often it may speak.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What the score is: `blend`, `forest` or `dbscan`; the last two need a model.
    pub kind: Kind,
    /// Groups (one actor within one hour) per day that may lie above the threshold on the reference days, on average.
    pub alerts_per_day: f64,
    /// Days with changes that the percentile and the threshold look back on.
    pub reference_days: u32,
    /// Days with scores that must have ended before there is a percentile or a threshold. Without a model scores begin
    /// on the fifth day.
    pub warm_up_days: u32,
    /// Days of event time for which the model before the one in force goes on scoring beside it; 0 for none.
    pub shadow_days: u32,
    /// Counters kept, at about 40 bytes each; the ones longest unused go first.
    pub max_counters: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            kind: Kind::Blend,
            alerts_per_day: 4.0,
            reference_days: 28,
            warm_up_days: 7,
            shadow_days: 7,
            max_counters: 1_000_000,
        }
    }
}

impl Settings {
    /// What is wrong with the values: the key, and `found X, want Y`. Empty if all is well.
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        // Written so that NaN, which no comparison holds for, is refused too.
        if !(self.alerts_per_day >= 0.0 && self.alerts_per_day <= GROUPS_KEPT as f64) {
            faults.push(("alerts_per_day", format!("found {}, want 0 to {GROUPS_KEPT}", self.alerts_per_day)));
        }
        if !(1..=366).contains(&self.reference_days) {
            faults.push(("reference_days", format!("found {}, want 1 to 366", self.reference_days)));
        }
        if self.warm_up_days == 0 || self.warm_up_days > self.reference_days {
            let (found, most) = (self.warm_up_days, self.reference_days);
            faults.push(("warm_up_days", format!("found {found}, want 1 to reference_days ({most})")));
        }
        if self.shadow_days > 366 {
            faults.push(("shadow_days", format!("found {}, want 0 to 366", self.shadow_days)));
        }
        if self.max_counters < 10_000 {
            faults.push(("max_counters", format!("found {}, want at least 10000", self.max_counters)));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::Settings;

    #[test]
    fn defaults_are_sound_and_odd_values_are_named() {
        assert_eq!(Settings::default().faults(), []);
        let odd = Settings {
            alerts_per_day: f64::NAN,
            reference_days: 0,
            warm_up_days: 9,
            shadow_days: 367,
            max_counters: 1,
            ..Settings::default()
        };
        let keys: Vec<_> = odd.faults().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["alerts_per_day", "reference_days", "warm_up_days", "shadow_days", "max_counters"]);
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(serde_json::from_str::<Settings>(r#"{"alerts_per_day": 5}"#).is_ok());
        assert!(serde_json::from_str::<Settings>(r#"{"alert_per_day": 5}"#).is_err());
    }
}
