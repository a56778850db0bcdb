//! The only place that names concrete types: puts the rooms together.
//!
//! Here: bytes to event, event to assessed changes, and the archive. [`input`] has the sources, [`alerts`] the outbox,
//! its couriers and who is told.

pub mod alerts;
pub mod input;
pub mod training;

use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use tagwarden_archive::{ArchiveError, Rejected};
use tagwarden_baseline::Agreement;
use tagwarden_core::{
    Actor, Assessment, Change, Disposition, Enriched, Entry, Event, Fault, Intent, Record, Row, RuleHit, Scores,
    Sealed, StateDelta, TagDelta, Text, Timestamp, Versions,
};
use tagwarden_engine::stages::{Archive, Decode, Stages};

use crate::Usage;
use crate::config::Config;

/// Of which changes it is said in words why they stand out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// Of what somebody is told of now, or would be without a suppression, and of one in a thousand: a worker's time is
    /// short, and a digest tells what was done, not why.
    Told,
    /// Of what any rule hits, and of one in fifty: somebody looks into what was judged.
    Unusual,
    /// The same, and of every change what its score is the sum of.
    Parts,
}

impl Words {
    fn are_for(self, judged: &Assessment) -> bool {
        let told = matches!(judged.disposition, Disposition::Notify | Disposition::Page | Disposition::Suppressed);
        let (hit, from) = match self {
            Self::Told => (false, 99.9),
            Self::Unusual | Self::Parts => (!judged.hits.is_empty(), 98.0),
        };
        told || hit || judged.scores.percentile.is_some_and(|percentile| percentile >= from)
    }
}

/// Bytes to event.
#[derive(Default)]
pub struct EventDecoder(tagwarden_events::Decoder);

impl Decode for EventDecoder {
    fn decode<'a>(&'a mut self, bytes: &'a [u8], now: Timestamp) -> Result<Event<'a>, Fault> {
        self.0.decode(bytes, now)
    }
}

/// Enrichment, rules, baseline and their memory.
pub struct Detection {
    enricher: tagwarden_enrich::Enricher,
    judge: tagwarden_detect::Judge,
    baseline: tagwarden_baseline::Baseline,
    redact_raw: bool,
    words: Words,
    /// A model in the making, from the events before a time.
    lesson: Option<training::Lesson>,
    /// Whoever follows how model and shadow agree.
    on_agreement: Option<Box<dyn FnMut(Agreement)>>,
}

/// What judging is made from: the same bytes that `_versions/` keeps.
#[derive(Clone)]
pub struct Recipe {
    /// The config without secrets and places.
    pub config: String,
    /// The rules; `None` for none.
    pub rules: Option<String>,
    /// The inventory.
    pub inventory: Option<Vec<u8>>,
    /// The trained model.
    pub model: Option<Arc<[u8]>>,
    /// The model that scores beside it and decides nothing.
    pub shadow: Option<Arc<[u8]>>,
}

impl Recipe {
    /// The bytes of all its parts.
    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let Self { config, rules, inventory, model, shadow } = self;
        let texts = [Some(config.as_bytes()), rules.as_deref().map(str::as_bytes), inventory.as_deref()];
        texts.into_iter().chain([model.as_deref(), shadow.as_deref()]).flatten()
    }
}

impl Detection {
    /// Builds the stages from their recipe.
    ///
    /// # Errors
    /// What is wrong with which part; among others a kind of score that needs a model, and no model.
    pub fn build(recipe: &Recipe) -> Result<Self> {
        Self::build_with(recipe, |settings| settings)
    }

