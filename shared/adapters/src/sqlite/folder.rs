//! The data folder. Law: one process at a time writes its log and views.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Why the folder cannot be taken.
#[derive(Debug)]
pub(crate) enum FolderError {
    Taken,
    Io(PathBuf, io::Error),
}

/// The folder, held until this is dropped or the process ends in any way.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

/// Makes the folder, if it is not there; readable by its owner only.
pub(crate) fn make(folder: &Path) -> Result<(), FolderError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| FolderError::Io(folder.to_owned(), error))
}

/// Makes and takes the folder.
pub(crate) fn lock(folder: &Path) -> Result<FolderLock, FolderError> {
    make(folder)?;
    let path = folder.join("lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| FolderError::Io(path.clone(), error))?;
    match file.try_lock() {
        Ok(()) => Ok(FolderLock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(FolderError::Taken),
        Err(TryLockError::Error(error)) => Err(FolderError::Io(path, error)),
    }
}
