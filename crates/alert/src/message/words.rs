//! Changes in plain words.

use tagwarden_core::{Disposition, TagOp, Via};

use super::fit::cut;
use crate::{Offer, TagChange};

/// Change kinds whose own word does not read well, and whether the resource follows directly or after `on`.
const PHRASES: &[(&str, &str, &str)] = &[
    ("access_key_created", "created an access key for", ""),
    ("access_key_deleted", "deleted an access key of", ""),
    ("access_key_changed", "changed an access key of", ""),
    ("bucket_encryption_removed", "removed default encryption", "on"),
    ("bucket_policy_changed", "changed the bucket policy", "on"),
    ("bucket_policy_removed", "removed the bucket policy", "on"),
    ("console_login", "signed in to the console", "as"),
    ("detector_deleted", "deleted GuardDuty detector", ""),
    ("flow_logs_deleted", "deleted flow logs", ""),
    ("inline_policy_changed", "changed an inline policy", "on"),
    ("instance_launched", "launched instance", ""),
    ("instance_state_reported", "instance state reported", "on"),
    ("key_deletion_scheduled", "scheduled deletion of key", ""),
    ("mfa_deactivated", "switched MFA off", "for"),
    ("other_change", "", "on"),
    ("parameter_read", "read parameter", ""),
    ("password_read", "read the administrator's password", "of"),
    ("public_access_block_changed", "changed the public access block", "on"),
    ("public_access_block_removed", "removed the public access block", "on"),
    ("read", "", "on"),
    ("role_assumed", "assumed role", ""),
    ("secret_read", "read secret", ""),
    ("security_group_rules_changed", "changed rules", "on"),
    ("trail_changed", "changed trail", ""),
    ("trail_stopped", "stopped logging of trail", ""),
    ("trust_policy_changed", "changed the trust policy", "on"),
];

/// Verbs after which the resource follows directly: what the kind names is the resource itself.
const DIRECT: &[&str] = &[
    "created",
    "deleted",
    "disabled",
    "enabled",
    "launched",
    "rebooted",
    "released",
    "restored",
    "started",
    "stopped",
    "terminated",
];

/// Longest parts of the phone's line: actor, value, resource, account. The first that fits is taken.
const LIMITS: [[usize; 4]; 3] = [[60, 60, 80, 60], [36, 28, 48, 32], [24, 14, 30, 20]];
/// Most resources that a sentence about several names.
const NAMED: usize = 3;

/// `who did what, old → new, on what (where)` in at most 150 characters.
pub(crate) fn sentence(offer: &Offer) -> String {
    sentence_within(offer, super::LINE)
}

/// As [`sentence`], in at most `most` characters.
pub(super) fn sentence_within(offer: &Offer, most: usize) -> String {
    let line = |limits: [usize; 4]| line(offer, limits, &cut(resource(offer), limits[2]));
    fitting(most, line)
}

/// As [`sentence`], of what was done to all of `resources`, of which the first are named; of none if it is empty.
pub(super) fn sentence_on(offer: &Offer, resources: &[&str]) -> String {
    let line = |limits: [usize; 4]| {
        let named: Vec<_> = resources.iter().take(NAMED).map(|name| cut(name, limits[3])).collect();
        let more = match resources.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        line(offer, limits, &(named.join(", ") + &more))
    };
    fitting(super::LINE, line)
}

/// What is said, with the first of the limits by which it fits.
fn fitting(most: usize, line: impl Fn([usize; 4]) -> String) -> String {
    let mut lines = LIMITS.into_iter().map(line);
    let fits = lines.by_ref().take(LIMITS.len() - 1).find(|line| line.chars().count() <= most);
    fits.or_else(|| lines.next()).map_or_else(String::new, |line| cut(&line, most))
}

