//! Files and streams in the forms in which they come: whole, broken, growing.
#![expect(clippy::unwrap_used, reason = "a test that can't go on ends")]

use std::fs::{self, OpenOptions};
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tagwarden_connect::{Files, Reading, Stdin};
use tagwarden_core::{Positions, Pulled, Record, Retry, Source, SourceError};

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// All records from `positions` on, and where that leads.
fn drain(source: &mut impl Source, positions: &mut Positions, max: usize) -> Result<Vec<Record>, SourceError> {
    block_on(async {
        source.start(positions)?;
        let mut records = Vec::new();
        while let Some(pulled) = source.pull(max).await? {
            positions.apply(&pulled.moves).unwrap();
            records.extend(pulled.records);
        }
        Ok(records)
    })
}

fn read(path: &Path) -> Vec<Record> {
    let mut source = Files::new(path.to_owned(), false, Reading::default());
    drain(&mut source, &mut Positions::default(), 1000).unwrap()
}

/// Text of the whole records and reasons of the broken ones.
fn told(records: &[Record]) -> (Vec<String>, Vec<String>) {
    let (whole, broken): (Vec<&Record>, Vec<&Record>) = records.iter().partition(|record| record.fault.is_none());
    (
        whole.iter().map(|record| String::from_utf8_lossy(&record.bytes).into_owned()).collect(),
        broken.iter().map(|record| record.fault.as_ref().unwrap().reason.clone()).collect(),
    )
}

/// The last whole event ends where the file does, and what is broken lies behind it.
#[test]
fn a_list_without_its_end_is_refused_after_a_restart_at_its_last_event_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.json");
    fs::write(&path, b"{\"Records\":[{\"n\":1}").unwrap();
    let mut positions = Positions::default();
    let mut source = Files::new(path.clone(), false, Reading::default());
    source.start(&positions).unwrap();
    let first = block_on(source.pull(1)).unwrap().unwrap();
    positions.apply(&first.moves).unwrap();
    let mut again = Files::new(path, false, Reading::default());
    let rest = drain(&mut again, &mut positions, 1000).unwrap();
    let (whole, broken) = told(&rest);
    assert!(whole.is_empty() && broken.len() == 1 && broken[0].contains("closing bracket"), "{whole:?} {broken:?}");
}

/// What one file of these bytes gives.
fn of(bytes: &[u8]) -> (Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.json");
    fs::write(&path, bytes).unwrap();
    told(&read(&path))
}

#[test]
fn a_cut_gzip_file_keeps_what_came_before() {
    let lines: Vec<String> = (0..20_000).map(|n| format!("{{\"n\":{}}}", n * 7919 % 100_003)).collect();
    let whole = gzip(lines.join("\n").as_bytes());
    let (values, broken) = of(&whole[..whole.len() / 2]);
    assert!(values.len() > 5000 && lines.starts_with(&values), "{}", values.len());
    assert_eq!(broken.len(), 1);
    assert!(broken[0].starts_with("found the end of the file inside a gzip stream at byte "), "{broken:?}");
    assert!(broken[0].ends_with("events.json"), "{broken:?}");
    // The header alone.
    let (values, broken) = of(&whole[..10]);
    assert_eq!((values.len(), broken.len()), (0, 1));
    // Damage in the middle, and behind the end.
    let mut damaged = whole.clone();
    damaged[whole.len() / 2..].fill(0xff);
    let (values, broken) = of(&damaged);
    assert!(values.len() > 5000 && broken.len() == 1 && broken[0].contains("gzip stream"), "{broken:?}");
    let (values, broken) = of(&[whole, b"tail".to_vec()].concat());
    assert!(values == lines && broken.len() == 1, "{broken:?}");
    // Cut between two braces, the last value looks whole and is not.
    let inside = gzip(b"{\"n\":1}\n{\"a\":{\"n\":2}");
    let (values, broken) = of(&inside[..inside.len() - 8]);
    assert_eq!((values, broken.len()), (vec!["{\"n\":1}".to_owned()], 1));
}

#[test]
fn half_a_json_costs_itself_only() {
    let (values, broken) = of(b"{\"n\":1}\n{\"n\":2,\"x\":[\n{\"n\":3}\n{\"n\":");
    assert_eq!((values.len(), broken.len()), (2, 2), "{values:?} {broken:?}");
    let (values, broken) = of(b"{\"Records\":[{\"n\":1},{\"n\":2},{\"n");
    assert_eq!((values.len(), broken.len()), (2, 1));
}

