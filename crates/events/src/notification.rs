//! Notices that an object was written to a bucket, in the four wrappings they come in: S3's own, through SNS, through
//! SQS, and EventBridge's.

use serde_json::Value;

/// An object that a notice names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// The bucket.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
}

/// Why a notice names no object to read. `found X, wanted Y` in one line each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// S3's test message: nothing to read, nothing wrong.
    #[error("found S3's test message: there is nothing to read")]
    Test,
    /// Something else than a notice of a new object.
    #[error("{0}")]
    Other(String),
}

/// Deepest wrapping that is followed: SQS around SNS around S3.
const MAX_WRAPS: usize = 3;

/// The objects that a notice names, each with its own answer: one bad message in a batch does not spoil the others.
///
/// Source: AWS, "Event message structure" (S3), "Using EventBridge" (S3), "Using AWS Lambda with Amazon SQS".
///
/// # Errors
/// Text that is no notice at all.
pub fn objects(text: &str) -> Result<Vec<Result<ObjectRef, Refusal>>, Refusal> {
    unwrap(text, 0)
}

fn unwrap(text: &str, depth: usize) -> Result<Vec<Result<ObjectRef, Refusal>>, Refusal> {
    let value: Value = serde_json::from_str(text)
        .map_err(|e| Refusal::Other(format!("found no JSON ({e}), wanted a notice of S3")))?;
    if depth > MAX_WRAPS {
        return Err(Refusal::Other(format!("found more than {MAX_WRAPS} wrappings around a notice")));
    }
    if value["Event"] == "s3:TestEvent" {
        return Err(Refusal::Test);
    }
    if let Some(kind) = value["detail-type"].as_str() {
        return Ok(vec![from_event_bridge(kind, &value)]);
    }
    if let Some(message) = value["Message"].as_str() {
        return unwrap(message, depth + 1);
    }
    let Some(records) = value["Records"].as_array() else {
        return Err(Refusal::Other(
            "found neither `Records`, `Message` nor `detail-type`, wanted a notice of S3".into(),
        ));
    };
    let mut found = Vec::new();
    for record in records {
        let inner = record["Sns"]["Message"].as_str().or_else(|| record["body"].as_str());
        match inner {
            Some(inner) => match unwrap(inner, depth + 1) {
                Ok(inner) => found.extend(inner),
                Err(refusal) => found.push(Err(refusal)),
            },
            None => found.push(from_s3(record)),
        }
    }
    Ok(found)
}

fn from_s3(record: &Value) -> Result<ObjectRef, Refusal> {
    let name = record["eventName"].as_str().unwrap_or("no eventName");
    if !name.trim_start_matches("s3:").starts_with("ObjectCreated:") {
        return Err(Refusal::Other(format!("found `{name}`, wanted ObjectCreated")));
    }
    // S3's own notices write keys as a form would: `+` for a space, `%` escapes.
    named(&record["s3"]["bucket"]["name"], &record["s3"]["object"]["key"], |key| {
        let spaced = key.replace('+', " ");
        percent_decoded(&spaced)
    })
}

fn from_event_bridge(kind: &str, value: &Value) -> Result<ObjectRef, Refusal> {
    if kind != "Object Created" {
        return Err(Refusal::Other(format!("found the detail-type `{kind}`, wanted `Object Created`")));
    }
    if let Some(version) = value["detail"]["event-version"].as_str()
        && version.split('.').next() != Some("1")
    {
        return Err(Refusal::Other(format!("found event-version {version}, wanted 1.x")));
    }
    let detail = &value["detail"];
    // EventBridge gives the key as it is.
    named(&detail["bucket"]["name"], &detail["object"]["key"], |key| Some(key.to_owned()))
}

fn named(bucket: &Value, key: &Value, decode: impl Fn(&str) -> Option<String>) -> Result<ObjectRef, Refusal> {
    let (Some(bucket), Some(key)) = (bucket.as_str(), key.as_str()) else {
        return Err(Refusal::Other("found no bucket name or no object key, wanted both".into()));
    };
    match decode(key) {
        Some(key) => Ok(ObjectRef { bucket: bucket.to_owned(), key }),
        None => Err(Refusal::Other(format!("found the key `{key}`, wanted a percent-encoded UTF-8 key"))),
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let hex = std::str::from_utf8(rest.get(..2)?).ok()?;
        out.push(u8::from_str_radix(hex, 16).ok()?);
        rest = &rest[2..];
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::{ObjectRef, Refusal, objects};
    use serde_json::json;

    fn s3(key: &str) -> serde_json::Value {
        json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "logs"}, "object": {"key": key}}}]})
    }

    fn logs(key: &str) -> ObjectRef {
        ObjectRef { bucket: "logs".into(), key: key.into() }
    }

    #[test]
    fn every_wrapping_names_the_same_object() {
        let plain = s3("a/b+c%2Bd.json.gz").to_string();
        let sns = json!({"Type": "Notification", "Message": plain}).to_string();
        let lambda_sns = json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": plain}}]}).to_string();
        let sqs = json!({"Records": [{"body": plain}]}).to_string();
        let sqs_sns = json!({"Records": [{"body": sns}]}).to_string();
        for text in [plain, sns, lambda_sns, sqs, sqs_sns] {
            assert_eq!(objects(&text), Ok(vec![Ok(logs("a/b c+d.json.gz"))]), "{text}");
        }
        let bridge = json!({"detail-type": "Object Created", "detail": {"event-version": "1.1",
            "bucket": {"name": "logs"}, "object": {"key": "a+b.json"}}});
        assert_eq!(objects(&bridge.to_string()), Ok(vec![Ok(logs("a+b.json"))]));
    }

    #[test]
    fn what_names_nothing_says_so() {
        assert_eq!(objects(r#"{"Service":"Amazon S3","Event":"s3:TestEvent"}"#), Err(Refusal::Test));
        let deleted = json!({"detail-type": "Object Deleted", "detail": {}}).to_string();
        let said = objects(&deleted).unwrap()[0].clone().unwrap_err().to_string();
        assert_eq!(said, "found the detail-type `Object Deleted`, wanted `Object Created`");
        let newer = json!({"detail-type": "Object Created", "detail": {"event-version": "2.0"}}).to_string();
        assert!(objects(&newer).unwrap()[0].clone().unwrap_err().to_string().contains("event-version 2.0"));
        assert!(objects("hello").unwrap_err().to_string().contains("no JSON"));
        assert!(objects("{}").is_err());
        assert!(objects(&s3("a%zz").to_string()).unwrap()[0].is_err());
    }

    #[test]
    fn one_bad_message_does_not_spoil_the_batch() {
        let batch =
            json!({"Records": [{"body": s3("a").to_string()}, {"body": "garbage"}, {"body": s3("b").to_string()}]});
        let found = objects(&batch.to_string()).unwrap();
        assert_eq!((found[0].clone(), found[1].is_err(), found[2].clone()), (Ok(logs("a")), true, Ok(logs("b"))));
    }
}
