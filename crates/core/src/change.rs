//! What one event did to one resource, and what is known around it.

use crate::Text;

/// Makes an enum whose members have one spelling in columns, config and metrics.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The spelling used in columns, config and metrics.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The member with this spelling.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// The families of changes, by what they touch.
    Family {
        /// Tags set, replaced or removed.
        Tags = "tags",
        /// Security group rules and groups.
        SecurityGroup = "security_group",
        /// Instances: run, start, stop, terminate, modify.
        Instance = "instance",
        /// VPCs, subnets, routes, gateways, peering, flow logs.
        Network = "network",
        /// Bucket policy, public access block, encryption, ACL.
        S3Protection = "s3_protection",
        /// Users, keys, policies, roles, MFA.
        Iam = "iam",
        /// CloudTrail, Config, GuardDuty.
        Logging = "logging",
        /// Keys and grants.
        Kms = "kms",
        /// Console sign-in and session making.
        SignIn = "sign_in",
        /// Compute and data services: functions, containers, databases, queues, snapshots and the like.
        Workload = "workload",
        /// A read, archived because it was denied, hit a rule or because reads were asked for.
        Read = "read",
        /// A mutating call that no table knows.
        Generic = "generic",
    }
}

words! {
    /// What a request wants done to tags.
    TagOperation {
        /// Sets keys, leaves the others.
        Add = "add",
        /// Removes keys.
        Remove = "remove",
        /// Replaces the whole set.
        Replace = "replace",
        /// Reports the state after a change made elsewhere (a witness).
        State = "state",
        /// The tags a resource is born with.
        Create = "create",
    }
}

/// The tags part of a request, before the tag store has supplied old values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagEdit<'a> {
    /// What is wanted; `None` if the change does not touch tags.
    pub operation: Option<TagOperation>,
    /// Keys and their new values.
    pub set: Vec<(Text<'a>, Text<'a>)>,
    /// Keys to remove; with a value, only if the value is that one (EC2 `DeleteTags`).
    pub remove: Vec<(Text<'a>, Option<Text<'a>>)>,
    /// Keys or values were hidden or missing in the event, so the edit is not known in full.
    pub partial: bool,
}

/// What one event did to one resource, as the event alone tells it.
#[derive(Debug, Clone)]
pub struct Change<'a> {
    /// The resource's place in the request, from 0.
    pub ordinal: u32,
    /// The family.
    pub family: Family,
    /// What was done: `tags_changed`, `ingress_opened`, `trail_stopped`, ... A word of the tables in `events`.
    pub kind: &'static str,
    /// CloudFormation's type name, `AWS::EC2::Instance`; empty if unknown.
    pub resource_type: Text<'a>,
    /// The resource's id as the service gives it; empty if the request names none.
    pub resource_id: Text<'a>,
    /// The ARN, if the event gives it or it follows from type, account, region and id.
    pub resource_arn: Option<Text<'a>>,
    /// The name a person knows it by, if the event gives one.
    pub resource_name: Option<Text<'a>>,
    /// The tags part.
    pub tags: TagEdit<'a>,
    /// Facts of the request that people and rules need: ports, CIDR, policy facts, `fault`. Redacted by type.
    pub details: Vec<(&'static str, Text<'a>)>,
}

impl Change<'_> {
    /// A fact from `details`.
    pub fn detail(&self, name: &str) -> Option<&str> {
        self.details.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_ref())
    }
}

words! {
    /// What happened to one tag key.
    TagOp {
        /// The key was not there before.
        Added = "added",
        /// The value is another one now.
        Modified = "modified",
        /// The key is gone.
        Removed = "removed",
        /// Key and value were there already.
        Unchanged = "unchanged",
        /// Set, but what was there before is not known.
        Unknown = "unknown",
    }
}

/// One key's change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagDelta<'a> {
    /// The key.
    pub key: Text<'a>,
    /// The value before; `None` if absent or not known.
    pub old: Option<Text<'a>>,
    /// The value after; `None` if removed or not known.
    pub new: Option<Text<'a>>,
    /// What happened.
    pub op: TagOp,
}

