//! `kill -9` under load, again and again: what was acknowledged is there, once.
//!
//! `CRASH_ROUNDS` sets how often (60 by default).

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use shared_testkit::client::Client;
use shared_testkit::ledger::Ledger;
use shared_testkit::process::Launch;
use shared_testkit::{scenarios, wait};

use crate::{RECAP, check};

const WRITERS: u64 = 8;
const CONVERSATIONS: u64 = 5;

/// A message that was sent and not confirmed: it is sent again with the same keys after the crash.
#[derive(Debug, Clone)]
struct InDoubt {
    conversation: String,
    content: String,
    key: Option<String>,
}

impl InDoubt {
    fn request(&self, client: &Client) -> reqwest::RequestBuilder {
        let message = if self.key.is_some() {
            json!({"content": self.content})
        } else {
            json!({"content": self.content, "message_id": self.content})
        };
        let body = json!({"conversation_id": self.conversation, "user_id": "u", "messages": [message]});
        let request = client.request(Method::POST, "/chats").json(&body);
        match &self.key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        }
    }
}

/// Posts until told to stop or the server is gone. Every third message is keyed by header, the others by message id.
async fn write(client: Client, numbers: Arc<AtomicU64>, stop: Arc<AtomicBool>) -> (Ledger, Option<InDoubt>) {
    let mut ledger = Ledger::default();
    while !stop.load(Ordering::Relaxed) {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        let content = format!("message {number}");
        let message = InDoubt {
            conversation: format!("crash-{}", number % CONVERSATIONS),
            key: number.is_multiple_of(3).then(|| format!("key-{number}")),
            content,
        };
        match client.send(message.request(&client)).await {
            Ok(answer) if answer.status == 200 => ledger.acknowledged(&message.conversation, &message.content),
            _ => {
                ledger.unknown(&message.conversation, &message.content);
                return (ledger, Some(message));
            }
        }
    }
    (ledger, None)
}

async fn round(data: &Path, number: u64, numbers: &Arc<AtomicU64>, ledger: &mut Ledger) -> Result<Vec<InDoubt>> {
    let server = scenarios::settings(Launch::recap(RECAP, data)).start().await?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = tokio::task::JoinSet::new();
    let before = numbers.load(Ordering::Relaxed);
    for _ in 0..WRITERS {
        writers.spawn(write(Client::new(server.address())?, Arc::clone(numbers), Arc::clone(&stop)));
    }
    // A different amount of work each round, so that the blow falls at different places.
    let enough = before + 20 + number * 37 % 400;
    wait::until("some load", || async { Ok((numbers.load(Ordering::Relaxed) >= enough).then_some(())) }).await?;
    server.kill().await?;
    stop.store(true, Ordering::Relaxed);
    let mut doubts = Vec::new();
    while let Some(written) = writers.join_next().await {
        let (written, doubt) = written?;
        ledger.merge(written);
        doubts.extend(doubt);
    }
    Ok(doubts)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost() -> Result<()> {
    let rounds = match std::env::var("CRASH_ROUNDS") {
        Ok(text) => text.parse().context("CRASH_ROUNDS is a number")?,
        Err(_) => 60,
    };
    let data = tempfile::tempdir()?;
    let numbers = Arc::new(AtomicU64::new(0));
    let mut ledger = Ledger::default();
    let mut doubts: Vec<InDoubt> = Vec::new();
    for number in 0..rounds {
        doubts.extend(round(data.path(), number, &numbers, &mut ledger).await?);
    }
    let server = scenarios::settings(Launch::recap(RECAP, data.path())).start().await?;
    let client = Client::new(server.address())?;
    for conversation in ledger.conversations() {
        ledger.check(conversation, &client.history(conversation).await?)?;
    }
    for doubt in &doubts {
        let answer = client.send(doubt.request(&client)).await?;
        ensure!(answer.status == 200, "{doubt:?}: {answer:?}");
        ledger.acknowledged(&doubt.conversation, &doubt.content);
    }
    for conversation in ledger.conversations() {
        let history = client.history(conversation).await?;
        ledger.check(conversation, &history).context("after the messages in doubt were sent again")?;
        let summary = client.settled_summary(conversation).await?;
        ensure!(summary["covers"]["messages"] == history.len(), "{summary}");
    }
    ensure!(ledger.acknowledgements() > usize::try_from(rounds)?, "there was no load");
    server.stop().await?;
    check(data.path()).await
}
