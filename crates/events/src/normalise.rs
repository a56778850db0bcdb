//! From one event to the changes it made, one per resource.

use rustc_hash::FxHashMap;
use tagwarden_core::{Change, Event, EventKind, Family, TagEdit, TagOperation, Text};
use tagwarden_json::{Kind, Node};

use crate::arn::{self, Target};
use crate::member::{self, Call};
use crate::tables::{self, Reads, Row, TagRow};
use crate::tags::Reading;
use crate::{exposure, instance, policy, security_group, tag_targets, tags, witness};

/// Tags that all resources of one event may have together; the API's own limits allow 50,000.
const MOST_PAIRS: usize = 200_000;

/// Clears `out` and fills it with what `event` did: at least one change, in the order of the request.
///
/// A denied call normalises as if it had been allowed; the caller knows `event.error_code`.
pub fn normalise<'a>(event: &Event<'a>, out: &mut Vec<Change<'a>>) {
    out.clear();
    match event.kind {
        EventKind::TagState => witness::tag_state(event, out),
        EventKind::InstanceState => witness::instance_state(event, out),
        _ => call(event, out),
    }
    if out.is_empty() {
        out.push(change(Family::Generic, "other_change", Target::default()));
    }
    for (ordinal, change) in out.iter_mut().enumerate() {
        change.ordinal = u32::try_from(ordinal).unwrap_or(u32::MAX);
    }
    if let (Some(fault), Some(first)) = (&event.fault, out.first_mut()) {
        push_fault(&mut first.details, fault.clone());
    }
}

/// A change to `target` with nothing else known.
pub(crate) fn change<'a>(family: Family, kind: &'static str, target: Target<'a>) -> Change<'a> {
    Change {
        ordinal: 0,
        family,
        kind,
        resource_type: target.resource_type,
        resource_id: target.id,
        resource_arn: target.arn,
        resource_name: target.name,
        tags: TagEdit::default(),
        details: Vec::new(),
    }
}

/// Keeps `fault` under one key, whoever found one before.
fn push_fault(details: &mut Vec<(&'static str, Text<'_>)>, fault: String) {
    match details.iter_mut().find(|(name, _)| *name == "fault") {
        Some((_, text)) => *text = format!("{fault}; {text}").into(),
        None => details.push(("fault", fault.into())),
    }
}

fn call<'a>(event: &Event<'a>, out: &mut Vec<Change<'a>>) {
    let known =
        if event.read_only && !is_told_apart(event) { None } else { tables::operation(&event.source, &event.action) };
    let row = known.and_then(|known| known.row.as_ref());
    if event.read_only && row.is_none_or(|row| !matches!(row.family, Family::SignIn | Family::Read)) {
        out.push(change(Family::Read, "read", tag_targets::recorded(event).unwrap_or_default()));
        return;
    }
    let call = Call::new(event);
    let creating = |row: &&TagRow| row.operation == TagOperation::Create;
    let tag_row = known.and_then(|known| known.tags.as_ref());
    if let Some(row) = tag_row.filter(|row| !creating(row)) {
        tag_change(&call, row, out);
    } else if let Some(row) = known.and_then(|known| known.row.as_ref()) {
        listed(&call, row, out);
        if let Some(tags) = tag_row {
            born_with(&call, tags, out);
        }
        if row.reads == Reads::Launch {
            instance::launch(&call, out);
        }
    } else if let Some(row) = tables::unlisted_tag_operation(&event.action).filter(|_| known.is_none()) {
        tag_change(&call, row, out);
    } else {
        out.push(change(Family::Generic, "other_change", guess(&call)));
        if let Some(tags) = tag_row {
            born_with(&call, tags, out);
        }
    }
}

/// Whether the tables are asked about a read: of sign-ins, and of what is kept secret.
fn is_told_apart(event: &Event<'_>) -> bool {
    ["sts.", "signin.", "sso.", "secretsmanager.", "ssm.", "ec2."]
        .iter()
        .any(|service| event.source.starts_with(service))
}

/// Which secret an event reads, as the `resource_id` of its first change; empty for every other event.
pub fn secret_read<'a>(event: &Event<'a>) -> Text<'a> {
    if !event.read_only || !is_told_apart(event) {
        return Text::default();
    }
    let row = tables::operation(&event.source, &event.action).and_then(|known| known.row.as_ref());
    let Some(row) = row.filter(|row| row.family == Family::Read) else { return Text::default() };
    targets(&Call::new(event), row).into_iter().next().map(|target| target.id).unwrap_or_default()
}

