"""Attacks as lists of (service, call, request, response): what an intruder does with somebody's usual credentials, place and program.

FORESEEN were in mind while the shipped rules were written; HALF were measured first and got rules for some of them then;
UNFORESEEN were written after the rules and the features; what they taught is that an odd call may speak alone. LATER were
written after that; LAST and NEWEST without a look at any rule, as the rules of then without a look at these."""
import json

STRANGER = "999999999999"
ROOT = f"arn:aws:iam::{STRANGER}:root"


def policy(action, resource="*", principal=None):
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [{**statement, **({"Principal": principal} if principal else {})}]}


def trust(principal):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]})


def foreseen(account, region, some):
    arn = lambda service, name: f"arn:aws:{service}:{region}:{account}:{name}"
    point = lambda: f"arn:aws:ec2:{region}::snapshot/snap-{some(17)}"
    volume = {"attributeType": "CREATE_VOLUME_PERMISSION", "createVolumePermission": {"add": {"items": [{"userId": STRANGER}]}}}
    machine = {"instancesSet": {"items": [{"imageId": "ami-" + some(17), "minCount": 8, "maxCount": 8}]}, "instanceType": "p4d.24xlarge"}
    return {
        "snapshot shared": [("ec2", "ModifySnapshotAttribute", {"snapshotId": "snap-" + some(17), **volume}, None)],
        "role trusts a stranger": [("iam", "UpdateAssumeRolePolicy", {"roleName": "DataExport", "policyDocument": trust({"AWS": ROOT})}, None)],
        "administrator granted": [("iam", "AttachUserPolicy", {"userName": "svc-report", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}, None)],
        "key deletion": [("kms", "ScheduleKeyDeletion", {"keyId": arn("kms", "key/" + some(8)), "pendingWindowInDays": 7}, None)],
        "second factor off": [("iam", "DeactivateMFADevice", {"userName": "break-glass", "serialNumber": f"arn:aws:iam::{account}:mfa/x"}, None)],
        "secrets in bulk": [("secretsmanager", "GetSecretValue", {"secretId": f"app/{n}/{some(4)}"}, None) for n in range(15)],
        "organisation policy detached": [("organizations", "DetachPolicy", {"policyId": "p-" + some(8), "targetId": "ou-ab12-" + some(8)}, None)],
        "backups gone": [("backup", "DeleteRecoveryPoint", {"backupVaultName": "Default", "recoveryPointArn": point()}, None) for _ in range(4)],
        "key for another user": [("iam", "CreateAccessKey", {"userName": "ci-legacy"}, {"accessKey": {"accessKeyId": "AKIA" + some(16).upper(), "userName": "ci-legacy"}})],
        "flow logs gone": [("ec2", "DeleteFlowLogs", {"DeleteFlowLogsRequest": {"FlowLogId": {"tag": 1, "content": "fl-" + some(17)}}}, None)],
        "function for everybody": [("lambda", "AddPermission20150331v2", {"functionName": "export", "statementId": "x", "action": "lambda:InvokeFunction", "principal": "*"}, None)],
        "database gone": [("rds", "DeleteDBInstance", {"dBInstanceIdentifier": "orders", "skipFinalSnapshot": True}, None)],
        "mining": [("ec2", "RunInstances", machine, {"instancesSet": {"items": [{"instanceId": "i-" + some(17)} for _ in range(8)]}})],
        "findings filtered": [("guardduty", "CreateFilter", {"detectorId": some(32), "name": "quiet", "action": "ARCHIVE"}, None)],
        "bucket for a stranger": [("s3", "PutBucketPolicy", {"bucketName": "orders-export", "bucketPolicy": policy("s3:GetObject", "arn:aws:s3:::orders-export/*", {"AWS": ROOT})}, None)],
        "identity provider": [("iam", "CreateOpenIDConnectProvider", {"url": "https://token.example.org", "clientIDList": ["sts.amazonaws.com"]}, None)],
    }


