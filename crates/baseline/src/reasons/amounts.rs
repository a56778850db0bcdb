//! Words for what is counted or timed within the last hours, rather than looked up.

use super::{Scene, quote};
use crate::features::{Feature, Row};

const NEW_HOURS: f64 = 72.0;

impl Scene<'_, '_> {
    /// What a number about the actor or the change says.
    pub(super) fn amount(&self, feature: Feature, row: &Row) -> String {
        let times = f64::from(row.get(feature)).exp();
        let who = self.who();
        let address = quote(self.event.source_ip.as_deref().unwrap_or("an unknown address"));
        match feature {
            Feature::Calls10 => self.more(feature, "calls within 10 minutes"),
            Feature::Calls60 => self.more(feature, "calls within an hour"),
            Feature::Losses10 => self.more(feature, "removals within 10 minutes"),
            Feature::Losses60 => self.more(feature, "removals within an hour"),
            Feature::Refused10 => self.more(feature, "refused calls within 10 minutes"),
            Feature::Refused60 => self.more(feature, "refused calls within an hour"),
            Feature::Resources10 => self.more(feature, "different resources within 10 minutes"),
            Feature::Resources60 => self.more(feature, "different resources within an hour"),
            Feature::Rewrites60 => self.more(feature, "resources with governed tags rewritten within an hour"),
            Feature::Drift => format!("governed tags rewritten within 4 days: {:.0} by {who}", times - 1.0),
            Feature::Travel => format!("from {address}: {who} called from elsewhere {} before", span(12.0 / times)),
            Feature::NewActor => new(&format!("{who} new here"), NEW_HOURS / times),
            Feature::NewKey => new("access key new here", NEW_HOURS / times),
            Feature::Pause => format!("{who} back after a silence: {}", span(24.0 * (times - 1.0))),
            Feature::KeyNetwork if row.get(feature) < 1.5 => {
                format!("access key used from {address}: another address than at first, in the same network")
            }
            Feature::KeyNetwork => format!("access key used from {address}: another network than at first"),
            Feature::KeyTool => format!("access key used by {}: another program than at first", self.agent()),
            Feature::Harm if self.is_harmful() => format!("{}: takes a guard rail away or opens one", self.kind()),
            Feature::ProductionHarm if self.is_harmful() => {
                format!("{}: takes a guard rail away or opens one, in {}", self.kind(), self.environment())
            }
            Feature::Harm | Feature::ProductionHarm | Feature::Governed => self.governed_tag(),
            _ => feature.name().replace('_', " "),
        }
    }

    /// What was odd within the hour and is over; `now` is the feature whose echo it is.
    pub(super) fn earlier(&self, now: Feature, row: &Row) -> String {
        let who = self.who();
        let echo = crate::features::ECHOES.into_iter().find(|(feature, _)| *feature == now);
        let times = f64::from(echo.map_or(0.0, |(_, echo)| row.get(echo))).exp();
        let unusual = |what: &str| format!("within the last hour {what} unusual for {who}");
        match now {
            Feature::Account => unusual("an account"),
            Feature::Region => unusual("a region"),
            Feature::Network => unusual("a network"),
            Feature::Agent | Feature::Tool => unusual("a user agent"),
            Feature::Chain => unusual("a kind of credentials"),
            Feature::SourceIdentity => unusual("a source identity, or none,"),
            Feature::Hours => unusual("a time of day"),
            Feature::Travel => {
                format!("within the last hour two places: calls by {who} {} apart", span(12.0 / times))
            }
            Feature::NewActor => new(&format!("{who} new here"), NEW_HOURS / times),
            Feature::Pause => {
                format!("{who} back within the last hour after a silence: {}", span(24.0 * (times - 1.0)))
            }
            _ => unusual("something"),
        }
    }

    fn kind(&self) -> String {
        self.change.kind.replace('_', " ")
    }

    /// `removals within 10 minutes: 38 by svc-export, at most 6 before`.
    fn more(&self, feature: Feature, what: &str) -> String {
        let (now, most) = crate::actors::Actor::amount(self.known, self.deed, feature);
        let who = self.who();
        match most {
            0 => format!("{what}: {now} by {who}, never several before"),
            most => format!("{what}: {now} by {who}, at most {most} before"),
        }
    }

    /// `Backup: changed by a person, and automation obeys it`.
    fn governed_tag(&self) -> String {
        let governed = self.governed;
        let groups = [
            (&governed.access, "access hangs on it"),
            (&governed.automation, "automation obeys it"),
            (&governed.environment, "it says what is production"),
            (&governed.classification, "it is protected"),
            (&governed.accounting, "accounting goes by it"),
        ];
        let by = if self.deed.human { "a person" } else { "a program" };
        for (keys, why) in groups {
            let among = |key: &str| keys.iter().any(|known| known.eq_ignore_ascii_case(key));
            let changed = |op| op != tagwarden_core::TagOp::Unchanged;
            if let Some(tag) = self.enriched.tags.iter().find(|tag| changed(tag.op) && among(&tag.key)) {
                return format!("tag {}: changed by {by}, and {why}", quote(&tag.key));
            }
        }
        format!("a governed tag changed by {by}")
    }
}

fn new(what: &str, known_for: f64) -> String {
    if known_for < 0.02 {
        format!("{what}: its first call")
    } else {
        format!("{what}: first seen {} ago", span(known_for))
    }
}

/// A length of time, in the unit that people would say it in.
fn span(hours: f64) -> String {
    let of = |n: f64, unit: &str| format!("{n:.0} {unit}{}", if n.round() > 1.0 { "s" } else { "" });
    if hours < 1.5 {
        of((hours * 60.0).max(1.0), "minute")
    } else if hours < 36.0 {
        of(hours, "hour")
    } else {
        of(hours / 24.0, "day")
    }
}

#[cfg(test)]
mod tests {
    use super::{new, span};

    #[test]
    fn lengths_of_time_read_well() {
        let spans = [0.0, 0.2, 1.0, 1.6, 30.0, 40.0, 984.0].map(span);
        assert_eq!(spans, ["1 minute", "12 minutes", "60 minutes", "2 hours", "30 hours", "2 days", "41 days"]);
        assert_eq!(new("access key new here", 0.0166), "access key new here: its first call");
        assert_eq!(new("access key new here", 5.0), "access key new here: first seen 5 hours ago");
    }
}
