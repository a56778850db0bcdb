//! The archive's root: open, append, seal, recover.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use object_store::ObjectStore;
use serde::{Deserialize, Serialize};
use tagwarden_core::{Intent, Row, Sealed, SealedFile, Versions};

use crate::encode::Encoder;
use crate::epoch::{Columns, Epoch};
use crate::history::History;
use crate::store::{Store, sha256, token};
use crate::{ArchiveError, Quarantined, Rejected, Settings, quarantine, read};

/// Where the archive says what it is.
const MARKER: &str = "_tagwarden.json";

/// The layout that this version writes and reads.
const LAYOUT: u32 = 1;

/// What [`MARKER`] holds.
#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    archive_id: String,
    layout_version: u32,
}

/// One writer's view of an archive: its root and the open epoch.
///
/// Called by the engine, from one task: `push` and `reject`, then `plan`, [`seal`](Self::seal), and so on. Encoding and,
/// in a folder, writing happen on the calling thread. A seal that fails or is dropped half-way leaves the open epoch as
/// it was and can be asked for again: what was put is adopted.
#[derive(Debug)]
pub struct Archive {
    store: Store,
    id: String,
    lane: String,
    settings: Settings,
    open: Epoch,
}

impl Archive {
    /// Opens the archive in `folder`, which is made if it is not there, to write under `lane` (letters, digits, `_`,
    /// `.`).
    ///
    /// # Errors
    /// Settings out of range, a root of another layout, a folder that can't be read or written.
    pub async fn open(folder: &Path, lane: &str, settings: Settings) -> Result<Self, ArchiveError> {
        Self::open_root(Store::folder(folder)?, lane, settings).await
    }

