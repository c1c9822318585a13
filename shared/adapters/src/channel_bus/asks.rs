//! Requests for a summary now. Law: a bounded queue, and nobody works for an asker that has gone.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use shared::ports::{BusError, SummarizeAnswer, SummarizeAsk, SummarizeAskStream, SummarizeReply};
use tokio::sync::{Notify, oneshot};

/// Asks that may wait for a worker.
const CAPACITY: usize = 1024;

type Waiting = (SummarizeAsk, oneshot::Sender<SummarizeReply>);

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    closed: bool,
}

/// The queue, shared by askers and workers.
#[derive(Default)]
pub(super) struct Asks {
    queue: Mutex<Queue>,
    wake: Notify,
}

impl Asks {
    pub(super) async fn ask(&self, ask: SummarizeAsk, deadline: Duration) -> Result<SummarizeReply, BusError> {
        let (reply, answer) = oneshot::channel();
        self.push(ask, reply)?;
        match tokio::time::timeout(deadline, answer).await {
            Ok(Ok(reply)) => Ok(reply),
            // The worker let it fall.
            Ok(Err(_)) => Err(BusError::Unavailable(None)),
            Err(_) => Err(BusError::Timeout),
        }
    }

    fn push(&self, ask: SummarizeAsk, reply: oneshot::Sender<SummarizeReply>) -> Result<(), BusError> {
        let mut queue = self.queue.lock();
        if queue.closed {
            return Err(BusError::Closed);
        }
        if queue.waiting.len() >= CAPACITY {
            queue.waiting.retain(|(_, reply)| !reply.is_closed());
        }
        if queue.waiting.len() >= CAPACITY {
            return Err(BusError::Overloaded);
        }
        queue.waiting.push_back((ask, reply));
        drop(queue);
        self.wake.notify_one();
        Ok(())
    }

    pub(super) fn close(&self) {
        let mut queue = self.queue.lock();
        queue.closed = true;
        queue.waiting.clear();
        drop(queue);
        self.wake.notify_waiters();
        self.wake.notify_one();
    }

    fn take(&self) -> Result<Option<Waiting>, BusError> {
        let mut queue = self.queue.lock();
        while let Some((ask, reply)) = queue.waiting.pop_front() {
            if reply.is_closed() {
                continue;
            }
            if !queue.waiting.is_empty() {
                self.wake.notify_one();
            }
            return Ok(Some((ask, reply)));
        }
        if queue.closed {
            self.wake.notify_one();
            return Err(BusError::Closed);
        }
        Ok(None)
    }
}

/// One worker's view of the queue.
pub(super) struct Stream {
    pub(super) asks: Arc<Asks>,
}

#[async_trait]
impl SummarizeAskStream for Stream {
    async fn next(&mut self) -> Result<(SummarizeAsk, Box<dyn SummarizeAnswer>), BusError> {
        loop {
            let woken = self.asks.wake.notified();
            if let Some((ask, reply)) = self.asks.take()? {
                return Ok((ask, Box::new(Reply(reply))));
            }
            woken.await;
        }
    }
}

struct Reply(oneshot::Sender<SummarizeReply>);

#[async_trait]
impl SummarizeAnswer for Reply {
    async fn answer(self: Box<Self>, reply: SummarizeReply) {
        // The asker may have gone, which is no error.
        drop(self.0.send(reply));
    }
}
