//! Which files a path stands for, in byte order of their paths.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use tagwarden_core::{Partition, SourceError};

use super::feed::stop;

const ENDINGS: [&str; 6] = [".json", ".ndjson", ".jsonl", ".json.gz", ".ndjson.gz", ".jsonl.gz"];

/// One file.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    /// The path as text.
    pub(crate) partition: Partition,
    /// Bytes on disk.
    pub(crate) length: u64,
}

/// The files under `root`, or `root` itself.
pub(crate) fn list(root: &Path) -> Result<Vec<Found>, SourceError> {
    let root = root.canonicalize().map_err(|error| failed("finding", root, error))?;
    let mut found = Vec::new();
    if root.is_dir() {
        walk(&root, &mut BTreeSet::new(), &mut found)?;
        found.sort_by(|a, b| a.partition.cmp(&b.partition));
    } else {
        let about = root.metadata().map_err(|error| failed("reading", &root, error))?;
        if !about.is_file() {
            return Err(stop(
                format!("reading {}: found no regular file, wanted a file or a folder", root.display()),
                None,
            ));
        }
        found.push(named(root, about.len())?);
    }
    Ok(found)
}

fn walk(folder: &Path, seen: &mut BTreeSet<PathBuf>, found: &mut Vec<Found>) -> Result<(), SourceError> {
    let real = folder.canonicalize().map_err(|error| failed("finding", folder, error))?;
    // A link that leads back up would never end.
    if !seen.insert(real) {
        return Ok(());
    }
    let mut paths = Vec::new();
    for entry in folder.read_dir().map_err(|error| failed("listing", folder, error))? {
        paths.push(entry.map_err(|error| failed("listing", folder, error))?.path());
    }
    paths.sort();
    for path in paths {
        let wanted = path.file_name().is_some_and(|name| {
            let name = name.as_encoded_bytes();
            ENDINGS.iter().any(|ending| name.ends_with(ending.as_bytes()))
        });
        let about = match path.metadata() {
            Ok(about) => about,
            // Gone since, or a link to nothing, with a name that is none of ours.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !(wanted && path.is_symlink()) => continue,
            Err(error) => return Err(failed("reading", &path, error)),
        };
        if about.is_dir() {
            walk(&path, seen, found)?;
        } else if wanted && about.is_file() {
            found.push(named(path, about.len())?);
        }
    }
    Ok(())
}

fn named(path: PathBuf, length: u64) -> Result<Found, SourceError> {
    let Some(text) = path.to_str() else {
        return Err(stop(format!("reading {}: found a path that is no UTF-8", path.display()), None));
    };
    Ok(Found { partition: text.into(), path, length })
}

pub(crate) fn failed(doing: &str, path: &Path, error: io::Error) -> SourceError {
    stop(format!("{doing} {}", path.display()), Some(error))
}

#[cfg(test)]
mod tests {
    use super::list;
    use std::fs;

    #[test]
    fn a_folder_gives_its_events_in_byte_order_of_the_path() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b/x.json", "b-1.json", "a.ndjson.gz", "c.txt", "b/deep/y.jsonl", "events.gz", "z.json.tmp"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let root = folder.path().canonicalize().unwrap();
        let names: Vec<_> =
            list(&root).unwrap().iter().map(|f| f.path.strip_prefix(&root).unwrap().to_owned()).collect();
        let names: Vec<_> = names.iter().map(|name| name.to_str().unwrap()).collect();
        // `-` is less than `/`.
        assert_eq!(names, ["a.ndjson.gz", "b-1.json", "b/deep/y.jsonl", "b/x.json"]);
        // A file given by name is read whatever it is called.
        assert_eq!(list(&root.join("c.txt")).unwrap()[0].length, 5);
    }

    #[test]
    #[cfg(unix)]
    fn a_link_upwards_ends() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.json"), "").unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("up")).unwrap();
        assert_eq!(list(folder.path()).unwrap().len(), 1);
    }

    #[test]
    fn a_missing_path_is_named() {
        let error = list("/no/such/folder".as_ref()).unwrap_err();
        assert!(error.to_string().contains("/no/such/folder"), "{error}");
    }
}
