//! The lanes to the log. Law: what waits is bounded in requests and in bytes, and a full lane says so at once.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use shared::domain::TenantId;
use shared::ports::{Append, AppendError, Appended, Ports};
use shared_service::Tasks;
use shared_service::limits::{self, Limit};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::LaneError;
use super::lane::{CommitLimits, Job, Lane};
use crate::config::IngestConfig;
use crate::publish::Publisher;

/// All lanes. Dropping the answer of [`Lanes::append`] does not take the work back.
pub(crate) struct Lanes {
    entries: Box<[LaneEntry]>,
    max_bytes: usize,
    timeout: Duration,
}

struct LaneEntry {
    queue: mpsc::Sender<Job>,
    /// One permit a byte, held until the commit is answered.
    bytes: Arc<Semaphore>,
}

/// A batch for a lane.
pub(crate) struct Work {
    pub(crate) append: Append,
    /// From [`Lanes::of`].
    pub(crate) lane: LaneNumber,
    /// How many messages it holds.
    pub(crate) messages: usize,
    /// About how much memory it holds.
    pub(crate) bytes: usize,
}

/// Which lane.
#[derive(Clone, Copy)]
pub(crate) struct LaneNumber(usize);

impl Lanes {
    pub(crate) fn start(ports: &Ports, config: &IngestConfig, tasks: &Tasks) -> Self {
        let max_bytes = config.append_queue_bytes.min(Semaphore::MAX_PERMITS);
        let start = |_| {
            let (queue, jobs) = mpsc::channel(config.append_queue_requests);
            let limits = CommitLimits { messages: config.append_commit_messages, bytes: config.append_commit_bytes };
            let publisher = Publisher::new(Arc::clone(&ports.bus));
            let lane = Lane::new(jobs, Arc::clone(&ports.log), publisher, limits);
            tasks.spawn("append lane", lane.run(tasks.stopping()));
            LaneEntry { queue, bytes: Arc::new(Semaphore::new(max_bytes)) }
        };
        let entries = (0..config.append_lanes).map(start).collect();
        Self { entries, max_bytes, timeout: config.append_timeout }
    }

    /// The lane of whatever must not overtake each other.
    pub(crate) fn of(&self, tenant: &TenantId, name: &str) -> LaneNumber {
        let mut hasher = DefaultHasher::new();
        (tenant, name).hash(&mut hasher);
        let lanes = self.entries.len() as u64;
        // The remainder is smaller than a usize.
        #[expect(clippy::cast_possible_truncation, reason = "the remainder is below the number of lanes")]
        LaneNumber((hasher.finish() % lanes) as usize)
    }

    /// Queues a batch and waits until it is durable, for at most the configured time.
    pub(crate) async fn append(&self, work: Work) -> Result<Appended, LaneError> {
        let lane = &self.entries[work.lane.0];
        // A single request fits whatever the bound is, when nothing else waits.
        let permits = u32::try_from(work.bytes.min(self.max_bytes)).unwrap_or(u32::MAX);
        let held = Arc::clone(&lane.bytes).try_acquire_many_owned(permits).map_err(|_| full())?;
        let (reply, answer) = oneshot::channel();
        let job = Job { append: work.append, messages: work.messages, bytes: work.bytes, held, reply };
        lane.queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => full(),
            TrySendError::Closed(_) => LaneError::Stopped,
        })?;
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(Ok(outcome)) => Ok(outcome?),
            // The log answered for fewer batches than it was given.
            Ok(Err(_)) => Err(AppendError::Unknown(None).into()),
            Err(_) => Err(LaneError::Late),
        }
    }
}

fn full() -> LaneError {
    limits::refused(Limit::Queue);
    LaneError::Full
}
