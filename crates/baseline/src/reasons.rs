//! Says in words why a change stands out: what, of how many, where, how long ago.

mod amounts;
mod known;

pub use known::thousands;
use tagwarden_core::{Actor, ActorKind, Change, Enriched, Event, Text};

use crate::actors::{self, Deed};
use crate::blend::Oddest;
use crate::features::{ECHOES, Family, Feature, Lookup, Lookups, Row, agent, harm, network, refused, role, tool};
use crate::governed::Governed;
use crate::surprisal::ORDINARY;
use crate::table::{Counter, Table};

/// Reasons given for one change.
const MOST: usize = 3;
/// What is rarer than one in fifty, in nats, leads.
const LEADS: f64 = 4.0;
/// Longest text quoted from an event, in characters.
const QUOTED: usize = 64;

/// The change that is explained, and what was known before it.
pub(crate) struct Scene<'s, 'a> {
    pub(crate) event: &'s Event<'a>,
    pub(crate) actor: &'s Actor<'a>,
    pub(crate) change: &'s Change<'a>,
    pub(crate) enriched: &'s Enriched<'a>,
    pub(crate) table: &'s Table,
    pub(crate) today: u16,
    /// What is remembered of the actor, and what the change adds to it.
    pub(crate) known: Option<&'s actors::Actor>,
    pub(crate) deed: &'s Deed,
    pub(crate) governed: &'s Governed,
}

/// The most telling reasons, most telling first: of each family its oddest feature, by what the family gives to the
/// score. With them how many of them say more than a rule: a rule says what was done, which is done for good reasons too;
/// who did it from where and when, if odd enough, tells the two apart.
pub(crate) fn write(
    scene: &Scene<'_, '_>,
    lookups: &Lookups,
    row: &Row,
    oddest: &Oddest,
    by_family: &[f64; Family::COUNT],
) -> (Vec<String>, usize) {
    let given = |feature: Feature| by_family[feature.family() as usize];
    let mut telling: Vec<_> = oddest.ranked().filter(|(tail, _)| *tail >= ORDINARY).collect();
    // Equal ones stay in the order of their tails.
    telling.sort_by(|(_, a), (_, b)| given(*b).total_cmp(&given(*a)));
    // How bad it could be is for the rules to say; what is odd here comes first.
    let (bad, odd): (Vec<_>, Vec<_>) = telling.into_iter().partition(|(_, feature)| feature.family() == Family::Harm);
    // What has always been so is odd beside others at most, which no count of its own bears out: it comes last.
    let (always, mut odd): (Vec<_>, Vec<_>) =
        odd.into_iter().partition(|(_, feature)| scene.is_always(*feature, lookups));
    let leading = odd.iter().position(|(tail, feature)| *tail >= LEADS && is_circumstance(feature.family()));
    if let Some(upto) = leading.and_then(|leading| odd.get_mut(..=leading)) {
        upto.rotate_right(1);
    }
    let all = odd.into_iter().chain(bad).chain(always);
    (all.take(MOST).map(|(_, feature)| scene.one(feature, lookups, row)).collect(), leading.is_some().into())
}

/// Whether a family is about who acts from where and when, not about what is done.
fn is_circumstance(family: Family) -> bool {
    !matches!(family, Family::What | Family::Tags | Family::Amount | Family::Harm)
}

impl Scene<'_, '_> {
    fn one(&self, feature: Feature, lookups: &Lookups, row: &Row) -> String {
        if let Some(lookup) = oddest_of(feature, lookups) {
            return self.sentence(lookup);
        }
        let Some((now, _)) = ECHOES.into_iter().find(|(_, echo)| *echo == feature) else {
            return self.amount(feature, row);
        };
        // What was odd within the hour is named where it is still so; the counts bear it out.
        match oddest_of(now, lookups) {
            Some(lookup) if self.is_seldom(lookup) => self.sentence(lookup),
            _ => self.earlier(now, row),
        }
    }

    fn sentence(&self, lookup: &Lookup) -> String {
        let mut out = self.what(lookup);
        self.how_often(&mut out, lookup);
        out
    }

