//! Facts of a policy document: who is let in, and to what.

use tagwarden_core::Text;
use tagwarden_json::{Kind, Node, Tape};

use crate::member::{self, Call};

/// As many actions and principals as a person would read.
const LISTED: usize = 20;

/// By this member SNS sets names and numbers as well as policies.
const SNS_ATTRIBUTE: &str = "attributeValue";

#[derive(Default)]
struct Facts {
    allows_star: bool,
    principal_star: bool,
    conditional: bool,
    external: Vec<String>,
    principals: Vec<String>,
    actions: Vec<String>,
}

/// Adds the facts of the policy at `path` of the request; a text that is no policy is a `fault`.
pub(crate) fn facts<'a>(call: &Call<'_, 'a>, path: &str, details: &mut Vec<(&'static str, Text<'a>)>) {
    let mut node = None;
    if let Some(request) = call.request {
        member::walk(request, path, &mut |found| {
            node.get_or_insert(found);
        });
    }
    let Some(node) = node.filter(|node| !member::is_empty(*node)) else { return };
    let mut facts = Facts::default();
    match node.kind() {
        Kind::Object => facts.read(node, &call.event.account_id),
        Kind::String if node.raw() == member::HIDDEN => return,
        Kind::String => {
            let text = node.str().unwrap_or_default();
            if path == SNS_ATTRIBUTE && !text.trim_start().starts_with('{') {
                return;
            }
            let mut tape = Tape::new();
            match tape.parse(&text) {
                Ok(policy) => facts.read(policy, &call.event.account_id),
                Err(error) => {
                    details.push(("fault", format!("found a policy that is no JSON: {error}").into()));
                    return;
                }
            }
        }
        _ => {
            details.push(("fault", format!("found {} in {path}, wanted a policy", node.json()).into()));
            return;
        }
    }
    facts.into_details(details);
}

fn push(list: &mut Vec<String>, text: &str) {
    if list.len() < LISTED && !list.iter().any(|known| known == text) {
        list.push(text.to_owned());
    }
}

/// The account in an ARN or the account itself.
fn account_of(principal: &str) -> Option<&str> {
    let account = if principal.starts_with("arn:") { principal.split(':').nth(4)? } else { principal };
    (account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit())).then_some(account)
}

impl Facts {
    fn read(&mut self, policy: Node<'_>, own: &str) {
        let Some(statements) = member::member(policy, "Statement") else { return };
        let mut unconditional = false;
        for statement in statements.one_or_many() {
            if member::text(statement, "Effect").is_none_or(|effect| !effect.eq_ignore_ascii_case("Allow")) {
                continue;
            }
            let mut star = false;
            if let Some(principal) = member::member(statement, "Principal") {
                let mut visit = |kind: &str, text: Text<'_>| {
                    star |= text == "*" && kind != "Service" && kind != "Federated";
                    push(&mut self.principals, &text);
                    if kind == "AWS"
                        && let Some(account) = account_of(&text).filter(|account| *account != own)
                    {
                        push(&mut self.external, account);
                    }
                };
                match principal.kind() {
                    Kind::Object => {
                        for (key, value) in principal.members() {
                            member::texts(value, &mut |text| visit(&key.str(), text));
                        }
                    }
                    _ => member::texts(principal, &mut |text| visit("AWS", text)),
                }
            }
            // Everybody but the one who is named.
            star |= member::member(statement, "NotPrincipal").is_some();
            self.principal_star |= star;
            unconditional |= star && member::member(statement, "Condition").is_none();
            let mut all_actions = member::member(statement, "NotAction").is_some();
            if let Some(actions) = member::member(statement, "Action") {
                member::texts(actions, &mut |text| {
                    all_actions |= text == "*" || text == "*:*";
                    push(&mut self.actions, &text);
                });
            }
            let mut all_resources = false;
            if let Some(resources) = member::member(statement, "Resource") {
                member::texts(resources, &mut |text| all_resources |= text == "*");
            }
            self.allows_star |= all_actions && all_resources;
        }
        self.conditional = self.principal_star && !unconditional;
    }

    fn into_details(self, details: &mut Vec<(&'static str, Text<'_>)>) {
        let flags = [
            ("allows_star", self.allows_star),
            ("principal_star", self.principal_star),
            ("principal_star_conditional", self.conditional),
        ];
        details.extend(flags.into_iter().filter(|(_, is)| *is).map(|(name, _)| (name, "true".into())));
        let lists = [("external_accounts", self.external), ("principals", self.principals), ("actions", self.actions)];
        let filled = lists.into_iter().filter(|(_, list)| !list.is_empty());
        details.extend(filled.map(|(name, list)| (name, list.join(",").into())));
    }
}