    /// The same, with other settings of the baseline than the config says.
    fn build_with(
        recipe: &Recipe,
        change: impl FnOnce(tagwarden_baseline::Settings) -> tagwarden_baseline::Settings,
    ) -> Result<Self> {
        let config = crate::config::parse(&recipe.config).map_err(|f| anyhow::anyhow!("config: {}", joined(&f)))?;
        let inventory = match &recipe.inventory {
            Some(bytes) => Some(tagwarden_enrich::Inventory::from_json(bytes).context("inventory")?),
            None => None,
        };
        let rules = match &recipe.rules {
            Some(text) => tagwarden_detect::Rules::from_version_text(text).context("rules")?,
            None => tagwarden_detect::Rules::none(),
        };
        let Config { company, mut policy, baseline, archive, .. } = config;
        let directory = tagwarden_enrich::Directory::build(&company, inventory.as_ref())
            .map_err(|f| anyhow::anyhow!("company: {}", joined(&f)))?;
        know_keys(&mut policy, inventory.as_ref());
        let governed = governed(&policy);
        let judge =
            tagwarden_detect::Judge::new(rules, policy).map_err(|f| anyhow::anyhow!("policy: {}", joined(&f)))?;
        let mut enricher = tagwarden_enrich::Enricher::new(directory);
        if let Some(inventory) = &inventory {
            enricher.seed(inventory);
        }
        let redact_raw = archive.raw == tagwarden_archive::Raw::Redacted;
        let settings = change(baseline);
        let mut baseline = tagwarden_baseline::Baseline::new(settings, governed);
        match &recipe.model {
            Some(bytes) => {
                baseline.judge_by(Arc::new(tagwarden_baseline::Model::from_bytes(bytes).context("model")?));
            }
            None if settings.kind.needs_model() => {
                let kind = settings.kind.name();
                return Err(
                    Usage(format!("baseline.kind: found `{kind}` without a model, want one: give --model")).into()
                );
            }
            None => {}
        }
        if let Some(bytes) = &recipe.shadow {
            baseline.shadow_by(Arc::new(tagwarden_baseline::Model::from_bytes(bytes).context("shadow")?));
        }
        let words = Words::Told;
        Ok(Self { enricher, judge, baseline, redact_raw, words, lesson: None, on_agreement: None })
    }

    /// Tells `on_agreement` at each epoch's edge how the model in force and its shadow agreed so far.
    pub fn telling(mut self, on_agreement: impl FnMut(Agreement) + 'static) -> Self {
        self.on_agreement = Some(Box::new(on_agreement));
        self
    }

    /// Puts into words what `words` says.
    pub fn saying(self, words: Words) -> Self {
        Self { words, ..self }
    }

    /// How the model in force and its shadow agreed so far; `None` without a shadow.
    pub fn agreement(&self) -> Option<Agreement> {
        self.baseline.agreement()
    }
}

/// The inventory's keys are known to the policy beside those that it names.
fn know_keys(policy: &mut tagwarden_detect::Policy, inventory: Option<&tagwarden_enrich::Inventory>) {
    let Some(inventory) = inventory else { return };
    let add = |keys: &mut Vec<String>, roles: &[&str]| {
        for key in roles.iter().filter_map(|role| inventory.tag_keys.get(*role)) {
            if !keys.iter().any(|known| known.eq_ignore_ascii_case(key)) {
                keys.push(key.clone());
            }
        }
    };
    add(&mut policy.protected_keys, &["env", "class", "access"]);
    add(&mut policy.environment_keys, &["env"]);
    add(&mut policy.access_keys, &["access"]);
    add(&mut policy.automation_keys, &["backup", "sched"]);
    add(&mut policy.accounting_keys, &["owner", "cost", "app"]);
}

/// What the policy's tag keys govern.
fn governed(policy: &tagwarden_detect::Policy) -> tagwarden_baseline::Governed {
    tagwarden_baseline::Governed {
        access: policy.access_keys.clone(),
        automation: policy.automation_keys.clone(),
        environment: policy.environment_keys.clone(),
        accounting: policy.accounting_keys.clone(),
        classification: policy.protected_keys.clone(),
    }
}

