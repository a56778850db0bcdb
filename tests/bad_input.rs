//! Bad input is somebody's to see: nothing is lost, nothing breaks, the rest is unharmed.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};
use support::archive::{cell, rows};
use support::events::{event, event_id, gzip, line, lines};
use support::place::Place;
use support::{Random, count, exits, fates, report, tagwarden};

/// Largest event that is kept, in bytes.
const LARGEST: usize = 16 << 20;

/// Which events of an archive have rows.
fn kept(place: &Place) -> BTreeSet<String> {
    rows(&place.archive()).values().map(|row| cell(row, "event_id").to_owned()).collect()
}

/// What `quarantine list` prints, and the bytes that `quarantine show` gives for each line.
fn quarantine(archive: &Path) -> Vec<(String, Vec<u8>)> {
    let listed = exits(tagwarden().args(["quarantine", "list", "--archive"]).arg(archive), 0);
    let show = |line: &str| {
        let id = line.split_whitespace().next().unwrap();
        exits(tagwarden().args(["quarantine", "show", "--archive"]).arg(archive).arg(id), 0).stdout
    };
    String::from_utf8(listed.stdout).unwrap().lines().map(|line| (line.to_owned(), show(line))).collect()
}

/// A file, the events of it that are kept, and what goes to quarantine, each with a word of the reason.
struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    kept: Vec<u64>,
    rejected: Vec<(Vec<u8>, &'static str)>,
}

fn case(name: &'static str, bytes: impl Into<Vec<u8>>, kept: &[u64]) -> Case {
    Case { name, bytes: bytes.into(), kept: kept.to_vec(), rejected: Vec::new() }
}

impl Case {
    fn rejects(mut self, bytes: impl Into<Vec<u8>>, reason: &'static str) -> Self {
        self.rejected.push((bytes.into(), reason));
        self
    }
}

/// An event whose text is `bytes` long.
fn of_size(n: u64, bytes: usize) -> String {
    let mut event = event(n);
    event["additionalEventData"] = json!("");
    let empty = event.to_string().len();
    event["additionalEventData"] = "x".repeat(bytes - empty).into();
    event.to_string()
}

/// An event that nests `levels` deep.
fn of_depth(n: u64, levels: usize) -> String {
    let inner = ["[".repeat(levels - 1), "]".repeat(levels - 1)].concat();
    line(n).replacen("{\"x-amz-id-2\":\"q4iBrS3J\"}", &inner, 1)
}

fn cases() -> Vec<Case> {
    let records = |numbers: std::ops::Range<u64>| numbers.map(line).collect::<Vec<_>>().join(",");
    let years = |n: u64, year: &str| line(n).replacen("\"eventTime\":\"2026", &format!("\"eventTime\":\"{year}"), 1);
    let whole = gzip(format!("{{\"Records\":[{}]}}", records(100..400)).as_bytes());
    let (large, too_large) = (of_size(21, 10_000_000), of_size(22, LARGEST + 1));
    let not_utf8 = line(31).into_bytes().into_iter().map(|b| if b == b'#' { 0xFF } else { b }).collect::<Vec<_>>();
    let nul = line(71).replacen("aws-cli", "aws\0cli", 1);
    let joined = |parts: &[&[u8]]| parts.iter().flat_map(|part| [part, b"\n".as_slice()].concat()).collect::<Vec<_>>();
    let cut = &line(13)[..300];
    let twice =
        line(51).replacen('{', "{\"eventName\":\"DeleteTags\",\"requestParameters\":7,\"eventID\":\"other\",", 1);
    vec![
        case("plain.json", format!("{{\"Records\":[{}]}}", records(1..4)), &[1, 2, 3]),
        case("gzipped.jsonl.gz", gzip(lines(4..7).as_bytes()), &[4, 5, 6]),
        // How much of it can be had is asked elsewhere.
        case("truncated.json.gz", &whole[..whole.len() / 2], &[]),
        case("half.json", format!("{{\"Records\":[{},{cut}", records(11..13)), &[11, 12])
            .rejects(cut, "end of the file"),
        case(
            "large.ndjson",
            joined(&[line(20).as_bytes(), large.as_bytes(), too_large.as_bytes(), line(23).as_bytes()]),
            &[20, 21, 23],
        )
        .rejects(too_large, "wanted at most 16777216"),
        case("utf8.ndjson", joined(&[line(30).as_bytes(), &not_utf8, line(32).as_bytes()]), &[30, 32])
            .rejects(not_utf8, "invalid UTF-8"),
        case("empty.json", "", &[]),
        case("empty.ndjson.gz", "", &[]),
        case("nothing.json.gz", gzip(b""), &[]),
        case("spaces.jsonl", "\n \n\r\n", &[]),
        case("none.json", "{\"Records\":[]}", &[]),
        case("clock.ndjson", [years(40, "2056"), line(41), years(42, "1996"), line(43)].join("\n"), &[41, 43])
            .rejects(years(40, "2056"), "wanted a time from 2013 to tomorrow")
            .rejects(years(42, "1996"), "wanted a time from 2013 to tomorrow"),
        case("deep.ndjson", [of_depth(44, 128), of_depth(45, 129), line(46)].join("\n"), &[44, 46])
            .rejects(of_depth(45, 129), "128"),
        case("bottomless.ndjson", [line(47).replacen("{\"x-amz", &"[".repeat(200_000), 1), line(48)].join("\n"), &[48])
            .rejects(line(47).replacen("{\"x-amz", &"[".repeat(200_000), 1), "json"),
        case("twice.ndjson", [line(50), twice].join("\n"), &[50, 51]),
        case(
            "surrogates.ndjson",
            [
                line(60).replace("4711", r"\ud800"),
                line(61).replace("CostCenter", r"\udc00\ud800"),
                line(62).replace("aws-cli", r"aws\ud83dcli"),
                line(63).replace("4711", r"\ud83d\ude00"),
            ]
            .join("\n"),
            &[60, 61, 62, 63],
        ),
        case("nul.ndjson", [line(70).replace("4711", r"47\u000011"), nul.clone(), line(72)].join("\n"), &[70, 72])
            .rejects(nul, "json"),
        case("values.ndjson", ["7", "null", "\"text\"", &line(80)].join("\n"), &[80])
            .rejects("7\nnull\n\"text\"", "JSON"),
    ]
}

