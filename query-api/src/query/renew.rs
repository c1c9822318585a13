//! Summaries that the local engine wrote, shown while a model is there: a worker is asked, behind the reader's back,
//! to make them anew.
//!
//! Law: nobody waits for it, one conversation at a time, and each at most once in ten minutes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use shared::domain::{ConversationKey, SummaryVersion};
use shared::ports::{EventBus, SummarizeAsk};
use shared_service::Tasks;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Conversations that wait; more are asked for when they are next shown.
const WAITING: usize = 64;
/// Between two asks for the same conversation.
const DISTANCE: Duration = Duration::from_mins(10);
/// Conversations remembered.
const KNOWN: usize = 4_096;
/// How long a worker may take.
const PATIENCE: Duration = Duration::from_mins(5);

/// Asks for summaries to be made anew.
pub struct Renewals {
    queue: mpsc::Sender<SummarizeAsk>,
    asked: Mutex<HashMap<ConversationKey, Instant>>,
}

impl Renewals {
    /// Starts asking; ends with `tasks`.
    pub fn start(bus: Arc<dyn EventBus>, tasks: &Tasks) -> Self {
        let (queue, mut queued) = mpsc::channel::<SummarizeAsk>(WAITING);
        let stopping = tasks.stopping();
        tasks.spawn("renew-summaries", async move {
            loop {
                let ask = tokio::select! {
                    () = stopping.cancelled() => return Ok(()),
                    ask = queued.recv() => ask,
                };
                let Some(ask) = ask else { return Ok(()) };
                tokio::select! {
                    () = stopping.cancelled() => return Ok(()),
                    answer = bus.ask(ask, PATIENCE) => if let Err(error) = answer {
                        tracing::debug!(%error, "a summary was not made anew");
                    },
                }
            }
        });
        Self { queue, asked: Mutex::default() }
    }

    /// A summary was shown.
    pub fn shown(&self, key: &ConversationKey, summary: &SummaryVersion) {
        if summary.engine != "local" {
            return;
        }
        let now = Instant::now();
        let mut asked = self.asked.lock();
        if asked.get(key).is_some_and(|at| now < *at + DISTANCE) {
            return;
        }
        if asked.len() >= KNOWN {
            asked.retain(|_, at| now < *at + DISTANCE);
        }
        let ask = SummarizeAsk { key: key.clone(), at_least: summary.covers.last_seq };
        if asked.len() < KNOWN && self.queue.try_send(ask).is_ok() {
            asked.insert(key.clone(), now);
        }
    }
}
