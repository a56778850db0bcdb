//! What messages say, sentence by sentence, and how long they get.

use proptest::prelude::*;
use tagwarden_core::{Assessment, TagOp, Via};

use super::{fields, sentence, title};
use crate::message::sample::offer;
use crate::{Offer, RuleName, TagChange};

fn of_kind(kind: &str, resource: &str, details: &[(&str, &str)]) -> Offer {
    Offer {
        kind: kind.into(),
        event_name: "SomeCall".into(),
        resource_id: resource.into(),
        resource_name: None,
        tags: Vec::new(),
        details: details.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        ..offer("e.0", 0)
    }
}

#[test]
fn the_phone_shows_who_did_what_to_what_where() {
    assert_eq!(sentence(&offer("e.0", 0)), "dana.garcia changed Environment prd → dev on checkout-db (nimbus-prd)");
    let world = [("cidr", "0.0.0.0/0"), ("from_port", "22"), ("to_port", "22")];
    let cases = [
        (of_kind("ingress_opened", "sg-1", &world), "opened port 22 to 0.0.0.0/0 on sg-1"),
        (of_kind("ingress_closed", "sg-1", &world), "closed port 22 for 0.0.0.0/0 on sg-1"),
        (of_kind("egress_opened", "sg-1", &[("from_port", "-1")]), "opened all ports for outgoing traffic on sg-1"),
        (of_kind("trail_stopped", "arn:aws:cloudtrail:eu-west-1:1:trail/org", &[]), "stopped logging of trail org"),
        (of_kind("user_created", "backup2", &[]), "created user backup2"),
        (of_kind("access_key_created", "alice", &[]), "created an access key for alice"),
        (of_kind("policy_attached", "ops", &[]), "attached policy on ops"),
        (of_kind("other_change", "x", &[]), "called SomeCall on x"),
        (of_kind("frobbed", "x", &[]), "frobbed on x"),
        (of_kind("vpc_created", "", &[]), "created vpc"),
        (of_kind("console_login", "AWSReservedSSO_Ops_1f/dana.garcia@nimbus.example", &[]), "signed in to the console"),
    ];
    for (offer, wanted) in cases {
        assert_eq!(sentence(&offer), format!("dana.garcia {wanted} (nimbus-prd)"));
    }
}

#[test]
fn tags_show_the_environment_first_and_say_what_is_not_known() {
    let tag = |key: &str, old: Option<&str>, new: Option<&str>, op| TagChange {
        key: key.into(),
        old: old.map(str::to_owned),
        new: new.map(str::to_owned),
        op,
    };
    let mut many = offer("e.0", 0);
    many.tags.insert(0, tag("Owner", Some("a"), Some("b"), TagOp::Modified));
    assert_eq!(sentence(&many), "dana.garcia changed Environment prd → dev and 1 more tag on checkout-db (nimbus-prd)");
    for (change, wanted) in [
        (tag("Team", None, Some("x"), TagOp::Added), "added Team = x"),
        (tag("Team", None, Some("x"), TagOp::Unknown), "set Team unknown → x"),
        (tag("Team", Some("x"), None, TagOp::Removed), "removed Team (was x)"),
        (tag("Team", None, None, TagOp::Removed), "removed Team (was unknown)"),
    ] {
        let one = Offer { tags: vec![change], ..offer("e.0", 0) };
        assert_eq!(sentence(&one), format!("dana.garcia {wanted} on checkout-db (nimbus-prd)"));
    }
}

#[test]
fn actors_without_a_person_are_named_by_what_they_are() {
    let nobody = Offer { human: None, principal: None, session: None, ..offer("e.0", 0) };
    let cases = [
        (
            Offer { principal: Some("arn:aws:iam::1:role/path/ci-deploy".into()), ..nobody.clone() },
            "ci-deploy changed ",
        ),
        (Offer { root: true, ..nobody.clone() }, "root changed "),
        (Offer { actor: String::new(), ..nobody.clone() }, "unknown actor changed "),
        (
            Offer { error_code: Some("AccessDenied".into()), human: Some("@x".into()), ..nobody },
            "@x was denied: changed ",
        ),
    ];
    for (offer, start) in cases {
        assert!(sentence(&offer).starts_with(start), "{}", sentence(&offer));
    }
}

#[test]
fn fields_answer_who_what_and_where() {
    let found = fields(&Offer { via: Via::Console, missing_tags: vec!["Owner".into()], ..offer("e.0", 0) });
    let found: Vec<(&str, &str)> = found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(
        found,
        [
            ("Who", "dana.garcia@nimbus.example through Operator (console)"),
            ("Call", "rds AddTagsToResource"),
            ("Missing tags", "Owner"),
            ("Resource", "RDS DBInstance checkout-db (db-1)"),
            ("Where", "nimbus-prd (286728141752), eu-west-1, prod → dev"),
            ("Owner", "team-checkout"),
        ]
    );
}

#[test]
fn tags_that_the_sentence_cannot_show_have_a_field() {
    let mut many = offer("e.0", 0);
    let gone = TagChange { key: "Team".into(), old: Some("a".into()), new: None, op: TagOp::Removed };
    many.tags.push(gone);
    let tags = |offer: &Offer| fields(offer).into_iter().find(|(label, _)| label == "Tags").map(|(_, value)| value);
    assert_eq!(tags(&many).as_deref(), Some("Environment prd → dev, Team a → removed"));
    assert_eq!(tags(&offer("e.0", 0)), None);
}

