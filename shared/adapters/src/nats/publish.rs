//! Publish: from the dirty set to the stream. Law: a notice leaves the set for good only when the server has said
//! that it is stored.
//!
//! The driver's own requests keep an entry for each answer that never comes, so answers come to an inbox of our own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{HeaderMap, Message, StatusCode, Subject, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::Deserialize;
use tokio::time::{Instant, sleep, timeout_at};

use super::dirty::{DirtySet, Outgoing};
use super::failure::NatsFailure;
use super::link::Epoch;
use super::session::Session;

/// Notices on their way at the same time.
const BATCH: usize = 512;
/// Until a notice without an answer is sent again.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Publishes for ever.
pub(super) async fn publish(session: Arc<Session>, dirty: Arc<DirtySet>) {
    let mut failures = 0_u32;
    loop {
        let epoch = session.link.up().await;
        match on_one_connection(&session, &dirty, epoch, &mut failures).await {
            Ok(()) => {}
            Err(failure) => {
                failures = failures.saturating_add(1);
                tracing::warn!(hop = "publish", error = %chain(&failure), waiting = dirty.len(), "notices wait");
                session.doubt().await;
                sleep((FIRST_PAUSE * (1 << failures.min(10))).min(LONGEST_PAUSE)).await;
            }
        }
    }
}

/// Until the connection is lost (which is no error) or something else fails.
async fn on_one_connection(
    session: &Session,
    dirty: &DirtySet,
    epoch: Epoch,
    failures: &mut u32,
) -> Result<(), NatsFailure> {
    session.ready(ANSWER_LIMIT).await?;
    let inbox = session.client.new_inbox();
    let answers = session.client.subscribe(format!("{inbox}.*")).await;
    let answers = answers.map_err(NatsFailure::jetstream("subscribing"))?;
    let mut flight = Flight { session, inbox, answers, first: 0, next: 0, flying: HashMap::new() };
    loop {
        let batch = tokio::select! {
            () = session.link.left(epoch) => return Ok(()),
            batch = dirty.take(BATCH) => batch,
        };
        flight.load(batch);
        let result = tokio::select! {
            () = session.link.left(epoch) => Ok(()),
            result = flight.send() => result,
        };
        let failed = flight.failed();
        let stalled = !failed.is_empty();
        dirty.landed(failed);
        result?;
        if !stalled {
            *failures = 0;
        }
    }
}

/// Notices on their way, on one connection.
struct Flight<'a> {
    session: &'a Session,
    inbox: String,
    answers: Subscriber,
    /// The first of the batch, and the next of all.
    first: u64,
    next: u64,
    /// Those without an answer, by the last word of the answer's subject.
    flying: HashMap<u64, Outgoing>,
}

/// What the server says to a published message.
#[derive(Debug, Deserialize)]
struct Stored {
    #[serde(default)]
    duplicate: bool,
    error: Option<Refusal>,
}

#[derive(Debug, Deserialize, thiserror::Error)]
#[error("{description} ({err_code})")]
struct Refusal {
    #[serde(default)]
    err_code: u64,
    #[serde(default)]
    description: String,
}

impl Flight<'_> {
    /// Takes a batch on, so that all of it is accounted for, whatever becomes of [`Self::send`].
    fn load(&mut self, batch: Vec<Outgoing>) {
        self.first = self.next;
        for outgoing in batch {
            self.flying.insert(self.next, outgoing);
            self.next += 1;
        }
    }

    /// Sends the batch and waits for all answers. What has none is in [`Self::failed`].
    async fn send(&mut self) -> Result<(), NatsFailure> {
        for token in self.first..self.next {
            self.send_one(token, true).await?;
        }
        let deadline = Instant::now() + ANSWER_LIMIT;
        while !self.flying.is_empty() {
            match timeout_at(deadline, self.answers.next()).await {
                Ok(Some(answer)) => self.answered(&answer).await?,
                Ok(None) => return Err(NatsFailure::Broken("the client was closed")),
                Err(_) => return Err(NatsFailure::Broken("the stream does not confirm notices")),
            }
        }
        Ok(())
    }

    async fn send_one(&mut self, token: u64, named: bool) -> Result<(), NatsFailure> {
        let Some(outgoing) = self.flying.get(&token) else { return Ok(()) };
        let subject = self.session.names.notice(&outgoing.notice.key);
        let payload = serde_json::to_vec(&outgoing.notice).map_err(NatsFailure::jetstream("writing a notice"))?;
        let mut headers = HeaderMap::new();
        if named {
            let key = subject.rsplit('.').next().unwrap_or_default();
            headers.insert(async_nats::header::NATS_MESSAGE_ID, format!("{key}:{}", outgoing.notice.seq));
        }
        let reply = Subject::from(format!("{}.{token}", self.inbox));
        self.session.send(subject, Some(reply), Some(headers), Bytes::from(payload)).await
    }

    async fn answered(&mut self, answer: &Message) -> Result<(), NatsFailure> {
        let token = answer.subject.rsplit('.').next().and_then(|token| token.parse::<u64>().ok());
        // An answer to an earlier batch, which was given up.
        let Some(token) = token.filter(|token| self.flying.contains_key(token)) else { return Ok(()) };
        if answer.status == Some(StatusCode::NO_RESPONDERS) {
            return Err(NatsFailure::Broken("there is no stream"));
        }
        let stored: Stored = serde_json::from_slice(&answer.payload).map_err(NatsFailure::jetstream("publishing"))?;
        if let Some(refusal) = stored.error {
            return Err(NatsFailure::jetstream("publishing")(refusal));
        }
        let first = self.flying.get(&token).is_some_and(|outgoing| !outgoing.tried);
        if stored.duplicate && first {
            // The seq was reached before, in the conversation's life before its erasure or by a repeated request,
            // and its notice may be long done.
            if let Some(outgoing) = self.flying.get_mut(&token) {
                outgoing.tried = true;
            }
            return self.send_one(token, false).await;
        }
        self.flying.remove(&token);
        Ok(())
    }

    /// Those of the batch that may not be stored.
    fn failed(&mut self) -> Vec<Outgoing> {
        self.flying.drain().map(|(_, outgoing)| Outgoing { tried: true, ..outgoing }).collect()
    }
}

/// An error with all that caused it.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