#[test]
fn each_kind_of_bad_input_beside_good_events() {
    let temp = tempfile::tempdir().unwrap();
    let input = temp.path().join("events");
    std::fs::create_dir_all(&input).unwrap();
    let cases = cases();
    for case in &cases {
        std::fs::write(input.join(case.name), &case.bytes).unwrap();
    }
    let place = Place::new(temp.path().join("run"), "");
    let report = report(&mut place.run(&input));
    let found = kept(&place);
    for case in &cases {
        for n in &case.kept {
            assert!(found.contains(&event_id(*n)), "event {n} of {} is missing", case.name);
        }
    }
    // Of the truncated file, every event before the break, and the rest as one record.
    let before: Vec<u64> = (100..400).filter(|n| found.contains(&event_id(*n))).collect();
    assert!(before.len() > 50, "{} events before the break", before.len());
    assert_eq!(before, (100..100 + before.len() as u64).collect::<Vec<_>>());
    let wanted = cases.iter().map(|case| case.kept.len()).sum::<usize>() + before.len();
    let rejected = cases.iter().map(|case| case.rejected.len()).sum::<usize>() + 1;
    assert_eq!(found.len(), wanted, "events that should not be there");
    assert_eq!(fates(&report), [wanted + rejected, wanted, 0, rejected, 0].map(|n| n as u64));
    assert_eq!(count(&report, "changes"), wanted as u64);

    let quarantine = quarantine(&place.archive());
    assert_eq!(quarantine.len(), rejected);
    for case in &cases {
        for (bytes, reason) in &case.rejected {
            let of_file = quarantine.iter().filter(|(line, _)| line.contains(case.name));
            let found = of_file.clone().find(|(_, found)| found.trim_ascii_end() == bytes.trim_ascii_end());
            let (said, found) = found.unwrap_or_else(|| panic!("{}: {:?}", case.name, of_file.collect::<Vec<_>>()));
            assert!(said.contains(reason), "{said}");
            assert!(case.bytes.windows(found.len()).any(|window| window == found), "{}: other bytes", case.name);
        }
    }
    let truncated = quarantine.iter().find(|(line, _)| line.contains("truncated.json.gz")).unwrap();
    assert!(truncated.1.is_empty() || line(100 + before.len() as u64).as_bytes().starts_with(&truncated.1));

    // Where a member is given twice the last one counts, and all that was received is kept.
    let rows = rows(&place.archive());
    let twice = &rows[&format!("{}.0", event_id(51))];
    assert_eq!(cell(twice, "event_name"), "CreateTags");
    assert!(cell(twice, "raw_event").contains("DeleteTags"));
    assert!(cell(twice, "tags").contains("4711"));
}