fn line(offer: &Offer, [who, value, _, account]: [usize; 4], on: &str) -> String {
    let lead = if unusual(offer) { "Unusual: " } else { "" };
    let (act, joint) = phrase(offer, value);
    let denied = if offer.error_code.is_some() { "was denied: " } else { "" };
    let mut line = format!("{lead}{} {denied}{act}", cut(&actor(offer), who));
    // Who signs in as oneself is named already.
    if !on.is_empty() && offer.human.as_deref() != Some(on) {
        line += if joint.is_empty() { "" } else { " " };
        line += joint;
        line += " ";
        line += on;
    }
    let place = account_name(offer);
    if place.is_empty() { line } else { format!("{line} ({})", cut(place, account)) }
}

/// The headline: the first rule that hit, else what is unusual, and where.
pub(super) fn title(offer: &Offer) -> String {
    let what = match offer.rules.first() {
        Some(rule) => rule.title.clone(),
        None if unusual(offer) => format!("Unusual: {}", sort(offer)),
        None => sort(offer),
    };
    match account_name(offer) {
        "" => what,
        account => format!("{} · {account}", cut(&what, super::LINE - 40)),
    }
}

/// Told although no rule hit: nothing else says why.
fn unusual(offer: &Offer) -> bool {
    offer.rules.is_empty() && matches!(offer.disposition, Disposition::Notify | Disposition::Page)
}

/// What was done, without object and values: the same for changes that read as repeats of each other.
pub(super) fn sort(offer: &Offer) -> String {
    let denied = if offer.error_code.is_some() { "denied: " } else { "" };
    let tags = ranked(offer);
    if let Some(main) = tags.first().filter(|_| offer.kind.starts_with("tags_")) {
        let verb = match (main.op, &main.new) {
            (TagOp::Added, _) => "added",
            (TagOp::Modified, _) => "changed",
            (TagOp::Removed, _) | (_, None) => "removed",
            _ => "set",
        };
        let more = if tags.len() > 1 { format!(" and {} more", tags.len() - 1) } else { String::new() };
        return format!("{denied}{verb} tag {}{more}", cut(&main.key, 40));
    }
    let act = phrase(offer, 40).0;
    let bare = [" for", " of"].iter().find_map(|end| act.strip_suffix(end)).unwrap_or(&act);
    format!("{denied}{bare}")
}

/// Label and value for each thing worth knowing beside the sentence: who exactly, by which call, all tags, where.
pub(super) fn fields(offer: &Offer) -> Vec<(String, String)> {
    let mut fields = vec![("Who", who(offer)), ("Call", call(offer))];
    let tags = ranked(offer);
    // One short tag is in the sentence already.
    let long = tags.iter().any(|tag| [&tag.old, &tag.new].into_iter().flatten().any(|v| v.chars().count() > 24));
    if tags.len() > 1 || long || !offer.kind.starts_with("tags_") {
        let old_new: Vec<String> = tags.iter().take(5).map(|tag| delta(tag, 80)).collect();
        let more = tags.len().saturating_sub(5);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        fields.push(("Tags", old_new.join(", ") + &more));
    }
    if !offer.missing_tags.is_empty() {
        fields.push(("Missing tags", offer.missing_tags.join(", ")));
    }
    fields.push(("Resource", object(offer)));
    fields.push(("Where", place(offer)));
    if let Some(owner) = &offer.owner {
        fields.push(("Owner", owner.clone()));
    }
    fields.retain(|(_, value)| !value.is_empty());
    fields.into_iter().map(|(label, value)| (label.to_owned(), value)).collect()
}

/// A reason with the names that people use in place of ids, where there are names.
pub(super) fn plain(reason: &str, offer: &Offer) -> String {
    let mut text = reason.to_owned();
    let mut put = |id: &str, name: &str| {
        // Short ids could be part of other words.
        if id.len() > 5 && id != name && !name.is_empty() {
            text = text.replace(id, name);
        }
    };
    put(&offer.actor, &actor(offer));
    put(&offer.resource_id, resource(offer));
    if let Some(name) = &offer.account_name {
        put(&offer.account_id, name);
    }
    text
}

