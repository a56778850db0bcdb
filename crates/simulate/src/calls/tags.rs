//! Setting and removing tags: every service has its own words for it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::estate::{Kind, Resource};
use crate::record::Call;

/// Tags as a list of objects under the service's names for key and value.
pub(crate) fn list(tags: &BTreeMap<String, String>, key: &str, value: &str) -> Value {
    tags.iter().map(|(k, v)| json!({ key: k, value: v })).collect()
}

/// Tags as one object.
pub(crate) fn map(tags: &BTreeMap<String, String>) -> Value {
    Value::Object(tags.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect::<Map<_, _>>())
}

/// The queue's address.
pub(crate) fn queue_url(resource: &Resource, account_id: &str) -> String {
    format!("https://sqs.{}.amazonaws.com/{account_id}/{}", resource.region, resource.id)
}

fn bucket_set(resource: &Resource, tags: &BTreeMap<String, String>) -> Call {
    // A set of one is an object, not a list: S3 answers in XML, and that is how CloudTrail turns it to JSON.
    let mut items: Vec<Value> = tags.iter().map(|(k, v)| json!({ "Value": v, "Key": k })).collect();
    let items = if items.len() == 1 { items.remove(0) } else { Value::Array(items) };
    let request = json!({
        "Tagging": { "xmlns": "http://s3.amazonaws.com/doc/2006-03-01/", "TagSet": { "Tag": items } },
        "tagging": "",
        "bucketName": resource.id,
        "Host": format!("{}.s3.{}.amazonaws.com", resource.id, resource.region),
    });
    Call::write("s3", "PutBucketTagging", request).about("AWS::S3::Bucket", resource.arn.clone())
}

/// Sets the given tags, and leaves the others as they are.
pub(crate) fn put_tags(resource: &Resource, account_id: &str, new: &BTreeMap<String, String>) -> Call {
    let arn = resource.arn.as_str();
    match resource.kind {
        Kind::Instance | Kind::Volume | Kind::Group => {
            let request = json!({
                "resourcesSet": { "items": [{ "resourceId": resource.id }] },
                "tagSet": { "items": list(new, "key", "value") },
            });
            Call::write("ec2", "CreateTags", request).answered(json!({ "_return": true }))
        }
        Kind::Bucket => {
            let mut all = resource.tags.clone();
            all.extend(new.iter().map(|(k, v)| (k.clone(), v.clone())));
            bucket_set(resource, &all)
        }
        Kind::Function => Call::write("lambda", "TagResource20170331v2", json!({ "resource": arn, "tags": map(new) })),
        Kind::Queue => {
            let request = json!({ "queueUrl": queue_url(resource, account_id), "tags": map(new) });
            Call::write("sqs", "TagQueue", request)
        }
        Kind::Database => {
            let request = json!({ "resourceName": arn, "tags": list(new, "key", "value") });
            Call::write("rds", "AddTagsToResource", request)
        }
        Kind::Key => {
            let request = json!({ "keyId": arn, "tags": list(new, "tagKey", "tagValue") });
            Call::write("kms", "TagResource", request).about("AWS::KMS::Key", resource.arn.clone())
        }
        Kind::Role => {
            let request = json!({ "roleName": resource.id, "tags": list(new, "key", "value") });
            Call::write("iam", "TagRole", request)
        }
        Kind::Balancer => {
            let request = json!({ "resourceArns": [arn], "tags": list(new, "key", "value") });
            Call::write("elasticloadbalancing", "AddTags", request)
        }
        Kind::LogGroup => Call::write("logs", "TagResource", json!({ "resourceArn": arn, "tags": map(new) })),
        Kind::Secret => {
            let request = json!({ "secretId": arn, "tags": list(new, "key", "value") });
            Call::write("secretsmanager", "TagResource", request)
        }
        Kind::Table => {
            let request = json!({ "resourceArn": arn, "tags": list(new, "key", "value") });
            Call::write("dynamodb", "TagResource", request).about("AWS::DynamoDB::Table", resource.arn.clone())
        }
        Kind::Topic | Kind::Service => {
            let source = if resource.kind == Kind::Topic { "sns" } else { "ecs" };
            let request = json!({ "resourceArn": arn, "tags": list(new, "key", "value") });
            Call::write(source, "TagResource", request)
        }
    }
}

/// Removes the tags with these keys.
pub(crate) fn remove_tags(resource: &Resource, account_id: &str, keys: &[&str]) -> Call {
    let arn = resource.arn.as_str();
    match resource.kind {
        Kind::Instance | Kind::Volume | Kind::Group => {
            let items: Vec<Value> = keys.iter().map(|key| json!({ "key": key })).collect();
            let request = json!({
                "resourcesSet": { "items": [{ "resourceId": resource.id }] },
                "tagSet": { "items": items },
            });
            Call::write("ec2", "DeleteTags", request).answered(json!({ "_return": true }))
        }
        Kind::Bucket => {
            let mut left = resource.tags.clone();
            left.retain(|key, _| !keys.contains(&key.as_str()));
            if left.is_empty() {
                let request = json!({
                    "tagging": "",
                    "bucketName": resource.id,
                    "Host": format!("{}.s3.{}.amazonaws.com", resource.id, resource.region),
                });
                return Call::write("s3", "DeleteBucketTagging", request)
                    .about("AWS::S3::Bucket", resource.arn.clone());
            }
            bucket_set(resource, &left)
        }
        Kind::Function => Call::write("lambda", "UntagResource20170331v2", json!({ "resource": arn, "tagKeys": keys })),
        Kind::Queue => {
            let request = json!({ "queueUrl": queue_url(resource, account_id), "tagKeys": keys });
            Call::write("sqs", "UntagQueue", request)
        }
        Kind::Database => Call::write("rds", "RemoveTagsFromResource", json!({ "resourceName": arn, "tagKeys": keys })),
        Kind::Key => Call::write("kms", "UntagResource", json!({ "keyId": arn, "tagKeys": keys }))
            .about("AWS::KMS::Key", resource.arn.clone()),
        Kind::Role => Call::write("iam", "UntagRole", json!({ "roleName": resource.id, "tagKeys": keys })),
        Kind::Balancer => {
            Call::write("elasticloadbalancing", "RemoveTags", json!({ "resourceArns": [arn], "tagKeys": keys }))
        }
        Kind::Secret => Call::write("secretsmanager", "UntagResource", json!({ "secretId": arn, "tagKeys": keys })),
        Kind::Table => Call::write("dynamodb", "UntagResource", json!({ "resourceArn": arn, "tagKeys": keys }))
            .about("AWS::DynamoDB::Table", resource.arn.clone()),
        Kind::Topic | Kind::Service | Kind::LogGroup => {
            let source = match resource.kind {
                Kind::Topic => "sns",
                Kind::Service => "ecs",
                _ => "logs",
            };
            Call::write(source, "UntagResource", json!({ "resourceArn": arn, "tagKeys": keys }))
        }
    }
}

/// Sets the same tags on many resources through the tagging API (20 at most).
pub(crate) fn tag_many(arns: &[String], new: &BTreeMap<String, String>) -> Call {
    let request = json!({ "resourceARNList": arns, "tags": map(new) });
    Call::write("tagging", "TagResources", request).answered(json!({ "failedResourcesMap": {} }))
}

/// Removes the same keys from many resources through the tagging API (20 at most).
pub(crate) fn untag_many(arns: &[String], keys: &[&str]) -> Call {
    let request = json!({ "resourceARNList": arns, "tagKeys": keys });
    Call::write("tagging", "UntagResources", request).answered(json!({ "failedResourcesMap": {} }))
}
