//! Slack's limits on blocks, and what each answer of the webhook means.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::Value;
use tagwarden_core::{AlertMessage, Disposition, Notifier, NotifyError, Receipt, Retry, Secret, Severity, Timestamp};
use tagwarden_testkit::http_server::{Answer, HttpServer};

use super::{Config, Slack, payload};
use crate::notify::Destination;

const HOOK: &str = "/services/T000/B000/hushhush";

fn message() -> AlertMessage {
    AlertMessage {
        alert_id: "a.0".into(),
        state: "opening".into(),
        text: "dana.garcia: Environment prd → dev on checkout-db (nimbus-prd)".into(),
        title: "Production reclassified · nimbus-prd".into(),
        severity: Severity::High,
        disposition: Disposition::Notify,
        first: Timestamp(1_795_230_245_000),
        last: Timestamp(1_795_230_305_000),
        changes: 3,
        fields: vec![("Who".into(), "dana.garcia@nimbus.example".into()), ("Where".into(), "nimbus-prd".into())],
        reasons: vec!["production left production".into(), "never before by this person".into()],
        links: vec![("Resource".into(), "https://console.example/?a=1&b=2#x".into())],
    }
}

/// What Slack would refuse, by its reference of blocks; characters are counted as sent.
fn faults(payload: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let mut text = |what: &str, value: &Value, most: usize| match value.as_str() {
        Some("") => faults.push(format!("{what} is empty")),
        Some(text) if text.chars().count() > most => faults.push(format!("{what} is too long")),
        Some(_) => {}
        None => faults.push(format!("{what} is no text")),
    };
    text("text", &payload["text"], 40_000);
    let blocks = payload["blocks"].as_array().cloned().unwrap_or_default();
    for block in &blocks {
        match block["type"].as_str() {
            Some("header") => text("header", &block["text"]["text"], 150),
            Some("section") if block["fields"].is_null() => text("section", &block["text"]["text"], 3000),
            Some("section") => {
                let fields = block["fields"].as_array().cloned().unwrap_or_default();
                for field in &fields {
                    text("field", &field["text"], 2000);
                }
                if fields.is_empty() || fields.len() > 10 {
                    faults.push("number of fields".into());
                    break;
                }
            }
            Some("context") => {
                let elements = block["elements"].as_array().cloned().unwrap_or_default();
                for element in &elements {
                    text("context", &element["text"], 3000);
                }
                if elements.is_empty() || elements.len() > 10 {
                    faults.push("number of elements".into());
                    break;
                }
            }
            _ => {
                faults.push(format!("unknown block {block}"));
                break;
            }
        }
    }
    if blocks.is_empty() || blocks.len() > 50 {
        faults.push("number of blocks".into());
    }
    faults
}

#[test]
fn says_it_all_in_blocks() {
    let payload = payload(&message());
    assert_eq!(payload["text"], "dana.garcia: Environment prd → dev on checkout-db (nimbus-prd)");
    let blocks = payload["blocks"].as_array().unwrap();
    let kinds: Vec<&str> = blocks.iter().filter_map(|block| block["type"].as_str()).collect();
    assert_eq!(kinds, ["header", "section", "section", "section", "section", "context"]);
    assert_eq!(blocks[0]["text"]["text"], "🟠 Production reclassified · nimbus-prd");
    assert_eq!(blocks[2]["fields"][0]["text"], "*Who*\ndana.garcia@nimbus.example");
    assert_eq!(blocks[3]["text"]["text"], "• production left production\n• never before by this person");
    assert_eq!(blocks[4]["text"]["text"], "<https://console.example/?a=1&amp;b=2#x|Resource>");
    assert_eq!(
        blocks[5]["elements"][0]["text"],
        "high · <!date^1795230245^{date_short_pretty} {time_secs}|2026-11-21 03:04:05 UTC> \
         to <!date^1795230305^{date_short_pretty} {time_secs}|2026-11-21 03:05:05 UTC> · 3 changes · alert hw24h43z"
    );
}