/// Who, in one short word: the person's mail name, else the last part of what else names the actor.
pub(super) fn actor(offer: &Offer) -> String {
    if let Some(human) = offer.human.as_deref().filter(|human| !human.is_empty()) {
        return human.split('@').next().filter(|name| !name.is_empty()).unwrap_or(human).to_owned();
    }
    if offer.root {
        return "root".to_owned();
    }
    let name = [offer.principal.as_deref(), Some(offer.actor.as_str()), offer.session.as_deref()];
    let name = name.into_iter().flatten().map(tail).find(|name| !name.is_empty());
    name.unwrap_or("unknown actor").to_owned()
}

/// The resource as a person knows it: its name, else its id; empty if the request names none.
pub(super) fn resource(offer: &Offer) -> &str {
    let name = offer.resource_name.as_deref().filter(|name| !name.is_empty());
    name.unwrap_or_else(|| {
        let wrapped = offer.resource_id.starts_with("arn:") || offer.resource_id.starts_with("AWSReservedSSO_");
        if wrapped { tail(&offer.resource_id) } else { &offer.resource_id }
    })
}

pub(super) fn account_name(offer: &Offer) -> &str {
    offer.account_name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&offer.account_id)
}

/// What follows the last `/` or, in an ARN, the last `:`.
fn tail(text: &str) -> &str {
    let text = text.rsplit('/').next().unwrap_or(text);
    text.rsplit(':').next().unwrap_or(text)
}

/// What was done and the word between it and the resource.
fn phrase(offer: &Offer, value: usize) -> (String, &'static str) {
    if let Some(main) = ranked(offer).first().filter(|_| offer.kind.starts_with("tags_")) {
        let more = offer.tags.len() - 1;
        let more = match more {
            0 => String::new(),
            1 => " and 1 more tag".to_owned(),
            more => format!(" and {more} more tags"),
        };
        return (edit(main, value) + &more, "on");
    }
    if let Some(opened) = ports(offer) {
        return (cut(&opened, value.max(40)), "on");
    }
    if let Some((_, words, joint)) = PHRASES.iter().find(|(kind, ..)| *kind == offer.kind) {
        if words.is_empty() {
            return (format!("called {}", cut(&offer.event_name, value)), joint);
        }
        return ((*words).to_owned(), joint);
    }
    let (noun, verb) = offer.kind.rsplit_once('_').unwrap_or(("", &offer.kind));
    let noun = noun.replace('_', " ");
    let joint = if DIRECT.contains(&verb) { "" } else { "on" };
    (format!("{verb} {noun}").trim().to_owned(), joint)
}

/// `opened port 22 to 0.0.0.0/0`, from the facts of a security group's rule.
fn ports(offer: &Offer) -> Option<String> {
    let verb = match offer.kind.as_str() {
        "ingress_opened" | "egress_opened" => "opened",
        "ingress_closed" | "egress_closed" => "closed",
        _ => return None,
    };
    let (from, to) = (detail(offer, "from_port"), detail(offer, "to_port"));
    let port = match (detail(offer, "world_ports").filter(|_| verb == "opened"), from, to) {
        (Some(world), ..) => format!("port {world}"),
        (None, Some(from), Some(to)) if from != to && from != "-1" => format!("ports {from}-{to}"),
        (None, Some(from), _) if from != "-1" => format!("port {from}"),
        _ => "all ports".to_owned(),
    };
    let way = if offer.kind.starts_with("egress") { " for outgoing traffic" } else { "" };
    let preposition = if verb == "opened" { "to" } else { "for" };
    let peer = detail(offer, "cidr").map(|cidr| format!(" {preposition} {cidr}")).unwrap_or_default();
    Some(format!("{verb} {port}{way}{peer}"))
}

fn detail<'a>(offer: &'a Offer, name: &str) -> Option<&'a str> {
    offer.details.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|v| !v.is_empty())
}

/// The tags' changes, the most telling first: the environment's key, then changed, removed, added ones.
fn ranked(offer: &Offer) -> Vec<&TagChange> {
    let mut tags: Vec<&TagChange> = offer.tags.iter().filter(|tag| tag.op != TagOp::Unchanged).collect();
    let moved = offer.environment_before != offer.environment;
    tags.sort_by_key(|tag| {
        let environment = moved && tag.key.to_ascii_lowercase().contains("env");
        let op = match tag.op {
            TagOp::Modified => 0,
            TagOp::Removed => 1,
            TagOp::Unknown => 2,
            TagOp::Added => 3,
            TagOp::Unchanged => 4,
        };
        (!environment, op)
    });
    tags
}