fn joined<T: std::fmt::Display>(faults: &[T]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Stages for Detection {
    fn feed(&mut self, event: &Event<'_>) {
        self.end_lesson(event.time);
        if tagwarden_events::feeds_sessions(event) {
            let actor = self.enricher.actor(event);
            self.enricher.feed(event, &actor);
        }
    }

    fn event_rules(&mut self, event: &Event<'_>, hits: &mut Vec<RuleHit>) {
        self.judge.match_event(event, hits);
    }

    fn is_news(&mut self, event: &Event<'_>) -> bool {
        !self.baseline.knows(event, &tagwarden_events::secret_read(event))
    }

    fn normalise<'a>(&mut self, event: &Event<'a>, changes: &mut Vec<Change<'a>>) {
        tagwarden_events::normalise(event, changes);
    }

    fn actor<'a>(&mut self, event: &Event<'a>) -> Actor<'a> {
        self.enricher.actor(event)
    }

    fn enrich<'a>(&mut self, event: &Event<'a>, actor: &Actor<'a>, change: &Change<'a>) -> Enriched<'a> {
        self.enricher.enrich(event, actor, change)
    }

    fn score(&mut self, event: &Event<'_>, actor: &Actor<'_>, change: &Change<'_>, enriched: &Enriched<'_>) -> Scores {
        self.baseline.score(event, actor, change, enriched)
    }

    fn judge(
        &mut self,
        event: &Event<'_>,
        actor: &Actor<'_>,
        change: &Change<'_>,
        enriched: &Enriched<'_>,
        hits: &[RuleHit],
        scores: Scores,
    ) -> Assessment {
        let row = tagwarden_detect::RowParts { event, actor, change, enriched };
        let baseline = &mut self.baseline;
        let mut judged = self.judge.judge(row, hits, scores, |hits, scores| {
            baseline.add_rules(event.time.day(), hits, scores);
        });
        if self.words.are_for(&judged) {
            let (reasons, leading) = baseline.reasons(event, actor, change, enriched);
            judged.explain(reasons, leading);
            baseline.peers(&mut judged.scores);
        }
        if self.words == Words::Parts {
            baseline.take_apart(&mut judged.scores);
        }
        judged
    }

    fn settle(
        &mut self,
        event: &Event<'_>,
        actor: &Actor<'_>,
        change: &Change<'_>,
        enriched: &Enriched<'_>,
        assessment: &Assessment,
    ) {
        if let Some(lesson) = &mut self.lesson {
            lesson.take(&self.baseline, event, actor, enriched, assessment);
        }
        self.baseline.learn(event, actor, change, enriched, &assessment.hits, &assessment.scores);
        self.enricher.apply(event, change);
    }

    fn redact(&mut self, change: &mut Change<'_>, enriched: &mut Enriched<'_>, assessment: &mut Assessment) {
        // What was a secret in a value is one in the words about it, too.
        let mut hide = |was: &str| {
            let words = assessment.hits.iter_mut().filter_map(|hit| hit.reason.as_mut());
            assessment.reasons.iter_mut().chain(words).for_each(|reason| *reason = hidden(reason, was));
        };
        let mut clean = |name: &str, value: &mut Text<'_>| {
            if let Some(clean) = tagwarden_events::redacted(name, value) {
                hide(value);
                *value = clean;
            }
        };
        for TagDelta { key, old, new, .. } in &mut enriched.tags {
            old.iter_mut().chain(new).for_each(|value| clean(key, value));
        }
        change.details.iter_mut().for_each(|(name, value)| clean(name, value));
        if let Some(name) = &mut change.resource_name
            && let Some(clean) = tagwarden_events::redacted("", name)
        {
            *name = clean;
        }
        // The edit has been judged and remembered; nobody reads its values any more, so none of them can leave.
        (change.tags.set, change.tags.remove) = (Vec::new(), Vec::new());
    }

    fn raw(&mut self, event: &Event<'_>) -> Option<String> {
        self.redact_raw.then(|| tagwarden_events::redact_raw(event))
    }

    fn restore(&mut self, entry: &Entry) -> Result<(), String> {
        match entry.space.as_ref() {
            space if tagwarden_baseline::Baseline::spaces().contains(&space) => self.baseline.restore(entry),
            "window" => self.judge.restore(entry),
            _ => return self.enricher.restore(entry).map_err(|e| e.to_string()),
        }
        Ok(())
    }

    fn delta(&mut self, delta: &mut StateDelta) {
        self.enricher.delta(delta);
        self.judge.delta(delta);
        self.baseline.delta(delta);
        if let (Some(tell), Some(agreement)) = (&mut self.on_agreement, self.baseline.agreement()) {
            tell(agreement);
        }
    }
}