#[test]
fn titles_name_the_rule_or_what_is_unusual() {
    assert_eq!(title(&offer("e.0", 0)), "Production reclassified · nimbus-prd");
    let unusual = |offer: Offer| title(&Offer { rules: Vec::new(), ..offer });
    assert_eq!(unusual(offer("e.0", 0)), "Unusual: changed tag Environment · nimbus-prd");
    let key = of_kind("access_key_created", "alice", &[]);
    assert_eq!(unusual(key.clone()), "Unusual: created an access key · nimbus-prd");
    let text = sentence(&Offer { rules: Vec::new(), ..key.clone() });
    assert_eq!(text, "Unusual: dana.garcia created an access key for alice (nimbus-prd)");
    let waiting = Offer { rules: Vec::new(), disposition: tagwarden_core::Disposition::Digest, ..key.clone() };
    assert_eq!(sentence(&waiting), "dana.garcia created an access key for alice (nimbus-prd)");
    let denied = Offer { error_code: Some("AccessDenied".into()), ..key };
    assert_eq!(unusual(denied), "Unusual: denied: created an access key · nimbus-prd");
}

#[test]
fn credentials_go_by_the_names_that_people_gave_them() {
    let who = |chain: &[&str], principal: &str| {
        let chain = chain.iter().map(|step| (*step).to_owned()).collect();
        let offer = Offer { chain, principal: Some(principal.into()), ..offer("e.0", 0) };
        fields(&offer).remove(0).1
    };
    let sso = "arn:aws:iam::1:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_CostSteward_8e339356bcfe226d";
    assert_eq!(who(&[], sso), "dana.garcia@nimbus.example through CostSteward");
    let itself = ["dana.garcia@nimbus.example", "repo:nimbus/shop:ref:refs/heads/main"];
    let wanted = "dana.garcia@nimbus.example through repo:nimbus/shop:ref:refs/heads/main → ops";
    assert_eq!(who(&itself, "arn:aws:iam::1:role/ops"), wanted);
}

#[test]
fn reasons_use_names_and_are_not_said_twice() {
    let of = |id: &str, name: &str, reason: &str| Offer {
        resource_id: id.into(),
        resource_name: Some(name.into()),
        assessment: Assessment { reasons: vec![reason.into()], ..Assessment::default() },
        ..offer(&format!("{id}.0"), 0)
    };
    let first =
        of("i-0000001", "web", "dana.garcia@nimbus.example may not change Environment on i-0000001 in 286728141752");
    let again =
        of("i-0000002", "api", "dana.garcia@nimbus.example may not change Environment on i-0000002 in 286728141752");
    let counted = of("i-0000003", "db", "tag key Env: 0 of 1,200 changes; known elsewhere");
    let repeat = of("i-0000004", "db", "tag key Env: 1 of 1,201 changes, last today");
    let facts = super::super::Facts {
        alert_id: "a",
        first: first.event_time,
        last: first.event_time,
        changes: 4,
        severity: first.severity,
        disposition: first.disposition,
        runbook: None,
    };
    let offers = [first.clone(), again, counted, repeat];
    let opening = super::super::opening(&facts, &offers).unwrap();
    let counted = "tag key Env: 0 of 1,200 changes; known elsewhere";
    assert_eq!(opening.reasons, ["dana.garcia may not change Environment on web in nimbus-prd", counted]);
    let more = super::super::follow_up(&facts, &first, &offers[1..], 3).unwrap();
    assert_eq!(more.reasons, [counted]);
    assert_eq!(more.title, "Update: Production reclassified · nimbus-prd");
}

proptest! {
    #[test]
    fn no_line_is_longer_than_a_phone_shows(
        parts in prop::collection::vec("\\PC{0,400}", 8), kind in "[a-z_]{0,200}", tagged in any::<bool>(),
        op in prop::sample::select(TagOp::ALL),
    ) {
        let mut long = offer("e.0", 0);
        long.human = Some(parts[0].clone());
        long.resource_name = Some(parts[1].clone());
        long.account_name = Some(parts[2].clone());
        long.kind = if tagged { "tags_changed".into() } else { kind };
        long.event_name.clone_from(&parts[6]);
        long.details = vec![("cidr".into(), parts[7].clone())];
        long.tags = vec![TagChange { key: parts[3].clone(), old: Some(parts[4].clone()), new: Some(parts[5].clone()), op }];
        long.rules = vec![RuleName { id: "r".into(), title: parts[6].clone() }];
        let facts = super::super::Facts {
            alert_id: "a", first: long.event_time, last: long.event_time, changes: 1_000_000,
            severity: long.severity, disposition: long.disposition, runbook: None,
        };
        let one = std::slice::from_ref(&long);
        let messages = [
            super::super::opening(&facts, one), super::super::follow_up(&facts, &long, one, 7),
            super::super::digest("d", "late", one, &[(long.severity, 1)], None),
        ];
        for message in messages {
            let message = message.unwrap();
            prop_assert!(message.text.chars().count() <= 150 && !message.text.is_empty());
            prop_assert!(message.title.chars().count() <= 150);
            prop_assert!(message.fields.iter().all(|(_, value)| value.chars().count() <= 300));
        }
    }
}
