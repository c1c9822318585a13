//! The one place of a process where announcements arrive: it loads what they are about and fills the boards.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use parking_lot::Mutex;
use shared::domain::ConversationKey;
use shared::ports::{Announcement, Clock, EventBus, Ports};
use shared_service::Tasks;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::callers::Callers;
use super::frames::{self, Ending};
use super::heard::{Announcements, Heard};
use super::load::{self, Loaded, Sources};
use super::schedule::{Room, Schedule};
use crate::config::QueryConfig;
use crate::query::SummaryType;

/// Loads under way at once.
const LOADS: usize = 4;
/// Conversations in one load.
const BATCH: usize = 64;
/// Until a failed load is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Knows who listens to what.
pub struct Hub {
    sources: Sources,
    bus: Arc<dyn EventBus>,
    /// For the times in error frames and the delay of summaries.
    pub clock: Arc<dyn Clock>,
    /// Its limits.
    pub config: QueryConfig,
    /// One permit for each socket.
    pub sockets: Arc<Semaphore>,
    /// Sockets by who opened them.
    pub callers: Arc<Callers>,
    tasks: Tasks,
    /// Sockets close when it is cancelled.
    pub stopping: CancellationToken,
    schedule: Mutex<Schedule>,
    joined: Notify,
}

/// A listener's place in a room; given up when dropped.
pub struct Membership {
    hub: Arc<Hub>,
    /// The room.
    pub room: Arc<Room>,
    summary_type: SummaryType,
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.hub.schedule.lock().leave(&self.room, self.summary_type);
    }
}

impl Hub {
    /// Makes the hub and spawns its task.
    #[must_use]
    pub fn start(ports: &Ports, config: &QueryConfig, tasks: &Tasks) -> Arc<Self> {
        let hub = Arc::new(Self {
            sources: Sources { views: Arc::clone(&ports.views), log: Arc::clone(&ports.log) },
            bus: Arc::clone(&ports.bus),
            clock: Arc::clone(&ports.clock),
            config: *config,
            sockets: Arc::new(Semaphore::new(config.max_sockets.min(Semaphore::MAX_PERMITS))),
            callers: Arc::new(Callers::new(config)),
            tasks: tasks.clone(),
            stopping: tasks.stopping(),
            schedule: Mutex::new(Schedule::default()),
            joined: Notify::new(),
        });
        // Shown from the start, not from the first listener on.
        metrics::gauge!("recap_push_sockets").increment(0);
        let own = Arc::clone(&hub);
        tasks.spawn("push", async move {
            own.run().await;
            Ok(())
        });
        hub
    }

    /// One more listener of a conversation, whether that exists or not; none if it has as many as it may.
    pub fn join(self: &Arc<Self>, key: &ConversationKey, summary_type: SummaryType) -> Option<Membership> {
        let most = self.config.max_sockets_per_conversation;
        let mut schedule = self.schedule.lock();
        if most > 0 && schedule.listeners(key) >= most {
            return None;
        }
        let room = schedule.join(key, summary_type, Instant::now());
        drop(schedule);
        self.joined.notify_one();
        Some(Membership { hub: Arc::clone(self), room, summary_type })
    }

    /// Shutdown waits for the socket that holds this.
    pub fn hold(&self) -> TaskTrackerToken {
        self.tasks.hold()
    }

    async fn run(&self) {
        let mut announcements = Announcements::new(Arc::clone(&self.bus));
        let mut loads = FuturesUnordered::new();
        loop {
            while loads.len() < LOADS {
                let batch = self.schedule.lock().take(Instant::now(), BATCH);
                if batch.is_empty() {
                    break;
                }
                loads.push(load::load(self.sources.clone(), batch));
            }
            let next = self.schedule.lock().next().filter(|_| loads.len() < LOADS);
            tokio::select! {
                () = self.stopping.cancelled() => break,
                Some(loaded) = loads.next() => self.loaded(loaded),
                heard = announcements.next() => {
                    self.heard(heard);
                    for _ in 0..BATCH {
                        let Some(more) = announcements.waiting() else { break };
                        self.heard(more);
                    }
                }
                () = self.joined.notified() => {}
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            }
        }
    }

    fn heard(&self, heard: Heard) {
        let now = Instant::now();
        let mut schedule = self.schedule.lock();
        match heard {
            Heard::Missed => schedule.all_at_once(now),
            Heard::One(Announcement::Projected { key, .. }) => schedule.soon(&key, now),
            Heard::One(Announcement::Summarized { key, .. }) => schedule.at_once(&key, now),
            Heard::One(Announcement::Ended { key }) => schedule.end(&key, now),
            Heard::One(Announcement::Erased { key }) => {
                if let Some(room) = schedule.room(&key).cloned() {
                    load::end(&room, Ending::Erased);
                    schedule.forget(&room);
                }
            }
            Heard::One(Announcement::Partial { key, text }) => {
                let Some(room) = schedule.room(&key).cloned() else { return };
                drop(schedule);
                if let Ok(frame) = frames::partial(&key, &text) {
                    room.board.send_modify(|board| board.show_partial(frame));
                }
            }
        }
    }

    fn loaded(&self, loaded: Loaded) {
        let now = Instant::now();
        let mut schedule = self.schedule.lock();
        match loaded.ended {
            Ok(ended) => {
                for (due, ended) in loaded.batch.iter().zip(ended) {
                    if ended {
                        schedule.forget(&due.room);
                    } else {
                        schedule.loaded(&due.room, now);
                    }
                }
            }
            Err(error) => {
                tracing::warn!(hop = "push", error = %error, rooms = loaded.batch.len(), "views could not be read");
                for due in &loaded.batch {
                    schedule.failed(due, now + RETRY);
                }
            }
        }
    }
}
