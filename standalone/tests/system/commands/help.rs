//! What the commands say of themselves, and that the document says the same.

use anyhow::{Context, Result, ensure};

use super::run;
use crate::repository;

/// Their help stands in `docs/cli.md`. The settings of the others are those of the server.
const SHOWN: [&str; 6] = ["import", "export", "summarize", "watch", "health", "completions"];

/// `UPDATE_DOCS=1` writes the document anew.
#[tokio::test]
async fn the_document_shows_the_help_as_it_is() -> Result<()> {
    let path = repository().join("docs/cli.md");
    let mut document = std::fs::read_to_string(&path)?;
    for command in SHOWN {
        let help = run(&[command, "--help"]).await?.exits(0)?.out;
        let help: Vec<&str> = help.lines().map(str::trim_end).collect();
        let help = help.join("\n").replace("=http://127.0.0.1:1]", "]");
        let start =
            document.find(&format!("\n## recap {command}\n")).with_context(|| format!("no section of {command}"))?;
        let start = start + document[start..].find("```text\n").context("no block")? + "```text\n".len();
        let end = start + document[start..].find("\n```").context("the block does not end")?;
        if std::env::var_os("UPDATE_DOCS").is_some() {
            document.replace_range(start..end, help.trim_end());
        } else {
            let stale = "UPDATE_DOCS=1 cargo test -p recap --test system help writes it anew";
            ensure!(&document[start..end] == help.trim_end(), "docs/cli.md, {command}: {stale}");
        }
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &document)?;
    }
    let all = run(&["--help"]).await?.exits(0)?.out;
    let commands = all.split("Commands:\n").nth(1).context("no commands")?.split("\n\n").next().unwrap_or_default();
    let names: Vec<&str> = commands.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    ensure!(names.len() >= 10, "{names:?}");
    for name in names.iter().filter(|name| !name.is_empty() && **name != "help") {
        ensure!(document.contains(&format!("recap {name}")), "docs/cli.md does not name {name}");
    }
    ensure!(all.contains("Exit codes:") && all.contains("Examples:"), "{all}");
    Ok(())
}

/// Package names in commands of Cargo are those of the workspace, wherever a reader is told to type them.
#[tokio::test]
async fn packages_that_are_named_exist() -> Result<()> {
    let manifests = [
        "standalone",
        "bench",
        "ingest-api",
        "query-api",
        "summarizer-worker",
        "deploy",
        "shared/insights",
        "shared/adapters",
    ];
    let read = |file: String| std::fs::read_to_string(repository().join(&file)).context(file);
    let known = manifests.map(|folder| read(format!("{folder}/Cargo.toml"))).into_iter().collect::<Result<String>>()?;
    let mut told = run(&["bench"]).await?.exits(0)?.out;
    for page in ["README.md", "CONTRIBUTING.md", "docs/operations.md", "docs/performance.md", "docs/summaries.md"] {
        told.push_str(&read(page.to_owned())?);
    }
    let named = told.split(" -p ").skip(1).filter_map(|rest| rest.split([' ', '\n', '`']).next());
    let named: Vec<&str> = named.filter(|name| !name.starts_with('<')).collect();
    ensure!(named.len() >= 6, "{named:?}");
    for name in named {
        ensure!(known.contains(&format!("name = \"{name}\"\n")), "there is no package {name}");
    }
    Ok(())
}

#[tokio::test]
async fn shells_are_helped_to_complete() -> Result<()> {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completions", shell]).await?.exits(0)?.out;
        ensure!(script.contains("dead-letters") && script.contains("dry-run"), "{shell}: {script}");
    }
    run(&["completions", "tcsh"]).await?.exits(2)?;
    Ok(())
}
