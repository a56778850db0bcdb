//! A change that is worth an alert, for tests.

use tagwarden_core::{Assessment, Disposition, Family, Severity, TagOp, Timestamp, Via};

use crate::{Offer, RuleName, TagChange};

/// A production database retagged by a person, `at` milliseconds after a fixed time.
pub(crate) fn offer(change_id: &str, at: i64) -> Offer {
    let (event_id, ordinal) = change_id.rsplit_once('.').unwrap_or((change_id, "0"));
    Offer {
        change_id: change_id.to_owned(),
        event_id: event_id.to_owned(),
        ordinal: ordinal.parse().unwrap_or(0),
        shared_event_id: None,
        event_time: Timestamp(1_795_230_245_000 + at),
        event_source: "rds.amazonaws.com".to_owned(),
        event_name: "AddTagsToResource".to_owned(),
        error_code: None,
        actor: "dana.garcia@nimbus.example".to_owned(),
        human: Some("dana.garcia@nimbus.example".to_owned()),
        actor_arn: Some("arn:aws:sts::286728141752:assumed-role/Operator/dana.garcia".to_owned()),
        session: Some("dana.garcia".to_owned()),
        principal: Some("arn:aws:iam::286728141752:role/Operator".to_owned()),
        chain: Vec::new(),
        via: Via::Api,
        root: false,
        account_id: "286728141752".to_owned(),
        account_name: Some("nimbus-prd".to_owned()),
        region: "eu-west-1".to_owned(),
        environment_before: Some("prod".to_owned()),
        environment: Some("dev".to_owned()),
        owner: Some("team-checkout".to_owned()),
        family: Family::Tags,
        kind: "tags_changed".to_owned(),
        resource_type: "AWS::RDS::DBInstance".to_owned(),
        resource_id: "db-1".to_owned(),
        resource_arn: None,
        resource_name: Some("checkout-db".to_owned()),
        tags: vec![TagChange {
            key: "Environment".to_owned(),
            old: Some("prd".to_owned()),
            new: Some("dev".to_owned()),
            op: TagOp::Modified,
        }],
        missing_tags: Vec::new(),
        details: Vec::new(),
        severity: Severity::High,
        disposition: Disposition::Notify,
        suppressed_by: None,
        rules: vec![RuleName { id: "5f6c".to_owned(), title: "Production reclassified".to_owned() }],
        percentile: Some(99.5),
        change_set_id: None,
        confirms: None,
        assessment: Assessment {
            reasons: vec!["production resource moved out of production".to_owned()],
            ..Assessment::default()
        },
    }
}
