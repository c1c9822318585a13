//! A process that serves until its end. Law: a stop takes at most `shutdown_timeout`, and nothing that was
//! begun is cut off before.

use std::future::Future;
use std::time::Duration;

use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::gate::GatedRouter;
use crate::server::Server;
use crate::tasks::{TaskError, Tasks};

/// Why a process did not end well.
#[derive(Debug, Error)]
pub enum RunError {
    /// A task failed, or did not end in time.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The system gives no signals.
    #[error("cannot wait for signals")]
    Signals(#[source] std::io::Error),
}

/// Serves until SIGTERM, SIGINT, [`Tasks::stop`] or the failure of a task; then drains the servers, ends the tasks,
/// and returns. A second signal ends the wait.
pub async fn run_until_stopped(
    servers: Vec<(Server, GatedRouter)>,
    tasks: &Tasks,
    shutdown_timeout: Duration,
) -> Result<(), RunError> {
    let mut running = Running::new(tasks)?;
    for (server, app) in servers {
        running.serve(server, app);
    }
    running.until_stopped(shutdown_timeout).await
}

/// The servers of a process, and what ends them. Servers may be added while others serve already.
#[derive(Debug)]
pub struct Running {
    tasks: Tasks,
    serving: JoinSet<()>,
    terminate: Signal,
    interrupt: Signal,
}

impl Running {
    /// From now on signals end the process in order instead of at once.
    pub fn new(tasks: &Tasks) -> Result<Self, RunError> {
        Ok(Self {
            tasks: tasks.clone(),
            serving: JoinSet::new(),
            terminate: signal(SignalKind::terminate()).map_err(RunError::Signals)?,
            interrupt: signal(SignalKind::interrupt()).map_err(RunError::Signals)?,
        })
    }

    /// Serves from now on.
    pub fn serve(&mut self, server: Server, app: GatedRouter) {
        let tasks = self.tasks.clone();
        self.serving.spawn(async move { server.run(app, &tasks).await });
    }

    async fn told_to_stop(&mut self) {
        let draining = self.tasks.draining();
        tokio::select! {
            () = draining.cancelled() => {}
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        self.tasks.stop();
    }

    /// What `work` gives, or none if the process was told to stop before; then `work` is dropped.
    pub async fn unless_stopped<F: Future>(&mut self, work: F) -> Option<F::Output> {
        tokio::select! {
            () = self.told_to_stop() => None,
            output = work => Some(output),
        }
    }

    /// Serves until the process is told to stop, then drains the servers and ends the tasks.
    pub async fn until_stopped(mut self, shutdown_timeout: Duration) -> Result<(), RunError> {
        self.told_to_stop().await;
        tracing::info!("stopping");
        let until = Instant::now() + shutdown_timeout;
        let (tasks, serving) = (&self.tasks, &mut self.serving);
        let ending = async {
            while serving.join_next().await.is_some() {}
            tasks.shutdown(until.saturating_duration_since(Instant::now())).await
        };
        tokio::select! {
            ended = ending => ended?,
            _ = self.terminate.recv() => tasks.shutdown(Duration::ZERO).await?,
            _ = self.interrupt.recv() => tasks.shutdown(Duration::ZERO).await?,
        }
        tracing::info!("stopped");
        Ok(())
    }
}
