//! Events that report a state without an actor: tags and instance states as they are now.

use rustc_hash::FxHashSet;
use tagwarden_core::{Change, Event, Family, TagEdit, TagOperation, Text};
use tagwarden_json::Node;

use crate::arn::{self, Target};
use crate::member;
use crate::normalise::change;

/// `detail` of the envelope; the record itself where there is none.
fn detail<'a>(event: &Event<'a>) -> Node<'a> {
    event.envelope.get("detail").unwrap_or(event.record)
}

/// The envelope's `resources`.
fn resources<'a>(event: &Event<'a>) -> Vec<Target<'a>> {
    let mut out = Vec::new();
    if let Some(list) = event.envelope.get("resources") {
        member::texts(list, &mut |arn| {
            out.push(if arn::is_arn(&arn) { arn::from_arn(arn) } else { Target { id: arn, ..Target::default() } });
        });
    }
    out
}

/// "Tag Change on Resource": all tags as they are now; a changed key that is not among them was removed.
pub(crate) fn tag_state<'a>(event: &Event<'a>, out: &mut Vec<Change<'a>>) {
    let detail = detail(event);
    let mut edit = TagEdit { operation: Some(TagOperation::State), ..TagEdit::default() };
    match detail.get("tags") {
        Some(tags) => {
            for (key, value) in tags.members() {
                edit.set.push((key.str(), value.text().unwrap_or_default()));
            }
        }
        None => edit.partial = true,
    }
    let mut changed = Vec::new();
    if let Some(keys) = detail.get("changed-tag-keys") {
        member::texts(keys, &mut |key| changed.push(key));
    }
    let there: FxHashSet<&Text<'a>> = edit.set.iter().map(|(key, _)| key).collect();
    let gone = changed.iter().filter(|key| !there.contains(key));
    edit.remove = gone.map(|key| (key.clone(), None)).collect();
    let mut details: Vec<(&'static str, Text<'a>)> = vec![("changed_tag_keys", changed.join(",").into())];
    for (name, member) in
        [("tag_policy_compliant", "tag-policy-compliant"), ("service", "service"), ("tagged_type", "resource-type")]
    {
        if let Some(text) = detail.get(member).and_then(|node| node.text()) {
            details.push((name, text));
        }
    }
    let mut targets = resources(event);
    if targets.is_empty() {
        targets.push(Target::default());
    }
    for target in targets {
        let mut change = change(Family::Tags, "tags_reported", target);
        change.tags = edit.clone();
        change.details.clone_from(&details);
        out.push(change);
    }
}

/// "EC2 Instance State-change Notification".
pub(crate) fn instance_state<'a>(event: &Event<'a>, out: &mut Vec<Change<'a>>) {
    let detail = detail(event);
    let target = match detail.get("instance-id").and_then(|node| node.str()) {
        Some(id) => arn::from_id("AWS::EC2::Instance", id, event),
        None => resources(event).into_iter().next().unwrap_or_default(),
    };
    let mut change = change(Family::Instance, "instance_state_reported", target);
    change.details.extend(detail.get("state").and_then(|node| node.text()).map(|state| ("state", state)));
    out.push(change);
}
