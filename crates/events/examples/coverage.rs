//! Counts what events normalise to: `coverage FILE...` or NDJSON on standard input; prints families, kinds and the
//! share of mutating events that no table knows.

use std::collections::BTreeMap;
use std::io::Read;

use tagwarden_core::{Family, Timestamp};
use tagwarden_events::{Decoder, normalise};
use tagwarden_json::Tape;

#[derive(Default)]
struct Counts {
    families: BTreeMap<&'static str, u64>,
    kinds: BTreeMap<(&'static str, &'static str), u64>,
    unknown: BTreeMap<String, u64>,
    without_resource: BTreeMap<String, u64>,
    mutating: u64,
    generic: u64,
    faults: u64,
    rejected: u64,
}

impl Counts {
    fn event(&mut self, decoder: &mut Decoder, bytes: &[u8]) {
        let Ok(event) = decoder.decode(bytes, Timestamp(i64::MAX / 2)) else {
            self.rejected += 1;
            return;
        };
        let mut changes = Vec::new();
        normalise(&event, &mut changes);
        let generic = changes.iter().any(|change| change.family == Family::Generic);
        if !event.read_only {
            self.mutating += 1;
            self.generic += u64::from(generic);
            if generic {
                *self.unknown.entry(format!("{} {}", event.source, event.name)).or_default() += 1;
            }
            if changes.iter().any(|change| change.resource_id.is_empty()) {
                *self.without_resource.entry(format!("{} {}", event.source, event.name)).or_default() += 1;
            }
        }
        for change in &changes {
            self.faults += u64::from(change.detail("fault").is_some());
            *self.families.entry(change.family.as_str()).or_default() += 1;
            *self.kinds.entry((change.family.as_str(), change.kind)).or_default() += 1;
        }
    }

    fn text(&mut self, decoder: &mut Decoder, text: &str) {
        let mut tape = Tape::new();
        if let Ok(whole) = tape.parse(text) {
            match whole.get("Records") {
                Some(records) => records.elements().for_each(|record| self.event(decoder, record.json().as_bytes())),
                None => whole.one_or_many().for_each(|record| self.event(decoder, record.json().as_bytes())),
            }
            return;
        }
        text.lines().filter(|line| !line.trim().is_empty()).for_each(|line| self.event(decoder, line.as_bytes()));
    }
}

fn main() -> std::io::Result<()> {
    let mut counts = Counts::default();
    let mut decoder = Decoder::new();
    let mut any = false;
    for path in std::env::args().skip(1) {
        any = true;
        counts.text(&mut decoder, &std::fs::read_to_string(path)?);
    }
    if !any {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        counts.text(&mut decoder, &text);
    }
    println!("families {:#?}", counts.families);
    for ((family, kind), count) in &counts.kinds {
        println!("{count:8} {family} {kind}");
    }
    println!("unknown {:#?}\nno resource {:#?}", counts.unknown, counts.without_resource);
    let share = 100.0 * counts.generic as f64 / counts.mutating.max(1) as f64;
    println!(
        "mutating {}, generic {} ({share:.2} %), faults {}, rejected {}",
        counts.mutating, counts.generic, counts.faults, counts.rejected
    );
    Ok(())
}
