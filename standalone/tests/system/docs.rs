//! What the documents say is so: their paths exist, their settings are read, and the tour runs as written.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use shared_testkit::process::{Launch, Server};
use shared_testkit::wait;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::{RECAP, Recap, check, reference, repository};

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

/// All Rust files below a folder that are tests, or hold some.
fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !["target", "node_modules"].contains(&name.as_str()) && !name.starts_with('.') {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

/// `module::test` in back quotes: a test of that name in a file, or a folder, of that name.
#[test]
fn every_test_that_the_security_pages_name_exists() -> Result<()> {
    let mut files = Vec::new();
    sources(&repository(), &mut files)?;
    let named = |path: &Path, module: &str| {
        let mut parts =
            path.with_extension("").iter().rev().map(|part| part.to_string_lossy().into_owned()).collect::<Vec<_>>();
        parts.truncate(2);
        parts.iter().any(|part| part == module)
    };
    let mut checked = 0;
    for page in ["SECURITY.md", "docs/security.md"] {
        let text = std::fs::read_to_string(repository().join(page))?;
        for word in text.split('`').skip(1).step_by(2) {
            let Some((module, case)) = word.split_once("::") else { continue };
            let wanted = [format!("fn {case}("), format!("{case},")];
            let mut found = false;
            for file in files.iter().filter(|file| named(file, module)) {
                let source = std::fs::read_to_string(file)?;
                // Tests that a macro makes stand in a list.
                found |= source.contains("test") && wanted.iter().any(|wanted| source.contains(wanted.as_str()));
            }
            ensure!(found, "{page}: no test {word}");
            checked += 1;
        }
    }
    ensure!(checked > 40, "only {checked} tests are named");
    Ok(())
}

/// Targets of links that are not on the web, without what follows `#`; and the headings that follow it.
fn links(text: &str) -> Vec<(&str, &str)> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets
        .filter(|target| !target.contains("://"))
        .map(|target| target.split_once('#').unwrap_or((target, "")))
        .collect()
}

/// A heading as its anchor: lowercase, no marks, dashes for spaces.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>().replace(' ', "-")
}

#[test]
fn every_link_of_the_documents_leads_somewhere() -> Result<()> {
    let mut followed = 0;
    for file in markdown_files()? {
        let text = std::fs::read_to_string(&file)?;
        for (path, wanted) in links(&text) {
            let target =
                if path.is_empty() { file.clone() } else { file.parent().unwrap_or(Path::new(".")).join(path) };
            ensure!(target.exists(), "{}: no {path}", file.display());
            followed += 1;
            if wanted.is_empty() {
                continue;
            }
            let there = std::fs::read_to_string(&target)?;
            let found = there.lines().any(|line| line.starts_with('#') && anchor(line) == wanted);
            ensure!(found, "{}: no heading {wanted} in {path}", file.display());
        }
    }
    ensure!(followed > 30, "only {followed} links found");
    Ok(())
}

#[test]
fn the_index_names_every_page() -> Result<()> {
    let index = std::fs::read_to_string(repository().join("docs/README.md"))?;
    for entry in std::fs::read_dir(repository().join("docs"))? {
        let path = entry?.path();
        let page = path.extension().is_some_and(|extension| extension == "md");
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        ensure!(
            !page || name == "README.md" || index.contains(&format!("({name})")),
            "{name} is not in docs/README.md"
        );
    }
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
        run(&step, &server, data.path()).await?;
    }
    Ok(())
}

/// A step as a reader runs it: `recap` is in the path, and the store is the server's.
async fn run(step: &str, server: &Server, data: &Path) -> Result<String> {
    let script = step.replace("localhost:8000", server.address());
    let path = std::env::var("PATH").unwrap_or_default();
    let binaries = Path::new(RECAP).parent().context("no folder")?.display().to_string();
    let output = tokio::process::Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .env("PATH", format!("{binaries}:{path}"))
        .env("STORE_URL", format!("embedded:{}", data.display()))
        .env("RECAP_URL", server.url(""))
        .current_dir(data)
        .stdin(Stdio::null())
        .output()
        .await?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{step}\n{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    ensure!(!printed.contains("\"code\""), "{step}\n{printed}");
    Ok(printed)
}

#[tokio::test(flavor = "multi_thread")]
async fn getting_started_runs_as_written() -> Result<()> {
    let page = std::fs::read_to_string(repository().join("docs/getting-started.md"))?;
    let (before, after) = page.split_once("## Stop").context("no chapter about stopping")?;
    let data = tempfile::tempdir()?;
    let server = Launch::recap(RECAP, data.path()).env("RATE_LIMIT_ANONYMOUS", "10").start().await?;
    ensure!(server.log().contains("/#key=rk_"), "no link is printed: {}", server.log());
    let mut printed = Vec::new();
    for step in reference::blocks(before, "bash") {
        printed.push(run(&step, &server, data.path()).await?);
    }
    ensure!(printed.len() >= 4 && printed[0].contains("\"inserted_count\":3"), "{printed:?}");
    ensure!(printed[1].contains("\"owner\":\"omar\"") && printed[1].contains("\"covers\""), "{}", printed[1]);
    let exported = std::fs::read_to_string(data.path().join("standup.md"))?;
    ensure!(exported.contains("> I will write the release notes by Thursday."), "{exported}");
    ensure!(server.stop().await?.success());
    for step in reference::blocks(after, "bash") {
        ensure!(step.contains("recap check"), "{step}");
    }
    check(data.path()).await
}

/// Whether `python3` has the library that the guide names; CI requires it.
fn has_websockets() -> Result<bool> {
    let tried = std::process::Command::new("python3").args(["-c", "import websockets"]).output();
    if tried.is_ok_and(|output| output.status.success()) {
        return Ok(true);
    }
    ensure!(
        std::env::var("REQUIRE_BACKENDS").as_deref() != Ok("1"),
        "REQUIRE_BACKENDS=1, and python3 lacks websockets"
    );
    eprintln!("SKIPPED: no python3 with websockets");
    Ok(false)
}

/// The one in JavaScript is run by the browser tests, in a browser.
#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_of_the_websocket_guide_listens_to_the_end() -> Result<()> {
    if !has_websockets()? {
        return Ok(());
    }
    let guide = std::fs::read_to_string(repository().join("docs/websocket.md"))?;
    let client = reference::blocks(&guide, "python").into_iter().next().context("no client")?;
    let lines = client.lines().filter(|line| !line.trim().is_empty()).count();
    ensure!(lines <= 20, "{lines} lines");
    let recap = Recap::start().await?;
    let script = client.replace("localhost:8000", recap.server.address());
    let mut python = tokio::process::Command::new("python3");
    let python = python.args(["-c", &script, "talk"]).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut listener = python.spawn()?;
    let mut printed = BufReader::new(listener.stdout.take().context("no output")?).lines();
    recap.client.say("talk", &[("anna", "We decided to ship on Friday."), ("ben", "I will write the notes.")]).await?;
    recap.client.post("/chats/summarize", &json!({ "conversation_id": "talk" })).await?.ok()?;
    let first = tokio::time::timeout(wait::LIMIT, printed.next_line()).await??.context("nothing was printed")?;
    ensure!(first.starts_with('v') && first.contains(": "), "{first}");
    recap.client.post("/chats/talk/end", &json!({})).await?.ok()?;
    let ended = tokio::time::timeout(wait::LIMIT, listener.wait()).await.context("it did not end")??;
    ensure!(ended.success(), "{ended}");
    Ok(())
}
