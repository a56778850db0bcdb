//! What protects a bucket: the public access block, encryption, the policy, versions.

use serde_json::{Value, json};

use crate::company::Account;
use crate::estate::Resource;
use crate::record::Call;

pub(super) const XMLNS: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// A call on a bucket; `member` is the sub-resource, which S3 names by an empty member.
pub(super) fn bucket_call(resource: &Resource, name: &'static str, member: &str, body: Value) -> Call {
    let mut request = json!({
        "bucketName": resource.id,
        "Host": format!("{}.s3.{}.amazonaws.com", resource.id, resource.region),
    });
    if let Value::Object(members) = &mut request {
        if !member.is_empty() {
            members.insert(member.to_owned(), Value::from(""));
        }
        if let Value::Object(body) = body {
            members.extend(body);
        }
    }
    Call::write("s3", name, request).about("AWS::S3::Bucket", resource.arn.clone())
}

fn block(on: bool) -> Value {
    json!({ "PublicAccessBlockConfiguration": {
        "xmlns": XMLNS, "RestrictPublicBuckets": on, "BlockPublicPolicy": on, "BlockPublicAcls": on,
        "IgnorePublicAcls": on,
    } })
}

/// Blocks public access, or says in so many words that nothing is blocked.
pub(crate) fn public_block(resource: &Resource, on: bool) -> Call {
    bucket_call(resource, "PutBucketPublicAccessBlock", "publicAccessBlock", block(on))
}

pub(crate) fn delete_public_block(resource: &Resource) -> Call {
    bucket_call(resource, "DeleteBucketPublicAccessBlock", "publicAccessBlock", Value::Null)
}

/// The block that holds for all buckets of an account.
pub(crate) fn account_block(account: &Account, region: &str, on: bool) -> Call {
    let mut request = json!({
        "accountId": account.id, "publicAccessBlock": "",
        "Host": format!("{}.s3-control.{region}.amazonaws.com", account.id),
    });
    if let (Value::Object(members), Value::Object(body)) = (&mut request, block(on)) {
        members.extend(body);
    }
    Call::write("s3", "PutAccountPublicAccessBlock", request)
}

/// Default encryption by S3's own key, or by one of the company's.
pub(crate) fn encryption(resource: &Resource, key: Option<&str>) -> Call {
    let mut rule = json!({ "SSEAlgorithm": "aws:kms" });
    if let Some(key) = key {
        rule["KMSMasterKeyID"] = Value::from(key);
    }
    let body = json!({ "ServerSideEncryptionConfiguration": { "xmlns": XMLNS, "Rule": {
        "BucketKeyEnabled": true, "ApplyServerSideEncryptionByDefault": rule,
    } } });
    bucket_call(resource, "PutBucketEncryption", "encryption", body)
}

pub(crate) fn delete_encryption(resource: &Resource) -> Call {
    bucket_call(resource, "DeleteBucketEncryption", "encryption", Value::Null)
}

/// Lets a principal read all objects.
pub(crate) fn policy(resource: &Resource, principal: &Value) -> Call {
    let body = json!({ "bucketPolicy": { "Version": "2012-10-17", "Statement": [{
        "Sid": "read", "Effect": "Allow", "Principal": principal, "Action": "s3:GetObject",
        "Resource": format!("{}/*", resource.arn),
    }] } });
    bucket_call(resource, "PutBucketPolicy", "policy", body)
}

/// Refuses whatever does not come by TLS.
pub(crate) fn tls_policy(resource: &Resource) -> Call {
    let body = json!({ "bucketPolicy": { "Version": "2012-10-17", "Statement": [{
        "Sid": "tls", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": [resource.arn, format!("{}/*", resource.arn)],
        "Condition": { "Bool": { "aws:SecureTransport": "false" } },
    }] } });
    bucket_call(resource, "PutBucketPolicy", "policy", body)
}

pub(crate) fn delete_policy(resource: &Resource) -> Call {
    bucket_call(resource, "DeleteBucketPolicy", "policy", Value::Null)
}

pub(crate) fn versions(resource: &Resource, on: bool) -> Call {
    let status = if on { "Enabled" } else { "Suspended" };
    let body = json!({ "VersioningConfiguration": { "xmlns": XMLNS, "Status": status } });
    bucket_call(resource, "PutBucketVersioning", "versioning", body)
}

/// Lets all objects expire after so many days.
pub(crate) fn expire(resource: &Resource, days: u16, rule: &str) -> Call {
    let body = json!({ "LifecycleConfiguration": { "xmlns": XMLNS, "Rule": {
        "ID": rule, "Status": "Enabled", "Filter": { "Prefix": "" }, "Expiration": { "Days": days },
    } } });
    bucket_call(resource, "PutBucketLifecycle", "lifecycle", body)
}
