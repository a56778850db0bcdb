//! An alert as a box of text.

use tagwarden_core::{AlertMessage, Disposition, Severity};

/// Widest line, in characters.
const WIDTH: usize = 110;

/// The alert as lines of text, the last one ended.
pub fn draw(message: &AlertMessage, color: bool) -> String {
    let (bold, tone, plain) = if color { ("\x1b[1m", tone(message.severity), "\x1b[0m") } else { ("", "", "") };
    let edge = |mark: char| format!("{tone}{mark}{plain}");
    let mut out = String::new();
    let loud = if message.disposition == Disposition::Page { "PAGE " } else { "" };
    let severity = message.severity.as_str().to_uppercase();
    out += &format!("{} {tone}{loud}{severity}{plain} {bold}{}{plain}\n", edge('┏'), clean(&message.title));
    let line = |text: &str, out: &mut String| {
        for part in wrap(&clean(text)) {
            *out += &format!("{} {part}\n", edge('┃'));
        }
    };
    line(&message.text, &mut out);
    let width = message.fields.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    for (label, value) in &message.fields {
        line(&format!("{label:<width$}  {value}"), &mut out);
    }
    for reason in &message.reasons {
        line(&format!("• {reason}"), &mut out);
    }
    for (label, address) in &message.links {
        // Addresses stay whole, so that they can be clicked.
        out += &format!("{} {}: {}\n", edge('┃'), clean(label), clean(address));
    }
    let changes = if message.changes == 1 { "change" } else { "changes" };
    let span = if message.first == message.last {
        message.first.to_string()
    } else {
        format!("{} to {}", message.first, message.last)
    };
    out + &format!(
        "{} {span} · {} {changes} · {}\n",
        edge('┗'),
        message.changes,
        clean(&message.state.replace('_', "-"))
    )
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
    lines.iter_mut().for_each(|line| line.truncate(line.trim_end().len()));
    lines
}
