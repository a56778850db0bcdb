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
    let mut lines: Vec<String> = lines
        .drain(..lines.len().min(LISTED))
        .map(|(line, n)| if n == 1 { line } else { format!("{line} × {n}") })
        .collect();
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

/// One line per way of saying it, with the number of changes that it says; in the order of `offers`.
fn lines(offers: &[Offer]) -> Vec<(String, u64)> {
    let mut lines: Vec<(String, u64)> = Vec::new();
    let mut known: rustc_hash::FxHashMap<String, usize> = rustc_hash::FxHashMap::default();
    for offer in offers {
        let line = format!("[{}] {} {}", offer.severity, offer.event_time.date(), words::sentence(offer));
        if let Some((_, n)) = known.get(&line).and_then(|at| lines.get_mut(*at)) {
            *n += 1;
        } else {
            known.insert(line.clone(), lines.len());
            lines.push((line, 1));
        }
    }
    lines
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
            (0..50).map(|i| Offer { resource_name: Some(format!("r{i}")), ..offer(&format!("e.{i}"), i) }).collect();
        let message = digest("d", "daily", &offers, &[(Severity::High, 9000)], None).unwrap();
        assert_eq!(message.reasons.len(), LISTED + 1);
        assert_eq!(message.reasons.last().map(String::as_str), Some("and 8960 more, in the archive"));
        assert!(digest("d", "daily", &[], &[], None).is_none());
    }
}
