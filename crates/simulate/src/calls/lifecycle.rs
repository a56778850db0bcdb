//! Making, changing and deleting resources.

use serde_json::{Value, json};

use super::storage::{XMLNS, bucket_call, encryption, expire, public_block, tls_policy, versions};
use super::tags::{list, map, put_tags, queue_url};
use crate::company::Company;
use crate::estate::{Kind, Resource};
use crate::record::Call;
use crate::rng::Rng;

/// The network id that belongs to an account and region.
fn subnet(company: &Company, resource: &Resource) -> String {
    let mut rng = company.rng_for(&[&company.accounts[resource.account].id, resource.region, "subnet"]);
    format!("subnet-0{}", rng.hex(16))
}

/// The role a workload runs under.
fn service_account_for(company: &Company, resource: &Resource) -> String {
    format!("arn:aws:iam::{}:role/{}-runtime", company.accounts[resource.account].id, resource.app)
}

/// The calls that make the resource, with the tags it has in the store.
pub(crate) fn create(company: &Company, rng: &mut Rng, resource: &Resource, now: i64) -> Vec<Call> {
    let account_id = company.accounts[resource.account].id.as_str();
    let (id, arn, tags) = (resource.id.as_str(), resource.arn.as_str(), &resource.tags);
    let pairs = || list(tags, "key", "value");
    let call = match resource.kind {
        Kind::Instance => run_instances(company, rng, resource, now),
        Kind::Volume => {
            let zone = format!("{}a", resource.region);
            let request = json!({
                "size": "40", "zone": zone, "volumeType": "gp3", "encrypted": true,
                "tagSpecificationSet": { "items": [{ "resourceType": "volume", "tags": pairs() }] },
            });
            Call::write("ec2", "CreateVolume", request).answered(json!({
                "volumeId": id, "size": "40", "zone": zone, "status": "creating", "createTime": now / 1000 * 1000,
                "encrypted": true, "tagSet": { "items": pairs() }, "volumeType": "gp3", "iops": 3000,
            }))
        }
        Kind::Group => {
            let name = format!("{}-{}", resource.name, rng.hex(4));
            let vpc = format!("vpc-0{}", company.rng_for(&[account_id, resource.region, "vpc"]).hex(16));
            let request = json!({
                "groupName": name, "groupDescription": "Managed by Terraform", "vpcId": vpc,
                "tagSpecificationSet": { "items": [{ "resourceType": "security-group", "tags": pairs() }] },
            });
            Call::write("ec2", "CreateSecurityGroup", request)
                .answered(json!({ "_return": true, "groupId": id, "tagSet": { "items": pairs() } }))
        }
        Kind::Bucket => {
            let location = json!({
                "CreateBucketConfiguration": { "xmlns": XMLNS, "LocationConstraint": resource.region },
            });
            return vec![
                bucket_call(resource, "CreateBucket", "", location),
                public_block(resource, true),
                encryption(resource, None),
                put_tags(resource, account_id, tags),
            ];
        }
        Kind::Function => {
            let role = service_account_for(company, resource);
            let request = json!({
                "functionName": id, "runtime": "python3.12", "role": role, "handler": "app.handler",
                "code": { "s3Bucket": format!("{}-artifacts", company.name), "s3Key": format!("{id}.zip") },
                "timeout": 30, "memorySize": 512, "publish": false, "packageType": "Zip", "environment": {},
                "tags": map(tags),
            });
            Call::write("lambda", "CreateFunction20150331", request).answered(json!({
                "functionName": id, "functionArn": arn, "runtime": "python3.12", "role": role,
                "handler": "app.handler", "timeout": 30, "memorySize": 512, "version": "$LATEST", "state": "Pending",
            }))
        }
        Kind::Table => {
            let request = json!({
                "tableName": id, "billingMode": "PAY_PER_REQUEST",
                "attributeDefinitions": [{ "attributeName": "pk", "attributeType": "S" }],
                "keySchema": [{ "attributeName": "pk", "keyType": "HASH" }], "tags": pairs(),
            });
            Call::write("dynamodb", "CreateTable", request)
                .answered(
                    json!({ "tableDescription": { "tableName": id, "tableArn": arn, "tableStatus": "CREATING" } }),
                )
                .about("AWS::DynamoDB::Table", arn.to_owned())
        }
        Kind::Database => {
            let request = json!({
                "dBInstanceIdentifier": id, "engine": "postgres", "engineVersion": "16.4",
                "dBInstanceClass": "db.t4g.medium", "allocatedStorage": 100, "masterUsername": "owner",
                "masterUserPassword": "HIDDEN_DUE_TO_SECURITY_REASONS", "storageEncrypted": true,
                "publiclyAccessible": false, "deletionProtection": false, "tags": pairs(),
            });
            Call::write("rds", "CreateDBInstance", request).answered(json!({
                "dBInstanceIdentifier": id, "dBInstanceArn": arn, "engine": "postgres", "dBInstanceStatus": "creating",
                "storageEncrypted": true, "publiclyAccessible": false, "deletionProtection": false,
            }))
        }
        Kind::Queue => {
            let request = json!({
                "queueName": id, "attributes": { "VisibilityTimeout": "60", "SqsManagedSseEnabled": "true" },
                "tags": map(tags),
            });
            Call::write("sqs", "CreateQueue", request).answered(json!({ "queueUrl": queue_url(resource, account_id) }))
        }
        Kind::Topic => Call::write("sns", "CreateTopic", json!({ "name": id, "attributes": {}, "tags": pairs() }))
            .answered(json!({ "topicArn": arn })),
        Kind::Key => {
            let request = json!({
                "description": resource.name, "keyUsage": "ENCRYPT_DECRYPT", "keySpec": "SYMMETRIC_DEFAULT",
                "origin": "AWS_KMS", "multiRegion": false, "bypassPolicyLockoutSafetyCheck": false,
                "tags": list(tags, "tagKey", "tagValue"),
            });
            Call::write("kms", "CreateKey", request)
                .answered(json!({ "keyMetadata": {
                    "aWSAccountId": account_id, "keyId": id, "arn": arn, "enabled": true, "keyState": "Enabled",
                } }))
                .about("AWS::KMS::Key", arn.to_owned())
        }
        Kind::Role => create_role(company, resource, now),
        Kind::Service => {
            let request = json!({
                "cluster": resource.app, "serviceName": id, "taskDefinition": format!("{}:1", resource.name),
                "desiredCount": 2, "launchType": "FARGATE", "tags": pairs(),
            });
            Call::write("ecs", "CreateService", request).answered(json!({ "service": {
                "serviceArn": arn, "serviceName": id, "status": "ACTIVE", "desiredCount": 2, "runningCount": 0,
            } }))
        }
        Kind::Balancer => {
            let name = id.split('/').next().unwrap_or(id);
            let request = json!({
                "name": name, "type": "application", "scheme": "internal", "subnets": [subnet(company, resource)],
                "tags": pairs(),
            });
            Call::write("elasticloadbalancing", "CreateLoadBalancer", request).answered(json!({ "loadBalancers": [{
                "loadBalancerArn": arn, "loadBalancerName": name, "scheme": "internal", "type": "application",
                "state": { "code": "provisioning" },
            }] }))
        }
        Kind::LogGroup => Call::write("logs", "CreateLogGroup", json!({ "logGroupName": id, "tags": map(tags) })),
        Kind::Secret => {
            let name = id.rsplit_once('-').map_or(id, |(name, _)| name);
            let request = json!({ "name": name, "clientRequestToken": rng.uuid(), "tags": pairs() });
            Call::write("secretsmanager", "CreateSecret", request).answered(json!({ "arn": arn, "name": name }))
        }
    };
    vec![call]
}

