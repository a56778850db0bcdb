//! Security group and network ACL rules as facts: who may reach which ports.

use tagwarden_core::Text;
use tagwarden_json::Node;

use crate::member::{self, Call};

type Details<'a> = Vec<(&'static str, Text<'a>)>;

/// As many port ranges as a person would read.
const LISTED: usize = 64;

/// The rules of one call, column by column, in the order of the request.
#[derive(Default)]
struct Rules {
    count: usize,
    cidr: Vec<String>,
    from_port: Vec<String>,
    to_port: Vec<String>,
    protocol: Vec<String>,
    description: Vec<String>,
    group: Vec<String>,
    prefix_list: Vec<String>,
    world_ports: Vec<String>,
}

/// `0.0.0.0/0`, `::/0` and their other spellings.
fn is_world(cidr: &str) -> bool {
    cidr.ends_with("/0")
}

impl Rules {
    fn add(&mut self, permission: Node<'_>, cidr: Option<Text<'_>>, description: Option<Text<'_>>) {
        let text = |name: &str| member::text(permission, name).map(Text::into_owned).unwrap_or_default();
        let (from, to, protocol) = (text("fromPort"), text("toPort"), text("ipProtocol"));
        let cidr = cidr.map(Text::into_owned).unwrap_or_default();
        if is_world(&cidr) {
            let ports = match (from.as_str(), to.as_str()) {
                ("" | "-1", _) => "all".to_owned(),
                (from, to) if from == to || to.is_empty() => from.to_owned(),
                (from, to) => format!("{from}-{to}"),
            };
            if self.world_ports.len() < LISTED && !self.world_ports.contains(&ports) {
                self.world_ports.push(ports);
            }
        }
        self.count += 1;
        self.cidr.push(cidr);
        self.from_port.push(from);
        self.to_port.push(to);
        self.protocol.push(protocol);
        self.description.extend(description.map(Text::into_owned).filter(|text| !text.is_empty()));
    }

    /// A permission as requests write it: one protocol and port range, several sources.
    fn permission(&mut self, permission: Node<'_>) {
        let before = self.count;
        for (list, name) in [("ipRanges", "cidrIp"), ("ipv6Ranges", "cidrIpv6")] {
            each(permission, list, &mut |range| {
                let cidr = member::text(range, name).or_else(|| range.str());
                if cidr.is_some() {
                    self.add(permission, cidr, member::text(range, "description"));
                }
            });
        }
        each(permission, "groups", &mut |group| {
            if let Some(id) = member::text(group, "groupId").or_else(|| member::text(group, "groupName")) {
                self.group.push(id.into_owned());
                self.add(permission, None, member::text(group, "description"));
            }
        });
        each(permission, "prefixListIds", &mut |list| {
            if let Some(id) = member::text(list, "prefixListId") {
                self.prefix_list.push(id.into_owned());
                self.add(permission, None, member::text(list, "description"));
            }
        });
        if self.count == before {
            self.flat(permission);
        }
    }

    /// A rule as answers and the old form of the API write it: one source beside protocol and ports.
    fn flat(&mut self, rule: Node<'_>) {
        let first = |names: &[&str]| names.iter().find_map(|name| member::text(rule, name));
        let cidr = first(&["cidrIp", "cidrIpv4", "cidrIpv6"]);
        let group = first(&["sourceSecurityGroupName", "referencedGroupId"])
            .or_else(|| member::member(rule, "referencedGroupInfo").and_then(|info| member::text(info, "groupId")));
        let list = first(&["prefixListId"]);
        if cidr.is_none() && group.is_none() && list.is_none() && first(&["ipProtocol"]).is_none() {
            return;
        }
        self.group.extend(group.map(Text::into_owned));
        self.prefix_list.extend(list.map(Text::into_owned));
        self.add(rule, cidr, first(&["description"]));
    }

    fn into_details(self, direction: Option<&'static str>, details: &mut Details<'_>) {
        if let Some(direction) = direction {
            details.push(("direction", direction.into()));
        }
        let columns = [
            ("cidr", self.cidr, ","),
            ("from_port", self.from_port, ","),
            ("to_port", self.to_port, ","),
            ("protocol", self.protocol, ","),
            ("referenced_group", self.group, ","),
            ("prefix_list", self.prefix_list, ","),
            ("description", self.description, "; "),
        ];
        for (name, values, between) in columns {
            if values.iter().any(|value| !value.is_empty()) {
                details.push((name, values.join(between).into()));
            }
        }
        if !self.world_ports.is_empty() {
            details.push(("world_open", "true".into()));
            details.push(("world_ports", self.world_ports.join(",").into()));
        }
    }
}

fn each<'a>(node: Node<'a>, list: &str, visit: &mut dyn FnMut(Node<'a>)) {
    if let Some(list) = member::member(node, list) {
        let list = member::unwrapped(list).unwrap_or(list);
        list.one_or_many().for_each(visit);
    }
}

/// Facts of `Authorize*` and `Revoke*`: the rules of the request, else those that the answer names.
pub(crate) fn rules<'a>(call: &Call<'_, 'a>, direction: &'static str, details: &mut Details<'a>) {
    let mut rules = Rules::default();
    if let Some(request) = call.request {
        each(request, "ipPermissions", &mut |permission| rules.permission(permission));
        if rules.count == 0 {
            rules.flat(request);
        }
    }
    if rules.count == 0 {
        for list in ["securityGroupRuleSet", "revokedSecurityGroupRuleSet"] {
            if let Some(response) = call.response {
                each(response, list, &mut |rule| rules.flat(rule));
            }
        }
    }
    rules.into_details(Some(direction), details);
    if let Some(ids) =
        call.joined("securityGroupRuleIds.items.securityGroupRuleId|securityGroupRuleIds|SecurityGroupRuleId")
    {
        details.push(("rule_ids", ids));
    }
}

/// Facts of `ModifySecurityGroupRules`: what the rules are now. The request does not tell their direction.
pub(crate) fn changed_rules<'a>(call: &Call<'_, 'a>, details: &mut Details<'a>) {
    let mut rules = Rules::default();
    let mut ids = Vec::new();
    if let Some(request) = call.request {
        for list in ["securityGroupRule", "securityGroupRules"] {
            each(request, list, &mut |update| {
                ids.extend(member::text(update, "securityGroupRuleId").map(Text::into_owned));
                if let Some(rule) = member::member(update, "securityGroupRule") {
                    rules.flat(rule);
                }
            });
        }
    }
    rules.into_details(None, details);
    if !ids.is_empty() {
        details.push(("rule_ids", ids.join(",").into()));
    }
}

/// Facts of one entry of a network ACL.
pub(crate) fn acl_entry<'a>(call: &Call<'_, 'a>, details: &mut Details<'a>) {
    let egress = call.one("egress").is_some_and(|text| text == "true");
    details.push(("direction", if egress { "egress" } else { "ingress" }.into()));
    let facts = [
        ("rule_number", "ruleNumber"),
        ("rule_action", "ruleAction"),
        ("protocol", "aclProtocol|protocol"),
        ("cidr", "cidrBlock|ipv6CidrBlock"),
        ("from_port", "portRange.from"),
        ("to_port", "portRange.to"),
    ];
    let mut world = false;
    let mut allowed = false;
    for (name, path) in facts {
        if let Some(value) = call.one(path) {
            world |= name == "cidr" && is_world(&value);
            allowed |= name == "rule_action" && value == "allow";
            details.push((name, value));
        }
    }
    if world && allowed {
        details.push(("world_open", "true".into()));
    }
}
