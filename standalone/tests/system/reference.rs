//! The Python snippets of the reference, as they stand in the API guide, against a server on the default port.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use shared_testkit::process::Launch;
use shared_testkit::scenarios;

use crate::{RECAP, repository};

/// Fenced blocks of one language.
pub(crate) fn blocks(markdown: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    markdown.split(&fence).skip(1).filter_map(|rest| rest.split("```").next().map(str::to_owned)).collect()
}

/// Whether `python3` with `requests` is there; CI requires it.
fn has_python() -> Result<bool> {
    let tried = std::process::Command::new("python3").args(["-c", "import requests"]).output();
    if tried.is_ok_and(|output| output.status.success()) {
        return Ok(true);
    }
    ensure!(std::env::var("REQUIRE_BACKENDS").as_deref() != Ok("1"), "REQUIRE_BACKENDS=1, and python3 lacks requests");
    eprintln!("SKIPPED: no python3 with requests");
    Ok(false)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_snippets_print_the_documented_answers() -> Result<()> {
    if !has_python()? {
        return Ok(());
    }
    let guide = std::fs::read_to_string(repository().join("docs/api.md"))?;
    let snippets = blocks(&guide, "python");
    ensure!(snippets.len() >= 2, "the guide has {} Python snippets", snippets.len());
    let data = tempfile::tempdir()?;
    let launch = scenarios::settings(Launch::recap(RECAP, data.path()));
    // As written where the port is free, else on another one.
    let server = match launch.clone().env("LISTEN_ADDR", "127.0.0.1:8000").start().await {
        Ok(server) => server,
        Err(_) => launch.start().await?,
    };
    let mut answers = Vec::new();
    for snippet in &snippets[..2] {
        let origin = format!("localhost:{}", server.address().rsplit(':').next().context("no port")?);
        let script = format!("{}\n", snippet.replace("localhost:8000", &origin));
        let script = with_import(&script);
        let mut python = tokio::process::Command::new("python3");
        let output = python.args(["-c", &script]).stdin(Stdio::null()).output().await?;
        ensure!(output.status.success(), "{snippet}\n{}", String::from_utf8_lossy(&output.stderr));
        // Python prints a dict; as JSON it only differs in quotes and names of constants.
        answers.push(String::from_utf8(output.stdout)?);
    }
    ensure!(
        answers[0].trim() == "{'status': 'success', 'inserted_count': 2, 'conversation_id': 'meeting_123'}",
        "{}",
        answers[0]
    );
    for part in ["'conversation_id': 'meeting_123'", "'summary': ", "'insights': {", "'sentiment': ", "'keywords': ["] {
        ensure!(answers[1].contains(part), "no {part} in {}", answers[1]);
    }
    ensure!(answers[1].contains("'action_items': [") && answers[1].contains("'generated_at': "), "{}", answers[1]);
    Ok(())
}

/// The reference's second snippet goes on from the first, whose import it needs.
fn with_import(script: &str) -> String {
    if script.contains("import requests") { script.to_owned() } else { format!("import requests\n{script}") }
}

#[test]
fn blocks_are_found() -> Result<()> {
    let found = blocks("a\n```python\nx = 1\n```\nb\n```json\n{}\n```\n", "python");
    ensure!(found == ["x = 1\n"]);
    let value: Value = serde_json::from_str(&blocks("```json\n{}\n```", "json")[0])?;
    ensure!(value.is_object());
    Ok(())
}
