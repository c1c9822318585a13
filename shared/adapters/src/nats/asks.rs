//! Summaries wanted now, over core NATS (summarize). Law: an ask ends at its deadline, and is put again to another
//! worker when the connection it was put on is lost.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Message, StatusCode, Subject, Subscriber};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use shared::ports::{BusError, SummarizeAnswer, SummarizeAsk, SummarizeAskStream, SummarizeReply};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};

use super::failure::NatsFailure;
use super::session::Session;

/// Asks of this process that may wait at the same time.
pub(super) const WAITING: usize = 1_024;
/// How long an ask waits for a connection, or for a worker to listen: a restart, not an outage.
const NOBODY_LIMIT: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(100);

enum Round {
    Answer(SummarizeReply),
    NobodyListens,
    ConnectionLost,
}

/// Puts an ask.
pub(super) async fn ask(
    session: &Session,
    room: &Semaphore,
    ask: &SummarizeAsk,
    deadline: Duration,
) -> Result<SummarizeReply, BusError> {
    session.closed()?;
    let _place = room.try_acquire().map_err(|_| BusError::Overloaded)?;
    let begun = Instant::now();
    let payload = Bytes::from(serde_json::to_vec(ask).map_err(NatsFailure::jetstream("writing an ask"))?);
    let answered = async {
        loop {
            session.link.up_by(begun + NOBODY_LIMIT).await?;
            match round(session, payload.clone()).await? {
                Round::Answer(reply) => return Ok(reply),
                Round::ConnectionLost => {}
                Round::NobodyListens if begun.elapsed() < NOBODY_LIMIT => sleep(PAUSE).await,
                Round::NobodyListens => return Err(NatsFailure::Broken("no worker listens").into()),
            }
        }
    };
    tokio::select! {
        () = session.closing.cancelled() => Err(BusError::Closed),
        answered = timeout_at(begun + deadline, answered) => answered.unwrap_or(Err(BusError::Timeout)),
    }
}

async fn round(session: &Session, payload: Bytes) -> Result<Round, NatsFailure> {
    let Some(epoch) = session.link.now() else { return Ok(Round::ConnectionLost) };
    let inbox = session.client.new_inbox();
    let replies = session.client.subscribe(inbox.clone()).await;
    let mut replies = replies.map_err(NatsFailure::jetstream("subscribing"))?;
    session.send(session.names.asks.as_str(), Some(Subject::from(inbox)), None, payload).await?;
    let reply = tokio::select! {
        () = session.link.left(epoch) => return Ok(Round::ConnectionLost),
        reply = replies.next() => reply.ok_or(NatsFailure::Broken("the client was closed"))?,
    };
    if reply.status == Some(StatusCode::NO_RESPONDERS) {
        return Ok(Round::NobodyListens);
    }
    let reply = serde_json::from_slice(&reply.payload).map_err(NatsFailure::jetstream("reading a worker's answer"))?;
    Ok(Round::Answer(reply))
}

/// The worker's side.
pub(super) struct Stream {
    session: Arc<Session>,
    asks: Subscriber,
}

impl Stream {
    /// Works without a connection too: asks come as soon as there is one.
    pub(super) async fn open(session: Arc<Session>) -> Result<Self, BusError> {
        session.closed()?;
        let asks = session.client.queue_subscribe(session.names.asks.clone(), session.names.askers.clone()).await;
        Ok(Self { asks: asks.map_err(NatsFailure::jetstream("subscribing"))?, session })
    }

    fn answer(&self, message: &Message) -> Option<Box<Answer>> {
        let reply = message.reply.clone()?;
        Some(Box::new(Answer { session: Arc::clone(&self.session), reply }))
    }
}

#[async_trait]
impl SummarizeAskStream for Stream {
    async fn next(&mut self) -> Result<(SummarizeAsk, Box<dyn SummarizeAnswer>), BusError> {
        loop {
            let message = tokio::select! {
                () = self.session.closing.cancelled() => return Err(BusError::Closed),
                message = self.asks.next() => message.ok_or(BusError::Closed)?,
            };
            if let (Ok(ask), Some(answer)) = (serde_json::from_slice(&message.payload), self.answer(&message)) {
                return Ok((ask, answer));
            }
            tracing::error!(hop = "summarize", "a message on the subject of asks is none");
        }
    }
}

impl Drop for Stream {
    /// Asks that nobody looked at are answered: whoever asked need not wait for the deadline.
    fn drop(&mut self) {
        while let Some(Some(message)) = self.asks.next().now_or_never() {
            if let (Some(answer), Ok(failed)) = (self.answer(&message), serde_json::to_vec(&SummarizeReply::Failed)) {
                self.session.send_at_once(answer.reply, Bytes::from(failed));
            }
        }
    }
}

struct Answer {
    session: Arc<Session>,
    reply: Subject,
}

#[async_trait]
impl SummarizeAnswer for Answer {
    async fn answer(self: Box<Self>, reply: SummarizeReply) {
        let Ok(payload) = serde_json::to_vec(&reply) else { return };
        if let Err(failure) = self.session.send(self.reply, None, None, Bytes::from(payload)).await {
            tracing::debug!(hop = "summarize", %failure, "an answer could not be sent; who asked asks again");
        }
    }
}
