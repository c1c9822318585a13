//! One lane: takes what has queued while the last commit ran, and commits it with one call.
//!
//! Law: no timer and no second commit beside the first. A request that comes alone is committed alone, at once; under
//! load the commits grow by themselves.

use std::pin::pin;
use std::sync::Arc;

use metrics::{counter, histogram};
use shared::domain::{ConversationKey, TenantId};
use shared::ports::{Append, AppendError, Appended, MessageLog};
use shared_service::TaskResult;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

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

pub(super) struct Lane {
    jobs: mpsc::Receiver<Job>,
    log: Arc<dyn MessageLog>,
    publisher: Publisher,
    limits: CommitLimits,
}

impl Lane {
    pub(super) fn new(
        jobs: mpsc::Receiver<Job>,
        log: Arc<dyn MessageLog>,
        publisher: Publisher,
        limits: CommitLimits,
    ) -> Self {
        Self { jobs, log, publisher, limits }
    }

    /// Serves until `stopping`, then what is still queued.
    pub(super) async fn run(mut self, stopping: CancellationToken) -> TaskResult {
        let mut stopped = pin!(stopping.cancelled());
        let mut waiters = Vec::new();
        loop {
            let first = tokio::select! {
                biased;
                job = self.jobs.recv() => job,
                () = &mut stopped => break,
            };
            let Some(first) = first else { break };
            self.commit(first, &mut waiters).await;
        }
        self.jobs.close();
        while let Some(first) = self.jobs.recv().await {
            self.commit(first, &mut waiters).await;
        }
        stopping.cancelled().await;
        Ok(())
    }

    // The call has no limit here: to leave a running write would be to lose its outcome. Requests stop waiting by
    // their own limit, and a full queue refuses the next ones.
    async fn commit(&mut self, first: Job, waiters: &mut Vec<Waiter>) {
        let (batches, messages) = self.gather(first, waiters);
        histogram!("recap_append_batch_size").record(messages as f64);
        let span = tracing::info_span!("append", requests = batches.len(), messages);
        let outcomes = self.log.append(batches).instrument(span).await;
        let mut inserted = 0;
        for (waiter, outcome) in waiters.drain(..).zip(outcomes) {
            inserted += self.tell(waiter, outcome);
        }
        counter!("recap_append_messages_total").increment(inserted);
        self.publisher.publish();
    }

    fn gather(&mut self, first: Job, waiters: &mut Vec<Waiter>) -> (Vec<Append>, usize) {
        let (mut messages, mut bytes) = (0, 0);
        let mut batches = Vec::with_capacity(1 + self.jobs.len().min(self.limits.messages));
        let mut next = Some(first);
        while let Some(job) = next {
            messages += job.messages;
            bytes += job.bytes;
            let tenant = job.append.tenant().clone();
            waiters.push(Waiter { tenant, messages: job.messages, held: job.held, reply: job.reply });
            batches.push(job.append);
            let full = messages >= self.limits.messages || bytes >= self.limits.bytes;
            next = if full { None } else { self.jobs.try_recv().ok() };
        }
        (batches, messages)
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