#[test]
fn a_long_event_is_whole() {
    let event = format!("{{\"n\":\"{}\"}}", "x".repeat(10 << 20));
    let wanted = [event.clone(), "{\"n\":1}".to_owned()];
    let lines = format!("{event}\n{{\"n\":1}}\n").into_bytes();
    let (values, broken) = of(&lines);
    assert!(values == wanted && broken.is_empty());
    let mut source = Stdin::new(Cursor::new(lines), 1, Reading::default());
    let (values, _) = told(&drain(&mut source, &mut Positions::default(), 10).unwrap());
    assert!(values == wanted);
    let (values, broken) = of(&gzip(format!("{{\"Records\":[{event},{{\"n\":1}}]}}").as_bytes()));
    assert!(values == wanted && broken.is_empty());
}

#[test]
fn bytes_that_are_no_text_are_passed_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.json");
    fs::write(&path, b"{\"n\":\"\xff\xfe\"}\n{\"n\":2}\n").unwrap();
    let records = read(&path);
    assert_eq!(records[0].bytes, &b"{\"n\":\"\xff\xfe\"}"[..]);
    assert!(records.iter().all(|record| record.fault.is_none()));
}

#[test]
fn marks_line_ends_and_emptiness_are_no_records() {
    let two = vec!["{\"n\":1}".to_owned(), "{\"n\":2}".to_owned()];
    assert_eq!(of(b"\xEF\xBB\xBF{\"n\":1}\r\n{\"n\":2}\r\n"), (two.clone(), vec![]));
    assert_eq!(of(b"\xEF\xBB\xBF{\"Records\":[{\"n\":1},\r\n{\"n\":2}]}"), (two, vec![]));
    for nothing in [&b""[..], b" \n\t\r\n", b"\xEF\xBB\xBF", b"{\"Records\":[]}", b"[]"] {
        assert_eq!(of(nothing), (vec![], vec![]), "{nothing:?}");
        assert_eq!(of(&gzip(nothing)), (vec![], vec![]), "{nothing:?}");
    }
}

#[test]
fn what_was_finished_is_not_read_again_and_what_was_added_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.ndjson");
    let mut positions = Positions::default();
    let mut again = |wanted: &[&str]| {
        let mut source = Files::new(folder.path().to_owned(), false, Reading::default());
        let (values, broken) = told(&drain(&mut source, &mut positions, 10).unwrap());
        assert_eq!(values, wanted);
        broken.len()
    };
    fs::write(&path, "{\"n\":1}\n{\"n\":2}\n\n").unwrap();
    assert_eq!(again(&["{\"n\":1}", "{\"n\":2}"]), 0);
    assert_eq!(again(&[]), 0);
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"n\":3}\n{\"n\":").unwrap();
    assert_eq!(again(&["{\"n\":3}"]), 1);
    assert_eq!(again(&[]), 0);
    // What was broken is whole once the rest is there.
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"4}\n").unwrap();
    assert_eq!(again(&["{\"n\":4}"]), 0);
    assert_eq!(again(&[]), 0);
}

#[test]
fn a_file_that_was_replaced_by_a_shorter_one_stops() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.ndjson");
    let mut positions = Positions::default();
    for (bytes, good) in [(&b"{\"n\":1}\n{\"n\":2}\n"[..], true), (b"{\"n\":3}\n", false)] {
        fs::write(&path, bytes).unwrap();
        let mut source = Files::new(path.clone(), false, Reading::default());
        match drain(&mut source, &mut positions, 10) {
            Ok(_) => assert!(good),
            Err(error) => {
                assert!(!good && error.retry == Retry::Stop && error.what.contains("events.ndjson"), "{error}");
            }
        }
    }
}

#[test]
fn a_stream_that_fails_is_no_end() {
    struct Torn(usize);
    impl Read for Torn {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            self.0 += 1;
            match self.0 {
                3 => Err(std::io::ErrorKind::Interrupted.into()),
                1..6 => (&b"{\"n\":1}\n"[..]).read(into),
                _ => Err(std::io::Error::other("torn")),
            }
        }
    }
    let mut source = Stdin::new(Torn(0), 1, Reading::default());
    block_on(async {
        source.start(&Positions::default()).unwrap();
        let mut records = 0;
        let error = loop {
            match source.pull(1).await {
                Ok(pulled) => records += pulled.unwrap().records.len(),
                Err(error) => break error,
            }
        };
        assert!(records > 0 && error.what.contains("stdin-1"), "{records} {error}");
        assert!(source.pull(1).await.is_err(), "it stays failed");
    });
}

