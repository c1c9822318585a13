//! Summaries by the model of tests: what servers are told of it, and what it is sent for transcripts. Law: in one
//! process and in many, the same transcript costs the same calls.

use std::fmt;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use shared::domain::Usage;

use crate::client::Client;
use crate::model::ModelServer;
use crate::transcript::Lines;

/// The key that servers are given.
pub const KEY: &str = "sk-of-the-test-0123456789";

/// What makes a server ask a model, with short times.
#[must_use]
pub fn settings(model: &ModelServer) -> Vec<(&'static str, String)> {
    let fixed = [
        ("OPENAI_API_KEY", KEY),
        ("OPENAI_MODEL", "mock"),
        ("LLM_TIMEOUT", "10s"),
        ("LLM_DEADLINE", "20s"),
        ("LLM_REDO_INTERVAL", "100ms"),
        ("LLM_IDLE", "400ms"),
        ("LLM_MAX_WAIT", "1s"),
    ];
    let mut settings = vec![("OPENAI_BASE_URL", model.base_url())];
    settings.extend(fixed.map(|(name, value)| (name, value.to_owned())));
    settings
}

/// What keeps a server from making summaries that nobody asked for.
#[must_use]
pub fn only_asked_for() -> Vec<(&'static str, String)> {
    [("SUMMARY_EVERY", "1000000"), ("SUMMARY_IDLE", "1h")].map(|(name, value)| (name, value.to_owned())).to_vec()
}

/// What a model was sent for a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Messages of the conversation.
    pub messages: usize,
    /// Summaries made.
    pub versions: u64,
    /// Questions answered.
    pub calls: u64,
    /// Tokens of the text as a plain transcript, a line each.
    pub once: u64,
    /// Tokens sent and written.
    pub usage: Usage,
}

impl Cost {
    /// Tokens sent, in hundredths of the text once.
    #[must_use]
    pub fn percent(&self) -> u64 {
        self.usage.tokens_in * 100 / self.once.max(1)
    }
}

/// A row of the table in the documentation.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { messages, versions, calls, once, usage } = self;
        let (sent, written, percent) = (usage.tokens_in, usage.tokens_out, self.percent());
        write!(f, "| {messages} | {once} | {versions} | {calls} | {sent} | {written} | ")?;
        write!(f, "{}.{:02} |", percent / 100, percent % 100)
    }
}

/// Posts a transcript in steps and asks for a summary after each: all of it is the model's and covers all messages.
/// Nobody else may ask this model meanwhile.
pub async fn summarizes_a_transcript(
    client: &Client,
    model: &ModelServer,
    conversation: &str,
    lines: &Lines,
    step: usize,
) -> Result<Cost> {
    let (answered, billed) = (model.answered(), model.billed());
    let (mut posted, mut versions) = (0, 0);
    for step in lines.chunks(step) {
        for batch in step.chunks(100) {
            let batch: Vec<(&str, &str)> = batch.iter().map(|(user, text)| (user.as_str(), text.as_str())).collect();
            client.say(conversation, &batch).await?;
        }
        posted += step.len();
        let body = json!({"conversation_id": conversation, "summary_type": "detailed"});
        let summary = client.post("/chats/summarize", &body).await?.ok()?;
        is_the_models(&summary, posted)?;
        versions += 1;
    }
    let newest = client.get(&format!("/chats/{conversation}/summary")).await?.ok()?;
    ensure!(newest["version"] == versions, "one version for each need: {newest}");
    let once = lines.iter().map(|(user, text)| model.tokens(&format!("{user}: {text}\n"))).sum();
    let now = model.billed();
    let usage = Usage { tokens_in: now.tokens_in - billed.tokens_in, tokens_out: now.tokens_out - billed.tokens_out };
    Ok(Cost { messages: lines.len(), versions, calls: model.answered() - answered, once, usage })
}

fn is_the_models(summary: &Value, messages: usize) -> Result<()> {
    ensure!(summary["engine"] == "openai:mock" && summary["degraded"] == false, "{summary}");
    ensure!(summary["covers"]["first_seq"] == 1 && summary["covers"]["messages"] == messages, "{summary}");
    ensure!(summary["summary"].as_str().is_some_and(|text| !text.is_empty()), "{summary}");
    for item in summary["insights"]["action_item_details"].as_array().context("no details")? {
        let cited = item["evidence"].as_array().context("no evidence")?;
        let within = |seq: &Value| seq.as_u64().is_some_and(|seq| (1..=messages as u64).contains(&seq));
        ensure!(!cited.is_empty() && cited.iter().all(within), "{item}");
    }
    Ok(())
}
