//! Announcements to all query-apis over core NATS (push). Law: what may have been missed is said: receivers are
//! closed, and whoever listens again must look at the views.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use shared::ports::{Announcement, BusError};
use tokio::sync::{broadcast, watch};
use tokio::time::{sleep, timeout};

use super::failure::NatsFailure;
use super::link::Epoch;
use super::publish::chain;
use super::session::Session;

/// Announcements that a reader may be behind before it is told that it lagged.
const BEHIND: usize = 4_096;
/// How long a new listener waits for the subscription.
const LISTEN_LIMIT: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(500);

/// Both ends of announcements.
pub(super) struct Announcements {
    session: Arc<Session>,
    /// The receivers' channel while the subscription stands.
    heard: watch::Sender<Option<broadcast::Sender<Announcement>>>,
    listening: AtomicBool,
    /// Whether something was not sent since listeners were last told so.
    missed: AtomicBool,
    announced: AtomicBool,
}

impl Announcements {
    pub(super) fn new(session: Arc<Session>) -> Self {
        Self {
            session,
            heard: watch::Sender::new(None),
            listening: AtomicBool::new(false),
            missed: AtomicBool::new(false),
            announced: AtomicBool::new(false),
        }
    }

    /// Sends one, if that is possible now: late it would tell of a state long gone.
    pub(super) fn announce(&self, announcement: &Announcement) {
        self.announced.store(true, Ordering::Relaxed);
        let Ok(payload) = serde_json::to_vec(announcement) else { return };
        if !self.session.send_at_once(self.session.names.announcements.as_str(), Bytes::from(payload)) {
            metrics::counter!("recap_push_announcements_dropped_total").increment(1);
            self.missed.store(true, Ordering::Release);
        }
    }

    /// Tells listeners that they may have missed something, after each gap, for ever.
    pub(super) async fn tell_of_gaps(self: Arc<Self>) {
        let mut before: Option<Epoch> = None;
        loop {
            let epoch = self.session.link.up().await;
            if before.is_some_and(|before| before != epoch) && self.announced.load(Ordering::Relaxed) {
                self.missed.store(true, Ordering::Release);
            }
            before = Some(epoch);
            if self.missed.swap(false, Ordering::AcqRel) {
                let gap = self.session.send(self.session.names.announcements.as_str(), None, None, Bytes::new());
                if gap.await.is_err() {
                    self.missed.store(true, Ordering::Release);
                }
            }
            tokio::select! {
                () = self.session.link.left(epoch) => {}
                () = sleep(PAUSE) => {}
            }
        }
    }

    /// A receiver of all that is announced from now on.
    pub(super) async fn listen(self: &Arc<Self>) -> Result<broadcast::Receiver<Announcement>, BusError> {
        self.session.closed()?;
        if !self.listening.swap(true, Ordering::AcqRel) {
            self.session.spawn(Arc::clone(self).hear());
        }
        let mut heard = self.heard.subscribe();
        let receiver = async {
            loop {
                if let Some(sender) = &*heard.borrow_and_update() {
                    return sender.subscribe();
                }
                // The sender lives as long as `self`.
                let _ = heard.changed().await;
            }
        };
        timeout(LISTEN_LIMIT, receiver).await.map_err(|_| self.session.link.away().into())
    }

    /// Hears for ever; a new channel for each connection.
    async fn hear(self: Arc<Self>) {
        loop {
            let epoch = self.session.link.up().await;
            if let Err(failure) = self.hear_on(epoch).await {
                tracing::warn!(hop = "push", error = %chain(&failure), "announcements are not heard for now");
                sleep(PAUSE).await;
            }
            // Receivers read what was heard and then find the channel closed.
            self.heard.send_replace(None);
        }
    }

    async fn hear_on(&self, epoch: Epoch) -> Result<(), NatsFailure> {
        let subscribed = self.session.client.subscribe(self.session.names.announcements.clone()).await;
        let mut messages = subscribed.map_err(NatsFailure::jetstream("subscribing"))?;
        self.session.round_trip(LISTEN_LIMIT).await?;
        let (sender, _) = broadcast::channel(BEHIND);
        self.heard.send_replace(Some(sender.clone()));
        loop {
            let message = tokio::select! {
                () = self.session.link.left(epoch) => return Ok(()),
                message = messages.next() => message.ok_or(NatsFailure::Broken("the client was closed"))?,
            };
            if message.payload.is_empty() {
                tracing::info!(hop = "push", "announcements were missed");
                return Ok(());
            }
            match serde_json::from_slice(&message.payload) {
                // Nobody listening is no error.
                Ok(announcement) => drop(sender.send(announcement)),
                // Perhaps of a later version, which knows more kinds.
                Err(error) => tracing::debug!(hop = "push", %error, "an announcement cannot be read"),
            }
        }
    }
}
