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
    for (name, value) in &mut change.details {
        redact_value(name, value);
    }
    for (key, value) in &mut change.tags.set {
        redact_value(key, value);
    }
    for (key, value) in &mut change.tags.remove {
        if let Some(value) = value {
            redact_value(key, value);
        }
    }
    if let Some(name) = &mut change.resource_name {
        redact_value("", name);
    }
}

/// Replaces `value` if `name` says that it is a secret, else the secrets inside it by their form: what [`redact`] does
/// to each tag, for values that come from elsewhere (the tag store).
pub fn redact_value(name: &str, value: &mut Text<'_>) {
    if names::is_secret(name) {
        *value = MASK.into();
    } else if let Some(clean) = values::scrub(value) {
        *value = clean.into();
    }
}

#[cfg(test)]
mod tests {
    use super::redact_value;

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
            let mut text = value.into();
            redact_value(name, &mut text);
            assert_eq!(text, wanted, "{name}={value}");
        }
    }
}
