//! Secrets do not leave; everything else does.

use proptest::prelude::*;
use serde_json::{Value, json};
use tagwarden_core::Timestamp;
use tagwarden_events::{Decoder, normalise, redact, redact_raw};

use crate::support::{line, record};

fn raw(text: &str) -> String {
    let mut decoder = Decoder::new();
    redact_raw(&decoder.decode(text.as_bytes(), Timestamp(4_000_000_000_000)).expect("a record"))
}

#[test]
fn members_that_hold_secrets() {
    let cases = [
        (
            "rds",
            "CreateDBInstance",
            json!({"masterUserPassword": "S", "masterUsername": "admin"}),
            json!({"masterUserPassword": "***", "masterUsername": "admin"}),
        ),
        (
            "ec2",
            "RunInstances",
            json!({"userData": "S", "instanceType": "t3.micro"}),
            json!({"userData": "***", "instanceType": "t3.micro"}),
        ),
        (
            "lambda",
            "UpdateFunctionConfiguration",
            json!({"environment": {"variables": {"A": "S", "B": "S"}}}),
            json!({"environment": {"variables": {"A": "***", "B": "***"}}}),
        ),
        (
            "ecs",
            "RegisterTaskDefinition",
            json!({"containerDefinitions": [{"name": "c", "environment": [{"name": "LEVEL", "value": "S"}], "image": "i"}]}),
            json!({"containerDefinitions": [{"name": "c", "environment": [{"name": "LEVEL", "value": "***"}], "image": "i"}]}),
        ),
        (
            "cloudformation",
            "CreateStack",
            json!({"parameters": [{"parameterKey": "DBPassword", "parameterValue": "S"}, {"parameterKey": "Size", "parameterValue": "2"}]}),
            json!({"parameters": [{"parameterKey": "DBPassword", "parameterValue": "***"}, {"parameterKey": "Size", "parameterValue": "2"}]}),
        ),
        ("ssm", "PutParameter", json!({"name": "/a", "value": "S"}), json!({"name": "/a", "value": "***"})),
        (
            "secretsmanager",
            "PutSecretValue",
            json!({"secretId": "a", "secretString": "S"}),
            json!({"secretId": "a", "secretString": "***"}),
        ),
        (
            "iam",
            "PutRolePolicy",
            json!({"policyDocument": "{\"Condition\":{\"StringEquals\":{\"sts:ExternalId\":\"S\"}}}"}),
            json!({"policyDocument": "{\"Condition\":{\"StringEquals\":{\"sts:ExternalId\":\"***\"}}}"}),
        ),
        (
            "ec2",
            "CreateTags",
            json!({"tagSet": {"items": [{"key": "environment", "value": "prod"}, {"key": "api_key", "value": "S"}]}}),
            json!({"tagSet": {"items": [{"key": "environment", "value": "prod"}, {"key": "api_key", "value": "***"}]}}),
        ),
        (
            "sns",
            "ListTopics",
            json!({"nextToken": "page2", "tags": {"environment": "prod"}}),
            json!({"nextToken": "page2", "tags": {"environment": "prod"}}),
        ),
    ];
    for (source, name, request, wanted) in cases {
        let found: Value =
            serde_json::from_str(&raw(&record(source, name, &request.to_string(), "null", ""))).expect("json");
        assert_eq!(found["requestParameters"], wanted, "{source} {name}");
    }
}

#[test]
fn changes_are_redacted_by_name_and_by_form() {
    let request = json!({"roleName": "web", "tags": [
        {"key": "password", "value": "hunter2"}, {"key": "note", "value": "token=abc"}, {"key": "env", "value": "prod"}
    ]});
    let text = record("iam", "TagRole", &request.to_string(), "null", "");
    let mut decoder = Decoder::new();
    let event = decoder.decode(text.as_bytes(), Timestamp(4_000_000_000_000)).expect("a record");
    let mut changes = Vec::new();
    normalise(&event, &mut changes);
    redact(&mut changes[0]);
    assert_eq!(
        line(&changes[0]),
        "tags tags_changed | AWS::IAM::Role | web | arn:aws:iam::111122223333:role/web | - | add password=*** note=token=*** env=prod |"
    );
}

