//! One change, weighed: hits, scores and policy become severity and disposition.

use tagwarden_core::{
    Actor, Assessment, Change, Disposition, Enriched, Entry, Event, RuleHit, Scores, Severity, StateDelta, Text,
};

use crate::fields::RowEvent;
use crate::policy::Verdict;
use crate::record::RecordEvent;
use crate::template::presentable;
use crate::windows::Windows;
use crate::{Policy, Rules, Suppression, severity};

/// What is known of one change before it is judged.
#[derive(Debug, Clone, Copy)]
pub struct RowParts<'a> {
    /// The event.
    pub event: &'a Event<'a>,
    /// Who did it.
    pub actor: &'a Actor<'a>,
    /// What was done to which resource.
    pub change: &'a Change<'a>,
    /// What is known around it.
    pub enriched: &'a Enriched<'a>,
}

/// Judges changes one after another; its clock is the events' time.
#[derive(Debug)]
pub struct Judge {
    rules: Rules,
    policy: Policy,
    windows: Windows,
}

impl Judge {
    /// A judge with nothing in its windows.
    ///
    /// # Errors
    /// Every fault of the policy at once, as `path: found X, wanted Y`.
    pub fn new(rules: Rules, policy: Policy) -> Result<Self, Vec<String>> {
        let faults = policy.faults();
        if faults.is_empty() { Ok(Self { rules, policy, windows: Windows::default() }) } else { Err(faults) }
    }

    /// The rules in force.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// As [`Rules::match_event`], with the rules in force.
    pub fn match_event(&mut self, event: &Event<'_>, out: &mut Vec<RuleHit>) {
        self.rules.match_event(event, out);
    }

    /// Judges one change. `event_hits` is what [`Rules::match_event`] found for its event; `rank` hears all hits before
    /// anything follows from the scores, and may add to them.
    pub fn judge(
        &mut self,
        row: RowParts<'_>,
        event_hits: &[RuleHit],
        mut scores: Scores,
        rank: impl FnOnce(&[RuleHit], &mut Scores),
    ) -> Assessment {
        let verdict = self.policy.verdict(row);
        let hits = self.hits(row, event_hits, &verdict, &scores);
        rank(&hits, &mut scores);
        let anomalous = scores.threshold.is_some_and(|threshold| scores.score > threshold);
        let weight = self.weigh(row, &verdict, anomalous, hits.iter());
        let silence = self.silence(row, &verdict, anomalous, &hits, weight.disposition);
        let mut reasons: Vec<String> = Vec::with_capacity(hits.len());
        for hit in &hits {
            reasons.push(hit.reason.clone().unwrap_or_else(|| hit.title.to_string()));
        }
        self.policy_reasons(row, &verdict, &hits, &mut reasons);
        Assessment {
            reasons,
            severity: weight.severity,
            disposition: silence.disposition,
            suppressed_by: silence.by.map(Suppression::by),
            production_critical: weight.production_critical,
            anomalous,
            hits,
            scores,
        }
    }

    /// Rule hits, then correlations, each with its reason filled in.
    fn hits(
        &mut self,
        row: RowParts<'_>,
        event_hits: &[RuleHit],
        verdict: &Verdict<'_>,
        scores: &Scores,
    ) -> Vec<RuleHit> {
        if self.rules.is_empty() {
            return event_hits.to_vec();
        }
        let event = RowEvent { row, record: RecordEvent::new(row.event.record), verdict, scores };
        let mut matched: Vec<u32> = event_hits.iter().filter_map(|hit| self.rules.number(&hit.id)).collect();
        // A witness that confirms a change says nothing that was not judged with that change.
        if row.enriched.confirms.is_none() {
            matched.extend(self.rules.match_change(&event));
            matched.sort_unstable();
        }
        let mut hits = Vec::new();
        let mut fed: Vec<(usize, usize)> = Vec::new();
        for rule in matched.into_iter().filter_map(|number| self.rules.rule(number)) {
            if !rule.silent {
                let reason = rule.reason.as_ref().map(|template| template.fill(&event, 1));
                hits.push(RuleHit { reason, ..rule.hit.clone() });
            }
            fed.extend(&rule.feeds);
        }
        if row.enriched.confirms.is_some() {
            return hits;
        }
        fed.sort_unstable();
        // What counts matches counts a change once, however many of its rules matched; a sequence takes each step.
        fed.dedup_by(|a, b| {
            a.0 == b.0 && self.rules.correlations().get(a.0).is_some_and(|c| !c.correlation.takes_steps())
        });
        let mut fired = None;
        for (at, place) in fed {
            let Some(counted) = self.rules.correlations().get(at).filter(|_| fired != Some(at)) else { continue };
            if !counted.on_change && row.change.ordinal > 0 {
                continue;
            }
            let correlation = &counted.correlation;
            let values: Option<Vec<_>> = correlation.group_by.iter().map(|field| event.text(field)).collect();
            let value = correlation.field().map_or(Some(Text::default()), |field| event.text(field));
            let (Some(values), Some(value)) = (values, value) else { continue };
            let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
            let value = correlation.value(place, &value);
            if let Some(count) = self.windows.count(correlation, &values, value, row.event.time.0) {
                let reason = counted.reason.as_ref().map(|template| template.fill(&event, count));
                hits.push(RuleHit { reason, ..counted.hit.clone() });
                fired = Some(at);
            }
        }
        hits
    }

