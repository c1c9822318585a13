//! The bus over NATS (publish and push). Law: no caller waits for NATS, and however long it is away, nothing grows.
//!
//! - notices: a `JetStream` stream that keeps the newest one of each conversation, and a durable consumer that all
//!   workers share; publishing runs behind a bounded dirty set (`dirty`, `publish`, `jetstream`, `pull`, `receipt`)
//! - announcements and asks: core NATS (`announcements`, `asks`)
//! - the connection, sought for ever: `session`, `link`; what is asked of it: [`config`]

mod announcements;
mod asks;
pub mod config;
mod dirty;
mod failure;
mod jetstream;
mod link;
mod publish;
mod pull;
mod receipt;
mod session;
mod subject;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use shared::ports::{
    Announcement, BusError, EventBus, Notice, NoticeStream, SummarizeAsk, SummarizeAskStream, SummarizeReply,
};
use tokio::sync::{Semaphore, broadcast};
use tokio::time::{Instant, timeout, timeout_at};

use announcements::Announcements;
pub use config::{NatsConfig, NatsPrefix, NatsPrefixError, NatsUrl, NatsUrlError};
use dirty::DirtySet;
pub use failure::NatsConnectError;
use receipt::Held;
use session::Session;

/// At start, so long is waited for the server, to find out whether it is too old.
const FIRST_CONNECTION: Duration = Duration::from_secs(2);
/// How long [`EventBus::ping`] takes at most.
const PING_LIMIT: Duration = Duration::from_secs(2);

/// The bus between the services.
pub struct NatsEventBus {
    session: Arc<Session>,
    dirty: Arc<DirtySet>,
    held: Arc<Held>,
    announcements: Arc<Announcements>,
    /// Asks that may wait.
    asks: Semaphore,
}

impl NatsEventBus {
    /// Begins to connect, and goes on for ever. NATS being away is no error: [`EventBus::ping`] says so until it is
    /// there. A server that is there within two seconds and too old is one.
    pub async fn connect(url: &NatsUrl, config: &NatsConfig) -> Result<Self, NatsConnectError> {
        let session = Arc::new(Session::open(url, config).await?);
        let bus = Self {
            dirty: Arc::default(),
            held: Arc::new(Held::new(Arc::clone(&session))),
            announcements: Arc::new(Announcements::new(Arc::clone(&session))),
            asks: Semaphore::new(asks::WAITING),
            session,
        };
        bus.session.version_by(Instant::now() + FIRST_CONNECTION).await;
        if let Some(version) = bus.session.too_old() {
            bus.session.closing.cancel();
            return Err(NatsConnectError::TooOld { version });
        }
        bus.start(url.to_string());
        Ok(bus)
    }

    fn start(&self, servers: String) {
        let session = Arc::clone(&self.session);
        self.session.spawn(async move { session.link.tell(&servers, &session.closing).await });
        self.session.spawn(publish::publish(Arc::clone(&self.session), Arc::clone(&self.dirty)));
        self.session.spawn(Arc::clone(&self.held).progress());
        self.session.spawn(Arc::clone(&self.announcements).tell_of_gaps());
    }

    /// Publishes the notices that wait, ends all streams and refuses what comes later. Answers whether all was
    /// published; what was not is found by the reconciler. Takes at most `within`, and no time while NATS is away.
    pub async fn close(&self, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        let drained = match self.session.link.now() {
            None => self.dirty.len() == 0,
            Some(epoch) => tokio::select! {
                drained = timeout_at(deadline, self.dirty.drain()) => drained.is_ok(),
                () = self.session.link.left(epoch) => false,
            },
        };
        self.session.closing.cancel();
        self.session.tasks.close();
        let ended = timeout_at(deadline, async {
            self.session.tasks.wait().await;
            if self.session.link.now().is_some() {
                // Acknowledgements and answers that the driver still has.
                drop(self.session.client.flush().await);
            }
        });
        ended.await.is_ok() && drained
    }
}

impl Drop for NatsEventBus {
    fn drop(&mut self) {
        self.session.closing.cancel();
    }
}

#[async_trait]
impl EventBus for NatsEventBus {
    fn notify(&self, notice: Notice) {
        if !self.dirty.mark(notice) {
            metrics::counter!("recap_publish_dropped_total").increment(1);
        }
    }

    fn pending(&self) -> usize {
        self.dirty.len()
    }

    async fn notices(&self) -> Result<Box<dyn NoticeStream>, BusError> {
        Ok(Box::new(pull::Stream::open(Arc::clone(&self.session), Arc::clone(&self.held)).await?))
    }

    fn announce(&self, announcement: Announcement) {
        self.announcements.announce(&announcement);
    }

    async fn announcements(&self) -> Result<broadcast::Receiver<Announcement>, BusError> {
        self.announcements.listen().await
    }

    async fn ask(&self, ask: SummarizeAsk, deadline: Duration) -> Result<SummarizeReply, BusError> {
        asks::ask(&self.session, &self.asks, &ask, deadline).await
    }

    async fn asks(&self) -> Result<Box<dyn SummarizeAskStream>, BusError> {
        Ok(Box::new(asks::Stream::open(Arc::clone(&self.session)).await?))
    }

    async fn ping(&self) -> Result<(), BusError> {
        self.session.closed()?;
        if self.session.link.now().is_none() {
            return Err(self.session.link.away().into());
        }
        let ready = timeout(PING_LIMIT, self.session.ready(PING_LIMIT)).await;
        ready.map_err(|_| BusError::Timeout)?.map(drop).map_err(BusError::from)
    }
}