fn delta(tag: &TagChange, value: usize) -> String {
    let side =
        |side: &Option<String>, absent: &'static str| side.as_deref().map_or(absent.to_owned(), |v| cut(v, value));
    let unknown_old = if tag.op == TagOp::Added { "none" } else { "unknown" };
    let absent_new = if tag.op == TagOp::Removed { "removed" } else { "unknown" };
    format!("{} {} → {}", cut(&tag.key, value), side(&tag.old, unknown_old), side(&tag.new, absent_new))
}

/// What was done to one tag, as a part of a sentence.
fn edit(tag: &TagChange, value: usize) -> String {
    let key = cut(&tag.key, value);
    let cut = |text: &str| if text.is_empty() { "\"\"".to_owned() } else { cut(text, value) };
    match (&tag.old, &tag.new) {
        (Some(old), Some(new)) => format!("changed {key} {} → {}", cut(old), cut(new)),
        (Some(old), None) => format!("removed {key} (was {})", cut(old)),
        (None, Some(new)) if tag.op == TagOp::Added => format!("added {key} = {}", cut(new)),
        (None, Some(new)) => format!("set {key} unknown → {}", cut(new)),
        (None, None) => format!("removed {key} (was unknown)"),
    }
}

/// The person, and the credentials that were used.
fn who(offer: &Offer) -> String {
    let short = actor(offer);
    let name = offer.human.clone().filter(|human| !human.is_empty()).unwrap_or_else(|| short.clone());
    let mut through: Vec<String> = offer.chain.iter().map(|step| credential(step)).collect();
    through.extend(offer.principal.as_deref().map(credential));
    through.dedup();
    through.retain(|step| !step.is_empty() && *step != name && *step != short);
    let through = if through.is_empty() { String::new() } else { format!(" through {}", through.join(" → ")) };
    let via = match offer.via {
        Via::Console => " (console)",
        Via::Iac => " (infrastructure as code)",
        Via::Service => " (an AWS service)",
        Via::Api => "",
    };
    format!("{name}{through}{via}")
}

/// A role, user or session by the name that people gave it: IAM Identity Center wraps those of permission sets.
fn credential(step: &str) -> String {
    let name = if step.starts_with("arn:") { tail(step) } else { step };
    let set = name.strip_prefix("AWSReservedSSO_").and_then(|rest| rest.rsplit_once('_'));
    cut(set.map_or(name, |(set, _)| set), 60)
}

fn call(offer: &Offer) -> String {
    let service = offer.event_source.split('.').next().unwrap_or_default();
    let denied = offer.error_code.as_ref().map(|code| format!(", denied ({code})")).unwrap_or_default();
    format!("{service} {}{denied}", offer.event_name)
}

fn object(offer: &Offer) -> String {
    let kind = offer.resource_type.strip_prefix("AWS::").unwrap_or(&offer.resource_type).replace("::", " ");
    let name = resource(offer);
    let id = if name == offer.resource_id || offer.resource_id.is_empty() {
        String::new()
    } else {
        format!(" ({})", offer.resource_id)
    };
    format!("{kind} {name}{id}").trim().to_owned()
}

fn place(offer: &Offer) -> String {
    let mut parts = Vec::new();
    match (&offer.account_name, offer.account_id.as_str()) {
        (Some(name), "") => parts.push(name.clone()),
        (Some(name), id) => parts.push(format!("{name} ({id})")),
        (None, "") => {}
        (None, id) => parts.push(id.to_owned()),
    }
    if !offer.region.is_empty() {
        parts.push(offer.region.clone());
    }
    match (&offer.environment_before, &offer.environment) {
        (Some(before), Some(after)) if before != after => parts.push(format!("{before} → {after}")),
        (Some(environment), _) | (None, Some(environment)) => parts.push(environment.clone()),
        (None, None) => {}
    }
    parts.join(", ")
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
