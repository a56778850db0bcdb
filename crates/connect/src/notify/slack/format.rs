//! An alert as Block Kit, within Slack's limits.
//!
//! Source: Slack API, "Reference: blocks", "Formatting text for app surfaces". Limits count the text as sent, escapes
//! included.

use serde_json::{Value, json};
use tagwarden_core::{AlertMessage, Disposition, Severity, Timestamp, short_id};

/// Longest text of a header block.
const HEADER: usize = 150;
/// Longest text of a section.
const SECTION: usize = 3000;
/// Longest text of a section's field.
const FIELD: usize = 2000;
/// Most fields of a section.
const FIELDS: usize = 10;
/// Most blocks; Slack takes 50, and five of ours are not reasons.
const REASON_BLOCKS: usize = 40;

/// The body of the webhook's request.
pub fn payload(message: &AlertMessage) -> Value {
    let mut blocks = vec![json!({
        "type": "header",
        "text": { "type": "plain_text", "text": header(message), "emoji": true },
    })];
    if !message.text.is_empty() {
        blocks.push(section(&escape(&message.text, SECTION)));
    }
    let fields: Vec<Value> = message
        .fields
        .iter()
        .filter(|(label, value)| !label.is_empty() && !value.is_empty())
        .take(FIELDS)
        .map(|(label, value)| {
            let label = escape(label, 100);
            mrkdwn(&format!("*{label}*\n{}", escape(value, FIELD - label.len() - 3)))
        })
        .collect();
    if !fields.is_empty() {
        blocks.push(json!({ "type": "section", "fields": fields }));
    }
    blocks.extend(reasons(message).iter().map(|text| section(text)));
    let links = links(message);
    if !links.is_empty() {
        blocks.push(section(&links));
    }
    blocks.push(json!({ "type": "context", "elements": [mrkdwn(&when(message))] }));
    let text = if message.text.is_empty() { &message.title } else { &message.text };
    let text = if text.is_empty() { "Tagwarden alert" } else { text };
    json!({ "text": escape(text, SECTION), "blocks": blocks })
}

/// The links on one line, as many as fit: an address is whole or left out.
fn links(message: &AlertMessage) -> String {
    let mut line = String::new();
    for (label, url) in &message.links {
        let link = format!("<{}|{}>", address(url), escape(&label.replace('|', " "), 100));
        let gap = if line.is_empty() { "" } else { " · " };
        if line.len() + gap.len() + link.len() <= SECTION {
            line.push_str(gap);
            line.push_str(&link);
        }
    }
    line
}

fn header(message: &AlertMessage) -> String {
    let sign = match (message.disposition, message.severity) {
        (Disposition::Page, _) => "🚨",
        (_, Severity::Critical) => "🔴",
        (_, Severity::High) => "🟠",
        (_, Severity::Medium) => "🟡",
        _ => "🔵",
    };
    // Plain text is shown as it is; only its length matters.
    let mut text: String = format!("{sign} {}", message.title).chars().take(HEADER).collect();
    if message.title.chars().count() + 2 > HEADER {
        text.pop();
        text.push('…');
    }
    text
}

/// The reasons as a list, in as few sections as they fit into.
fn reasons(message: &AlertMessage) -> Vec<String> {
    let mut sections: Vec<String> = Vec::new();
    for reason in message.reasons.iter().filter(|reason| !reason.is_empty()) {
        let line = format!("• {}", escape(reason, SECTION - 4));
        match sections.last_mut() {
            Some(last) if last.len() + 1 + line.len() <= SECTION => {
                last.push('\n');
                last.push_str(&line);
            }
            _ => sections.push(line),
        }
    }
    sections.truncate(REASON_BLOCKS);
    sections
}

fn when(message: &AlertMessage) -> String {
    let mut text = format!("{} · {}", message.severity, date(message.first));
    if message.last != message.first {
        text = format!("{text} to {}", date(message.last));
    }
    if message.changes > 1 {
        text = format!("{text} · {} changes", message.changes);
    }
    // A digest tells of many alerts and is none.
    if message.state != "digest" {
        text = format!("{text} · alert {}", short_id(&message.alert_id));
    }
    text
}

/// A time that every reader sees in the own time zone.
fn date(time: Timestamp) -> String {
    let plain = time.to_string();
    let plain = plain.split('.').next().unwrap_or_default().replace('T', " ");
    format!("<!date^{}^{{date_short_pretty}} {{time_secs}}|{plain} UTC>", time.0.div_euclid(1000))
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": mrkdwn(text) })
}

/// `verbatim`: names out of events must not become links or mentions.
fn mrkdwn(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

/// At most `most` bytes of `text` with `&`, `<` and `>` escaped, cut between characters.
fn escape(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut room = 0;
    for c in text.chars() {
        let before = out.len();
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
        if out.len() > most {
            out.truncate(room);
            out.push('…');
            return out;
        }
        // The last place from which the ellipsis, three bytes long, still fits.
        if before + 3 <= most {
            room = before;
        }
    }
    out
}

/// An address inside `<…|…>`.
fn address(url: &str) -> String {
    url.replace('&', "&amp;").replace('<', "%3C").replace('>', "%3E").replace('|', "%7C")
}