words! {
    /// Who is behind the credentials.
    ActorKind {
        /// A person.
        Human = "human",
        /// Software of the company or a vendor.
        Workload = "workload",
        /// AWS itself.
        AwsService = "aws_service",
    }
}

words! {
    /// The way in which a call was made.
    Via {
        /// The web console.
        Console = "console",
        /// A program or the command line.
        Api = "api",
        /// Infrastructure as code: attested by role or OIDC subject, never by the user agent alone.
        Iac = "iac",
        /// An AWS service, for itself or on behalf of somebody.
        Service = "service",
    }
}

words! {
    /// Where a call came from.
    NetworkClass {
        /// An office.
        Office = "office",
        /// The company's VPN.
        Vpn = "vpn",
        /// The company's own addresses in AWS: NAT gateways, runners.
        Internal = "internal",
        /// An address range of AWS.
        Aws = "aws",
        /// An AWS service, by name.
        Service = "service",
        /// Private address space, as seen through a VPC endpoint.
        Private = "private",
        /// Anywhere else.
        Internet = "internet",
    }
}

/// Who is behind an event.
#[derive(Debug, Clone)]
pub struct Actor<'a> {
    /// Person, workload or AWS; `None` where nothing is known (a witness alone).
    pub kind: Option<ActorKind>,
    /// The person: an e-mail address or user name.
    pub human: Option<Text<'a>>,
    /// `userIdentity.type`.
    pub identity_type: Option<Text<'a>>,
    /// `userIdentity.arn`.
    pub arn: Option<Text<'a>>,
    /// The session's name.
    pub session: Option<Text<'a>>,
    /// The role or user whose rights were used, without the session.
    pub principal: Option<Text<'a>>,
    /// `userIdentity.accessKeyId`.
    pub access_key_id: Option<Text<'a>>,
    /// The way in.
    pub via: Via,
    /// The root user of an account.
    pub root: bool,
    /// The sessions passed through to get here, outermost first, this one left out.
    pub chain: Vec<String>,
    /// One word by which the same actor is told again over sessions: the person, else the role or user, else the
    /// service. Counters and alert groups use it.
    pub key: String,
    /// The actor's team, if the inventory knows it.
    pub team: Option<Text<'a>>,
    /// Where the call came from.
    pub network: Option<NetworkClass>,
    /// Hour of the day, 0-23, in the actor's, else the team's, else the configured time zone.
    pub local_hour: u8,
    /// Day of the week there, 0 is Monday.
    pub local_weekday: u8,
    /// Within business hours there.
    pub business_hours: bool,
    /// The event's own `sourceIdentity` is missing where the actor's team always has one.
    pub source_identity_missing: bool,
}

/// What is known around one change.
#[derive(Debug, Clone, Default)]
pub struct Enriched<'a> {
    /// The account's name.
    pub account_name: Option<Text<'a>>,
    /// The environment before the change, by its normalised name (`prod`, `stage`, `dev`, ...).
    pub environment_before: Option<Text<'a>>,
    /// The environment after the change.
    pub environment: Option<Text<'a>>,
    /// Who owns the resource.
    pub owner: Option<Text<'a>>,
    /// The tags' changes, with old values.
    pub tags: Vec<TagDelta<'a>>,
    /// The resource's tags after the change are known in full.
    pub tags_known: bool,
    /// Required keys that the resource lacks after the change; empty where its tags are not known.
    pub missing_tags: Vec<Text<'a>>,
    /// A name from the resource's tags, where the event gave none.
    pub resource_name: Option<Text<'a>>,
    /// The run of one pipeline that the change belongs to.
    pub change_set_id: Option<Text<'a>>,
    /// For a witness: the `change_id` that it confirms.
    pub confirms: Option<Text<'a>>,
    /// AWS accounts other than the resource's own that made the call or that its request names; each once.
    pub other_accounts: Vec<OtherAccount<'a>>,
}

/// An AWS account other than the one that a change is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherAccount<'a> {
    /// Twelve digits.
    pub id: Text<'a>,
    /// One of the company's or of its vendors', or nobody said which those are.
    pub known: bool,
    /// It is let in, or made the call; else it is only named, as the owner of a source, a layer or an image.
    pub let_in: bool,
}
