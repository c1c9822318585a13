//! Conversations for tests: a synthetic one, and files of real ones where the machine has them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

/// Who said what.
pub type Lines = [(String, String)];

/// Four people plan a release: questions, decisions, to-dos and small talk, about `length` messages.
#[must_use]
pub fn planning(length: usize) -> Vec<(String, String)> {
    let lines = [
        ("anna", "Good morning everyone! Can the release move to Friday?"),
        ("ben", "Yes, if the tests are green by Thursday evening."),
        ("carla", "The payment tests still fail on the staging server."),
        ("anna", "Ben, can you look at the payment tests today?"),
        ("ben", "I'll fix the payment tests by tomorrow."),
        ("dmitri", "The new dashboard looks great, customers love it."),
        ("carla", "We decided to drop the old export format, right?"),
        ("anna", "Right, we drop the old export format with this release."),
        ("dmitri", "Who writes the release notes?"),
        ("carla", "I will write the release notes on Wednesday."),
        ("ben", "What about the database migration, is it safe to run at night?"),
        ("anna", "Thanks all, this was a good meeting."),
    ];
    let numbered = lines.iter().cycle().take(length).enumerate();
    numbered
        .map(|(i, (user, text))| match i / lines.len() {
            0 => ((*user).to_owned(), (*text).to_owned()),
            round => ((*user).to_owned(), format!("{text} (round {round})")),
        })
        .collect()
}

/// A conversation of a file with one JSON object `{"messages":[{"user_id","content"}]}` a line.
pub fn from_file(file: &Path, line: usize) -> Result<Vec<(String, String)>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let object: Value = serde_json::from_str(text.lines().nth(line).context("no such line")?)?;
    let mut messages = Vec::new();
    for message in object["messages"].as_array().context("no messages")? {
        let field = |name: &str| message[name].as_str().map(str::to_owned).context("not a text");
        messages.push((field("user_id")?, field("content")?));
    }
    Ok(messages)
}

/// The folder of real conversations, which are no part of the repository: `EVAL_DIR` names it, else it lies beside the
/// repository. `None` where this machine has none, which is said.
#[must_use]
pub fn evaluation(repository: &Path) -> Option<PathBuf> {
    let folder = std::env::var_os("EVAL_DIR").map_or_else(|| repository.join("../shared/eval"), PathBuf::from);
    if folder.join("ami.jsonl").exists() {
        return Some(folder);
    }
    eprintln!("SKIPPED: no transcripts in {}", folder.display());
    None
}
