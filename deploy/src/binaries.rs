//! The binaries under test: those in the folder `RECAP_BINARIES`, else built once by this.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;

/// All that is deployed.
const NAMES: [&str; 4] = ["ingest-api", "summarizer-worker", "query-api", "recap"];

/// The path of one of them, each with every engine built in.
pub fn binary(name: &str) -> Result<PathBuf> {
    static BUILT: OnceLock<Result<HashMap<String, PathBuf>, String>> = OnceLock::new();
    if let Some(folder) = std::env::var_os("RECAP_BINARIES") {
        let path = Path::new(&folder).join(name);
        ensure!(path.is_file(), "RECAP_BINARIES holds no {name}");
        return Ok(path);
    }
    let built = BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    let built = built.as_ref().map_err(|error| anyhow!("{error}"))?;
    built.get(name).cloned().with_context(|| format!("{name} was not built"))
}

fn build() -> Result<HashMap<String, PathBuf>> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--locked", "--bins", "--message-format=json", "--features", "recap/distributed"]);
    for name in NAMES {
        cargo.args(["-p", name]);
    }
    let output = cargo.current_dir(crate::repository()).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "{cargo:?}: {}", output.status);
    let mut built = HashMap::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let message: Value = serde_json::from_str(line)?;
        if let (Some(name), Some(path)) = (message["target"]["name"].as_str(), message["executable"].as_str()) {
            built.insert(name.to_owned(), PathBuf::from(path));
        }
    }
    Ok(built)
}
