//! From an id to its ARN and type, and back.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;
use tagwarden_core::{Event, Text};

use crate::tables::rows;

/// One row of the resource types.
#[derive(Debug)]
struct TypeRow {
    name: &'static str,
    service: &'static str,
    regional: bool,
    account: bool,
    /// What the resource part starts with and the id leaves out.
    stripped: &'static str,
    /// What the resource part, or what follows `stripped`, must start with.
    kept: &'static str,
    /// For resource parts with a variable middle: what stands right before the id.
    after: Option<&'static str>,
    cut: &'static str,
    id_prefix: &'static str,
    build: bool,
}

struct Types {
    by_name: FxHashMap<&'static str, TypeRow>,
    /// Longest prefix first.
    by_service: FxHashMap<&'static str, Vec<TypeRow>>,
    /// EC2's id prefixes (`i-`), longest first.
    ec2: Vec<(&'static str, &'static str)>,
}

static TYPES: LazyLock<Types> = LazyLock::new(Types::read);

impl Types {
    fn read() -> Self {
        let parse = |[name, service, scope, prefix, cut, id_prefix, build]: [&'static str; 7]| {
            let (prefix, after) = prefix.split_once('*').map_or((prefix, None), |(head, tail)| (head, Some(tail)));
            let (stripped, kept) = prefix.split_once('|').unwrap_or((prefix, ""));
            let (regional, account) = (scope.contains('r'), scope.contains('a'));
            TypeRow { name, service, regional, account, stripped, kept, after, cut, id_prefix, build: build == "y" }
        };
        let table = include_str!("../tables/resource_types.csv");
        let mut by_name = FxHashMap::default();
        let mut by_service: FxHashMap<&'static str, Vec<TypeRow>> = FxHashMap::default();
        for cells in rows::<7>(table) {
            by_name.entry(cells[0]).or_insert_with(|| parse(cells));
            by_service.entry(cells[1]).or_default().push(parse(cells));
        }
        for rows in by_service.values_mut() {
            rows.sort_by_key(|row| std::cmp::Reverse((row.after.is_some(), row.stripped.len() + row.kept.len())));
        }
        let mut ec2: Vec<_> = by_service
            .get("ec2")
            .into_iter()
            .flatten()
            .filter(|row| !row.id_prefix.is_empty())
            .map(|row| (row.id_prefix, row.name))
            .collect();
        ec2.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        Self { by_name, by_service, ec2 }
    }
}

/// What a change was done to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// CloudFormation's type name; empty if unknown.
    pub(crate) resource_type: Text<'a>,
    /// The same for one resource however a call names it: the name of a queue, not its URL; the id in an ARN.
    pub(crate) id: Text<'a>,
    pub(crate) arn: Option<Text<'a>>,
    pub(crate) name: Option<Text<'a>>,
}

/// A part of `text` without a copy, if `text` itself is borrowed.
fn part<'a>(text: &Text<'a>, cut: impl Fn(&str) -> &str) -> Text<'a> {
    match text {
        Text::Borrowed(text) => Text::Borrowed(borrowed(text, &cut)),
        Text::Owned(text) => Text::Owned(cut(text).to_owned()),
    }
}

fn borrowed<'a>(text: &'a str, cut: &impl Fn(&str) -> &str) -> &'a str {
    let inner = cut(text);
    // `cut` returns a part of what it is given; its place tells which.
    let start = (inner.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    text.get(start..start + inner.len()).unwrap_or("")
}

/// Whether `text` has the form of an ARN.
pub(crate) fn is_arn(text: &str) -> bool {
    text.starts_with("arn:") && text.bytes().filter(|b| *b == b':').count() >= 5
}

/// Service, account and resource of `arn:<partition>:<service>:<region>:<account>:<resource>`; what is missing is
/// empty.
fn fields(arn: &str) -> [&str; 3] {
    let mut ends = [arn.len(); 5];
    let colons = arn.bytes().enumerate().filter(|(_, byte)| *byte == b':').map(|(at, _)| at);
    ends.iter_mut().zip(colons).for_each(|(end, at)| *end = at);
    let [_, partition, service, region, account] = ends;
    let between = |from: usize, to: usize| arn.get(from + 1..to).unwrap_or("");
    [between(partition, service), between(region, account), between(account, arn.len())]
}