def half(account, region, some):
    admin = f"arn:aws:iam::{account}:role/OrgAdmin"
    record = {"name": "login.example.com.", "type": "A", "resourceRecords": [{"value": "198.51.100.77"}]}
    rule = {"Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::elsewhere", "Account": STRANGER}}
    image = [{"name": "api", "image": "registry.example.org/api:1"}]
    return {
        "name sent elsewhere": [("route53", "ChangeResourceRecordSets", {"hostedZoneId": "Z" + some(12), "changeBatch": {"changes": [{"action": "UPSERT", "resourceRecordSet": record}]}}, None)],
        "notebook with a role": [("sagemaker", "CreateNotebookInstance", {"notebookInstanceName": "nb", "roleArn": admin}, None)],
        "function with a role": [("lambda", "CreateFunction20150331", {"functionName": "helper", "runtime": "python3.12", "role": admin}, None)],
        "mail": [("ses", "VerifyEmailIdentity", {"emailAddress": "x@example.org"}, None)],
        "console access": [("sso", "CreateAccountAssignment", {"targetId": account, "targetType": "AWS_ACCOUNT", "principalId": some(10)}, None)],
        "database password": [("rds", "ModifyDBInstance", {"dBInstanceIdentifier": "orders", "masterUserPassword": "****"}, None)],
        "replication to a stranger": [("s3", "PutBucketReplication", {"bucketName": "orders", "ReplicationConfiguration": {"Rule": rule}}, None)],
        "topic to a web address": [("sns", "Subscribe", {"topicArn": f"arn:aws:sns:{region}:{account}:orders", "protocol": "https", "endpoint": "https://example.org/x"}, None)],
        "cluster administrator": [("eks", "CreateAccessEntry", {"name": "main", "principalArn": f"arn:aws:iam::{STRANGER}:role/x"}, None)],
        "principal's tag": [("iam", "TagRole", {"roleName": "DeveloperAccess", "tags": [{"key": "team", "value": "platform"}]}, None)],
        "resource share": [("ram", "CreateResourceShare", {"name": "x", "principals": [STRANGER], "allowExternalPrincipals": True}, None)],
        "parameter overwritten": [("ssm", "PutParameter", {"name": "/prod/db/url", "type": "String", "overwrite": True}, None)],
        "stack with a role": [("cloudformation", "CreateStack", {"stackName": "tmp", "roleARN": admin, "capabilities": ["CAPABILITY_IAM"]}, None)],
        "foreign image": [("ecs", "RegisterTaskDefinition", {"family": "api", "containerDefinitions": image}, None)],
        "table exported": [("dynamodb", "ExportTableToPointInTime", {"tableArn": f"arn:aws:dynamodb:{region}:{account}:table/users", "s3Bucket": "elsewhere", "s3BucketOwner": STRANGER}, None)],
        "logs sent elsewhere": [("logs", "PutSubscriptionFilter", {"logGroupName": "/aws/lambda/api", "destinationArn": f"arn:aws:logs:{region}:{STRANGER}:destination:d"}, None)],
        "account invited": [("organizations", "InviteAccountToOrganization", {"target": {"id": STRANGER, "type": "ACCOUNT"}}, None)],
        "key pair imported": [("ec2", "ImportKeyPair", {"keyName": "x"}, {"keyPairId": "key-" + some(17), "keyName": "x"})],
    }


