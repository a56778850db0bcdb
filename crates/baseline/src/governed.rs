//! Tag keys on which more than a name hangs: who may touch a resource, what automation does to it, who pays.

use tagwarden_core::{Enriched, TagOp};

/// Tag keys by what hangs on them; upper and lower case are the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Governed {
    /// Access rights (attribute-based access control).
    pub access: Vec<String>,
    /// Backup, schedules, patching: what automation obeys.
    pub automation: Vec<String>,
    /// How data is classified.
    pub classification: Vec<String>,
    /// The environment.
    pub environment: Vec<String>,
    /// Owner, cost centre, application.
    pub accounting: Vec<String>,
}

impl Governed {
    fn steps(&self, key: &str) -> f64 {
        let among = |keys: &[String]| keys.iter().any(|known| known.eq_ignore_ascii_case(key));
        let groups = [
            (2.0, &self.access),
            (1.5, &self.automation),
            (1.0, &self.environment),
            (1.0, &self.classification),
            (0.5, &self.accounting),
        ];
        groups.into_iter().find(|(_, keys)| among(keys)).map_or(0.0, |(steps, _)| steps)
    }

    pub(crate) fn holds(&self, key: &str) -> bool {
        self.steps(key) > 0.0
    }

    /// What the weightiest governed tag of the change is worth; one whose old value is unknown may be the same again.
    pub(crate) fn weight(&self, enriched: &Enriched<'_>) -> f64 {
        let worth = |tag: &tagwarden_core::TagDelta<'_>| match tag.op {
            TagOp::Unchanged => 0.0,
            TagOp::Modified | TagOp::Removed => self.steps(&tag.key),
            TagOp::Added | TagOp::Unknown => 0.7 * self.steps(&tag.key),
        };
        enriched.tags.iter().map(worth).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::Governed;
    use tagwarden_core::{Enriched, TagDelta, TagOp};

    fn weight(tags: &[(&'static str, TagOp)]) -> f64 {
        let keys = |key: &str| vec![key.to_owned()];
        let governed = Governed {
            access: keys("Project"),
            automation: keys("Backup"),
            environment: keys("Environment"),
            accounting: keys("CostCenter"),
            ..Governed::default()
        };
        let delta = |(key, op): &(&'static str, TagOp)| TagDelta { key: (*key).into(), old: None, new: None, op: *op };
        governed.weight(&Enriched { tags: tags.iter().map(delta).collect(), ..Enriched::default() })
    }

    #[test]
    fn who_may_touch_it_weighs_more_than_who_pays() {
        let heaviest_first = ["PROJECT", "Backup", "environment", "CostCenter", "Name"];
        let weights = heaviest_first.map(|key| weight(&[(key, TagOp::Modified)]));
        assert!(weights.windows(2).all(|pair| pair[0] > pair[1]), "{weights:?}");
        assert!(weights[4] == 0.0);
    }

    #[test]
    fn the_weightiest_tag_counts_and_what_may_be_the_same_again_weighs_less() {
        let cost = weight(&[("CostCenter", TagOp::Removed)]);
        let both = [("CostCenter", TagOp::Removed), ("Project", TagOp::Modified)];
        assert!(weight(&both) > cost && (weight(&both) - weight(&both[1..])).abs() < 1e-9);
        assert!(weight(&[("CostCenter", TagOp::Unknown)]) < cost);
        assert!(weight(&[("Project", TagOp::Unchanged)]) == 0.0);
    }
}