/// The resource that an ARN names. A type that the table does not know stays empty.
pub(crate) fn from_arn(arn: Text<'_>) -> Target<'_> {
    let [service, account, resource] = fields(&arn);
    if service == "s3" && account.is_empty() {
        let name = if resource.contains('/') { "AWS::S3::Object" } else { "AWS::S3::Bucket" };
        return Target { resource_type: name.into(), id: part(&arn, after_fifth_colon), arn: Some(arn), name: None };
    }
    let row = TYPES.by_service.get(service).and_then(|rows| {
        rows.iter().find(|row| {
            let rest = resource.strip_prefix(row.stripped).filter(|_| service != "s3" || !row.stripped.is_empty());
            rest.is_some_and(|rest| rest.starts_with(row.kept) && row.after.is_none_or(|after| rest.contains(after)))
        })
    });
    let (resource_type, id) = match row {
        Some(row) if row.name == "AWS::SSM::Parameter" => (row.name, part(&arn, parameter_name)),
        Some(row) => (row.name, part(&arn, |arn| row.id_in(after_fifth_colon(arn)))),
        None => ("", part(&arn, |arn| tail(after_fifth_colon(arn)))),
    };
    Target { resource_type: resource_type.into(), id, arn: Some(arn), name: None }
}

fn after_fifth_colon(arn: &str) -> &str {
    let [_, _, resource] = fields(arn);
    resource
}

/// `parameter/a/b` is the parameter `/a/b`, `parameter/a` is `a`.
fn parameter_name(arn: &str) -> &str {
    let resource = after_fifth_colon(arn);
    match resource.strip_prefix("parameter/") {
        Some(name) if !name.contains('/') => name,
        _ => resource.strip_prefix("parameter").unwrap_or(resource),
    }
}

/// What follows the first `/` or `:`.
fn tail(resource: &str) -> &str {
    resource.split_once(['/', ':']).map_or(resource, |(_, tail)| tail)
}

impl TypeRow {
    fn id_in<'r>(&self, resource: &'r str) -> &'r str {
        let rest = resource.strip_prefix(self.stripped).unwrap_or(resource);
        let rest = match self.after {
            Some(after) => rest.split_once(after).map_or(rest, |(_, rest)| rest),
            None => rest,
        };
        match self.cut {
            "" => rest,
            "last" => rest.rsplit('/').next().unwrap_or(rest),
            cut => rest.split(cut).next().unwrap_or(rest),
        }
    }
}

/// The resource that a call names by `id`, which may be an ARN, of the type `resource_type` (may be empty).
pub(crate) fn from_id<'a>(resource_type: &'static str, id: Text<'a>, event: &Event<'a>) -> Target<'a> {
    if is_arn(&id) {
        let mut target = from_arn(id);
        if target.resource_type.is_empty() || resource_type == "AWS::SSM::Session" {
            target.resource_type = resource_type.into();
        }
        return target;
    }
    if let Some(target) = queue(&id, event) {
        return target;
    }
    let resource_type =
        if resource_type.is_empty() && event.source.starts_with("ec2.") { ec2_type(&id) } else { resource_type };
    let arn = TYPES.by_name.get(resource_type).and_then(|row| row.arn(&id, event));
    Target { resource_type: resource_type.into(), id, arn: arn.map(Text::Owned), name: None }
}

/// EC2's type of an id such as `i-0123`.
pub(crate) fn ec2_type(id: &str) -> &'static str {
    // Most prefixes differ in their first letter; a look at it saves the call that compares texts.
    let first = id.as_bytes().first();
    let fits = |prefix: &str| prefix.as_bytes().first() == first && id.starts_with(prefix);
    TYPES.ec2.iter().find(|(prefix, _)| fits(prefix)).map_or("", |(_, name)| name)
}

/// The type behind EC2's word in a tag specification, such as `security-group`.
pub(crate) fn ec2_type_of_word(word: &str) -> &'static str {
    let rows = TYPES.by_service.get("ec2").into_iter().flatten();
    rows.into_iter().find(|row| row.stripped.strip_suffix('/') == Some(word)).map_or("", |row| row.name)
}

/// `https://sqs.eu-west-1.amazonaws.com/111122223333/jobs`: the queue `jobs`.
fn queue<'a>(url: &Text<'a>, event: &Event<'a>) -> Option<Target<'a>> {
    let rest = url.strip_prefix("https://")?;
    let mut parts = rest.split('/');
    let (host, account, name) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || !host.contains("sqs.") && !host.contains("queue.") || account.len() != 12 {
        return None;
    }
    let arn = ["arn:", partition(&event.region), ":sqs:", &event.region, ":", account, ":", name].concat();
    let id = part(url, |url| url.rsplit('/').next().unwrap_or(url));
    Some(Target { resource_type: "AWS::SQS::Queue".into(), id, arn: Some(arn.into()), name: None })
}

/// The partition that a region lies in.
fn partition(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ if region.starts_with("us-isob-") => "aws-iso-b",
        _ if region.starts_with("us-iso-") => "aws-iso",
        _ if region.starts_with("eusc-") => "aws-eusc",
        _ => "aws",
    }
}

impl TypeRow {
    fn arn(&self, id: &str, event: &Event<'_>) -> Option<String> {
        let account = if self.account { event.account_id.as_ref() } else { "" };
        let region = if self.regional { event.region.as_ref() } else { "" };
        if !self.build || id.is_empty() || id.bytes().any(|byte| matches!(byte, b' ' | b'*')) {
            return None;
        }
        if self.account && account.is_empty() || self.regional && region.is_empty() {
            return None;
        }
        // A key's alias and a key's id look alike only to the eye.
        if !self.id_prefix.is_empty() && !id.starts_with(self.id_prefix) || id.starts_with("alias/") {
            return None;
        }
        let id = if self.name == "AWS::SSM::Parameter" { id.trim_start_matches('/') } else { id };
        let partition = partition(&event.region);
        Some(["arn:", partition, ":", self.service, ":", region, ":", account, ":", self.stripped, id].concat())
    }
}
