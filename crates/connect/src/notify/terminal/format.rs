//! An alert as a box of text, or as one line.

use tagwarden_core::{AlertMessage, Disposition, Severity, Timestamp, short_id};

/// Widest line, in characters.
const WIDTH: usize = 110;

/// The alert as lines of text, the last one ended. In colour, labels are links to click; else addresses are shown.
pub fn draw(message: &AlertMessage, color: bool) -> String {
    let (bold, dim, plain) = if color { ("\x1b[1m", "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
    let tone = if color { tone(message.severity) } else { "" };
    let edge = |mark: char| format!("{tone}{mark}{plain}");
    let head = format!("{} {tone}{}{plain}  {bold}{}{plain}", edge('┏'), loudness(message), clean(&message.title));

    let mut lines = vec![head];
    let mut push = |line: &str| lines.push(format!("{} {line}", edge('┃')));
    for line in wrap(&clean(&message.text), 0) {
        push(&line);
    }
    let width = message.fields.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    for (label, value) in &message.fields {
        for (at, line) in wrap(&clean(value), width + 2).iter().enumerate() {
            let label = if at == 0 { clean(label) } else { String::new() };
            push(&format!("{dim}{label:<width$}{plain}  {line}"));
        }
    }
    for reason in &message.reasons {
        for (at, line) in wrap(&clean(reason), 2).iter().enumerate() {
            push(&format!("{} {line}", if at == 0 { '•' } else { ' ' }));
        }
    }
    if color && !message.links.is_empty() {
        push(&message.links.iter().map(|(label, address)| link(label, address)).collect::<Vec<_>>().join(" · "));
    } else {
        // Addresses stay whole, so that they can be clicked.
        message.links.iter().for_each(|(label, address)| push(&format!("{}: {}", clean(label), clean(address))));
    }

    let span = match (message.first, message.last) {
        (first, last) if first == last => time(first),
        (first, last) => format!("{} to {}", time(first), time(last)),
    };
    let count = if message.changes == 1 { String::new() } else { format!(" · {} changes", message.changes) };
    lines.push(format!("{} {dim}{span}{count}{}{plain}\n", edge('┗'), name(message)));
    lines.join("\n")
}

/// The alert on one line, as long as it has to be.
pub fn line(message: &AlertMessage, color: bool) -> String {
    let (tone, plain) = if color { (tone(message.severity), "\x1b[0m") } else { ("", "") };
    // A digest is as severe as its worst change, and not as urgent.
    let loud = if message.state == "digest" { "DIGEST".to_owned() } else { loudness(message) };
    format!("{}  {tone}{loud:<13}{plain} {}{}\n", time(message.last), clean(&message.text), name(message))
}

/// How people call the alert; a digest tells of many and is none.
fn name(message: &AlertMessage) -> String {
    if message.state == "digest" { String::new() } else { format!(" · alert {}", short_id(&message.alert_id)) }
}

fn loudness(message: &AlertMessage) -> String {
    let severity = message.severity.as_str().to_uppercase();
    if message.disposition == Disposition::Page { format!("PAGE {severity}") } else { severity }
}

/// `2026-11-21 03:04:05 UTC`.
fn time(at: Timestamp) -> String {
    let text = at.to_string().replace('T', " ");
    format!("{} UTC", text.split('.').next().unwrap_or(&text))
}

/// A label that leads to an address (OSC 8, which terminals that don't know it leave out).
fn link(label: &str, address: &str) -> String {
    format!("\x1b]8;;{}\x1b\\\x1b[4m{}\x1b[0m\x1b]8;;\x1b\\", clean(address), clean(label))
}

fn tone(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "\x1b[1;31m",
        Severity::High => "\x1b[31m",
        Severity::Medium => "\x1b[33m",
        Severity::Low | Severity::Info => "\x1b[36m",
    }
}

/// Without what would steer the terminal or turn the text round: names come from whoever made the call.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| {
            let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if c.is_control() || turns { ' ' } else { c }
        })
        .collect()
}

/// Lines of at most [`WIDTH`] characters less `indent`, broken at spaces where there are any.
fn wrap(text: &str, indent: usize) -> Vec<String> {
    let width = WIDTH.saturating_sub(indent).max(20);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_inclusive(' ') {
        for c in word.chars().collect::<Vec<_>>().chunks(width) {
            if length + c.len() > width && length > 0 {
                lines.push(std::mem::take(&mut line));
                length = 0;
            }
            line.extend(c);
            length += c.len();
        }
    }
    if length > 0 {
        lines.push(line);
    }
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines
}
