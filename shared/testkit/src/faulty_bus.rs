//! A bus over another one that treats notices badly. Law: it does nothing that the port does not allow: whoever keeps
//! the port's laws comes to the same views through it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use shared::domain::Seq;
use shared::ports::event_bus::Receipt;
use shared::ports::{
    Announcement, BusError, Delivery, EventBus, Notice, NoticeStream, SummarizeAsk, SummarizeAskStream, SummarizeReply,
};
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep_until, timeout_at};

/// How notices and announcements go astray.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BusFaults {
    /// Of 100 notices, and of 100 announcements, so many are lost.
    pub lost: u32,
    /// A notice comes up to so many times, the later ones with any lower seq.
    pub copies: u32,
    /// Each copy comes at any time within this, and so in any order.
    pub delay: Duration,
}

impl BusFaults {
    /// None.
    pub const NONE: Self = Self { lost: 0, copies: 1, delay: Duration::ZERO };
}

/// A bus with faults.
pub struct FaultyEventBus {
    inner: Arc<dyn EventBus>,
    state: Arc<Mutex<State>>,
}

struct State {
    faults: BusFaults,
    random: u64,
}

impl State {
    /// Any number below `end` (splitmix64).
    fn below(&mut self, end: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }

    fn lost(&mut self) -> bool {
        self.below(100) < u64::from(self.faults.lost)
    }

    fn due(&mut self) -> Instant {
        let most = u64::try_from(self.faults.delay.as_millis()).unwrap_or(u64::MAX);
        Instant::now() + Duration::from_millis(self.below(most.saturating_add(1)))
    }
}

impl FaultyEventBus {
    /// Over `inner`; the same seed brings the same faults.
    #[must_use]
    pub fn new(inner: Arc<dyn EventBus>, seed: u64, faults: BusFaults) -> Self {
        Self { inner, state: Arc::new(Mutex::new(State { faults, random: seed })) }
    }

    /// From now on.
    pub fn set(&self, faults: BusFaults) {
        self.state.lock().faults = faults;
    }
}

#[async_trait]
impl EventBus for FaultyEventBus {
    fn notify(&self, notice: Notice) {
        if !self.state.lock().lost() {
            self.inner.notify(notice);
        }
    }

    fn pending(&self) -> usize {
        self.inner.pending()
    }

    async fn notices(&self) -> Result<Box<dyn NoticeStream>, BusError> {
        let inner = self.inner.notices().await?;
        Ok(Box::new(Stream { inner, state: Arc::clone(&self.state), waiting: Vec::new() }))
    }

    fn announce(&self, announcement: Announcement) {
        // An erasure is all that tells other processes to forget; it is found again by them, but later.
        let kept = matches!(announcement, Announcement::Erased { .. });
        if kept || !self.state.lock().lost() {
            self.inner.announce(announcement);
        }
    }

    async fn announcements(&self) -> Result<broadcast::Receiver<Announcement>, BusError> {
        self.inner.announcements().await
    }

    async fn ask(&self, ask: SummarizeAsk, deadline: Duration) -> Result<SummarizeReply, BusError> {
        self.inner.ask(ask, deadline).await
    }

    async fn asks(&self) -> Result<Box<dyn SummarizeAskStream>, BusError> {
        self.inner.asks().await
    }

    async fn ping(&self) -> Result<(), BusError> {
        self.inner.ping().await
    }
}

struct Stream {
    inner: Box<dyn NoticeStream>,
    state: Arc<Mutex<State>>,
    waiting: Vec<(Instant, Delivery)>,
}

impl Stream {
    /// Each delivery with its copies, to come in any order. The true one has the receipt.
    fn spread(&mut self, deliveries: Vec<Delivery>) {
        let mut state = self.state.lock();
        for delivery in deliveries {
            let most = state.faults.copies;
            let copies = 1 + state.below(u64::from(most));
            for _ in 1..copies {
                let Notice { key, seq } = delivery.notice.clone();
                let notice = Notice { key, seq: Seq(state.below(seq.0.saturating_add(1))) };
                self.waiting.push((state.due(), Delivery { notice, receipt: Box::new(Copied) }));
            }
            self.waiting.push((state.due(), delivery));
        }
        self.waiting.sort_by_key(|(due, _)| *due);
    }
}

#[async_trait]
impl NoticeStream for Stream {
    async fn next(&mut self, most: usize) -> Result<Vec<Delivery>, BusError> {
        loop {
            let now = Instant::now();
            let due = self.waiting.iter().take(most).take_while(|(due, _)| *due <= now).count();
            if due > 0 {
                return Ok(self.waiting.drain(..due).map(|(_, delivery)| delivery).collect());
            }
            let next = self.waiting.first().map(|(due, _)| *due);
            match next {
                None => {
                    let fresh = self.inner.next(most).await?;
                    self.spread(fresh);
                }
                // Few wait, so more may come meanwhile.
                Some(next) if self.waiting.len() < 10_000 => {
                    if let Ok(fresh) = timeout_at(next, self.inner.next(most)).await {
                        self.spread(fresh?);
                    }
                }
                Some(next) => sleep_until(next).await,
            }
        }
    }
}

/// A copy's receipt: whatever is said, the true one counts.
struct Copied;

#[async_trait]
impl Receipt for Copied {
    async fn ack(self: Box<Self>) {}

    async fn retry_later(self: Box<Self>, _: Duration) {}
}