def unforeseen(account, region, some):
    layer = f"arn:aws:lambda:{region}:{STRANGER}:layer:tools:1"
    return {
        "web firewall off": [("wafv2", "DisassociateWebACL", {"resourceArn": f"arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/app/web/1"}, None)],
        "data finder off": [("macie2", "DisableMacie", {}, None)],
        "images deleted": [("ecr", "BatchDeleteImage", {"repositoryName": f"api-{n}", "imageIds": [{"imageTag": "latest"}]}, None) for n in range(10)],
        "layer of a stranger": [("lambda", "UpdateFunctionConfiguration20150331v2", {"functionName": "api", "layers": [layer]}, None)],
        "gateway to elsewhere": [("ec2", "CreateCustomerGateway", {"bgpAsn": 65000, "ipAddress": "198.51.100.78", "type": "ipsec.1"}, None)],
        "new role for a stranger": [("iam", "CreateRole", {"roleName": "support", "assumeRolePolicyDocument": trust({"AWS": ROOT})}, None)],
        "all rights for oneself": [("iam", "PutUserPolicy", {"userName": "svc-report", "policyName": "x", "policyDocument": json.dumps(policy("*"))}, None)],
        "network joined": [("ec2", "CreateVpcPeeringConnection", {"vpcId": "vpc-" + some(17), "peerVpcId": "vpc-" + some(17), "peerOwnerId": STRANGER}, None)],
        "machine exported": [("ec2", "CreateInstanceExportTask", {"instanceId": "i-" + some(17), "exportToS3": {"s3Bucket": "elsewhere"}}, None)],
        "database copy shared": [("rds", "ModifyDBSnapshotAttribute", {"dBSnapshotIdentifier": "orders-1", "attributeName": "restore", "valuesToAdd": [STRANGER]}, None)],
        "catalogue opened": [("glue", "PutResourcePolicy", {"policyInJson": json.dumps(policy("glue:*", principal={"AWS": ROOT}))}, None)],
        "build job changed": [("codebuild", "UpdateProject", {"name": "deploy", "source": {"type": "GITHUB", "location": "https://example.org/x.git"}}, None)],
        "warehouse made public": [("redshift", "ModifyCluster", {"clusterIdentifier": "dwh", "publiclyAccessible": True}, None)],
        "log streams deleted": [("logs", "DeleteLogStream", {"logGroupName": "/aws/lambda/api", "logStreamName": some(12)}, None) for _ in range(6)],
        "findings not collected": [("securityhub", "DisassociateMembers", {"accountIds": [account]}, None)],
        "queue for everybody": [("sqs", "AddPermission", {"queueUrl": f"https://sqs.{region}.amazonaws.com/{account}/orders", "label": "x", "aWSAccountIds": [STRANGER], "actionNames": ["*"]}, None)],
    }


def later(account, region, some):
    arn = lambda service, name: f"arn:aws:{service}:{region}:{account}:{name}"
    machine = lambda: "i-" + some(17)
    profile = {"arn": f"arn:aws:iam::{account}:instance-profile/admin"}
    entry = {"networkAclId": "acl-" + some(17), "ruleNumber": 1, "aclProtocol": "-1", "ruleAction": "allow", "egress": False, "cidrBlock": "0.0.0.0/0"}
    return {
        "old metadata service": [("ec2", "ModifyInstanceMetadataOptions", {"ModifyInstanceMetadataOptionsRequest": {"InstanceId": machine(), "HttpTokens": "optional"}}, None)],
        "disks no longer encrypted": [("ec2", "DisableEbsEncryptionByDefault", {"DisableEbsEncryptionByDefaultRequest": {}}, None)],
        "certificate exported": [("acm", "ExportCertificate", {"certificateArn": arn("acm", "certificate/" + some(12)), "passphrase": "****"}, None)],
        "listener turned": [("elasticloadbalancing", "ModifyListener", {"listenerArn": arn("elasticloadbalancing", "listener/app/web/1/2"), "defaultActions": [{"type": "redirect", "redirectConfig": {"host": "example.org", "statusCode": "HTTP_302"}}]}, None)],
        "route without sign-in": [("apigateway", "UpdateRoute", {"apiId": some(10), "routeId": some(7), "authorizationType": "NONE"}, None)],
        "customer's password": [("cognito-idp", "AdminSetUserPassword", {"userPoolId": f"{region}_{some(9)}", "username": "HIDDEN_DUE_TO_SECURITY_REASONS", "password": "HIDDEN_DUE_TO_SECURITY_REASONS", "permanent": True}, None)],
        "alarms silenced": [("monitoring", "DisableAlarmActions", {"alarmNames": ["root-sign-in", "trail-stopped"]}, None)],
        "machine made administrator": [("ec2", "AssociateIamInstanceProfile", {"AssociateIamInstanceProfileRequest": {"InstanceId": machine(), "IamInstanceProfile": {"Name": "admin", **profile}}}, None)],
        "network list opened": [("ec2", "CreateNetworkAclEntry", entry, None)],
        "delegated away": [("organizations", "RegisterDelegatedAdministrator", {"accountId": account, "servicePrincipal": "guardduty.amazonaws.com"}, None)],
        "pipeline's source": [("codepipeline", "UpdatePipeline", {"pipeline": {"name": "deploy", "stages": [{"name": "Source", "actions": [{"configuration": {"FullRepositoryId": "someone/else"}}]}]}}, None)],
        "continuous backups off": [("dynamodb", "UpdateContinuousBackups", {"tableName": "orders", "pointInTimeRecoverySpecification": {"pointInTimeRecoveryEnabled": False}}, None)],
        "file transfer user": [("transfer", "CreateUser", {"serverId": "s-" + some(17), "userName": "partner", "role": f"arn:aws:iam::{account}:role/transfer", "homeDirectory": "/orders"}, None)],
        "domain unlocked": [("route53domains", "DisableDomainTransferLock", {"domainName": "example.com"}, None)],
        "function starved": [("lambda", "PutFunctionConcurrency20171031", {"functionName": "api", "reservedConcurrentExecutions": 0}, None)],
        "queue emptied": [("sqs", "PurgeQueue", {"queueUrl": f"https://sqs.{region}.amazonaws.com/{account}/orders"}, None)],
        "fleet grown": [("autoscaling", "UpdateAutoScalingGroup", {"autoScalingGroupName": "web", "maxSize": 400, "desiredCapacity": 400}, None)],
        "tasks on every machine": [("ssm", "SendCommand", {"documentName": "AWS-RunShellScript", "targets": [{"key": "tag:Environment", "values": ["prod"]}], "parameters": "HIDDEN_DUE_TO_SECURITY_REASONS"}, None)],
    }