#[test]
fn a_digest_has_no_name_to_judge_it_by() {
    let digest = AlertMessage { state: "digest".into(), ..message() };
    let blocks = payload(&digest)["blocks"].clone();
    assert!(blocks[5]["elements"][0]["text"].as_str().unwrap().ends_with(" · 3 changes"), "{blocks}");
}

#[test]
fn many_reasons_take_several_blocks() {
    let digest = AlertMessage { reasons: vec!["r".repeat(170); 40], ..message() };
    let payload = payload(&digest);
    assert_eq!(faults(&payload), Vec::<String>::new());
    assert_eq!(payload.to_string().matches('•').count(), 40);
    let flood = AlertMessage { reasons: vec!["r".repeat(2999); 60], ..message() };
    assert_eq!(faults(&super::payload(&flood)), Vec::<String>::new());
}

#[test]
fn names_from_events_can_neither_mention_nor_link() {
    let mut odd = message();
    odd.text = "x: Team <!channel> & <https://evil.example|click>".into();
    let payload = payload(&odd);
    assert_eq!(payload["text"], "x: Team &lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;");
    assert_eq!(payload["blocks"][1]["text"]["verbatim"], true);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_message_breaks_a_limit(
        text in "(\\PC|[&<>]){0,400}", title in "(\\PC|[&<>]){0,400}", reasons in prop::collection::vec("(\\PC|[&<>]){0,900}", 0..120),
        fields in prop::collection::vec(("\\PC{0,300}", "(\\PC|[&<>]){0,2500}"), 0..15), link in "\\PC{0,4000}",
    ) {
        let links = vec![("A|b".to_owned(), link.clone()), ("c".to_owned(), "https://x.example".to_owned())];
        let wild = AlertMessage { text, title, reasons, fields, links, ..message() };
        let payload = payload(&wild);
        prop_assert_eq!(faults(&payload), Vec::<String>::new());
    }
}

async fn post(answers: Vec<Answer>) -> (HttpServer, Slack) {
    let server = HttpServer::start(answers, Answer::ok()).await.unwrap();
    let slack = Slack::new(Secret::new(server.url(HOOK))).unwrap().spaced(Duration::ZERO);
    (server, slack)
}

async fn answered(answer: Answer) -> Result<Receipt, NotifyError> {
    let (_server, slack) = post(vec![answer]).await;
    slack.notify(&message()).await
}

#[tokio::test]
async fn posts_json_and_reads_the_answer() {
    let (server, slack) = post(Vec::new()).await;
    assert_eq!(slack.notify(&message()).await.unwrap(), Receipt { reference: None });
    let requests = server.requests();
    assert_eq!((requests.len(), requests[0].method.as_str(), requests[0].path.as_str()), (1, "POST", HOOK));
    assert!(requests[0].headers.contains(&("content-type".into(), "application/json; charset=utf-8".into())));
    assert_eq!(serde_json::from_slice::<Value>(&requests[0].body).unwrap(), payload(&message()));
}

#[tokio::test]
async fn every_answer_has_its_meaning() {
    let again = |seconds: Option<u64>| Retry::Retry { after: seconds.map(Duration::from_secs) };
    let cases = [
        (Answer::retry_after(30), again(Some(30))),
        (Answer::status(429, "rate_limited"), again(Some(1))),
        (Answer::status(503, "down").header("Retry-After", "5"), again(Some(5))),
        (Answer::status(500, "rollup_error"), again(None)),
        (Answer::status(200, "<html>sign in</html>"), again(None)),
        (Answer::status(200, ""), again(None)),
        (Answer::Drop, again(None)),
        (Answer::status(400, "invalid_payload"), Retry::RejectItem),
        (Answer::status(413, ""), Retry::RejectItem),
        (Answer::status(403, "invalid_token"), Retry::Stop),
        (Answer::status(404, "no_service"), Retry::Stop),
        (Answer::status(410, "channel_is_archived"), Retry::Stop),
        (Answer::status(302, "").header("Location", "http://127.0.0.1:1/x"), Retry::Stop),
    ];
    for (answer, wanted) in cases {
        let error = answered(answer.clone()).await.unwrap_err();
        assert_eq!(error.retry, wanted, "{answer:?}: {error}");
    }
}

