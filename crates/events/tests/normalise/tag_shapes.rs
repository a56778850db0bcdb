//! Tag changes in every shape that CloudTrail writes, each with its whole expected change.

use crate::support::{lines, record, with_changes};

const ROLE: &str = "AWS::IAM::Role | web | arn:aws:iam::111122223333:role/web | -";
const ASG: &str = "AWS::AutoScaling::AutoScalingGroup";
const I1: &str = "AWS::EC2::Instance | i-01 | arn:aws:ec2:eu-west-1:111122223333:instance/i-01 | -";
const BUCKET: &str = "AWS::S3::Bucket | logs | arn:aws:s3:::logs | -";

fn check(cases: &[(&str, &str, &str, &str, &[String])]) {
    for (source, name, request, response, wanted) in cases {
        let found = lines(&record(source, name, request, response, ""));
        assert_eq!(found, **wanted, "{source} {name} {request}");
    }
}

fn tags(rest: &str) -> String {
    format!("tags tags_changed | {rest}")
}

#[test]
fn ec2() {
    check(&[
        (
            "ec2",
            "CreateTags",
            r#"{"resourcesSet":{"items":[{"resourceId":"i-01"},{"resourceId":"vol-02"}]},"tagSet":{"items":[{"key":"env","value":"prod"},{"key":"Name","value":""}]}}"#,
            r#"{"_return":true}"#,
            &[
                tags(&format!("{I1} | add env=prod Name= |")),
                tags(
                    "AWS::EC2::Volume | vol-02 | arn:aws:ec2:eu-west-1:111122223333:volume/vol-02 | - | add env=prod Name= |",
                ),
            ],
        ),
        (
            "ec2",
            "DeleteTags",
            r#"{"resourcesSet":{"items":[{"resourceId":"i-01"}]},"tagSet":{"items":[{"key":"a"},{"key":"b","value":"1"},{"key":"c","value":""}]}}"#,
            "null",
            &[tags(&format!("{I1} | remove -a -b=1 -c= |"))],
        ),
        // No tags at all: every tag goes.
        (
            "ec2",
            "DeleteTags",
            r#"{"resourcesSet":{"items":[{"resourceId":"i-01"}]}}"#,
            "null",
            &[tags(&format!("{I1} | replace |"))],
        ),
        // An empty list: nothing goes.
        (
            "ec2",
            "DeleteTags",
            r#"{"resourcesSet":{"items":[{"resourceId":"i-01"}]},"tagSet":{"items":[]}}"#,
            "null",
            &[tags(&format!("{I1} | remove |"))],
        ),
    ]);
}

