//! Says in words why a change stands out: what, of how many, where, how long ago.

use std::fmt::Write;

use tagwarden_core::{Actor, Change, Enriched, Event, Text};

use crate::blend::Oddest;
use crate::features::{Family, Feature, Lookup, Lookups, Row, agent, network, role};
use crate::surprisal::ORDINARY;
use crate::table::{Counter, Table};

/// Reasons given for one change.
const MOST: usize = 3;
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
}

/// The most telling reasons, most telling first: of each family its oddest feature.
pub(crate) fn write(scene: &Scene<'_, '_>, lookups: &Lookups, row: &Row, oddest: &Oddest) -> Vec<String> {
    let telling = oddest.ranked().filter(|(tail, _)| *tail >= ORDINARY);
    // How bad it could be is for the rules to say; what is odd here comes first.
    let (bad, odd): (Vec<_>, Vec<_>) = telling.partition(|(_, feature)| feature.family() == Family::Harm);
    odd.into_iter().chain(bad).take(MOST).map(|(_, feature)| scene.one(feature, lookups, row)).collect()
}

impl Scene<'_, '_> {
    fn one(&self, feature: Feature, lookups: &Lookups, row: &Row) -> String {
        let of_feature = lookups.all().filter(|lookup| lookup.feature == feature);
        let looked_up = of_feature.max_by(|a, b| a.surprisal.beyond.total_cmp(&b.surprisal.beyond));
        let mut out = self.what(feature, looked_up);
        match looked_up {
            Some(lookup) => self.how_often(&mut out, feature, lookup),
            None => out.push_str(&amount(feature, row.get(feature))),
        }
        out
    }

    /// What the feature looked at, in words.
    fn what(&self, feature: Feature, looked_up: Option<&Lookup>) -> String {
        let Self { event, actor, change, enriched, .. } = *self;
        let environment = || quote(enriched.environment.as_deref().unwrap_or("unknown"));
        match feature {
            Feature::Action | Feature::RoleAction | Feature::AccountAction if event.error_code.is_some() => {
                format!("denied {}", quote(&event.action))
            }
            Feature::Action | Feature::RoleAction | Feature::AccountAction => quote(&event.action).into_owned(),
            Feature::ChangeType => format!("{} of {}", change.kind, resource_type(change)),
            Feature::ChangeEnvironment => format!("{} in environment {}", change.kind, environment()),
            Feature::Cidr => match change.detail("cidr") {
                Some(cidr) => format!("{} for {}", change.kind, quote(cidr)),
                None => change.kind.to_owned(),
            },
            Feature::Account => format!("account {} as {}", self.account(), quote(role(actor))),
            Feature::Region | Feature::NewRegion => format!("region {}", quote(&event.region)),
            Feature::Environment => format!("environment {}", environment()),
            Feature::Network => format!("from network {}", quote(network(event, actor))),
            Feature::Agent | Feature::Tool => {
                format!("user agent {}", quote(agent(event.user_agent.as_deref().unwrap_or("none"))))
            }
            Feature::Chain => format!("credentials of type {} via {}", self.identity_type(), actor.via),
            Feature::Mfa => match event.identity.mfa {
                Some(true) => "with a second factor".to_owned(),
                Some(false) => "without a second factor".to_owned(),
                None => "second factor not told".to_owned(),
            },
            Feature::SourceIdentity if event.identity.source_identity.is_some() => "with a source identity".to_owned(),
            Feature::SourceIdentity => "without a source identity".to_owned(),
            Feature::Hours => {
                let from = actor.local_hour / 4 * 4;
                let days = if actor.local_weekday >= 5 { "a weekend" } else { "a working day" };
                format!("at {from:02}-{:02} h local time on {days}", from + 4)
            }
            Feature::Owner => match &enriched.owner {
                Some(owner) => format!("resource of {}", quote(owner)),
                None => "resource of unknown owner".to_owned(),
            },
            Feature::Toucher => format!("resource changed via {}", actor.via),
            Feature::TagKey
            | Feature::TagValue
            | Feature::PeerValue
            | Feature::Transition
            | Feature::ActorTransition
            | Feature::NearMiss => self.tag(feature, looked_up.map_or(0, |lookup| lookup.tag)),
            _ => String::new(),
        }
    }

