//! Files searched for what must not be in them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Files of a folder in which a text stands, in UTF-8.
pub fn files_with(folder: &Path, text: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files_with(&path, text)?);
            continue;
        }
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
            found.push(path);
        }
    }
    Ok(found)
}
