//! The laws of notifiers that speak HTTP.

use std::time::Duration;

use tagwarden_core::{AlertMessage, Disposition, Notifier, NotifyError, Retry, Severity, Timestamp};

use crate::http_server::{Answer, HttpServer};

/// Checks a notifier against a scripted endpoint: what each answer means, that one call is one request, and that the
/// address, which is the secret, is not told.
///
/// `make` gives a notifier for the endpoint at an address; `taken` is the answer by which the endpoint takes a message.
///
/// # Panics
/// Where a law is broken.
pub async fn notifier_contract<N: Notifier>(make: impl Fn(String) -> N, taken: Answer) {
    let again = |result: &Result<_, NotifyError>, wanted: Option<Duration>| match result {
        Err(NotifyError { retry: Retry::Retry { after }, .. }) => wanted.is_none() || *after == wanted,
        _ => false,
    };
    let refused = |result: &Result<_, NotifyError>| {
        matches!(result, Err(NotifyError { retry: Retry::RejectItem | Retry::Stop, .. }))
    };

    let (result, body) = answered(&make, taken).await;
    assert!(result.is_ok(), "{result:?}");
    assert!(body.contains("i-0123456789abcdef0"), "the message leaves out what happened: {body}");

    let (result, _) = answered(&make, Answer::retry_after(7)).await;
    assert!(again(&result, Some(Duration::from_secs(7))), "429 with Retry-After: {result:?}");
    for (answer, what) in [
        (Answer::status(429, "slow down"), "429"),
        (Answer::status(500, "oops"), "500"),
        (Answer::status(503, ""), "503"),
        (Answer::Drop, "no answer"),
    ] {
        let (result, _) = answered(&make, answer).await;
        assert!(again(&result, None), "{what}: {result:?}");
    }
    for status in [400, 401, 403, 404, 410, 413] {
        let (result, _) = answered(&make, Answer::status(status, "no")).await;
        assert!(refused(&result), "{status}: {result:?}");
    }
}

/// Sends one message to an endpoint that answers so; what came of it, and the body sent.
async fn answered<N: Notifier>(
    make: &impl Fn(String) -> N,
    answer: Answer,
) -> (Result<tagwarden_core::Receipt, NotifyError>, String) {
    let server = HttpServer::start(vec![answer], Answer::status(418, "a second request")).await.expect("a free port");
    let notifier = make(server.url("/services/T000/B000/hush-hush"));
    let result = notifier.notify(&message()).await;
    let requests = server.requests();
    assert_eq!(requests.len(), 1, "one call is one request; trying again is the ledger's business");
    if let Err(error) = &result {
        assert!(!format!("{error} {error:?}").contains("hush-hush"), "the address is told: {error}");
    }
    let body = requests.first().map(|request| String::from_utf8_lossy(&request.body).into_owned());
    (result, body.unwrap_or_default())
}

fn message() -> AlertMessage {
    AlertMessage {
        alert_id: "alert-1".to_owned(),
        state: "opened".to_owned(),
        text: "ana@example.com: env prod → dev on i-0123456789abcdef0 in payments".to_owned(),
        title: "Production reclassified".to_owned(),
        severity: Severity::High,
        disposition: Disposition::Page,
        first: Timestamp(1_795_230_245_000),
        last: Timestamp(1_795_230_246_000),
        changes: 2,
        fields: vec![("who".to_owned(), "ana@example.com".to_owned())],
        reasons: vec!["env prod → dev: 0 of 4,210 changes in this account".to_owned()],
        links: vec![("runbook".to_owned(), "https://example.com/runbook".to_owned())],
    }
}
