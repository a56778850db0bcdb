//! Runs a folder of Sigma rules over a file of `CloudTrail` events and says what matched and what it cost.
//!
//! `cargo run --release -p tagwarden-detect --example count_matches -- RULES_DIR EVENTS.ndjson`

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use tagwarden_core::Timestamp;
use tagwarden_detect::Rules;
use tagwarden_events::Decoder;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (Some(rules), Some(events)) = (args.next(), args.next()) else {
        eprintln!("usage: count_matches RULES_DIR EVENTS.ndjson [--each]");
        return ExitCode::from(2);
    };
    let mut rules = match Rules::load_dir(Path::new(&rules)) {
        Ok(rules) => rules,
        Err(faults) => {
            for fault in faults {
                eprintln!("{fault}");
            }
            return ExitCode::from(2);
        }
    };
    let bytes = match std::fs::read(&events) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("{events}: {error}");
            return ExitCode::from(2);
        }
    };
    let (mut decoder, mut hits) = (Decoder::new(), Vec::new());
    let (mut decoded, mut rejected, mut matches) = (0u64, 0u64, 0usize);
    let mut by_rule: BTreeMap<String, u64> = BTreeMap::new();
    let mut pass = |evaluate: bool| {
        let start = cpu_seconds();
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let Ok(event) = decoder.decode(line, Timestamp(i64::MAX / 2)) else {
                rejected += u64::from(evaluate);
                continue;
            };
            if evaluate {
                decoded += 1;
                hits.clear();
                rules.match_event(&event, &mut hits);
                matches += hits.len();
                for hit in &hits {
                    match by_rule.get_mut(&*hit.title) {
                        Some(count) => *count += 1,
                        None => drop(by_rule.insert(hit.title.to_string(), 1)),
                    }
                }
            }
        }
        cpu_seconds() - start
    };
    let decoding = pass(false);
    let with_rules = pass(true);
    println!("{} rules, {decoded} events, {rejected} rejected, {matches} matches", rules.len());
    println!(
        "CPU: decode {decoding:.3} s, decode and rules {with_rules:.3} s, rules {:.3} µs/event",
        (with_rules - decoding) * 1e6 / decoded.max(1) as f64
    );
    if args.next().is_some() {
        for (title, count) in by_rule {
            println!("{count:8} {title}");
        }
    }
    ExitCode::SUCCESS
}

/// CPU seconds of this process, user and system; wall-clock seconds where the system does not say.
fn cpu_seconds() -> f64 {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let ticks = std::fs::read_to_string("/proc/self/stat").ok().and_then(|stat| {
        let mut fields = stat.rsplit(')').next()?.split_whitespace().skip(11);
        Some(fields.next()?.parse::<f64>().ok()? + fields.next()?.parse::<f64>().ok()?)
    });
    ticks.map_or_else(|| START.elapsed().as_secs_f64(), |ticks| ticks / 100.0)
}
