//! The dirty set: which conversations have moved. Law: one entry for each conversation, a bounded number of them,
//! and each stays until it is acknowledged.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use shared::domain::{ConversationKey, Seq};
use shared::ports::event_bus::Receipt;
use shared::ports::{BusError, Delivery, Notice, NoticeStream};
use tokio::sync::Notify;
use tokio::time::Instant;

/// Conversations that may be dirty at once. What does not fit is found by the reconciler.
const CAPACITY: usize = 65_536;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// In the queue, or waiting for its time.
    Waiting,
    /// With a worker.
    Delivered,
    /// With a worker, and it has moved since.
    Moved,
}

struct Entry {
    seq: Seq,
    stage: Stage,
}

#[derive(Default)]
struct Dirty {
    entries: HashMap<ConversationKey, Entry>,
    queue: VecDeque<ConversationKey>,
    later: BinaryHeap<Reverse<(Instant, ConversationKey)>>,
    closed: bool,
}

/// The dirty set, shared by those who fill it and those who empty it.
#[derive(Default)]
pub(super) struct Notices {
    dirty: Mutex<Dirty>,
    wake: Notify,
}

impl Notices {
    /// Marks a conversation. Answers false when there is no room.
    pub(super) fn mark(&self, notice: Notice) -> bool {
        let mut guard = self.dirty.lock();
        let dirty = &mut *guard;
        if let Some(entry) = dirty.entries.get_mut(&notice.key) {
            entry.seq = entry.seq.max(notice.seq);
            if entry.stage == Stage::Delivered {
                entry.stage = Stage::Moved;
            }
            return true;
        }
        if dirty.entries.len() >= CAPACITY || dirty.closed {
            return false;
        }
        dirty.entries.insert(notice.key.clone(), Entry { seq: notice.seq, stage: Stage::Waiting });
        dirty.queue.push_back(notice.key);
        drop(guard);
        self.wake.notify_one();
        true
    }

    /// How many wait for a worker.
    pub(super) fn waiting(&self) -> usize {
        let dirty = self.dirty.lock();
        dirty.queue.len() + dirty.later.len()
    }

    pub(super) fn close(&self) {
        self.dirty.lock().closed = true;
        self.wake.notify_waiters();
        self.wake.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.dirty.lock().closed
    }

    fn acknowledge(&self, key: &ConversationKey) {
        let mut dirty = self.dirty.lock();
        match dirty.entries.get_mut(key) {
            Some(entry) if entry.stage == Stage::Moved => entry.stage = Stage::Waiting,
            _ => {
                dirty.entries.remove(key);
                return;
            }
        }
        dirty.queue.push_back(key.clone());
        drop(dirty);
        self.wake.notify_one();
    }

    fn put_back(&self, key: ConversationKey, delay: Duration) {
        let mut dirty = self.dirty.lock();
        let Some(entry) = dirty.entries.get_mut(&key) else { return };
        entry.stage = Stage::Waiting;
        if delay.is_zero() {
            dirty.queue.push_back(key);
        } else {
            dirty.later.push(Reverse((Instant::now() + delay, key)));
        }
        drop(dirty);
        self.wake.notify_one();
    }

    /// Takes what is due; without any, says when something will be.
    fn take(self: &Arc<Self>, most: usize) -> Result<Vec<Delivery>, Option<Instant>> {
        let mut guard = self.dirty.lock();
        let dirty = &mut *guard;
        if !dirty.later.is_empty() {
            let now = Instant::now();
            while let Some(Reverse((due, _))) = dirty.later.peek()
                && *due <= now
            {
                dirty.queue.extend(dirty.later.pop().map(|Reverse((_, key))| key));
            }
        }
        let mut deliveries = Vec::with_capacity(most.min(dirty.queue.len()));
        while deliveries.len() < most
            && let Some(key) = dirty.queue.pop_front()
        {
            let Some(entry) = dirty.entries.get_mut(&key) else { continue };
            entry.stage = Stage::Delivered;
            let notice = Notice { key: key.clone(), seq: entry.seq };
            let receipt = Box::new(Held { notices: Arc::clone(self), key: Some(key) });
            deliveries.push(Delivery { notice, receipt });
        }
        let next = dirty.later.peek().map(|Reverse((due, _))| *due);
        let left = !dirty.queue.is_empty();
        drop(guard);
        if left {
            // One wake-up may stand for many marks: hand it on.
            self.wake.notify_one();
        }
        if deliveries.is_empty() { Err(next) } else { Ok(deliveries) }
    }
}

/// One worker's view of the dirty set.
pub(super) struct Stream {
    pub(super) notices: Arc<Notices>,
}

#[async_trait]
impl NoticeStream for Stream {
    async fn next(&mut self, most: usize) -> Result<Vec<Delivery>, BusError> {
        loop {
            if self.notices.is_closed() {
                self.notices.wake.notify_one();
                return Err(BusError::Closed);
            }
            let woken = self.notices.wake.notified();
            let due = match self.notices.take(most.max(1)) {
                Ok(deliveries) => return Ok(deliveries),
                Err(due) => due,
            };
            match due {
                None => woken.await,
                Some(due) => tokio::select! {
                    () = woken => {}
                    () = tokio::time::sleep_until(due) => {}
                },
            }
        }
    }
}

/// A notice in a worker's hands: it goes back when it is dropped.
struct Held {
    notices: Arc<Notices>,
    key: Option<ConversationKey>,
}

#[async_trait]
impl Receipt for Held {
    async fn ack(mut self: Box<Self>) {
        if let Some(key) = self.key.take() {
            self.notices.acknowledge(&key);
        }
    }

    async fn retry_later(mut self: Box<Self>, delay: Duration) {
        if let Some(key) = self.key.take() {
            self.notices.put_back(key, delay);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.notices.put_back(key, Duration::ZERO);
        }
    }
}
