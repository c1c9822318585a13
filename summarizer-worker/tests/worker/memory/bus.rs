//! The bus in memory: it may lose, double and shuffle notices.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use shared::ports::event_bus::Receipt;
use shared::ports::{
    Announcement, BusError, Delivery, EventBus, Notice, NoticeStream, SummarizeAnswer, SummarizeAsk,
    SummarizeAskStream, SummarizeReply,
};
use tokio::sync::{Notify, broadcast, oneshot};

/// How notices go astray.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weather {
    /// Of 100 notices so many are lost.
    pub(crate) lost: u32,
    /// Of 100 so many come twice.
    pub(crate) doubled: u32,
    /// Whether they come in any order.
    pub(crate) shuffled: bool,
}

#[derive(Clone)]
pub(crate) struct MemoryBus(Arc<Inner>);

struct Inner {
    queue: Mutex<Queue>,
    arrived: Notify,
    announcements: broadcast::Sender<Announcement>,
    heard: Mutex<Vec<Announcement>>,
    asks: Mutex<VecDeque<(SummarizeAsk, oneshot::Sender<SummarizeReply>)>>,
    asked: Notify,
}

struct Queue {
    notices: VecDeque<Notice>,
    unsettled: u64,
    weather: Weather,
    random: StdRng,
}

impl MemoryBus {
    pub(crate) fn new(seed: u64) -> Self {
        let queue = Queue {
            notices: VecDeque::new(),
            unsettled: 0,
            weather: Weather::default(),
            random: StdRng::seed_from_u64(seed),
        };
        Self(Arc::new(Inner {
            queue: Mutex::new(queue),
            arrived: Notify::new(),
            announcements: broadcast::channel(1024).0,
            heard: Mutex::default(),
            asks: Mutex::default(),
            asked: Notify::new(),
        }))
    }

    pub(crate) fn weather(&self, weather: Weather) {
        self.0.queue.lock().weather = weather;
    }

    /// Whether all notices were acknowledged.
    pub(crate) fn settled(&self) -> bool {
        let queue = self.0.queue.lock();
        queue.notices.is_empty() && queue.unsettled == 0
    }

    /// All that was announced, in order.
    pub(crate) fn heard(&self) -> Vec<Announcement> {
        self.0.heard.lock().clone()
    }

    fn deliver(&self, most: usize) -> Vec<Delivery> {
        let mut queue = self.0.queue.lock();
        let count = queue.notices.len().min(most);
        queue.unsettled += count as u64;
        let notices: Vec<Notice> = queue.notices.drain(..count).collect();
        let delivery = |notice: Notice| {
            let receipt = Box::new(MemoryReceipt { bus: self.clone(), notice: Some(notice.clone()) });
            Delivery { notice, receipt }
        };
        notices.into_iter().map(delivery).collect()
    }

    fn put_back(&self, notice: Notice) {
        let mut queue = self.0.queue.lock();
        queue.unsettled -= 1;
        queue.notices.push_back(notice);
        drop(queue);
        self.0.arrived.notify_one();
    }
}

#[async_trait]
impl EventBus for MemoryBus {
    fn notify(&self, notice: Notice) {
        let mut queue = self.0.queue.lock();
        let Weather { lost, doubled, shuffled } = queue.weather;
        if queue.random.random_ratio(lost, 100) {
            return;
        }
        let times = if queue.random.random_ratio(doubled, 100) { 2 } else { 1 };
        for _ in 0..times {
            let place = queue.notices.len();
            let place = if shuffled { queue.random.random_range(0..=place) } else { place };
            queue.notices.insert(place, notice.clone());
        }
        drop(queue);
        self.0.arrived.notify_one();
    }

    fn pending(&self) -> usize {
        self.0.queue.lock().notices.len()
    }

    async fn notices(&self) -> Result<Box<dyn NoticeStream>, BusError> {
        Ok(Box::new(self.clone()))
    }

    fn announce(&self, announcement: Announcement) {
        self.0.heard.lock().push(announcement.clone());
        let _ = self.0.announcements.send(announcement);
    }

    async fn announcements(&self) -> Result<broadcast::Receiver<Announcement>, BusError> {
        Ok(self.0.announcements.subscribe())
    }

    async fn ask(&self, ask: SummarizeAsk, deadline: Duration) -> Result<SummarizeReply, BusError> {
        let (answer, answered) = oneshot::channel();
        self.0.asks.lock().push_back((ask, answer));
        self.0.asked.notify_one();
        match tokio::time::timeout(deadline, answered).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(_)) => Err(BusError::Closed),
            Err(_) => Err(BusError::Timeout),
        }
    }

    async fn asks(&self) -> Result<Box<dyn SummarizeAskStream>, BusError> {
        Ok(Box::new(self.clone()))
    }

    async fn ping(&self) -> Result<(), BusError> {
        Ok(())
    }
}

#[async_trait]
impl NoticeStream for MemoryBus {
    async fn next(&mut self, most: usize) -> Result<Vec<Delivery>, BusError> {
        loop {
            let deliveries = self.deliver(most);
            if !deliveries.is_empty() {
                return Ok(deliveries);
            }
            self.0.arrived.notified().await;
        }
    }
}

struct MemoryReceipt {
    bus: MemoryBus,
    notice: Option<Notice>,
}

#[async_trait]
impl Receipt for MemoryReceipt {
    async fn ack(mut self: Box<Self>) {
        self.notice = None;
        self.bus.0.queue.lock().unsettled -= 1;
    }

    async fn retry_later(mut self: Box<Self>, delay: Duration) {
        let Some(notice) = self.notice.take() else { return };
        let bus = self.bus.clone();
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            bus.put_back(notice);
        });
    }
}

impl Drop for MemoryReceipt {
    fn drop(&mut self) {
        if let Some(notice) = self.notice.take() {
            self.bus.put_back(notice);
        }
    }
}

#[async_trait]
impl SummarizeAskStream for MemoryBus {
    async fn next(&mut self) -> Result<(SummarizeAsk, Box<dyn SummarizeAnswer>), BusError> {
        loop {
            if let Some((ask, answer)) = self.0.asks.lock().pop_front() {
                return Ok((ask, Box::new(MemoryAnswer(answer))));
            }
            self.0.asked.notified().await;
        }
    }
}

struct MemoryAnswer(oneshot::Sender<SummarizeReply>);

#[async_trait]
impl SummarizeAnswer for MemoryAnswer {
    async fn answer(self: Box<Self>, reply: SummarizeReply) {
        let _ = self.0.send(reply);
    }
}