    fn weigh<'h>(
        &self,
        row: RowParts<'_>,
        verdict: &Verdict<'_>,
        anomalous: bool,
        hits: impl Iterator<Item = &'h RuleHit>,
    ) -> Weight {
        let worst = hits.map(|hit| hit.severity).max();
        let denied = row.event.error_code.is_some();
        let protected = !denied && !verdict.protected_keys.is_empty();
        let invalid = !denied && !verdict.invalid_tags.is_empty();
        let mut severity = worst.unwrap_or_else(|| severity::of(row.change));
        if protected {
            severity = severity.max(Severity::High);
        } else if invalid {
            severity = severity.max(Severity::Medium);
        }
        let guarded = worst == Some(Severity::Critical) && self.policy.is_guarded(row.enriched.environment.as_deref());
        let production_critical =
            guarded || verdict.production() && (protected || worst.is_some_and(|worst| worst >= Severity::High));
        let told = worst.is_some_and(|worst| worst >= Severity::Medium) || protected || invalid;
        let disposition = if row.enriched.confirms.is_some() {
            Disposition::ArchiveOnly
        } else if production_critical && !denied && page_worthy(severity, anomalous) && !row.event.kind.is_witness() {
            Disposition::Page
        } else if production_critical || anomalous {
            Disposition::Notify
        } else if told {
            Disposition::Digest
        } else {
            Disposition::ArchiveOnly
        };
        Weight { severity, disposition, production_critical }
    }

    /// What is left of `disposition` where somebody asked for silence.
    ///
    /// Silence about the change as a whole leaves nothing. Silence about rules takes their hits away and weighs the rest
    /// again, so that it never hides another rule's hit, a protected key or an anomaly.
    fn silence(
        &self,
        row: RowParts<'_>,
        verdict: &Verdict<'_>,
        anomalous: bool,
        hits: &[RuleHit],
        disposition: Disposition,
    ) -> Silence<'_> {
        let loud = Silence { disposition, by: None };
        if disposition == Disposition::ArchiveOnly {
            return loud;
        }
        let covering: Vec<_> = self.policy.suppressions.iter().filter(|silence| silence.covers(row)).collect();
        if let Some(whole) = covering.iter().find(|silence| silence.rule.is_none()) {
            return Silence { disposition: Disposition::Suppressed, by: Some(whole) };
        }
        let silenced = |hit: &&RuleHit| covering.iter().find(|silence| silence.silences(hit)).copied();
        let Some(by) = hits.iter().find_map(|hit| silenced(&hit)) else { return loud };
        let heard = hits.iter().filter(|hit| silenced(hit).is_none());
        match self.weigh(row, verdict, anomalous, heard).disposition {
            Disposition::ArchiveOnly => Silence { disposition: Disposition::Suppressed, by: Some(by) },
            left => Silence { disposition: left, by: None },
        }
    }

    /// What the policy found and no rule has said already.
    fn policy_reasons(&self, row: RowParts<'_>, verdict: &Verdict<'_>, hits: &[RuleHit], reasons: &mut Vec<String>) {
        let told = |hit: &RuleHit| {
            self.rules
                .number(&hit.id)
                .and_then(|number| self.rules.rule(number))
                .is_some_and(|rule| rule.reads_protected)
        };
        if !verdict.protected_keys.is_empty() && !hits.iter().any(told) {
            let keys = verdict.protected_keys.join(", ");
            reasons.push(format!("{} may not change the protected tag {keys}", row.actor.key));
        }
        for key in &verdict.invalid_tags {
            let value = row.enriched.tags.iter().find(|tag| tag.key == *key).and_then(|tag| tag.new.as_deref());
            let value = presentable(value.unwrap_or_default());
            let allowed = self.policy.allowed_values.get(key.as_ref()).map(|values| values.join(", "));
            reasons.push(format!("tag {key} is {value}, allowed are {}", allowed.unwrap_or_default()));
        }
    }

    /// Takes back one remembered window; entries of other spaces are left alone.
    pub fn restore(&mut self, entry: &Entry) {
        let rules = &self.rules;
        let known = |id: &str| rules.correlations().iter().any(|counted| counted.correlation.id == id);
        self.windows.restore(entry, known);
    }

    /// Hands out what changed in the windows since the last call, under space `window`.
    pub fn delta(&mut self, out: &mut StateDelta) {
        self.windows.delta(out);
    }
}

/// What the parts come to.
struct Weight {
    severity: Severity,
    disposition: Disposition,
    production_critical: bool,
}

/// What is left after silence, and whose it was if nothing is.
struct Silence<'p> {
    disposition: Disposition,
    by: Option<&'p Suppression>,
}

/// A critical rule pages; so does a rule of level high on a change that is also unlike anything seen here.
fn page_worthy(severity: Severity, anomalous: bool) -> bool {
    severity == Severity::Critical || anomalous && severity >= Severity::High
}
