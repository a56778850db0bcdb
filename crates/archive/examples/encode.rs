//! Measures appending and sealing: `encode EVENTS.ndjson FOLDER [EPOCH_EVENTS] [KEY=VALUE of Settings]...`
//!
//! Rows are made as simply as can be from `CloudTrail` records, one change each; only what the archive does is timed.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tagwarden_archive::{Archive, Settings};
use tagwarden_core::{
    Actor, ActorKind, Assessment, Change, Enriched, Event, EventKind, Family, Identity, Ingest, Intent, Row, Scores,
    TagDelta, TagEdit, TagOp, Timestamp, Versions, Via,
};
use tagwarden_json::{Node, Tape};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Builder::new_current_thread().build()?.block_on(run())
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(input), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("found too few arguments, wanted EVENTS.ndjson FOLDER".into());
    };
    let per_epoch: u64 = arguments.next().map_or(Ok(65_536), |text| text.parse())?;
    let mut settings = Settings::default();
    for setting in arguments {
        match setting.split_once('=') {
            Some(("compression_level", value)) => settings.compression_level = value.parse()?,
            Some(("row_group_rows", value)) => settings.row_group_rows = value.parse()?,
            _ => return Err(format!("found `{setting}`, wanted compression_level=N or row_group_rows=N").into()),
        }
    }
    let mut archive = Archive::open(Path::new(&folder), "main", settings).await?;
    let events = Bytes::from(std::fs::read(input)?);
    let versions = Versions { config: "c".repeat(64), rules: Some("d".repeat(64)), ..Versions::default() };
    let (mut tape, mut epoch, mut rows, mut bytes) = (Tape::new(), 0, 0u64, 0u64);
    let (mut pushing, mut sealing) = (Duration::ZERO, Duration::ZERO);
    let mut at = 0;
    while at < events.len() {
        let end = events[at..].iter().position(|byte| *byte == b'\n').map_or(events.len(), |length| at + length);
        let record = tape.parse(std::str::from_utf8(&events[at..end])?).map_err(|error| error.to_string())?;
        pushing += push(&mut archive, record, &versions, events.slice(at..end), at);
        at = end + 1;
        rows += 1;
        if archive.rows() >= per_epoch || at >= events.len() {
            epoch += 1;
            let held = archive.bytes();
            let (objects, quarantine) = archive.plan(epoch);
            let intent = Intent {
                epoch,
                lane: "main".to_owned(),
                moves: Vec::new(),
                versions: versions.clone(),
                archive_read_only: true,
                objects,
                quarantine,
            };
            let start = cpu()?;
            let sealed = archive.seal(&intent, &mut |_| ()).await?;
            sealing += cpu()?.saturating_sub(start);
            for file in &sealed.files {
                bytes += std::fs::metadata(Path::new(&folder).join(&file.key))?.len();
            }
            println!("epoch {epoch}: {} files, {held} bytes held", sealed.files.len());
        }
    }
    let per_row = |time: Duration| time.as_secs_f64() * 1e6 / rows as f64;
    println!(
        "{rows} rows, {} bytes a row on disk; push {:.3} us, seal {:.3} CPU us a row",
        bytes / rows,
        per_row(pushing),
        per_row(sealing)
    );
    Ok(())
}

fn push(archive: &mut Archive, record: Node<'_>, versions: &Versions, raw: Bytes, at: usize) -> Duration {
    let text = |path: &[&str]| record.at(path).and_then(|node| node.text());
    let owned = |path: &[&str]| text(path).unwrap_or_default();
    let event = Event {
        id: owned(&["eventID"]),
        key: 0,
        shared_id: text(&["sharedEventID"]),
        kind: EventKind::ApiCall,
        time: Timestamp::parse(&owned(&["eventTime"])).unwrap_or_default(),
        account_id: owned(&["recipientAccountId"]),
        region: owned(&["awsRegion"]),
        source: owned(&["eventSource"]),
        name: owned(&["eventName"]),
        action: owned(&["eventName"]),
        error_code: text(&["errorCode"]),
        read_only: record.get("readOnly").and_then(|node| node.bool()).unwrap_or(false),
        source_ip: text(&["sourceIPAddress"]),
        user_agent: text(&["userAgent"]),
        identity: Identity::default(),
        request: None,
        response: None,
        record,
        envelope: record,
        fault: None,
    };
    let actor = Actor {
        kind: Some(ActorKind::Human),
        human: text(&["userIdentity", "userName"]),
        identity_type: text(&["userIdentity", "type"]),
        arn: text(&["userIdentity", "arn"]),
        session: text(&["userIdentity", "sessionContext", "sessionIssuer", "userName"]),
        principal: None,
        access_key_id: text(&["userIdentity", "accessKeyId"]),
        via: Via::Api,
        root: false,
        chain: Vec::new(),
        key: String::new(),
        team: None,
        network: None,
        local_hour: 0,
        local_weekday: 0,
        business_hours: true,
        source_identity_missing: false,
    };
    let change = Change {
        ordinal: 0,
        family: Family::Generic,
        kind: "generic",
        resource_type: "AWS::S3::Bucket".into(),
        resource_id: owned(&["requestParameters", "bucketName"]),
        resource_arn: text(&["requestParameters", "roleArn"]),
        resource_name: None,
        tags: TagEdit::default(),
        details: vec![("request_id", owned(&["requestID"]))],
    };
    let mut enriched = Enriched { environment: Some("prod".into()), ..Enriched::default() };
    if event.name.starts_with("Create") {
        let tag = |key: &'static str, old: Option<&'static str>, new: Option<&'static str>, op| TagDelta {
            key: key.into(),
            old: old.map(Into::into),
            new: new.map(Into::into),
            op,
        };
        let born = tag("owner", None, Some("platform"), TagOp::Added);
        enriched.tags = vec![born, tag("env", Some("prod"), None, TagOp::Removed)];
        enriched.missing_tags = vec!["env".into()];
    }
    // A number that differs from row to row, as scores do.
    let surprisal = f64::from(u32::try_from(at % 1_000_003).unwrap_or(0)) / 7919.0;
    let reasons = vec![format!("eventName {}: 0 of {} calls of this actor", event.name, at % 977)];
    let scores = Scores { score: surprisal, surprisal_sum: surprisal, reasons: reasons.clone(), ..Scores::default() };
    let assessment = Assessment { scores, reasons, ..Assessment::default() };
    let raw_sha256 = format!("{:032x}{:032x}", digest(&event.id, 7), digest(&event.id, 11));
    let position = at.to_string();
    let row = Row {
        event: &event,
        actor: &actor,
        change: &change,
        enriched: &enriched,
        assessment: &assessment,
        versions,
        ingest: Ingest { source: "files", partition: "events.ndjson", position: &position },
        seen_time: None,
        raw_sha256: &raw_sha256,
        raw_event: None,
    };
    let start = Instant::now();
    archive.push(&row, Some(raw));
    start.elapsed()
}

/// What this thread has used of a processor, which other work on the machine does not lengthen (Linux).
fn cpu() -> Result<Duration, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = text.split_whitespace().next().unwrap_or("0").parse()?;
    Ok(Duration::from_nanos(nanos))
}

/// Stands in for a hash: 128 bits that look like chance.
fn digest(text: &str, seed: u128) -> u128 {
    text.bytes().fold(seed, |sum, byte| {
        (sum ^ u128::from(byte)).wrapping_mul(0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645).rotate_left(29)
    })
}
