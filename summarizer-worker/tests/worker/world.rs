//! A worker with everything around it, started and stopped at will.

use std::sync::Arc;
use std::time::Duration;

use shared::config::SummaryPolicy;
use shared::domain::{ActId, Actor, ConversationId, ConversationKey, EndReason, Seq, TenantId, Timestamp, UserId};
use shared::ports::{
    Announcement, Append, Condition, Demand, Draft, Edit, Entry, EventBus, MessageLog as _, Notice, Ports, Summarizer,
};
use shared_service::Tasks;
use shared_testkit::memory_audit::MemoryAudit;
use summarizer_worker::{Engines, WorkerConfig, build};

use crate::memory::{Counting, CountingEngine, MemoryBus, MemoryLog, MemoryViews, Nobody, RuntimeClock};

pub(crate) struct World {
    pub(crate) log: Arc<MemoryLog>,
    pub(crate) views: Arc<MemoryViews>,
    pub(crate) bus: MemoryBus,
    pub(crate) ports: Ports,
    pub(crate) config: WorkerConfig,
    workers: Vec<Tasks>,
}

/// Who writes.
pub(crate) const USERS: [&str; 3] = ["anna", "ben", "carla"];

pub(crate) fn key(name: &str) -> ConversationKey {
    ConversationKey::new(TenantId::public(), ConversationId::parse(name).unwrap())
}

/// Nothing is summarized unasked, nothing ends by itself.
pub(crate) fn quiet() -> WorkerConfig {
    let hour = Duration::from_hours(1);
    let policy = SummaryPolicy {
        summary_every: u64::MAX,
        summary_idle: 1000 * hour,
        summary_min_interval: Duration::ZERO,
        conversation_idle_end: Duration::ZERO,
    };
    WorkerConfig { policy, ..WorkerConfig::default() }
}

impl World {
    pub(crate) fn new(config: WorkerConfig) -> Self {
        Self::seeded(config, 1)
    }

    pub(crate) fn seeded(config: WorkerConfig, seed: u64) -> Self {
        let (log, views) = (Arc::new(MemoryLog::default()), Arc::new(MemoryViews::default()));
        let bus = MemoryBus::new(seed);
        let audit = Arc::new(MemoryAudit::default());
        let ports = Ports {
            log: log.clone(),
            views: views.clone(),
            keys: Arc::new(Nobody),
            audit: audit.clone(),
            user_erasures: audit.clone(),
            bus: Arc::new(bus.clone()),
            limiter: Arc::new(Nobody),
            clock: Arc::new(RuntimeClock::start()),
            ids: Arc::new(Counting::default()),
        };
        Self { log, views, bus, ports, config, workers: Vec::new() }
    }

    /// Over another bus than the one in memory.
    pub(crate) fn over(config: WorkerConfig, bus: Arc<dyn EventBus>) -> Self {
        let mut world = Self::new(config);
        world.ports.bus = bus;
        world
    }

    pub(crate) fn start(&mut self, engine: Arc<dyn Summarizer>) {
        self.start_engines(engine.into());
    }

    pub(crate) fn start_engines(&mut self, engine: Engines) {
        let tasks = Tasks::new();
        build(&self.ports, engine, &self.config, &tasks);
        self.workers.push(tasks);
    }

    pub(crate) fn start_counting(&mut self) -> Arc<CountingEngine> {
        let engine = Arc::new(CountingEngine::default());
        self.start(engine.clone());
        engine
    }

    /// Stops all workers, wherever they are.
    pub(crate) async fn stop(&mut self) {
        for tasks in self.workers.drain(..) {
            tasks.shutdown(Duration::from_mins(1)).await.unwrap();
        }
    }

    /// Appends messages without a word to anybody.
    pub(crate) async fn append(&self, key: &ConversationKey, texts: &[String]) -> Seq {
        let entry = |text: &String| {
            Entry::Posted(Draft {
                user: UserId::parse(USERS[text.len() % 3]).unwrap(),
                message_id: None,
                content: text.as_str().into(),
                timestamp: None,
                metadata: None,
                salt: self.ports.ids.random(),
            })
        };
        self.append_entries(key, texts.iter().map(entry).collect(), Condition::Always).await
    }

