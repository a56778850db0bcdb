//! The one door: who is behind an event, what is known around its changes, and what is to be remembered of them.

use std::fmt::Write as _;

use tagwarden_core::{
    Actor, Change, Enriched, Entry, Event, EventKind, StateDelta, TagDelta, TagOp, TagOperation, Text, Via,
};

use crate::actor::actor;
use crate::other_accounts::other_accounts;
use crate::settings::EnvironmentSource;
use crate::tags::{History, Known, deltas, resource_key};
use crate::{Directory, Inventory, RestoreError, Sessions, TagStore};

/// Directory, sessions and tags together. Called by the judging thread only, in arrival order: `actor` and `feed` once
/// per event, `enrich` and then `apply` once per change.
#[derive(Debug)]
pub struct Enricher {
    /// What the operator knows.
    pub directory: Directory,
    /// Who is behind temporary credentials.
    pub sessions: Sessions,
    /// The tags that resources had.
    pub tags: TagStore,
}

impl Enricher {
    /// An enricher that remembers nothing yet.
    pub fn new(directory: Directory) -> Self {
        Self { directory, sessions: Sessions::default(), tags: TagStore::default() }
    }

    /// Who is behind an event.
    pub fn actor<'a>(&self, event: &Event<'a>) -> Actor<'a> {
        actor(&self.directory, &self.sessions, event)
    }

    /// Learns sessions from sign-in and role events, reads included; every other event costs a comparison.
    pub fn feed(&mut self, event: &Event<'_>, actor: &Actor<'_>) {
        self.sessions.feed(event, actor);
    }

    /// What is known around a change before it is applied. For a call that was refused: as it would have been.
    pub fn enrich<'a>(&self, event: &Event<'a>, actor: &Actor<'a>, change: &Change<'a>) -> Enriched<'a> {
        let key = resource_key(event, change);
        let history = key.as_deref().and_then(|key| self.tags.history(key));
        let time = event.time.0;
        let edit = &change.tags;
        // A witness reports all tags; those that it does not call changed were there before.
        let changed = change.detail("changed_tag_keys").filter(|_| edit.operation == Some(TagOperation::State));
        let untouched = |key: &str| changed.is_some_and(|changed| !changed.split(',').any(|listed| listed == key));
        let tags = deltas(edit, history, time, untouched);
        let view = View { tags: &tags, operation: edit.operation, history, time };
        let names = &self.directory.tag_keys().environment;
        let name_tag = ["Name"];
        let resource_name = if change.resource_name.is_none() { view.after(&name_tag) } else { None };
        let account = self.directory.account(&event.account_id);
        let environment_with = |tag: Option<Text<'_>>| {
            let name = change.resource_name.as_deref().or(resource_name.as_deref()).unwrap_or(&change.resource_id);
            self.environment(tag.as_deref(), account.and_then(|account| account.environment.as_ref()), name)
        };
        let environment = environment_with(view.after(names));
        let environment_before = if edit.operation == Some(TagOperation::Create) {
            None
        } else if tags.is_empty() {
            environment.clone()
        } else {
            environment_with(view.before(names))
        };
        let owners = &self.directory.tag_keys().owner;
        let owner = view.after(owners).or_else(|| view.before(owners));
        let name = change.resource_name.as_deref().or(resource_name.as_deref()).unwrap_or(&change.resource_id);
        let named = || self.directory.team_in(name).map(|team| Text::Owned(team.name.clone()));
        let owner = owner.or_else(named);
        let owner = owner.or_else(|| account.and_then(|account| account.owner.clone()).map(Text::Owned));
        let tags_known = view.known_in_full(edit.partial);
        let missing_tags = if tags_known {
            let required = self.directory.required_tags().iter();
            required.filter(|key| view.lacks(key)).map(|key| Text::Owned(key.clone())).collect()
        } else {
            Vec::new()
        };
        let confirms =
            if event.kind == EventKind::TagState { confirmed(history, &tags, time, untouched) } else { None };
        Enriched {
            account_name: account.and_then(|account| account.name.clone()).map(Text::Owned),
            environment_before,
            environment,
            owner,
            tags_known,
            missing_tags,
            resource_name,
            change_set_id: change_set(event, actor),
            confirms,
            other_accounts: other_accounts(&self.directory, event, change),
            tags,
        }
    }

    /// The first answer in the configured order.
    fn environment(&self, tag: Option<&str>, account: Option<&Text<'static>>, name: &str) -> Option<Text<'static>> {
        let environments = &self.directory.environments;
        environments.order.iter().find_map(|source| match source {
            EnvironmentSource::Tags => environments.normalise(tag?),
            EnvironmentSource::Account => account.cloned(),
            EnvironmentSource::Name => environments.of_name(name),
        })
    }

    /// Remembers a judged change. Refused calls and witnesses change nothing.
    pub fn apply(&mut self, event: &Event<'_>, change: &Change<'_>) {
        if event.error_code.is_none() && !event.kind.is_witness() {
            self.tags.apply(event, change);
        }
    }

    /// Takes back one entry of the spaces `session` and `tags`; entries of other spaces are left alone.
    ///
    /// # Errors
    /// An entry that this crate did not write.
    pub fn restore(&mut self, entry: &Entry) -> Result<(), RestoreError> {
        match entry.space.as_ref() {
            crate::sessions::SPACE => self.sessions.restore(entry),
            crate::tags::SPACE => self.tags.restore(entry),
            _ => Ok(()),
        }
    }

    /// Appends what has changed since the last call, in a fixed order.
    pub fn delta(&mut self, out: &mut StateDelta) {
        self.sessions.delta(out);
        self.tags.delta(out);
    }

    /// Takes in tags known before the first event; a resource about which the store knows something is left alone.
    pub fn seed(&mut self, inventory: &Inventory) {
        self.tags.seed(&inventory.tags);
    }
}

