//! Hand-written CloudTrail events that look like real ones.

use std::fmt::Write as _;
use std::io::Write as _;

use serde_json::{Value, json};
use tagwarden_core::Timestamp;

/// The id of the `n`-th hand-written event.
pub fn event_id(n: u64) -> String {
    format!("{:08x}-77aa-4b1c-9d00-{n:012x}", n.wrapping_mul(0x9E37_79B1) & 0xFFFF_FFFF)
}

/// `seconds` after the morning of 2 March 2026, as CloudTrail writes times.
pub fn at(seconds: u64) -> String {
    let morning = Timestamp::parse("2026-03-02T09:00:00Z").unwrap();
    let text = morning.plus_seconds(i64::try_from(seconds).unwrap()).to_string();
    format!("{}Z", text.split('.').next().unwrap())
}

/// The `n`-th event: a person's `CreateTags` on one instance, `n` seconds into the morning.
pub fn event(n: u64) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROAEXAMPLE4ROLEID00:dana@example.com",
            "arn": "arn:aws:sts::111122223333:assumed-role/Engineer/dana@example.com",
            "accountId": "111122223333",
            "accessKeyId": "ASIAEXAMPLE4KEYID000",
            "userName": "dana",
            "identityProvider": "example-sso",
            "invokedBy": "console.amazonaws.com",
            "sessionContext": {
                "sourceIdentity": "dana@example.com",
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": "AROAEXAMPLE4ROLEID00",
                    "arn": "arn:aws:iam::111122223333:role/Engineer",
                    "accountId": "111122223333",
                    "userName": "Engineer"
                },
                "webIdFederationData": {"federatedProvider": "example-sso", "attributes": {}},
                "attributes": {"creationDate": "2026-03-02T08:58:03Z", "mfaAuthenticated": "true"}
            }
        },
        "eventTime": at(n),
        "eventSource": "ec2.amazonaws.com",
        "eventName": "CreateTags",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "198.51.100.17",
        "userAgent": "aws-cli/2.22.35 md/awscrt#0.23.4 ua/2.0 os/linux#6.8 md/arch#x86_64 lang/python#3.12.6",
        "errorCode": null,
        "errorMessage": null,
        "requestParameters": {
            "resourcesSet": {"items": [{"resourceId": format!("i-{n:017x}")}]},
            "tagSet": {"items": [{"key": "Team", "value": "shop"}, {"key": "CostCenter", "value": "4711"}]}
        },
        "responseElements": {"requestId": "6f1f8a5e-8d2a-4a76-9a0b-1f9f3b7f8f11", "_return": true},
        "additionalEventData": {"x-amz-id-2": "q4iBrS3J"},
        "requestID": "6f1f8a5e-8d2a-4a76-9a0b-1f9f3b7f8f11",
        "eventID": event_id(n),
        "sharedEventID": format!("b1c2d3e4-0000-4000-8000-{n:012x}"),
        "readOnly": false,
        "resources": [{"ARN": "arn:aws:ec2:eu-west-1:111122223333:instance/i-0", "type": "AWS::EC2::Instance"}],
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": "111122223333",
        "vpcEndpointId": "vpce-0a1b2c3d",
        "eventCategory": "Management",
        "tlsDetails": {"tlsVersion": "TLSv1.3", "clientProvidedHostHeader": "ec2.eu-west-1.amazonaws.com"},
        "sessionCredentialFromConsole": "true"
    })
}

/// The `n`-th event as one line without its end.
pub fn line(n: u64) -> String {
    event(n).to_string()
}

/// The events of `numbers`, one a line.
pub fn lines(numbers: impl IntoIterator<Item = u64>) -> String {
    numbers.into_iter().fold(String::new(), |mut text, n| {
        writeln!(text, "{}", line(n)).unwrap();
        text
    })
}

/// `bytes` as one gzip member.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}
