//! The guard rails: security groups, IAM users and keys, trails, recorders and flow logs.

use serde_json::{Value, json};

use crate::calendar::prose;
use crate::company::Company;
use crate::estate::Resource;
use crate::record::Call;
use crate::rng::Rng;

/// Lets a CIDR in on a port.
pub(crate) fn open_port(
    resource: &Resource,
    rng: &mut Rng,
    account_id: &str,
    cidr: &str,
    port: u16,
    note: &str,
) -> Call {
    let range =
        if note.is_empty() { json!({ "cidrIp": cidr }) } else { json!({ "cidrIp": cidr, "description": note }) };
    let request = json!({
        "groupId": resource.id,
        "ipPermissions": { "items": [{
            "ipProtocol": "tcp", "fromPort": port, "toPort": port, "groups": {},
            "ipRanges": { "items": [range] }, "ipv6Ranges": {}, "prefixListIds": {},
        }] },
    });
    Call::write("ec2", "AuthorizeSecurityGroupIngress", request).answered(json!({
        "_return": true,
        "securityGroupRuleSet": { "items": [{
            "groupOwnerId": account_id, "groupId": resource.id,
            "securityGroupRuleId": format!("sgr-0{}", rng.hex(16)), "isEgress": false, "ipProtocol": "tcp",
            "fromPort": port, "toPort": port, "cidrIpv4": cidr,
        }] },
    }))
}

/// Takes such a rule away.
pub(crate) fn close_port(resource: &Resource, cidr: &str, port: u16) -> Call {
    let request = json!({
        "groupId": resource.id,
        "ipPermissions": { "items": [{
            "ipProtocol": "tcp", "fromPort": port, "toPort": port, "groups": {},
            "ipRanges": { "items": [{ "cidrIp": cidr }] }, "ipv6Ranges": {}, "prefixListIds": {},
        }] },
    });
    Call::write("ec2", "RevokeSecurityGroupIngress", request)
        .answered(json!({ "_return": true, "unknownIpPermissionSet": {} }))
}

/// Makes an IAM user.
pub(crate) fn create_user(company: &Company, account: usize, name: &str, tags: Option<Value>, now: i64) -> Call {
    let row = &company.accounts[account];
    let mut user = json!({
        "path": "/", "userName": name,
        "userId": format!("AIDA{}{}", row.block, company.rng_for(&[&row.id, name, "user"]).upper(9)),
        "arn": format!("arn:aws:iam::{}:user/{name}", row.id), "createDate": prose(now),
    });
    let mut request = json!({ "userName": name });
    if let Some(tags) = tags {
        user["tags"] = tags.clone();
        request["tags"] = tags;
    }
    Call::write("iam", "CreateUser", request).answered(json!({ "user": user }))
}

/// Makes a key for an IAM user.
pub(crate) fn create_access_key(user: &str, key: &str, now: i64) -> Call {
    Call::write("iam", "CreateAccessKey", json!({ "userName": user })).answered(json!({ "accessKey": {
        "accessKeyId": key, "status": "Active", "userName": user, "createDate": prose(now),
    } }))
}

/// Gives an IAM user all rights.
pub(crate) fn attach_admin(user: &str) -> Call {
    let request = json!({ "userName": user, "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess" });
    Call::write("iam", "AttachUserPolicy", request)
}

/// Gives an IAM user an inline policy on one action.
pub(crate) fn user_policy(user: &str, action: &str) -> Call {
    let document = format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":\"{action}\",\"Resource\":\"*\"}}]}}"
    );
    let request = json!({ "userName": user, "policyName": "inline", "policyDocument": document });
    Call::write("iam", "PutUserPolicy", request)
}

/// Locks an IAM user out.
pub(crate) fn deny_all_policy(user: &str) -> Call {
    let request = json!({ "userName": user, "policyArn": "arn:aws:iam::aws:policy/AWSDenyAll" });
    Call::write("iam", "AttachUserPolicy", request)
}

/// The account's own trail in a region.
pub(crate) fn trail_arn(company: &Company, account: usize, region: &str) -> String {
    format!(
        "arn:aws:cloudtrail:{region}:{}:trail/{}-{}",
        company.accounts[account].id, company.name, company.words.trail
    )
}

pub(crate) fn stop_logging(trail: &str) -> Call {
    Call::write("cloudtrail", "StopLogging", json!({ "name": trail })).about("AWS::CloudTrail::Trail", trail.to_owned())
}

pub(crate) fn start_logging(trail: &str) -> Call {
    Call::write("cloudtrail", "StartLogging", json!({ "name": trail }))
        .about("AWS::CloudTrail::Trail", trail.to_owned())
}

pub(crate) fn delete_trail(trail: &str) -> Call {
    Call::write("cloudtrail", "DeleteTrail", json!({ "name": trail })).about("AWS::CloudTrail::Trail", trail.to_owned())
}

/// Stops or starts the account's configuration recorder.
pub(crate) fn recorder(on: bool) -> Call {
    let name = if on { "StartConfigurationRecorder" } else { "StopConfigurationRecorder" };
    Call::write("config", name, json!({ "configurationRecorderName": "default" }))
}

/// The flow log of the account's network in a region.
pub(crate) fn flow_log_id(company: &Company, account: usize, region: &str) -> String {
    let id = company.accounts[account].id.as_str();
    format!("fl-0{}", company.rng_for(&[id, region, "flow-log"]).hex(16))
}

pub(crate) fn create_flow_logs(company: &Company, rng: &mut Rng, account: usize, region: &str) -> Call {
    let vpc = company.rng_for(&[&company.accounts[account].id, region, "vpc"]).hex(16);
    let request = json!({ "CreateFlowLogsRequest": {
        "ResourceType": "VPC", "TrafficType": "ALL", "ResourceId": { "tag": 1, "content": format!("vpc-0{vpc}") },
        "LogGroupName": "/network/flow",
    } });
    Call::write("ec2", "CreateFlowLogs", request).answered(json!({ "CreateFlowLogsResponse": {
        "xmlns": "http://ec2.amazonaws.com/doc/2016-11-15/",
        "flowLogIdSet": { "item": format!("fl-0{}", rng.hex(16)) }, "unsuccessful": "",
    } }))
}

pub(crate) fn delete_flow_logs(id: &str) -> Call {
    let request = json!({ "DeleteFlowLogsRequest": { "FlowLogId": { "tag": 1, "content": id } } });
    Call::write("ec2", "DeleteFlowLogs", request).answered(json!({ "DeleteFlowLogsResponse": {
        "xmlns": "http://ec2.amazonaws.com/doc/2016-11-15/", "unsuccessful": "",
    } }))
}
