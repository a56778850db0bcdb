//! The features: what is measured of a change, by name, and which of them say the same thing.

mod harm;
mod lookups;
mod words;

pub(crate) use harm::harm;
pub use harm::quiet;
pub(crate) use lookups::{Lookup, Lookups, Place, Whom, role};
pub(crate) use words::{Program, Programs, agent, network, refused, same_in_plain, tool};

/// Raised whenever a feature is added, dropped or measured otherwise: a model of other features is refused.
pub const FEATURES_VERSION: u32 = 2;

macro_rules! features {
    ($($(#[$meta:meta])* $variant:ident = $name:literal in $family:ident),+ $(,)?) => {
        /// One number about a change: 0 is ordinary, larger is odder.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Feature { $($(#[$meta])* $variant),+ }

        impl Feature {
            /// All of them, in the order of a row.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// Its name in model cards and drift reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// What it is about.
            pub const fn family(self) -> Family {
                match self { $(Self::$variant => Family::$family),+ }
            }
        }
    };
}

features! {
    /// The call, given the actor, who shares role and team, the role, the kind of actor.
    Action = "action" in What,
    /// The call, given the role whose rights are used.
    RoleAction = "role_action" in What,
    /// The call, given the account, its environment, the organisation.
    AccountAction = "account_action" in What,
    /// Type of resource and kind of change, given the actor, the role.
    ChangeType = "change_type" in What,
    /// Kind of change and environment, given the actor, the role.
    ChangeEnvironment = "change_environment" in What,
    /// Kind of change and how wide an address range it names, given the account, the organisation.
    Cidr = "cidr" in What,
    /// Account and role, given the actor, its peers.
    Account = "account" in Where,
    /// The region, given the actor, the account.
    Region = "region" in Where,
    /// The region, given the organisation.
    NewRegion = "new_region" in Where,
    /// Environment, and whether it is only read, given the actor, the role.
    Environment = "environment" in Where,
    /// Where the call came from, given the actor, the team.
    Network = "network" in Network,
    /// Two places far apart within a short time.
    Travel = "travel" in Network,
    /// The class of the user agent, given the actor, the team.
    Agent = "agent" in Tool,
    /// User agent and operating system, given the actor.
    Tool = "tool" in Tool,
    /// How the credentials came about, given the actor, the role.
    Chain = "chain" in Who,
    /// Whether a second factor was used, given the actor, the role.
    Mfa = "mfa" in Who,
    /// Whether there is a source identity, given the actor in this role, the role.
    SourceIdentity = "source_identity" in Who,
    /// The actor is new here.
    NewActor = "new_actor" in Who,
    /// The long-lived access key is new here.
    NewKey = "new_key" in Who,
    /// Four-hour block and weekend, given the actor, the team.
    Hours = "hours" in When,
    /// How long the actor was silent.
    Pause = "pause" in Pause,
    /// One access key used from another network than it was issued to.
    KeyNetwork = "key_network" in Session,
    /// One access key used by another program than it was issued to.
    KeyTool = "key_tool" in Session,
    /// A detail of the change other than tags, given what is changed and which detail in the account, the organisation.
    Detail = "detail" in Tags,
    /// The tag key and whether it is removed, given the actor, the role, the account.
    TagKey = "tag_key" in Tags,
    /// The value after, given the key in the account, in the organisation.
    TagValue = "tag_value" in Tags,
    /// The value after, given the key in the team.
    PeerValue = "peer_value" in Tags,
    /// Old and new value, given the key in the account, in the organisation.
    Transition = "transition" in Tags,
    /// Old and new value, given the key and the actor, the role.
    ActorTransition = "actor_transition" in Tags,
    /// A value that differs from a known one only in case, blanks or look-alike letters.
    NearMiss = "near_miss" in Tags,
    /// Whose resource it is, given the actor, the role.
    Owner = "owner" in Whose,
    /// Kind of actor and way in, given the resource.
    Toucher = "toucher" in Whose,
    /// Another AWS account that calls or that the request names, given the account it happens in, the organisation.
    OtherAccount = "other_account" in Whose,
    /// Calls within ten minutes, against the actor's own most.
    Calls10 = "calls_10m" in Amount,
    /// Calls within an hour.
    Calls60 = "calls_1h" in Amount,
    /// Calls that take something away, within ten minutes.
    Losses10 = "losses_10m" in Amount,
    /// Calls that take something away, within an hour.
    Losses60 = "losses_1h" in Amount,
    /// Refused calls within ten minutes.
    Refused10 = "refused_10m" in Amount,
    /// Refused calls within an hour.
    Refused60 = "refused_1h" in Amount,
    /// Different resources within ten minutes.
    Resources10 = "resources_10m" in Amount,
    /// Different resources within an hour.
    Resources60 = "resources_1h" in Amount,
    /// Different resources on which governed tags were rewritten within an hour.
    Rewrites60 = "rewrites_1h" in Amount,
    /// Governed tags rewritten by a person over four days, before this one.
    Drift = "drift_4d" in Amount,
    /// What the kind of change could do at worst.
    Harm = "harm" in Harm,
    /// The same, in production and where guard rails live.
    ProductionHarm = "production_harm" in Harm,
    /// What the tag key governs, where a person changes it.
    Governed = "governed_tag" in Harm,
    /// The oddest account of the actor's last hour; the ones below likewise.
    HourAccount = "hour_account" in Where,
    /// The oddest region.
    HourRegion = "hour_region" in Where,
    /// The oddest network.
    HourNetwork = "hour_network" in Network,
    /// The oddest travel.
    HourTravel = "hour_travel" in Network,
    /// The oddest class of user agent.
    HourAgent = "hour_agent" in Tool,
    /// The oddest program.
    HourTool = "hour_tool" in Tool,
    /// The oddest chain.
    HourChain = "hour_chain" in Who,
    /// The oddest source identity.
    HourSourceIdentity = "hour_source_identity" in Who,
    /// The newest actor.
    HourNewActor = "hour_new_actor" in Who,
    /// The oddest hour.
    HourHours = "hour_hours" in When,
    /// The longest pause.
    HourPause = "hour_pause" in Pause,
}

impl Feature {
    /// Whether it says the same of every change of a call: then the call counts once.
    pub(crate) const fn is_of_call(self) -> bool {
        !matches!(self.family(), Family::Tags | Family::Whose | Family::Amount | Family::Harm)
            && !matches!(self, Self::ChangeType | Self::ChangeEnvironment | Self::Cidr | Self::Environment)
    }
}

/// What a group of features is about. Features of one family often say the same thing, so the oddest speaks for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Where the call came from.
    Network,
    /// With which program.
    Tool,
    /// One session, used from two places.
    Session,
    /// With what identity.
    Who,
    /// After how long a silence.
    Pause,
    /// In which account, region, environment.
    Where,
    /// At what hour.
    When,
    /// Which call.
    What,
    /// Which tags, and which other values.
    Tags,
    /// On whose resource, and for whom.
    Whose,
    /// How much of it.
    Amount,
    /// How bad at worst.
    Harm,
}

impl Family {
    /// All of them, in order.
    pub const ALL: [Self; tagwarden_core::FAMILIES] = [
        Self::Network,
        Self::Tool,
        Self::Session,
        Self::Who,
        Self::Pause,
        Self::Where,
        Self::When,
        Self::What,
        Self::Tags,
        Self::Whose,
        Self::Amount,
        Self::Harm,
    ];
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Its name in model cards.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Tool => "tool",
            Self::Session => "session",
            Self::Who => "who",
            Self::Pause => "pause",
            Self::Where => "where",
            Self::When => "when",
            Self::What => "what",
            Self::Tags => "tags",
            Self::Whose => "whose",
            Self::Amount => "amount",
            Self::Harm => "harm",
        }
    }
}

