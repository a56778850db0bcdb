//! Reading what a request wants done to tags, in every shape that CloudTrail writes.

use tagwarden_core::{TagEdit, TagOperation, Text};
use tagwarden_json::{Kind, Node};

use crate::arn;
use crate::member::{self, Call, HIDDEN};
use crate::tables::{TagMember, TagRow};

/// Members by which lists of tags are wrapped.
const LISTS: [&str; 7] = ["items", "item", "tagset", "tag", "tags", "member", "entry"];

/// An edit and what was odd about it.
#[derive(Debug, Default)]
pub(crate) struct Reading<'a> {
    pub(crate) edit: TagEdit<'a>,
    pub(crate) fault: Option<String>,
}

/// What a tag operation on existing resources wants.
pub(crate) fn edit<'a>(call: &Call<'_, 'a>, row: &TagRow) -> Reading<'a> {
    let mut reading = Reading::default();
    reading.edit.operation = Some(row.operation);
    let source = call.event.source.as_ref();
    // EC2 and most others remove a pair only if the value is the one given; CloudTrail looks at the key alone.
    let by_value = !source.starts_with("cloudtrail.");
    let mut found = false;
    for tags in &row.members {
        let Some(node) = call.request.and_then(|request| nested(request, tags.name)) else { continue };
        if node.is_null() {
            continue;
        }
        found = true;
        if tags.keys || row.operation == TagOperation::Remove {
            reading.keys(node, by_value);
        } else {
            reading.pairs(node, *tags);
        }
    }
    if !found {
        if row.operation == TagOperation::Remove && source.starts_with("ec2.") && call.request.is_some() {
            // DeleteTags that names no tag removes all of them.
            reading.edit.operation = Some(TagOperation::Replace);
        } else if !row.members.is_empty() {
            reading.edit.partial = true;
        }
    }
    reading
}

/// The tags that a resource of `resource_type` is born with; `None` if the call may as well have changed an old one.
pub(crate) fn creation<'a>(call: &Call<'_, 'a>, row: &TagRow, resource_type: &str) -> Option<Reading<'a>> {
    let mut reading = Reading::default();
    reading.edit.operation = Some(TagOperation::Create);
    let mut found = false;
    if call.event.source.starts_with("ec2.") {
        each_specification(call, &mut |word, tags| {
            let meant = arn::ec2_type_of_word(word);
            if meant == resource_type || meant.is_empty() || resource_type.is_empty() {
                found = true;
                reading.pairs(tags, TagMember { name: "", keys: false, map: false });
            }
        });
    } else {
        for tags in &row.members {
            let node = call.request.and_then(|request| nested(request, tags.name));
            if let Some(node) = node.filter(|node| !node.is_null()) {
                found = true;
                reading.pairs(node, *tags);
            }
        }
    }
    // A call that creates and shows no tags made a resource without any, unless tags can come from a parent.
    let action = call.event.action.as_ref();
    let bare = (action.starts_with("Create") || action == "RunInstances")
        && !["Snapshot", "Replica", "Image", "Template"].iter().any(|word| action.contains(word));
    // A refused call may show no request at all.
    reading.edit.partial |= !found && call.request.is_none();
    (found || bare).then_some(reading)
}

/// Calls `visit` with resource type and tags of each of EC2's tag specifications.
pub(crate) fn each_specification<'a>(call: &Call<'_, 'a>, visit: &mut dyn FnMut(&str, Node<'a>)) {
    let Some(request) = call.request else { return };
    for name in ["tagSpecificationSet", "TagSpecification", "TagSpecifications"] {
        let Some(set) = member::member(request, name) else { continue };
        member::walk(set, "", &mut |node| {
            let inner = if member::member(node, "resourceType").is_none() { member::unwrapped(node) } else { None };
            for specification in inner.unwrap_or(node).one_or_many() {
                let tags = ["tags", "tag"].iter().find_map(|name| {
                    member::member(specification, name).filter(|tags| matches!(tags.kind(), Kind::Array | Kind::Object))
                });
                // The newer form numbers its members (`"tag": 1`) beside the tags (`"Tag": {...}`).
                let tags = tags.or_else(|| specification.get("Tag"));
                if let Some(tags) = tags {
                    visit(&member::text(specification, "resourceType").unwrap_or_default(), tags);
                }
            }
        });
        return;
    }
}

/// The member `name`, or one of that name a level further down (`tagResourceInput.tags`).
fn nested<'a>(request: Node<'a>, name: &str) -> Option<Node<'a>> {
    member::member(request, name).or_else(|| {
        let inner = request.members().map(|(_, value)| value).filter(|value| value.kind() == Kind::Object);
        inner.into_iter().find_map(|value| member::member(value, name))
    })
}