#[test]
fn lists_and_maps_in_any_case() {
    let key = "AWS::KMS::Key | 1234abcd | arn:aws:kms:eu-west-1:111122223333:key/1234abcd | -";
    let function = "AWS::Lambda::Function | f | arn:aws:lambda:eu-west-1:111122223333:function:f | -";
    let queue = "AWS::SQS::Queue | jobs | arn:aws:sqs:eu-west-1:111122223333:jobs | -";
    check(&[
        (
            "iam",
            "TagRole",
            r#"{"roleName":"web","tags":[{"key":"a","value":"1"}]}"#,
            "null",
            &[tags(&format!("{ROLE} | add a=1 |"))],
        ),
        (
            "iam",
            "UntagRole",
            r#"{"roleName":"web","tagKeys":["a","b"]}"#,
            "null",
            &[tags(&format!("{ROLE} | remove -a -b |"))],
        ),
        (
            "iam",
            "TagUser",
            r#"{"userName":"bob","tags":[]}"#,
            "null",
            &[tags("AWS::IAM::User | bob | arn:aws:iam::111122223333:user/bob | - | add |")],
        ),
        (
            "iam",
            "TagInstanceProfile",
            r#"{"instanceProfileName":"p","tags":[{"Key":"a","Value":"1"}]}"#,
            "null",
            &[tags("AWS::IAM::InstanceProfile | p | arn:aws:iam::111122223333:instance-profile/p | - | add a=1 |")],
        ),
        (
            "kms",
            "TagResource",
            r#"{"keyId":"1234abcd","tags":[{"tagKey":"a","tagValue":"1"}]}"#,
            "null",
            &[tags(&format!("{key} | add a=1 |"))],
        ),
        (
            "kms",
            "UntagResource",
            r#"{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/1234abcd","tagKeys":["a"]}"#,
            "null",
            &[tags(&format!("{key} | remove -a |"))],
        ),
        (
            "lambda",
            "TagResource20170331v2",
            r#"{"resource":"arn:aws:lambda:eu-west-1:111122223333:function:f","tags":{"a":"1","b":"2"}}"#,
            "null",
            &[tags(&format!("{function} | add a=1 b=2 |"))],
        ),
        (
            "sqs",
            "TagQueue",
            r#"{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/111122223333/jobs","tags":{"a":"1"}}"#,
            "null",
            &[tags(&format!("{queue} | add a=1 |"))],
        ),
        (
            "mediaconvert",
            "TagResource",
            r#"{"arn":"arn:aws:mediaconvert:eu-west-1:111122223333:queues/1","Tags":{"CostCenter":"x"}}"#,
            "null",
            &[tags(
                "AWS::MediaConvert::Queue | 1 | arn:aws:mediaconvert:eu-west-1:111122223333:queues/1 | - | add CostCenter=x |",
            )],
        ),
        (
            "ssm",
            "AddTagsToResource",
            r#"{"resourceType":"Parameter","resourceId":"/prd/db","tags":[{"key":"a","value":"1"}]}"#,
            "null",
            &[tags(
                "AWS::SSM::Parameter | /prd/db | arn:aws:ssm:eu-west-1:111122223333:parameter/prd/db | - | add a=1 |",
            )],
        ),
        (
            "rds",
            "AddTagsToResource",
            r#"{"resourceName":"arn:aws:rds:eu-west-1:111122223333:db:main","tags":[{"key":"a","value":"1"}]}"#,
            "null",
            &[tags("AWS::RDS::DBInstance | main | arn:aws:rds:eu-west-1:111122223333:db:main | - | add a=1 |")],
        ),
        (
            "cloudfront",
            "TagResource2020_05_31",
            r#"{"resource":"arn:aws:cloudfront::111122223333:distribution/E1","tags":{"items":[{"key":"WAF","value":"in"}]}}"#,
            "null",
            &[tags(
                "AWS::CloudFront::Distribution | E1 | arn:aws:cloudfront::111122223333:distribution/E1 | - | add WAF=in |",
            )],
        ),
        (
            "apigateway",
            "TagResource",
            r#"{"tagResourceInput":{"tags":{"WAF":"ip"}},"resourceArn":"arn:aws:apigateway:eu-west-1::/restapis/ab/stages/t","template":false}"#,
            "null",
            &[tags(
                "AWS::ApiGateway::Stage | t | arn:aws:apigateway:eu-west-1::/restapis/ab/stages/t | - | add WAF=ip |",
            )],
        ),
        (
            "cloudtrail",
            "RemoveTags",
            r#"{"resourceId":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/t","tagsList":[{"key":"a","value":"1"}]}"#,
            "null",
            &[tags("AWS::CloudTrail::Trail | t | arn:aws:cloudtrail:eu-west-1:111122223333:trail/t | - | remove -a |")],
        ),
        (
            "route53",
            "ChangeTagsForResource",
            r#"{"resourceType":"hostedzone","resourceId":"Z1","addTags":[{"key":"a","value":"1"}],"removeTagKeys":["b"]}"#,
            "null",
            &[tags("AWS::Route53::HostedZone | Z1 | arn:aws:route53:::hostedzone/Z1 | - | add a=1 -b |")],
        ),
        (
            "ecs",
            "TagResource",
            r#"{"resourceArn":"arn:aws:ecs:eu-west-1:111122223333:service/prd/web","tags":[{"key":"a","value":"1"}]}"#,
            "null",
            &[tags("AWS::ECS::Service | web | arn:aws:ecs:eu-west-1:111122223333:service/prd/web | - | add a=1 |")],
        ),
        (
            "elasticloadbalancing",
            "AddTags",
            r#"{"tags":[{"value":"x","key":"WAF"}],"resourceArns":["arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/t/43"]}"#,
            "null",
            &[tags(
                "AWS::ElasticLoadBalancingV2::LoadBalancer | app/t/43 | arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/t/43 | - | add WAF=x |",
            )],
        ),
        (
            "elasticloadbalancing",
            "RemoveTags",
            r#"{"loadBalancerNames":["old"],"tags":[{"key":"WAF"}]}"#,
            "null",
            &[tags(
                "AWS::ElasticLoadBalancing::LoadBalancer | old | arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/old | - | remove -WAF |",
            )],
        ),
    ]);
}