def last(account, region, some):
    arn = lambda service, name: f"arn:aws:{service}:{region}:{account}:{name}"
    machine, group, template = "i-" + some(17), "sg-" + some(17), "lt-" + some(17)
    stopped = {"instancesSet": {"items": [{"instanceId": machine}]}}
    opened = {"items": [{"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "groups": {}, "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}, "ipv6Ranges": {}, "prefixListIds": {}}]}
    expiry = {"xmlns": "http://s3.amazonaws.com/doc/2006-03-01/", "Rule": {"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}}
    anchor = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"}}
    mirror = {"NetworkInterfaceId": "eni-" + some(17), "TrafficMirrorTargetId": "tmt-" + some(17), "TrafficMirrorFilterId": "tmf-" + some(17), "SessionNumber": 1}
    permissions = {"instanceArn": "arn:aws:sso:::instance/ssoins-" + some(16), "permissionSetArn": f"arn:aws:sso:::permissionSet/ssoins-{some(16)}/ps-{some(16)}"}
    model = {"modelId": "amazon.nova-pro-v1:0"}
    servers = {"items": [{"key": "domain-name-servers", "valueSet": {"items": [{"value": "198.51.100.79"}]}}]}
    options = "dopt-" + some(17)
    version = {"LaunchTemplateId": template, "SourceVersion": "7", "LaunchTemplateData": {"UserData": "<sensitiveDataRemoved>"}}
    restored = {"dBInstanceIdentifier": "orders-test", "dBSnapshotIdentifier": "orders-test-1", "publiclyAccessible": True, "vpcSecurityGroupIds": [group]}
    return {
        "recording stopped": [("cloudtrail", "StopLogging", {"name": arn("cloudtrail", "trail/main")}, None)],
        "door to the world": [("ec2", "AuthorizeSecurityGroupIngress", {"groupId": group, "ipPermissions": opened}, {"_return": True})],
        "password for another user": [("iam", "CreateLoginProfile", {"userName": "svc-backup", "passwordResetRequired": False}, {"loginProfile": {"userName": "svc-backup", "passwordResetRequired": False}})],
        "policy rewritten": [("iam", "CreatePolicyVersion", {"policyArn": f"arn:aws:iam::{account}:policy/app-read", "policyDocument": json.dumps(policy("*")), "setAsDefault": True}, {"policyVersion": {"versionId": "v4", "isDefaultVersion": True}})],
        "objects expire tomorrow": [
            ("s3", "PutBucketVersioning", {"bucketName": "orders", "versioning": "", "VersioningConfiguration": {"Status": "Suspended"}}, None),
            ("s3", "PutBucketLifecycle", {"bucketName": "orders", "lifecycle": "", "LifecycleConfiguration": expiry}, None),
        ],
        "start-up script changed": [
            ("ec2", "StopInstances", {**stopped, "force": False}, None),
            ("ec2", "ModifyInstanceAttribute", {"instanceId": machine, "userData": "<sensitiveDataRemoved>"}, {"_return": True}),
            ("ec2", "StartInstances", stopped, None),
        ],
        "function's code replaced": [("lambda", "UpdateFunctionCode20150331v2", {"functionName": "api", "publish": False, "dryRun": False}, {"functionName": "api", "functionArn": arn("lambda", "function:api")})],
        "image made public": [("ec2", "ModifyImageAttribute", {"imageId": "ami-" + some(17), "attributeType": "launchPermission", "launchPermission": {"add": {"items": [{"group": "all"}]}}}, {"_return": True})],
        "certificates as credentials": [
            ("rolesanywhere", "CreateTrustAnchor", {"name": "onprem", "enabled": True, "source": anchor}, None),
            ("rolesanywhere", "CreateProfile", {"name": "onprem", "enabled": True, "roleArns": [f"arn:aws:iam::{account}:role/OrgAdmin"]}, None),
        ],
        "outside machine managed": [("ssm", "CreateActivation", {"description": "onprem", "iamRole": "service-role/AmazonEC2RunCommandRoleForManagedInstances", "registrationLimit": 10}, None)],
        "region opened": [("account", "EnableRegion", {"RegionName": "ap-east-1"}, None)],
        "traffic copied": [("ec2", "CreateTrafficMirrorSession", {"CreateTrafficMirrorSessionRequest": mirror}, None)],
        "language models hijacked": [
            ("bedrock", "DeleteModelInvocationLoggingConfiguration", {}, None),
            ("bedrock", "PutFoundationModelEntitlement", model, None),
            *[("bedrock", "InvokeModel", model, None) for _ in range(6)],
        ],
        "key lent to a stranger": [("kms", "CreateGrant", {"keyId": arn("kms", "key/" + some(8)), "granteePrincipal": ROOT, "operations": ["Decrypt", "GenerateDataKey", "CreateGrant"]}, {"grantId": some(64)})],
        "permission set widened": [
            ("sso", "AttachManagedPolicyToPermissionSet", {**permissions, "managedPolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}, None),
            ("sso", "ProvisionPermissionSet", {**permissions, "targetType": "ALL_PROVISIONED_ACCOUNTS"}, None),
        ],
        "text messages paid for": [("sns", "SetSMSAttributes", {"attributes": {"MonthlySpendLimit": "5000", "DefaultSMSType": "Promotional"}}, None)],
        "names asked elsewhere": [
            ("ec2", "CreateDhcpOptions", {"dhcpConfigurationSet": servers}, {"dhcpOptions": {"dhcpOptionsId": options, "dhcpConfigurationSet": servers}}),
            ("ec2", "AssociateDhcpOptions", {"dhcpOptionsId": options, "vpcId": "vpc-" + some(17)}, {"_return": True}),
        ],
        "security contact replaced": [("account", "PutAlternateContact", {"alternateContactType": "SECURITY", "name": "Security Team", "title": "Security", "emailAddress": "security@example.org", "phoneNumber": "+4930000000"}, None)],
        "template of machines": [
            ("ec2", "CreateLaunchTemplateVersion", {"CreateLaunchTemplateVersionRequest": version}, None),
            ("ec2", "ModifyLaunchTemplate", {"ModifyLaunchTemplateRequest": {"LaunchTemplateId": template, "SetDefaultVersion": "8"}}, None),
        ],
        "logs kept one day": [("logs", "PutRetentionPolicy", {"logGroupName": "/aws/cloudtrail/main", "retentionInDays": 1}, None)],
        "database restored in the open": [
            ("rds", "CreateDBSnapshot", {"dBInstanceIdentifier": "orders", "dBSnapshotIdentifier": "orders-test-1"}, None),
            ("rds", "RestoreDBInstanceFromDBSnapshot", restored, None),
        ],
        "packages from anywhere": [("codeartifact", "AssociateExternalConnection", {"domain": "company", "repository": "internal", "externalConnection": "public:npmjs"}, None)],
        "events to a stranger's bus": [
            ("events", "PutRule", {"name": "audit-forward", "eventPattern": json.dumps({"source": [{"prefix": ""}]}), "state": "ENABLED"}, {"ruleArn": arn("events", "rule/audit-forward")}),
            ("events", "PutTargets", {"rule": "audit-forward", "targets": [{"id": "1", "arn": f"arn:aws:events:{region}:{STRANGER}:event-bus/default"}]}, {"failedEntryCount": 0, "failedEntries": []}),
        ],
        "address trusted": [("guardduty", "CreateIPSet", {"detectorId": some(32), "name": "office", "format": "TXT", "location": "https://s3.amazonaws.com/office-ranges/list.txt", "activate": True}, {"ipSetId": some(32)})],
    }


def newest(account, region, some):
    arn = lambda service, name: f"arn:aws:{service}:{region}:{account}:{name}"
    role = lambda name: f"arn:aws:iam::{account}:role/{name}"
    xml = "http://s3.amazonaws.com/doc/2006-03-01/"
    machine, network, snapshot, volume = "i-" + some(17), "vpc-" + some(17), "snap-" + some(17), "vol-" + some(17)
    trail, pool, queries, service, graph = arn("cloudtrail", "trail/main"), f"{region}:{some(8)}-{some(4)}-{some(4)}-{some(4)}-{some(12)}", "rqlc-" + some(16), "m-" + some(32), some(26)
    copied = "vol-" + some(17)
    person, store = f"{some(8)}-{some(4)}-{some(4)}-{some(4)}-{some(12)}", "d-" + some(10)
    selector = {"readWriteType": "ReadOnly", "includeManagementEvents": False, "dataResources": [], "excludeManagementEventSources": []}
    unblocked = {"xmlns": xml, "BlockPublicAcls": False, "IgnorePublicAcls": False, "BlockPublicPolicy": False, "RestrictPublicBuckets": False}
    sealed = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": f"arn:aws:kms:{region}:{STRANGER}:key/{some(8)}-{some(4)}-{some(4)}-{some(4)}-{some(12)}"}
    rented = {"availabilityZone": region + "a", "blueprintId": "ubuntu_22_04", "bundleId": "2xlarge_3_0", "keyPairName": "LightsailDefaultKeyPair"}
    access = {"userName": "svc-report", "serviceName": "bedrock.amazonaws.com"}
    task = {"arn": "arn:aws:scheduler:::aws-sdk:iam:createAccessKey", "roleArn": role("scheduler-maintenance"), "input": json.dumps({"UserName": "svc-report"})}
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "config": {"digest": "sha256:" + some(64)}, "layers": []}
    mutable = {"registryId": account, "repositoryName": "api", "imageTagMutability": "MUTABLE"}
    source, target, copy = (arn("datasync", f"{kind}-{some(17)}") for kind in ("location/loc", "location/loc", "task/task"))
    cluster = {"dBClusterIdentifier": "orders", "backupRetentionPeriod": 1, "deletionProtection": False, "applyImmediately": True, "allowMajorVersionUpgrade": False}
    console = {"EnableSerialConsoleAccessResponse": {"xmlns": "http://ec2.amazonaws.com/doc/2016-11-15/", "serialConsoleAccessEnabled": True}}
    endpoint = {"VpcEndpointId": "vpce-" + some(17), "ResetPolicy": True}
    return {
        # known to everybody
        "changes no longer recorded": [("cloudtrail", "PutEventSelectors", {"trailName": "main", "eventSelectors": [selector]}, {"trailARN": trail, "eventSelectors": [selector]})],
        "watchman switched off": [("guardduty", "UpdateDetector", {"detectorId": some(32), "enable": False}, None)],
        "bucket for the world": [
            ("s3", "PutBucketPublicAccessBlock", {"bucketName": "orders-archive", "publicAccessBlock": "", "PublicAccessBlockConfiguration": unblocked}, None),
            ("s3", "PutBucketAcl", {"bucketName": "orders-archive", "acl": "", "x-amz-acl": "public-read"}, None),
        ],
        "objects sealed with a stranger's key": [("s3", "PutBucketEncryption", {"bucketName": "orders", "encryption": "", "ServerSideEncryptionConfiguration": {
            "xmlns": xml, "Rule": {"ApplyServerSideEncryptionByDefault": sealed, "BucketKeyEnabled": True}}}, None)],
        "into the administrators' group": [("iam", "AddUserToGroup", {"userName": "svc-report", "groupName": "Administrators"}, None)],
        "account leaves": [("organizations", "LeaveOrganization", {}, None)],
        "disk read elsewhere": [
            ("ec2", "CreateSnapshot", {"volumeId": volume, "description": ""}, {"snapshotId": snapshot, "volumeId": volume, "status": "pending", "ownerId": account}),
            ("ec2", "CreateVolume", {"size": "100", "zone": region + "a", "snapshotId": snapshot, "volumeType": "gp3"}, {"volumeId": copied, "status": "creating"}),
            ("ec2", "AttachVolume", {"volumeId": copied, "instanceId": machine, "device": "/dev/sdf", "deleteOnTermination": False}, {"instanceId": machine, "status": "attaching"}),
        ],
        "small servers for coins": [
            ("servicequotas", "RequestServiceQuotaIncrease", {"serviceCode": "ec2", "quotaCode": "L-1216C47A", "desiredValue": 4096}, None),
            *[("lightsail", "CreateInstances", {"instanceNames": [f"Ubuntu-{n}"], **rented, "userData": "HIDDEN_DUE_TO_SECURITY_REASONS"}, None) for n in range(1, 6)],
        ],
        # known to specialists
        "serial console": [
            ("ec2", "EnableSerialConsoleAccess", {"EnableSerialConsoleAccessRequest": ""}, console),
            ("ec2-instance-connect", "SendSerialConsoleSSHPublicKey", {"instanceId": machine, "serialPort": 0, "sSHPublicKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 ops"}, {"success": True}),
        ],
        "function with a web address": [("lambda", "CreateFunctionUrlConfig", {"functionName": "api", "authType": "NONE"}, {
            "functionUrl": f"https://{some(32)}.lambda-url.{region}.on.aws/", "functionArn": arn("lambda", "function:api"), "authType": "NONE"})],
        "guests get a role": [
            ("cognito-identity", "UpdateIdentityPool", {"identityPoolId": pool, "identityPoolName": "mobile", "allowUnauthenticatedIdentities": True}, None),
            ("cognito-identity", "SetIdentityPoolRoles", {"identityPoolId": pool, "roles": {"authenticated": role("mobile-user"), "unauthenticated": role("DataExport")}}, None),
        ],
        "developer's endpoint with a role": [("glue", "CreateDevEndpoint", {"endpointName": "etl-debug", "roleArn": role("GlueAdmin"),
            "publicKey": "ssh-rsa AAAAB3NzaC1yc2E etl", "numberOfNodes": 2}, None)],
        "mailboxes of its own": [
            ("workmail", "CreateOrganization", {"alias": "company-notices", "enableInteroperability": False}, {"organizationId": service}),
            ("workmail", "CreateUser", {"organizationId": service, "name": "invoices", "displayName": "Invoices", "password": "HIDDEN_DUE_TO_SECURITY_REASONS"}, {"userId": person}),
            ("workmail", "RegisterToWorkMail", {"organizationId": service, "entityId": person, "email": "invoices@company-notices.awsapps.com"}, None),
        ],
        "asked names not logged": [
            ("route53resolver", "DisassociateResolverQueryLogConfig", {"resolverQueryLogConfigId": queries, "resourceId": network}, None),
            ("route53resolver", "DeleteResolverQueryLogConfig", {"resolverQueryLogConfigId": queries}, None),
        ],
        "long-lived key for models": [("iam", "CreateServiceSpecificCredential", access, {"serviceSpecificCredential": {
            **access, "serviceSpecificCredentialId": "ACCA" + some(17).upper(), "serviceCredentialAlias": f"svc-report-at-{account}", "status": "Active"}})],
        "new person in the directory": [
            ("identitystore", "CreateUser", {"identityStoreId": store, "userName": "HIDDEN_DUE_TO_SECURITY_REASONS"}, {"identityStoreId": store, "userId": person}),
            ("identitystore", "CreateGroupMembership", {"identityStoreId": store, "groupId": f"{some(8)}-{some(4)}-{some(4)}-{some(4)}-{some(12)}", "memberId": {"userId": person}}, None),
        ],
        # looks like work
        "key renewed by timetable": [("scheduler", "CreateSchedule", {
            "name": "weekly-maintenance", "groupName": "default", "scheduleExpression": "rate(7 days)", "flexibleTimeWindow": {"mode": "OFF"}, "target": task}, {
            "scheduleArn": arn("scheduler", "schedule/default/weekly-maintenance")})],
        "rows grow old": [("dynamodb", "UpdateTimeToLive", {"tableName": "orders", "timeToLiveSpecification": {"enabled": True, "attributeName": "createdAt"}}, {
            "timeToLiveSpecification": {"enabled": True, "attributeName": "createdAt"}})],
        "released tag overwritten": [
            ("ecr", "PutImageTagMutability", mutable, mutable),
            ("ecr", "PutImage", {"registryId": account, "repositoryName": "api", "imageTag": "v2.14.0", "imageManifest": json.dumps(manifest)}, None),
        ],
        "files synchronised away": [
            ("datasync", "CreateLocationS3", {"s3BucketArn": "arn:aws:s3:::orders", "s3Config": {"bucketAccessRoleArn": role("datasync-s3")}}, {"locationArn": source}),
            ("datasync", "CreateLocationS3", {"s3BucketArn": "arn:aws:s3:::backup-mirror-eu", "s3Config": {"bucketAccessRoleArn": role("datasync-s3")}}, {"locationArn": target}),
            ("datasync", "CreateTask", {"sourceLocationArn": source, "destinationLocationArn": target, "name": "nightly-mirror"}, {"taskArn": copy}),
            ("datasync", "StartTaskExecution", {"taskArn": copy}, {"taskExecutionArn": f"{copy}/execution/exec-{some(17)}"}),
        ],
        "database unprotected": [("rds", "ModifyDBCluster", cluster, None)],
        "findings archived by rule": [("access-analyzer", "CreateArchiveRule", {"analyzerName": "account", "ruleName": "known-partners", "filter": {
            "resourceType": {"eq": ["AWS::IAM::Role", "AWS::S3::Bucket"]}}}, None)],
        "key to the data interface": [("appsync", "CreateApiKey", {"apiId": graph, "description": "mobile release", "expires": 1798761600}, {
            "apiKey": {"id": "da2-" + graph, "expires": 1798761600}})],
        "private way unguarded": [("ec2", "ModifyVpcEndpoint", {"ModifyVpcEndpointRequest": endpoint}, {
            "ModifyVpcEndpointResponse": {"xmlns": "http://ec2.amazonaws.com/doc/2016-11-15/", "return": True}})],
    }


GROUPS = {"foreseen": foreseen, "half": half, "unforeseen": unforeseen, "later": later, "last": last, "newest": newest}
