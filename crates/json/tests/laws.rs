//! Laws of the tape: it accepts what `serde_json` accepts and reads the same values from it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;
use serde_json::Value;
use tagwarden_json::{Kind, Node, Tape};

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|n| Value::from(f64::from(n) / 64.0)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..8).prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

fn rebuild(node: Node<'_>) -> Value {
    match node.kind() {
        Kind::Null => Value::Null,
        Kind::Bool => node.bool().into(),
        Kind::Number => serde_json::from_str(node.raw()).unwrap(),
        Kind::String => node.str().unwrap().into_owned().into(),
        Kind::Array => node.elements().map(rebuild).collect(),
        Kind::Object => Value::Object(node.members().map(|(k, v)| (k.str().into_owned(), rebuild(v))).collect()),
    }
}

proptest! {
    #[test]
    fn reads_what_serde_json_wrote(value in value()) {
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let mut tape = Tape::new();
            prop_assert_eq!(&rebuild(tape.parse(&text).unwrap()), &value);
        }
    }

    #[test]
    fn agrees_with_serde_json_on_what_is_json(
        value in value(), at in any::<prop::sample::Index>(), byte in prop::sample::select(b"{}[]\",:\\ 0-.eEtu\n".to_vec()), insert in any::<bool>()
    ) {
        let mut text = value.to_string().into_bytes();
        let at = at.index(text.len());
        if insert { text.insert(at, byte) } else { text[at] = byte }
        let Ok(text) = String::from_utf8(text) else { return Ok(()) };
        // serde_json refuses numbers beyond f64 and lone surrogates; both are within the grammar.
        match (serde_json::from_str::<Value>(&text), Tape::new().parse(&text)) {
            (Ok(wanted), found) => prop_assert_eq!(rebuild(found.unwrap()), wanted),
            (Err(e), Ok(_)) => prop_assert!(e.to_string().contains("out of range") || e.to_string().contains("surrogate") || e.to_string().contains("hex escape"), "{}: {}", e, text),
            (Err(_), Err(_)) => {}
        }
    }

    #[test]
    fn never_panics(text in "[\\[\\]{}\",:\\\\ua0-9eE.+ tfn-]{0,80}") {
        let mut tape = Tape::new();
        if let Ok(node) = tape.parse(&text) { rebuild_loosely(node); }
    }
}

fn rebuild_loosely(node: Node<'_>) -> usize {
    node.elements().map(rebuild_loosely).sum::<usize>()
        + node.members().map(|(k, v)| k.str().len() + rebuild_loosely(v)).sum::<usize>()
        + node.str().map_or(0, |s| s.len())
}

#[test]
fn the_last_of_two_equal_keys_counts() {
    let mut tape = Tape::new();
    let node = tape.parse(r#"{"a":1,"\u0061":2,"b":{"c":"\ud83d\ude00 \ud800"}}"#).unwrap();
    assert_eq!(node.get("a").unwrap().i64(), Some(2));
    assert_eq!(node.at(&["b", "c"]).unwrap().str().unwrap(), "😀 \u{fffd}");
}

#[test]
fn depth_is_bounded() {
    let mut tape = Tape::new();
    assert!(tape.parse(&format!("{}{}", "[".repeat(128), "]".repeat(128))).is_ok());
    assert!(tape.parse(&format!("{}{}", "[".repeat(129), "]".repeat(129))).is_err());
}
