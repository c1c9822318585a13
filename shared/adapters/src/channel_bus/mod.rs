//! The bus within one process (publish and push). Law: nothing here waits for a slow reader, and every queue is
//! bounded.

mod asks;
mod notices;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use shared::ports::{
    Announcement, BusError, EventBus, Notice, NoticeStream, SummarizeAsk, SummarizeAskStream, SummarizeReply,
};
use tokio::sync::broadcast;

use asks::Asks;
use notices::Notices;

/// Announcements that a reader may be behind before it is told that it lagged.
const ANNOUNCEMENTS: usize = 4096;

/// Queues between the services of one process.
pub struct ChannelEventBus {
    notices: Arc<Notices>,
    announcements: broadcast::Sender<Announcement>,
    asks: Arc<Asks>,
}

impl ChannelEventBus {
    /// An empty bus.
    #[must_use]
    pub fn new() -> Self {
        let (announcements, _) = broadcast::channel(ANNOUNCEMENTS);
        Self { notices: Arc::default(), announcements, asks: Arc::default() }
    }

    /// Ends all streams and refuses what comes later. Notices that wait are found again by the reconciler.
    pub fn close(&self) {
        self.notices.close();
        self.asks.close();
    }
}

impl Default for ChannelEventBus {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl EventBus for ChannelEventBus {
    fn notify(&self, notice: Notice) {
        if !self.notices.mark(notice) {
            metrics::counter!("recap_publish_dropped_total").increment(1);
        }
    }

    fn pending(&self) -> usize {
        self.notices.waiting()
    }

    async fn notices(&self) -> Result<Box<dyn NoticeStream>, BusError> {
        Ok(Box::new(notices::Stream { notices: Arc::clone(&self.notices) }))
    }

    fn announce(&self, announcement: Announcement) {
        // Nobody listening is no error.
        drop(self.announcements.send(announcement));
    }

    async fn announcements(&self) -> Result<broadcast::Receiver<Announcement>, BusError> {
        Ok(self.announcements.subscribe())
    }

    async fn ask(&self, ask: SummarizeAsk, deadline: Duration) -> Result<SummarizeReply, BusError> {
        self.asks.ask(ask, deadline).await
    }

    async fn asks(&self) -> Result<Box<dyn SummarizeAskStream>, BusError> {
        Ok(Box::new(asks::Stream { asks: Arc::clone(&self.asks) }))
    }

    async fn ping(&self) -> Result<(), BusError> {
        if self.notices.is_closed() { Err(BusError::Closed) } else { Ok(()) }
    }
}