    fn tag(&self, feature: Feature, at: usize) -> String {
        let delta = self.enriched.tags.get(at);
        let key = delta.map_or(Text::Borrowed(""), |delta| quote(&delta.key));
        let old = delta.and_then(|delta| delta.old.as_deref()).map(quote);
        let new = delta.and_then(|delta| delta.new.as_deref()).map(quote);
        match (feature, old, new) {
            (Feature::TagKey, _, None) => format!("tag key {key} removed"),
            (Feature::TagKey, ..) => format!("tag key {key}"),
            (_, Some(old), Some(new)) => format!("{key} {old} → {new}"),
            (_, Some(old), None) => format!("{key} {old} removed"),
            (_, None, Some(new)) => format!("{key} = {new}"),
            (_, None, None) => format!("{key} removed"),
        }
    }

    /// How often that was so before, where, and when last.
    fn how_often(&self, out: &mut String, feature: Feature, lookup: &Lookup) {
        let mut known = lookup.levels().map(|(context, value)| (self.table.get(context), self.table.get(value)));
        let (context, value) = known.next().unwrap_or_default();
        let elsewhere = known.next().map_or(0, |(_, value)| value.count);
        let who = match self.actor.key.as_str() {
            "" => Text::Borrowed("an unknown actor"),
            key => quote(key),
        };
        let account = self.account();
        match feature {
            Feature::RoleAction => of_scope(out, "calls", &format!("by role {}", quote(role(self.actor))), context, value, self.today),
            Feature::AccountAction => of_account(out, "calls", &account, context, value, 0, self.today),
            Feature::Cidr => of_account(out, "such changes", &account, context, value, elsewhere, self.today),
            Feature::NewRegion => of_scope(out, "calls", "here", context, value, self.today),
            Feature::Toucher => of_scope(out, "changes", "of this resource", context, value, self.today),
            Feature::TagValue | Feature::Transition => {
                of_account(out, "changes", &account, context, value, elsewhere, self.today);
            }
            Feature::PeerValue => {
                let team = self.actor.team.as_deref().map_or("its peers".to_owned(), |team| format!("team {}", quote(team)));
                of_scope(out, "changes", &format!("by {team}"), context, value, self.today);
            }
            Feature::NearMiss => out.push_str(": looks like a value in use but is another"),
            _ => of_actor(out, &who, context, value, elsewhere, self.actor, self.today),
        }
    }

    fn account(&self) -> Text<'_> {
        quote(self.enriched.account_name.as_deref().unwrap_or(&self.event.account_id))
    }

    fn identity_type(&self) -> Text<'_> {
        quote(self.actor.identity_type.as_deref().unwrap_or("unknown"))
    }
}

fn resource_type<'a>(change: &'a Change<'_>) -> Text<'a> {
    quote(if change.resource_type.is_empty() { "an unknown type" } else { &change.resource_type })
}

/// Words for what is counted or timed rather than looked up.
fn amount(feature: Feature, x: f32) -> String {
    let times = f64::from(x).exp();
    let more = |what: &str| format!("{what}: {times:.1} times this actor's own most");
    match feature {
        Feature::Calls10 => more("calls within 10 minutes"),
        Feature::Calls60 => more("calls within an hour"),
        Feature::Losses10 => more("removals within 10 minutes"),
        Feature::Losses60 => more("removals within an hour"),
        Feature::Refused10 => more("refused calls within 10 minutes"),
        Feature::Refused60 => more("refused calls within an hour"),
        Feature::Resources10 => more("different resources within 10 minutes"),
        Feature::Resources60 => more("different resources within an hour"),
        Feature::Rewrites60 => more("resources with governed tags rewritten within an hour"),
        Feature::Drift => format!("governed tags rewritten by this person: {:.0} within 4 days", times - 1.0),
        Feature::Travel => format!("two places {:.1} hours apart in time", 12.0 / times),
        Feature::NewActor => format!("actor known for {:.1} days only", 3.0 / times),
        Feature::NewKey => format!("access key known for {:.1} days only", 3.0 / times),
        Feature::Pause => format!("actor silent for {:.0} days before", times - 1.0),
        Feature::KeyNetwork => "access key used from another address than it was issued to".to_owned(),
        Feature::KeyTool => "access key used by another program than it was issued to".to_owned(),
        Feature::Harm => "a kind of change that takes guard rails away or opens something".to_owned(),
        Feature::ProductionHarm => "such a kind of change in production".to_owned(),
        Feature::Governed => "a person changes a tag that access, automation or accounting hang on".to_owned(),
        Feature::HourAccount => "earlier this hour: an account unusual for the actor".to_owned(),
        Feature::HourRegion => "earlier this hour: a region unusual for the actor".to_owned(),
        Feature::HourNetwork => "earlier this hour: from a network unusual for the actor".to_owned(),
        Feature::HourTravel => "earlier this hour: from two places far apart".to_owned(),
        Feature::HourAgent | Feature::HourTool => "earlier this hour: a user agent unusual for the actor".to_owned(),
        Feature::HourChain => "earlier this hour: credentials unusual for the actor".to_owned(),
        Feature::HourSourceIdentity => "earlier this hour: a source identity missing or unusual".to_owned(),
        Feature::HourNewActor => "an actor new here".to_owned(),
        Feature::HourHours => "earlier this hour: an hour unusual for the actor".to_owned(),
        Feature::HourPause => "the actor's first hour after a long silence".to_owned(),
        _ => feature.name().to_owned(),
    }
}

