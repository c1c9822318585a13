//! `recap migrate`: brings a store to the format of this version, and says what it did. A server does the same at
//! its start; this is for those who want it done, and known, before.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use shared_adapters::{FileVersion, StoreConfig, file_versions, open_closing};

/// Bringing the files into one piece at the end.
const CLOSE: Duration = Duration::from_mins(1);

/// Settings of a migration.
#[derive(Debug, Args)]
pub(crate) struct MigrateConfig {
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreConfig,
}

/// Opens the store, which brings it forward, and compares before with after.
pub(crate) async fn run(config: MigrateConfig) -> anyhow::Result<ExitCode> {
    let before = versions(&config.store)?;
    let (ports, closing) = open_closing(&config.store).await.context("cannot open the store")?;
    drop(ports);
    closing.close(CLOSE).await;
    if config.json {
        let store = config.store.store_url.to_string();
        println!("{}", serde_json::to_string(&Told { store, files: before.iter().map(ToldFile::of).collect() })?);
        return Ok(ExitCode::SUCCESS);
    }
    if before.is_empty() {
        println!("{}: indexes and collections are as this version needs them", config.store.store_url);
    }
    for file in before {
        println!("{}: {}", file.file, told(&file));
    }
    Ok(ExitCode::SUCCESS)
}

/// What was done for programs: one object, whose fields docs/cli.md promises.
#[derive(Serialize)]
struct Told {
    store: String,
    /// None of a database.
    files: Vec<ToldFile>,
}

#[derive(Serialize)]
struct ToldFile {
    file: &'static str,
    /// The format before; none where the file was made.
    from: Option<usize>,
    format: usize,
}

impl ToldFile {
    fn of(file: &FileVersion) -> Self {
        Self { file: file.file, from: file.found, format: file.current }
    }
}

/// The files of an embedded store; none for a server's.
fn versions(store: &StoreConfig) -> anyhow::Result<Vec<FileVersion>> {
    let Some(folder) = store.store_url.folder() else { return Ok(Vec::new()) };
    if !folder.exists() {
        anyhow::bail!("there is no data folder {}: set STORE_URL to the one that is to be migrated", folder.display());
    }
    file_versions(folder).context("the data folder cannot be read")
}

fn told(file: &FileVersion) -> String {
    match file.found {
        None => format!("made, format {}", file.current),
        Some(found) if found == file.current => format!("is current, format {found}"),
        Some(found) => format!("brought from format {found} to {}", file.current),
    }
}
