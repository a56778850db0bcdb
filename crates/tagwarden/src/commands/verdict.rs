//! `tagwarden verdict` and `tagwarden verdicts`: what people found alerts to be, and how good that makes each rule.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use serde_json::{Value, json};
use tagwarden_alert::{AlertError, Cause, JudgedAlert, Judgement, Ledger, Precision, Verdict, Which, precision};
use tagwarden_connect::notify::terminal::clean;
use tagwarden_core::{Clock as _, Timestamp};
use tagwarden_engine::SystemClock;

use crate::Usage;
use crate::setup::SetupArgs;

/// Where the ledger is.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Place {
    /// The configuration file, which names the state file
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The worker's state file; it may be at work
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

#[derive(clap::Args)]
pub struct Args {
    /// The eight letters in the alert's message, or the `change_id` of one of its changes
    alert: String,
    /// What it was: `expected` is rightly noticed but agreed on, `benign` is nothing to tell
    #[arg(value_parser = words())]
    verdict: Verdict,
    /// Who says so
    #[arg(long, value_name = "WHO")]
    by: String,
    /// What there is to say about it
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    place: Place,
}

#[derive(clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    place: Place,
    /// One JSON object, with every verdict ever given
    #[arg(long, conflicts_with = "event_ids")]
    json: bool,
    /// Only the ids of events in true positives, one a line: what training leaves out
    #[arg(long)]
    event_ids: bool,
    /// The alerts that nobody has judged yet, instead
    #[arg(long, conflicts_with = "event_ids")]
    unjudged: bool,
}

fn words() -> impl clap::builder::TypedValueParser<Value = Verdict> {
    PossibleValuesParser::new(Verdict::ALL.map(Verdict::as_str))
        .try_map(|word| Verdict::parse(&word).ok_or_else(|| format!("found `{word}`, want a verdict")))
}

impl Place {
    fn open(&self) -> Result<Ledger> {
        let file = match (&self.state, &self.config) {
            (Some(file), _) => file.clone(),
            (None, config) => {
                let setup = SetupArgs { config: config.clone(), ..SetupArgs::default() }.load(&[])?;
                let said = setup.config.state.file.ok_or_else(|| {
                    Usage("state.file: found nothing, want a path: give --state or set it in the configuration".into())
                })?;
                crate::config::beside(config.as_deref(), &said)
            }
        };
        if !file.exists() {
            return Err(Usage(format!("found no file {}, want a worker's state", file.display())).into());
        }
        Ledger::open_existing(&file).map_err(|error| match error {
            AlertError::NoLedger { .. } | AlertError::Schema { .. } => Usage(error.to_string()).into(),
            error => error.into(),
        })
    }
}

/// Writes one verdict down.
pub fn run(args: &Args) -> Result<()> {
    let by = one_line(&args.by);
    if by.is_empty() {
        return Err(Usage("--by: found nothing, want a name".into()).into());
    }
    let note = args.note.as_deref().map(one_line).filter(|note| !note.is_empty());
    let judgement = Judgement { verdict: args.verdict, by, note, time: SystemClock.now() };
    let (alert, written) = args.place.open()?.judge(&args.alert, &judgement).map_err(|error| match error {
        AlertError::NoAlert { .. } | AlertError::ManyAlerts { .. } => Usage(error.to_string()).into(),
        error => anyhow::Error::from(error),
    })?;
    let before = match alert.verdicts.as_slice() {
        _ if !written => ", as it was".to_owned(),
        [.., before, _] => format!(", before: {}", said(before)),
        _ => String::new(),
    };
    println!("{}  {}{before}  {}", alert.short_id(), args.verdict.as_str(), clean(&alert.text));
    Ok(())
}

