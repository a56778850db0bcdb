//! Which other AWS accounts a change lets in, or came from.

use tagwarden_core::{Change, Event, OtherAccount, Text};

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

/// The accounts other than the event's own: the caller's, then those that `change` names, each once.
pub(crate) fn other_accounts<'a>(
    directory: &Directory,
    event: &Event<'a>,
    change: &Change<'a>,
) -> Vec<OtherAccount<'a>> {
    let mut others: Vec<OtherAccount<'a>> = Vec::new();
    let mut add = |id: Text<'a>| {
        if !event.account_id.is_empty()
            && id != event.account_id
            && others.len() < MOST
            && others.iter().all(|other| other.id != id)
        {
            let known = directory.knows(&id);
            others.push(OtherAccount { id, known });
        }
    };
    if let Some(id) = event.identity.account_id.as_ref().filter(|id| is_account(id)) {
        add(id.clone());
    }
    for (name, value) in &change.details {
        if LETS_IN.contains(name) {
            value.split(',').filter_map(account_of).for_each(|id| add(Text::Owned(id.to_owned())));
        }
    }
    others
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
    use crate::testing::{change, event};
    use crate::{Directory, Inventory, Settings};

    fn directory(inventory: &str) -> Directory {
        let inventory = Inventory::from_json(inventory.as_bytes()).unwrap();
        Directory::build(&Settings::default(), Some(&inventory)).unwrap()
    }

    fn found(inventory: &str, caller: &'static str, details: &[(&'static str, &'static str)]) -> Vec<(String, bool)> {
        let mut event = event();
        event.account_id = "111111111111".into();
        event.identity.account_id = (!caller.is_empty()).then_some(caller.into());
        let details = details.iter().map(|(name, value)| (*name, (*value).into())).collect();
        let change = Change { details, ..change() };
        let others = other_accounts(&directory(inventory), &event, &change);
        others.into_iter().map(|other| (other.id.into_owned(), other.known)).collect()
    }

    const COMPANY: &str =
        r#"{"accounts": [{"id": "111111111111"}, {"id": "222222222222"}], "vendors": {"costlens": "333333333333"}}"#;

    #[test]
    fn strangers_are_told_from_the_company_and_its_vendors() {
        let shared =
            [("shared_with", "222222222222,999999999999,all,111111111111,999999999999"), ("vpc", "888888888888")];
        let wanted = [("222222222222".to_owned(), true), ("999999999999".to_owned(), false)];
        assert_eq!(found(COMPANY, "111111111111", &shared), wanted, "each once, the own and everybody left out");
        let arns = [("external_accounts", "arn:aws:iam::333333333333:root,arn:aws:iam::777777777777:role/x,AIDAX")];
        let wanted = [("333333333333".to_owned(), true), ("777777777777".to_owned(), false)];
        assert_eq!(found(COMPANY, "", &arns), wanted, "the vendor is known");
    }

    #[test]
    fn a_caller_from_elsewhere_counts() {
        assert_eq!(found(COMPANY, "999999999999", &[]), [("999999999999".to_owned(), false)]);
        assert_eq!(found(COMPANY, "222222222222", &[]), [("222222222222".to_owned(), true)]);
        assert_eq!(found(COMPANY, "anonymous", &[]), [], "no account");
    }

    #[test]
    fn without_a_list_of_accounts_nobody_is_a_stranger() {
        let others = found("{}", "", &[("peer_account", "999999999999")]);
        assert_eq!(others, [("999999999999".to_owned(), true)]);
    }

    #[test]
    fn a_list_without_end_is_cut() {
        let many: String = (0..100).map(|n| format!("{:012},", 222_222_222_222_u64 + n)).collect();
        assert_eq!(found(COMPANY, "", &[("shared_with", many.leak())]).len(), super::MOST);
    }
}