fn run_instances(company: &Company, rng: &mut Rng, resource: &Resource, now: i64) -> Call {
    let tags = list(&resource.tags, "key", "value");
    let subnet = subnet(company, resource);
    let image = company.rng_for(&[resource.app, resource.region, "image"]).hex(16);
    let request = json!({
        "instancesSet": { "items": [{ "imageId": format!("ami-0{image}"), "minCount": 1, "maxCount": 1 }] },
        "instanceType": "m7g.large",
        "blockDeviceMapping": {},
        "monitoring": { "enabled": true },
        "disableApiTermination": false,
        "disableApiStop": false,
        "clientToken": rng.uuid(),
        "subnetId": subnet,
        "iamInstanceProfile": { "name": format!("{}-runtime", resource.app) },
        "ebsOptimized": true,
        "tagSpecificationSet": { "items": [{ "resourceType": "instance", "tags": tags.clone() }] },
    });
    let ip = format!("10.{}.{}.{}", rng.between(20, 60), rng.between(0, 250), rng.between(4, 250));
    Call::write("ec2", "RunInstances", request).answered(json!({
        "reservationId": format!("r-0{}", rng.hex(16)),
        "ownerId": company.accounts[resource.account].id,
        "groupSet": {},
        "instancesSet": { "items": [{
            "instanceId": resource.id,
            "imageId": format!("ami-0{image}"),
            "instanceState": { "code": 0, "name": "pending" },
            "privateDnsName": format!("ip-{}.{}.compute.internal", ip.replace('.', "-"), resource.region),
            "amiLaunchIndex": 0,
            "instanceType": "m7g.large",
            "launchTime": now / 1000 * 1000,
            "placement": { "availabilityZone": format!("{}a", resource.region), "tenancy": "default" },
            "monitoring": { "state": "pending" },
            "subnetId": subnet,
            "privateIpAddress": ip,
            "tagSet": { "items": tags },
        }] },
    }))
}

