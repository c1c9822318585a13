//! Clients that post until they are told to stop, and keep book of what they were told.
//!
//! A message that got no clear answer is posted again with the same key until it gets one, as the API asks of clients;
//! every fifth one has no key, and stays unknown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use reqwest::Method;
use serde_json::{Value, json};
use shared_testkit::client::Client;
use shared_testkit::ledger::Ledger;
use shared_testkit::wait;
use tokio::task::JoinSet;

/// Between two attempts at the same message.
const AGAIN: Duration = Duration::from_millis(50);
/// So long a message may be without an answer; more than any fault of these tests lasts.
const PATIENCE: Duration = Duration::from_mins(2);

/// Clients at work.
pub struct Load {
    counts: Arc<Counts>,
    writers: JoinSet<Result<Ledger>>,
}

#[derive(Default)]
struct Counts {
    numbers: AtomicU64,
    acknowledged: AtomicU64,
    stop: AtomicBool,
}

/// Where they post.
#[derive(Clone)]
struct Target {
    /// One for each way in; a writer uses them in turn.
    clients: Vec<Client>,
    prefix: &'static str,
    conversations: u64,
}

impl Load {
    /// So many clients, over so many conversations whose names begin with `prefix`, through all of `ways` in turn.
    #[must_use]
    pub fn start(ways: &[Client], prefix: &'static str, conversations: u64, writers: u64) -> Self {
        let counts = Arc::new(Counts::default());
        let target = Target { clients: ways.to_vec(), prefix, conversations };
        let mut tasks = JoinSet::new();
        for _ in 0..writers {
            tasks.spawn(write(target.clone(), Arc::clone(&counts)));
        }
        Self { counts, writers: tasks }
    }

    /// How many messages were acknowledged so far.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.counts.acknowledged.load(Ordering::Relaxed)
    }

    /// Waits until so many more were acknowledged.
    pub async fn more(&self, messages: u64) -> Result<()> {
        let enough = self.acknowledged() + messages;
        wait::until("the load to go on", || async { Ok((self.acknowledged() >= enough).then_some(())) }).await
    }

    /// Stops, and gives the book.
    pub async fn finish(mut self) -> Result<Ledger> {
        self.counts.stop.store(true, Ordering::Relaxed);
        let mut ledger = Ledger::default();
        while let Some(written) = self.writers.join_next().await {
            ledger.merge(written??);
        }
        Ok(ledger)
    }
}

async fn write(target: Target, counts: Arc<Counts>) -> Result<Ledger> {
    let mut ledger = Ledger::default();
    while !counts.stop.load(Ordering::Relaxed) {
        let number = counts.numbers.fetch_add(1, Ordering::Relaxed);
        let conversation = format!("{}-{}", target.prefix, number % target.conversations);
        let content = format!("message {number}");
        ledger.unknown(&conversation, &content);
        if post(&target, &conversation, &content, number).await? {
            ledger.acknowledged(&conversation, &content);
            counts.acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(ledger)
}

/// Whether the message was acknowledged; if not, it had no key.
async fn post(target: &Target, conversation: &str, content: &str, number: u64) -> Result<bool> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut message = json!({"content": content});
    let mut key = None;
    match number % 5 {
        0 => {}
        1 | 2 => key = Some(format!("key-{conversation}-{number}")),
        _ => message["message_id"] = Value::String(format!("id-{number}")),
    }
    let body = json!({"conversation_id": conversation, "user_id": "u", "messages": [message]});
    for attempt in number.. {
        let way = usize::try_from(attempt)? % target.clients.len();
        let client = &target.clients[way];
        let mut request = client.request(Method::POST, "/chats").json(&body).timeout(Duration::from_secs(20));
        if let Some(key) = &key {
            request = request.header("idempotency-key", key);
        }
        match client.send(request).await {
            Ok(answer) if answer.status == 200 => return Ok(true),
            Ok(answer) if !matches!(answer.status.as_u16(), 503 | 504) => bail!("{content}: {answer:?}"),
            _ if number.is_multiple_of(5) => return Ok(false),
            _ if tokio::time::Instant::now() >= deadline => bail!("{content}: no answer for {PATIENCE:?}"),
            _ => tokio::time::sleep(AGAIN).await,
        }
    }
    Ok(false)
}