    /// What the feature looked at, in words.
    fn what(&self, lookup: &Lookup) -> String {
        let Self { event, actor, change, enriched, .. } = *self;
        let kind = || change.kind.replace('_', " ");
        match lookup.feature {
            Feature::Action | Feature::RoleAction | Feature::AccountAction if refused(event.error_code.as_deref()) => {
                format!("denied {}", quote(&event.action))
            }
            Feature::ChangeType => match change.resource_type.as_ref() {
                "" => kind(),
                kind_of_resource => format!("{} ({})", kind(), resource_type(kind_of_resource)),
            },
            Feature::ChangeEnvironment => format!("{} in {}", kind(), self.environment()),
            Feature::Cidr => match change.detail("cidr") {
                Some(cidr) => format!("{} for {}", kind(), quote(cidr)),
                None => kind(),
            },
            // A pipeline or a job is its role.
            Feature::Account if role(actor) == actor.key => format!("in account {}", self.account()),
            Feature::Account => format!("in account {} as {}", self.account(), quote(role(actor))),
            Feature::Region | Feature::NewRegion => format!("region {}", quote(&event.region)),
            Feature::Environment if event.read_only => format!("reading in {}", self.environment()),
            Feature::Environment => format!("change in {}", self.environment()),
            Feature::Network => self.network(),
            Feature::Agent => format!("user agent {}", self.agent()),
            Feature::Tool => match tool(event.user_agent.as_deref().unwrap_or("")).1 {
                "" => format!("user agent {}", self.agent()),
                system => format!("user agent {} on {system}", self.agent()),
            },
            Feature::Chain if actor.human.is_some() => format!("as {} via {}", quote(role(actor)), actor.via),
            Feature::Chain => format!("credentials of type {} via {}", self.identity_type(), actor.via),
            Feature::Mfa => match event.identity.mfa {
                Some(true) => "with a second factor".to_owned(),
                Some(false) => "without a second factor".to_owned(),
                None => "no word of a second factor".to_owned(),
            },
            Feature::SourceIdentity if event.identity.source_identity.is_some() => "with a source identity".to_owned(),
            Feature::SourceIdentity => "without a source identity".to_owned(),
            Feature::Hours => {
                let from = actor.local_hour / 4 * 4;
                let days = if actor.local_weekday >= 5 { "a weekend" } else { "a working day" };
                format!("at {from:02}-{:02} h local time on {days}", from + 4)
            }
            Feature::Owner => match (&enriched.owner, &actor.team) {
                (None, _) => "resource of unknown owner".to_owned(),
                (Some(owner), Some(team)) if owner.eq_ignore_ascii_case(team) => "resource of the own team".to_owned(),
                (Some(owner), Some(_)) => format!("another team's resource ({})", quote(owner)),
                (Some(owner), None) => format!("resource of {}", quote(owner)),
            },
            Feature::Toucher => match actor.kind {
                Some(ActorKind::Human) => format!("changed by a person via {}", actor.via),
                Some(ActorKind::Workload) => format!("changed by a workload via {}", actor.via),
                Some(ActorKind::AwsService) => format!("changed by AWS via {}", actor.via),
                None => format!("changed via {}", actor.via),
            },
            Feature::Detail => match change.details.get(lookup.index) {
                Some((name, value)) => format!("{}, its {} {}", kind(), name.replace('_', " "), quote(value)),
                None => kind(),
            },
            Feature::OtherAccount => {
                let other = self.enriched.other_accounts.get(lookup.index);
                let id = other.map_or(Text::Borrowed("unknown"), |other| quote(&other.id));
                let stranger = other.is_some_and(|other| !other.known);
                format!("{} account {id}", if stranger { "unknown AWS" } else { "AWS" })
            }
            Feature::TagKey
            | Feature::TagValue
            | Feature::PeerValue
            | Feature::Transition
            | Feature::ActorTransition
            | Feature::NearMiss => self.tag(lookup),
            _ => quote(&event.action).into_owned(),
        }
    }

    fn tag(&self, lookup: &Lookup) -> String {
        let delta = self.enriched.tags.get(lookup.index);
        let key = self.tag_key(lookup);
        let old = delta.and_then(|delta| delta.old.as_deref()).map(quote);
        let new = delta.and_then(|delta| delta.new.as_deref()).map(quote);
        let removed = delta.is_some_and(|delta| delta.new.is_none());
        match lookup.feature {
            Feature::TagKey if removed => return format!("tag key {key} removed"),
            Feature::TagKey => return format!("tag key {key}"),
            _ => {}
        }
        let of_both = matches!(lookup.feature, Feature::Transition | Feature::ActorTransition);
        match (old.filter(|_| of_both), new) {
            (Some(old), Some(new)) => format!("{key} {old} → {new}"),
            (Some(old), None) => format!("{key} {old} removed"),
            (None, Some(new)) => format!("{key} = {new}"),
            (None, None) => format!("{key} removed"),
        }
    }

