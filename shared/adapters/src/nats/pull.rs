//! Notices off the stream (project). Law: a pull has an end and a heartbeat, and silence is never trusted: a missed
//! heartbeat, a lost connection or notices that wait while none come make the stream anew.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Message, StatusCode, Subscriber};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use serde::Serialize;
use shared::ports::{BusError, Delivery, NoticeStream};
use tokio::time::{Instant, sleep};

use super::failure::NatsFailure;
use super::jetstream;
use super::link::Epoch;
use super::receipt::Held;
use super::session::{Born, Session};

/// A pull that brought less ends after this long, and another one begins.
const EXPIRES: Duration = Duration::from_secs(30);
/// While it brings nothing the server says so, this often,
const HEARTBEAT: Duration = Duration::from_secs(5);
/// and is not believed to be there after this long without.
const SILENCE: Duration = Duration::from_secs(12);
/// While nothing comes, it is asked this often whether something should.
const WATCH: Duration = Duration::from_secs(15);
/// The first look at stream and consumer.
const READY_LIMIT: Duration = Duration::from_secs(10);
/// After a refused pull.
const PAUSE: Duration = Duration::from_millis(200);

/// One task's share of the notices.
pub(super) struct Stream {
    session: Arc<Session>,
    held: Arc<Held>,
    open: Option<Open>,
}

/// A subscription and the pull on it.
struct Open {
    epoch: Epoch,
    born: Born,
    inbox: String,
    messages: Subscriber,
    /// How many the server still owes.
    owed: usize,
    /// When the server was last heard.
    heard: Instant,
    /// When notices last came, or it was last asked whether some wait.
    watched: Instant,
}

/// What a pull asks for; durations in nanoseconds.
#[derive(Serialize)]
struct Pull {
    batch: usize,
    expires: u64,
    idle_heartbeat: u64,
}

enum Heard {
    Message(Option<Message>),
    ConnectionLost,
    Silence,
    NothingYet,
}

impl Stream {
    pub(super) async fn open(session: Arc<Session>, held: Arc<Held>) -> Result<Self, BusError> {
        session.closed()?;
        session.ready(READY_LIMIT).await?;
        Ok(Self { session, held, open: None })
    }

    async fn begin(&mut self) -> Result<(), NatsFailure> {
        let epoch = self.session.link.up().await;
        let born = self.session.ready(READY_LIMIT).await?;
        let inbox = self.session.client.new_inbox();
        let messages = self.session.client.subscribe(inbox.clone()).await;
        let messages = messages.map_err(NatsFailure::jetstream("subscribing"))?;
        let now = Instant::now();
        self.open = Some(Open { epoch, born, inbox, messages, owed: 0, heard: now, watched: now });
        Ok(())
    }

    /// Some deliveries, or none where the caller should call again.
    async fn some(&mut self, most: usize) -> Result<Vec<Delivery>, NatsFailure> {
        if self.open.is_none() {
            self.begin().await?;
        }
        let Some(open) = &mut self.open else { return Ok(Vec::new()) };
        let mut deliveries = Vec::new();
        while deliveries.len() < most
            && let Some(Some(message)) = open.messages.next().now_or_never()
        {
            open.look(&self.held, &message, &mut deliveries)?;
        }
        if !deliveries.is_empty() {
            return Ok(deliveries);
        }
        if open.owed == 0 {
            open.pull(&self.session, most).await?;
        }
        match open.hear(&self.session).await {
            Heard::Message(Some(message)) => open.look(&self.held, &message, &mut deliveries)?,
            Heard::Message(None) => return Err(NatsFailure::Broken("the client was closed")),
            Heard::ConnectionLost => self.open = None,
            Heard::Silence => return Err(NatsFailure::Broken("the consumer has fallen silent")),
            Heard::NothingYet => {
                open.watched = Instant::now();
                let waiting = jetstream::waiting(&self.session.js, &self.session.names).await?;
                if waiting > 0 && open.messages.next().now_or_never().is_none() {
                    metrics::counter!("recap_bus_stalls_total").increment(1);
                    tracing::warn!(hop = "project", waiting, "notices wait but do not come; pulling anew");
                    self.open = None;
                }
            }
        }
        Ok(deliveries)
    }
}

impl Open {
    async fn pull(&mut self, session: &Session, most: usize) -> Result<(), NatsFailure> {
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let pull = Pull { batch: most, expires: nanos(EXPIRES), idle_heartbeat: nanos(HEARTBEAT) };
        let payload = serde_json::to_vec(&pull).map_err(NatsFailure::jetstream("writing a pull"))?;
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{}.{}", session.names.stream, session.names.consumer);
        let reply = self.inbox.as_str().into();
        session.send(subject, Some(reply), None, Bytes::from(payload)).await?;
        self.owed = most;
        self.heard = Instant::now();
        Ok(())
    }

    async fn hear(&mut self, session: &Session) -> Heard {
        tokio::select! {
            biased;
            message = self.messages.next() => Heard::Message(message),
            () = session.link.left(self.epoch) => Heard::ConnectionLost,
            () = tokio::time::sleep_until(self.heard + SILENCE) => Heard::Silence,
            () = tokio::time::sleep_until(self.watched + WATCH) => Heard::NothingYet,
        }
    }

    /// What a message of the server means.
    fn look(&mut self, held: &Arc<Held>, message: &Message, into: &mut Vec<Delivery>) -> Result<(), NatsFailure> {
        self.heard = Instant::now();
        match message.status {
            None | Some(StatusCode::OK) => {
                self.owed = self.owed.saturating_sub(1);
                self.watched = self.heard;
                into.extend(held.take(message, self.born));
            }
            Some(StatusCode::IDLE_HEARTBEAT) => {}
            // The pull came to its end.
            Some(StatusCode::TIMEOUT | StatusCode::NOT_FOUND) => self.owed = 0,
            Some(StatusCode::NO_RESPONDERS) => return Err(NatsFailure::Broken("the consumer is gone")),
            Some(_) => match message.description.as_deref() {
                Some("Batch Completed") => self.owed = 0,
                Some("Consumer Deleted") => return Err(NatsFailure::Broken("the consumer was deleted")),
                _ => return Err(NatsFailure::Broken("the server ended the pull")),
            },
        }
        Ok(())
    }
}

#[async_trait]
impl NoticeStream for Stream {
    async fn next(&mut self, most: usize) -> Result<Vec<Delivery>, BusError> {
        let closing = self.session.closing.clone();
        loop {
            self.session.closed()?;
            let some = tokio::select! {
                () = closing.cancelled() => return Err(BusError::Closed),
                some = self.some(most.max(1)) => some,
            };
            match some {
                Ok(deliveries) if deliveries.is_empty() => {}
                Ok(deliveries) => return Ok(deliveries),
                Err(failure) => {
                    self.give_back();
                    self.session.doubt().await;
                    sleep(PAUSE).await;
                    return Err(failure.into());
                }
            }
        }
    }
}

impl Stream {
    /// What has come and was not looked at goes to other workers at once, not after the wait for acknowledgement.
    fn give_back(&mut self) {
        let Some(mut open) = self.open.take() else { return };
        while let Some(Some(message)) = open.messages.next().now_or_never() {
            if message.status.is_none() {
                drop(self.held.take(&message, open.born));
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.give_back();
    }
}
