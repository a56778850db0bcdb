//! From bytes to one event: envelope, header and identity; the rest stays on the tape until somebody asks.

use std::borrow::Cow;

use sha2::{Digest, Sha256};
use tagwarden_core::{Event, EventKind, Fault, Identity, SessionIssuer, Stage, Text, Timestamp};
use tagwarden_json::{Kind, Node, Tape};

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
        let text = std::str::from_utf8(bytes)
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

/// The first 128 bits of the SHA-256.
fn sha_key(bytes: &[u8]) -> u128 {
    let digest = Sha256::digest(bytes);
    digest.iter().take(16).fold(0, |key, byte| key << 8 | u128::from(*byte))
}

/// The 128 bits of a UUID in its usual form. Upper case is another id: two spellings must not become one event.
fn uuid_key(id: &str) -> Option<u128> {
    let id: &[u8; 36] = id.as_bytes().try_into().ok()?;
    if [id[8], id[13], id[18], id[23]] != *b"----" {
        return None;
    }
    let mut digits = [0; 32];
    for (to, from) in [(0, 0), (8, 9), (12, 14), (16, 19)] {
        let length = if from == 0 { 8 } else { 4 };
        digits[to..to + length].copy_from_slice(&id[from..from + length]);
    }
    digits[20..].copy_from_slice(&id[24..]);
    let (words, _) = digits.as_chunks::<8>();
    words.iter().try_fold(0, |key, word| Some(key << 32 | u128::from(hex_word(*word)?)))
}

/// The value of eight hex digits in lower case, all at once.
fn hex_word(digits: [u8; 8]) -> Option<u32> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let text = u64::from_be_bytes(digits);
    // The low half of a letter counts from 1, and only letters have the bit of 64.
    let values = (text & (ONES * 15)) + ((text >> 6) & (ONES * 3)) * 9;
    let letters = ((values + ONES * (128 - 10)) >> 7) & ONES;
    // What is no digit does not come back as it was, or is too large.
    if values & (ONES * 0xF0) != 0 || values + ONES * u64::from(b'0') + letters * 39 != text {
        return None;
    }
    let pairs = (values | values >> 4) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs | pairs >> 8) & 0x0000_FFFF_0000_FFFF;
    u32::try_from((fours | fours >> 16) & 0xFFFF_FFFF).ok()
}

/// `eventName` without a trailing API version, as Lambda and CloudFront write it (`TagResource20170331v2`,
/// `CreateDistribution2020_05_31`).
fn action<'a>(name: &Text<'a>) -> Text<'a> {
    let bytes = name.as_bytes();
    if !bytes.last().is_some_and(u8::is_ascii_digit) {
        return name.clone();
    }
    let mut end = bytes.len();
    let digits = bytes.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    if digits < 3 && bytes.get(end.wrapping_sub(digits + 1)) == Some(&b'v') {
        end -= digits + 1;
    }
    let date = |text: &[u8]| {
        text.iter().rev().take(8).filter(|b| b.is_ascii_digit()).count() == 8
            && text[text.len() - 8..].starts_with(b"20")
    };
    let dashed = |text: &[u8]| {
        let tail = text.len().checked_sub(10).map(|at| &text[at..]);
        tail.is_some_and(|t| t.starts_with(b"20") && t[4] == b'_' && t[7] == b'_')
    };
    let cut = if end >= 8 && date(&bytes[..end]) {
        end - 8
    } else if dashed(&bytes[..end]) {
        end - 10
    } else {
        return name.clone();
    };
    match name {
        Cow::Borrowed(name) => Cow::Borrowed(&name[..cut]),
        Cow::Owned(name) => Cow::Owned(name[..cut].to_owned()),
    }
}

/// Whether the verb of an action that lacks `readOnly` says that it reads.
fn reads(action: &str) -> bool {
    const VERBS: [&str; 14] = [
        "Get", "List", "Describe", "Head", "Lookup", "Search", "BatchGet", "Check", "Query", "Scan", "Select",
        "Preview", "Validate", "Estimate",
    ];
    VERBS.iter().any(|verb| {
        action
            .strip_prefix(verb)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_uppercase()))
    })
}

/// Whether an event tells who is behind a session: `AssumeRole*`, `GetSessionToken`, `GetFederationToken`, sign-ins.
/// Such events always feed the session map, though CloudTrail calls most of them reads.
pub fn feeds_sessions(event: &Event<'_>) -> bool {
    if event.kind == EventKind::ConsoleSignIn {
        return true;
    }
    match event.source.as_ref() {
        "sts.amazonaws.com" => {
            event.action.starts_with("AssumeRole")
                || matches!(event.action.as_ref(), "GetSessionToken" | "GetFederationToken")
        }
        "signin.amazonaws.com" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
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
}
