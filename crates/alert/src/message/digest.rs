//! Many changes in one message: what came late, what can wait for the day's digest, what overflowed.

use tagwarden_core::{AlertMessage, Disposition, Severity};

use super::{LINE, fit, links, words, worst};
use crate::{Offer, group};

/// Most changes that are listed one by one.
const LISTED: usize = 40;

/// One message for many changes: `offers` are the worst of those `counted`. `kind` is `late`, `daily` or `overflow`.
/// `None` without any change.
pub(crate) fn digest(
    alert_id: &str,
    kind: &str,
    offers: &[Offer],
    counted: &[(Severity, u64)],
    runbook: Option<&str>,
) -> Option<AlertMessage> {
    let main = worst(offers)?;
    let n: u64 = counted.iter().map(|(_, n)| n).sum();
    let changes = if n == 1 { "change" } else { "changes" };
    let (title, lead) = match kind {
        "late" => ("Told late: changes that happened hours ago", format!("{n} {changes} told late")),
        "overflow" => ("Too many alerts to tell one by one", format!("{n} further {changes}")),
        _ => ("Daily digest", format!("Digest of {n} {changes}")),
    };
    let lead = format!("{lead}; worst: ");
    // A page waits for the day's digest only where its alert has paged already.
    let loudest = match kind {
        "daily" => Disposition::Digest,
        _ => offers.iter().fold(Disposition::Digest, |loudest, offer| group::louder(loudest, offer.disposition)),
    };
    let text = lead.clone() + &words::sentence_within(main, LINE.saturating_sub(lead.chars().count()));
    let first = offers.iter().map(|offer| offer.event_time).min()?;
    let last = offers.iter().map(|offer| offer.event_time).max()?;
    let mut lines = lines(offers);
    let shown: u64 = lines.iter().take(LISTED).map(|(_, n)| n).sum();
    lines.truncate(LISTED);
    let mut lines: Vec<String> = lines.into_iter().map(|(line, _)| line).collect();
    if n > shown {
        lines.push(format!("and {} more, in the archive", n - shown));
    }
    Some(AlertMessage {
        alert_id: alert_id.to_owned(),
        state: "digest".to_owned(),
        text: fit::cut(&text, LINE),
        title: title.to_owned(),
        severity: main.severity,
        disposition: loudest,
        first,
        last,
        changes: n,
        fields: vec![("Severity".to_owned(), by_severity(counted))],
        reasons: lines,
        links: links::links(main, runbook),
    })
}

/// One line per way of saying it, whatever it was done to, with the number of changes that it says; in the order of
/// `offers`.
fn lines(offers: &[Offer]) -> Vec<(String, u64)> {
    let mut alike: Vec<(String, Vec<&Offer>)> = Vec::new();
    let mut known: rustc_hash::FxHashMap<String, usize> = rustc_hash::FxHashMap::default();
    for offer in offers {
        let lead = format!("[{}] {} ", offer.severity, offer.event_time.date());
        let about = format!("{lead}{}", words::sentence_on(offer, &[]));
        let at = *known.entry(about).or_insert(alike.len());
        match alike.get_mut(at) {
            Some((_, offers)) => offers.push(offer),
            None => alike.push((lead, vec![offer])),
        }
    }
    alike.iter().map(|(lead, offers)| (line(lead, offers), offers.len() as u64)).collect()
}

fn line(lead: &str, alike: &[&Offer]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in alike.iter().map(|offer| words::resource(offer)) {
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    let Some(first) = alike.first() else { return String::new() };
    let said =
        if names == [words::resource(first)] { words::sentence(first) } else { words::sentence_on(first, &names) };
    let times = if alike.len() > names.len() { format!(" × {}", alike.len()) } else { String::new() };
    format!("{lead}{said}{times}")
}

fn by_severity(counted: &[(Severity, u64)]) -> String {
    counted.iter().map(|(severity, n)| format!("{n} {severity}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use tagwarden_core::{Disposition, Severity};

    use super::{LISTED, digest};
    use crate::Offer;
    use crate::message::sample::offer;

    #[test]
    fn counts_repeats_and_tells_the_worst_first() {
        let bad = Offer { severity: Severity::Critical, resource_name: Some("ledger".into()), ..offer("b.0", 5) };
        let counted = [(Severity::Critical, 1), (Severity::High, 2)];
        let message = digest("d", "late", &[bad, offer("a.0", 0), offer("a.1", 0)], &counted, None).unwrap();
        assert_eq!(message.changes, 3);
        assert!(
            message.text.starts_with("3 changes told late; worst: dana.garcia changed Environment prd → dev on ledger")
        );
        assert_eq!(message.fields, [("Severity".to_owned(), "1 critical, 2 high".to_owned())]);
        assert!(message.reasons[0].starts_with("[critical]") && message.reasons[0].contains("ledger"));
        assert!(message.reasons[1].ends_with("× 2"), "{:?}", message.reasons);
    }

    #[test]
    fn what_differs_in_the_resource_alone_is_one_line() {
        let on =
            |n: i64, name: &str| Offer { resource_name: None, resource_id: name.into(), ..offer(&format!("e.{n}"), n) };
        let said = |names: &[&str]| {
            let offers: Vec<Offer> = (0..).zip(names).map(|(n, name)| on(n, name)).collect();
            digest("d", "daily", &offers, &[(Severity::High, names.len() as u64)], None).unwrap().reasons
        };
        let line =
            |on: &str| format!("[high] 2026-11-21 dana.garcia changed Environment prd → dev on {on} (nimbus-prd)");
        assert_eq!(said(&["a"]), [line("a")]);
        assert_eq!(said(&["a", "b", "a"]), [line("a, b") + " × 3"]);
        assert_eq!(said(&["a", "b", "c", "d", "e"]), [line("a, b, c and 2 more")]);
        assert_eq!(said(&["", "a"]), [line("a") + " × 2"], "one without a name leaves no gap");
    }

    #[test]
    fn a_daily_digest_pages_nobody() {
        let paged = [Offer { disposition: Disposition::Page, ..offer("a.0", 0) }];
        let counted = [(Severity::High, 1)];
        let loud = |kind| digest("d", kind, &paged, &counted, None).map(|message| message.disposition);
        assert_eq!(loud("daily"), Some(Disposition::Digest));
        assert_eq!([loud("late"), loud("overflow")], [Some(Disposition::Page); 2]);
    }

    #[test]
    fn a_long_list_ends_with_the_number_of_the_rest() {
        let offers: Vec<Offer> =
            (0..50).map(|i| Offer { human: Some(format!("person.{i}")), ..offer(&format!("e.{i}"), i) }).collect();
        let message = digest("d", "daily", &offers, &[(Severity::High, 9000)], None).unwrap();
        assert_eq!(message.reasons.len(), LISTED + 1);
        assert_eq!(message.reasons.last().map(String::as_str), Some("and 8960 more, in the archive"));
        assert!(digest("d", "daily", &[], &[], None).is_none());
    }
}
