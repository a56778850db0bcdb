//! Every row of the tag table, walked: a synthetic call in the row's own shape is recognised with its resource and tags.

use crate::support::{record, with_changes};
use tagwarden_core::{Family, TagOperation};
use tagwarden_events::is_tag_operation;

const TABLE: &str = include_str!("../../tables/tag_operations.csv");

/// `ResourceARN` as CloudTrail writes it: `resourceARN`.
fn lower_camel(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// `a.b` around `value`.
fn at_path(path: &str, value: &str) -> String {
    let mut out = value.to_owned();
    for (place, step) in path.split('.').rev().enumerate() {
        let inner = if place == 0 || !step.eq("items") { out } else { format!("[{out}]") };
        out = format!("{{\"{}\":{inner}}}", lower_camel(step));
    }
    out
}

/// The member in the shape that the table gives it, with `team=blue` or the key `team`.
fn tags_member(name: &str, shape: &str) -> (String, bool) {
    let keys = |shape: &str| shape == "list<string>" || name == "TagKeys";
    let value = match shape {
        "map" => r#"{"team":"blue"}"#.to_owned(),
        "string" => r#""team=blue""#.to_owned(),
        "list<string>" => r#"["team"]"#.to_owned(),
        "{Items}" if name == "TagKeys" => r#"{"items":["team"]}"#.to_owned(),
        "{Items}" => r#"{"items":[{"key":"team","value":"blue"}]}"#.to_owned(),
        "{TagSet}" => r#"{"TagSet":{"Tag":{"Key":"team","Value":"blue"}}}"#.to_owned(),
        "{tags}" => r#"{"tags":{"team":"blue"}}"#.to_owned(),
        "list<{Key}>" => r#"[{"key":"team"}]"#.to_owned(),
        _ if shape.contains("TagValues") => r#"[{"tagKey":"team","tagValues":["blue"]}]"#.to_owned(),
        _ if shape.contains("agKey") => r#"[{"tagKey":"team","tagValue":"blue"}]"#.to_owned(),
        _ if shape.contains("ResourceId") => r#"[{"resourceId":"thing-1","key":"team","value":"blue"}]"#.to_owned(),
        _ => r#"[{"key":"team","value":"blue"}]"#.to_owned(),
    };
    (format!("\"{}\":{value}", lower_camel(name)), keys(shape))
}

#[test]
fn every_tag_operation_is_recognised_with_resource_and_tags() {
    let mut walked = 0;
    for line in TABLE.lines().skip(1) {
        let cells: Vec<&str> = line.split(';').collect();
        let [sources, operation, kind, resources, tags] = cells[..] else { panic!("{line}") };
        if kind == "create" {
            continue;
        }
        for source in sources.split('|') {
            let resource = resources.split('|').next().expect("one");
            let id = if resource.to_ascii_lowercase().ends_with("arn") || resource == "ResourceARNList" {
                // These name their only kind of resource without saying which kind it is.
                let kind = if ["sns", "codecommit", "codepipeline"].contains(&source) { "" } else { "gadget/" };
                format!("arn:aws:{source}:eu-west-1:111122223333:{kind}thing-1")
            } else {
                "thing-1".to_owned()
            };
            let list = resource.ends_with('s') || resource.ends_with("List");
            let id_json = if list { format!("[\"{id}\"]") } else { format!("\"{id}\"") };
            let named = at_path(resource, &id_json);
            let (member, keys) = match tags.split('|').next().and_then(|tags| tags.split_once(':')) {
                Some((name, shape)) => tags_member(name, shape),
                None => (String::new(), false),
            };
            let inner = named.trim_start_matches('{');
            let inner = &inner[..inner.len() - 1];
            let parts: Vec<&str> = [inner, member.as_str()]
                .into_iter()
                .filter(|part| !part.is_empty() && *part != "\"\":\"thing-1\"")
                .collect();
            let request = format!("{{{}}}", parts.join(","));
            assert!(is_tag_operation(&format!("{source}.amazonaws.com"), operation), "{line}");
            with_changes(&record(source, operation, &request, "null", ""), |changes| {
                let [change] = changes else { panic!("{line}: {request}: {changes:?}") };
                let found = format!("{line}\n{request}\n{change:?}");
                assert_eq!((change.family, change.kind), (Family::Tags, "tags_changed"), "{found}");
                assert_eq!(change.resource_id, "thing-1", "{found}");
                assert!(!change.tags.partial, "{found}");
                assert_eq!(change.tags.operation, TagOperation::parse(kind), "{found}");
                let removes = keys || kind == "remove";
                if member.is_empty() {
                    assert_eq!((change.tags.set.len(), change.tags.remove.len()), (0, 0), "{found}");
                } else if removes {
                    assert_eq!(change.tags.remove.len(), 1, "{found}");
                    assert_eq!(change.tags.remove[0].0, "team", "{found}");
                } else {
                    assert_eq!(change.tags.set, [("team".into(), "blue".into())], "{found}");
                }
            });
            walked += 1;
        }
    }
    assert!(walked >= 689, "{walked} operations");
}

#[test]
fn every_tag_on_create_operation_shows_its_tags() {
    let mut walked = 0;
    for line in TABLE.lines().skip(1) {
        let cells: Vec<&str> = line.split(';').collect();
        let [sources, operation, "create", _, tags] = cells[..] else { continue };
        for source in sources.split('|') {
            let (name, shape) = tags.split('|').next().and_then(|tags| tags.split_once(':')).expect("a member");
            let member = match shape {
                "list<{ResourceType,Tags}>" if source == "ec2" => {
                    r#""tagSpecificationSet":{"items":[{"resourceType":"unheard-of","tags":[{"key":"team","value":"blue"}]}]}"#.to_owned()
                }
                "list<{ResourceType,Tags}>" | "list<string>" => continue,
                _ => tags_member(name, shape).0,
            };
            with_changes(&record(source, operation, &format!("{{{member}}}"), "null", ""), |changes| {
                for change in changes {
                    let found = format!("{line}\n{member}\n{change:?}");
                    assert_ne!(change.family, Family::Tags, "{found}");
                    assert_eq!(change.tags.operation, Some(TagOperation::Create), "{found}");
                    assert_eq!(change.tags.set, [("team".into(), "blue".into())], "{found}");
                    assert!(!change.tags.partial, "{found}");
                }
            });
            walked += 1;
        }
    }
    assert!(walked >= 1500, "{walked} operations");
}
