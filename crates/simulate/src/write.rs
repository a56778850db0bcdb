//! The folder that `tagwarden simulate` writes.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use crate::calendar::Day;
use crate::generate::{Truth, generate};
use crate::inventory::inventory_json;
use crate::spec::Spec;

/// What was written, in counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Records in `events/`.
    pub events: u64,
    /// Records with `readOnly` false.
    pub writes: u64,
    /// Records with an `errorCode`.
    pub denied: u64,
    /// Events of incidents.
    pub malicious_events: u64,
    /// Incidents.
    pub incidents: u64,
    /// Events of benign twins.
    pub twin_events: u64,
    /// Benign twins.
    pub twins: u64,
}

/// The form of `spec.json`: what was asked for, then what came of it.
#[derive(Serialize)]
struct SpecFile<'a> {
    seed: u64,
    days: u32,
    start: Day,
    test_start: Day,
    events_per_day: u32,
    #[serde(flatten)]
    summary: &'a Summary,
}

/// Writes `events/YYYY-MM-DD.ndjson.gz`, `truth.ndjson`, `inventory.json` and `spec.json` under `out`
/// (made if missing). `progress` is told the number of events after each day. Fails where the disk does.
pub fn write(spec: &Spec, out: &Path, progress: &mut dyn FnMut(u64)) -> io::Result<Summary> {
    let folder = out.join("events");
    fs::create_dir_all(&folder)?;
    let mut truth_file = BufWriter::new(File::create(out.join("truth.ndjson"))?);
    let mut summary = Summary::default();
    let mut stories: BTreeSet<(bool, String)> = BTreeSet::new();
    let mut file: Option<(Day, GzEncoder<BufWriter<File>>)> = None;
    for event in generate(spec) {
        let day = Day::of_ms(event.time_ms);
        let mut open = match file.take() {
            Some((of, file)) if of == day => file,
            earlier => {
                if let Some((_, earlier)) = earlier {
                    close(earlier)?;
                    progress(summary.events);
                }
                let path = folder.join(format!("{day}.ndjson.gz"));
                // The default header has no time and no name, so the same spec gives the same bytes.
                GzEncoder::new(BufWriter::new(File::create(path)?), Compression::fast())
            }
        };
        open.write_all(event.json.as_bytes())?;
        open.write_all(b"\n")?;
        file = Some((day, open));
        summary.events += 1;
        summary.writes += u64::from(event.json.contains("\"readOnly\":false"));
        summary.denied += u64::from(event.json.contains("\"errorCode\":"));
        if let Some(truth) = event.truth {
            tell(&mut truth_file, &truth)?;
            if truth.malicious {
                summary.malicious_events += 1;
            } else {
                summary.twin_events += 1;
            }
            stories.insert((truth.malicious, truth.incident));
        }
    }
    if let Some((_, last)) = file {
        close(last)?;
        progress(summary.events);
    }
    truth_file.flush()?;
    let malicious = stories.iter().filter(|(malicious, _)| *malicious).count();
    summary.incidents = malicious as u64;
    summary.twins = (stories.len() - malicious) as u64;
    fs::write(out.join("inventory.json"), inventory_json(spec))?;
    let described = SpecFile {
        seed: spec.seed,
        days: spec.days,
        start: spec.start,
        test_start: spec.test_start(),
        events_per_day: spec.events_per_day,
        summary: &summary,
    };
    fs::write(out.join("spec.json"), format!("{}\n", serde_json::to_string_pretty(&described)?))?;
    Ok(summary)
}

fn close(file: GzEncoder<BufWriter<File>>) -> io::Result<()> {
    file.finish()?.flush()
}

fn tell(file: &mut impl Write, truth: &Truth) -> io::Result<()> {
    serde_json::to_writer(&mut *file, truth)?;
    file.write_all(b"\n")
}
