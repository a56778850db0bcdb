//! One `CloudTrail` record: the frame around a call, members in `CloudTrail`'s order.

use std::fmt::Write as _;

use serde_json::Value;

use crate::calendar::iso;

/// What was asked of a service and what it answered.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The first label of `eventSource`.
    pub(crate) source: &'static str,
    pub(crate) name: &'static str,
    pub(crate) read_only: bool,
    pub(crate) request: Value,
    pub(crate) response: Value,
    /// `CloudFormation` type and arn.
    pub(crate) resources: Vec<(&'static str, String)>,
    pub(crate) error: Option<(&'static str, String)>,
    pub(crate) extra: Value,
}

impl Call {
    pub(crate) fn write(source: &'static str, name: &'static str, request: Value) -> Self {
        let response = Value::Null;
        Self {
            source,
            name,
            read_only: false,
            request,
            response,
            resources: Vec::new(),
            error: None,
            extra: Value::Null,
        }
    }

    pub(crate) fn read(source: &'static str, name: &'static str, request: Value) -> Self {
        Self { read_only: true, ..Self::write(source, name, request) }
    }

    pub(crate) fn answered(mut self, response: Value) -> Self {
        self.response = response;
        self
    }

    pub(crate) fn about(mut self, kind: &'static str, arn: String) -> Self {
        self.resources.push((kind, arn));
        self
    }

    /// The same call refused by IAM: nothing happened, so nothing is answered.
    pub(crate) fn denied(mut self, caller: &str) -> Self {
        let action = self.name.trim_end_matches(|c: char| c.is_ascii_digit() || c == 'v');
        let (code, message) = if self.source == "ec2" {
            let text = format!(
                "You are not authorized to perform this operation. User: {caller} is not authorized to perform: ec2:{action} because no identity-based policy allows the ec2:{action} action."
            );
            ("Client.UnauthorizedOperation", text)
        } else {
            let text = format!(
                "User: {caller} is not authorized to perform: {}:{action} because no identity-based policy allows the {}:{action} action",
                self.source, self.source
            );
            (if self.source == "s3" || self.source == "iam" { "AccessDenied" } else { "AccessDeniedException" }, text)
        };
        self.error = Some((code, message));
        self.response = Value::Null;
        self
    }

    /// The same call turned away because there were too many.
    pub(crate) fn throttled(mut self) -> Self {
        self.error = Some(if self.source == "ec2" {
            ("Client.RequestLimitExceeded", String::from("Request limit exceeded."))
        } else {
            ("ThrottlingException", String::from("Rate exceeded"))
        });
        self.response = Value::Null;
        self
    }
}

/// Who calls, from where, with what.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    /// `userIdentity` as JSON.
    pub(crate) identity: String,
    /// The arn a denial names.
    pub(crate) arn: String,
    pub(crate) ip: String,
    pub(crate) agent: &'static str,
    pub(crate) console: bool,
}

impl Actor {
    /// The same caller with a service acting for it.
    pub(crate) fn through(&self, service: &'static str) -> Self {
        let mut identity = self.identity.clone();
        identity.pop();
        let mut out = String::new();
        push_string(&mut out, service);
        identity.push_str(",\"invokedBy\":");
        identity.push_str(&out);
        identity.push('}');
        Self { identity, ip: service.to_owned(), agent: service, console: false, ..self.clone() }
    }

    fn is_service(&self) -> bool {
        self.agent.ends_with(".amazonaws.com")
    }
}

/// Everything around the call that a record shows.
pub(crate) struct Frame<'a> {
    pub(crate) actor: &'a Actor,
    pub(crate) time_ms: i64,
    pub(crate) region: &'a str,
    pub(crate) account_id: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) event_id: &'a str,
    /// Set on both copies of a call that crosses accounts.
    pub(crate) shared_event_id: Option<&'a str>,
}

fn push_string(out: &mut String, text: &str) {
    // Writing to a string cannot fail, and a &str is always valid JSON text.
    out.push_str(&Value::from(text).to_string());
}

fn push_value(out: &mut String, value: &Value) {
    write!(out, "{value}").unwrap_or_default();
}

fn version(source: &str) -> &'static str {
    match source {
        "sts" | "signin" => "1.08",
        "iam" | "cloudtrail" | "config" => "1.10",
        _ => "1.11",
    }
}

