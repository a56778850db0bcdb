//! How often something was so before, in whose eyes, and when last.

use std::fmt::Write;

use tagwarden_core::Text;

use super::{Scene, quote};
use crate::features::{Feature, Lookup, role};
use crate::table::Counter;

/// What was counted before.
struct Known {
    /// All, and those that were so.
    context: Counter,
    value: Counter,
    /// How many others were so, in the next wider context.
    elsewhere: u32,
}

impl Scene<'_, '_> {
    /// Adds how often that was so before, where, and when last.
    pub(super) fn how_often(&self, out: &mut String, lookup: &Lookup) {
        let (context, value) = self.narrowest(lookup);
        let elsewhere = lookup.levels().nth(1).map_or(0, |(_, value)| self.table.get(value).count);
        let known = Known { context, value, elsewhere };
        let key = || self.tag_key(lookup);
        let account = self.account();
        match lookup.feature {
            Feature::RoleAction => self.of_scope(out, "calls", &format!("by role {}", quote(role(self.actor))), &known),
            Feature::AccountAction => self.of_account(out, "calls", &account, &known),
            Feature::Cidr => self.of_account(out, "changes", &account, &known),
            Feature::Detail => self.of_account(out, "such changes", &account, &known),
            Feature::OtherAccount => {
                self.of_account(out, "dealings with other accounts", &account, &known);
            }
            Feature::NewRegion => self.of_scope(out, "calls", "in all accounts", &known),
            Feature::Toucher => self.of_scope(out, "changes", "of this resource", &known),
            Feature::TagValue | Feature::Transition => {
                self.of_account(out, &format!("changes of {}", key()), &account, &known);
            }
            Feature::PeerValue => {
                let team = self.actor.team.as_deref();
                let team = team.map_or("by its peers".to_owned(), |team| format!("by team {}", quote(team)));
                self.of_scope(out, &format!("changes of {}", key()), &team, &known);
            }
            Feature::NearMiss => {
                // Writing to a string can't fail, here and below, so the results are not looked at.
                let times = thousands(known.context.count);
                let _written = write!(out, ": spelt unlike a value that looks the same and was set {times} times");
            }
            Feature::TagKey => self.of_actor(out, "tag changes", &self.who(), &known, lookup.feature),
            Feature::ActorTransition => {
                self.of_actor(out, &format!("changes of {}", key()), &self.who(), &known, lookup.feature);
            }
            Feature::SourceIdentity => {
                let who = format!("{} as {}", self.who(), quote(role(self.actor)));
                self.of_actor(out, "calls", &who, &known, lookup.feature);
            }
            Feature::ChangeType | Feature::ChangeEnvironment | Feature::Environment | Feature::Owner => {
                self.of_actor(out, "changes", &self.who(), &known, lookup.feature);
            }
            _ => self.of_actor(out, "calls", &self.who(), &known, lookup.feature),
        }
    }

    fn of_scope(&self, out: &mut String, what: &str, scope: &str, known: &Known) {
        let Known { context, value, .. } = known;
        let _written = write!(out, ": {} of {} {what} {scope}", thousands(value.count), thousands(context.count));
        if value.count > 0 {
            let _written = write!(out, ", last {}", self.ago(value));
        } else if context.count > 0 {
            let _written = write!(out, ", the last {}", self.ago(context));
        }
    }

    fn of_account(&self, out: &mut String, what: &str, account: &str, known: &Known) {
        let Known { context, value, elsewhere } = known;
        let (seen, all) = (thousands(value.count), thousands(context.count));
        let _written = write!(out, ": {seen} of {all} {what} in account {account}");
        if value.count > 0 {
            let _written = write!(out, ", last {}", self.ago(value));
        } else if *elsewhere > 0 {
            let accounts = if *elsewhere == 1 { "account" } else { "accounts" };
            let _written = write!(out, "; known in {} other {accounts}", thousands(*elsewhere));
        }
    }

    fn of_actor(&self, out: &mut String, what: &str, who: &str, known: &Known, feature: Feature) {
        let Known { context, value, elsewhere } = known;
        let _written = if context.count == 0 {
            write!(out, ": none of {who}'s {what} was known before")
        } else if value.count == 0 {
            let (all, ago) = (thousands(context.count), self.ago(context));
            write!(out, ": first time by {who} ({all} {what} known, last {ago})")
        } else {
            let (seen, all, ago) = (thousands(value.count), thousands(context.count), self.ago(value));
            write!(out, ": {seen} of {all} {what} by {who}, last {ago}")
        };
        if value.count == 0 && *elsewhere > 0 {
            let others = if *elsewhere == 1 { "other" } else { "others" };
            let _written = write!(out, "; {} {others}{} did", thousands(*elsewhere), self.peers(feature));
        }
    }

    /// Who the next wider context is about: a place, a team, a role, or all of a kind.
    fn peers(&self, feature: Feature) -> String {
        let team = self.actor.team.as_deref().map(|team| format!(" of team {}", quote(team))).unwrap_or_default();
        let role = || format!(" as {}", quote(role(self.actor)));
        match feature {
            Feature::Region => " in this account".to_owned(),
            Feature::Network | Feature::Agent | Feature::Hours => team,
            Feature::Tool => String::new(),
            Feature::Action | Feature::Account => team + &role(),
            _ => role(),
        }
    }

    /// How long ago something last occurred, in days.
    fn ago(&self, counter: &Counter) -> Text<'static> {
        match self.today.saturating_sub(counter.day) {
            0 => Text::Borrowed("today"),
            1 => Text::Borrowed("yesterday"),
            days => Text::Owned(format!("{days} days ago")),
        }
    }
}

/// A number as people read it: `4,210`.
pub fn thousands(number: impl Into<u64>) -> String {
    let digits = number.into().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn numbers_are_read_in_threes() {
        let numbers = [0, 999, 1000, 4210, 1_204_000, u32::MAX].map(|number: u32| thousands(number));
        assert_eq!(numbers, ["0", "999", "1,000", "4,210", "1,204,000", "4,294,967,295"]);
    }
}
