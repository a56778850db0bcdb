//! Objects under the archive's root: put only if absent, read whole, list.
//!
//! In a folder an object is written under `_tmp/`, synced, linked to its name and the folders synced, so that what was
//! put survives a killed process and a power loss, and a name never shows half an object. The many objects of a seal
//! have their folders synced together. In an object store this is the store's own promise.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::{Path as Folder, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use sha2::{Digest, Sha256};

use crate::ArchiveError;

/// Where files in progress lie.
const IN_PROGRESS: &str = "_tmp";

#[derive(Debug, Clone)]
pub(crate) struct Store {
    objects: Arc<dyn ObjectStore>,
    /// The folder, if the objects are files.
    folder: Option<PathBuf>,
}

impl Store {
    pub(crate) fn folder(folder: &Folder) -> Result<Self, ArchiveError> {
        let failed = |source| trouble("open folder", &folder.to_string_lossy(), source);
        fs::create_dir_all(folder).map_err(|source| failed(source.into()))?;
        let objects = LocalFileSystem::new_with_prefix(folder).map_err(|source| failed(source.into()))?;
        Ok(Self { objects: Arc::new(objects), folder: Some(folder.to_owned()) })
    }

    pub(crate) fn objects(objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects, folder: None }
    }

    /// Stores `bytes` under `key`; `false` if there is an object of that name, which is left as it is.
    pub(crate) async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<bool, ArchiveError> {
        let put = self.put_unsettled(key, bytes).await?;
        // Also where the object was there: whoever linked it may have died before it synced the folders.
        self.settle([key])?;
        Ok(put)
    }

    /// The same, but the object's name survives a power loss only after [`settle`](Self::settle).
    pub(crate) async fn put_unsettled(&self, key: &str, bytes: Bytes) -> Result<bool, ArchiveError> {
        let path = path(key)?;
        if let Some(folder) = &self.folder {
            return put_file(folder, path.as_ref(), &bytes).map_err(|source| trouble("put", key, source.into()));
        }
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.objects.put_opts(&path, PutPayload::from(bytes), options).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(source) => Err(trouble("put", key, source.into())),
        }
    }

    /// Makes the names `keys` durable: each folder above them is synced once, the inner before the outer.
    pub(crate) fn settle<'a>(&self, keys: impl IntoIterator<Item = &'a str>) -> Result<(), ArchiveError> {
        let Some(root) = &self.folder else { return Ok(()) };
        let mut folders = BTreeSet::new();
        for key in keys {
            let path = path(key)?;
            let above = Folder::new(path.as_ref()).ancestors().skip(1);
            folders.extend(above.map(|folder| root.join(folder)));
        }
        let sync = |folder: &PathBuf| File::open(folder)?.sync_all();
        folders.iter().rev().try_for_each(|folder| {
            sync(folder).map_err(|source| trouble("sync", &folder.to_string_lossy(), source.into()))
        })
    }

    /// The object under `key`, if there is one.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Bytes>, ArchiveError> {
        let failed = |source: object_store::Error| trouble("get", key, source.into());
        match self.objects.get(&path(key)?).await {
            Ok(found) => found.bytes().await.map(Some).map_err(failed),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(failed(source)),
        }
    }

    /// The object under `key`, which has to be there.
    pub(crate) async fn must_get(&self, key: &str) -> Result<Bytes, ArchiveError> {
        self.get(key).await?.ok_or_else(|| ArchiveError::Corrupt {
            key: key.to_owned(),
            what: "found no object, wanted one".to_owned(),
        })
    }

    /// The keys two levels below `prefix` (`<prefix>/<lane>/<epoch>`), in order.
    pub(crate) async fn by_lane(&self, prefix: &str) -> Result<Vec<String>, ArchiveError> {
        let failed = |source: object_store::Error| trouble("list", prefix, source.into());
        let lanes = self.objects.list_with_delimiter(Some(&path(prefix)?)).await.map_err(failed)?;
        let mut keys = Vec::new();
        for lane in lanes.common_prefixes {
            let found = self.objects.list_with_delimiter(Some(&lane)).await.map_err(failed)?;
            keys.extend(found.objects.into_iter().map(|object| object.location.to_string()));
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// The names of the folders one level below `prefix`, in order.
    pub(crate) async fn folders(&self, prefix: &str) -> Result<Vec<String>, ArchiveError> {
        let found = self.objects.list_with_delimiter(Some(&path(prefix)?)).await;
        let found = found.map_err(|source| trouble("list", prefix, source.into()))?;
        let mut names: Vec<String> =
            found.common_prefixes.iter().filter_map(|folder| Some(folder.filename()?.to_owned())).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Removes what a killed process of `lane` left in progress. Only the lane's own writer may ask for it.
    pub(crate) fn sweep(&self, lane: &str) -> Result<(), ArchiveError> {
        let Some(folder) = self.folder.as_ref().map(|folder| folder.join(IN_PROGRESS)) else { return Ok(()) };
        let sweep = || -> io::Result<()> {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                if entry.file_name().to_string_lossy().starts_with(&format!("{lane}~")) {
                    fs::remove_file(entry.path())?;
                }
            }
            Ok(())
        };
        match sweep() {
            Ok(()) => Ok(()),
            Err(gone) if gone.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(trouble("sweep", IN_PROGRESS, Box::new(source))),
        }
    }
}

/// The SHA-256 of `bytes` in hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a string does not fail.
        write!(hex, "{byte:02x}").unwrap_or_default();
        hex
    })
}

/// 64 bits that the operating system's randomness stands behind.
pub(crate) fn token() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

fn path(key: &str) -> Result<Path, ArchiveError> {
    Path::parse(key).map_err(|source| trouble("name", key, source.into()))
}

fn trouble(action: &'static str, key: &str, source: Box<dyn std::error::Error + Send + Sync>) -> ArchiveError {
    ArchiveError::Store { action, key: key.to_owned(), source }
}

fn put_file(root: &Folder, key: &str, bytes: &[u8]) -> io::Result<bool> {
    let target = root.join(key);
    let parent = target.parent().unwrap_or(root);
    fs::create_dir_all(parent)?;
    fs::create_dir_all(root.join(IN_PROGRESS))?;
    let staged = root.join(IN_PROGRESS).join(format!("{}.{:016x}", staged_name(key), token()));
    let written = write_synced(&staged, bytes).and_then(|()| match fs::hard_link(&staged, &target) {
        Ok(()) => Ok(true),
        Err(there) if there.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(other) => Err(other),
    });
    // A file left behind is swept before the lane's next seal.
    fs::remove_file(&staged).or_else(|left| if written.is_err() { Ok(()) } else { Err(left) })?;
    written
}

/// `<lane>~<key>` for the objects of a lane, the key for all others, with `~` for `/`.
fn staged_name(key: &str) -> String {
    let flat = key.replace('/', "~");
    let file = key.rsplit('/').next().unwrap_or(key);
    let lane = match key.split('/').collect::<Vec<_>>().as_slice() {
        ["_log" | "_quarantine", lane, _] => Some(*lane),
        ["changes", ..] => file.rsplit_once('-').map(|(lane, _)| lane),
        _ => None,
    };
    lane.map_or(flat.clone(), |lane| format!("{lane}~{flat}"))
}

fn write_synced(path: &Folder, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
