//! What is thought of a change.

use std::sync::Arc;

use crate::change::words;

words! {
    /// How bad it would be, if it is bad.
    Severity {
        /// Worth a record.
        Info = "info",
        /// Worth a look some day.
        Low = "low",
        /// Worth a look today.
        Medium = "medium",
        /// Worth a look now.
        High = "high",
        /// Worth waking somebody.
        Critical = "critical",
    }
}

words! {
    /// What is done about a change.
    Disposition {
        /// Stored only.
        ArchiveOnly = "archive_only",
        /// Told once a day.
        Digest = "digest",
        /// Told now.
        Notify = "notify",
        /// Told now, loudly.
        Page = "page",
        /// Would have been told; somebody asked for silence.
        Suppressed = "suppressed",
    }
}

/// A rule that matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleHit {
    /// The rule's `id`, else its title.
    pub id: Arc<str>,
    /// The rule's title.
    pub title: Arc<str>,
    /// The rule's level.
    pub severity: Severity,
    /// One sentence in words about this change, if the rule has one.
    pub reason: Option<String>,
}

/// What a second model, which decides nothing, says of one change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shadow {
    /// Its score, in nats.
    pub score: f64,
    /// Share of its own reference's changes that were less unusual, 0..=100.
    pub percentile: f64,
}

/// Families of features whose tails make the score.
pub const FAMILIES: usize = 12;

/// What a score is the sum of, in nats.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Parts {
    /// By family, what the tail of its oddest feature gives.
    pub families: [f64; FAMILIES],
    /// By family, its share of what the forest gives.
    pub forest: [f64; FAMILIES],
    /// What the distance to the nearest crowd gives.
    pub distance: f64,
    /// What a call that changes nothing is worth less; 0 or below.
    pub quiet: f64,
    /// As [`Scores::rules`].
    pub rules: f64,
    /// As [`Scores::rerank`].
    pub rerank: f64,
}

impl Parts {
    /// The score.
    pub fn sum(&self) -> f64 {
        self.by_family().iter().sum::<f64>() + self.distance + self.quiet + self.rules + self.rerank
    }

    /// What each family gives, by its tail and by the forest.
    pub fn by_family(&self) -> [f64; FAMILIES] {
        let mut all = self.families;
        all.iter_mut().zip(self.forest).for_each(|(sum, forest)| *sum += forest);
        all
    }
}

/// What the baseline says of one change. Scores are natural logarithms (nats) unless a name says otherwise.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scores {
    /// Share of the reference days' changes that were less unusual, 0..=100; `None` until there is a reference.
    pub percentile: Option<f64>,
    /// The score that the percentile is taken of; higher is more unusual.
    pub score: f64,
    /// Of the isolation forest.
    pub forest: Option<f64>,
    /// Of the calibrated tails.
    pub tails: Option<f64>,
    /// By family of features, the tail of the oddest; all 0 until there is a reference.
    pub families: [f32; FAMILIES],
    /// What the rules that hit add to the score.
    pub rules: f64,
    /// What verdicts on earlier alerts add to the score, below 0 what they take from it.
    pub rerank: f64,
    /// What `score` is the sum of, where that was asked for.
    pub parts: Option<Parts>,
    /// Plain sum of the surprisals.
    pub surprisal_sum: f64,
    /// Distance to the nearest core point of the crowds of changes.
    pub peer_distance: Option<f64>,
    /// The actors that do the same job, in words.
    pub peer_group: Option<String>,
    /// The score above which a change is anomalous; `None` until there is a reference.
    pub threshold: Option<f64>,
    /// What the model in the shadow says; `None` without one, and while too little is known.
    pub shadow: Option<Shadow>,
    /// Why, in words, most telling first; at most three.
    pub reasons: Vec<String>,
    /// How many of `reasons`, from the first on, say more of this change than a rule that hit.
    pub leading: usize,
}

/// Rule hits, scores, reasons and what follows from them.
#[derive(Debug, Clone)]
pub struct Assessment {
    /// The rules that matched.
    pub hits: Vec<RuleHit>,
    /// What the baseline says.
    pub scores: Scores,
    /// Why the change stands out, in words: what leads of the baseline's, then rules, then the baseline's rest.
    pub reasons: Vec<String>,
    /// The worst of the hits, or what the call is worth by itself.
    pub severity: Severity,
    /// What is done.
    pub disposition: Disposition,
    /// By whom and until when, if suppressed.
    pub suppressed_by: Option<String>,
    /// Production before or after, and a rule of severity high or a protected key.
    pub production_critical: bool,
    /// Above the threshold.
    pub anomalous: bool,
}

impl Assessment {
    /// Takes in why the baseline finds the change unusual, most telling first: the first `leading` go before what rules
    /// and policy say of it, the others behind.
    pub fn explain(&mut self, reasons: Vec<String>, leading: usize) {
        let (first, rest) = reasons.split_at(leading.min(reasons.len()));
        self.reasons.splice(..0, first.iter().cloned());
        self.reasons.extend_from_slice(rest);
        (self.scores.reasons, self.scores.leading) = (reasons, leading);
    }
}

impl Default for Assessment {
    fn default() -> Self {
        Self {
            hits: Vec::new(),
            scores: Scores::default(),
            reasons: Vec::new(),
            severity: Severity::Info,
            disposition: Disposition::ArchiveOnly,
            suppressed_by: None,
            production_critical: false,
            anomalous: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Assessment;

    #[test]
    fn what_leads_goes_before_the_rules_and_the_rest_behind() {
        let explained = |leading| {
            let mut judged = Assessment { reasons: vec!["rule".to_owned()], ..Assessment::default() };
            judged.explain(vec!["a".to_owned(), "b".to_owned()], leading);
            assert_eq!((judged.scores.reasons.len(), judged.scores.leading), (2, leading));
            judged.reasons
        };
        assert_eq!(explained(0), ["rule", "a", "b"]);
        assert_eq!(explained(1), ["a", "rule", "b"]);
        assert_eq!(explained(9), ["a", "b", "rule"]);
    }
}
