//! Which other AWS accounts a change lets in, or came from.

use tagwarden_core::{Change, Event, OtherAccount, Text};
use tagwarden_json::{Kind, Node};

use crate::Directory;

/// Details of a change that say who is let in: account ids or ARNs, parted by commas.
const LETS_IN: [&str; 8] = [
    "destination_account",
    "external_accounts",
    "grantee",
    "peer_account",
    "principal",
    "shared_with",
    "source_account",
    "target_account",
];

/// As many as a person would read.
const MOST: usize = 20;

/// Words in the names of request members that say the same.
const WORDS: [&str; 8] = ["account", "principal", "destination", "grantee", "owner", "target", "member", "userid"];

/// Endings of the kinds of change that shut somebody out.
const SHUTS_OUT: [&str; 9] =
    ["_cancelled", "_closed", "_deleted", "_detached", "_disassociated", "_left", "_rejected", "_removed", "_revoked"];

/// Values of a request that are looked at once more for each change but the first: the whole of it is read once.
const MOST_VALUES: usize = 256;

/// The accounts other than the event's own: the caller's, then those that `change` and its request name, each once.
pub(crate) fn other_accounts<'a>(
    directory: &Directory,
    event: &Event<'a>,
    change: &Change<'a>,
) -> Vec<OtherAccount<'a>> {
    let mut others: Vec<OtherAccount<'a>> = Vec::new();
    if event.account_id.is_empty() {
        return others;
    }
    let opens = !SHUTS_OUT.iter().any(|ending| change.kind.ends_with(ending));
    let mut add = |id: &str, let_in: bool| {
        if let Some(other) = others.iter_mut().find(|other| other.id == id) {
            other.let_in |= let_in;
        } else if id != event.account_id {
            let known = directory.knows(id);
            // A list of the company's own accounts must not hide a stranger at its end.
            if others.len() == MOST
                && !known
                && let Some(spare) = others.iter().rposition(|other| other.known)
            {
                others.remove(spare);
            }
            if others.len() < MOST {
                others.push(OtherAccount { id: Text::Owned(id.to_owned()), known, let_in });
            }
        }
    };
    if let Some(id) = event.identity.account_id.as_deref().filter(|id| is_account(id)) {
        add(id, true);
    }
    for (name, value) in &change.details {
        if LETS_IN.contains(name) {
            value.split(',').filter_map(account_of).for_each(|id| add(id, opens));
        }
    }
    if let Some(request) = event.request.filter(|_| !event.read_only) {
        let mut room = if change.ordinal == 0 { usize::MAX } else { MOST_VALUES };
        named(request, &Place { name: "", within: None }, opens, &mut room, &mut add);
    }
    others
}

/// Where in a request a value stands: the names of the members around it.
struct Place<'p> {
    name: &'p str,
    within: Option<&'p Self>,
}

impl Place<'_> {
    fn lets_in(&self) -> bool {
        WORDS.iter().any(|word| self.says(word))
    }

    fn says(&self, word: &str) -> bool {
        contains(self.name, word) || self.within.is_some_and(|within| within.says(word))
    }
}

/// Goes through a request.
fn named(node: Node<'_>, place: &Place<'_>, opens: bool, room: &mut usize, add: &mut impl FnMut(&str, bool)) {
    if *room == 0 {
        return;
    }
    *room -= 1;
    match node.kind() {
        Kind::Object => {
            for (key, value) in node.members() {
                named(value, &Place { name: key.raw(), within: Some(place) }, opens, room, add);
            }
        }
        Kind::Array => node.elements().for_each(|element| named(element, place, opens, room, add)),
        Kind::String => {
            if let Some(id) = account_of(node.raw()) {
                add(id, opens && place.lets_in() && !place.says("remove"));
            }
        }
        _ => {}
    }
}

