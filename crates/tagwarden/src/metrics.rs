//! `/metrics` in Prometheus form and `/healthz`, on an address of the operator's choice.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, body::Incoming};
use hyper_util::rt::TokioIo;
use tagwarden_baseline::Agreement;
use tagwarden_core::Clock;
use tagwarden_engine::{Counts, SystemClock};
use tokio::net::TcpListener;

use crate::models::Status;

/// What the page shows beside the counters: counts by destination, looked up when asked.
pub type Destinations = Arc<dyn Fn() -> Vec<(String, tagwarden_alert::Counts)> + Send + Sync>;

/// Serves until the process ends. Gives the address, which matters where port 0 was asked for.
pub async fn serve(
    listen: &str,
    counts: Arc<Counts>,
    models: Arc<Status>,
    destinations: Destinations,
) -> Result<SocketAddr> {
    let listener = TcpListener::bind(listen).await.with_context(|| format!("metrics.listen: binding {listen}"))?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (counts, models, destinations) = (Arc::clone(&counts), Arc::clone(&models), Arc::clone(&destinations));
            tokio::spawn(async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    let answer = answer(request.uri().path(), &counts, &models, &destinations);
                    async move { Ok::<_, Infallible>(answer) }
                });
                // A client that hangs up early is no concern of ours.
                drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
            });
        }
    });
    Ok(address)
}

fn answer(path: &str, counts: &Counts, models: &Status, destinations: &Destinations) -> Response<Full<Bytes>> {
    let (status, text) = match path {
        "/metrics" => (StatusCode::OK, page(counts, models, &destinations())),
        "/healthz" if counts.broken.load(Ordering::Relaxed) == 0 => (StatusCode::OK, "ok\n".to_owned()),
        "/healthz" => {
            let what = "pulled differs from archived + read_only + quarantined + duplicate: see /metrics\n";
            (StatusCode::INTERNAL_SERVER_ERROR, what.to_owned())
        }
        _ => (StatusCode::NOT_FOUND, "found no such page, want /metrics or /healthz\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let kind = hyper::header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, kind);
    response
}

/// The page. Fates of events are one metric with a label, so that a dashboard can hold the identity against itself.
fn page(counts: &Counts, models: &Status, destinations: &[(String, tagwarden_alert::Counts)]) -> String {
    const FATES: [&str; 4] = ["archived", "read_only", "quarantined", "duplicate"];
    const DISPOSITIONS: [&str; 5] = ["archive_only", "digest", "notify", "page", "suppressed"];
    let mut lines = Vec::new();
    let all = counts.all();
    let get = |name: &str| all.iter().find(|(n, _)| *n == name).map_or(0, |(_, value)| *value);
    let mut metric = |name: &str, kind: &str, help: &str, samples: &[(String, f64)]| {
        lines.push(format!("# HELP tagwarden_{name} {help}\n# TYPE tagwarden_{name} {kind}"));
        lines.extend(samples.iter().map(|(labels, value)| format!("tagwarden_{name}{labels} {value}")));
    };
    let one = |value: f64| [(String::new(), value)];
    let labelled = |label: &str, names: &[&str]| -> Vec<(String, f64)> {
        names.iter().map(|n| (format!("{{{label}=\"{n}\"}}"), get(n) as f64)).collect()
    };
    metric("events_pulled_total", "counter", "Events handed over by the source.", &one(get("pulled") as f64));
    metric("events_total", "counter", "Events by what became of them.", &labelled("fate", &FATES));
    metric("changes_total", "counter", "Changes by disposition.", &labelled("disposition", &DISPOSITIONS));
    metric("rows_written_total", "counter", "Rows given to the archive.", &one(get("changes") as f64));
    metric("rows_sealed_total", "counter", "Rows in sealed files, as the files say.", &one(get("sealed_rows") as f64));
    metric("epochs_total", "counter", "Epochs advanced.", &one(get("epochs") as f64));
    metric("alert_groups_total", "counter", "Alert groups opened.", &one(get("alerts") as f64));
    metric("lag_seconds", "gauge", "Wall clock less the newest event's time.", &one(get("lag_ms") as f64 / 1000.0));
    metric("source_behind", "gauge", "How far the source is behind, as it says.", &one(get("behind") as f64));
    let silence = match get("last_pull_ms") {
        0 => 0.0,
        last => (SystemClock.now().0.unsigned_abs().saturating_sub(last)) as f64 / 1000.0,
    };
    metric("silence_seconds", "gauge", "Time since a record was last pulled.", &one(silence));
    metric(
        "identity_broken",
        "gauge",
        "1 if pulled differs from archived + read_only + quarantined + duplicate.",
        &one(f64::from(u8::from(get("broken") > 0))),
    );
    of_models(models, &mut metric);
    let mut fates = Vec::new();
    for (name, c) in destinations {
        for (fate, value) in [
            ("to_alert", c.to_alert),
            ("delivered", c.delivered),
            ("folded", c.folded),
            ("suppressed", c.suppressed),
            ("expired", c.expired),
            ("pending", c.pending),
        ] {
            fates.push((format!("{{destination=\"{name}\",fate=\"{fate}\"}}"), value as f64));
        }
    }
    metric("alerts_total", "counter", "Changes to alert, by destination and what became of them.", &fates);
    lines.push(String::new());
    lines.join("\n")
}

/// The model in force, how its shadow agrees with it, and how often models were made and taken.
fn of_models(models: &Status, metric: &mut impl FnMut(&str, &str, &str, &[(String, f64)])) {
    let labelled = |label: &str, values: &[(&str, u64)]| -> Vec<(String, f64)> {
        values.iter().map(|(name, value)| (format!("{{{label}=\"{name}\"}}"), *value as f64)).collect()
    };
    let in_force = models.in_force();
    let name = in_force.iter().map(|(name, _)| (format!("{{model=\"{name}\"}}"), 1.0)).collect::<Vec<_>>();
    let age = |to: i64| ((SystemClock.now().0 - to) / 1000) as f64;
    let age = in_force.iter().map(|(_, to)| (String::new(), age(*to))).collect::<Vec<_>>();
    metric("model_info", "gauge", "The model in force, by its name under _versions; absent without one.", &name);
    metric("model_age_seconds", "gauge", "Wall clock less the end of the window that the model learned from.", &age);
    let swaps = models.swaps.load(Ordering::Relaxed) as f64;
    metric("model_swaps_total", "counter", "Models taken while at work.", &[(String::new(), swaps)]);
    let [done, failed] = [&models.trained, &models.failed].map(|count| count.load(Ordering::Relaxed));
    let outcomes = labelled("outcome", &[("done", done), ("failed", failed)]);
    metric("trainings_total", "counter", "Trainings by the worker's schedule.", &outcomes);
    let Agreement { both, in_force, shadow, neither, .. } = models.agreement();
    let told = labelled("told", &[("both", both), ("in_force", in_force), ("shadow", shadow), ("neither", neither)]);
    metric("shadow_changes_total", "counter", "Changes by which of model and shadow they stood out to.", &told);
}
