//! What really happened, which the simulator alone knows, held against what people were told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use tagwarden_alert::{Ledger, Told};
use tagwarden_core::{Disposition, Timestamp};
use tagwarden_simulate::Spec;

/// An incident, or a harmless act that looks like one.
pub struct Story {
    /// When its first event happened, in milliseconds since 1970 UTC.
    pub begins_ms: i64,
    /// An incident.
    pub malicious: bool,
    scenario: String,
    event_ids: BTreeSet<String>,
}

/// All stories of the spec's company, in the order of their beginning.
pub fn stories(spec: &Spec) -> Vec<Story> {
    let mut stories: BTreeMap<(bool, String), Story> = BTreeMap::new();
    for event in tagwarden_simulate::generate(spec) {
        let Some(truth) = event.truth else { continue };
        let story = stories.entry((truth.malicious, truth.incident)).or_insert_with(|| Story {
            begins_ms: event.time_ms,
            malicious: truth.malicious,
            scenario: truth.scenario,
            event_ids: BTreeSet::new(),
        });
        story.event_ids.insert(truth.event_id);
    }
    let mut stories: Vec<Story> = stories.into_values().collect();
    stories.sort_by_key(|story| story.begins_ms);
    stories
}

/// How people learnt of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    Never,
    InDigest,
    Told,
    Paged,
}

const HOWS: [(How, &str); 4] =
    [(How::Paged, "paged"), (How::Told, "told"), (How::InDigest, "in a digest"), (How::Never, "not told")];

impl Story {
    fn how(&self, told: &[Told]) -> How {
        let mine = told.iter().filter(|change| self.event_ids.contains(event_of(change)));
        let how = mine.map(|change| match (change.digest, change.disposition) {
            (true, _) => How::InDigest,
            (false, Disposition::Page) => How::Paged,
            (false, _) => How::Told,
        });
        how.max().unwrap_or(How::Never)
    }

    fn words(&self) -> &str {
        match self.scenario.as_str() {
            "prod_retagged" => "production tagged as development",
            "mass_untag_leaked_key" => "tags taken off in bulk",
            "group_opened" => "security group opened",
            "iam_user_night" => "IAM user created",
            "logging_off" => "logging switched off",
            "abac_escalation" => "access gained by a tag",
            "cost_rewrite" => "cost centres rewritten",
            "dormant_user" => "long silent user active at night",
            "console_drift" => "pipeline's work edited by hand",
            "slow_retagging" => "tags rewritten a few a day",
            "s3_unprotected" => "bucket protection removed",
            "ci_token_misused" => "pipeline's token used elsewhere",
            "unused_region" => "machines in an unused region",
            "denied_probing" => "rights probed, all denied",
            "kill_switch_tag" => "automation misled by a tag",
            other => other,
        }
    }
}

fn event_of(change: &Told) -> &str {
    change.change_id.rsplit_once('.').map_or(&change.change_id, |(event, _)| event)
}

/// The comparison as lines of text: story by story if `each`, else counted by kind. `days` is how long people were told.
pub fn compare(stories: &[Story], state: &Path, destination: &str, days: f64, each: bool) -> Result<Vec<String>> {
    let told = Ledger::open(state)?.told(destination)?;
    Ok(lines(stories, &told, days, each))
}

fn lines(stories: &[Story], told: &[Told], days: f64, each: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if each {
        for story in stories {
            let kind = if story.malicious { "attack  " } else { "harmless" };
            let (time, how) = (clock(story.begins_ms), word(story.how(told)));
            lines.push(format!("  {time}  {kind}  {:<34}{how}", story.words()));
        }
    } else {
        for malicious in [true, false] {
            let these: Vec<&Story> = stories.iter().filter(|story| story.malicious == malicious).collect();
            lines.push(format!("  {} {}", these.len(), if malicious { "attacks" } else { "harmless look-alikes" }));
            let kinds: BTreeSet<&str> = these.iter().map(|story| story.words()).collect();
            for kind in kinds {
                let hows: Vec<How> = these.iter().filter(|s| s.words() == kind).map(|s| s.how(told)).collect();
                let counted = HOWS.iter().filter_map(|(how, word)| {
                    let n = hows.iter().filter(|h| *h == how).count();
                    (n > 0).then(|| format!("{n} {word}"))
                });
                lines.push(format!("    {kind:<34}{}", counted.collect::<Vec<_>>().join(", ")));
            }
        }
    }
    let ids: BTreeSet<&str> = stories.iter().flat_map(|s| s.event_ids.iter().map(String::as_str)).collect();
    let at_once = || told.iter().filter(|change| !change.digest);
    let of_stories: BTreeSet<&str> =
        at_once().filter(|c| ids.contains(event_of(c))).map(|c| c.alert_id.as_str()).collect();
    let all: BTreeSet<&str> = at_once().map(|c| c.alert_id.as_str()).collect();
    let others = all.difference(&of_stories).count();
    let rate = if each { String::new() } else { format!(" ({:.1} a day)", others as f64 / days.max(1.0)) };
    lines.push(format!("  {} alerts in all, {others} of them about neither{rate}", all.len()));
    lines
}

fn word(how: How) -> &'static str {
    HOWS.iter().find(|(other, _)| *other == how).map_or("", |(_, word)| word)
}

fn clock(ms: i64) -> String {
    Timestamp(ms).to_string().get(11..16).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tagwarden_alert::Told;
    use tagwarden_core::Disposition;
    use tagwarden_simulate::Spec;

    use super::{Story, lines};

    fn story(malicious: bool, event: &str) -> Story {
        let event_ids = BTreeSet::from([event.to_owned()]);
        Story { begins_ms: 3_600_000 * 15, malicious, scenario: "group_opened".into(), event_ids }
    }

    fn told(change: &str, alert: &str, digest: bool, disposition: Disposition) -> Told {
        Told { change_id: change.into(), alert_id: alert.into(), digest, disposition }
    }

    #[test]
    fn every_kind_of_story_has_words_for_people() {
        let stories = super::stories(&Spec::new(7, 30));
        let kinds: BTreeSet<&str> = stories.iter().map(|story| story.scenario.as_str()).collect();
        assert_eq!(kinds.len(), 15, "{kinds:?}");
        let bare: Vec<&str> = stories.iter().map(Story::words).filter(|words| words.contains('_')).collect();
        assert!(bare.is_empty(), "{bare:?}");
    }

    #[test]
    fn a_story_is_told_as_loudly_as_its_loudest_change() {
        let stories = [story(true, "a"), story(false, "b"), story(false, "c"), story(true, "d")];
        let told = [
            told("a.0", "a.0", false, Disposition::Notify),
            told("a.1", "a.0", false, Disposition::Page),
            told("b.0", "b.0", true, Disposition::Digest),
            told("d.0", "x.0", false, Disposition::Notify),
            told("y.0", "y.0", false, Disposition::Notify),
        ];
        let each = [
            "  15:00  attack    security group opened             paged",
            "  15:00  harmless  security group opened             in a digest",
            "  15:00  harmless  security group opened             not told",
            "  15:00  attack    security group opened             told",
            "  3 alerts in all, 1 of them about neither",
        ];
        assert_eq!(lines(&stories, &told, 2.0, true), each);
        let counted = [
            "  2 attacks",
            "    security group opened             1 paged, 1 told",
            "  2 harmless look-alikes",
            "    security group opened             1 in a digest, 1 not told",
            "  3 alerts in all, 1 of them about neither (0.5 a day)",
        ];
        assert_eq!(lines(&stories, &told, 2.0, false), counted);
    }
}