/// Shows verdicts and what they make of each rule.
pub fn list(args: &ListArgs) -> Result<()> {
    let ledger = args.place.open()?;
    let lines = if args.event_ids {
        ledger.events_of(Verdict::TruePositive)?
    } else {
        let alerts = ledger.alerts(if args.unjudged { Which::Unjudged } else { Which::Judged })?;
        let table = precision(&alerts);
        if args.json {
            let alerts: Vec<Value> = alerts.iter().map(alert_json).collect();
            let table: Vec<Value> = table.iter().map(precision_json).collect();
            vec![json!({"schema": 1, "alerts": alerts, "precision": table}).to_string()]
        } else if args.unjudged {
            alerts_table(&alerts)
        } else {
            [alerts_table(&alerts), vec![String::new()], precision_table(&table)].concat()
        }
    };
    let mut out = std::io::stdout().lock();
    match lines.iter().try_for_each(|line| writeln!(out, "{line}")) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// What a person typed, without what would break a table.
fn one_line(text: &str) -> String {
    clean(text).trim().to_owned()
}

fn minute(time: Timestamp) -> String {
    time.to_string().chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

fn said(judgement: &Judgement) -> String {
    let note = judgement.note.as_ref().map(|note| format!(", \"{}\"", clean(note))).unwrap_or_default();
    format!("{} by {} at {}{note}", judgement.verdict.as_str(), clean(&judgement.by), minute(judgement.time))
}

/// One line per alert, and below it what was said of it, the last word first.
fn alerts_table(alerts: &[JudgedAlert]) -> Vec<String> {
    let mut lines = vec![format!("{:<8}  {:<16}  {:<8}  what happened", "alert", "when (UTC)", "severity")];
    for alert in alerts {
        let (id, when, severity) = (alert.short_id(), minute(alert.first), alert.severity.as_str());
        lines.push(format!("{id}  {when}  {severity:<8}  {}", clean(&alert.text)));
        for (at, judgement) in alert.verdicts.iter().rev().enumerate() {
            lines.push(format!("{:<10}{}{}", "", if at == 0 { "" } else { "before: " }, said(judgement)));
        }
    }
    lines
}

fn precision_table(table: &[Precision]) -> Vec<String> {
    let names: Vec<String> = table.iter().map(|row| in_words(&row.cause)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut lines = vec![format!("{:<width$}  judged  true  expected  benign  precision (95 % interval)", "told for")];
    for (row, name) in table.iter().zip(&names) {
        let [good, expected, benign] = row.verdicts;
        let (low, high) = row.interval();
        let share = row.share().map_or("-".to_owned(), |share| {
            format!("{:.0} % ({:.0} to {:.0})", 100.0 * share, 100.0 * low, 100.0 * high)
        });
        lines.push(format!("{name:<width$}  {:>6}  {good:>4}  {expected:>8}  {benign:>6}  {share}", row.judged()));
    }
    lines
}

fn in_words(cause: &Cause) -> String {
    match cause {
        Cause::Any => "anything".to_owned(),
        Cause::Anomalous => "anomalous".to_owned(),
        Cause::AnomalousAlone => "anomalous, no rule".to_owned(),
        Cause::Rule(rule) => format!("rule: {}", clean(&rule.title)),
    }
}

fn alert_json(alert: &JudgedAlert) -> Value {
    let verdicts: Vec<Value> = alert
        .verdicts
        .iter()
        .map(|j| json!({"verdict": j.verdict.as_str(), "by": j.by, "note": j.note, "time": j.time.to_string()}))
        .collect();
    json!({
        "alert": alert.short_id(),
        "alert_id": alert.alert_id,
        "first": alert.first.to_string(),
        "last": alert.last.to_string(),
        "severity": alert.severity.as_str(),
        "disposition": alert.disposition.as_str(),
        "changes": alert.changes,
        "text": alert.text,
        "rule_ids": alert.rules.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>(),
        "anomalous": alert.anomalous,
        "verdict": alert.verdict().map(Verdict::as_str),
        "verdicts": verdicts,
    })
}

fn precision_json(row: &Precision) -> Value {
    let (kind, rule) = match &row.cause {
        Cause::Any => ("any", None),
        Cause::Anomalous => ("anomalous", None),
        Cause::AnomalousAlone => ("anomalous_no_rule", None),
        Cause::Rule(rule) => ("rule", Some(rule)),
    };
    let (low, high) = row.interval();
    json!({
        "cause": kind,
        "rule_id": rule.map(|rule| &rule.id),
        "rule_title": rule.map(|rule| &rule.title),
        "judged": row.judged(),
        "true_positive": row.verdicts[0],
        "expected": row.verdicts[1],
        "benign": row.verdicts[2],
        "precision": row.share(),
        "low": low,
        "high": high,
    })
}