fn create_role(company: &Company, resource: &Resource, now: i64) -> Call {
    let tags = list(&resource.tags, "key", "value");
    let trust = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"ecs-tasks.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}";
    let request = json!({
        "path": "/", "roleName": resource.id, "assumeRolePolicyDocument": trust, "maxSessionDuration": 3600,
        "tags": tags.clone(),
    });
    Call::write("iam", "CreateRole", request).answered(json!({ "role": {
        "path": "/", "roleName": resource.id, "roleId": company.role_id(resource.account, &resource.id),
        "arn": resource.arn, "createDate": crate::calendar::prose(now), "tags": tags,
    } }))
}

/// The call that deletes the resource.
pub(crate) fn delete(resource: &Resource, account_id: &str) -> Call {
    let (id, arn) = (resource.id.as_str(), resource.arn.as_str());
    match resource.kind {
        Kind::Instance => Call::write("ec2", "TerminateInstances", instance_set(id)).answered(power_answer(
            id,
            (32, "shutting-down"),
            (16, "running"),
        )),
        Kind::Volume => {
            Call::write("ec2", "DeleteVolume", json!({ "volumeId": id })).answered(json!({ "_return": true }))
        }
        Kind::Group => {
            Call::write("ec2", "DeleteSecurityGroup", json!({ "groupId": id })).answered(json!({ "_return": true }))
        }
        Kind::Bucket => bucket_call(resource, "DeleteBucket", "", Value::Null),
        Kind::Function => Call::write("lambda", "DeleteFunction20150331", json!({ "functionName": id })),
        Kind::Table => Call::write("dynamodb", "DeleteTable", json!({ "tableName": id }))
            .about("AWS::DynamoDB::Table", arn.to_owned()),
        Kind::Database => {
            let request = json!({ "dBInstanceIdentifier": id, "skipFinalSnapshot": true });
            Call::write("rds", "DeleteDBInstance", request)
                .answered(json!({ "dBInstanceIdentifier": id, "dBInstanceArn": arn, "dBInstanceStatus": "deleting" }))
        }
        Kind::Queue => Call::write("sqs", "DeleteQueue", json!({ "queueUrl": queue_url(resource, account_id) })),
        Kind::Topic => Call::write("sns", "DeleteTopic", json!({ "topicArn": arn })),
        Kind::Key => Call::write("kms", "ScheduleKeyDeletion", json!({ "keyId": id, "pendingWindowInDays": 30 }))
            .about("AWS::KMS::Key", arn.to_owned()),
        Kind::Role => Call::write("iam", "DeleteRole", json!({ "roleName": id })),
        Kind::Service => Call::write("ecs", "DeleteService", json!({ "cluster": resource.app, "service": id })),
        Kind::Balancer => Call::write("elasticloadbalancing", "DeleteLoadBalancer", json!({ "loadBalancerArn": arn })),
        Kind::LogGroup => Call::write("logs", "DeleteLogGroup", json!({ "logGroupName": id })),
        Kind::Secret => {
            let request = json!({ "secretId": arn, "recoveryWindowInDays": 7 });
            Call::write("secretsmanager", "DeleteSecret", request)
        }
    }
}