fn of_scope(out: &mut String, what: &str, scope: &str, context: Counter, value: Counter, today: u16) {
    // Writing to a string can't fail, so the results are not looked at.
    let _written = write!(out, ": {} of {} {what} {scope}", thousands(value.count), thousands(context.count));
    let last = if value.count > 0 { value } else { context };
    if last.count > 0 {
        let _written = write!(out, ", last {}", ago(last, today));
    }
}

fn of_actor(
    out: &mut String,
    who: &str,
    context: Counter,
    value: Counter,
    elsewhere: u32,
    actor: &Actor<'_>,
    today: u16,
) {
    // Writing to a string can't fail, so the results are not looked at.
    let _written = if context.count == 0 {
        write!(out, ": first call known of {who}")
    } else if value.count == 0 {
        let (calls, ago) = (thousands(context.count), ago(context, today));
        write!(out, ": first time by {who} ({calls} calls known, last {ago})")
    } else {
        let (seen, calls, ago) = (thousands(value.count), thousands(context.count), ago(value, today));
        write!(out, ": {seen} of {calls} calls by {who}, last {ago}")
    };
    if value.count == 0 && elsewhere > 0 {
        let peers = match (&actor.team, actor.kind) {
            (Some(team), _) => format!("of team {}", quote(team)),
            (None, Some(kind)) => format!("of kind {kind}"),
            (None, None) => "unknown".to_owned(),
        };
        let others = if elsewhere == 1 { "other" } else { "others" };
        let _written = write!(out, "; {} {others} {peers} did", thousands(elsewhere));
    }
}

fn of_account(
    out: &mut String,
    what: &str,
    account: &str,
    context: Counter,
    value: Counter,
    elsewhere: u32,
    today: u16,
) {
    let (seen, changes) = (thousands(value.count), thousands(context.count));
    // Writing to a string can't fail, so the results are not looked at.
    let _written = write!(out, ": {seen} of {changes} {what} in account {account}");
    if value.count > 0 {
        let _written = write!(out, ", last {}", ago(value, today));
    } else if elsewhere > 0 {
        let accounts = if elsewhere == 1 { "account" } else { "accounts" };
        let _written = write!(out, "; known in {} other {accounts}", thousands(elsewhere));
    }
}

/// How long ago something last occurred, in days.
fn ago(counter: Counter, today: u16) -> String {
    match today.saturating_sub(counter.day) {
        0 => "today".to_owned(),
        1 => "yesterday".to_owned(),
        days => format!("{days} days ago"),
    }
}

/// `4,210`.
fn thousands(number: u32) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// At most [`QUOTED`] characters on one line.
fn quote(text: &str) -> Text<'_> {
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
    use super::{quote, thousands};

    #[test]
    fn numbers_and_quotes_read_well() {
        let numbers = [0, 999, 1000, 4210, 1_204_000, u32::MAX].map(thousands);
        assert_eq!(numbers, ["0", "999", "1,000", "4,210", "1,204,000", "4,294,967,295"]);
        assert_eq!(quote("prd"), "prd");
        assert_eq!(quote("a\nb"), "a b");
        assert_eq!(quote(&"é".repeat(65)), "é".repeat(64) + "…");
        assert_eq!(quote(&"é".repeat(64)), "é".repeat(64));
    }
}
