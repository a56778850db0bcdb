//! What a call is worth by itself, before any rule.

use tagwarden_core::{Change, Family, Severity};

/// The severity of a change that no rule hits.
///
/// Taking a guard rail away is `medium`, touching one or granting something is `low`, the daily work is `info`.
pub(crate) fn of(change: &Change<'_>) -> Severity {
    let word = |wanted: &str| change.kind.split('_').any(|word| word == wanted);
    let lost = || ["removed", "deleted", "stopped", "disabled"].into_iter().any(word);
    match change.family {
        Family::Logging | Family::S3Protection | Family::Kms if lost() => Severity::Medium,
        Family::Logging | Family::S3Protection | Family::Kms => Severity::Low,
        Family::Iam if !lost() && (word("created") || word("attached") || word("granted")) => Severity::Low,
        Family::SecurityGroup if word("opened") => Severity::Low,
        Family::Network if lost() => Severity::Low,
        _ => Severity::Info,
    }
}
