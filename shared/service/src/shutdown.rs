//! A process from its first request to its end. Law: a stop takes at most `shutdown_timeout`, and nothing that was
//! begun is cut off before.

use std::time::Duration;

use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
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
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signals)?;
    let mut serving = JoinSet::new();
    for (server, app) in servers {
        let tasks = tasks.clone();
        serving.spawn(async move { server.run(app, &tasks).await });
    }
    let draining = tasks.draining();
    tokio::select! {
        () = draining.cancelled() => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    let until = Instant::now() + shutdown_timeout;
    tasks.stop();
    let ending = async {
        while serving.join_next().await.is_some() {}
        tasks.shutdown(until.saturating_duration_since(Instant::now())).await
    };
    tokio::select! {
        ended = ending => ended?,
        _ = terminate.recv() => tasks.shutdown(Duration::ZERO).await?,
        _ = interrupt.recv() => tasks.shutdown(Duration::ZERO).await?,
    }
    tracing::info!("stopped");
    Ok(())
}
