//! What is an event, what is odd about one, and what is none.

use super::{Decoder, action, reads, uuid_key};
use tagwarden_core::{EventKind, Stage, Timestamp};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn refused(text: &str) -> String {
    let fault = Decoder::new().decode(text.as_bytes(), NOW).unwrap_err();
    format!("{fault}")
}

const STOP: &str = r#"{"eventTime":"2026-09-03T04:40:32Z","eventSource":"cloudtrail.amazonaws.com",
    "eventName":"StopLogging","eventID":"0a091b9b-0df5-4cf9-b667-6f287aaaaaaa","recipientAccountId":"111122223333"}"#;

#[test]
fn a_bare_record_with_the_least_it_may_have() {
    let mut decoder = Decoder::new();
    let event = decoder.decode(STOP.as_bytes(), NOW).unwrap();
    assert_eq!((event.kind, event.name.as_ref(), event.read_only), (EventKind::ApiCall, "StopLogging", false));
    assert_eq!(event.key, 0x0a09_1b9b_0df5_4cf9_b667_6f28_7aaa_aaaa);
    assert_eq!(event.fault, None);
}

#[test]
fn every_member_of_the_header_is_read() {
    let text = r#"{"eventTime":"2026-09-03T04:40:32Z","eventSource":"s","eventName":"n","eventID":"i","sharedEventID":"h",
        "awsRegion":"r","recipientAccountId":"a","errorCode":"e","sourceIPAddress":"p","userAgent":"u","readOnly":true,
        "eventType":"AwsServiceEvent","sessionCredentialFromConsole":"true","userIdentity":{"type":"t"},
        "requestParameters":{"q":1},"responseElements":{"z":2}}"#;
    let mut decoder = Decoder::new();
    let event = decoder.decode(text.as_bytes(), NOW).unwrap();
    let texts = [event.shared_id, event.error_code, event.source_ip, event.user_agent, event.identity.kind];
    assert_eq!(texts.map(Option::unwrap), ["h", "e", "p", "u", "t"]);
    assert_eq!([event.id, event.source, event.name, event.region, event.account_id], ["i", "s", "n", "r", "a"]);
    assert!(event.read_only && event.identity.from_console && event.kind == EventKind::ServiceEvent);
    assert_eq!([event.request, event.response].map(|n| n.unwrap().json()), [r#"{"q":1}"#, r#"{"z":2}"#]);
}

#[test]
fn an_odd_field_does_not_hide_the_event() {
    for (odd, said) in [
        (r#""awsRegion":7"#, "awsRegion: found a number, wanted a string"),
        (r#""userIdentity":[]"#, "userIdentity: found a list, wanted an object"),
        (r#""userIdentity":{"sessionContext":"x"}"#, "sessionContext: found a string, wanted an object"),
        (r#""readOnly":"false""#, "readOnly: found a string, wanted a bool"),
        (r#""requestParameters":3"#, "requestParameters: found a number, wanted an object"),
        (r#""sharedEventID":{}"#, "sharedEventID: found an object, wanted a string"),
    ] {
        let text = STOP.replacen('{', &format!("{{{odd},"), 1);
        let mut decoder = Decoder::new();
        let event = decoder.decode(text.as_bytes(), NOW).unwrap();
        assert_eq!(event.fault.as_deref(), Some(said));
        assert_eq!(event.name, "StopLogging");
    }
}

#[test]
fn what_quarantine_takes() {
    for (from, to, said) in [
        ("\"eventSource\"", "\"x\"", "validate: found no `eventSource`, wanted a string"),
        ("\"StopLogging\"", "5", "validate: found no `eventName`, wanted a string"),
        ("\"eventID\"", "\"x\"", "validate: found no `eventID`, wanted a string"),
        ("\"eventTime\"", "\"x\"", "validate: found no `eventTime`, wanted a string"),
        ("2026-09-03", "2056-09-03", "found 2056-09-03T04:40:32.000Z, wanted a time from 2013 to tomorrow"),
        ("2026-09-03", "1996-09-03", "found 1996-09-03T04:40:32.000Z, wanted a time from 2013 to tomorrow"),
        ("2026-09-03T", "2026-09-03 at ", "eventTime: found `2026-09-03 at 04:40:32Z`, wanted an RFC 3339 time"),
        ("\"eventTime\"", "eventTime", "decode: json: found no key, wanted a quoted name at byte 1"),
    ] {
        let found = refused(&STOP.replacen(from, to, 1));
        assert!(found.contains(said), "{found}");
    }
    assert_eq!(refused("[1]"), "decode: found a list, wanted a CloudTrail record");
    let invalid = Decoder::new().decode(b"{\"a\":\"\xff\"}", NOW).unwrap_err();
    assert_eq!(invalid.stage, Stage::Decode);
    assert!(invalid.reason.contains("invalid UTF-8 at byte 6"), "{invalid}");
}

#[test]
fn envelopes_lend_what_the_record_lacks() {
    let text = r#"{"version":"0","id":"abc","detail-type":"AWS Console Signin via CloudTrail","source":"aws.signin",
        "account":"444455556666","time":"2026-09-03T04:40:32Z","region":"eu-west-1","resources":[],
        "detail":{"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin"}}"#;
    let mut decoder = Decoder::new();
    let event = decoder.decode(text.as_bytes(), NOW).unwrap();
    assert_eq!(
        (event.id.as_ref(), event.account_id.as_ref(), event.region.as_ref()),
        ("eb-abc", "444455556666", "eu-west-1")
    );
    assert_eq!(event.kind, EventKind::ConsoleSignIn);
    let bare = text.replace("\"id\":\"abc\",", "");
    let mut decoder = Decoder::new();
    assert_eq!(decoder.decode(bare.as_bytes(), NOW).unwrap().id.len(), "sha-".len() + 32);
}

#[test]
fn witnesses_have_no_actor() {
    let text = r#"{"id":"w1","detail-type":"Tag Change on Resource","source":"aws.tag","account":"1","time":"2026-09-03T04:40:32Z",
        "region":"eu-west-1","resources":["arn:aws:ec2:eu-west-1:1:instance/i-1"],"detail":{"changed-tag-keys":["a"],"tags":{"a":"b"}}}"#;
    let mut decoder = Decoder::new();
    let event = decoder.decode(text.as_bytes(), NOW).unwrap();
    assert_eq!((event.kind, event.source.as_ref(), event.read_only), (EventKind::TagState, "aws.tag", false));
    assert!(event.identity.kind.is_none());
    assert!(
        refused(&text.replace("Tag Change on Resource", "Object Created")).contains("detail-type `Object Created`")
    );
}

#[test]
fn api_versions_are_cut_off() {
    for (name, wanted) in [
        ("TagResource20170331v2", "TagResource"),
        ("CreateFunction20150331", "CreateFunction"),
        ("CreateDistribution2020_05_31", "CreateDistribution"),
        ("ListObjectsV2", "ListObjectsV2"),
        ("PutInventory", "PutInventory"),
        ("v2", "v2"),
        ("20150331", ""),
    ] {
        assert_eq!(action(&name.into()), wanted);
    }
}

#[test]
fn verbs_and_ids() {
    assert!(reads("GetObject") && reads("List") && !reads("Getaway") && !reads("CreateTags"));
    assert_eq!(uuid_key("0A091b9b-0df5-4cf9-b667-6f287aaaaaaa"), None);
    assert_eq!(uuid_key("not-a-uuid"), None);
    let id = "0a091b9b-0df5-4cf9-b667-6f287aaaaaaa";
    for (at, byte) in (0..id.len()).flat_map(|at| (1..128u8).map(move |byte| (at, byte))) {
        let mut other = id.as_bytes().to_vec();
        other[at] = byte;
        let other = String::from_utf8(other).unwrap();
        let dashed = [8, 13, 18, 23].into_iter().all(|dash| other.as_bytes()[dash] == b'-');
        let digits = other.replace('-', "");
        let lower = digits.len() == 32 && !digits.bytes().any(|b| b.is_ascii_uppercase());
        let wanted = u128::from_str_radix(&digits, 16).ok().filter(|_| dashed && lower && !digits.contains('+'));
        assert_eq!(uuid_key(&other), wanted, "{other}");
    }
}
