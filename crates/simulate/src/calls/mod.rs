//! The calls the company makes, each in the shape `CloudTrail` gives it.

mod guard;
mod lifecycle;
mod reads;
mod tags;

pub(crate) use guard::{
    attach_admin, close_port, create_access_key, create_user, delete_flow_logs, delete_trail, deny_all_policy,
    flow_log_id, open_port, recorder, start_logging, stop_logging, trail_arn, user_policy,
};
pub(crate) use lifecycle::{create, delete, modify, power};
pub(crate) use reads::{browse, describe, survey};
#[cfg(test)]
pub(crate) use tags::queue_url;
pub(crate) use tags::{put_tags, remove_tags, tag_many, untag_many};
