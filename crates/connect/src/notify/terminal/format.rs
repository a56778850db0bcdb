//! An alert as a box of text.

use tagwarden_core::{AlertMessage, Disposition, Severity};

/// Widest line, in characters.
const WIDTH: usize = 110;

/// The alert as lines of text, the last one ended.
pub fn draw(message: &AlertMessage, color: bool) -> String {
    let (bold, tone, plain) = if color { ("\x1b[1m", tone(message.severity), "\x1b[0m") } else { ("", "", "") };
    let edge = |mark: char| format!("{tone}{mark}{plain}");
    let loud = if message.disposition == Disposition::Page { "PAGE " } else { "" };
    let severity = message.severity.as_str().to_uppercase();
    let head = format!("{} {tone}{loud}{severity}{plain} {bold}{}{plain}", edge('┏'), clean(&message.title));

    let width = message.fields.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    let mut body = vec![message.text.clone()];
    body.extend(message.fields.iter().map(|(label, value)| format!("{label:<width$}  {value}")));
    body.extend(message.reasons.iter().map(|reason| format!("• {reason}")));
    let mut lines: Vec<String> = body.iter().flat_map(|text| wrap(&clean(text))).collect();
    // Addresses stay whole, so that they can be clicked.
    lines.extend(message.links.iter().map(|(label, address)| format!("{}: {}", clean(label), clean(address))));

    let changes = if message.changes == 1 { "change" } else { "changes" };
    let span = if message.first == message.last {
        message.first.to_string()
    } else {
        format!("{} to {}", message.first, message.last)
    };
    let state = clean(&message.state.replace('_', "-"));
    let foot = format!("{} {span} · {} {changes} · {state}\n", edge('┗'), message.changes);

    let mut all = vec![head];
    all.extend(lines.into_iter().map(|line| format!("{} {line}", edge('┃'))));
    all.push(foot);
    all.join("\n")
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
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| {
            let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if c.is_control() || turns { ' ' } else { c }
        })
        .collect()
}

/// Lines of at most [`WIDTH`] characters, broken at spaces where there are any.
fn wrap(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_inclusive(' ') {
        for c in word.chars().collect::<Vec<_>>().chunks(WIDTH) {
            if length + c.len() > WIDTH && length > 0 {
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