#[tokio::test]
async fn errors_say_what_was_answered_and_never_the_address() {
    let error = answered(Answer::status(400, "invalid_blocks")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "notifier: slack: post a message: found 400 Bad Request \"invalid_blocks\", want 200 \"ok\""
    );
    for answer in [Answer::status(502, &format!("bad gateway: POST {HOOK}")), Answer::Drop] {
        let error = answered(answer).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hushhush"), "{error:?}");
    }
    let nobody = Slack::new(Secret::new(format!("http://127.0.0.1:1{HOOK}"))).unwrap();
    let error = nobody.notify(&message()).await.unwrap_err();
    assert!(matches!(error.retry, Retry::Retry { after: None }));
    assert!(!format!("{error} {error:?} {nobody:?}").contains("hushhush"));
}

#[tokio::test]
async fn messages_keep_their_distance() {
    let server = HttpServer::start(Vec::new(), Answer::ok()).await.unwrap();
    let slack = Slack::new(Secret::new(server.url(HOOK))).unwrap().spaced(Duration::from_millis(150));
    let start = Instant::now();
    let message = message();
    let (a, b, c) = tokio::join!(slack.notify(&message), slack.notify(&message), slack.notify(&message));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());
    let times: Vec<Instant> = server.requests().iter().map(|request| request.at).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_millis(140)));
}

#[test]
fn the_config_names_one_way_to_the_address() {
    let of = |text: &str| serde_json::from_str::<Destination>(text).unwrap();
    let hook = "https://hooks.slack.com/services/x";
    let direct = of(&format!(r#"{{"kind":"slack","name":"soc","webhook_url":"{hook}"}}"#));
    assert_eq!((direct.name(), direct.faults()), ("soc", Vec::new()));
    assert!(!format!("{direct:?}{}", serde_json::to_string(&direct).unwrap()).contains("services"));
    assert_eq!(
        of(r#"{"kind":"slack","name":"soc"}"#).faults(),
        ["webhook_url: found 0 of webhook_url, webhook_url_file and webhook_url_env, want one"]
    );
    let wrong = of(r#"{"kind":"slack","name":"","webhook_url":"hooks","webhook_url_env":"HOOK"}"#);
    assert_eq!(wrong.faults().len(), 3);
    assert!(serde_json::from_str::<Destination>(r#"{"kind":"slack","name":"a","webhook":"x"}"#).is_err());
    assert!(serde_json::from_str::<Destination>(r#"{"kind":"pigeon","name":"a"}"#).is_err());
}

#[test]
fn the_address_can_lie_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hook");
    let mut config =
        Config { name: "soc".into(), webhook_url: None, webhook_url_file: Some(path.clone()), webhook_url_env: None };
    assert!(Slack::from_config(&config).is_err());
    std::fs::write(&path, "https://hooks.slack.com/services/x\n").unwrap();
    assert_eq!(config.address().unwrap().expose(), "https://hooks.slack.com/services/x");
    assert!(Slack::from_config(&config).is_ok());
    std::fs::write(&path, "ftp://x").unwrap();
    assert_eq!(
        Slack::from_config(&config).unwrap_err().to_string(),
        "webhook address: found text that is no http or https URL"
    );
    config.webhook_url_file = None;
    config.webhook_url_env = Some("TAGWARDEN_TEST_NO_SUCH_VARIABLE".into());
    assert!(config.address().is_err());
}
