//! What a person sees: colours and progress on a terminal, and nowhere else.

use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use shared_testkit::process::backend;
use tokio::process::Command;

use super::{Ran, file};
use crate::{RECAP, Recap};

/// Runs a command on a terminal of its own, with this environment. `None` where `script` is missing, which makes one.
async fn on_a_terminal(environment: &[&str], args: &[&str]) -> Result<Option<Ran>> {
    let Some(script) = backend::find("SCRIPT_BIN", "script") else { return Ok(None) };
    let words = ["env", "-i", "TERM=xterm"].iter().chain(environment).chain(&[RECAP]).chain(args);
    let line: Vec<String> = words.map(|word| format!("'{word}'")).collect();
    let mut command = Command::new(script);
    command.args(["-qec", &line.join(" "), "/dev/null"]).stdin(Stdio::null()).kill_on_drop(true);
    Ok(Some(Ran::of(&command.output().await.context("script")?)))
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_and_progress_are_for_terminals() -> Result<()> {
    let (recap, files) = (Recap::start().await?, tempfile::tempdir()?);
    let url = format!("RECAP_URL={}", recap.server.url(""));
    let chat = file(&files, "notes.txt", "Anna: I will write the report by Friday.\nBen: Thanks!\n")?;
    let Some(seen) = on_a_terminal(&[&url], &["import", &chat]).await? else { return Ok(()) };
    let seen = seen.exits(0)?.out;
    ensure!(seen.contains(" %  ") && seen.contains("/s  ") && seen.contains(" left"), "no progress: {seen:?}");
    let report = seen.rsplit("\r\u{1b}[K").next().unwrap_or_default();
    ensure!(report.starts_with("Imported 2 messages into 1 conversation."), "progress is left behind: {seen:?}");

    let bold = "\u{1b}[1mAction items";
    let seen = on_a_terminal(&[], &["summarize", &chat]).await?.context("script")?.exits(0)?.out;
    ensure!(seen.contains(bold), "no colours: {seen:?}");
    for plain in ["NO_COLOR=1", "TERM=dumb"] {
        let seen = on_a_terminal(&[plain], &["summarize", &chat]).await?.context("script")?.exits(0)?.out;
        ensure!(seen.contains("Action items") && !seen.contains('\u{1b}'), "{plain}: {seen:?}");
    }
    let piped = recap.run(&["summarize", &chat]).await?.exits(0)?;
    ensure!(!piped.out.contains('\u{1b}') && !piped.err.contains('\u{1b}'), "{piped:?}");
    Ok(())
}
