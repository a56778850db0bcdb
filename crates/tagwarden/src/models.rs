//! Which models a worker judges by: the one in force, the one in its shadow, and what the metrics page says of both.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tagwarden_archive::Archive;
use tagwarden_baseline::{Agreement, Model};
use tagwarden_core::Versions;

use crate::setup::Setup;
use crate::wire::{self, Recipe};

/// What is known of the models, for the metrics page.
#[derive(Default)]
pub struct Status {
    in_force: Mutex<Option<(String, i64)>>,
    agreement: Mutex<Agreement>,
    /// Models taken while at work.
    pub swaps: AtomicU64,
    /// Trainings that gave a model.
    pub trained: AtomicU64,
    /// Trainings that gave none.
    pub failed: AtomicU64,
}

impl Status {
    /// The name of the model in force and the end of its window, in milliseconds since 1970.
    pub fn in_force(&self) -> Option<(String, i64)> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How the model in force and its shadow agreed, as of the last epoch's edge.
    pub fn agreement(&self) -> Agreement {
        *self.agreement.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how they agreed.
    pub fn agreed(&self, agreement: Agreement) {
        *self.agreement.lock().unwrap_or_else(PoisonError::into_inner) = agreement;
    }

    /// Counts a training.
    pub fn training(&self, done: bool) {
        (if done { &self.trained } else { &self.failed }).fetch_add(1, Ordering::Relaxed);
    }
}

/// What a worker judges by, from one epoch's edge to the next.
pub struct Models {
    recipe: Recipe,
    /// The shadow that the command line names, until another model comes into force.
    by_hand: Option<Arc<[u8]>>,
    /// Whether the model before goes on in the shadow.
    keeps_one: bool,
    /// The versions that the last epoch was sealed under.
    last: Option<Versions>,
    /// Model and shadow whose days are over.
    over: Option<(Option<String>, Option<String>)>,
    status: Arc<Status>,
}

impl Models {
    /// `last` is what the last epoch was sealed under. Where input can't be read twice there is no shadow but by hand.
    pub fn new(setup: &Setup, last: Option<Versions>, repeatable: bool, status: Arc<Status>) -> Self {
        let (recipe, by_hand) = (setup.recipe.clone(), setup.shadow.clone());
        let keeps_one = repeatable && setup.config.baseline.shadow_days > 0;
        Self { recipe, by_hand, keeps_one, last, over: None, status }
    }

    /// What the epochs from here on are judged by. Which model is in the shadow follows from the last epoch alone, so
    /// that it is the same wherever the worker was stopped: the model before, or that epoch's own shadow.
    pub async fn settle(&mut self, archive: &Archive) -> Result<(Recipe, Versions)> {
        self.recipe.shadow = None;
        let model = wire::name_versions(&self.recipe).model;
        self.recipe.shadow = match &self.by_hand {
            Some(bytes) => Some(Arc::clone(bytes)),
            None => self.before(archive, model.as_deref()).await,
        };
        let named = wire::name_versions(&self.recipe);
        if self.over.as_ref().is_some_and(|over| *over == (named.model, named.shadow)) {
            self.recipe.shadow = None;
        }
        let versions = wire::put_versions(archive, &self.recipe).await?;
        if let Some(shadow) = &versions.shadow {
            eprintln!("tagwarden: shadow {shadow} scores beside what is in force");
        }
        let window_end = match &self.recipe.model {
            Some(bytes) => Some(Model::from_bytes(bytes)?.about().to),
            None => None,
        };
        let in_force = versions.model.clone().zip(window_end);
        *self.status.in_force.lock().unwrap_or_else(PoisonError::into_inner) = in_force;
        Ok((self.recipe.clone(), versions))
    }

    async fn before(&self, archive: &Archive, model: Option<&str>) -> Option<Arc<[u8]>> {
        let last = self.last.as_ref().filter(|_| self.keeps_one && model.is_some())?;
        let before = if last.model.as_deref() == model { &last.shadow } else { &last.model };
        let name = before.as_deref()?;
        let read = async || -> Result<Vec<u8>> {
            let bytes = archive.get_version(name).await?;
            Model::from_bytes(&bytes)?;
            Ok(bytes)
        };
        match read().await {
            Ok(bytes) => Some(bytes.into()),
            // An older release's, perhaps: no reason not to work.
            Err(error) => {
                eprintln!("tagwarden: shadow {name}: {error:#}; nothing scores beside the model in force");
                None
            }
        }
    }

    /// An epoch was sealed under these.
    pub fn sealed(&mut self, versions: Versions) {
        self.last = Some(versions);
    }

    /// Takes another model.
    pub fn swap(&mut self, model: Arc<[u8]>) {
        (self.recipe.model, self.by_hand, self.over) = (Some(model), None, None);
        eprintln!("tagwarden: model {} in force", wire::name_versions(&self.recipe).model.unwrap_or_default());
        self.status.swaps.fetch_add(1, Ordering::Relaxed);
    }

    /// Says how model and shadow agreed, as they part or the run ends; a shadow whose days are over is let go.
    pub fn part(&mut self, versions: &Versions, agreement: Option<Agreement>) {
        let (Some(shadow), Some(agreement)) = (&versions.shadow, agreement) else { return };
        if agreement.over {
            self.over = Some((versions.model.clone(), versions.shadow.clone()));
        }
        tell_agreement(shadow, agreement);
    }
}

/// Says on standard error how the model in force and its shadow agreed, if the shadow scored anything.
pub fn tell_agreement(shadow: &str, agreement: Agreement) {
    let Agreement { both, in_force, shadow: alone, neither, over } = agreement;
    let (changes, end) = (both + in_force + alone + neither, if over { "; its days are over" } else { "" });
    if changes > 0 {
        eprintln!(
            "tagwarden: shadow {shadow}: of {changes} changes {both} stood out to both models, {in_force} only to the one in force, {alone} only to the shadow{end}",
        );
    }
}
