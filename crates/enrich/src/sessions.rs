//! Who is behind temporary credentials.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use tagwarden_core::{Actor, ActorKind, Entry, Event, EventKind, Identity, StateDelta, Timestamp, Via};

use crate::RestoreError;

/// The state's name space.
pub(crate) const SPACE: &str = "session";

/// The longest session there is lives 36 hours (`GetSessionToken`, STS API reference).
const LIFE_MS: i64 = 36 * 3_600_000;

/// AWS sets no limit to role chaining; the outermost links are the ones that tell who it was.
const MAX_CHAIN: usize = 16;

/// Access keys and role sessions, and who asked for them; forgotten 36 hours of event time after they were made.
#[derive(Debug, Default)]
pub struct Sessions {
    by_key: FxHashMap<Box<str>, Session>,
    /// The newest session's start: what expiry is measured by, so that it does not depend on when one sweeps.
    newest: i64,
    swept: i64,
    dirty: BTreeSet<Box<str>>,
}

/// Where a session came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    /// The person at the outer end.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub(crate) human: Option<Box<str>>,
    /// A pipeline's run stands at the outer end.
    #[serde(rename = "p", default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) pipeline: bool,
    /// The sessions passed through, outermost first.
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) chain: Vec<String>,
    /// Milliseconds, event time.
    #[serde(rename = "t")]
    born: i64,
}

impl Sessions {
    /// Learns from an event that makes a session (`AssumeRole*`, `GetSessionToken`, `GetFederationToken`, a role
    /// switch in the console); every other event, and one that was refused, changes nothing.
    pub fn feed(&mut self, event: &Event<'_>, actor: &Actor<'_>) {
        if event.error_code.is_some() || event.kind.is_witness() {
            return;
        }
        let key = if event.source == "sts.amazonaws.com" && makes_session(&event.action) {
            event.response.and_then(|response| {
                let id = response.at(&["credentials", "accessKeyId"]).and_then(|id| id.str());
                id.map(String::from).or_else(|| {
                    let arn = response.at(&["assumedRoleUser", "arn"]).and_then(|arn| arn.str())?;
                    Some(at_start(&arn, event.time))
                })
            })
        } else if event.kind == EventKind::ConsoleSignIn && event.action == "SwitchRole" {
            let start = event.identity.session_start.unwrap_or(event.time);
            event.identity.arn.as_ref().map(|arn| at_start(arn, start))
        } else {
            None
        };
        // What AWS takes for itself (a function's role, an instance's) has nobody behind it.
        let Some(key) = key.filter(|_| actor.kind != Some(ActorKind::AwsService)) else { return };
        let mut chain = actor.chain.clone();
        let switched = event.record.at(&["additionalEventData", "SwitchFrom"]).and_then(|from| from.str());
        if let Some(link) = switched.map(String::from).or_else(|| link(event)).filter(|_| chain.len() < MAX_CHAIN) {
            chain.push(link);
        }
        // A call into another account is reported twice, and the other account's copy hides who made it.
        let copy = event.identity.kind.as_deref() == Some("AWSAccount");
        if copy && self.by_key.contains_key(key.as_str()) {
            return;
        }
        let human = actor.human.as_deref().map(Box::from);
        let pipeline = human.is_none() && actor.via == Via::Iac;
        self.insert(key.into(), Session { human, pipeline, chain, born: event.time.0 });
    }

    fn insert(&mut self, key: Box<str>, session: Session) {
        self.newest = self.newest.max(session.born);
        self.dirty.insert(key.clone());
        self.by_key.insert(key, session);
        if self.newest - self.swept > 3_600_000 {
            self.swept = self.newest;
            let (limit, dirty) = (self.newest - LIFE_MS, &mut self.dirty);
            self.by_key.retain(|key, session| {
                let alive = session.born >= limit;
                if !alive {
                    dirty.insert(key.clone());
                }
                alive
            });
        }
    }

    /// Where the credentials of `identity` came from, if they are temporary and their making was seen.
    pub(crate) fn find(&self, identity: &Identity<'_>, time: Timestamp) -> Option<&Session> {
        if self.by_key.is_empty() {
            return None;
        }
        let by_id = identity.access_key_id.as_ref().and_then(|id| self.by_key.get(id.as_ref()));
        let found = by_id.or_else(|| {
            // The console changes the access key within a session.
            let may = identity.access_key_id.is_none() || identity.from_console;
            let (arn, start) = (identity.arn.as_ref()?, identity.session_start?);
            if may { self.by_key.get(at_start(arn, start).as_str()) } else { None }
        });
        found.filter(|session| session.born + LIFE_MS >= self.newest.max(time.0))
    }

    /// Takes back one entry of the space `session`.
    ///
    /// # Errors
    /// An entry that this type did not write.
    pub fn restore(&mut self, entry: &Entry) -> Result<(), RestoreError> {
        let key = std::str::from_utf8(&entry.key).map_err(|error| RestoreError::new(entry, &error))?;
        match &entry.value {
            None => _ = self.by_key.remove(key),
            Some(value) => {
                let session: Session =
                    serde_json::from_slice(value).map_err(|error| RestoreError::new(entry, &error))?;
                self.newest = self.newest.max(session.born);
                self.by_key.insert(key.into(), session);
            }
        }
        Ok(())
    }

    /// Appends what has changed since the last call, by key.
    pub fn delta(&mut self, out: &mut StateDelta) {
        for key in std::mem::take(&mut self.dirty) {
            let value = self.by_key.get(&key).and_then(|session| serde_json::to_vec(session).ok());
            match value {
                Some(value) => out.set(SPACE, key.as_bytes(), value),
                None => out.remove(SPACE, key.as_bytes()),
            }
        }
    }
}

fn makes_session(action: &str) -> bool {
    action.starts_with("AssumeRo") || matches!(action, "GetSessionToken" | "GetFederationToken")
}

fn at_start(arn: &str, start: Timestamp) -> String {
    format!("{arn}@{}", start.0.div_euclid(1000))
}

/// What the caller adds to the chain. A person's sign-in adds nothing: the person is told as such. Neither does a
/// session token, which is the same user again.
fn link(event: &Event<'_>) -> Option<String> {
    let identity = &event.identity;
    match identity.kind.as_deref() {
        Some("SAMLUser") => None,
        _ if event.action == "GetSessionToken" => None,
        Some("AWSAccount") => identity.account_id.as_ref().map(|id| format!("account {id}")),
        _ => identity.arn.as_ref().or(identity.user_name.as_ref()).map(|text| text.clone().into_owned()),
    }
}