    /// Opens the archive at the root of `store`, as [`open`](Self::open) does.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_store(store: Arc<dyn ObjectStore>, lane: &str, settings: Settings) -> Result<Self, ArchiveError> {
        Self::open_root(Store::objects(store), lane, settings).await
    }

    async fn open_root(store: Store, lane: &str, settings: Settings) -> Result<Self, ArchiveError> {
        settings.check()?;
        if lane.is_empty() || !lane.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')) {
            return Err(ArchiveError::Settings(format!("lane: found `{lane}`, want letters, digits, `_` and `.`")));
        }
        let mut found = store.get(MARKER).await?;
        if found.is_none() {
            let archive_id = format!("{:016x}{:016x}", token(), token());
            store.put_if_absent(MARKER, json(MARKER, &Marker { archive_id, layout_version: LAYOUT })?).await?;
            // Somebody may have been quicker: what is there counts.
            found = store.get(MARKER).await?;
        }
        let marker = found.unwrap_or_default();
        let marker: Marker = serde_json::from_slice(&marker)
            .map_err(|error| ArchiveError::Corrupt { key: MARKER.to_owned(), what: error.to_string() })?;
        if marker.layout_version != LAYOUT {
            let found = marker.layout_version;
            return Err(ArchiveError::Mismatch(format!("found layout version {found}, wanted {LAYOUT}")));
        }
        Ok(Self { store, id: marker.archive_id, lane: lane.to_owned(), settings, open: Epoch::new() })
    }

    /// The archive's id: 32 hex digits, chosen when it was made.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether no epoch was ever sealed here, by any lane.
    pub async fn is_empty(&self) -> Result<bool, ArchiveError> {
        Ok(self.store.by_lane("_log").await?.is_empty())
    }

    /// Appends `row` to the open epoch. `raw` is the event as received, kept by reference until the seal and known to
    /// be UTF-8; without it the row's own `raw_event` counts.
    pub fn push(&mut self, row: &Row<'_>, raw: Option<Bytes>) {
        self.open.push(row, raw);
    }

    /// Appends a record to the open epoch's quarantine.
    pub fn reject(&mut self, record: Rejected) {
        self.open.reject(record);
    }

    /// Rows in the open epoch.
    pub fn rows(&self) -> u64 {
        self.open.rows() as u64
    }

    /// Bytes that the open epoch holds in memory, slices of the input included.
    pub fn bytes(&self) -> u64 {
        self.open.held() as u64
    }

    /// What sealing the open epoch as `epoch` would write: one key per event date, in order of date, and the
    /// quarantine's key if anything was rejected.
    pub fn plan(&self, epoch: u64) -> (Vec<String>, Option<String>) {
        let lane = &self.lane;
        let object = |date: String| format!("changes/dt={date}/{lane}-{epoch:010}.parquet");
        let objects = self.open.dates().into_iter().map(object).collect();
        let rejected = !self.open.rejects().is_empty();
        (objects, rejected.then(|| format!("_quarantine/{lane}/{epoch:010}.ndjson")))
    }

    /// Keeps `bytes` under `_versions/` by their SHA-256, which is returned. Idempotent.
    pub async fn put_version(&self, bytes: &[u8]) -> Result<String, ArchiveError> {
        let name = sha256(bytes);
        self.store.put_if_absent(&format!("_versions/{name}"), Bytes::copy_from_slice(bytes)).await?;
        Ok(name)
    }

    /// The bytes kept under the SHA-256 `name`.
    ///
    /// # Errors
    /// No such object, or one whose SHA-256 is another.
    pub async fn get_version(&self, name: &str) -> Result<Vec<u8>, ArchiveError> {
        let key = format!("_versions/{name}");
        let bytes = self.store.must_get(&key).await?;
        let found = sha256(&bytes);
        if found == name {
            Ok(bytes.to_vec())
        } else {
            Err(ArchiveError::Corrupt { key, what: format!("found SHA-256 {found}, wanted {name}") })
        }
    }

    /// Makes the open epoch durable as `intent` says: each object, the quarantine, the log; then empties it. An object
    /// that is there already is adopted. `on_step` hears `put:<key>` before and `put-done:<key>` after each put.
    ///
    /// # Errors
    /// An intent of other keys than [`plan`](Self::plan) gives, or a log of this epoch that says something else:
    /// nothing was cut as it was before. A store that does not take an object: the same seal may be tried again.
    pub async fn seal(&mut self, intent: &Intent, on_step: &mut dyn FnMut(&str)) -> Result<Sealed, ArchiveError> {
        let (objects, quarantine) = self.plan(intent.epoch);
        if (&intent.lane, &intent.objects, &intent.quarantine) != (&self.lane, &objects, &quarantine) {
            let what = format!(
                "found lane {}, objects {:?} and quarantine {:?} intended, wanted {}, {objects:?} and {quarantine:?}",
                intent.lane, intent.objects, intent.quarantine, self.lane
            );
            return Err(ArchiveError::Intent { epoch: intent.epoch, what });
        }
        self.store.sweep(&self.lane)?;
        let mut files = Vec::with_capacity(objects.len());
        let columns = self.open.freeze();
        let mut encoder = Encoder::new(&self.settings)?;
        for (key, rows) in objects.iter().zip(self.open.sorted()) {
            let bytes = Bytes::from(encoder.file(&columns, &rows)?);
            files.push(self.put_rows(key, bytes, rows.len() as u64, on_step).await?);
        }
        drop(columns);
        let mut quarantined = 0;
        if let Some(key) = &quarantine {
            let object = quarantine::encode(self.open.rejects()).map_err(|error| unwritable(key, &error))?;
            quarantined = self.put_quarantine(key, object.into(), on_step).await?;
        }
        let sealed = self.log(Sealed { intent: intent.clone(), files, quarantined }, on_step).await?;
        self.open.clear();
        Ok(sealed)
    }

    /// Finishes an intent whose input can't be cut again: an empty file under each key that is absent, which shuts a
    /// late writer out; what did land is adopted. The open epoch is left alone.
    ///
    /// # Errors
    /// As [`seal`](Self::seal).
    pub async fn shut_out(&self, intent: &Intent) -> Result<Sealed, ArchiveError> {
        let nobody = &mut |_: &str| ();
        let mut files = Vec::with_capacity(intent.objects.len());
        for key in &intent.objects {
            let empty = Bytes::from(Encoder::new(&self.settings)?.file(&Columns::default(), &[])?);
            files.push(self.put_rows(key, empty, 0, nobody).await?);
        }
        let mut quarantined = 0;
        if let Some(key) = &intent.quarantine {
            quarantined = self.put_quarantine(key, Bytes::new(), nobody).await?;
        }
        self.log(Sealed { intent: intent.clone(), files, quarantined }, nobody).await
    }

    /// Puts a Parquet file of `rows` rows, or adopts the one that is there.
    async fn put_rows(
        &self,
        key: &str,
        bytes: Bytes,
        rows: u64,
        on_step: &mut dyn FnMut(&str),
    ) -> Result<SealedFile, ArchiveError> {
        let (rows, bytes) = match self.put(key, &bytes, on_step).await? {
            None => (rows, bytes),
            Some(there) => (read::rows(key, &there)?, there),
        };
        Ok(SealedFile { key: key.to_owned(), rows, sha256: sha256(&bytes) })
    }

    async fn put_quarantine(
        &self,
        key: &str,
        object: Bytes,
        on_step: &mut dyn FnMut(&str),
    ) -> Result<u64, ArchiveError> {
        let there = self.put(key, &object, on_step).await?;
        Ok(quarantine::count(&there.unwrap_or(object)))
    }

    /// Makes the objects' names durable, and only then writes the epoch's line of the log, or checks that the one that
    /// is there says the same.
    async fn log(&self, sealed: Sealed, on_step: &mut dyn FnMut(&str)) -> Result<Sealed, ArchiveError> {
        let objects = sealed.intent.objects.iter().chain(&sealed.intent.quarantine);
        self.store.settle(objects.map(String::as_str))?;
        let key = format!("_log/{}/{:010}.json", sealed.intent.lane, sealed.intent.epoch);
        let entry = json(&key, &sealed)?;
        let there = self.put(&key, &entry, on_step).await?;
        self.store.settle([key.as_str()])?;
        let Some(there) = there else { return Ok(sealed) };
        let found: Sealed = serde_json::from_slice(&there)
            .map_err(|error| ArchiveError::Corrupt { key: key.clone(), what: error.to_string() })?;
        if found == sealed {
            Ok(sealed)
        } else {
            let what = format!("found `{key}` of another intent or of other files, wanted the same");
            Err(ArchiveError::Intent { epoch: sealed.intent.epoch, what })
        }
    }

    /// `None` once `bytes` are under `key`, to be settled; else what is there already.
    async fn put(
        &self,
        key: &str,
        bytes: &Bytes,
        on_step: &mut dyn FnMut(&str),
    ) -> Result<Option<Bytes>, ArchiveError> {
        on_step(&format!("put:{key}"));
        let there = if self.store.put_unsettled(key, bytes.clone()).await? {
            None
        } else {
            Some(self.store.must_get(key).await?)
        };
        on_step(&format!("put-done:{key}"));
        Ok(there)
    }

    /// The `raw_event` texts of one object by partition and position: in the order in which they were read, as far as
    /// one partition goes. Nulls are left out.
    pub async fn raw_events(&self, key: &str) -> Result<Vec<Bytes>, ArchiveError> {
        read::raw_events(key, self.store.must_get(key).await?)
    }

    /// The versions that this lane's epoch was sealed under; `None` if it is not in the log.
    ///
    /// # Errors
    /// A log that can't be read.
    pub async fn versions_of(&self, epoch: u64) -> Result<Option<Versions>, ArchiveError> {
        let key = format!("_log/{}/{epoch:010}.json", self.lane);
        let Some(line) = self.store.get(&key).await? else { return Ok(None) };
        let sealed: Sealed =
            serde_json::from_slice(&line).map_err(|error| ArchiveError::Corrupt { key, what: error.to_string() })?;
        Ok(Some(sealed.intent.versions))
    }

    /// The last event date (`YYYY-MM-DD`) of which there are rows.
    ///
    /// # Errors
    /// A root that can't be listed.
    pub async fn newest_date(&self) -> Result<Option<String>, ArchiveError> {
        let folders = self.store.folders("changes").await?;
        Ok(folders.iter().filter_map(|folder| folder.strip_prefix("dt=")).max().map(str::to_owned))
    }

    /// The events of the dates (`YYYY-MM-DD`) on or after `from` and before `to`, epoch by epoch.
    ///
    /// # Errors
    /// A log that can't be listed.
    pub async fn history(&self, from: &str, to: &str) -> Result<History, ArchiveError> {
        History::open(&self.store, from.to_owned(), to.to_owned()).await
    }

    /// Everything in quarantine, by lane, epoch and place.
    pub async fn quarantined(&self) -> Result<Vec<Quarantined>, ArchiveError> {
        let mut found = Vec::new();
        for key in self.store.by_lane("_quarantine").await? {
            found.extend(quarantine::decode(&key, &self.store.must_get(&key).await?)?);
        }
        Ok(found)
    }
}

fn json<T: Serialize>(key: &str, value: &T) -> Result<Bytes, ArchiveError> {
    let mut bytes = serde_json::to_vec(value).map_err(|error| unwritable(key, &error))?;
    bytes.push(b'\n');
    Ok(bytes.into())
}

fn unwritable(key: &str, error: &serde_json::Error) -> ArchiveError {
    ArchiveError::Corrupt { key: key.to_owned(), what: format!("can't be written: {error}") }
}
