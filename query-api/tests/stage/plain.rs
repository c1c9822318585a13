//! The other ports, as plain as can be.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use shared::domain::{ApiKey, ApiKeyHash, CallerId, Timestamp};
use shared::ports::{
    Announcement, BusError, EventBus, IdSource, KeyStore, Notice, NoticeStream, Quota, RateDecision, RateLimiter,
    StoreError, SummarizeAsk, SummarizeAskStream, SummarizeReply,
};
use tokio::sync::{broadcast, oneshot};

use super::Count;

pub(crate) struct OneByOne(pub(crate) AtomicU64);

impl IdSource for OneByOne {
    fn random(&self) -> [u8; 16] {
        u128::from(self.0.fetch_add(1, Ordering::SeqCst)).to_be_bytes()
    }
}

pub(crate) struct NoLimits;

#[async_trait]
impl RateLimiter for NoLimits {
    async fn check(&self, _: &CallerId, _: Quota) -> RateDecision {
        RateDecision { allowed: true, remaining: NonZeroU32::MIN.get(), wait: Duration::ZERO }
    }
}

pub(crate) struct NoKeys;

#[async_trait]
impl KeyStore for NoKeys {
    async fn find(&self, _: &ApiKeyHash) -> Result<Option<ApiKey>, StoreError> {
        Ok(None)
    }

    async fn create(&self, _: &ApiKey) -> Result<(), StoreError> {
        unreachable!("query-api makes no keys")
    }

    async fn list(&self) -> Result<Vec<ApiKey>, StoreError> {
        Ok(Vec::new())
    }

    async fn used(&self, _: &[(ApiKeyHash, Timestamp)]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn revoke(&self, _: &str, _: Timestamp) -> Result<bool, StoreError> {
        unreachable!("query-api revokes no keys")
    }
}

type Pending = (SummarizeAsk, oneshot::Sender<SummarizeReply>);

/// A bus on which the test announces, and answers asks.
pub(crate) struct HandBus {
    announcements: Mutex<broadcast::Sender<Announcement>>,
    asked: Mutex<Vec<Pending>>,
    pub(crate) asks: Count,
}

impl HandBus {
    pub(crate) fn new() -> Arc<Self> {
        let announcements = Mutex::new(broadcast::channel(64).0);
        Arc::new(Self { announcements, asked: Mutex::default(), asks: Count::default() })
    }

    pub(crate) fn say(&self, announcement: Announcement) {
        // Nobody may listen yet.
        let _ = self.announcements.lock().send(announcement);
    }

    /// Ends all subscriptions.
    pub(crate) fn cut(&self) {
        *self.announcements.lock() = broadcast::channel(64).0;
    }

    pub(crate) fn listeners(&self) -> usize {
        self.announcements.lock().receiver_count()
    }

    pub(crate) fn take_asks(&self) -> Vec<Pending> {
        std::mem::take(&mut self.asked.lock())
    }
}

#[async_trait]
impl EventBus for HandBus {
    fn notify(&self, _: Notice) {
        unreachable!("query-api publishes nothing")
    }

    fn pending(&self) -> usize {
        0
    }

    async fn notices(&self) -> Result<Box<dyn NoticeStream>, BusError> {
        unreachable!("query-api takes no notices")
    }

    fn announce(&self, _: Announcement) {
        unreachable!("query-api announces nothing")
    }

    async fn announcements(&self) -> Result<broadcast::Receiver<Announcement>, BusError> {
        Ok(self.announcements.lock().subscribe())
    }

    async fn ask(&self, ask: SummarizeAsk, deadline: Duration) -> Result<SummarizeReply, BusError> {
        self.asks.add();
        let (sender, receiver) = oneshot::channel();
        self.asked.lock().push((ask, sender));
        match tokio::time::timeout(deadline, receiver).await {
            Ok(Ok(reply)) => Ok(reply),
            _ => Err(BusError::Timeout),
        }
    }

    async fn asks(&self) -> Result<Box<dyn SummarizeAskStream>, BusError> {
        unreachable!("query-api answers no asks")
    }

    async fn ping(&self) -> Result<(), BusError> {
        Ok(())
    }
}
