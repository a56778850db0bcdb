//! Calls of every family, each with its whole expected change.

use tagwarden_core::Timestamp;
use tagwarden_events::{Decoder, secret_read};

use crate::support::{lines, record, with_changes};

/// Blocks of source and operation, request, response and expected changes.
const CASES: &str = include_str!("families.txt");

#[test]
fn every_call_gives_its_whole_change() {
    let mut seen = 0;
    for block in CASES.split("\n\n").filter(|block| !block.starts_with('#')) {
        let all: Vec<&str> = block.trim().lines().collect();
        let [call, request, response, wanted @ ..] = all.as_slice() else { panic!("{block}") };
        let (source, name) = call.split_once(' ').expect("source and operation");
        let wanted: Vec<&str> =
            wanted.iter().map(|line| line.strip_prefix("= ").expect("an expected change")).collect();
        let trimmed = |text: &str| lines(text).iter().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
        assert_eq!(trimmed(&record(source, name, request, response, "")), wanted, "{call} {request}");
        // A refused call says the same.
        let refused = r#","errorCode":"AccessDenied""#;
        assert_eq!(trimmed(&record(source, name, request, response, refused)), wanted, "{call}, refused");
        seen += 1;
    }
    assert!(seen > 150, "{seen} cases");
}

/// Which secret was read is told; a read of anything else says no more than that it is one.
#[test]
fn reads_of_secrets() {
    let secret = "AWS::SecretsManager::Secret";
    let arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-Ab12Cd";
    let cases = [
        (
            "secretsmanager",
            "GetSecretValue",
            format!(r#"{{"secretId":"{arn}"}}"#),
            "db-Ab12Cd",
            format!("secret_read | {secret}"),
        ),
        (
            "secretsmanager",
            "GetSecretValue",
            r#"{"secretId":"db"}"#.to_owned(),
            "db",
            format!("secret_read | {secret}"),
        ),
        (
            "ssm",
            "GetParameters",
            r#"{"names":["/a","/b"],"withDecryption":true}"#.to_owned(),
            "/a",
            "parameter_read | AWS::SSM::Parameter".to_owned(),
        ),
        (
            "ec2",
            "GetPasswordData",
            r#"{"instanceId":"i-01"}"#.to_owned(),
            "i-01",
            "password_read | AWS::EC2::Instance".to_owned(),
        ),
        ("ec2", "DescribeInstances", r#"{"instanceId":"i-01"}"#.to_owned(), "", "read | -".to_owned()),
        ("s3", "GetObject", r#"{"bucketName":"b"}"#.to_owned(), "", "read | -".to_owned()),
    ];
    for (source, name, request, which, wanted) in cases {
        let text = record(source, name, &request, "null", "").replace(r#""readOnly":false"#, r#""readOnly":true"#);
        let found = lines(&text);
        assert!(found[0].starts_with(&format!("read {wanted} | ")), "{name}: {found:?}");
        let mut decoder = Decoder::new();
        let event = decoder.decode(text.as_bytes(), Timestamp(4_000_000_000_000)).expect("a record");
        assert_eq!(secret_read(&event), which, "{name}");
        with_changes(&text, |changes| assert_eq!(changes[0].resource_id, which, "{name}: as the change has it"));
    }
}

/// `ConsoleLogin` and its like: no request, an answer, facts in `additionalEventData`.
#[test]
fn sign_ins() {
    let me = "arn:aws:iam::111122223333:user/ann";
    let user = format!("AWS::IAM::User | ann | {me} | - | -");
    let cases = [
        (
            "ConsoleLogin",
            r#"{"ConsoleLogin":"Success"}"#,
            r#"{"LoginTo":"https://console.aws.amazon.com/console/home?state=x","MobileVersion":"No","MFAUsed":"Yes"}"#,
            format!("sign_in console_login | {user} | result=Success mfa_used=Yes login_to=https://console.aws.amazon.com/console/home"),
        ),
        (
            "ConsoleLogin",
            r#"{"ConsoleLogin":"Failure"}"#,
            r#"{"MFAUsed":"No"}"#,
            format!("sign_in console_login_failed | {user} | result=Failure mfa_used=No"),
        ),
        (
            "CheckMfa",
            r#"{"CheckMfa":"Success"}"#,
            r#"{"MfaType":"Virtual MFA"}"#,
            format!("sign_in mfa_checked | {user} | result=Success mfa_type=Virtual MFA"),
        ),
        (
            "SwitchRole",
            r#"{"SwitchRole":"Success"}"#,
            r#"{"SwitchFrom":"arn:aws:iam::111122223333:user/ann","SwitchTo":"arn:aws:iam::444455556666:role/admin"}"#,
            "sign_in role_switched | AWS::IAM::Role | admin | arn:aws:iam::444455556666:role/admin | - | - | result=Success from=arn:aws:iam::111122223333:user/ann".to_owned(),
        ),
    ];
    for (name, response, data, wanted) in cases {
        let rest = format!(r#","additionalEventData":{data}"#);
        assert_eq!(lines(&record("signin", name, "null", response, &rest)), [wanted]);
    }
}

#[test]
fn reads_are_reads_but_sessions_are_not() {
    let read = |source: &str, name: &str, rest: &str| {
        lines(
            &record(
                source,
                name,
                r#"{"roleArn":"arn:aws:iam::111122223333:role/web","roleSessionName":"s"}"#,
                "null",
                rest,
            )
            .replace(r#""readOnly":false"#, r#""readOnly":true"#),
        )
    };
    assert_eq!(read("ec2", "DescribeInstances", ""), ["read read | - | - | - | - | - |"]);
    assert_eq!(read("sts", "GetCallerIdentity", ""), ["read read | - | - | - | - | - |"]);
    assert_eq!(
        read("sts", "AssumeRole", ""),
        ["sign_in role_assumed | AWS::IAM::Role | web | arn:aws:iam::111122223333:role/web | - | - | session=s"]
    );
    let object = r#","resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::logs/a/b"},{"type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::logs","accountId":"111122223333"}]"#;
    assert_eq!(
        read("s3", "GetObject", object),
        ["read read | AWS::S3::Object | logs/a/b | arn:aws:s3:::logs/a/b | - | - |"]
    );
}

/// CloudTrail's own `resources` list resolves what a request leaves open.
#[test]
fn the_list_of_resources_is_used() {
    let key = r#","resources":[{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"arn:aws:kms:eu-west-1:111122223333:key/1234"}]"#;
    assert_eq!(
        lines(&record("kms", "DisableKey", r#"{"keyId":"alias/main"}"#, "null", key)),
        ["kms key_disabled | AWS::KMS::Key | 1234 | arn:aws:kms:eu-west-1:111122223333:key/1234 | - | - |"]
    );
    let gizmo = r#","resources":[{"accountId":"111122223333","type":"AWS::Brandnew::Gizmo","ARN":"arn:aws:brandnew:eu-west-1:111122223333:gizmo/g"}]"#;
    assert_eq!(
        lines(&record("brandnew", "FrobnicateGizmo", "null", "null", gizmo)),
        ["generic other_change | AWS::Brandnew::Gizmo | g | arn:aws:brandnew:eu-west-1:111122223333:gizmo/g | - | - |"]
    );
}

/// Wrong types in any field hide nothing.
#[test]
fn an_odd_field_does_not_hide_a_change() {
    let odd = [
        (r"[1,2]", "- | - | - | - |"),
        (r#""name""#, "- | - | - | - |"),
        (r#"{"name":{"a":1}}"#, "- | - | - | - |"),
        (r#"{"name":["t"]}"#, "t | arn:aws:cloudtrail:eu-west-1:111122223333:trail/t | - | - |"),
        (r#"{"Name":"t"}"#, "t | arn:aws:cloudtrail:eu-west-1:111122223333:trail/t | - | - |"),
        (r#"{"name":7}"#, "7 | arn:aws:cloudtrail:eu-west-1:111122223333:trail/7 | - | - |"),
    ];
    for (request, wanted) in odd {
        let found = lines(&record("cloudtrail", "StopLogging", request, "null", "")).remove(0);
        let wanted = format!("logging trail_stopped | AWS::CloudTrail::Trail | {wanted}");
        assert!(found.starts_with(&wanted), "{request}: {found}");
        assert_eq!(found.contains("fault="), !request.starts_with('{'), "{request}: {found}");
    }
}