fn host(source: &str, region: &str, request: &Value) -> String {
    match source {
        "iam" => String::from("iam.amazonaws.com"),
        "signin" => format!("{region}.signin.aws.amazon.com"),
        "s3" => match request.get("bucketName").and_then(Value::as_str) {
            Some(bucket) => format!("{bucket}.s3.{region}.amazonaws.com"),
            None => format!("s3.{region}.amazonaws.com"),
        },
        _ => format!("{source}.{region}.amazonaws.com"),
    }
}

/// The record as minified JSON.
pub(crate) fn render(frame: &Frame<'_>, call: &Call) -> String {
    let mut out = String::with_capacity(1800);
    let sign_in = call.source == "signin";
    out.push_str("{\"eventVersion\":\"");
    out.push_str(version(call.source));
    out.push_str("\",\"userIdentity\":");
    out.push_str(&frame.actor.identity);
    out.push_str(",\"eventTime\":\"");
    out.push_str(&iso(frame.time_ms));
    out.push_str("\",\"eventSource\":\"");
    out.push_str(call.source);
    out.push_str(".amazonaws.com\",\"eventName\":\"");
    out.push_str(call.name);
    out.push_str("\",\"awsRegion\":\"");
    out.push_str(frame.region);
    out.push_str("\",\"sourceIPAddress\":\"");
    out.push_str(&frame.actor.ip);
    out.push_str("\",\"userAgent\":");
    push_string(&mut out, frame.actor.agent);
    if let Some((code, message)) = &call.error {
        out.push_str(",\"errorCode\":\"");
        out.push_str(code);
        out.push_str("\",\"errorMessage\":");
        push_string(&mut out, message);
    }
    out.push_str(",\"requestParameters\":");
    push_value(&mut out, &call.request);
    out.push_str(",\"responseElements\":");
    match &call.response {
        Value::Object(members) if call.source == "ec2" && !call.read_only => {
            out.push_str("{\"requestId\":\"");
            out.push_str(frame.request_id);
            out.push('"');
            for (name, value) in members {
                out.push(',');
                push_string(&mut out, name);
                out.push(':');
                push_value(&mut out, value);
            }
            out.push('}');
        }
        other => push_value(&mut out, other),
    }
    if !call.extra.is_null() {
        out.push_str(",\"additionalEventData\":");
        push_value(&mut out, &call.extra);
    }
    if !sign_in {
        out.push_str(",\"requestID\":\"");
        out.push_str(frame.request_id);
        out.push('"');
    }
    out.push_str(",\"eventID\":\"");
    out.push_str(frame.event_id);
    out.push_str("\",\"readOnly\":");
    out.push_str(if call.read_only { "true" } else { "false" });
    for (index, (kind, arn)) in call.resources.iter().enumerate() {
        out.push_str(if index == 0 { ",\"resources\":[" } else { "," });
        out.push_str("{\"accountId\":\"");
        // The resource's own account, which in a chain across accounts is not the record's.
        let own = arn.split(':').nth(4).filter(|id| !id.is_empty());
        out.push_str(own.unwrap_or(frame.account_id));
        out.push_str("\",\"type\":\"");
        out.push_str(kind);
        out.push_str("\",\"ARN\":\"");
        out.push_str(arn);
        out.push_str("\"}");
    }
    if !call.resources.is_empty() {
        out.push(']');
    }
    out.push_str(",\"eventType\":\"");
    out.push_str(if sign_in { "AwsConsoleSignIn" } else { "AwsApiCall" });
    out.push_str("\",\"managementEvent\":true,\"recipientAccountId\":\"");
    out.push_str(frame.account_id);
    if let Some(shared) = frame.shared_event_id {
        out.push_str("\",\"sharedEventID\":\"");
        out.push_str(shared);
    }
    out.push_str("\",\"eventCategory\":\"Management\"");
    if !frame.actor.is_service() {
        out.push_str(",\"tlsDetails\":{\"tlsVersion\":\"TLSv1.3\",\"cipherSuite\":\"TLS_AES_128_GCM_SHA256\",\"clientProvidedHostHeader\":\"");
        out.push_str(&host(call.source, frame.region, &call.request));
        out.push_str("\"}");
    }
    if frame.actor.console && !sign_in && call.source != "sts" {
        out.push_str(",\"sessionCredentialFromConsole\":\"true\"");
    }
    out.push('}');
    out
}