/// Bytes arrive one by one, and each whole line is handed on before the next comes.
#[test]
fn a_slow_stream_is_handed_on_as_it_comes() {
    let (mut sender, receiver) = std::io::pipe().map(|(receiver, sender)| (sender, receiver)).unwrap();
    let mut source = Stdin::new(receiver, 1, Reading::default());
    block_on(async {
        source.start(&Positions::default()).unwrap();
        for n in 0..3 {
            sender.write_all(format!("{{\"n\":{n}}}\n").as_bytes()).unwrap();
            let mut pulled = Pulled::default();
            while pulled.records.is_empty() {
                pulled = source.pull(10).await.unwrap().unwrap();
            }
            assert_eq!(pulled.records.len(), 1);
        }
        drop(sender);
        while let Some(pulled) = source.pull(10).await.unwrap() {
            assert!(pulled.records.is_empty());
        }
    });
}

struct Followed {
    source: Files,
    positions: Positions,
}

impl Followed {
    fn start(root: PathBuf, abandoned: u32) -> Self {
        let reading = Reading { poll: Duration::from_millis(20), settled: 3, abandoned, ..Reading::default() };
        let (mut source, positions) = (Files::new(root, true, reading), Positions::default());
        source.start(&positions).unwrap();
        Self { source, positions }
    }

    /// Waits for `count` records.
    async fn next(&mut self, count: usize) -> (Vec<String>, Vec<String>) {
        let mut records = Vec::new();
        while records.len() < count {
            let wait = tokio::time::timeout(Duration::from_secs(20), self.source.pull(100));
            let pulled = wait.await.expect("records in time").unwrap().expect("no end");
            self.positions.apply(&pulled.moves).unwrap();
            records.extend(pulled.records);
        }
        told(&records)
    }

    /// Nothing comes in the time of several looks.
    async fn silence(&mut self) {
        let until = tokio::time::Instant::now() + Duration::from_millis(400);
        while let Ok(pulled) = tokio::time::timeout_at(until, self.source.pull(100)).await {
            let pulled = pulled.unwrap().expect("no end");
            assert!(pulled.records.is_empty(), "{pulled:?}");
            self.positions.apply(&pulled.moves).unwrap();
        }
    }
}

#[test]
fn a_followed_folder_gives_what_is_added() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let add = |name: &str, bytes: &[u8]| {
        OpenOptions::new().create(true).append(true).open(path(name)).unwrap().write_all(bytes).unwrap();
    };
    let one = |n: u32| (vec![format!("{{\"n\":{n}}}")], vec![]);
    add("a.json", b"{\"n\":1}\n{\"n\":");
    block_on(async {
        let mut followed = Followed::start(folder.path().to_owned(), 1_000_000);
        assert_eq!(followed.next(1).await, one(1));
        followed.silence().await;
        add("a.json", b"2}\n");
        assert_eq!(followed.next(1).await, one(2));
        // A whole line without its end, once the file has settled.
        add("a.json", b"{\"n\":3}");
        assert_eq!(followed.next(1).await, one(3));
        add("a.json", b"\n{\"n\":4}\n");
        assert_eq!(followed.next(1).await, one(4));
        // A gzip file that arrives in two parts is no fault.
        let text: Vec<u8> =
            (0..3000).flat_map(|n: u32| format!("{{\"n\":{}}}\n", n * 7919 % 3001).into_bytes()).collect();
        let whole = gzip(&text);
        add("b.json.gz", &whole[..whole.len() / 2]);
        tokio::time::sleep(Duration::from_millis(200)).await;
        add("b.json.gz", &whole[whole.len() / 2..]);
        let (values, broken) = followed.next(3000).await;
        assert_eq!((values.join("\n") + "\n", broken), (String::from_utf8(text).unwrap(), vec![]));
        followed.silence().await;
    });
}

