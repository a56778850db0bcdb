//! What a kind of change could do at worst, before anything was learned.

use tagwarden_core::{Change, Event, Family};

/// From 0, the daily work, to about 4, a guard rail taken away for everybody.
pub(crate) fn harm(change: &Change<'_>) -> f64 {
    let word = |wanted: &str| change.kind.split('_').any(|word| word == wanted);
    let lost = change.family != Family::Tags && {
        let losses = ["removed", "deleted", "stopped", "disabled", "deactivated", "left", "archived", "terminated"];
        change.kind.split('_').any(|word| losses.contains(&word))
    };
    let by_kind: f64 = match change.family {
        Family::Logging if lost => 3.0,
        Family::Logging if word("created") || word("started") => 0.5,
        Family::S3Protection if lost => 2.5,
        Family::S3Protection => 1.5,
        Family::Kms if lost || word("scheduled") || word("policy") => 2.5,
        Family::Iam if lost && !word("mfa") && !word("boundary") => 1.0,
        Family::Logging | Family::Iam => 2.0,
        Family::SecurityGroup if word("opened") || word("rules") => 1.5,
        Family::Network if word("flow") && lost => 3.0,
        Family::Workload if word("sharing") || word("permission") || word("policy") => 1.0,
        Family::Workload if word("log") && (lost || word("retention")) => 2.0,
        Family::Instance if word("launched") => 1.0,
        _ if lost => 1.0,
        _ => 0.0,
    };
    let says = |name: &str| change.detail(name) == Some("true");
    let open = if says("public") || says("world_open") { 1.5 } else { 0.0 };
    let all_powerful = change.family == Family::Iam
        && (says("admin") || change.details.iter().any(|(_, value)| value.contains("AdministratorAccess")));
    by_kind + open + if all_powerful { 1.5 } else { 0.0 }
}

/// Whether the call changes nothing by itself: a read, or a sign-in.
pub(crate) fn quiet(event: &Event<'_>, change: &Change<'_>) -> bool {
    event.read_only || matches!(change.family, Family::SignIn | Family::Read)
}

#[cfg(test)]
mod tests {
    use tagwarden_core::{Change, Family, TagEdit, Text};

    fn harm(family: Family, kind: &'static str, details: &[(&'static str, &'static str)]) -> f64 {
        super::harm(&Change {
            ordinal: 0,
            family,
            kind,
            resource_type: Text::default(),
            resource_id: Text::default(),
            resource_arn: None,
            resource_name: None,
            tags: TagEdit::default(),
            details: details.iter().map(|(key, value)| (*key, Text::Borrowed(*value))).collect(),
        })
    }

    #[test]
    fn what_takes_a_guard_rail_away_is_worse_than_what_puts_one_up() {
        let worst_first = [
            harm(Family::Iam, "policy_attached", &[("policy", "arn:aws:iam::aws:policy/AdministratorAccess")]),
            harm(Family::Logging, "trail_stopped", &[]),
            harm(Family::Logging, "trail_changed", &[]),
            harm(Family::Iam, "user_deleted", &[]),
            harm(Family::Logging, "trail_created", &[]),
            harm(Family::Tags, "tags_changed", &[]),
        ];
        assert!(worst_first.windows(2).all(|pair| pair[0] > pair[1]), "{worst_first:?}");
        assert!(harm(Family::Tags, "tags_changed", &[]) == 0.0, "the daily work");
    }

    #[test]
    fn what_opens_to_all_is_worse() {
        for (family, kind) in [(Family::SecurityGroup, "port_opened"), (Family::S3Protection, "bucket_policy_changed")]
        {
            let (closed, open) =
                (harm(family, kind, &[("public", "false")]), harm(family, kind, &[("public", "true")]));
            assert!(open > closed, "{kind}: {open} {closed}");
        }
        assert!(
            harm(Family::Iam, "mfa_removed", &[]) > harm(Family::Iam, "user_removed", &[]),
            "a second factor is a guard"
        );
    }
}