/// An everyday change that leaves the tags alone.
pub(crate) fn modify(company: &Company, rng: &mut Rng, resource: &Resource) -> Call {
    let account_id = company.accounts[resource.account].id.as_str();
    let (id, arn) = (resource.id.as_str(), resource.arn.as_str());
    match resource.kind {
        Kind::Instance => {
            let request = json!({ "instanceId": id, "sourceDestCheck": { "value": rng.chance(50) } });
            Call::write("ec2", "ModifyInstanceAttribute", request).answered(json!({ "_return": true }))
        }
        Kind::Volume => {
            let size = rng.between(5, 40) * 10;
            Call::write("ec2", "ModifyVolume", json!({ "ModifyVolumeRequest": { "VolumeId": id, "Size": size } }))
        }
        Kind::Group => {
            let cidr = format!("10.{}.{}.0/24", rng.between(20, 60), rng.between(0, 250));
            let port = *rng.pick(&[443, 5432, 6379, 8080]);
            if rng.chance(70) {
                super::guard::open_port(resource, rng, account_id, &cidr, port, "Managed by Terraform")
            } else {
                super::guard::close_port(resource, &cidr, port)
            }
        }
        Kind::Bucket => match rng.below(5) {
            0 => tls_policy(resource),
            1 => encryption(resource, None),
            2 => expire(resource, 400, "archive"),
            _ => versions(resource, true),
        },
        Kind::Function if rng.chance(70) => {
            let request = json!({
                "functionName": id, "s3Bucket": format!("{}-artifacts", company.name), "s3Key": format!("{id}.zip"),
                "publish": false, "dryRun": false,
            });
            Call::write("lambda", "UpdateFunctionCode20150331v2", request).answered(json!({
                "functionName": id, "functionArn": arn, "runtime": "python3.12", "version": "$LATEST",
                "codeSha256": format!("{}=", rng.base64(43)), "lastUpdateStatus": "InProgress",
            }))
        }
        Kind::Function => {
            let memory = *rng.pick(&[256, 512, 1024]);
            let request = json!({ "functionName": id, "memorySize": memory, "timeout": 30, "environment": {} });
            Call::write("lambda", "UpdateFunctionConfiguration20150331v2", request)
                .answered(json!({ "functionName": id, "functionArn": arn, "memorySize": memory }))
        }
        Kind::Table => {
            Call::write("dynamodb", "UpdateTable", json!({ "tableName": id, "deletionProtectionEnabled": true }))
                .about("AWS::DynamoDB::Table", arn.to_owned())
        }
        Kind::Database => {
            let storage = rng.between(10, 40) * 10;
            let request = json!({ "dBInstanceIdentifier": id, "allocatedStorage": storage, "applyImmediately": true });
            Call::write("rds", "ModifyDBInstance", request)
                .answered(json!({ "dBInstanceIdentifier": id, "dBInstanceArn": arn, "allocatedStorage": storage }))
        }
        Kind::Queue => {
            let wait = rng.between(3, 12) * 10;
            let request = json!({
                "queueUrl": queue_url(resource, account_id), "attributes": { "VisibilityTimeout": wait.to_string() },
            });
            Call::write("sqs", "SetQueueAttributes", request)
        }
        Kind::Topic => {
            let request = json!({ "topicArn": arn, "attributeName": "DisplayName", "attributeValue": resource.name });
            Call::write("sns", "SetTopicAttributes", request)
        }
        Kind::Key => {
            Call::write("kms", "EnableKeyRotation", json!({ "keyId": id })).about("AWS::KMS::Key", arn.to_owned())
        }
        Kind::Role if rng.chance(12) => super::identity::trust(id, account_id),
        Kind::Role if rng.chance(15) => {
            super::identity::attach_role_policy(id, "service-role/AWSLambdaBasicExecutionRole")
        }
        Kind::Role => {
            let document = format!(
                "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":[\"sqs:SendMessage\"],\"Resource\":\"arn:aws:sqs:*:{account_id}:{}-*\"}}]}}",
                resource.app
            );
            let request = json!({ "roleName": id, "policyName": "runtime", "policyDocument": document });
            Call::write("iam", "PutRolePolicy", request)
        }
        Kind::Service => {
            let task = format!("{}:{}", resource.name, rng.between(2, 90));
            let request = json!({ "cluster": resource.app, "service": id, "taskDefinition": task, "desiredCount": 2 });
            Call::write("ecs", "UpdateService", request)
                .answered(json!({ "service": { "serviceArn": arn, "serviceName": id, "status": "ACTIVE" } }))
        }
        Kind::Balancer => {
            let attributes = json!([{ "key": "idle_timeout.timeout_seconds", "value": "60" }]);
            let request = json!({ "loadBalancerArn": arn, "attributes": attributes });
            Call::write("elasticloadbalancing", "ModifyLoadBalancerAttributes", request)
        }
        Kind::LogGroup => {
            Call::write("logs", "PutRetentionPolicy", json!({ "logGroupName": id, "retentionInDays": 30 }))
        }
        Kind::Secret => {
            let request = json!({ "secretId": arn, "clientRequestToken": rng.uuid() });
            Call::write("secretsmanager", "PutSecretValue", request).answered(json!({ "arn": arn }))
        }
    }
}

fn instance_set(id: &str) -> Value {
    json!({ "instancesSet": { "items": [{ "instanceId": id }] } })
}

fn power_answer(id: &str, now: (u8, &str), before: (u8, &str)) -> Value {
    json!({ "instancesSet": { "items": [{
        "instanceId": id,
        "currentState": { "code": now.0, "name": now.1 },
        "previousState": { "code": before.0, "name": before.1 },
    }] } })
}

/// Starts or stops an instance.
pub(crate) fn power(resource: &Resource, on: bool) -> Call {
    if on {
        Call::write("ec2", "StartInstances", instance_set(&resource.id)).answered(power_answer(
            &resource.id,
            (0, "pending"),
            (80, "stopped"),
        ))
    } else {
        let mut request = instance_set(&resource.id);
        request["force"] = Value::from(false);
        Call::write("ec2", "StopInstances", request).answered(power_answer(
            &resource.id,
            (64, "stopping"),
            (16, "running"),
        ))
    }
}
