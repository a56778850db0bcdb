//! From bytes to one event: envelope, header and identity; the rest stays on the tape until somebody asks.

use std::borrow::Cow;

use tagwarden_core::{Event, EventKind, Fault, Identity, SessionIssuer, Stage, Text, Timestamp};
use tagwarden_json::{Kind, Node, Tape};

use crate::names::{action, reads, sha_key, uuid_key};

/// Largest event that is decoded, in bytes.
pub const MAX_EVENT: usize = 16 << 20;

/// CloudTrail began in 2013; an earlier time is a broken clock.
const FIRST: Timestamp = Timestamp(1_356_998_400_000);

/// Decodes one event after the other, reusing one tape.
#[derive(Debug, Default)]
pub struct Decoder {
    tape: Tape,
}

impl Decoder {
    /// A decoder with an empty tape.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes `bytes`: a bare CloudTrail record or an EventBridge event. `now` bounds the event's time.
    ///
    /// # Errors
    /// What quarantine takes: unusable JSON, more than 16 MiB or 128 levels, no source, name, id or time, a time before
    /// 2013 or more than a day after `now`. Every other oddity is an event with [`Event::fault`] set.
    pub fn decode<'a>(&'a mut self, bytes: &'a [u8], now: Timestamp) -> Result<Event<'a>, Fault> {
        let decode = |reason: String| Fault::new(Stage::Decode, reason);
        if bytes.len() > MAX_EVENT {
            return Err(decode(format!("found an event of {} bytes, wanted at most {MAX_EVENT}", bytes.len())));
        }
        let text = simdutf8::compat::from_utf8(bytes)
            .map_err(|e| decode(format!("found invalid UTF-8 at byte {}, wanted JSON", e.valid_up_to())))?;
        let envelope = self.tape.parse(text).map_err(|e| decode(format!("json: {e}")))?;
        if envelope.kind() != Kind::Object {
            return Err(decode(format!("found {}, wanted a CloudTrail record", kind_name(envelope.kind()))));
        }
        Reader { bytes, now, envelope, fault: None }.event()
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Bool => "a bool",
        Kind::Number => "a number",
        Kind::String => "a string",
        Kind::Array => "a list",
        Kind::Object => "an object",
    }
}

/// The members of a CloudTrail record that every event is asked for.
#[derive(Default)]
struct Header<'a> {
    id: Option<Text<'a>>,
    shared_id: Option<Text<'a>>,
    time: Option<Text<'a>>,
    source: Option<Text<'a>>,
    name: Option<Text<'a>>,
    region: Option<Text<'a>>,
    account: Option<Text<'a>>,
    error_code: Option<Text<'a>>,
    source_ip: Option<Text<'a>>,
    user_agent: Option<Text<'a>>,
    event_type: Option<Text<'a>>,
    read_only: Option<bool>,
    from_console: bool,
    identity: Option<Node<'a>>,
    request: Option<Node<'a>>,
    response: Option<Node<'a>>,
    /// Of an envelope: what it holds.
    detail_type: Option<Node<'a>>,
}

/// What surrounds a record that came through EventBridge.
#[derive(Default)]
struct Envelope<'a> {
    id: Option<Text<'a>>,
    time: Option<Text<'a>>,
    account: Option<Text<'a>>,
    region: Option<Text<'a>>,
}

struct Reader<'a> {
    bytes: &'a [u8],
    now: Timestamp,
    envelope: Node<'a>,
    fault: Option<String>,
}

