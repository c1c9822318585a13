//! Summaries that the local engine wrote, when they are shown: a worker is asked, behind the reader's back, to make
//! them anew. One that has a model does; one that has none says that what is there will do.
//!
//! Law: nobody waits for it, one conversation at a time, and each at most once in ten minutes; where workers have
//! nothing better, they are left alone for as long.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use shared::domain::{ConversationKey, SummaryVersion, Version};
use shared::ports::{EventBus, SummarizeAsk, SummarizeReply};
use shared_service::Tasks;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Conversations that wait; more are asked for when they are next shown.
const WAITING: usize = 64;
/// Between two asks for the same conversation, and between two rounds in which nothing better comes.
const DISTANCE: Duration = Duration::from_mins(10);
/// After so many asks in a row that brought nothing better, no more are made in a round.
const IN_VAIN: u32 = 3;
/// Conversations remembered.
const KNOWN: usize = 4_096;
/// How long a worker may take.
const PATIENCE: Duration = Duration::from_mins(5);

/// A summary to be made anew.
struct Shown {
    version: Version,
    ask: SummarizeAsk,
}

/// Asks for summaries to be made anew.
pub struct Renewals {
    queue: mpsc::Sender<Shown>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    asked: HashMap<ConversationKey, Instant>,
    in_vain: u32,
    quiet_until: Option<Instant>,
}

impl Renewals {
    /// Starts asking; ends with `tasks`.
    pub fn start(bus: Arc<dyn EventBus>, tasks: &Tasks) -> Self {
        let (queue, queued) = mpsc::channel(WAITING);
        let state = Arc::new(Mutex::new(State::default()));
        let (stopping, shared) = (tasks.stopping(), Arc::clone(&state));
        tasks.spawn("renew-summaries", async move {
            tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                () = ask_all(&*bus, queued, &shared) => {}
            }
            // The routes that hand in are gone as soon as the servers are drained, which is before the tasks are to end.
            stopping.cancelled().await;
            Ok(())
        });
        Self { queue, state }
    }

    /// A summary was shown.
    pub fn shown(&self, key: &ConversationKey, summary: &SummaryVersion) {
        if summary.engine != "local" {
            return;
        }
        let now = Instant::now();
        let mut state = self.state.lock();
        if state.quiet_until.is_some_and(|until| now < until) {
            return;
        }
        let asked = &mut state.asked;
        if asked.get(key).is_some_and(|at| now < *at + DISTANCE) {
            return;
        }
        if asked.len() >= KNOWN {
            asked.retain(|_, at| now < *at + DISTANCE);
        }
        let ask = SummarizeAsk { key: key.clone(), at_least: summary.covers.last_seq };
        let shown = Shown { version: summary.version, ask };
        if asked.len() < KNOWN && self.queue.try_send(shown).is_ok() {
            asked.insert(key.clone(), now);
        }
    }
}

async fn ask_all(bus: &dyn EventBus, mut queued: mpsc::Receiver<Shown>, state: &Mutex<State>) {
    while let Some(Shown { version: known, ask }) = queued.recv().await {
        let now = Instant::now();
        if state.lock().quiet_until.is_some_and(|until| now < until) {
            state.lock().asked.remove(&ask.key);
            continue;
        }
        let answer = bus.ask(ask, PATIENCE).await;
        if let Err(error) = &answer {
            tracing::debug!(%error, "a summary was not made anew");
        }
        state.lock().answered(matches!(answer, Ok(SummarizeReply::Stored { version }) if version > known));
    }
}

impl State {
    fn answered(&mut self, better: bool) {
        self.in_vain = if better { 0 } else { self.in_vain + 1 };
        if self.in_vain >= IN_VAIN {
            self.in_vain = 0;
            self.quiet_until = Some(Instant::now() + DISTANCE);
        }
    }
}