impl<'a> Reading<'a> {
    fn odd(&mut self, node: Node<'_>) {
        self.edit.partial = true;
        if self.fault.is_none() && node.raw() != HIDDEN {
            let found = node.json().chars().take(40).collect::<String>();
            self.fault = Some(format!("found {found} among tags, wanted keys and values"));
        }
    }

    /// Adds the pairs in `node` to those that are set.
    pub(crate) fn pairs(&mut self, node: Node<'a>, tags: TagMember) {
        match node.kind() {
            Kind::Array => node.elements().for_each(|element| self.pairs(element, TagMember { map: false, ..tags })),
            Kind::Object => self.pairs_of_object(node, tags),
            Kind::Null => {}
            Kind::String if node.raw().is_empty() => {}
            Kind::String if node.raw().contains('=') => self.query(node),
            _ => self.odd(node),
        }
    }

    /// Tags as S3's header gives them: `a=1&b=2`. What is percent-encoded is left out, and the edit is partial.
    fn query(&mut self, node: Node<'a>) {
        let text = node.str().unwrap_or_default();
        for pair in text.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            if pair.contains(['%', '+']) {
                self.edit.partial = true;
            } else {
                self.edit.set.push((key.to_owned().into(), value.to_owned().into()));
            }
        }
    }

    fn pairs_of_object(&mut self, node: Node<'a>, tags: TagMember) {
        if !tags.map
            && let Some(key) = key_of(node)
        {
            let value = value_of(node);
            if key == HIDDEN || value.as_deref() == Some(HIDDEN) {
                self.edit.partial = true;
            } else {
                self.edit.set.push((key, value.unwrap_or_default()));
            }
            return;
        }
        if let Some(inner) = list_in(node) {
            self.pairs(inner, TagMember { map: false, ..tags });
            return;
        }
        for (key, value) in node.members() {
            if !tags.map && (key.is("xmlns") || key.raw().eq_ignore_ascii_case("quantity") || is_list(key.raw())) {
                continue;
            }
            match value.kind() {
                Kind::Null => self.edit.set.push((key.str(), "".into())),
                Kind::Array | Kind::Object => self.odd(value),
                _ if value.raw() == HIDDEN => self.edit.partial = true,
                _ => self.edit.set.push((key.str(), value.text().unwrap_or_default())),
            }
        }
    }

    /// Adds the keys in `node` to those that are removed.
    pub(crate) fn keys(&mut self, node: Node<'a>, by_value: bool) {
        match node.kind() {
            Kind::Array => node.elements().for_each(|element| self.keys(element, by_value)),
            Kind::Object => {
                if let Some(key) = key_of(node) {
                    let value = value_of(node).filter(|_| by_value);
                    if key == HIDDEN || value.as_deref() == Some(HIDDEN) {
                        self.edit.partial = true;
                    } else {
                        self.edit.remove.push((key, value));
                    }
                } else if let Some(inner) = list_in(node) {
                    self.keys(inner, by_value);
                } else {
                    let members = node.members().filter(|(key, _)| !key.is("xmlns") && !key.is("quantity"));
                    self.edit.remove.extend(members.map(|(key, _)| (key.str(), None)));
                }
            }
            Kind::Null => {}
            Kind::String if node.raw().is_empty() => {}
            Kind::String if node.raw() != HIDDEN => self.edit.remove.push((node.str().unwrap_or_default(), None)),
            _ => self.odd(node),
        }
    }
}

/// The key of one pair: `key`, `Key`, `tagKey`, ...
fn key_of(node: Node<'_>) -> Option<Text<'_>> {
    ["key", "tagKey", "name"].iter().find_map(|name| member::member(node, name)?.text())
}

/// The value of one pair; several values of one key are joined by commas.
fn value_of(node: Node<'_>) -> Option<Text<'_>> {
    let value = ["value", "tagValue", "tagValues"].iter().find_map(|name| member::member(node, name))?;
    if value.kind() != Kind::Array {
        return value.text();
    }
    let all: Vec<_> = value.elements().filter_map(|element| element.text()).collect();
    Some(all.join(",").into())
}

/// Whether a member of this name wraps a list of tags.
fn is_list(name: &str) -> bool {
    LISTS.iter().any(|list| name.eq_ignore_ascii_case(list))
}

/// The list inside a wrapper such as `{"items": [...]}` or `{"TagSet": {"Tag": {...}}}`.
fn list_in(node: Node<'_>) -> Option<Node<'_>> {
    let mut found = None;
    for (key, value) in node.members() {
        let container = matches!(value.kind(), Kind::Array | Kind::Object);
        if container && is_list(key.raw()) {
            found = Some(value);
        }
    }
    found
}