/// A tag operation on resources that are there.
fn tag_change<'a>(call: &Call<'_, 'a>, row: &TagRow, out: &mut Vec<Change<'a>>) {
    if call.event.source.starts_with("autoscaling.") && !call.event.action.ends_with("Resource") {
        let removing = row.operation == TagOperation::Remove;
        for (target, reading) in tag_targets::by_resource(call, removing) {
            let mut change = change(Family::Tags, "tags_changed", target);
            change.tags = TagEdit { operation: Some(row.operation), ..reading.edit };
            out.push(change);
        }
        if !out.is_empty() {
            return;
        }
    }
    let Reading { mut edit, fault } = tags::edit(call, row);
    let mut targets = tag_targets::targets(call, row);
    if targets.is_empty() {
        targets.push(Target::default());
    }
    let failed = call.response.and_then(|response| member::member(response, "failedResourcesMap"));
    let failed: FxHashMap<_, _> =
        failed.into_iter().flat_map(|failed| failed.members()).map(|(key, why)| (key.str(), why)).collect();
    let last = targets.len() - 1;
    let mut room = MOST_PAIRS;
    for (at, target) in targets.into_iter().enumerate() {
        let why = failed.get(target.arn.as_deref().unwrap_or(&target.id)).map(|entry| failure(*entry));
        let mut change = change(Family::Tags, "tags_changed", target);
        match why {
            Some(why) => change.details.push(("error", why.into())),
            None if at == last => change.tags = std::mem::take(&mut edit),
            None => give(&mut change, &edit, &mut room),
        }
        out.push(change);
    }
    if let (Some(fault), Some(first)) = (fault, out.first_mut()) {
        push_fault(&mut first.details, fault);
    }
}

/// Copies `edit` into `change` while there is room for it.
fn give<'a>(change: &mut Change<'a>, edit: &TagEdit<'a>, room: &mut usize) {
    if let Some(left) = room.checked_sub(edit.set.len() + edit.remove.len()) {
        *room = left;
        change.tags = edit.clone();
    } else {
        change.tags = TagEdit { operation: edit.operation, partial: true, ..TagEdit::default() };
        push_fault(&mut change.details, format!("found more than {MOST_PAIRS} tags on all resources of one event"));
    }
}

/// Why the tagging of one resource failed, as its entry in `failedResourcesMap` says.
fn failure(entry: Node<'_>) -> String {
    let code = member::text(entry, "errorCode").unwrap_or("failed".into());
    match member::text(entry, "errorMessage") {
        Some(message) => format!("{code}: {message}"),
        None => code.into_owned(),
    }
}

/// Gives created resources the tags they are born with.
fn born_with<'a>(call: &Call<'_, 'a>, row: &TagRow, changes: &mut [Change<'a>]) {
    // All resources of one call have one type, so they are born with the same tags.
    let Some(first) = changes.first() else { return };
    let Some(Reading { edit, fault }) = tags::creation(call, row, &first.resource_type) else { return };
    let mut room = MOST_PAIRS;
    for change in changes.iter_mut() {
        give(change, &edit, &mut room);
    }
    if let (Some(fault), Some(first)) = (fault, changes.first_mut()) {
        push_fault(&mut first.details, fault);
    }
}

