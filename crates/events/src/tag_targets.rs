//! Which resources a tag operation names.

use rustc_hash::FxHashMap;
use tagwarden_core::{Event, TagEdit, Text};
use tagwarden_json::{Kind, Node};

use crate::arn::{self, Target};
use crate::member::{self, Call};
use crate::tables::TagRow;
use crate::tags::Reading;

/// The resources of a tag operation in the order of the request; empty if it names none.
pub(crate) fn targets<'a>(call: &Call<'_, 'a>, row: &TagRow) -> Vec<Target<'a>> {
    let event = call.event;
    if event.source.starts_with("s3.") && event.action.contains("Object") {
        return object(call).into_iter().collect();
    }
    for path in &row.resources {
        let mut found = Vec::new();
        call.first(path, &mut |id| found.push(arn::from_id(type_of(call, path), id, event)));
        if found.is_empty() {
            // Lake Formation names its resource by a structure: its first text will have to do.
            let node = call.request.and_then(|request| member::member(request, path));
            let node = node.filter(|node| node.kind() == Kind::Object);
            found.extend(node.and_then(first_text).map(|id| Target { id, ..Target::default() }));
        }
        if !found.is_empty() {
            return found;
        }
    }
    recorded(event).or_else(|| refused(event)).into_iter().collect()
}

fn first_text(node: Node<'_>) -> Option<Text<'_>> {
    node.members().find_map(|(_, value)| match value.kind() {
        Kind::Object => first_text(value),
        _ => value.str().filter(|text| !text.is_empty()),
    })
}

/// `bucket/key` of a call about one object.
pub(crate) fn object<'a>(call: &Call<'_, 'a>) -> Option<Target<'a>> {
    let (bucket, key) = (call.one("bucketName|Bucket")?, call.one("key"));
    Some(match key {
        Some(key) => arn::from_id("AWS::S3::Object", Text::Owned(format!("{bucket}/{key}")), call.event),
        None => arn::from_id("AWS::S3::Bucket", bucket, call.event),
    })
}

/// The first entry of CloudTrail's own `resources` list that names anything.
pub(crate) fn recorded<'a>(event: &Event<'a>) -> Option<Target<'a>> {
    let resources = event.record.get("resources")?;
    resources.elements().find_map(|entry| {
        let arn = entry.get("ARN").or_else(|| entry.get("arn")).or_else(|| entry.get("ARNPrefix"))?.str()?;
        let mut target = arn::from_arn(arn);
        if target.resource_type.is_empty() {
            target.resource_type = entry.get("type").and_then(|node| node.str()).unwrap_or_default();
        }
        Some(target)
    })
}

/// The resource that the message of a refusal names: such an event may carry no request.
pub(crate) fn refused<'a>(event: &Event<'a>) -> Option<Target<'a>> {
    event.error_code.as_ref()?;
    let message = event.record.get("errorMessage")?.str()?;
    let (_, rest) = message.split_once("on resource: ")?;
    let arn = rest.split([' ', ',']).next()?;
    (arn::is_arn(arn) && !arn.ends_with('*')).then(|| arn::from_arn(Text::Owned(arn.to_owned())))
}

/// The type behind a member that holds an id, not an ARN.
fn type_of(call: &Call<'_, '_>, path: &str) -> &'static str {
    let source = call.event.source.as_ref();
    let service = source.split('.').next().unwrap_or(source);
    let member = path.to_ascii_lowercase();
    let word = || call.one("resourceType").unwrap_or_default();
    match (service, member.as_str()) {
        ("s3", "bucketname" | "bucket") => "AWS::S3::Bucket",
        ("iam", "rolename") => "AWS::IAM::Role",
        ("iam", "username") => "AWS::IAM::User",
        ("iam", "instanceprofilename") => "AWS::IAM::InstanceProfile",
        ("iam", "servercertificatename") => "AWS::IAM::ServerCertificate",
        ("iam", "serialnumber") => "AWS::IAM::VirtualMFADevice",
        ("kms", _) => "AWS::KMS::Key",
        ("sqs", _) => "AWS::SQS::Queue",
        ("logs", "loggroupname") => "AWS::Logs::LogGroup",
        ("secretsmanager", _) => "AWS::SecretsManager::Secret",
        ("firehose", _) => "AWS::KinesisFirehose::DeliveryStream",
        ("kinesis", "streamname") => "AWS::Kinesis::Stream",
        ("elasticfilesystem", "filesystemid") => "AWS::EFS::FileSystem",
        ("elasticloadbalancing", "loadbalancernames") => "AWS::ElasticLoadBalancing::LoadBalancer",
        ("elasticmapreduce", _) => "AWS::EMR::Cluster",
        ("lambda", _) => "AWS::Lambda::Function",
        ("workspaces", _) => "AWS::WorkSpaces::Workspace",
        ("cloudtrail", _) => "AWS::CloudTrail::Trail",
        ("ssm", "resourceid") => match word().as_ref() {
            "Parameter" => "AWS::SSM::Parameter",
            "Document" => "AWS::SSM::Document",
            "MaintenanceWindow" => "AWS::SSM::MaintenanceWindow",
            "PatchBaseline" => "AWS::SSM::PatchBaseline",
            "ManagedInstance" => "AWS::SSM::ManagedInstance",
            "Association" => "AWS::SSM::Association",
            _ => "",
        },
        ("route53", "resourceid") => match word().as_ref() {
            "hostedzone" => "AWS::Route53::HostedZone",
            "healthcheck" => "AWS::Route53::HealthCheck",
            _ => "",
        },
        _ => "",
    }
}

/// Auto Scaling names a resource in each tag: the tags by resource, in the order in which resources first occur.
pub(crate) fn by_resource<'a>(call: &Call<'_, 'a>, removing: bool) -> Vec<(Target<'a>, Reading<'a>)> {
    let mut out: Vec<(Target<'a>, Reading<'a>)> = Vec::new();
    let mut places: FxHashMap<Text<'a>, usize> = FxHashMap::default();
    let Some(tags) = call.request.and_then(|request| member::member(request, "tags")) else { return out };
    member::walk(tags, "", &mut |node| {
        let inner = if member::member(node, "resourceId").is_none() { member::unwrapped(node) } else { None };
        for tag in inner.unwrap_or(node).one_or_many() {
            let Some(id) = member::text(tag, "resourceId") else { continue };
            let at = *places.entry(id.clone()).or_insert_with(|| {
                let target = arn::from_id("AWS::AutoScaling::AutoScalingGroup", id, call.event);
                out.push((target, Reading { edit: TagEdit::default(), fault: None }));
                out.len() - 1
            });
            let Some((_, reading)) = out.get_mut(at) else { continue };
            if removing {
                reading.keys(tag, false);
            } else {
                reading.pairs(tag, crate::tables::TagMember { name: "", keys: false, map: false });
            }
        }
    });
    out
}