/// A resource's tags around one change.
struct View<'v, 'a> {
    tags: &'v [TagDelta<'a>],
    operation: Option<TagOperation>,
    history: Option<&'v History>,
    time: i64,
}

impl<'a> View<'_, 'a> {
    fn delta(&self, name: &str) -> Option<&TagDelta<'a>> {
        self.tags.iter().find(|delta| delta.key.eq_ignore_ascii_case(name))
    }

    fn stored(&self, name: &str) -> Option<Text<'a>> {
        match self.history?.at(self.time, |key| key.eq_ignore_ascii_case(name)) {
            Known::Value(value) => Some(Text::Owned((**value).to_owned())),
            Known::Absent | Known::Unknown => None,
        }
    }

    /// The value, before the change, of the first of `names` that has one; ASCII case is ignored.
    fn before(&self, names: &[impl AsRef<str>]) -> Option<Text<'a>> {
        if self.operation == Some(TagOperation::Create) {
            return None;
        }
        names.iter().find_map(|name| match self.delta(name.as_ref()) {
            Some(delta) => delta.old.clone(),
            None => self.stored(name.as_ref()),
        })
    }

    /// The value after the change.
    fn after(&self, names: &[impl AsRef<str>]) -> Option<Text<'a>> {
        let complete = self.complete();
        names.iter().find_map(|name| match self.delta(name.as_ref()) {
            Some(delta) => delta.new.clone(),
            None if complete => None,
            None => self.stored(name.as_ref()),
        })
    }

    /// Whether the change tells the whole set.
    fn complete(&self) -> bool {
        matches!(self.operation, Some(TagOperation::Create | TagOperation::Replace | TagOperation::State))
    }

    fn known_in_full(&self, partial: bool) -> bool {
        !partial && (self.complete() || self.history.is_some_and(|history| history.full(self.time)))
    }

    /// Whether the key, spelled exactly so, is known to be absent after the change.
    fn lacks(&self, key: &str) -> bool {
        match self.tags.iter().find(|delta| delta.key == key) {
            Some(delta) => delta.new.is_none() && delta.op != TagOp::Unknown,
            None if self.complete() => true,
            None => {
                let known = self.history.map(|history| history.at(self.time, |name| name == key));
                matches!(known, Some(Known::Absent))
            }
        }
    }
}

/// The change that a witness confirms.
fn confirmed<'a>(
    history: Option<&History>,
    tags: &[TagDelta<'a>],
    time: i64,
    untouched: impl Fn(&str) -> bool,
) -> Option<Text<'a>> {
    let changed = tags.iter().filter(|delta| !untouched(&delta.key));
    let id = history?.confirmed(time, changed.map(|delta| (&*delta.key, delta.new.as_deref())))?;
    Some(Text::Owned(id.to_owned()))
}

/// The run of a pipeline: its actor and its session's start, which are the same for all that one run does.
fn change_set<'a>(event: &Event<'a>, actor: &Actor<'a>) -> Option<Text<'a>> {
    if actor.via != Via::Iac {
        return None;
    }
    let mut id = String::with_capacity(actor.key.len() + 25);
    id.push_str(&actor.key);
    id.push('@');
    match event.identity.session_start {
        Some(start) => write!(id, "{start}").ok()?,
        None => id.push_str(event.identity.access_key_id.as_ref()?),
    }
    Some(Text::Owned(id))
}