/// `words` without the secret, which may be quoted in them in part.
fn hidden(words: &str, secret: &str) -> String {
    words.replace(secret, "***").replace(tagwarden_baseline::quote(secret).as_ref(), "***")
}

/// The Parquet archive.
pub struct ParquetArchive(pub tagwarden_archive::Archive);

impl Archive for ParquetArchive {
    type Error = ArchiveError;

    fn push(&mut self, row: &Row<'_>, raw: Option<Bytes>) {
        self.0.push(row, raw);
    }

    fn reject(&mut self, record: &Record, source: &str, fault: &Fault) {
        self.0.reject(Rejected {
            bytes: record.bytes.clone(),
            source: source.to_owned(),
            partition: record.partition.clone(),
            position: record.position.clone(),
            stage: fault.stage,
            reason: fault.reason.clone(),
        });
    }

    fn plan(&self, epoch: u64) -> (Vec<String>, Option<String>) {
        self.0.plan(epoch)
    }

    async fn seal(&mut self, intent: &Intent, on_step: &mut dyn FnMut(&str)) -> Result<Sealed, ArchiveError> {
        self.0.seal(intent, on_step).await
    }

    async fn shut_out(&mut self, intent: &Intent) -> Result<Sealed, ArchiveError> {
        self.0.shut_out(intent).await
    }

    async fn raw_events(&self, key: &str) -> Result<Vec<Vec<u8>>, ArchiveError> {
        Ok(self.0.raw_events(key).await?.into_iter().map(Vec::from).collect())
    }
}

/// Stores the recipe in the archive and gives its versions.
pub async fn put_versions(archive: &tagwarden_archive::Archive, recipe: &Recipe) -> Result<Versions> {
    let versions = name_versions(recipe);
    for bytes in recipe.parts() {
        archive.put_version(bytes).await?;
    }
    Ok(versions)
}

/// The recipe behind versions that are no longer in force.
pub async fn get_versions(archive: &tagwarden_archive::Archive, versions: &Versions) -> Result<Recipe> {
    let get = async |name: &Option<String>| match name {
        Some(name) => archive.get_version(name).await.map(Some),
        None => Ok(None),
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).context("a version is no UTF-8");
    Ok(Recipe {
        config: text(archive.get_version(&versions.config).await?)?,
        rules: get(&versions.rules).await?.map(text).transpose()?,
        inventory: get(&versions.inventory).await?,
        model: get(&versions.model).await?.map(Arc::from),
        shadow: get(&versions.shadow).await?.map(Arc::from),
    })
}

/// The versions of a recipe that is not stored anywhere.
pub fn name_versions(recipe: &Recipe) -> Versions {
    use sha2::Digest;
    let name = |bytes: &[u8]| format!("{:x}", sha2::Sha256::digest(bytes));
    Versions {
        config: name(recipe.config.as_bytes()),
        rules: recipe.rules.as_ref().map(|text| name(text.as_bytes())),
        inventory: recipe.inventory.as_ref().map(|bytes| name(bytes)),
        model: recipe.model.as_ref().map(|bytes| name(bytes)),
        shadow: recipe.shadow.as_ref().map(|bytes| name(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::hidden;

    #[test]
    fn a_secret_is_hidden_where_reasons_quote_it_in_part_too() {
        let long = "q7".repeat(40);
        for secret in ["hunter2", "two\nlines", &long] {
            let quoted = tagwarden_baseline::quote(secret);
            let words = format!("api-key = {quoted}: 0 of 3 changes, was {secret}");
            assert_eq!(hidden(&words, secret), "api-key = ***: 0 of 3 changes, was ***");
        }
    }
}
