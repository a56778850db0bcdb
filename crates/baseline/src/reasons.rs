//! Says in words why a change stands out: what, of how many, where, how long ago.

use std::fmt::Write;

use tagwarden_core::{Actor, Enriched, Event, Text};

use crate::features::{Feature, Kind, network};
use crate::surprisal::ORDINARY;
use crate::table::{Counter, Table};

/// Reasons given for one change.
const MOST: usize = 3;
/// Longest text quoted from an event, in characters.
const QUOTED: usize = 64;

/// The most telling reasons, most telling first, by the state before the change.
pub(crate) fn write(
    event: &Event<'_>,
    actor: &Actor<'_>,
    enriched: &Enriched<'_>,
    judged: &[Feature],
    table: &Table,
    today: u16,
) -> Vec<String> {
    let mut telling: Vec<&Feature> = judged.iter().filter(|f| f.surprisal.beyond >= ORDINARY).collect();
    // The transition says all that the value says.
    let told: Vec<usize> = telling.iter().filter(|f| f.kind == Kind::Transition).map(|f| f.tag).collect();
    telling.retain(|feature| feature.kind != Kind::Value || !told.contains(&feature.tag));
    telling.sort_by(|a, b| b.surprisal.beyond.total_cmp(&a.surprisal.beyond));
    telling.truncate(MOST);
    let account = quote(enriched.account_name.as_deref().unwrap_or(&event.account_id));
    telling.iter().map(|feature| one(feature, event, actor, enriched, &account, table, today)).collect()
}

fn one(
    feature: &Feature,
    event: &Event<'_>,
    actor: &Actor<'_>,
    enriched: &Enriched<'_>,
    account: &str,
    table: &Table,
    today: u16,
) -> String {
    let mut known = feature.levels().map(|(context, value)| (table.get(context), table.get(value)));
    let (context, value) = known.next().unwrap_or_default();
    let elsewhere = known.next().map_or(0, |(_, value)| value.count);
    let who = match actor.key.as_str() {
        "" => Text::Borrowed("an unknown actor"),
        key => quote(key),
    };
    let mut out = match feature.kind {
        Kind::Action if event.error_code.is_some() => format!("denied {}", quote(&event.action)),
        Kind::Action => quote(&event.action).into_owned(),
        Kind::Account => format!("account {account}"),
        Kind::Region => format!("region {}", quote(&event.region)),
        Kind::Network => format!("from network {}", quote(network(event, actor))),
        Kind::Key | Kind::Value | Kind::Transition => {
            let delta = enriched.tags.get(feature.tag);
            let key = delta.map_or(Text::Borrowed(""), |delta| quote(&delta.key));
            let old = delta.and_then(|delta| delta.old.as_deref()).map(quote);
            let new = delta.and_then(|delta| delta.new.as_deref()).map(quote);
            match (feature.kind, old, new) {
                (Kind::Key, ..) => format!("tag key {key}"),
                (Kind::Transition, Some(old), Some(new)) => format!("{key} {old} → {new}"),
                (Kind::Transition, Some(old), None) => format!("{key} {old} removed"),
                (_, _, Some(new)) => format!("{key} = {new}"),
                (_, _, None) => format!("{key} removed"),
            }
        }
    };
    match feature.kind {
        Kind::Action | Kind::Account | Kind::Region | Kind::Network => {
            of_actor(&mut out, &who, context, value, elsewhere, actor, today);
        }
        Kind::Key | Kind::Value | Kind::Transition => {
            let what = if feature.kind == Kind::Key { "tag changes" } else { "changes" };
            of_account(&mut out, what, account, context, value, elsewhere, today);
        }
    }
    out
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