    fn tag_key(&self, lookup: &Lookup) -> Text<'_> {
        self.enriched.tags.get(lookup.index).map_or(Text::Borrowed(""), |delta| quote(&delta.key))
    }

    /// `from 203.0.113.7 (203.0.0.0/16)`; what is counted is the network.
    fn network(&self) -> String {
        let network = network(self.event, self.actor);
        let address = self.event.source_ip.as_deref().unwrap_or("");
        if network.is_empty() {
            "from an unknown address".to_owned()
        } else if network == address || !address.starts_with(network) {
            format!("from network {}", quote(network))
        } else if network.contains(':') {
            format!("from {} ({}::/32)", quote(address), quote(network))
        } else {
            format!("from {} ({}.0.0/16)", quote(address), quote(network))
        }
    }

    fn agent(&self) -> Text<'_> {
        quote(self.event.user_agent.as_deref().map(agent).filter(|agent| !agent.is_empty()).unwrap_or("none"))
    }

    fn environment(&self) -> String {
        match self.enriched.environment.as_deref() {
            Some(environment) => format!("environment {}", quote(environment)),
            None => "an unknown environment".to_owned(),
        }
    }

    fn account(&self) -> Text<'_> {
        quote(self.enriched.account_name.as_deref().unwrap_or(&self.event.account_id))
    }

    fn identity_type(&self) -> Text<'_> {
        quote(self.actor.identity_type.as_deref().unwrap_or("unknown"))
    }

    /// The actor, by the name that the rest of an alert has for it.
    fn who(&self) -> Text<'_> {
        match self.actor.key.as_str() {
            "" => Text::Borrowed("an unknown actor"),
            key => quote(key),
        }
    }

    /// What the kind of change could do by itself, its tags left aside.
    fn is_harmful(&self) -> bool {
        harm(self.change, self.enriched) > 0.0
    }

    /// The counter of the value in its narrowest context, behind that of the context.
    fn narrowest(&self, lookup: &Lookup) -> (Counter, Counter) {
        lookup
            .levels()
            .next()
            .map(|(context, value)| (self.table.get(context), self.table.get(value)))
            .unwrap_or_default()
    }

    /// Whether it was so each time.
    fn is_always(&self, feature: Feature, lookups: &Lookups) -> bool {
        oddest_of(feature, lookups).is_some_and(|lookup| {
            let (context, value) = self.narrowest(lookup);
            feature != Feature::NearMiss && value.count > 0 && value.count >= context.count
        })
    }

    /// At most one in ten.
    fn is_seldom(&self, lookup: &Lookup) -> bool {
        let (context, value) = self.narrowest(lookup);
        context.count > 0 && u64::from(value.count) * 10 <= u64::from(context.count)
    }
}

fn oddest_of(feature: Feature, lookups: &Lookups) -> Option<&Lookup> {
    let of_feature = lookups.all().filter(|lookup| lookup.feature == feature);
    of_feature.max_by(|a, b| a.surprisal.beyond.total_cmp(&b.surprisal.beyond))
}

/// `EC2 Instance` of `AWS::EC2::Instance`.
fn resource_type(name: &str) -> String {
    quote(name.strip_prefix("AWS::").unwrap_or(name)).replace("::", " ")
}

/// A text of an event as reasons quote it: at most 64 characters, on one line.
pub fn quote(text: &str) -> Text<'_> {
    if text.len() <= QUOTED && !text.contains(char::is_control) {
        return Text::Borrowed(text);
    }
    let mut out: String = text.chars().take(QUOTED).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(QUOTED).is_some() {
        out.push('…');
    }
    Text::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::{quote, resource_type};

    #[test]
    fn quotes_read_well() {
        assert_eq!(quote("prd"), "prd");
        assert_eq!(quote("a\nb"), "a b");
        assert_eq!(quote(&"é".repeat(65)), "é".repeat(64) + "…");
        assert_eq!(quote(&"é".repeat(64)), "é".repeat(64));
        assert_eq!(resource_type("AWS::EC2::Instance"), "EC2 Instance");
    }
}