    async fn append_entries(&self, key: &ConversationKey, entries: Vec<Entry>, condition: Condition) -> Seq {
        let received_at = self.ports.clock.now();
        let batch = Append { key: key.clone(), entries, idempotency: None, received_at, condition };
        self.log.append(vec![batch]).await.pop().unwrap().unwrap().head
    }

    /// Posts `count` messages, and says so.
    pub(crate) async fn post(&self, key: &ConversationKey, count: usize) -> Seq {
        let from = self.log.all(key).len();
        let texts: Vec<String> = (from..from + count).map(|n| format!("Message number {n} is here.")).collect();
        let head = self.append(key, &texts).await;
        self.notify(key, head);
        head
    }

    pub(crate) async fn end(&self, key: &ConversationKey) -> Seq {
        let head = self.append_entries(key, vec![Entry::Ended(EndReason::Requested)], Condition::Open).await;
        self.notify(key, head);
        head
    }

    /// A message near this place, if there is one.
    fn message(&self, key: &ConversationKey, place: u64) -> Option<Seq> {
        let records = self.log.all(key);
        let messages: Vec<_> = records.iter().filter(|record| record.posted().is_some()).collect();
        messages.get(usize::try_from(place).unwrap() % messages.len().max(1)).map(|record| record.seq)
    }

    /// Edits a message, and says so.
    pub(crate) async fn edit(&self, key: &ConversationKey, place: u64) {
        let Some(target) = self.message(key, place) else { return };
        let content = format!("Message number {place} says something else.").into();
        let edit = Edit { target, content, metadata: None, salt: self.ports.ids.random() };
        let head = self.append_entries(key, vec![Entry::Edited(edit)], Condition::Always).await;
        self.notify(key, head);
    }

    /// Erases a message, and says so.
    pub(crate) async fn erase_message(&self, key: &ConversationKey, place: u64) {
        let Some(target) = self.message(key, place) else { return };
        let head = self.append_entries(key, vec![Entry::Erased(target)], Condition::Always).await;
        self.notify(key, head);
    }

    /// Demands that a user be erased; answers up to when.
    pub(crate) async fn erase_user(&self, user: &str) -> Timestamp {
        let (at, user) = (self.ports.clock.now(), UserId::parse(user).unwrap());
        let demand = Demand { act: ActId::from_random(self.ports.ids.random()), actor: Actor::Anonymous, at };
        // Of too many one is not joined: then the last of those that were tells up to when.
        self.ports.user_erasures.demand(&TenantId::public(), &user, &demand).await.unwrap();
        self.ports.user_erasures.state(&TenantId::public(), &user).await.unwrap().unwrap().asked_at
    }

    /// Waits until a user's erasure is done.
    pub(crate) async fn user_erased(&self, user: &str) {
        let (limit, user) = (tokio::time::Instant::now() + Duration::from_mins(30), UserId::parse(user).unwrap());
        loop {
            let state = self.ports.user_erasures.state(&TenantId::public(), &user).await.unwrap().unwrap();
            if state.finished_at.is_some() {
                return;
            }
            assert!(tokio::time::Instant::now() < limit, "waited in vain for the erasure of {user}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) fn notify(&self, key: &ConversationKey, seq: Seq) {
        self.ports.bus.notify(Notice { key: key.clone(), seq });
    }

    /// Waits until the view of a conversation has come to `seq`.
    pub(crate) async fn projected(&self, key: &ConversationKey, seq: Seq) {
        until("the projection", || self.views.applied(key) == seq).await;
    }

    /// Waits until the newest summary covers `seq`.
    pub(crate) async fn covered(&self, key: &ConversationKey, seq: Seq) {
        until("the summary", || self.views.versions(key).last().is_some_and(|v| v.covers.last_seq == seq)).await;
    }

    pub(crate) fn heard(&self, announcement: &Announcement) -> usize {
        self.bus.heard().iter().filter(|heard| *heard == announcement).count()
    }
}

/// Waits for a condition, at most half an hour of the runtime's time.
pub(crate) async fn until(what: &str, mut met: impl FnMut() -> bool) {
    let limit = tokio::time::Instant::now() + Duration::from_mins(30);
    while !met() {
        assert!(tokio::time::Instant::now() < limit, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
