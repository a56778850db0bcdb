//! The calls the company makes, each in the shape `CloudTrail` gives it.

mod abroad;
mod guard;
mod identity;
mod lifecycle;
mod reads;
pub(crate) mod storage;
mod tags;

pub(crate) use abroad::{copy_snapshot, import_key, launch};
pub(crate) use guard::{
    attach_admin, close_port, create_access_key, create_flow_logs, create_user, delete_flow_logs, delete_trail,
    deny_all_policy, flow_log_id, open_port, recorder, start_logging, stop_logging, trail_arn, user_policy,
};
pub(crate) use identity::{attach_role_policy, read_secret, role_policy, tag_role, tag_user, trust};
pub(crate) use lifecycle::{create, delete, modify, power};
pub(crate) use reads::{browse, describe, survey};
#[cfg(test)]
pub(crate) use tags::queue_url;
pub(crate) use tags::{put_tags, remove_tags, tag_many, untag_many};