#[test]
fn s3_replaces_the_whole_set() {
    let object = "AWS::S3::Object | logs/a/b.txt | arn:aws:s3:::logs/a/b.txt | -";
    check(&[
        (
            "s3",
            "PutBucketTagging",
            r#"{"Tagging":{"xmlns":"x","TagSet":{"Tag":{"Value":true,"Key":"a"}}},"tagging":"","bucketName":"logs"}"#,
            "null",
            &[tags(&format!("{BUCKET} | replace a=true |"))],
        ),
        (
            "s3",
            "PutBucketTagging",
            r#"{"tagging":"","Tagging":{"TagSet":{"Tag":[{"Value":2,"Key":"a"},{"Value":"x","Key":"b"}]}},"bucketName":"logs"}"#,
            "null",
            &[tags(&format!("{BUCKET} | replace a=2 b=x |"))],
        ),
        (
            "s3",
            "PutBucketTagging",
            r#"{"Tagging":{"xmlns":"x","TagSet":""},"bucketName":"logs"}"#,
            "null",
            &[tags(&format!("{BUCKET} | replace |"))],
        ),
        (
            "s3",
            "DeleteBucketTagging",
            r#"{"tagging":"","bucketName":"logs"}"#,
            "null",
            &[tags(&format!("{BUCKET} | replace |"))],
        ),
        (
            "s3",
            "PutObjectTagging",
            r#"{"bucketName":"logs","key":"a/b.txt","tagging":"","Tagging":{"TagSet":{"Tag":{"Key":"a","Value":"1"}}}}"#,
            "null",
            &[tags(&format!("{object} | replace a=1 |"))],
        ),
    ]);
}

#[test]
fn several_resources_in_one_call() {
    let queue = "AWS::SQS::Queue | q | arn:aws:sqs:eu-west-1:111122223333:q | -";
    check(&[
        (
            "autoscaling",
            "CreateOrUpdateTags",
            r#"{"tags":[{"resourceType":"auto-scaling-group","resourceId":"b","key":"x","value":"1","propagateAtLaunch":true},{"resourceId":"a","key":"x","value":"2"},{"resourceId":"b","key":"y","value":"3"}]}"#,
            "null",
            &[tags(&format!("{ASG} | b | - | - | add x=1 y=3 |")), tags(&format!("{ASG} | a | - | - | add x=2 |"))],
        ),
        (
            "autoscaling",
            "DeleteTags",
            r#"{"tags":[{"resourceId":"a","key":"x","value":"1"}]}"#,
            "null",
            &[tags(&format!("{ASG} | a | - | - | remove -x |"))],
        ),
        (
            "tagging",
            "TagResources",
            r#"{"resourceARNList":["arn:aws:ec2:eu-west-1:111122223333:instance/i-01","arn:aws:sqs:eu-west-1:111122223333:q"],"tags":{"a":"1"}}"#,
            r#"{"failedResourcesMap":{"arn:aws:sqs:eu-west-1:111122223333:q":{"statusCode":400,"errorCode":"InvalidParameterException","errorMessage":"no such queue"}}}"#,
            &[
                tags(&format!("{I1} | add a=1 |")),
                tags(&format!("{queue} | - | error=InvalidParameterException: no such queue")),
            ],
        ),
        (
            "tagging",
            "UntagResources",
            r#"{"resourceARNList":["arn:aws:ec2:eu-west-1:111122223333:instance/i-01"],"tagKeys":["a"]}"#,
            r#"{"failedResourcesMap":{}}"#,
            &[tags(&format!("{I1} | remove -a |"))],
        ),
    ]);
}

