//! What must not leave `detect`: secrets told by the name of their member and by their form.

mod names;
mod raw;
mod values;

use tagwarden_core::{Change, Text};

pub use raw::redact_raw;

/// What stands in place of a secret.
pub(crate) const MASK: &str = "***";

/// Replaces secrets in details and tag values by `***`, and nothing else.
pub fn redact(change: &mut Change<'_>) {
    let details = change.details.iter_mut().map(|(name, value)| (*name, value));
    let set = change.tags.set.iter_mut().map(|(key, value)| (&**key, value));
    let remove = change.tags.remove.iter_mut().filter_map(|(key, value)| Some((&**key, value.as_mut()?)));
    let name = change.resource_name.iter_mut().map(|name| ("", name));
    for (name, value) in details.chain(set).chain(remove).chain(name) {
        if let Some(clean) = redacted(name, value) {
            *value = clean;
        }
    }
}

/// What has to stand in place of `value`: `***` if `name` says that it is a secret, else the text without the secrets
/// inside it; `None` where there is none. What [`redact`] does to each tag, for values that come from elsewhere (the
/// tag store).
pub fn redacted(name: &str, value: &str) -> Option<Text<'static>> {
    if names::is_secret(name) {
        return (value != MASK).then_some(MASK.into());
    }
    values::scrub(value).map(Text::Owned)
}

#[cfg(test)]
mod tests {
    use super::redacted;

    #[test]
    fn names_and_forms_are_both_looked_at() {
        let cases = [
            ("password", "hunter2", "***"),
            ("db_password", "hunter2", "***"),
            ("SecretAccessKey", "x", "***"),
            ("access_key_id", "AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
            ("Environment", "prod", "prod"),
            ("password_reset_required", "true", "true"),
            ("note", "password=hunter2; port=22", "password=***; port=22"),
            ("description", "open 22 for bob", "open 22 for bob"),
            ("note", "postgres://app:s3cr3t@db.internal/x", "postgres://app:***@db.internal/x"),
            ("note", "see https://wiki.example.com:8080/a@b", "see https://wiki.example.com:8080/a@b"),
            ("cidr", "0.0.0.0/0,::/0", "0.0.0.0/0,::/0"),
        ];
        for (name, value, wanted) in cases {
            assert_eq!(redacted(name, value).as_deref().unwrap_or(value), wanted, "{name}={value}");
        }
    }
}
