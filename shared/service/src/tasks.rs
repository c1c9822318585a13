//! Background work of a process. Law: every task is named and tracked, ends at shutdown, and none ends unnoticed.

use std::error::Error;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::Instrument as _;

/// What a task ends with.
pub type TaskResult = Result<(), Box<dyn Error + Send + Sync>>;

/// Why the process must stop, or did not stop well.
#[derive(Debug, Clone, Error)]
pub enum TaskError {
    /// A task ended with an error.
    #[error("the task `{name}` failed")]
    Failed {
        /// Which task.
        name: &'static str,
        /// With what.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// A task panicked.
    #[error("the task `{name}` panicked")]
    Panicked {
        /// Which task.
        name: &'static str,
    },
    /// A task ended while the process was not stopping.
    #[error("the task `{name}` ended before shutdown")]
    EndedEarly {
        /// Which task.
        name: &'static str,
    },
    /// Some tasks or sockets did not end in time.
    #[error("{left} tasks or sockets did not end in time")]
    Late {
        /// How many.
        left: usize,
    },
}

/// The tasks of one process.
///
/// Shutdown has two steps, so that requests in flight still find the tasks that they need:
/// [`Tasks::stop`] makes servers stop accepting and drain; [`Tasks::shutdown`] then cancels
/// [`Tasks::stopping`] and waits for all tasks and all open sockets.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    inner: Arc<Inner>,
    runtime: Option<Handle>,
}

#[derive(Debug, Default)]
struct Inner {
    tracker: TaskTracker,
    stop: CancellationToken,
    stopping: CancellationToken,
    failure: OnceLock<TaskError>,
}

impl Tasks {
    /// No tasks yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task. If it fails, panics, or ends before [`Self::stopping`] was cancelled, the process stops.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = TaskResult> + Send + 'static) {
        let tasks = self.clone();
        let watched = async move {
            let ended = AssertUnwindSafe(task).catch_unwind().await;
            tasks.ended(name, ended.ok());
        };
        let watched = watched.instrument(tracing::info_span!("task", name));
        match &self.runtime {
            Some(runtime) => self.inner.tracker.spawn_on(watched, runtime),
            None => self.inner.tracker.spawn(watched),
        };
    }

    /// The same tasks, but those that are spawned through this run on another runtime.
    #[must_use]
    pub fn on(&self, runtime: &Handle) -> Self {
        Self { inner: Arc::clone(&self.inner), runtime: Some(runtime.clone()) }
    }

    /// `result` is none after a panic.
    fn ended(&self, name: &'static str, result: Option<TaskResult>) {
        let error = match result {
            Some(Ok(())) if self.inner.stopping.is_cancelled() => return,
            Some(Ok(())) => TaskError::EndedEarly { name },
            Some(Err(source)) => TaskError::Failed { name, source: Arc::from(source) },
            None => TaskError::Panicked { name },
        };
        let source = std::error::Error::source(&error).map(ToString::to_string);
        tracing::error!(source, "{error}; stopping");
        // Only the first failure is the cause; later ones follow from it and have been logged.
        let _ = self.inner.failure.set(error);
        self.stop();
    }

    /// Cancelled once servers have drained: whoever waits for it ends soon after.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.inner.stopping.clone()
    }

    /// Cancelled by [`Self::stop`]: servers stop accepting.
    #[must_use]
    pub fn draining(&self) -> CancellationToken {
        self.inner.stop.clone()
    }

    /// Asks the process to stop.
    pub fn stop(&self) {
        self.inner.stop.cancel();
    }

    /// Shutdown waits until what this returns is dropped.
    pub fn hold(&self) -> TaskTrackerToken {
        self.inner.tracker.token()
    }

    /// Cancels [`Self::stopping`] and waits at most `limit` for all tasks and holds to end.
    /// Answers with the first failure of a task, also one from before.
    pub async fn shutdown(&self, limit: Duration) -> Result<(), TaskError> {
        self.stop();
        self.inner.stopping.cancel();
        self.inner.tracker.close();
        let ended = tokio::time::timeout(limit, self.inner.tracker.wait()).await;
        if let Some(error) = self.inner.failure.get() {
            return Err(error.clone());
        }
        ended.map_err(|_| TaskError::Late { left: self.inner.tracker.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn tasks_end_at_shutdown() {
        let tasks = Tasks::new();
        let stopping = tasks.stopping();
        tasks.spawn("waits", async move {
            stopping.cancelled().await;
            Ok(())
        });
        assert!(!tasks.draining().is_cancelled());
        tasks.shutdown(LIMIT).await.unwrap();
    }

    #[tokio::test]
    async fn a_task_that_fails_panics_or_ends_early_stops_the_process() {
        let tasks = Tasks::new();
        tasks.spawn("fails", async { Err("disk full".into()) });
        tasks.draining().cancelled().await;
        assert!(matches!(tasks.shutdown(LIMIT).await, Err(TaskError::Failed { name: "fails", .. })));

        let tasks = Tasks::new();
        tasks.spawn("panics", async { panic!("bug") });
        tasks.draining().cancelled().await;
        assert!(matches!(tasks.shutdown(LIMIT).await, Err(TaskError::Panicked { name: "panics" })));

        let tasks = Tasks::new();
        tasks.spawn("ends", async { Ok(()) });
        tasks.draining().cancelled().await;
        assert!(matches!(tasks.shutdown(LIMIT).await, Err(TaskError::EndedEarly { name: "ends" })));
    }

    #[tokio::test]
    async fn a_hold_is_waited_for_but_not_for_ever() {
        let tasks = Tasks::new();
        let hold = tasks.hold();
        assert!(matches!(tasks.shutdown(Duration::from_millis(1)).await, Err(TaskError::Late { left: 1 })));
        drop(hold);
        tasks.shutdown(LIMIT).await.unwrap();
    }
}
