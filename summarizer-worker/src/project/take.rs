//! Notices from the bus: taken as they come, projected in the batches that have queued meanwhile.
//!
//! Law: a notice is acknowledged after its commit, or after its conversation became a dead letter.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use shared::domain::{ConversationKey, Seq};
use shared::ports::event_bus::Receipt;
use shared::ports::{BusError, Delivery, EventBus, Notice, StoreError};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::pace::Pace;
use super::round::{Outcome, Projector, ROUND};
use crate::failures::{Failures, Verdict, wait};
use crate::{TaskResult, pause};

/// Conversations that are taken at once; more stay with the bus.
const WAITING: usize = 1_024;

/// Takes notices off the bus when they are wanted, and queues them: until then a notice stands for all that comes.
pub(crate) async fn take(
    bus: Arc<dyn EventBus>,
    queue: mpsc::Sender<Vec<Delivery>>,
    wanted: Arc<Notify>,
    stopping: CancellationToken,
) -> TaskResult {
    let mut attempts = 0;
    while !stopping.is_cancelled() {
        let taken = tokio::select! {
            () = stopping.cancelled() => return Ok(()),
            taken = take_all(&*bus, &queue, &wanted, &mut attempts) => taken,
        };
        if let Err(error) = taken {
            attempts += 1;
            // What was wanted has not come.
            wanted.notify_one();
            tracing::warn!(%error, "notices do not come; the log is read meanwhile");
            pause(wait(attempts).min(Duration::from_secs(5)), &stopping).await;
        }
    }
    Ok(())
}

async fn take_all(
    bus: &dyn EventBus,
    queue: &mpsc::Sender<Vec<Delivery>>,
    wanted: &Notify,
    attempts: &mut u32,
) -> Result<(), BusError> {
    let mut stream = bus.notices().await?;
    loop {
        wanted.notified().await;
        let deliveries = stream.next(WAITING).await?;
        *attempts = 0;
        // The publisher sees it grow only.
        metrics::gauge!("recap_publish_pending").set(bus.pending() as f64);
        // The receiver goes only when the process stops.
        queue.send(deliveries).await.map_err(|_| BusError::Closed)?;
    }
}

/// Projects what was queued, until the process stops.
pub(crate) async fn project(
    projector: Arc<Projector>,
    failures: Arc<Failures>,
    mut queue: mpsc::Receiver<Vec<Delivery>>,
    wanted: Arc<Notify>,
    stopping: CancellationToken,
) -> TaskResult {
    let mut waiting = Waiting::default();
    let mut away = 0;
    let (mut pace, mut full) = (Pace::default(), false);
    loop {
        if waiting.order.is_empty() {
            if !full {
                pause(pace.rest(), &stopping).await;
            }
            wanted.notify_one();
            let taken = tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                taken = queue.recv() => taken,
            };
            let Some(taken) = taken else {
                stopping.cancelled().await;
                return Ok(());
            };
            pace.begin();
            full = taken.len() >= WAITING;
            waiting.add(taken);
        } else if pace.is_long() && waiting.order.len() < WAITING {
            // What is long at work holds nobody else up.
            wanted.notify_one();
            if let Ok(taken) = queue.try_recv() {
                waiting.add(taken);
            }
        }
        if stopping.is_cancelled() {
            return Ok(());
        }
        match round(&projector, &failures, &mut waiting).await {
            Ok(()) => away = 0,
            Err(error) => {
                away += 1;
                tracing::warn!(%error, waiting = waiting.order.len(), "the store is away, projecting waits");
                pause(wait(away).min(Duration::from_secs(5)), &stopping).await;
            }
        }
    }
}

async fn round(projector: &Projector, failures: &Failures, waiting: &mut Waiting) -> Result<(), StoreError> {
    let notices = waiting.front();
    let span = tracing::info_span!("project", conversations = notices.len());
    let outcomes = match projector.round(&notices).instrument(span).await {
        Ok(outcomes) => outcomes,
        Err(error) => {
            waiting.back(notices);
            return Err(error);
        }
    };
    for (notice, outcome) in notices.into_iter().zip(outcomes) {
        match outcome {
            // Behind all others: a long conversation does not hold up short ones.
            Outcome::Again => waiting.order.push_back(notice.key),
            Outcome::Broken(reason) => {
                let verdict = failures.failed(&notice.key, &reason).await;
                waiting.settle(&notice, Some(verdict)).await;
            }
            Outcome::Reached | Outcome::Gone => {
                failures.succeeded(&notice.key).await;
                waiting.settle(&notice, None).await;
            }
        }
    }
    Ok(())
}

/// Conversations with notices, in order of arrival.
#[derive(Default)]
struct Waiting {
    order: VecDeque<ConversationKey>,
    notices: HashMap<ConversationKey, (Seq, Vec<Box<dyn Receipt>>)>,
}

impl Waiting {
    fn add(&mut self, deliveries: Vec<Delivery>) {
        for Delivery { notice, receipt } in deliveries {
            let Notice { key, seq } = notice;
            let (highest, receipts) = self.notices.entry(key).or_insert_with_key(|key| {
                self.order.push_back(key.clone());
                (Seq::ZERO, Vec::new())
            });
            *highest = seq.max(*highest);
            receipts.push(receipt);
        }
    }

    /// The conversations of the next round; their receipts stay here until [`Self::settle`].
    fn front(&mut self) -> Vec<Notice> {
        let round = self.order.len().min(ROUND);
        let keys = self.order.drain(..round);
        keys.map(|key| {
            let seq = self.notices.get(&key).map_or(Seq::ZERO, |(seq, _)| *seq);
            Notice { key, seq }
        })
        .collect()
    }

    /// The round did not take place.
    fn back(&mut self, notices: Vec<Notice>) {
        for notice in notices.into_iter().rev() {
            self.order.push_front(notice.key);
        }
    }

    /// The bus is told what became of a conversation's notices.
    async fn settle(&mut self, notice: &Notice, failed: Option<Verdict>) {
        let Some((_, receipts)) = self.notices.remove(&notice.key) else { return };
        for receipt in receipts {
            match failed {
                Some(Verdict::Retry(delay)) => receipt.retry_later(delay).await,
                Some(Verdict::Dead) | None => receipt.ack().await,
            }
        }
    }
}