/// A call that the table of families knows.
fn listed<'a>(call: &Call<'_, 'a>, row: &Row, out: &mut Vec<Change<'a>>) {
    let event = call.event;
    let mut details: Vec<(&'static str, Text<'a>)> = Vec::new();
    for (name, paths) in &row.details {
        if let Some(value) = call.joined(paths) {
            details.push((name, value));
        }
    }
    let mut kind = row.kind;
    match row.reads {
        Reads::Ingress => security_group::rules(call, "ingress", &mut details),
        Reads::Egress => security_group::rules(call, "egress", &mut details),
        Reads::ChangedRules => security_group::changed_rules(call, &mut details),
        Reads::AclEntry => security_group::acl_entry(call, &mut details),
        Reads::InstanceAttribute => instance::attribute(call, &mut details),
        Reads::Sharing => exposure::sharing(call, &mut details),
        Reads::Policy(path) => policy::facts(call, path, &mut details),
        Reads::PublicAccessBlock => exposure::public_access_block(call, &mut details),
        Reads::Acl => exposure::acl(call, &mut details),
        Reads::ConsoleLogin => kind = console_login(call, kind, &mut details),
        Reads::Nothing | Reads::Launch | Reads::PerItem | Reads::S3Object => {}
    }
    let name = call.one(row.name);
    let targets = targets(call, row);
    let last = targets.len().saturating_sub(1);
    for (at, mut target) in targets.into_iter().enumerate() {
        target.name = target.name.or_else(|| name.clone());
        let mut change = change(row.family, kind, target);
        change.details = if at == last { std::mem::take(&mut details) } else { details.clone() };
        out.push(change);
    }
    if row.reads == Reads::PerItem {
        instance::previous_states(call, out);
    }
    let odd = event.request.is_none()
        && event.record.get("requestParameters").is_some_and(|node| !matches!(node.kind(), Kind::Null | Kind::Object));
    if let (true, None, Some(first)) = (odd, &event.fault, out.first_mut()) {
        push_fault(&mut first.details, "found requestParameters that is no object".to_owned());
    }
}

/// What a listed call was done to; at least one target, if only its type.
fn targets<'a>(call: &Call<'_, 'a>, row: &Row) -> Vec<Target<'a>> {
    let event = call.event;
    if row.reads == Reads::S3Object
        && let Some(target) = tag_targets::object(call)
    {
        return vec![target];
    }
    let mut found = Vec::new();
    call.first(row.id, &mut |id| found.push(arn::from_id(row.resource_type, id, event)));
    match found.as_mut_slice() {
        [] => {
            let recorded = tag_targets::recorded(event)
                .or_else(|| tag_targets::refused(event))
                .filter(|target| row.resource_type.is_empty() || target.resource_type == row.resource_type);
            let empty = Target { resource_type: row.resource_type.into(), ..Target::default() };
            found.push(recorded.unwrap_or(empty));
        }
        // CloudTrail resolves what a request leaves open: a key's alias, a name without its suffix.
        [only] if only.arn.is_none() => {
            let recorded = tag_targets::recorded(event);
            if let Some(exact) = recorded.filter(|target| target.resource_type == only.resource_type) {
                *only = exact;
            }
        }
        _ => {}
    }
    found
}

/// Facts of a console sign-in; a failed one has a kind of its own.
fn console_login<'a>(
    call: &Call<'_, 'a>,
    kind: &'static str,
    details: &mut Vec<(&'static str, Text<'a>)>,
) -> &'static str {
    let facts = [
        ("result", "<ConsoleLogin"),
        ("mfa_used", "$additionalEventData.MFAUsed"),
        ("login_to", "$additionalEventData.LoginTo"),
        ("saml_provider", "$additionalEventData.SamlProviderArn"),
    ];
    let mut kind = kind;
    for (name, path) in facts {
        if let Some(value) = call.one(path) {
            if name == "result" && value == "Failure" {
                kind = "console_login_failed";
            }
            // The address carries session state after its question mark.
            let value =
                if name == "login_to" { value.split('?').next().unwrap_or("").to_owned().into() } else { value };
            details.push((name, value));
        }
    }
    kind
}

/// The resource of a call that no table knows: CloudTrail's own list, else a member that looks like an id.
fn guess<'a>(call: &Call<'_, 'a>) -> Target<'a> {
    if let Some(target) = tag_targets::recorded(call.event).or_else(|| tag_targets::refused(call.event)) {
        return target;
    }
    let Some(request) = call.request else { return Target::default() };
    let rank = |name: &str| {
        let name = name.to_ascii_lowercase();
        match () {
            () if name.contains("token") || name.contains("role") || name.contains("kms") => None,
            () if name.ends_with("arn") => Some(0),
            () if name.ends_with("id") || name.ends_with("identifier") => Some(1),
            () if name.ends_with("name") => Some(2),
            () => None,
        }
    };
    let named = request.members().filter_map(|(key, value)| {
        let text = value.str().filter(|text| !text.is_empty() && text != member::HIDDEN)?;
        Some((rank(key.raw())?, text))
    });
    let best = named.min_by_key(|(rank, _)| *rank);
    best.map(|(_, id)| arn::from_id("", id, call.event)).unwrap_or_default()
}
