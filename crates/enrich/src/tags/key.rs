//! One key per resource, whether a call names it by ARN or by id.

use tagwarden_core::{Change, Event, Text};

/// The key under which the tags of a change's resource are kept; `None` if the change names no resource.
pub(crate) fn resource_key<'c>(event: &Event<'_>, change: &'c Change<'_>) -> Option<Text<'c>> {
    if let Some(arn) = change.resource_arn.as_deref().filter(|arn| !arn.is_empty()) {
        return Some(of_arn(arn));
    }
    let (kind, id) = (change.resource_type.as_ref(), change.resource_id.as_ref());
    if id.is_empty() {
        return None;
    }
    if id.starts_with("arn:") {
        return Some(of_arn(id));
    }
    let (account, region) = (event.account_id.as_ref(), event.region.as_ref());
    let key = if kind.starts_with("AWS::EC2::") || (kind.is_empty() && is_ec2_id(id)) {
        join(&["ec2", account, region, id])
    } else if kind == "AWS::S3::Bucket" {
        join(&["s3", id])
    } else if let Some(word) = iam_word(kind) {
        join(&["iam", account, word, id])
    } else if let Some(service) = named_service(kind) {
        join(&[service, account, region, id])
    } else {
        join(&[account, region, kind, id])
    };
    Some(Text::Owned(key))
}

/// The key of an ARN: services whose own calls go by id or name are brought to that form, others keep the ARN.
pub(crate) fn of_arn(arn: &str) -> Text<'_> {
    let Some([service, region, account, resource]) = fields(arn) else { return Text::Borrowed(arn) };
    // Keys are made twice per change, and these texts are short: a plain walk is quicker than a search.
    let slash = resource.bytes().position(|byte| byte == b'/').and_then(|at| resource.split_at_checked(at));
    match (service, slash.map(|(head, tail)| (head, &tail[1..]))) {
        ("ec2", Some((_, id))) => join(&["ec2", account, region, id]).into(),
        ("s3", None) => join(&["s3", resource]).into(),
        ("iam", Some((word, path))) => {
            let name = path.rsplit('/').next().unwrap_or(path);
            join(&["iam", account, word, name]).into()
        }
        ("cloudformation", Some(("stack", rest))) => join(&[service, account, region, before(rest, '/')]).into(),
        ("autoscaling", Some((head, name))) if head.ends_with(":autoScalingGroupName") => {
            join(&[service, account, region, name]).into()
        }
        ("secretsmanager", _) if resource.starts_with("secret:") => {
            // Six characters of chance follow the name.
            let name = &resource["secret:".len()..];
            let name = name.rsplit_once('-').filter(|(_, tail)| tail.len() == 6).map_or(name, |(name, _)| name);
            join(&[service, account, region, name]).into()
        }
        // A version or alias has its function's tags.
        ("lambda", None) if resource.starts_with("function:") => match resource.match_indices(':').nth(1) {
            Some((at, _)) => Text::Borrowed(&arn[..arn.len() - resource.len() + at]),
            None => Text::Borrowed(arn),
        },
        _ => Text::Borrowed(arn),
    }
}

/// Service, region, account and resource of `arn:<partition>:<service>:<region>:<account>:<resource>`.
fn fields(arn: &str) -> Option<[&str; 4]> {
    let rest = arn.strip_prefix("arn:")?;
    let mut marks = rest.bytes().enumerate().filter(|(_, b)| *b == b':').map(|(at, _)| at);
    let [a, b, c, d] = [marks.next()?, marks.next()?, marks.next()?, marks.next()?];
    Some([rest.get(a + 1..b)?, rest.get(b + 1..c)?, rest.get(c + 1..d)?, rest.get(d + 1..)?])
}

fn join(parts: &[&str]) -> String {
    let mut key = String::with_capacity(parts.iter().map(|part| part.len() + 1).sum::<usize>().saturating_sub(1));
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            key.push('|');
        }
        key.push_str(part);
    }
    key
}

fn before(text: &str, mark: char) -> &str {
    text.split(mark).next().unwrap_or(text)
}

/// Types whose ARN can't be told from the name by which their own calls go.
fn named_service(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "AWS::AutoScaling::AutoScalingGroup" => "autoscaling",
        "AWS::SecretsManager::Secret" => "secretsmanager",
        "AWS::CloudFormation::Stack" => "cloudformation",
        _ => return None,
    })
}

/// How IAM's ARNs name the type.
fn iam_word(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "AWS::IAM::Role" => "role",
        "AWS::IAM::User" => "user",
        "AWS::IAM::Group" => "group",
        "AWS::IAM::ManagedPolicy" | "AWS::IAM::Policy" => "policy",
        "AWS::IAM::InstanceProfile" => "instance-profile",
        _ => return None,
    })
}

/// `vol-0cb50c22d94ffb620`: letters, a dash, 8 or 17 hex digits.
fn is_ec2_id(id: &str) -> bool {
    id.rsplit_once('-').is_some_and(|(prefix, digits)| {
        matches!(digits.len(), 8 | 17)
            && digits.bytes().all(|b| b.is_ascii_hexdigit())
            && prefix.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{change, event};

    #[test]
    fn an_id_and_an_arn_of_one_resource_meet() {
        for (kind, id, arn) in [
            (
                "AWS::EC2::Instance",
                "i-0123456789abcdef0",
                "arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0",
            ),
            ("", "vol-0123456789abcdef0", "arn:aws:ec2:eu-west-1:111122223333:volume/vol-0123456789abcdef0"),
            ("AWS::S3::Bucket", "data", "arn:aws:s3:::data"),
            ("AWS::IAM::Role", "app", "arn:aws:iam::111122223333:role/service/app"),
            (
                "AWS::SecretsManager::Secret",
                "prd/app",
                "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prd/app-AbC1d2",
            ),
            ("AWS::CloudFormation::Stack", "net", "arn:aws:cloudformation:eu-west-1:111122223333:stack/net/5f54-221d"),
            (
                "AWS::AutoScaling::AutoScalingGroup",
                "web",
                "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:5f54-221d:autoScalingGroupName/web",
            ),
            ("AWS::SQS::Queue", "arn:aws:sqs:eu-west-1:111122223333:q", "arn:aws:sqs:eu-west-1:111122223333:q"),
        ] {
            let event = event();
            let mut by_id = change();
            (by_id.resource_type, by_id.resource_id) = (kind.into(), id.into());
            let mut by_arn = change();
            by_arn.resource_arn = Some(arn.into());
            assert_eq!(resource_key(&event, &by_id), resource_key(&event, &by_arn), "{arn}");
        }
    }

    #[test]
    fn other_resources_stay_apart() {
        assert_eq!(of_arn("arn:aws:lambda:r:1:function:f:live"), "arn:aws:lambda:r:1:function:f");
        assert_eq!(of_arn("arn:aws:lambda:r:1:function:f"), "arn:aws:lambda:r:1:function:f");
        assert_eq!(of_arn("arn:aws:s3:::bucket/key"), "arn:aws:s3:::bucket/key");
        assert_ne!(of_arn("arn:aws:rds:r:1:db:x"), of_arn("arn:aws:rds:r:1:cluster:x"));
        assert_eq!(of_arn("no arn"), "no arn");
        assert_eq!(resource_key(&event(), &change()), None);
    }
}
