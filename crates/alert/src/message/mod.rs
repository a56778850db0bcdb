//! Messages: what people read of an alert, put together from its changes. Pure.

mod digest;
mod fit;
mod links;
#[cfg(test)]
pub(crate) mod sample;
mod words;

use tagwarden_core::{AlertMessage, Disposition, Severity, Timestamp};

pub(crate) use digest::digest;
pub(crate) use words::sentence;

use crate::Offer;

/// Longest `text` and `title`, in characters.
const LINE: usize = 150;

/// Longest value of a field and longest reason, in characters.
const FIELD: usize = 300;

/// Most reasons shown.
const REASONS: usize = 4;

/// What holds for a group as a whole.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) alert_id: &'a str,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    pub(crate) changes: u64,
    pub(crate) severity: Severity,
    pub(crate) disposition: Disposition,
    pub(crate) runbook: Option<&'a str>,
}

/// The first message of an alert: its worst change in full, the others counted. `None` without any change.
pub(crate) fn opening(facts: &Facts<'_>, offers: &[Offer]) -> Option<AlertMessage> {
    let main = worst(offers)?;
    let mut fields = words::fields(main);
    if let Some(others) = others(facts.changes.saturating_sub(1), offers, main) {
        fields.push(("Also".to_owned(), others));
    }
    Some(assemble(facts, "opening", &words::sentence(main), main, fields, reasons(main, offers, &[])))
}

/// News of an alert that people were told of: `count` changes, of which `news` are the worst.
pub(crate) fn follow_up(facts: &Facts<'_>, opener: &Offer, news: &[Offer], count: u64) -> Option<AlertMessage> {
    let main = worst(news)?;
    let plural = if count == 1 { "change" } else { "changes" };
    let lead = format!("+{count} {plural} ({} in all): ", facts.changes);
    let sentence = words::sentence_within(main, LINE.saturating_sub(lead.chars().count()));
    let mut fields = vec![("First told".to_owned(), words::sentence(opener))];
    let repeated = ["Who", "Tags", "Resource", "Where"];
    fields.extend(words::fields(main).into_iter().filter(|(label, _)| repeated.contains(&label.as_str())));
    if let Some(others) = others(count.saturating_sub(1), news, main) {
        fields.push(("Also new".to_owned(), others));
    }
    let mut message = assemble(facts, "follow_up", &(lead + &sentence), main, fields, reasons(main, news, &[opener]));
    message.title = fit::cut(&format!("Update: {}", message.title), LINE);
    Some(message)
}

fn assemble(
    facts: &Facts<'_>,
    state: &str,
    text: &str,
    main: &Offer,
    fields: Vec<(String, String)>,
    reasons: Vec<String>,
) -> AlertMessage {
    AlertMessage {
        alert_id: facts.alert_id.to_owned(),
        state: state.to_owned(),
        title: fit::cut(&words::title(main), LINE),
        text: fit::cut(text, LINE),
        severity: facts.severity,
        disposition: facts.disposition,
        first: facts.first,
        last: facts.last,
        changes: facts.changes,
        fields: fields.into_iter().map(|(label, value)| (label, fit::cut(&value, FIELD))).collect(),
        reasons,
        links: links::links(main, facts.runbook),
    }
}

/// The worst change, the first of its like.
fn worst(offers: &[Offer]) -> Option<&Offer> {
    offers.iter().reduce(|best, offer| if offer.severity > best.severity { offer } else { best })
}

/// The reasons of the main change, then those of the others that say something new. What differs from a reason shown, or
/// from one of those `told` before, in counts or in the resource alone says nothing new; counts come after a colon.
fn reasons(main: &Offer, offers: &[Offer], told: &[&Offer]) -> Vec<String> {
    let said = |reason: &str, offer: &Offer| -> String {
        let reason = words::plain(reason, offer).replace(words::resource(offer), "");
        let reason = reason.split(": ").next().unwrap_or(&reason);
        reason.chars().filter(|c| !c.is_ascii_digit() && *c != ',').collect()
    };
    let mut known: Vec<String> =
        told.iter().flat_map(|offer| offer.assessment.reasons.iter().map(|reason| said(reason, offer))).collect();
    let mut shown: Vec<String> = Vec::new();
    for offer in std::iter::once(main).chain(offers) {
        for reason in &offer.assessment.reasons {
            let key = said(reason, offer);
            if shown.len() < REASONS && !reason.is_empty() && !known.contains(&key) {
                known.push(key);
                shown.push(fit::cut(&words::plain(reason, offer), FIELD));
            }
        }
    }
    shown
}

/// The others in one line: how many, of which kinds, on what.
fn others(count: u64, offers: &[Offer], main: &Offer) -> Option<String> {
    if count == 0 {
        return None;
    }
    let mut kinds: Vec<(String, u64)> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for offer in offers.iter().filter(|offer| offer.change_id != main.change_id) {
        let kind = words::sort(offer);
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, n)) => *n += 1,
            None => kinds.push((kind, 1)),
        }
        let name = words::resource(offer);
        if !name.is_empty() && name != words::resource(main) && !names.contains(&name) {
            names.push(name);
        }
    }
    let mut line = format!("{count} more");
    if !kinds.is_empty() {
        let listed: Vec<String> = kinds
            .iter()
            .take(3)
            .map(|(kind, n)| if *n == 1 { kind.clone() } else { format!("{kind} × {n}") })
            .collect();
        line = format!("{line}: {}", listed.join(", "));
    }
    if !names.is_empty() {
        let more = if names.len() > 3 { ", …" } else { "" };
        line = format!("{line} (on {}{more})", names.iter().take(3).copied().collect::<Vec<_>>().join(", "));
    }
    Some(line)
}
