//! Where a click leads: the resource in the console, the event in `CloudTrail`, the runbook.

use crate::Offer;

/// What a console address is made of.
enum Page {
    /// A page of the region: the path after `console.../`, `{region}` and `{id}` to be filled in.
    Regional(&'static str),
    /// A page that has no region of its own.
    Global(&'static str),
}

use Page::{Global, Regional};

/// Console pages by resource type. `{id}` is the last part of the resource's id, percent-encoded.
const PAGES: &[(&str, Page)] = &[
    ("AWS::CloudFormation::Stack", Regional("cloudformation/home?region={region}#/stacks?filteringText={id}")),
    ("AWS::DynamoDB::Table", Regional("dynamodbv2/home?region={region}#table?name={id}")),
    ("AWS::EC2::Instance", Regional("ec2/home?region={region}#InstanceDetails:instanceId={id}")),
    ("AWS::EC2::NetworkAcl", Regional("vpcconsole/home?region={region}#NetworkAclDetails:networkAclId={id}")),
    ("AWS::EC2::RouteTable", Regional("vpcconsole/home?region={region}#RouteTableDetails:RouteTableId={id}")),
    ("AWS::EC2::SecurityGroup", Regional("ec2/home?region={region}#SecurityGroup:groupId={id}")),
    ("AWS::EC2::Snapshot", Regional("ec2/home?region={region}#SnapshotDetails:snapshotId={id}")),
    ("AWS::EC2::Subnet", Regional("vpcconsole/home?region={region}#SubnetDetails:subnetId={id}")),
    ("AWS::EC2::VPC", Regional("vpcconsole/home?region={region}#VpcDetails:VpcId={id}")),
    ("AWS::EC2::Volume", Regional("ec2/home?region={region}#VolumeDetails:volumeId={id}")),
    ("AWS::EKS::Cluster", Regional("eks/clusters/{id}?region={region}")),
    ("AWS::GuardDuty::Detector", Regional("guardduty/home?region={region}#/settings")),
    ("AWS::IAM::Group", Global("iam/home#/groups/details/{id}")),
    ("AWS::IAM::Role", Global("iam/home#/roles/details/{id}")),
    ("AWS::IAM::User", Global("iam/home#/users/details/{id}")),
    ("AWS::KMS::Key", Regional("kms/home?region={region}#/kms/keys/{id}")),
    ("AWS::Lambda::Function", Regional("lambda/home?region={region}#/functions/{id}")),
    ("AWS::RDS::DBCluster", Regional("rds/home?region={region}#database:id={id};is-cluster=true")),
    ("AWS::RDS::DBInstance", Regional("rds/home?region={region}#database:id={id};is-cluster=false")),
    ("AWS::S3::Bucket", Global("s3/buckets/{id}")),
];

/// Label and address of what there is to open.
pub(super) fn links(offer: &Offer, runbook: Option<&str>) -> Vec<(String, String)> {
    let mut links = Vec::new();
    if let Some(address) = resource(offer) {
        links.push(("Resource".to_owned(), address));
    }
    if let Some(address) = event(offer) {
        links.push(("CloudTrail event".to_owned(), address));
    }
    if let Some(address) = runbook.map(|runbook| self::runbook(runbook, offer)) {
        links.push(("Runbook".to_owned(), address));
    }
    links
}

fn resource(offer: &Offer) -> Option<String> {
    let (_, page) = PAGES.iter().find(|(kind, _)| *kind == offer.resource_type)?;
    let id = match offer.resource_id.rsplit(['/', ':']).next() {
        Some(id) if !id.is_empty() => encode(id),
        _ => return None,
    };
    let region = encode(&offer.region);
    Some(match page {
        Regional(_) if region.is_empty() => return None,
        Regional(path) => {
            format!("https://{region}.{}/{}", console(&region), path.replace("{region}", &region).replace("{id}", &id))
        }
        Global(path) => format!("https://{}/{}", console(&region), path.replace("{id}", &id)),
    })
}

/// Ids that Tagwarden made itself (`eb-`, `sha-`) are not in `CloudTrail`'s event history.
fn event(offer: &Offer) -> Option<String> {
    let id = &offer.event_id;
    if offer.region.is_empty() || id.is_empty() || id.starts_with("eb-") || id.starts_with("sha-") {
        return None;
    }
    let region = encode(&offer.region);
    Some(format!("https://{region}.{}/cloudtrailv2/home?region={region}#/events/{}", console(&region), encode(id)))
}

fn runbook(address: &str, offer: &Offer) -> String {
    let rule = offer.rules.first().map_or("", |rule| rule.id.as_str());
    address.replace("{rule}", &encode(rule))
}

/// The console's host in the region's partition.
fn console(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "console.amazonaws.cn"
    } else if region.starts_with("us-gov-") {
        "console.amazonaws-us-gov.com"
    } else {
        "console.aws.amazon.com"
    }
}

/// Percent-encodes all but RFC 3986's unreserved characters: nothing out of an event may end or extend an address.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            let digits = [byte >> 4, byte & 15].into_iter().filter_map(|n| char::from_digit(n.into(), 16));
            out.extend(digits.map(|digit| digit.to_ascii_uppercase()));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::links;
    use crate::Offer;
    use crate::message::sample::offer;

    fn of(kind: &str, id: &str, region: &str) -> Offer {
        Offer { resource_type: kind.into(), resource_id: id.into(), region: region.into(), ..offer("1b-2.0", 0) }
    }

    #[test]
    fn leads_to_resource_event_and_runbook() {
        let found = links(&of("AWS::EC2::SecurityGroup", "sg-1", "eu-west-1"), Some("https://wiki.example/{rule}"));
        let wanted = [
            (
                "Resource",
                "https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#SecurityGroup:groupId=sg-1",
            ),
            (
                "CloudTrail event",
                "https://eu-west-1.console.aws.amazon.com/cloudtrailv2/home?region=eu-west-1#/events/1b-2",
            ),
            ("Runbook", "https://wiki.example/5f6c"),
        ];
        let wanted: Vec<(String, String)> = wanted.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn leaves_out_what_would_lead_nowhere() {
        let mut one = of("AWS::Unheard::Of", "x", "eu-west-1");
        one.event_id = "eb-1".into();
        assert_eq!(links(&one, None), []);
        assert_eq!(links(&of("AWS::EC2::VPC", "vpc-1", ""), None), []);
    }

    #[test]
    fn other_partitions_have_other_consoles_and_ids_stay_inside_the_address() {
        let china = links(&of("AWS::S3::Bucket", "arn:aws-cn:s3:::logs", "cn-north-1"), None);
        assert_eq!(china[0].1, "https://console.amazonaws.cn/s3/buckets/logs");
        let odd = links(&of("AWS::IAM::User", "a b|<é>", "us-gov-west-1"), None);
        assert_eq!(odd[0].1, "https://console.amazonaws-us-gov.com/iam/home#/users/details/a%20b%7C%3C%C3%A9%3E");
    }
}
