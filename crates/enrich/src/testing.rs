//! Events and changes for this crate's tests.

use tagwarden_core::{
    Change, Event, EventKind, Family, Identity, SessionIssuer, TagEdit, TagOperation, Text, Timestamp,
};
use tagwarden_json::{Node, Tape};

/// Test data lives as long as the test process.
pub(crate) fn node(json: &str) -> Node<'static> {
    let tape = Box::leak(Box::new(Tape::new()));
    tape.parse(Box::leak(json.to_owned().into_boxed_str())).unwrap()
}

pub(crate) fn event() -> Event<'static> {
    Event {
        id: "e1".into(),
        key: 1,
        shared_id: None,
        kind: EventKind::ApiCall,
        time: Timestamp::parse("2026-03-04T10:00:00Z").unwrap(),
        account_id: "111122223333".into(),
        region: "eu-west-1".into(),
        source: "ec2.amazonaws.com".into(),
        name: "CreateTags".into(),
        action: "CreateTags".into(),
        error_code: None,
        read_only: false,
        source_ip: Some("203.0.113.1".into()),
        user_agent: Some("aws-cli/2".into()),
        identity: Identity::default(),
        request: None,
        response: None,
        record: node("{}"),
        envelope: node("{}"),
        fault: None,
    }
}

/// An event as `CloudTrail` writes it, as far as this crate reads it.
pub(crate) fn record(json: &str) -> Event<'static> {
    let record = node(json);
    let text = |path: &[&str]| record.at(path).and_then(|n| n.text());
    let identity = |name: &str| text(&["userIdentity", name]);
    let context = |path: &[&str]| text(&[&["userIdentity", "sessionContext"], path].concat());
    let issuer = record.at(&["userIdentity", "sessionContext", "sessionIssuer"]).map(|_| SessionIssuer {
        kind: context(&["sessionIssuer", "type"]),
        arn: context(&["sessionIssuer", "arn"]),
        user_name: context(&["sessionIssuer", "userName"]),
        account_id: None,
        principal_id: None,
    });
    let base = event();
    let name = text(&["eventName"]).unwrap_or(base.name);
    Event {
        id: text(&["eventID"]).unwrap_or(base.id),
        time: text(&["eventTime"]).map_or(base.time, |time| Timestamp::parse(&time).unwrap()),
        source: text(&["eventSource"]).unwrap_or(base.source),
        action: name.clone(),
        name,
        error_code: text(&["errorCode"]),
        source_ip: text(&["sourceIPAddress"]).or(base.source_ip),
        user_agent: text(&["userAgent"]),
        identity: Identity {
            kind: identity("type"),
            principal_id: identity("principalId"),
            arn: identity("arn"),
            account_id: identity("accountId"),
            access_key_id: identity("accessKeyId"),
            user_name: identity("userName"),
            identity_provider: identity("identityProvider"),
            invoked_by: identity("invokedBy"),
            source_identity: context(&["sourceIdentity"]),
            issuer,
            federated_provider: context(&["webIdFederationData", "federatedProvider"]),
            mfa: None,
            session_start: context(&["attributes", "creationDate"]).map(|time| Timestamp::parse(&time).unwrap()),
            from_console: text(&["sessionCredentialFromConsole"]).as_deref() == Some("true"),
        },
        request: record.get("requestParameters"),
        response: record.get("responseElements"),
        record,
        envelope: record,
        ..base
    }
}

pub(crate) fn change() -> Change<'static> {
    Change {
        ordinal: 0,
        family: Family::Tags,
        kind: "tags_changed",
        resource_type: Text::default(),
        resource_id: Text::default(),
        resource_arn: None,
        resource_name: None,
        tags: TagEdit::default(),
        details: Vec::new(),
    }
}

/// `key=value` sets, `-key` removes, `-key=value` removes that value.
pub(crate) fn edit(operation: TagOperation, words: &[&str]) -> TagEdit<'static> {
    let mut edit = TagEdit { operation: Some(operation), ..TagEdit::default() };
    for word in words {
        let (key, value) = word.split_once('=').map_or((*word, None), |(key, value)| (key, Some(value)));
        match key.strip_prefix('-') {
            Some(key) => edit.remove.push((key.to_owned().into(), value.map(|value| value.to_owned().into()))),
            None => edit.set.push((key.to_owned().into(), value.unwrap_or("").to_owned().into())),
        }
    }
    edit
}

/// A tag change of the bucket `name`.
pub(crate) fn tagging(name: &str, operation: TagOperation, words: &[&str]) -> Change<'static> {
    let (kind, id) = ("AWS::S3::Bucket".into(), name.to_owned().into());
    Change { resource_type: kind, resource_id: id, tags: edit(operation, words), ..change() }
}