/// Puts `secret` under `name` at some depth of `value`.
fn plant(value: &mut Value, name: &str, secret: Value, path: &[usize]) {
    match value {
        Value::Object(members) => {
            let next = path.split_first().and_then(|(at, rest)| {
                let count = members.len().max(1);
                Some((members.values_mut().nth(at % count)?, rest))
            });
            match next {
                Some((inner, rest)) if inner.is_object() || inner.is_array() => plant(inner, name, secret, rest),
                _ => {
                    members.insert(name.to_owned(), secret);
                }
            }
        }
        Value::Array(elements) => match (elements.first_mut(), path) {
            (Some(inner), [_, rest @ ..]) if inner.is_object() || inner.is_array() => plant(inner, name, secret, rest),
            _ => elements.push(json!({name: secret})),
        },
        _ => {}
    }
}

fn harmless() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![any::<i32>().prop_map(Value::from), "[a-z é\"\\\\]{0,8}".prop_map(Value::from), Just(Value::Null)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[b-d]{1,3}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_planted_secret_never_survives_and_the_rest_does(
        request in prop::collection::btree_map("[b-d]{1,3}", harmless(), 0..4),
        name in prop::sample::select(vec![
            "password", "masterUserPassword", "secretString", "userData", "token", "sessionToken", "secretAccessKey",
            "privateKey", "authToken", "NewPassword", "clientSecret", "connectionString",
        ]),
        secret in "S3cr3t[A-Za-z0-9/+\"\\\\ é]{8,40}",
        nested in any::<bool>(),
        path in prop::collection::vec(0usize..4, 0..4),
    ) {
        let mut planted = Value::Object(request.into_iter().collect());
        let value = if nested { json!({"inner": [secret.clone()]}) } else { json!(secret) };
        let masked = if nested { json!({"inner": ["***"]}) } else { json!("***") };
        let mut wanted = planted.clone();
        plant(&mut planted, name, value, &path);
        plant(&mut wanted, name, masked, &path);
        let found = raw(&record("ec2", "RunInstances", &planted.to_string(), "null", ""));
        prop_assert!(!found.contains("S3cr3t"), "{}", found);
        let found: Value = serde_json::from_str(&found).expect("json");
        let all: Value = serde_json::from_str(&record("ec2", "RunInstances", &wanted.to_string(), "null", "")).expect("json");
        prop_assert_eq!(found, all);
    }

    #[test]
    fn a_secret_in_a_text_is_found_by_its_form(
        before in "[a-z .]{0,20}",
        after in "[a-z .]{0,20}",
        secret in "S3cr3t[A-Za-z0-9/+]{34}",
        form in 0usize..5,
    ) {
        let inside = match form {
            0 => format!("password={secret}"),
            1 => format!("aws_secret_access_key = {secret}"),
            2 => format!("https://bob:{}@host", secret.replace('/', "x")),
            3 => format!("-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----"),
            _ => format!("\"secretKey\": \"{secret}\""),
        };
        let request = json!({"description": format!("{before} {inside} {after}")});
        let found = raw(&record("ec2", "CreateSnapshot", &request.to_string(), "null", ""));
        prop_assert!(!found.contains("S3cr3t"), "{}", found);
        let found: Value = serde_json::from_str(&found).expect("json");
        let text = found["requestParameters"]["description"].as_str().expect("text");
        prop_assert!(text.starts_with(&before) && text.ends_with(&after), "{}", text);
    }

    #[test]
    fn without_secrets_every_byte_stays(request in prop::collection::btree_map("[b-d]{1,3}", harmless(), 0..4)) {
        let request = Value::Object(request.into_iter().collect());
        let text = record("ec2", "RunInstances", &request.to_string(), "null", "");
        prop_assert_eq!(raw(&text), text);
    }
}
