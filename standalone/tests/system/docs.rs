//! What the documents say is so: their paths exist, their settings are read, and the tour runs as written.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use shared_testkit::process::Launch;

use crate::{RECAP, reference, repository};

fn markdown_files() -> Result<Vec<std::path::PathBuf>> {
    let root = repository();
    let mut files = Vec::new();
    for folder in [root.clone(), root.join("docs"), root.join("docs/adr")] {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "md") {
                files.push(path);
            }
        }
    }
    ensure!(files.len() >= 4, "only {} documents found", files.len());
    Ok(files)
}

/// Words in back quotes that look like a path of this repository.
fn paths(text: &str) -> BTreeSet<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let ends = [".rs", ".md", ".toml", ".sh", ".yml", ".json", "/"];
    let odd = |c: char| !(c.is_ascii_alphanumeric() || "_-./".contains(c));
    quoted
        .filter(|word| word.contains('/') && !word.starts_with('/') && !word.contains("//") && !word.contains(odd))
        .filter(|word| ends.iter().any(|end| word.ends_with(end)))
        .collect()
}

#[test]
fn every_path_named_in_the_documents_exists() -> Result<()> {
    let mut named = 0;
    for file in markdown_files()? {
        let text = std::fs::read_to_string(&file)?;
        for path in paths(&text) {
            let beside = file.parent().unwrap_or(Path::new(".")).join(path);
            ensure!(repository().join(path).exists() || beside.exists(), "{}: no {path}", file.display());
            named += 1;
        }
    }
    ensure!(named > 20, "only {named} paths found");
    Ok(())
}

#[tokio::test]
async fn every_setting_of_the_example_is_read() -> Result<()> {
    let data = tempfile::tempdir()?;
    let help = Launch::recap(RECAP, data.path()).arg("--help").output().await?;
    let help = String::from_utf8(help.stdout)?;
    let example = std::fs::read_to_string(repository().join(".env.example"))?;
    let mut settings = 0;
    for line in example.lines() {
        let Some((name, _)) = line.trim_start_matches('#').split_once('=') else { continue };
        if name.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
            ensure!(help.contains(&format!("[env: {name}")), "{name} is in .env.example and not in --help");
            settings += 1;
        }
    }
    ensure!(settings >= 10, "only {settings} settings found");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tour_of_the_readme_runs_as_written() -> Result<()> {
    let readme = std::fs::read_to_string(repository().join("README.md"))?;
    let tour = readme.split("## Two-minute tour").nth(1).context("no tour")?;
    let tour = tour.split("\n## ").next().context("no tour")?;
    let steps = reference::blocks(tour, "bash");
    ensure!(steps.len() >= 4, "the tour has {} steps", steps.len());
    let data = tempfile::tempdir()?;
    // With the limits that a new user has.
    let server = Launch::recap(RECAP, data.path()).env("RATE_LIMIT_ANONYMOUS", "10").start().await?;
    for step in steps {
        let script = step.replace("localhost:8000", server.address());
        let output = tokio::process::Command::new("bash")
            .args(["-euo", "pipefail", "-c", &script])
            .stdin(Stdio::null())
            .output()
            .await?;
        let printed = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "{step}\n{printed}\n{}", String::from_utf8_lossy(&output.stderr));
        ensure!(!printed.contains("\"code\""), "{step}\n{printed}");
    }
    Ok(())
}