impl<'a> Reader<'a> {
    fn event(mut self) -> Result<Event<'a>, Fault> {
        let record = self.envelope;
        let header = self.header(record);
        let Some(detail_type) = header.detail_type.and_then(|n| n.str()) else {
            let kind = match header.event_type.as_deref() {
                Some("AwsServiceEvent") => EventKind::ServiceEvent,
                Some("AwsConsoleAction") => EventKind::ConsoleAction,
                Some("AwsConsoleSignIn") => EventKind::ConsoleSignIn,
                _ => EventKind::ApiCall,
            };
            return self.finish(kind, record, header, Envelope::default());
        };
        let kind = match detail_type.as_ref() {
            "AWS API Call via CloudTrail" => EventKind::ApiCall,
            "AWS Service Event via CloudTrail" => EventKind::ServiceEvent,
            "AWS Console Action via CloudTrail" => EventKind::ConsoleAction,
            "AWS Console Sign In via CloudTrail" | "AWS Console Signin via CloudTrail" => EventKind::ConsoleSignIn,
            "EC2 Instance State-change Notification" => EventKind::InstanceState,
            "Tag Change on Resource" => EventKind::TagState,
            other => {
                let found = clip(other);
                return Err(Fault::new(
                    Stage::Validate,
                    format!(
                        "found the detail-type `{found}`, wanted an event of CloudTrail, EC2 instance state or aws.tag"
                    ),
                ));
            }
        };
        let Some(detail) = self.envelope.get("detail").filter(|n| n.kind() == Kind::Object) else {
            return Err(Fault::new(Stage::Validate, "found an EventBridge event without `detail`, wanted an object"));
        };
        // What is odd about an envelope's members is not odd about the record.
        self.fault = None;
        let outer = self.envelope;
        let around = Envelope {
            id: self.string(outer.get("id"), "id"),
            time: self.string(outer.get("time"), "time"),
            account: self.string(outer.get("account"), "account"),
            region: self.string(outer.get("region"), "region"),
        };
        let mut header = if kind.is_witness() { Header::default() } else { self.header(detail) };
        if kind.is_witness() {
            header.source = self.string(outer.get("source"), "source");
            header.name = Some(detail_type);
            header.read_only = Some(false);
        }
        self.finish(kind, detail, header, around)
    }

    fn header(&mut self, record: Node<'a>) -> Header<'a> {
        let mut h = Header::default();
        for (name, value) in record.members() {
            let key = name.raw();
            // The length tells most names apart before any text is compared.
            match (key.len(), key) {
                (7, "eventID") => h.id = self.string(Some(value), key),
                (13, "sharedEventID") => h.shared_id = self.string(Some(value), key),
                (9, "eventTime") => h.time = self.string(Some(value), key),
                (11, "eventSource") => h.source = self.string(Some(value), key),
                (9, "eventName") => h.name = self.string(Some(value), key),
                (9, "awsRegion") => h.region = self.string(Some(value), key),
                (18, "recipientAccountId") => h.account = self.string(Some(value), key),
                (9, "errorCode") => {
                    h.error_code = self.string(Some(value), key);
                    if h.error_code.is_none() && !value.is_null() {
                        h.error_code = Some(Cow::Borrowed(value.raw()));
                    }
                }
                (15, "sourceIPAddress") => h.source_ip = self.string(Some(value), key),
                (9, "userAgent") => h.user_agent = self.string(Some(value), key),
                (9, "eventType") => h.event_type = self.string(Some(value), key),
                (8, "readOnly") => {
                    h.read_only = value.bool();
                    if h.read_only.is_none() && !value.is_null() {
                        self.odd(key, value, "a bool");
                    }
                }
                (28, "sessionCredentialFromConsole") => {
                    h.from_console = self.truth(value, key) == Some(true);
                }
                (12, "userIdentity") => h.identity = self.object(value, key),
                (17, "requestParameters") => h.request = self.object(value, key),
                (16, "responseElements") => h.response = self.object(value, key),
                _ if name.is("detail-type") => h.detail_type = Some(value),
                _ => {}
            }
        }
        h
    }

    fn finish(
        mut self,
        kind: EventKind,
        record: Node<'a>,
        header: Header<'a>,
        around: Envelope<'a>,
    ) -> Result<Event<'a>, Fault> {
        let invalid = |reason: String| Fault::new(Stage::Validate, reason);
        let enveloped = !std::ptr::eq(record.raw(), self.envelope.raw());
        let filled = |text: Option<Text<'a>>| text.filter(|t| !t.is_empty());
        let missing = |what: &str| invalid(format!("found no `{what}`, wanted a string"));
        let Some(source) = filled(header.source) else {
            return Err(missing(if kind.is_witness() { "source" } else { "eventSource" }));
        };
        let Some(name) = filled(header.name) else { return Err(missing("eventName")) };
        let Some(time) = filled(header.time).or(filled(around.time)) else { return Err(missing("eventTime")) };
        let time = Timestamp::parse(&time).map_err(|e| invalid(format!("eventTime: {e}")))?;
        if time < FIRST || time > self.now.plus_seconds(86_400) {
            return Err(invalid(format!("eventTime: found {time}, wanted a time from 2013 to tomorrow")));
        }
        let id = match (filled(header.id), filled(around.id)) {
            (Some(id), _) => id,
            (None, Some(id)) => Cow::Owned(format!("eb-{id}")),
            (None, None) if enveloped => Cow::Owned(format!("sha-{:032x}", sha_key(self.bytes))),
            (None, None) => return Err(missing("eventID")),
        };
        let identity = header.identity.map(|n| self.identity(n, header.from_console)).unwrap_or_default();
        let account_id = filled(header.account)
            .or(filled(around.account))
            .or_else(|| identity.account_id.clone())
            .unwrap_or_default();
        let action = action(&name);
        let read_only = header.read_only.unwrap_or_else(|| reads(&action));
        Ok(Event {
            key: uuid_key(&id).unwrap_or_else(|| sha_key(id.as_bytes())),
            id,
            shared_id: header.shared_id,
            kind,
            time,
            account_id,
            region: filled(header.region).or(filled(around.region)).unwrap_or_default(),
            source,
            action,
            name,
            error_code: filled(header.error_code),
            read_only,
            source_ip: header.source_ip,
            user_agent: header.user_agent,
            identity,
            request: header.request,
            response: header.response,
            record,
            envelope: self.envelope,
            fault: self.fault,
        })
    }

    fn identity(&mut self, node: Node<'a>, from_console: bool) -> Identity<'a> {
        let mut identity = Identity { from_console, ..Identity::default() };
        for (key, value) in node.members() {
            let key = key.raw();
            match key {
                "type" => identity.kind = self.string(Some(value), key),
                "principalId" => identity.principal_id = self.string(Some(value), key),
                "arn" => identity.arn = self.string(Some(value), key),
                "accountId" => identity.account_id = self.string(Some(value), key),
                "accessKeyId" => identity.access_key_id = self.string(Some(value), key),
                "userName" => identity.user_name = self.string(Some(value), key),
                "identityProvider" => identity.identity_provider = self.string(Some(value), key),
                "invokedBy" => identity.invoked_by = self.string(Some(value), key),
                "sessionContext" => {
                    if let Some(context) = self.object(value, key) {
                        self.session(context, &mut identity);
                    }
                }
                _ => {}
            }
        }
        identity
    }

    fn session(&mut self, context: Node<'a>, identity: &mut Identity<'a>) {
        for (key, value) in context.members() {
            let key = key.raw();
            match key {
                "sourceIdentity" => identity.source_identity = self.string(Some(value), key),
                "sessionIssuer" => {
                    let issuer = self.object(value, key).filter(|n| n.members().next().is_some());
                    identity.issuer = issuer.map(|n| self.issuer(n));
                }
                "webIdFederationData" => {
                    let provider = self.object(value, key).and_then(|n| n.get("federatedProvider"));
                    identity.federated_provider = self.string(provider, "federatedProvider");
                }
                "attributes" => {
                    let Some(attributes) = self.object(value, key) else { continue };
                    for (key, value) in attributes.members() {
                        match key.raw() {
                            key @ "mfaAuthenticated" => identity.mfa = self.truth(value, key),
                            key @ "creationDate" => {
                                let text = self.string(Some(value), key);
                                identity.session_start = text.and_then(|t| Timestamp::parse(&t).ok());
                            }
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn issuer(&mut self, node: Node<'a>) -> SessionIssuer<'a> {
        let mut issuer = SessionIssuer::default();
        for (key, value) in node.members() {
            let key = key.raw();
            match key {
                "type" => issuer.kind = self.string(Some(value), key),
                "arn" => issuer.arn = self.string(Some(value), key),
                "userName" => issuer.user_name = self.string(Some(value), key),
                "accountId" => issuer.account_id = self.string(Some(value), key),
                "principalId" => issuer.principal_id = self.string(Some(value), key),
                _ => {}
            }
        }
        issuer
    }

    #[inline]
    fn string(&mut self, value: Option<Node<'a>>, key: &str) -> Option<Text<'a>> {
        let value = value?;
        let text = value.str();
        if text.is_none() && !value.is_null() {
            self.odd(key, value, "a string");
        }
        text
    }

    /// A bool, which CloudTrail writes as a text in some places.
    fn truth(&mut self, value: Node<'a>, key: &str) -> Option<bool> {
        let text = value.text().filter(|_| matches!(value.kind(), Kind::Bool | Kind::String));
        if text.is_none() && !value.is_null() {
            self.odd(key, value, "a bool");
        }
        text.map(|t| t.eq_ignore_ascii_case("true"))
    }

    fn object(&mut self, value: Node<'a>, key: &str) -> Option<Node<'a>> {
        match value.kind() {
            Kind::Object => Some(value),
            Kind::Null => None,
            _ => {
                self.odd(key, value, "an object");
                None
            }
        }
    }

    /// Notes a wrong type; the first one stands for all.
    #[cold]
    fn odd(&mut self, key: &str, value: Node<'_>, wanted: &str) {
        let found = kind_name(value.kind());
        self.fault.get_or_insert_with(|| format!("{key}: found {found}, wanted {wanted}"));
    }
}

fn clip(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
