//! What decides who may do what: tags on principals, trust and role policies, and the secrets behind them.

use serde_json::json;

use crate::estate::Resource;
use crate::record::Call;

/// Tags a role by its name, whether or not the store knows the role.
pub(crate) fn tag_role(role: &str, tags: &[(&str, &str)]) -> Call {
    let tags: Vec<_> = tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    Call::write("iam", "TagRole", json!({ "roleName": role, "tags": tags }))
}

pub(crate) fn tag_user(user: &str, tags: &[(&str, &str)]) -> Call {
    let tags: Vec<_> = tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    Call::write("iam", "TagUser", json!({ "userName": user, "tags": tags }))
}

/// Lets an account assume the role.
pub(crate) fn trust(role: &str, account_id: &str) -> Call {
    let document = format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Principal\":{{\"AWS\":\"arn:aws:iam::{account_id}:root\"}},\"Action\":\"sts:AssumeRole\"}}]}}"
    );
    Call::write("iam", "UpdateAssumeRolePolicy", json!({ "roleName": role, "policyDocument": document }))
}

pub(crate) fn attach_role_policy(role: &str, policy: &str) -> Call {
    let request = json!({ "roleName": role, "policyArn": format!("arn:aws:iam::aws:policy/{policy}") });
    Call::write("iam", "AttachRolePolicy", request)
}

/// An inline policy of a role on one action.
pub(crate) fn role_policy(role: &str, policy: &str, action: &str) -> Call {
    let document = format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":\"{action}\",\"Resource\":\"*\"}}]}}"
    );
    Call::write("iam", "PutRolePolicy", json!({ "roleName": role, "policyName": policy, "policyDocument": document }))
}

pub(crate) fn read_secret(secret: &Resource) -> Call {
    Call::read("secretsmanager", "GetSecretValue", json!({ "secretId": secret.arn }))
}