/// Whether `name` has `word`, which is in lower case, in any letter case.
fn contains(name: &str, word: &str) -> bool {
    name.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

/// The account in an ARN, or the account itself.
fn account_of(principal: &str) -> Option<&str> {
    let account = if principal.starts_with("arn:") { principal.split(':').nth(4)? } else { principal };
    is_account(account).then_some(account)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use tagwarden_core::Change;

    use super::other_accounts;
    use crate::testing::{change, event, node};
    use crate::{Directory, Inventory, Settings};

    fn directory(inventory: &str) -> Directory {
        let inventory = Inventory::from_json(inventory.as_bytes()).unwrap();
        Directory::build(&Settings::default(), Some(&inventory)).unwrap()
    }

    /// Id, known, let in.
    fn found(
        inventory: &str,
        caller: &'static str,
        details: &[(&'static str, &'static str)],
        request: &str,
    ) -> Vec<(String, bool, bool)> {
        found_at(0, inventory, caller, details, request)
    }

    fn found_at(
        ordinal: u32,
        inventory: &str,
        caller: &'static str,
        details: &[(&'static str, &'static str)],
        request: &str,
    ) -> Vec<(String, bool, bool)> {
        let mut event = event();
        event.account_id = "111111111111".into();
        event.identity.account_id = (!caller.is_empty()).then_some(caller.into());
        event.request = Some(node(request));
        let details = details.iter().map(|(name, value)| (*name, (*value).into())).collect();
        let change = Change { ordinal, details, ..change() };
        let others = other_accounts(&directory(inventory), &event, &change);
        others.into_iter().map(|other| (other.id.into_owned(), other.known, other.let_in)).collect()
    }

    fn one(id: &str, known: bool, let_in: bool) -> (String, bool, bool) {
        (id.to_owned(), known, let_in)
    }

    const COMPANY: &str =
        r#"{"accounts": [{"id": "111111111111"}, {"id": "222222222222"}], "vendors": {"costlens": "333333333333"}}"#;

    #[test]
    fn strangers_are_told_from_the_company_and_its_vendors() {
        let shared =
            [("shared_with", "222222222222,999999999999,all,111111111111,999999999999"), ("vpc", "888888888888")];
        let wanted = [one("222222222222", true, true), one("999999999999", false, true)];
        assert_eq!(found(COMPANY, "111111111111", &shared, "{}"), wanted, "each once, the own and everybody left out");
        let arns = [("external_accounts", "arn:aws:iam::333333333333:root,arn:aws:iam::777777777777:role/x,AIDAX")];
        let wanted = [one("333333333333", true, true), one("777777777777", false, true)];
        assert_eq!(found(COMPANY, "", &arns, "{}"), wanted, "the vendor is known");
    }

    #[test]
    fn what_a_request_names_is_found_wherever_it_stands() {
        let let_in = [
            r#"{"principals": ["999999999999"]}"#,
            r#"{"target": {"id": "999999999999", "type": "ACCOUNT"}}"#,
            r#"{"destinationArn": "arn:aws:logs:eu-west-1:999999999999:destination:d"}"#,
            r#"{"ipPermissions": {"items": [{"groups": {"items": [{"userId": "999999999999"}]}}]}}"#,
        ];
        for request in let_in {
            assert_eq!(found(COMPANY, "", &[], request), [one("999999999999", false, true)], "{request}");
        }
        let named = r#"{"layers": ["arn:aws:lambda:eu-west-1:580247275435:layer:Insights:38"], "size": 111122223333}"#;
        assert_eq!(found(COMPANY, "", &[], named), [one("580247275435", false, false)], "a source lets nobody in");
        let taken = r#"{"createVolumePermission": {"remove": {"items": [{"userId": "999999999999"}]}}}"#;
        assert_eq!(found(COMPANY, "", &[], taken), [one("999999999999", false, false)], "who is shut out");
        let twice = r#"{"layers": ["arn:aws:lambda:x:999999999999:layer:a"], "principal": "999999999999"}"#;
        assert_eq!(found(COMPANY, "", &[], twice), [one("999999999999", false, true)], "the worse counts");
        let many: Vec<String> = (0..400).map(|n| format!(r#""{n}""#)).collect();
        let deep = format!(r#"{{"a": [{}], "principal": "999999999999"}}"#, many.join(","));
        assert_eq!(found(COMPANY, "", &[], &deep), [one("999999999999", false, true)], "padding hides nobody");
        assert_eq!(found_at(1, COMPANY, "", &[], &deep), [], "a crafted request is not read whole for each change");
    }

    #[test]
    fn a_caller_from_elsewhere_counts() {
        assert_eq!(found(COMPANY, "999999999999", &[], "{}"), [one("999999999999", false, true)]);
        assert_eq!(found(COMPANY, "222222222222", &[], "{}"), [one("222222222222", true, true)]);
        assert_eq!(found(COMPANY, "anonymous", &[], "{}"), [], "no account");
    }

    #[test]
    fn without_a_list_of_accounts_nobody_is_a_stranger() {
        let others = found("{}", "", &[("peer_account", "999999999999")], "{}");
        assert_eq!(others, [one("999999999999", true, true)]);
    }

    #[test]
    fn a_list_without_end_is_cut() {
        let many: Vec<String> = (0..100).map(|n| (222_222_222_222_u64 + n).to_string()).collect();
        assert_eq!(found(COMPANY, "", &[("shared_with", many.join(",").leak())], "{}").len(), super::MOST);
        let accounts: Vec<String> = many.iter().map(|id| format!(r#"{{"id": "{id}"}}"#)).collect();
        let own = format!(r#"{{"accounts": [{}]}}"#, accounts.join(","));
        let padded = format!("{},999999999999", many.join(","));
        let others = found(&own, "", &[("shared_with", padded.leak())], "{}");
        assert_eq!((others.len(), others.last()), (super::MOST, Some(&one("999999999999", false, true))));
    }
}
