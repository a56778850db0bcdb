//! What a kind of change could do at worst, before anything was learned.

use tagwarden_core::{Change, Enriched, Event, Family};

/// What letting everybody in, or a stranger, or giving all rights adds.
const OPENED: f64 = 1.5;

/// Words of kinds of change that take something away.
const LOSSES: [&str; 9] =
    ["removed", "deleted", "stopped", "disabled", "deactivated", "left", "archived", "terminated", "detached"];

/// From 0, the daily work, to about 5, a guard rail taken away for everybody.
pub(crate) fn harm(change: &Change<'_>, enriched: &Enriched<'_>) -> f64 {
    let word = |wanted: &str| change.kind.split('_').any(|word| word == wanted);
    let lost = change.family != Family::Tags && change.kind.split('_').any(|word| LOSSES.contains(&word));
    // Who else gets at it, or where else it goes.
    let ways_out = || {
        let words = ["sharing", "share", "shared", "permission", "policy", "access", "subscription", "subscribed"];
        let out = ["export", "exported", "destination", "replication", "mirror", "peering", "presigned", "password"];
        words.into_iter().chain(out).any(word)
    };
    // What is left when all else is gone.
    let last_copy = || ["backup", "recovery", "snapshot", "vault", "replication"].into_iter().any(word);
    let by_kind: f64 = match change.family {
        Family::Logging if lost => 3.0,
        Family::Logging if word("created") || word("started") => 0.5,
        Family::S3Protection if lost => 2.5,
        Family::S3Protection => 1.5,
        Family::Kms if lost || word("scheduled") || word("policy") => 2.5,
        Family::Iam if lost && word("organization") => 3.0,
        Family::Iam if lost && !word("mfa") && !word("boundary") => 1.0,
        Family::Logging | Family::Iam => 2.0,
        Family::SecurityGroup if word("opened") || word("rules") => 1.5,
        Family::Network if word("flow") && lost => 3.0,
        Family::Workload | Family::Network if !lost && ways_out() => 1.0,
        Family::Workload if word("log") && (lost || word("retention")) => 2.0,
        Family::Workload if lost && last_copy() => 2.0,
        Family::Workload if word("command") || word("ssh") || word("tunnel") => 1.0,
        Family::SignIn if word("recovery") => 2.0,
        Family::Instance if word("launched") => 1.0,
        _ if lost => 1.0,
        _ => 0.0,
    };
    let says = |name: &str| change.detail(name) == Some("true");
    let anybody = says("principal_star") && !says("principal_star_conditional")
        || change.detail("principal") == Some("*")
            && ["source_account", "source_arn", "organization"].iter().all(|limit| change.detail(limit).is_none());
    let open = says("public") || says("world_open") || anybody;
    let stranger = enriched.other_accounts.iter().any(|other| other.let_in && !other.known);
    let all_powerful = change.family == Family::Iam
        && (says("allows_star") || change.details.iter().any(|(_, value)| value.contains("AdministratorAccess")));
    by_kind + OPENED * [open, stranger, all_powerful].map(|is| f64::from(u8::from(is))).iter().sum::<f64>()
}

/// Whether the call changes nothing by itself: a read, or a sign-in.
pub fn quiet(event: &Event<'_>, change: &Change<'_>) -> bool {
    event.read_only || matches!(change.family, Family::SignIn | Family::Read)
}

#[cfg(test)]
mod tests {
    use tagwarden_core::{Change, Enriched, Family, OtherAccount, TagEdit, Text};

    fn harm_to(others: &[bool], family: Family, kind: &'static str, details: &[(&'static str, &'static str)]) -> f64 {
        let other = |known: &bool| OtherAccount { id: "999999999999".into(), known: *known, let_in: true };
        let change = Change {
            ordinal: 0,
            family,
            kind,
            resource_type: Text::default(),
            resource_id: Text::default(),
            resource_arn: None,
            resource_name: None,
            tags: TagEdit::default(),
            details: details.iter().map(|(key, value)| (*key, Text::Borrowed(*value))).collect(),
        };
        super::harm(&change, &Enriched { other_accounts: others.iter().map(other).collect(), ..Enriched::default() })
    }

    fn harm(family: Family, kind: &'static str, details: &[(&'static str, &'static str)]) -> f64 {
        harm_to(&[], family, kind, details)
    }

    #[test]
    fn what_takes_a_guard_rail_away_is_worse_than_what_puts_one_up() {
        let worst_first = [
            harm(Family::Iam, "policy_attached", &[("policy_arn", "arn:aws:iam::aws:policy/AdministratorAccess")]),
            harm(Family::Logging, "trail_stopped", &[]),
            harm(Family::Logging, "trail_changed", &[]),
            harm(Family::Iam, "user_deleted", &[]),
            harm(Family::Logging, "trail_created", &[]),
            harm(Family::Tags, "tags_changed", &[]),
        ];
        assert!(worst_first.windows(2).all(|pair| pair[0] > pair[1]), "{worst_first:?}");
        assert!(harm(Family::Tags, "tags_changed", &[]) == 0.0, "the daily work");
        let guards = harm(Family::Iam, "organization_policy_detached", &[]);
        assert!(guards > harm(Family::Iam, "policy_detached", &[]), "a guard rail of the whole company");
        let copies = harm(Family::Workload, "recovery_point_deleted", &[]);
        assert!(copies > harm(Family::Workload, "queue_deleted", &[]), "the last copy");
    }

    #[test]
    fn what_opens_to_all_is_worse() {
        for (family, kind, how) in [
            (Family::SecurityGroup, "ingress_opened", "world_open"),
            (Family::S3Protection, "bucket_acl_changed", "public"),
            (Family::S3Protection, "bucket_policy_changed", "principal_star"),
            (Family::Iam, "inline_policy_changed", "allows_star"),
        ] {
            let (closed, open) = (harm(family, kind, &[]), harm(family, kind, &[(how, "true")]));
            assert!(open > closed, "{kind}: {open} {closed}");
        }
        let invoked = |limits: &[_]| {
            let details = [&[("principal", "*")], limits].concat();
            harm(Family::Workload, "function_permission_added", &details)
        };
        assert!(invoked(&[]) > invoked(&[("source_arn", "arn:aws:s3:::data")]), "only from one bucket");
        assert!(invoked(&[]) > invoked(&[("organization", "o-1")]), "only from the own company");
        let conditional = [("principal_star", "true"), ("principal_star_conditional", "true")];
        assert!(
            harm(Family::S3Protection, "bucket_policy_changed", &conditional)
                <= harm(Family::S3Protection, "bucket_policy_changed", &[]),
            "everybody, but only on a condition"
        );
        assert!(
            harm(Family::Iam, "mfa_removed", &[]) > harm(Family::Iam, "user_removed", &[]),
            "a second factor is a guard"
        );
    }

    #[test]
    fn a_stranger_is_worse_than_a_neighbour() {
        let shared = |others: &[bool]| harm_to(others, Family::Workload, "snapshot_sharing_changed", &[]);
        assert!(shared(&[true, false]) > shared(&[true]));
        assert!(shared(&[true]) <= shared(&[]));
    }
}
