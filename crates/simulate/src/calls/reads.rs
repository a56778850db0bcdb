//! Looking without touching: what consoles, plans and scanners ask all day.

use serde_json::{Value, json};

use crate::estate::{Kind, Resource};
use crate::record::Call;
use crate::rng::Rng;

/// Asks for one resource, as a plan or the console's detail page does.
pub(crate) fn describe(resource: &Resource) -> Call {
    let (id, arn) = (resource.id.as_str(), resource.arn.as_str());
    match resource.kind {
        Kind::Instance => {
            let request = json!({ "instancesSet": { "items": [{ "instanceId": id }] }, "filterSet": {} });
            Call::read("ec2", "DescribeInstances", request)
        }
        Kind::Volume => {
            let request = json!({ "volumeSet": { "items": [{ "volumeId": id }] }, "filterSet": {} });
            Call::read("ec2", "DescribeVolumes", request)
        }
        Kind::Group => {
            let request = json!({
                "securityGroupSet": {}, "securityGroupIdSet": { "items": [{ "groupId": id }] }, "filterSet": {},
            });
            Call::read("ec2", "DescribeSecurityGroups", request)
        }
        Kind::Bucket => {
            let request = json!({
                "tagging": "", "bucketName": id, "Host": format!("{id}.s3.{}.amazonaws.com", resource.region),
            });
            Call::read("s3", "GetBucketTagging", request).about("AWS::S3::Bucket", resource.arn.clone())
        }
        Kind::Function => Call::read("lambda", "GetFunction20150331v2", json!({ "functionName": id })),
        Kind::Table => Call::read("dynamodb", "DescribeTable", json!({ "tableName": id })),
        Kind::Database => Call::read("rds", "DescribeDBInstances", json!({ "dBInstanceIdentifier": id })),
        Kind::Queue => Call::read("sqs", "GetQueueAttributes", json!({ "queueUrl": id, "attributeNames": ["All"] })),
        Kind::Topic => Call::read("sns", "GetTopicAttributes", json!({ "topicArn": arn })),
        Kind::Key => {
            Call::read("kms", "DescribeKey", json!({ "keyId": id })).about("AWS::KMS::Key", resource.arn.clone())
        }
        Kind::Role => Call::read("iam", "GetRole", json!({ "roleName": id })),
        Kind::Service => Call::read("ecs", "DescribeServices", json!({ "cluster": resource.app, "services": [id] })),
        Kind::Balancer => {
            Call::read("elasticloadbalancing", "DescribeLoadBalancers", json!({ "loadBalancerArns": [arn] }))
        }
        Kind::LogGroup => Call::read("logs", "DescribeLogGroups", json!({ "logGroupNamePrefix": id })),
        Kind::Secret => Call::read("secretsmanager", "DescribeSecret", json!({ "secretId": arn })),
    }
}

/// One of the lists a person opens in the console.
pub(crate) fn browse(rng: &mut Rng) -> Call {
    match rng.below(15) {
        0 => Call::read("ec2", "DescribeInstances", json!({ "maxResults": 1000, "instancesSet": {}, "filterSet": {} })),
        1 => Call::read("ec2", "DescribeSecurityGroups", json!({ "maxResults": 1000, "securityGroupSet": {} })),
        2 => Call::read("s3", "ListBuckets", json!({ "Host": "s3.amazonaws.com" })),
        3 => Call::read("lambda", "ListFunctions20150331", json!({ "maxItems": 50 })),
        4 => Call::read("tagging", "GetResources", json!({ "resourcesPerPage": 50, "tagFilters": [] })),
        5 => Call::read("monitoring", "DescribeAlarms", json!({ "maxRecords": 100 })),
        6 => Call::read("cloudtrail", "LookupEvents", json!({ "maxResults": 50 })),
        8 => Call::read("secretsmanager", "ListSecrets", json!({ "maxResults": 100 })),
        9 => Call::read("kms", "ListKeys", json!({ "limit": 100 })),
        10 => Call::read("ssm", "DescribeParameters", json!({ "maxResults": 50 })),
        11 => Call::read("iam", "ListUsers", Value::Null),
        12 => Call::read("organizations", "ListAccounts", Value::Null),
        7 => Call::read("ecs", "ListServices", json!({ "cluster": "default", "maxResults": 10 })),
        _ => Call::read("rds", "DescribeDBInstances", json!({ "maxRecords": 100 })),
    }
}

/// One of the questions a scanner, or somebody who wants to know where he is, puts to an account.
pub(crate) fn survey(rng: &mut Rng) -> Call {
    match rng.below(8) {
        0 => Call::read("iam", "ListUsers", Value::Null),
        1 => Call::read("iam", "ListRoles", json!({ "maxItems": 100 })),
        2 => Call::read("iam", "GetAccountSummary", Value::Null),
        3 => Call::read("cloudtrail", "DescribeTrails", json!({ "trailNameList": [], "includeShadowTrails": true })),
        4 => Call::read("s3", "ListBuckets", json!({ "Host": "s3.amazonaws.com" })),
        5 => Call::read("ec2", "DescribeInstances", json!({ "instancesSet": {}, "filterSet": {} })),
        6 => Call::read("tagging", "GetResources", json!({ "resourcesPerPage": 100 })),
        _ => Call::read("config", "DescribeConfigurationRecorders", Value::Null),
    }
}
