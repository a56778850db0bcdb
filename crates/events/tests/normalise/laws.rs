//! What holds for any input: something always comes out, and nothing panics.

use proptest::prelude::*;
use serde_json::{Map, Value};
use tagwarden_core::TagOperation;

use crate::support::{line, record, with_changes};

/// Names that the code looks for, among others, so that arbitrary values land where they are read.
const NAMES: [&str; 40] = [
    "tags",
    "Tags",
    "tagSet",
    "items",
    "item",
    "key",
    "value",
    "Key",
    "tagKeys",
    "resourceArn",
    "resourcesSet",
    "resourceId",
    "resourceARNList",
    "Tagging",
    "TagSet",
    "Tag",
    "tagSpecificationSet",
    "TagSpecification",
    "resourceType",
    "ipPermissions",
    "ipRanges",
    "cidrIp",
    "fromPort",
    "groupId",
    "instancesSet",
    "instanceId",
    "bucketName",
    "bucketPolicy",
    "Statement",
    "Principal",
    "AWS",
    "policyDocument",
    "name",
    "userName",
    "roleName",
    "content",
    "member",
    "failedResourcesMap",
    "previousState",
    "createVolumePermission",
];

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(Value::from("HIDDEN_DUE_TO_SECURITY_REASONS")),
        Just(Value::from("arn:aws:ec2:eu-west-1:111122223333:instance/i-1")),
        Just(Value::from("{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":7}]}")),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        let name = prop_oneof![4 => prop::sample::select(&NAMES[..]).prop_map(str::to_owned), 1 => "\\PC{0,8}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn operation() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("ec2", "CreateTags"),
        ("ec2", "DeleteTags"),
        ("ec2", "RunInstances"),
        ("ec2", "StopInstances"),
        ("ec2", "AuthorizeSecurityGroupIngress"),
        ("ec2", "ModifySecurityGroupRules"),
        ("ec2", "ModifyInstanceAttribute"),
        ("ec2", "CreateNetworkAclEntry"),
        ("ec2", "ModifySnapshotAttribute"),
        ("ec2", "CreateNatGateway"),
        ("s3", "PutBucketTagging"),
        ("s3", "PutObjectTagging"),
        ("s3", "PutBucketPolicy"),
        ("s3", "PutBucketAcl"),
        ("s3", "PutBucketPublicAccessBlock"),
        ("iam", "TagRole"),
        ("iam", "PutRolePolicy"),
        ("iam", "CreateUser"),
        ("autoscaling", "CreateOrUpdateTags"),
        ("tagging", "TagResources"),
        ("cloudtrail", "StopLogging"),
        ("lakeformation", "AddLFTagsToResource"),
        ("signin", "ConsoleLogin"),
        ("brandnew", "TagResource"),
        ("brandnew", "FrobnicateGizmo"),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_request_gives_a_change((source, name) in operation(), request in json(), response in json(), extra in json()) {
        let rest = format!(r#","resources":{extra},"additionalEventData":{extra}"#);
        let text = record(source, name, &request.to_string(), &response.to_string(), &rest);
        let first = with_changes(&text, |changes| {
            prop_assert!(!changes.is_empty());
            let known = source != "brandnew" || name == "TagResource";
            prop_assert!(changes.iter().all(|change| (change.kind == "other_change") != known));
            Ok(changes.iter().map(line).collect::<Vec<_>>())
        })?;
        // The same bytes give the same changes.
        prop_assert_eq!(with_changes(&text, |changes| changes.iter().map(line).collect::<Vec<_>>()), first);
    }

    #[test]
    fn any_witness_gives_a_change(detail in json(), resources in json()) {
        let text = format!(
            r#"{{"id":"x","detail-type":"Tag Change on Resource","source":"aws.tag","account":"1","time":"2026-01-01T00:00:00Z","region":"r","resources":{resources},"detail":{{"tags":{detail},"changed-tag-keys":{resources}}}}}"#
        );
        with_changes(&text, |changes| {
            prop_assert!(!changes.is_empty());
            prop_assert!(changes.iter().all(|change| change.tags.operation == Some(TagOperation::State)));
            Ok(())
        })?;
    }

    #[test]
    fn tags_of_a_map_come_back(tags in prop::collection::btree_map("[a-zA-Z:/ é]{1,12}", "\\PC{0,12}", 0..8)) {
        prop_assume!(tags.values().all(|value| value != "HIDDEN_DUE_TO_SECURITY_REASONS"));
        let request = serde_json::json!({"resourceArn": "arn:aws:logs:eu-west-1:111122223333:log-group:x", "tags": tags});
        with_changes(&record("logs", "TagResource", &request.to_string(), "null", ""), |changes| {
            let found: std::collections::BTreeMap<String, String> =
                changes[0].tags.set.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
            prop_assert_eq!(found, tags);
            Ok(())
        })?;
    }
}
