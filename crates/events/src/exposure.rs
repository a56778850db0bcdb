//! Calls that let others in: access blocks, ACLs, shared snapshots and images.

use tagwarden_core::Text;
use tagwarden_json::Node;

use crate::member::{self, Call};

type Details<'a> = Vec<(&'static str, Text<'a>)>;

/// The four flags of a public access block, and whether all of them are on.
pub(crate) fn public_access_block<'a>(call: &Call<'_, 'a>, details: &mut Details<'a>) {
    let flags = [
        ("block_public_acls", "PublicAccessBlockConfiguration.BlockPublicAcls"),
        ("ignore_public_acls", "PublicAccessBlockConfiguration.IgnorePublicAcls"),
        ("block_public_policy", "PublicAccessBlockConfiguration.BlockPublicPolicy"),
        ("restrict_public_buckets", "PublicAccessBlockConfiguration.RestrictPublicBuckets"),
    ];
    let mut on = 0;
    for (name, path) in flags {
        if let Some(value) = call.one(path) {
            on += usize::from(value.eq_ignore_ascii_case("true"));
            details.push((name, value));
        }
    }
    details.push(("all_blocked", if on == flags.len() { "true" } else { "false" }.into()));
}

/// Whether a grantee or a canned ACL means everybody, or everybody with an AWS account.
fn is_public(grantee: &str) -> bool {
    grantee.contains("/AllUsers")
        || grantee.contains("/AuthenticatedUsers")
        || grantee.starts_with("public-read")
        || grantee == "authenticated-read"
}

/// Grants of an S3 ACL, in the body or in `x-amz-grant-*` headers.
pub(crate) fn acl<'a>(call: &Call<'_, 'a>, details: &mut Details<'a>) {
    let Some(request) = call.request else { return };
    let mut grants = Vec::new();
    let mut public = member::text(request, "x-amz-acl").is_some_and(|acl| is_public(&acl));
    let list = "AccessControlPolicy.AccessControlList.Grant";
    member::walk(request, list, &mut |grant| {
        let grantee = member::member(grant, "Grantee");
        let who = ["URI", "ID", "EmailAddress"].iter().find_map(|name| grantee.and_then(|g| member::text(g, name)));
        let who = who.unwrap_or_default();
        public |= is_public(&who);
        let who = who.rsplit('/').next().unwrap_or("");
        grants.push(format!("{who}:{}", member::text(grant, "Permission").unwrap_or_default()));
    });
    for (key, value) in request.members() {
        if let Some(right) = key.raw().strip_prefix("x-amz-grant-") {
            let text = value.text().unwrap_or_default();
            public |= is_public(&text);
            grants.push(format!("{text}:{right}"));
        }
    }
    if !grants.is_empty() {
        details.push(("grants", grants.join(",").into()));
    }
    details.push(("public", if public { "true" } else { "false" }.into()));
}

/// With whom a snapshot or image is shared by this call, and with whom no longer.
pub(crate) fn sharing<'a>(call: &Call<'_, 'a>, details: &mut Details<'a>) {
    let lists = [
        ("shared_with", ["createVolumePermission.add", "launchPermission.add", "valuesToAdd"]),
        ("unshared_with", ["createVolumePermission.remove", "launchPermission.remove", "valuesToRemove"]),
    ];
    for (name, paths) in lists {
        let mut who = Vec::new();
        if let Some(request) = call.request {
            for path in paths {
                member::walk(request, path, &mut |node| grantees(node, &mut who));
            }
        }
        if name == "shared_with" {
            let public = who.iter().any(|one| one == "all");
            details.push(("public", if public { "true" } else { "false" }.into()));
        }
        if !who.is_empty() {
            details.push((name, who.join(",").into()));
        }
    }
}

fn grantees(node: Node<'_>, who: &mut Vec<String>) {
    let mut found = false;
    for name in ["userId", "group", "organizationArn", "organizationalUnitArn"] {
        if let Some(text) = member::text(node, name) {
            who.push(text.into_owned());
            found = true;
        }
    }
    if found {
        return;
    }
    match member::unwrapped(node) {
        Some(inner) => inner.one_or_many().for_each(|one| grantees(one, who)),
        None => who.extend(node.text().filter(|text| !text.is_empty()).map(Text::into_owned)),
    }
}