/// The features that keep speaking for an hour, and where their echo stands: a session that began oddly stays odd.
pub(crate) const ECHOES: [(Feature, Feature); 11] = [
    (Feature::Account, Feature::HourAccount),
    (Feature::Region, Feature::HourRegion),
    (Feature::Network, Feature::HourNetwork),
    (Feature::Travel, Feature::HourTravel),
    (Feature::Agent, Feature::HourAgent),
    (Feature::Tool, Feature::HourTool),
    (Feature::Chain, Feature::HourChain),
    (Feature::SourceIdentity, Feature::HourSourceIdentity),
    (Feature::NewActor, Feature::HourNewActor),
    (Feature::Hours, Feature::HourHours),
    (Feature::Pause, Feature::HourPause),
];

/// One number per feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row([f32; Feature::ALL.len()]);

impl Default for Row {
    fn default() -> Self {
        Self([0.0; Feature::ALL.len()])
    }
}

impl Row {
    /// The number of one feature.
    pub fn get(&self, feature: Feature) -> f32 {
        self.0.get(feature as usize).copied().unwrap_or(0.0)
    }

    /// All of them, in the order of [`Feature::ALL`].
    pub fn values(&self) -> &[f32] {
        &self.0
    }

    /// Sets a feature, unless it is larger already: the oddest of a change's tags counts.
    pub(crate) fn raise(&mut self, feature: Feature, to: f64) {
        if let Some(value) = self.0.get_mut(feature as usize) {
            *value = value.max(as_f32(to));
        }
    }

    /// Raises each feature to what `other` has of it.
    pub(crate) fn raise_all(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(value, to)| *value = value.max(to));
    }
}

#[expect(clippy::cast_possible_truncation, reason = "oddness is good to seven digits")]
pub(crate) fn as_f32(x: f64) -> f32 {
    x as f32
}
