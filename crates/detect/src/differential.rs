//! Our reading of a record against rsigma's own, on random documents and random rules.

use proptest::prelude::*;
use rsigma_eval::{Engine, Event as SigmaEvent, JsonEvent};
use rsigma_parser::parse_sigma_yaml;
use tagwarden_core::RuleHit;
use tagwarden_json::Tape;

use crate::Rules;
use crate::record::RecordEvent;

/// JSON text in which keys repeat, contain dots and brackets, and arrays nest.
fn json() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "a",
        "b",
        "c",
        "a.b",
        "a[0]",
        "",
        "é",
        "eventName",
        "eventSource",
        "userAgent",
        r"a\u0062",
        "q\\\"",
    ]);
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        prop::sample::select(vec!["0", "-0", "1", "1.0", "2.5", "-3e2", "9223372036854775807", "18446744073709551615"])
            .prop_map(str::to_owned),
        prop::sample::select(vec![
            "CreateUser",
            "createuser",
            "DeleteUser",
            "iam.amazonaws.com",
            "\\u212a",
            "x\\ny",
            "",
            "1",
            "true",
            "é",
            "2026-11-21T03:04:05Z",
        ])
        .prop_map(|text| format!("\"{text}\"")),
    ];
    let object = |inner: BoxedStrategy<String>, key: BoxedStrategy<&'static str>, most: usize| {
        prop::collection::vec((key, inner), 0..most).prop_map(|members| {
            let members: Vec<_> = members.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
            format!("{{{}}}", members.join(","))
        })
    };
    let values = leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|values| format!("[{}]", values.join(","))),
            object(inner.boxed(), key.clone().boxed(), 24),
        ]
    });
    let top = prop::sample::select(vec!["eventName", "eventSource", "a", "b", "a.b", "userAgent"]);
    prop_oneof![4 => object(values.clone().boxed(), top.boxed(), 8).boxed(), 1 => values.boxed()]
}

fn path() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec![
        "a",
        "b",
        "c",
        "ab",
        "é",
        "",
        "a[0]",
        "a[-1]",
        "b[1][0]",
        "[0]",
        r"a\[0\]",
        "a[x]",
        "q\"",
        "eventName",
        "a\\",
        "a]",
    ]);
    prop::collection::vec(segment, 1..4).prop_map(|segments| segments.join("."))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn a_record_answers_like_rsigmas_json_event(text in json(), paths in prop::collection::vec(path(), 1..8)) {
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut tape = Tape::new();
        let (theirs, ours) = (JsonEvent::borrow(&value), RecordEvent::new(tape.parse(&text).unwrap()));
        for path in &paths {
            // Compared as text, in which -0 and 0 differ and NaN equals itself.
            prop_assert_eq!(format!("{:?}", theirs.get_field(path)), format!("{:?}", ours.get_field(path)), "{}", path);
        }
        prop_assert_eq!(theirs.all_string_values(), ours.all_string_values());
        for wanted in ["CreateUser", "x\ny", "1"] {
            prop_assert_eq!(theirs.any_string_value(&|s| s == wanted), ours.any_string_value(&|s| s == wanted));
        }
        prop_assert_eq!(theirs.to_json(), ours.to_json());
    }
}

/// One item of a detection, as YAML.
fn item() -> impl Strategy<Value = String> {
    let field =
        prop::sample::select(vec!["eventName", "eventName", "eventSource", "userAgent", "a", "a.b", "b[0]", "a.c"]);
    let modifier = prop::sample::select(vec![
        "",
        "",
        "",
        "|contains",
        "|startswith",
        "|endswith",
        "|cased",
        "|re",
        "|exists",
        "|contains|all",
        "|gte",
        "|fieldref",
        "|neq",
    ]);
    let value = prop::sample::select(vec![
        "'CreateUser'",
        "'createUSER'",
        "'DeleteUser'",
        "'iam.amazonaws.com'",
        "'Create*'",
        "null",
        "1",
        "true",
        "''",
        "'K'",
        "'k'",
        "'a'",
        "'é'",
    ]);
    (field, modifier, prop::collection::vec(value, 1..4)).prop_map(|(field, modifier, values)| {
        let values = match modifier {
            "|exists" => "true".to_owned(),
            "|gte" => "1".to_owned(),
            "|fieldref" => "'b'".to_owned(),
            "|re" => "'[CD].*User'".to_owned(),
            "|contains|all" => "['e', 'User']".to_owned(),
            "|contains" | "|startswith" | "|endswith" | "|cased" => "['CreateUser', 'am', 'É']".to_owned(),
            _ => format!("[{}]", values.join(", ")),
        };
        format!("{field}{modifier}: {values}")
    })
}

