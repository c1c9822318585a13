//! Summaries that somebody waits for: equal asks share one run, and no ask waits for the lane of unasked ones.
//!
//! Law: every ask is answered, once; asks for the same conversation cost one run, however many there are.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use shared::domain::{ConversationKey, Seq};
use shared::ports::{BusError, EventBus, SummarizeAnswer, SummarizeAsk, SummarizeReply};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::run::{Made, RunError, Summaries};
use crate::failures::wait;
use crate::{TaskResult, pause};

/// More asks than this at the same time are told that it failed.
const WAITING: usize = 4_096;
/// How long an ask waits for another worker that holds the conversation,
const PATIENCE: Duration = Duration::from_mins(1);
/// and how often it looks.
const LOOK: Duration = Duration::from_millis(100);

/// An ask with its answer.
pub(crate) type Asked = (SummarizeAsk, Box<dyn SummarizeAnswer>);

/// Takes asks off the bus and queues them.
pub(crate) async fn take(
    bus: Arc<dyn EventBus>,
    queue: mpsc::Sender<Asked>,
    stopping: CancellationToken,
) -> TaskResult {
    let mut attempts = 0;
    while !stopping.is_cancelled() {
        let taken = tokio::select! {
            () = stopping.cancelled() => return Ok(()),
            taken = take_all(&*bus, &queue, &mut attempts) => taken,
        };
        if let Err(error) = taken {
            attempts += 1;
            tracing::warn!(%error, "asks for summaries do not come");
            pause(wait(attempts).min(Duration::from_secs(5)), &stopping).await;
        }
    }
    Ok(())
}

async fn take_all(bus: &dyn EventBus, queue: &mpsc::Sender<Asked>, attempts: &mut u32) -> Result<(), BusError> {
    let mut stream = bus.asks().await?;
    loop {
        let asked = stream.next().await?;
        *attempts = 0;
        // The receiver goes only when the process stops.
        queue.send(asked).await.map_err(|_| BusError::Closed)?;
    }
}

/// Answers asks, some at the same time, until the process stops.
pub(crate) async fn answer(
    summaries: Arc<Summaries>,
    parallelism: usize,
    mut queue: mpsc::Receiver<Asked>,
    stopping: CancellationToken,
) -> TaskResult {
    let mut desk =
        Desk { summaries, parallelism, waiting: HashMap::new(), line: VecDeque::new(), runs: JoinSet::new() };
    loop {
        tokio::select! {
            () = stopping.cancelled() => break,
            Some((ask, answer)) = queue.recv() => desk.take(ask, answer).await,
            Some(run) = desk.runs.join_next() => match run {
                Ok((key, asked, result)) => desk.done(key, asked, result).await,
                Err(error) => return Err(error.into()),
            },
        }
    }
    desk.close().await;
    Ok(())
}

/// What somebody waits for, and how to tell.
type Waiter = (Seq, Box<dyn SummarizeAnswer>);

type Run = (ConversationKey, Seq, Result<Made, RunError>);

struct Desk {
    summaries: Arc<Summaries>,
    parallelism: usize,
    /// Who waits for which conversation.
    waiting: HashMap<ConversationKey, Vec<Waiter>>,
    /// Conversations without a run yet.
    line: VecDeque<ConversationKey>,
    runs: JoinSet<Run>,
}

impl Desk {
    async fn take(&mut self, ask: SummarizeAsk, answer: Box<dyn SummarizeAnswer>) {
        let waiting: usize = self.waiting.values().map(Vec::len).sum();
        if waiting >= WAITING {
            answer.answer(SummarizeReply::Failed).await;
            return;
        }
        let SummarizeAsk { key, at_least } = ask;
        let waiters = self.waiting.entry(key).or_insert_with_key(|key| {
            self.line.push_back(key.clone());
            Vec::new()
        });
        waiters.push((at_least, answer));
        self.start();
    }

    fn start(&mut self) {
        while self.runs.len() < self.parallelism {
            let Some(key) = self.line.pop_front() else { return };
            let waiting = self.waiting.get(&key).map_or(&[][..], Vec::as_slice);
            let most = waiting.iter().map(|(at_least, _)| *at_least).max().unwrap_or_default();
            let summaries = Arc::clone(&self.summaries);
            self.runs.spawn(async move {
                let result = patiently(&summaries, &key, most).await;
                (key, most, result)
            });
        }
    }

    /// Answers those whom the run serves; those who came later and want more get another one.
    async fn done(&mut self, key: ConversationKey, asked: Seq, result: Result<Made, RunError>) {
        let waiting = self.waiting.remove(&key).unwrap_or_default();
        let (reply, up_to) = match result {
            Ok(Made::Stored(pointer) | Made::Covered(pointer)) => {
                let reply = SummarizeReply::Stored { version: pointer.version };
                (reply, pointer.covers.last_seq.max(asked))
            }
            Ok(Made::Gone) => (SummarizeReply::Gone, Seq(u64::MAX)),
            Ok(Made::Busy) => (SummarizeReply::Failed, Seq(u64::MAX)),
            Err(error) => {
                tracing::warn!(%error, ?key, "no summary for those who wait");
                (SummarizeReply::Failed, Seq(u64::MAX))
            }
        };
        let mut later = Vec::new();
        for (at_least, answer) in waiting {
            if at_least <= up_to {
                answer.answer(reply.clone()).await;
            } else {
                later.push((at_least, answer));
            }
        }
        if !later.is_empty() {
            self.waiting.insert(key.clone(), later);
            self.line.push_back(key);
        }
        self.start();
    }

    async fn close(&mut self) {
        self.runs.shutdown().await;
        for (_, answer) in self.waiting.drain().flat_map(|(_, waiting)| waiting) {
            answer.answer(SummarizeReply::Failed).await;
        }
    }
}

/// A run; while another worker holds the conversation, what it stores will do.
async fn patiently(summaries: &Summaries, key: &ConversationKey, at_least: Seq) -> Result<Made, RunError> {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let made = summaries.at_least(key, at_least).await?;
        if made != Made::Busy || tokio::time::Instant::now() >= until {
            return Ok(made);
        }
        tokio::time::sleep(LOOK).await;
    }
}
