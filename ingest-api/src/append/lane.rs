//! One lane: takes what has queued and brings it to the log, in order.
//!
//! Law: no more calls under way than the log keeps in order. A log that takes one at a time is called with all that has
//! queued meanwhile, and a little later with those whom the last call answered ([`Crowd`]); one that takes many gathers
//! its commits itself. Where requests come alone, each is committed alone, at once.

use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use metrics::counter;
use shared::domain::{ConversationKey, TenantId, Timestamp};
use shared::ports::{Append, AppendError, Appended, MessageLog};
use shared_service::TaskResult;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::crowd::Crowd;
use crate::publish::Publisher;

/// When a commit takes no further request.
#[derive(Clone, Copy)]
pub(super) struct CommitLimits {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

/// A queued batch.
pub(super) struct Job {
    pub(super) append: Append,
    pub(super) messages: usize,
    pub(super) bytes: usize,
    pub(super) held: OwnedSemaphorePermit,
    pub(super) reply: oneshot::Sender<Result<Appended, AppendError>>,
}

/// Who is told about a batch.
struct Waiter {
    tenant: TenantId,
    messages: usize,
    held: OwnedSemaphorePermit,
    reply: oneshot::Sender<Result<Appended, AppendError>>,
}

/// A call that the log has answered.
struct Answered {
    begun: Instant,
    waiters: Vec<Waiter>,
    outcomes: Vec<Result<Appended, AppendError>>,
}

/// A clock that was set back further than this is believed.
const AT_ONCE_MS: i64 = 1_000;

pub(super) struct Lane {
    jobs: mpsc::Receiver<Job>,
    /// When the last request was received, as it was told to the log.
    received_at: Timestamp,
    log: Arc<dyn MessageLog>,
    publisher: Publisher,
    limits: CommitLimits,
    /// Where the log does not gather.
    crowd: Option<Crowd>,
}

impl Lane {
    pub(super) fn new(
        jobs: mpsc::Receiver<Job>,
        log: Arc<dyn MessageLog>,
        publisher: Publisher,
        limits: CommitLimits,
    ) -> Self {
        let crowd = (log.calls_at_once() == 1).then(Crowd::default);
        Self { jobs, received_at: Timestamp::MIN, log, publisher, limits, crowd }
    }

    /// Serves until `stopping`, then what is still queued.
    pub(super) async fn run(mut self, stopping: CancellationToken) -> TaskResult {
        let mut stopped = pin!(stopping.cancelled());
        let mut calls = FuturesUnordered::new();
        let at_once = self.log.calls_at_once();
        loop {
            // Calls first: a new one is polled, and so has its place in the log's order, before the next one is made.
            let first = tokio::select! {
                biased;
                Some(answered) = calls.next() => {
                    self.answer(answered);
                    continue;
                }
                job = self.jobs.recv(), if calls.len() < at_once => job,
                () = &mut stopped => break,
            };
            let Some(first) = first else { break };
            let call = self.call(first).await;
            calls.push(call);
        }
        self.jobs.close();
        loop {
            tokio::select! {
                biased;
                Some(answered) = calls.next() => self.answer(answered),
                Some(first) = self.jobs.recv(), if calls.len() < at_once => {
                    let call = self.call(first).await;
                    calls.push(call);
                }
                else => break,
            }
        }
        stopping.cancelled().await;
        Ok(())
    }

    // The call has no limit here: to leave a running write would be to lose its outcome. Requests stop waiting by
    // their own limit, and a full queue refuses the next ones.
    async fn call(&mut self, first: Job) -> impl Future<Output = Answered> + Send + use<> {
        let (batches, waiters, messages) = self.gather(first).await;
        let span = tracing::info_span!("append", requests = batches.len(), messages);
        let log = Arc::clone(&self.log);
        async move { Answered { begun: Instant::now(), waiters, outcomes: log.append(batches).await } }.instrument(span)
    }

    fn answer(&mut self, Answered { begun, waiters, outcomes }: Answered) {
        if let Some(crowd) = &mut self.crowd {
            crowd.answered(Instant::now(), begun.elapsed(), waiters.len(), self.jobs.len());
        }
        let mut inserted = 0;
        for (waiter, outcome) in waiters.into_iter().zip(outcomes) {
            inserted += self.tell(waiter, outcome);
        }
        counter!("recap_append_messages_total").increment(inserted);
        self.publisher.publish();
    }

    async fn gather(&mut self, first: Job) -> (Vec<Append>, Vec<Waiter>, usize) {
        let (mut messages, mut bytes) = (0, 0);
        let room = 1 + self.jobs.len().min(self.limits.messages);
        let (mut batches, mut waiters) = (Vec::with_capacity(room), Vec::with_capacity(room));
        let mut next = Some(first);
        while let Some(job) = next {
            messages += job.messages;
            bytes += job.bytes;
            let mut append = job.append;
            self.received_at = in_order(self.received_at, append.received_at);
            append.received_at = self.received_at;
            let tenant = append.tenant().clone();
            waiters.push(Waiter { tenant, messages: job.messages, held: job.held, reply: job.reply });
            batches.push(append);
            let full = messages >= self.limits.messages || bytes >= self.limits.bytes;
            next = if full { None } else { self.next(batches.len()).await };
        }
        (batches, waiters, messages)
    }

    /// What waits, or comes while a commit of so many requests waits for its crowd.
    async fn next(&mut self, requests: usize) -> Option<Job> {
        if let Ok(job) = self.jobs.try_recv() {
            return Some(job);
        }
        let until = self.crowd.as_ref()?.waits(Instant::now(), requests)?;
        timeout_at(until, self.jobs.recv()).await.ok().flatten()
    }

    /// Wakes a waiter; answers how many messages its batch has added. One that has gone does not hear of it.
    fn tell(&mut self, waiter: Waiter, outcome: Result<Appended, AppendError>) -> u64 {
        let mut inserted = 0;
        if let Ok(appended) = &outcome {
            let key = ConversationKey::new(waiter.tenant, appended.conversation.clone());
            self.publisher.reached(key, appended.head);
            if waiter.messages > 0 && !appended.replayed {
                inserted = u64::from(appended.inserted);
            }
        }
        drop(waiter.held);
        let _ = waiter.reply.send(outcome);
        inserted
    }
}

/// Requests that come at once may overtake each other on their way here. What is served later was received no earlier,
/// so that a message without a timestamp of its own is not late behind its neighbour.
fn in_order(before: Timestamp, received_at: Timestamp) -> Timestamp {
    let behind = before.as_millis().saturating_sub(received_at.as_millis());
    if (0..=AT_ONCE_MS).contains(&behind) { before } else { received_at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_later_was_received_no_earlier_unless_the_clock_was_set_back() {
        let told = [1_000, 1_003, 1_001, 1_003, 1_004, 5, 4, 900].map(Timestamp::from_millis);
        let mut before = Timestamp::MIN;
        let kept = told.map(|received_at| {
            before = in_order(before, received_at);
            before.as_millis()
        });
        assert_eq!(kept, [1_000, 1_003, 1_003, 1_003, 1_004, 1_004, 1_004, 1_004]);
        assert_eq!(in_order(Timestamp::from_millis(5_000), Timestamp::from_millis(3_999)).as_millis(), 3_999);
    }
}