#[test]
fn hidden_missing_and_odd_parts_are_partial_never_lost() {
    let environment = "AWS::Cloud9::EnvironmentEC2 | 3X | arn:aws:cloud9:us-east-1:123456789012:environment:3X | -";
    let arn = r#""resourceARN":"arn:aws:cloud9:us-east-1:123456789012:environment:3X""#;
    let fsx = "AWS::FSx::FileSystem | fs-1 | arn:aws:fsx:us-east-1:111122223333:file-system/fs-1 | -";
    check(&[
        (
            "cloud9",
            "TagResource",
            &format!(r#"{{{arn},"tags":"HIDDEN_DUE_TO_SECURITY_REASONS"}}"#),
            "null",
            &[tags(&format!("{environment} | add partial |"))],
        ),
        (
            "cloud9",
            "UntagResource",
            &format!(r#"{{{arn},"tagKeys":"HIDDEN_DUE_TO_SECURITY_REASONS"}}"#),
            "null",
            &[tags(&format!("{environment} | remove partial |"))],
        ),
        (
            "fsx",
            "UntagResource",
            r#"{"resourceARN":"arn:aws:fsx:us-east-1:111122223333:file-system/fs-1"}"#,
            "null",
            &[tags(&format!("{fsx} | remove partial |"))],
        ),
        (
            "iam",
            "TagRole",
            r#"{"roleName":"web","tags":[{"key":"a","value":"HIDDEN_DUE_TO_SECURITY_REASONS"},{"key":"b","value":"1"}]}"#,
            "null",
            &[tags(&format!("{ROLE} | add b=1 partial |"))],
        ),
        (
            "iam",
            "TagRole",
            r#"{"roleName":"web","tags":17}"#,
            "null",
            &[tags(&format!("{ROLE} | add partial | fault=found 17 among tags, wanted keys and values"))],
        ),
        ("iam", "TagRole", "null", "null", &[tags("- | - | - | - | add partial |")]),
    ]);
    let refused = r#","errorCode":"AccessDeniedException","errorMessage":"User: x is not authorized to perform: dynamodb:TagResource on resource: arn:aws:dynamodb:eu-west-1:111122223333:table/t because no policy allows it""#;
    assert_eq!(
        lines(&record("dynamodb", "TagResource", "null", "null", refused)),
        [tags("AWS::DynamoDB::Table | t | arn:aws:dynamodb:eu-west-1:111122223333:table/t | - | add partial |")]
    );
}

#[test]
fn services_that_the_table_does_not_know() {
    let gizmo = "- | g1 | arn:aws:brandnew:eu-west-1:111122223333:gizmo/g1 | -";
    check(&[
        (
            "brandnew",
            "TagResource",
            r#"{"resourceArn":"arn:aws:brandnew:eu-west-1:111122223333:gizmo/g1","tags":{"a":"1"}}"#,
            "null",
            &[tags(&format!("{gizmo} | add a=1 |"))],
        ),
        (
            "brandnew",
            "UntagGizmo",
            r#"{"resourceArn":"arn:aws:brandnew:eu-west-1:111122223333:gizmo/g1","tagKeys":["a"]}"#,
            "null",
            &[tags(&format!("{gizmo} | remove -a |"))],
        ),
    ]);
}

#[test]
fn partitions_follow_the_region() {
    let china = record(
        "sqs",
        "TagQueue",
        r#"{"queueUrl":"https://sqs.cn-north-1.amazonaws.com.cn/111122223333/q","tags":{"a":"1"}}"#,
        "null",
        "",
    )
    .replace("eu-west-1", "cn-north-1");
    assert_eq!(lines(&china), [tags("AWS::SQS::Queue | q | arn:aws-cn:sqs:cn-north-1:111122223333:q | - | add a=1 |")]);
    let gov = record("iam", "TagRole", r#"{"roleName":"web","tags":[{"key":"a","value":"1"}]}"#, "null", "")
        .replace("eu-west-1", "us-gov-west-1");
    assert_eq!(lines(&gov), [tags("AWS::IAM::Role | web | arn:aws-us-gov:iam::111122223333:role/web | - | add a=1 |")]);
}

#[test]
fn witnesses_report_a_state() {
    let tag = r#"{"version":"0","id":"bddcf1d6-0251-35a1-aab0-adc1fb47c11c","detail-type":"Tag Change on Resource","source":"aws.tag","account":"111122223333","time":"2026-09-18T20:41:38Z","region":"eu-west-1","resources":["arn:aws:ec2:eu-west-1:111122223333:instance/i-01"],"detail":{"changed-tag-keys":["new","old","gone"],"service":"ec2","resource-type":"instance","version":3,"tags":{"new":"1","old":"2","kept":"3"}}}"#;
    assert_eq!(
        lines(tag),
        [format!(
            "tags tags_reported | {I1} | state new=1 old=2 kept=3 -gone | changed_tag_keys=new,old,gone service=ec2 tagged_type=instance"
        )]
    );
    let state = r#"{"version":"0","id":"7bf73129-1428-4cd3-a780-95db273d1602","detail-type":"EC2 Instance State-change Notification","source":"aws.ec2","account":"111122223333","time":"2026-11-11T21:29:54Z","region":"eu-west-1","resources":["arn:aws:ec2:eu-west-1:111122223333:instance/i-01"],"detail":{"instance-id":"i-01","state":"pending"}}"#;
    assert_eq!(lines(state), [format!("instance instance_state_reported | {I1} | - | state=pending")]);
}

/// A huge request on many resources neither takes the memory of a product nor hides what was done.
#[test]
fn many_tags_on_many_resources_stay_bounded() {
    let ids: Vec<String> = (0..3000).map(|n| format!(r#"{{"resourceId":"i-{n}"}}"#)).collect();
    let pairs: Vec<String> = (0..3000).map(|n| format!(r#"{{"key":"k{n}","value":"v"}}"#)).collect();
    let request =
        format!(r#"{{"resourcesSet":{{"items":[{}]}},"tagSet":{{"items":[{}]}}}}"#, ids.join(","), pairs.join(","));
    with_changes(&record("ec2", "CreateTags", &request, "null", ""), |changes| {
        assert_eq!(changes.len(), 3000);
        assert_eq!(changes.iter().map(|change| change.tags.set.len()).sum::<usize>(), 201_000);
        assert!(changes[100].tags.partial && changes[100].detail("fault").is_some());
        assert!(!changes[0].tags.partial && changes[0].detail("fault").is_none());
    });
}
