//! One decoded API event, borrowed from the bytes received.

use tagwarden_json::Node;

use crate::{Text, Timestamp};

/// What kind of report an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// "AWS API Call via CloudTrail".
    ApiCall,
    /// "AWS Service Event via CloudTrail": AWS acted by itself.
    ServiceEvent,
    /// "AWS Console Action via CloudTrail".
    ConsoleAction,
    /// "AWS Console Sign In via CloudTrail".
    ConsoleSignIn,
    /// A witness: "EC2 Instance State-change Notification".
    InstanceState,
    /// A witness: "Tag Change on Resource" of `aws.tag`.
    TagState,
}

impl EventKind {
    /// Whether the event reports a state without an actor.
    pub fn is_witness(self) -> bool {
        matches!(self, Self::InstanceState | Self::TagState)
    }
}

/// One API event. Names are those of the CloudTrail record contents reference.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// `eventID`; else `eb-` and the envelope's id; else `sha-` and 32 hex digits of the bytes received.
    pub id: Text<'a>,
    /// 128 bits of `id`: the UUID itself where it is one, else a hash of the text. What repeats are told by.
    pub key: u128,
    /// `sharedEventID`: links the copies of one cross-account call.
    pub shared_id: Option<Text<'a>>,
    /// What kind of report this is.
    pub kind: EventKind,
    /// `eventTime`, or the envelope's time.
    pub time: Timestamp,
    /// `recipientAccountId`, else the envelope's account, else the identity's; empty if none is known.
    pub account_id: Text<'a>,
    /// `awsRegion`, or the envelope's region; empty if unknown.
    pub region: Text<'a>,
    /// `eventSource`, such as `ec2.amazonaws.com`.
    pub source: Text<'a>,
    /// `eventName` as received, such as `TagResource20170331v2`.
    pub name: Text<'a>,
    /// `eventName` without a trailing API version: `TagResource`.
    pub action: Text<'a>,
    /// `errorCode`: the call was refused and changed nothing.
    pub error_code: Option<Text<'a>>,
    /// `readOnly`; where absent, what the verb of `eventName` says.
    pub read_only: bool,
    /// `sourceIPAddress`: an address, or the name of a service.
    pub source_ip: Option<Text<'a>>,
    /// `userAgent`.
    pub user_agent: Option<Text<'a>>,
    /// `userIdentity`; the default for witnesses.
    pub identity: Identity<'a>,
    /// `requestParameters`, if it is an object.
    pub request: Option<Node<'a>>,
    /// `responseElements`, if it is an object.
    pub response: Option<Node<'a>>,
    /// The CloudTrail record itself (the envelope's `detail` where there is an envelope): what rules read.
    pub record: Node<'a>,
    /// All that was received, envelope included.
    pub envelope: Node<'a>,
    /// What is odd about the event, for `details.fault`.
    pub fault: Option<String>,
}

/// `userIdentity`: whose credentials made the call. Every field may be absent.
#[derive(Debug, Clone, Default)]
pub struct Identity<'a> {
    /// `type`: `IAMUser`, `AssumedRole`, `Root`, `AWSService`, `AWSAccount`, `FederatedUser`, `SAMLUser`, ...
    pub kind: Option<Text<'a>>,
    /// `principalId`.
    pub principal_id: Option<Text<'a>>,
    /// `arn`.
    pub arn: Option<Text<'a>>,
    /// `accountId`.
    pub account_id: Option<Text<'a>>,
    /// `accessKeyId`.
    pub access_key_id: Option<Text<'a>>,
    /// `userName`.
    pub user_name: Option<Text<'a>>,
    /// `identityProvider`.
    pub identity_provider: Option<Text<'a>>,
    /// `invokedBy`: the AWS service that made the call on behalf of the identity.
    pub invoked_by: Option<Text<'a>>,
    /// `sessionContext.sourceIdentity`.
    pub source_identity: Option<Text<'a>>,
    /// `sessionContext.sessionIssuer`.
    pub issuer: Option<SessionIssuer<'a>>,
    /// `sessionContext.webIdFederationData.federatedProvider`.
    pub federated_provider: Option<Text<'a>>,
    /// `sessionContext.attributes.mfaAuthenticated`.
    pub mfa: Option<bool>,
    /// `sessionContext.attributes.creationDate`.
    pub session_start: Option<Timestamp>,
    /// `sessionCredentialFromConsole` of the record.
    pub from_console: bool,
}

/// `sessionContext.sessionIssuer`: the role or user that the session's credentials came from.
#[derive(Debug, Clone, Default)]
pub struct SessionIssuer<'a> {
    /// `type`: `Role`, `IAMUser`, `Root`.
    pub kind: Option<Text<'a>>,
    /// `arn`.
    pub arn: Option<Text<'a>>,
    /// `userName`: the role's name.
    pub user_name: Option<Text<'a>>,
    /// `accountId`.
    pub account_id: Option<Text<'a>>,
    /// `principalId`.
    pub principal_id: Option<Text<'a>>,
}
