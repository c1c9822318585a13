//! Which format the files of a data folder have.

use std::path::Path;

use super::format::{Format, FormatError};
use super::{audit, keys, log, views};

/// A file of a data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileVersion {
    /// Its name in the folder.
    pub file: &'static str,
    /// Its format; `None` where it is not there yet.
    pub found: Option<usize>,
    /// The format that this version of Recap writes.
    pub current: usize,
}

/// Looks at the files without changing any, also while a server has them open.
pub fn file_versions(folder: &Path) -> Result<Vec<FileVersion>, FormatError> {
    let files: [(&'static str, &Format); 4] = [
        ("log.db", &log::schema::FORMAT),
        ("views.db", &views::schema::FORMAT),
        ("keys.db", &keys::FORMAT),
        ("audit.db", &audit::FORMAT),
    ];
    let version = |(file, format): (&'static str, &Format)| {
        Ok(FileVersion { file, found: format.version(&folder.join(file))?, current: format.steps.len() })
    };
    files.into_iter().map(version).collect()
}