/// The path of every member of `value`, its own path left out.
fn members(value: &Value, path: &str, found: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (key, value) in inner {
        let path = format!("{path}/{key}");
        members(value, &path, found);
        found.push(path);
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// Members that nothing is made of: whatever they hold is no fault.
const UNREAD: [&str; 12] = [
    "/eventVersion",
    "/errorMessage",
    "/responseElements/",
    "/additionalEventData",
    "/requestID",
    "/resources",
    "/managementEvent",
    "/vpcEndpointId",
    "/eventCategory",
    "/tlsDetails",
    "/userIdentity/sessionContext/webIdFederationData/attributes",
    "/requestParameters/",
];

/// Members without which there is no event.
const REQUIRED: [&str; 4] = ["/eventTime", "/eventSource", "/eventName", "/eventID"];

#[test]
fn a_wrong_type_anywhere_never_hides_an_event() {
    let temp = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    members(&event(0), "", &mut paths);
    assert!(paths.len() > 60, "{}", paths.len());
    let others =
        [json!(7), json!("text"), json!([]), json!([[{}]]), json!({}), json!({"a": [1]}), json!(null), json!(true)];
    let mut input = String::new();
    let mut wanted = BTreeMap::new();
    let (mut n, mut unusable) = (0, 0);
    for path in &paths {
        for other in &others {
            n += 2;
            let mut odd = event(n);
            let was = std::mem::replace(odd.pointer_mut(path).unwrap(), other.clone());
            input.extend([odd.to_string(), line(n + 1)].map(|line| line + "\n"));
            if REQUIRED.contains(&path.as_str()) && (path == "/eventTime" || !other.is_string()) {
                unusable += 1;
                continue;
            }
            let id = if path == "/eventID" { "text".to_owned() } else { event_id(n) };
            let natural = match path.as_str() {
                "/errorCode" => "string",
                _ => kind(&was),
            };
            // CloudTrail itself writes these two as texts and as bools.
            let loose = path.ends_with("/mfaAuthenticated") || path == "/sessionCredentialFromConsole";
            let right = other.is_null() || kind(other) == natural || (loose && other.is_boolean());
            let read = !UNREAD.iter().any(|unread| path.starts_with(unread));
            wanted.insert(id, (path, other, read && !right));
        }
    }
    std::fs::write(temp.path().join("odd.ndjson"), input).unwrap();
    let place = Place::new(temp.path().join("run"), "");
    // A read by its own account is kept as well, so that it can be looked at.
    let report = report(place.run(&temp.path().join("odd.ndjson")).arg("--archive-read-only"));
    assert_eq!(fates(&report), [n, n - unusable, 0, unusable, 0]);
    let mut faults: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows(&place.archive()).values() {
        faults.entry(cell(row, "event_id").to_owned()).or_default().push(cell(row, "details").to_owned());
    }
    for (id, (path, other, fault)) in &wanted {
        let found = faults.get(id).unwrap_or_else(|| panic!("the event with {path} = {other} is lost"));
        let name = path.rsplit('/').next().unwrap();
        let told = found.iter().any(|details| details.contains("fault") && details.contains(name));
        assert!(!fault || told, "{path} = {other}: {found:?}");
        assert!(*fault || path.starts_with("/requestParameters") || !told, "{path} = {other}: {found:?}");
    }
    for good in (1..=n / 2).map(|half| event_id(2 * half + 1)) {
        assert!(!faults[&good].iter().any(|details| details.contains("fault")), "{:?}", faults[&good]);
    }
}

#[test]
fn an_odd_member_does_not_hide_a_stopped_trail() {
    let temp = tempfile::tempdir().unwrap();
    let mut input = String::new();
    let odd = ["userIdentity", "requestParameters", "awsRegion", "sourceIPAddress", "userAgent", "recipientAccountId"];
    for (n, member) in (1..).zip(odd) {
        let mut stop = event(n);
        stop["eventSource"] = "cloudtrail.amazonaws.com".into();
        stop["eventName"] = "StopLogging".into();
        stop["requestParameters"] = json!({"name": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/all"});
        stop[member] = json!([7]);
        input.extend([&stop.to_string(), "\n"]);
    }
    std::fs::write(temp.path().join("stops.ndjson"), input).unwrap();
    let place = Place::new(temp.path().join("run"), "");
    report(&mut place.run(&temp.path().join("stops.ndjson")));
    let rows = rows(&place.archive());
    assert_eq!(rows.len(), odd.len());
    for row in rows.values() {
        assert_ne!(cell(row, "rule_ids"), "[]", "{row:?}");
        assert!(cell(row, "details").contains("fault"), "{row:?}");
    }
}

/// A file, and which line each byte belongs to.
struct Damaged {
    bytes: Vec<u8>,
    owner: Vec<u64>,
    touched: BTreeSet<u64>,
}

impl Damaged {
    fn new(numbers: std::ops::Range<u64>) -> Self {
        let (mut bytes, mut owner) = (Vec::new(), Vec::new());
        for n in numbers {
            bytes.extend(line(n).bytes().chain([b'\n']));
            owner.resize(bytes.len(), n);
        }
        Self { bytes, owner, touched: BTreeSet::new() }
    }

    /// Flips, inserts or deletes one byte; half of them are such as JSON is made of.
    fn damage(&mut self, random: &mut Random) {
        const MADE_OF: &[u8] = b"{}[]\",:\\\n \0\x1F\xEF0e-tn";
        let mut byte = u8::try_from(random.below(256)).unwrap();
        if random.below(2) == 0 {
            byte = MADE_OF[random.index(MADE_OF.len())];
        }
        // Where lines begin and end most can go wrong.
        let mut place = random.index(self.bytes.len());
        if random.below(3) == 0 {
            let end = self.bytes[place..].iter().position(|b| *b == b'\n').unwrap_or(0);
            place = (place + end + random.index(3)).min(self.bytes.len() - 1);
        }
        let owner = self.owner[place];
        self.touched.insert(owner);
        let act = random.below(3);
        if act < 2 && self.bytes[place] == b'\n' {
            self.touched.insert(owner + 1);
        }
        match act {
            0 => self.bytes[place] = byte,
            1 => {
                self.bytes.remove(place);
                self.owner.remove(place);
            }
            _ => {
                self.bytes.insert(place, byte);
                self.owner.insert(place, owner);
            }
        }
    }
}

#[test]
fn whatever_happens_to_a_line_the_other_lines_are_unharmed() {
    const FILES: u64 = 600;
    const LINES: u64 = 20;
    let temp = tempfile::tempdir().unwrap();
    let input = temp.path().join("events");
    std::fs::create_dir_all(&input).unwrap();
    let mut random = Random(0xBAD_5EED);
    let mut whole = Vec::new();
    for file in 0..FILES {
        let numbers = file * LINES..(file + 1) * LINES;
        let mut damaged = Damaged::new(numbers.clone());
        for _ in 0..=random.below(4) {
            damaged.damage(&mut random);
        }
        std::fs::write(input.join(format!("{file:03}.ndjson")), &damaged.bytes).unwrap();
        whole.extend(numbers.filter(|n| !damaged.touched.contains(n)).map(|n| (file, n)));
    }
    let place = Place::new(temp.path().join("run"), "");
    let report = report(&mut place.run(&input));
    let found = kept(&place);
    let lost: Vec<_> = whole.iter().filter(|(_, n)| !found.contains(&event_id(*n))).collect();
    assert!(lost.is_empty(), "events whose line nobody touched are gone, as (file, event): {lost:?}");
    assert!(count(&report, "quarantined") > FILES / 3, "{report}");
}

#[test]
fn damaged_gzip_ends_in_good_order() {
    let temp = tempfile::tempdir().unwrap();
    let input = temp.path().join("events");
    std::fs::create_dir_all(&input).unwrap();
    let mut random = Random(0x6217);
    let good = gzip(lines(0..40).as_bytes());
    for file in 0..300 {
        let mut bytes = good.clone();
        for _ in 0..=random.below(3) {
            let place = random.index(bytes.len());
            match random.below(4) {
                0 => bytes[place] ^= 1 << random.below(8),
                1 => drop(bytes.remove(place)),
                2 => bytes.insert(place, 0x1F),
                _ => bytes.truncate(place.max(1)),
            }
        }
        std::fs::write(input.join(format!("{file:03}.ndjson.gz")), bytes).unwrap();
    }
    std::fs::write(input.join("last.ndjson"), lines(0..41)).unwrap();
    let place = Place::new(temp.path().join("run"), "");
    let report = report(&mut place.run(&input));
    assert!(count(&report, "quarantined") >= 250, "{report}");
    // What the damaged files did not give the last one did.
    assert!((0..41).all(|n| kept(&place).contains(&event_id(n))));
}