#[test]
fn a_followed_file_that_stays_broken_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.json"), b"{\"n\":1}\n{\"n\":").unwrap();
    let whole = gzip(b"{\"n\":2}\n{\"n\":3}\n");
    fs::write(folder.path().join("b.json"), &whole[..whole.len() - 3]).unwrap();
    block_on(async {
        let mut followed = Followed::start(folder.path().to_owned(), 6);
        let (values, broken) = followed.next(5).await;
        assert_eq!((values, broken.len()), ([1, 2, 3].map(|n| format!("{{\"n\":{n}}}")).to_vec(), 2));
        followed.silence().await;
        // A new start from there has nothing to say either.
        let mut again = Files::new(
            folder.path().to_owned(),
            true,
            Reading { poll: Duration::from_millis(20), abandoned: 6, ..Reading::default() },
        );
        again.start(&followed.positions).unwrap();
        let wait = tokio::time::timeout(Duration::from_millis(400), again.pull(100)).await;
        assert!(wait.is_err(), "{wait:?}");
    });
}

/// A value, as NDJSON allows it: no line end inside, brackets and quotes in strings.
fn value() -> impl Strategy<Value = String> {
    (any::<u32>(), "[a-z{}\\[\\],: é]{0,40}").prop_map(|(n, text)| format!("{{\"n\":{n},\"s\":\"\\\"{text}\"}}"))
}

/// Values one after another in any mixture of layouts.
fn layout() -> impl Strategy<Value = (String, Vec<String>)> {
    let part = (prop::collection::vec(value(), 0..12), 0..5usize, prop::sample::select(vec!["\n", "\r\n", "\n\n  "]));
    prop::collection::vec(part, 1..4).prop_map(|parts| {
        let (mut text, mut values) = (String::new(), Vec::new());
        for (part, form, gap) in parts {
            let part_text = match form {
                0 => format!("{{\"Records\":[{}]}}", part.join(",")),
                1 => format!("{{ \"Records\" :{gap}[ {} ]{gap}}}", part.join(&format!(",{gap}"))),
                2 => format!("[{}]", part.join(&format!(" , {gap}"))),
                _ => part.join(gap),
            };
            text.push_str(&part_text);
            text.push_str(gap);
            values.extend(part);
        }
        (text, values)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_value_comes_once_and_in_order(
        files in prop::collection::vec((layout(), any::<bool>()), 1..5),
        chunk in 4usize..300,
        pulls in prop::collection::vec((1usize..9, 0usize..6), 1..20),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut wanted = Vec::new();
        for (index, ((text, values), zipped)) in files.iter().enumerate() {
            let bytes = if *zipped { gzip(text.as_bytes()) } else { text.clone().into_bytes() };
            fs::write(folder.path().join(format!("{index}.json")), bytes).unwrap();
            wanted.extend(values.iter().cloned());
        }
        let reading = Reading { chunk, ..Reading::default() };
        let (mut found, mut positions) = (Vec::new(), Positions::default());
        // A few pulls each time, then a restart from there; at last to the end.
        for (max, count) in pulls {
            let mut source = Files::new(folder.path().to_owned(), false, reading);
            block_on(async {
                source.start(&positions).unwrap();
                for _ in 0..count {
                    let Some(pulled) = source.pull(max).await.unwrap() else { break };
                    positions.apply(&pulled.moves).unwrap();
                    found.extend(pulled.records);
                }
            });
        }
        let mut source = Files::new(folder.path().to_owned(), false, reading);
        found.extend(drain(&mut source, &mut positions, 1000).unwrap());
        let (values, broken) = told(&found);
        prop_assert_eq!(broken, Vec::<String>::new());
        prop_assert_eq!(values, wanted);
        prop_assert!(drain(&mut source, &mut positions, 1000).unwrap().is_empty());
    }

    #[test]
    fn any_bytes_give_the_same_records_however_they_are_read(
        bytes in prop::collection::vec(prop::sample::select(b"{}[]\",:\\\n nR1\xEF\xBB\xBF\xff".to_vec()), 0..200),
        chunk in 4usize..64,
        max in 1usize..5,
    ) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.json"), &bytes).unwrap();
        let all = |chunk, max| {
            let mut source = Files::new(folder.path().to_owned(), false, Reading { chunk, ..Reading::default() });
            let records = drain(&mut source, &mut Positions::default(), max).unwrap();
            records.into_iter().map(|r| (r.position, r.bytes, r.fault)).collect::<Vec<_>>()
        };
        prop_assert_eq!(all(chunk, max), all(1 << 20, 1000));
    }
}
