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
        Family::Logging => 2.0,
        Family::S3Protection if lost => 2.5,
        Family::S3Protection => 1.5,
        Family::Kms if lost || word("scheduled") || word("policy") => 2.5,
        Family::Iam if lost && !word("mfa") && !word("boundary") => 1.0,
        Family::Iam => 2.0,
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
