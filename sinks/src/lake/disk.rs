//! Files that are there whole or not at all.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::table::TABLES;
use crate::LakeError;

/// Writes a file and waits until the disk has it. What was begun is removed when that fails, so that a full disk does
/// not stay full of it.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), LakeError> {
    let written = File::create(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    if written.is_err() {
        // The first error is the one to tell; a leftover is swept at the next start.
        drop(fs::remove_file(path));
    }
    written.map_err(LakeError::file("write", path))
}

/// Waits until the disk has a folder's list of files.
pub(crate) fn sync_folder(path: &Path) -> Result<(), LakeError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(LakeError::file("write", path))
}

/// Removes a file; one that is already gone is as good.
pub(crate) fn remove(path: &Path) -> Result<(), LakeError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(LakeError::file("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Removes every Parquet file of ours below `root` that is not in `kept` (paths below `root`), and folders left empty.
/// Anything else that lies there is left alone. Returns how many files went.
pub(crate) fn sweep(root: &Path, kept: &BTreeSet<&str>) -> Result<u64, LakeError> {
    let mut n_removed = 0;
    for table in TABLES {
        for day in names_in(&root.join(table.name))? {
            if !day.starts_with("day=") {
                continue;
            }
            let folder = root.join(table.name).join(&day);
            for name in names_in(&folder)? {
                let below = format!("{}/{day}/{name}", table.name);
                if name.ends_with(".parquet") && !kept.contains(below.as_str()) {
                    remove(&folder.join(&name))?;
                    n_removed += 1;
                }
            }
            // Fails for a folder that still holds something, and that is what is wanted.
            drop(fs::remove_dir(&folder));
        }
    }
    Ok(n_removed)
}

fn names_in(folder: &Path) -> Result<Vec<String>, LakeError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(LakeError::file("list", folder)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(LakeError::file("list", folder))?;
        names.extend(entry.file_name().into_string().ok());
    }
    names.sort_unstable();
    Ok(names)
}
