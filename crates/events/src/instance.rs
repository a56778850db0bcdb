//! Calls on instances: what was launched with which tags, what state was left, which attribute was changed.

use rustc_hash::FxHashMap;
use tagwarden_core::{Change, TagEdit, Text};
use tagwarden_json::{Kind, Node};

use crate::member::{self, Call};
use crate::tables::TagMember;
use crate::tags::{self, Reading};

/// The entries of `instancesSet` in the answer, by instance; looked up only.
fn answered<'a>(call: &Call<'_, 'a>) -> FxHashMap<Text<'a>, Node<'a>> {
    let mut found = FxHashMap::default();
    let Some(response) = call.response else { return found };
    member::walk(response, "instancesSet", &mut |set| {
        let list = member::unwrapped(set).unwrap_or(set);
        for entry in list.one_or_many() {
            found.extend(member::text(entry, "instanceId").map(|id| (id, entry)));
        }
    });
    found
}

/// Tags of launched instances: as the answer shows them, for they may come from a launch template; else as asked for.
pub(crate) fn launch<'a>(call: &Call<'_, 'a>, changes: &mut [Change<'a>]) {
    let mut volumes = Vec::new();
    let mut others = Vec::new();
    tags::each_specification(call, &mut |word, node| {
        if word != "instance" {
            let mut reading = Reading::default();
            reading.pairs(node, TagMember { name: "", keys: false, map: false });
            let list = if word == "volume" { &mut volumes } else { &mut others };
            list.extend(reading.edit.set.iter().map(|(key, value)| format!("{key}={value}")));
        }
    });
    let template = call.request.and_then(|request| member::member(request, "launchTemplate"));
    let template = template.is_some_and(|node| node.kind() == Kind::Object && node.members().next().is_some());
    let answered = answered(call);
    let lists =
        [("volume_tags", volumes), ("other_tags", others)].map(|(name, list)| (name, shortened(list.join(","))));
    for change in changes {
        match answered.get(&change.resource_id).and_then(|entry| member::member(*entry, "tagSet")) {
            Some(set) => {
                let mut reading =
                    Reading { edit: TagEdit { operation: change.tags.operation, ..TagEdit::default() }, fault: None };
                reading.pairs(set, TagMember { name: "", keys: false, map: false });
                if !reading.edit.set.is_empty() {
                    change.tags = reading.edit;
                }
            }
            None => change.tags.partial |= template,
        }
        for (name, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
            change.details.push((name, list.clone().into()));
        }
    }
}

fn shortened(mut text: String) -> String {
    if text.len() > member::LONGEST {
        text.truncate(text.floor_char_boundary(member::LONGEST));
        text.push('…');
    }
    text
}

/// The state that each instance was in before it was started, stopped or terminated.
pub(crate) fn previous_states<'a>(call: &Call<'_, 'a>, changes: &mut [Change<'a>]) {
    let answered = answered(call);
    for change in changes {
        let before = answered.get(&change.resource_id).and_then(|entry| member::member(*entry, "previousState"));
        if let Some(name) = before.and_then(|state| member::text(state, "name")) {
            change.details.push(("previous_state", name));
        }
    }
}

/// Which attribute was changed, and to what. User data is named, never shown.
pub(crate) fn attribute<'a>(call: &Call<'_, 'a>, details: &mut Vec<(&'static str, Text<'a>)>) {
    let Some(request) = call.request else { return };
    let named = member::text(request, "attribute");
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for (key, value) in request.members() {
        let name = key.str();
        if ["instanceId", "attribute", "value", "dryRun"].iter().any(|known| name.eq_ignore_ascii_case(known)) {
            continue;
        }
        let secret = name.eq_ignore_ascii_case("userData");
        names.push(name.into_owned());
        if !secret {
            member::walk(value, "groupId", &mut |id| values.extend(id.text().map(Text::into_owned)));
            member::texts(value, &mut |text| values.push(text.into_owned()));
        }
    }
    let secret = named.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("userData"));
    if let (Some(value), false) = (member::text(request, "value"), secret) {
        values.push(value.into_owned());
    }
    names.extend(named.map(Text::into_owned));
    if !names.is_empty() {
        details.push(("attribute", names.join(",").into()));
    }
    if !values.is_empty() {
        details.push(("value", values.join(",").into()));
    }
}
