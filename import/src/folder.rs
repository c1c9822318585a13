//! Files that belong together: a folder, or a zip of one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::source::{Counting, ReadError};

/// More files than this are taken for a mistake.
const MOST: usize = 1_000_000;
/// Folders in folders.
const DEEPEST: usize = 16;

/// Files by name, with `/` between folders.
pub(crate) trait Folder {
    /// All names, in order.
    fn names(&self) -> Vec<String>;
    /// Reads one of them.
    fn open<'f>(&'f mut self, name: &str) -> Result<Box<dyn Read + 'f>, ReadError>;
}

/// A folder of the file system.
pub(crate) struct Directory {
    files: BTreeMap<String, PathBuf>,
}

impl Directory {
    pub(crate) fn open(root: &Path) -> Result<Self, ReadError> {
        let mut files = BTreeMap::new();
        gather(root, "", 0, &mut files)?;
        Ok(Self { files })
    }
}

fn gather(folder: &Path, prefix: &str, depth: usize, files: &mut BTreeMap<String, PathBuf>) -> Result<(), ReadError> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let plain = entry.file_name().to_string_lossy().into_owned();
        if plain.starts_with('.') || files.len() >= MOST {
            continue;
        }
        let name = format!("{prefix}{plain}");
        let kind = entry.file_type()?;
        if kind.is_dir() && depth < DEEPEST {
            gather(&entry.path(), &format!("{name}/"), depth + 1, files)?;
        } else if kind.is_file() {
            files.insert(name, entry.path());
        }
    }
    Ok(())
}

impl Folder for Directory {
    fn names(&self) -> Vec<String> {
        self.files.keys().cloned().collect()
    }

    fn open<'f>(&'f mut self, name: &str) -> Result<Box<dyn Read + 'f>, ReadError> {
        let path = self.files.get(name).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        Ok(Box::new(File::open(path)?))
    }
}

/// A zip.
pub(crate) struct Zip {
    archive: ZipArchive<Counting<File>>,
    files: BTreeMap<String, usize>,
}

impl Zip {
    pub(crate) fn open(file: Counting<File>) -> Result<Self, ReadError> {
        let archive = ZipArchive::new(file).map_err(of_zip)?;
        let mut files = BTreeMap::new();
        for index in 0..archive.len().min(MOST) {
            let Some(Ok(name)) = archive.name_for_index(index) else { continue };
            let hidden = name.starts_with("__MACOSX/") || name.split('/').any(|part| part.starts_with('.'));
            if !name.ends_with('/') && !hidden {
                files.insert(name.replace('\\', "/"), index);
            }
        }
        Ok(Self { archive, files })
    }
}

fn of_zip(error: ZipError) -> ReadError {
    match error {
        ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => ReadError::Io(error),
        other => ReadError::Zip(other.to_string()),
    }
}

impl Folder for Zip {
    fn names(&self) -> Vec<String> {
        self.files.keys().cloned().collect()
    }

    fn open<'f>(&'f mut self, name: &str) -> Result<Box<dyn Read + 'f>, ReadError> {
        let index = *self.files.get(name).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        Ok(Box::new(self.archive.by_index(index).map_err(of_zip)?))
    }
}