/// A detection: a mapping, a list of mappings, or keywords.
fn detection() -> impl Strategy<Value = String> {
    let mapping = || {
        prop::collection::vec(item(), 1..4).prop_map(|mut items| {
            items.sort();
            items.dedup_by(|a, b| a.split(':').next() == b.split(':').next());
            format!("{{{}}}", items.join(", "))
        })
    };
    prop_oneof![
        5 => mapping(),
        2 => prop::collection::vec(mapping(), 1..3).prop_map(|maps| format!("[{}]", maps.join(", "))),
        1 => Just("['CreateUser', 'x']".to_owned()),
    ]
}

fn rule() -> impl Strategy<Value = String> {
    let condition = prop::sample::select(vec![
        "s_a",
        "s_a and s_b",
        "s_a or s_b",
        "s_a and not s_b",
        "not s_a",
        "1 of s_*",
        "all of s_*",
        "2 of s_*",
        "all of them",
        "s_a and (s_b or s_c)",
        "1 of s_* and not s_c",
        "not 1 of s_*",
    ]);
    (detection(), detection(), detection(), condition).prop_map(|(a, b, c, condition)| {
        format!(
            "title: T\nlogsource: {{product: aws}}\ndetection:\n    s_a: {a}\n    s_b: {b}\n    s_c: {c}\n    condition: {condition}\n"
        )
    })
}

/// The same rules, ours and theirs.
fn compiled(texts: &[(String, String)]) -> (Rules, Engine) {
    let rules = Rules::from_version_text(&serde_json::to_string(texts).unwrap()).unwrap();
    let mut engine = Engine::new();
    for (_, text) in texts {
        engine.add_collection(&parse_sigma_yaml(text).unwrap()).unwrap();
    }
    (rules, engine)
}

/// Titles of ours and theirs.
fn hits((rules, engine): &mut (Rules, Engine), json: &str) -> (Vec<String>, Vec<String>) {
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    let mut theirs: Vec<_> =
        engine.evaluate(&JsonEvent::borrow(&value)).into_iter().map(|hit| hit.header.rule_title).collect();
    theirs.sort();
    let mut tape = Tape::new();
    let mut ours: Vec<RuleHit> = Vec::new();
    rules.match_record(tape.parse(json).unwrap(), &mut ours);
    (ours.into_iter().map(|hit| hit.title.to_string()).collect(), theirs)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_index_hides_no_hit(rules in prop::collection::vec(rule(), 1..6), events in prop::collection::vec(json(), 1..24)) {
        let text = |(at, rule): (usize, &String)| (format!("{at}.yml"), rule.replace("title: T", &format!("title: T{at}")));
        let valid = |text: &(String, String)| {
            Rules::from_version_text(&serde_json::to_string(std::slice::from_ref(text)).unwrap()).is_ok()
        };
        let texts: Vec<_> = rules.iter().enumerate().map(text).filter(valid).collect();
        let mut compiled = compiled(&texts);
        for event in &events {
            let (ours, theirs) = hits(&mut compiled, event);
            prop_assert_eq!(ours, theirs, "{}\n{:?}", event, &texts);
        }
    }
}

#[test]
fn the_random_rules_do_hit() {
    let rule = "title: T\nlogsource: {product: aws}\ndetection:\n    s: {eventName: [createuser, x], a.b: 1}\n    condition: s\n";
    let texts = [("t.yml".to_owned(), rule.to_owned())];
    let (ours, theirs) = hits(&mut compiled(&texts), r#"{"eventName":"CreateUser","a":[{"b":2},{"b":1}]}"#);
    assert_eq!(ours, ["T"]);
    assert_eq!(ours, theirs);
}
