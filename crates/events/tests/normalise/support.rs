//! Building CloudTrail records and writing changes on one line each.

use std::fmt::Write;

use tagwarden_core::{Change, Timestamp};
use tagwarden_events::{Decoder, normalise};

/// A CloudTrail record of one call; `rest` are further members, each with a leading comma.
pub(crate) fn record(source: &str, name: &str, request: &str, response: &str, rest: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/ann","accountId":"111122223333","userName":"ann"}},"eventTime":"2026-03-04T05:06:07Z","eventSource":"{source}.amazonaws.com","eventName":"{name}","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2.1","requestParameters":{request},"responseElements":{response},"eventID":"1a2b3c4d-0000-4000-8000-000000000001","readOnly":false,"eventType":"AwsApiCall","recipientAccountId":"111122223333"{rest}}}"#
    )
}

/// What `text` normalises to, one line per change.
pub(crate) fn lines(text: &str) -> Vec<String> {
    with_changes(text, |changes| changes.iter().map(line).collect())
}

/// Decodes and normalises `text` and hands the changes to `read`.
pub(crate) fn with_changes<T>(text: &str, read: impl FnOnce(&[Change<'_>]) -> T) -> T {
    let mut decoder = Decoder::new();
    let event = decoder.decode(text.as_bytes(), Timestamp(4_000_000_000_000)).expect("a record");
    let mut changes = Vec::new();
    normalise(&event, &mut changes);
    for (at, change) in changes.iter().enumerate() {
        assert_eq!(change.ordinal as usize, at);
    }
    read(&changes)
}

/// `family kind | type | id | arn | name | tags | details`, with `-` for what is absent.
pub(crate) fn line(change: &Change<'_>) -> String {
    let or = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let mut out = format!(
        "{} {} | {} | {} | {} | {} | ",
        change.family,
        change.kind,
        or(&change.resource_type),
        or(&change.resource_id),
        change.resource_arn.as_deref().unwrap_or("-"),
        change.resource_name.as_deref().unwrap_or("-"),
    );
    let tags = &change.tags;
    match tags.operation {
        None => out.push('-'),
        Some(operation) => {
            out.push_str(operation.as_str());
            for (key, value) in &tags.set {
                write!(out, " {key}={value}").expect("text");
            }
            for (key, value) in &tags.remove {
                write!(out, " -{key}").expect("text");
                if let Some(value) = value {
                    write!(out, "={value}").expect("text");
                }
            }
        }
    }
    if tags.partial {
        out.push_str(" partial");
    }
    out.push_str(" |");
    for (name, value) in &change.details {
        write!(out, " {name}={value}").expect("text");
    }
    out
}
