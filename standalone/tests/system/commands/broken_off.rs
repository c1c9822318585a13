//! An import that is killed in its middle, and done again.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use shared_testkit::wait;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::file;
use crate::{RECAP, Recap};

/// Half of them is more than the megabyte that is looked at before anything is imported.
const LINES: usize = 10_000;

/// A chat of WhatsApp, with lines that differ in nothing but their time.
fn chat() -> Result<String> {
    let (mut text, said) = (String::new(), "yes, of course, as we said before; ".repeat(8));
    for line in 0..LINES {
        let (hour, minute) = (line / 60 % 24, line % 60);
        writeln!(text, "[{:02}.01.24, {hour:02}:{minute:02}:00] User {}: {said}", line / 1440 + 1, line % 2)?;
    }
    Ok(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_it_goes_on_without_doubles() -> Result<()> {
    let (recap, files) = (Recap::start().await?, tempfile::tempdir()?);
    let text = chat()?;
    let whole = file(&files, "WhatsApp Chat with Ski.txt", &text)?;
    let mut command = Command::new(RECAP);
    command.args(["import", "-", "--conversation", "Ski"]).env_clear().env("RECAP_URL", recap.server.url(""));
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let mut importing = command.spawn()?;
    let mut stdin = importing.stdin.take().context("no standard input")?;
    // It waits for the second half when it is killed.
    stdin.write_all(&text.as_bytes()[..text.len() / 2]).await?;
    stdin.flush().await?;
    wait::until("some messages to be stored", || async {
        Ok((recap.client.get("/chats/Ski?limit=1").await?.status == 200).then_some(()))
    })
    .await?;
    importing.kill().await?;

    let again = recap.run(&["import", "--json", &whole]).await?.exits(0)?.json()?;
    let (new, old) = (&again["imported"], &again["already_there"]);
    let (new, old) = (new.as_u64().context("no count")?, old.as_u64().context("no count")?);
    ensure!(new > 0 && old > 0 && new + old == LINES as u64, "{again}");
    let history = recap.client.history("Ski").await?;
    let ids: BTreeSet<&str> = history.iter().filter_map(|message| message["message_id"].as_str()).collect();
    ensure!(history.len() == LINES && ids.len() == LINES, "{} messages, {} ids", history.len(), ids.len());
    let third = recap.run(&["import", "--json", &whole]).await?.exits(0)?.json()?;
    ensure!(third["imported"] == 0 && third["already_there"] == LINES, "{third}");
    Ok(())
}
