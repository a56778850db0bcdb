//! What a person at the terminal sees.

use std::io::{Error, ErrorKind, Write};

use tagwarden_core::{AlertMessage, Disposition, Notifier, Retry, Severity, Timestamp};

use super::{Config, Style, Terminal, draw, line};

fn message() -> AlertMessage {
    AlertMessage {
        alert_id: "a.0".into(),
        state: "opening".into(),
        text: "dana.garcia changed Environment prd → dev on checkout-db (nimbus-prd)".into(),
        title: "Production reclassified · nimbus-prd".into(),
        severity: Severity::High,
        disposition: Disposition::Page,
        first: Timestamp(1_795_230_245_000),
        last: Timestamp(1_795_230_245_000),
        changes: 1,
        fields: vec![("Who".into(), "dana.garcia@nimbus.example".into()), ("Resource".into(), "checkout-db".into())],
        reasons: vec!["production left production".into()],
        links: vec![("Runbook".into(), "https://wiki.example/1".into())],
    }
}

#[tokio::test]
async fn draws_a_box() {
    let terminal = Terminal::new(Vec::new(), false, Style::Box);
    terminal.notify(&message()).await.unwrap();
    let wanted = "\
┏ PAGE HIGH  Production reclassified · nimbus-prd
┃ dana.garcia changed Environment prd → dev on checkout-db (nimbus-prd)
┃ Who       dana.garcia@nimbus.example
┃ Resource  checkout-db
┃ • production left production
┃ Runbook: https://wiki.example/1
┗ 2026-11-21 03:04:05 UTC · alert hw24h43z
";
    assert_eq!(String::from_utf8(terminal.out.into_inner().unwrap()).unwrap(), wanted);
}

#[test]
fn a_digest_has_no_name_to_judge_it_by() {
    let digest = AlertMessage { state: "digest".into(), ..message() };
    assert!(draw(&digest, false).ends_with("\n┗ 2026-11-21 03:04:05 UTC\n"));
}

#[test]
fn a_line_is_what_the_phone_shows() {
    let wanted = "2026-11-21 03:04:05 UTC  PAGE HIGH     dana.garcia changed Environment prd → dev on checkout-db (nimbus-prd) · alert hw24h43z\n";
    assert_eq!(line(&message(), false), wanted);
    let odd = AlertMessage { text: "a\u{1b}[2Jb\nc".into(), severity: Severity::Info, ..message() };
    assert!(line(&odd, false).ends_with("PAGE INFO     a [2Jb c · alert hw24h43z\n"));
    let digest = AlertMessage { state: "digest".into(), ..message() };
    let told = line(&digest, false);
    assert!(told.contains("UTC  DIGEST        dana") && told.ends_with("checkout-db (nimbus-prd)\n"), "{told}");
}

#[test]
fn later_lines_of_a_value_stand_under_the_first() {
    let long = AlertMessage { fields: vec![("Also".into(), "word ".repeat(30))], changes: 7, ..message() };
    let text = draw(&long, false);
    assert!(
        text.contains("┃ Also  word")
            && text.contains("\n┃       word word")
            && text.contains("UTC · 7 changes · alert hw24h43z\n"),
        "{text}"
    );
}

#[test]
fn links_are_labels_where_they_can_be_clicked() {
    let shown = draw(&message(), true);
    assert!(shown.contains("\u{1b}]8;;https://wiki.example/1\u{1b}\\") && !shown.contains(": https"), "{shown}");
}

#[test]
fn the_config_says_how_much_is_shown() {
    let of = |text: &str| serde_json::from_str::<Config>(text).unwrap();
    assert_eq!((of(r#"{"name":"t"}"#).color, of(r#"{"name":"t"}"#).style), (None, Style::Box));
    assert_eq!(of(r#"{"name":"t","style":"line","color":false}"#).style, Style::Line);
    assert!(serde_json::from_str::<Config>(r#"{"name":"t","style":"poem"}"#).is_err());
}

#[test]
fn colour_only_when_asked_and_never_from_an_event() {
    let mut odd = message();
    odd.fields.push(("Name".into(), "\u{1b}[2Jgone\u{202e}txt\u{7}".into()));
    odd.links.push(("x".into(), "https://x/\u{1b}[2J".into()));
    assert!(!draw(&odd, false).contains(['\u{1b}', '\u{202e}', '\u{7}']));
    let shown = draw(&odd, true);
    assert!(shown.contains("\u{1b}[31mPAGE HIGH\u{1b}[0m") && !shown.contains("\u{1b}[2J"));
}

#[test]
fn long_lines_are_broken() {
    let long = AlertMessage { reasons: vec!["word ".repeat(60), "Q".repeat(250)], ..message() };
    assert!(draw(&long, false).lines().all(|line| line.chars().count() <= 112));
    assert_eq!(draw(&long, false).matches("word").count(), 60);
    assert_eq!(draw(&long, false).matches('Q').count(), 250);
}

struct Broken(ErrorKind);

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(Error::from(self.0))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_closed_pipe_ends_it() {
    let error = Terminal::new(Broken(ErrorKind::BrokenPipe), false, Style::Box).notify(&message()).await.unwrap_err();
    assert_eq!(error.retry, Retry::Stop);
    let error = Terminal::new(Broken(ErrorKind::WouldBlock), false, Style::Box).notify(&message()).await.unwrap_err();
    assert_eq!(error.retry, Retry::Retry { after: None });
}
