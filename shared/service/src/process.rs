//! A process from its first line to its last, the same for all binaries: what operators ask is answered from the
//! start, dependencies are waited for, requests are served once they are there, and the end comes in order.
//!
//! Law: a dependency that is late or away never ends a process; only what cannot pass by itself does.

use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use shared::ports::{Clock, IdSource};
use thiserror::Error;
use tokio::time::{Instant, sleep};

use crate::config::HttpConfig;
use crate::gate::{Gate, GatePorts};
use crate::logs::{LogConfig, LogError};
use crate::metrics::{Metrics, MetricsError};
use crate::ops::{self, Readiness, Starting};
use crate::server::{ServeError, Server};
use crate::shutdown::{RunError, Running};
use crate::tasks::Tasks;

/// Between two attempts to open what a process needs.
const RETRY: Duration = Duration::from_millis(500);
/// How often it is said what is waited for.
const SAY: Duration = Duration::from_secs(5);
/// What of `shutdown_timeout` is left for closing what was opened.
const CLOSE: Duration = Duration::from_secs(2);

/// Why a process did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Logging.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Metrics.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// An address.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Signals.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// A process that has begun.
pub struct Process {
    http: HttpConfig,
    metrics: Metrics,
    starting: Starting,
    tasks: Tasks,
    running: Running,
    admin: Option<SocketAddr>,
}

impl Process {
    /// Starts logging and counting, and serves operators where `admin_addr` is set.
    pub async fn start(
        http: &HttpConfig,
        log: &LogConfig,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Result<Self, StartError> {
        log.install()?;
        let metrics = Metrics::install()?;
        let tasks = Tasks::new();
        metrics.keep_up(&tasks);
        let mut running = Running::new(&tasks)?;
        let starting = Starting::new();
        let mut admin = None;
        if let Some(server) = Server::bind_admin(http).await? {
            let address = server.local_addr();
            admin = Some(address);
            let operators = ops::routes(starting.clone(), metrics.clone());
            let gate = Gate::new(http, 0, GatePorts::for_operators(clock, ids));
            running.serve(server, gate.around(operators));
            log.say(&format!("metrics and health on http://{address}"));
        }
        Ok(Self { http: http.clone(), metrics, starting, tasks, running, admin })
    }

    /// Background work of this process.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Where operators are served, if that is an address of its own.
    #[must_use]
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// Opens what the process needs, again and again while `passes` says that the error may pass, and says so every
    /// few seconds. None if the process was told to stop meanwhile.
    pub async fn wait_for<T, E, F>(
        &mut self,
        mut open: impl FnMut() -> F,
        passes: impl Fn(&E) -> bool,
    ) -> Result<Option<T>, E>
    where
        F: Future<Output = Result<T, E>>,
        E: Error,
    {
        let mut say_at = Instant::now();
        loop {
            match self.running.unless_stopped(open()).await {
                None => return Ok(None),
                Some(Ok(opened)) => return Ok(Some(opened)),
                Some(Err(error)) if !passes(&error) => return Err(error),
                Some(Err(error)) => {
                    if Instant::now() >= say_at {
                        tracing::warn!(because = cause(&error), "waiting: {error}");
                        say_at = Instant::now() + SAY;
                    }
                }
            }
            if self.running.unless_stopped(sleep(RETRY)).await.is_none() {
                return Ok(None);
            }
        }
    }

    /// What operators ask, for a process that answers it beside its own routes.
    pub fn operators(&self) -> Router {
        ops::routes(self.starting.clone(), self.metrics.clone())
    }

    /// Listens for requests; they wait until [`Self::run`].
    pub async fn listen(&self) -> Result<Server, ServeError> {
        Server::bind(&self.http).await
    }

    /// Serves `requests`, where there are any, until the process is told to stop; then drains, ends all tasks, and closes
    /// what was opened. `close` is given its time, and answers whether it was enough.
    pub async fn run<F: Future<Output = bool>>(
        mut self,
        readiness: Readiness,
        requests: Option<(Server, Gate, Router)>,
        close: impl FnOnce(Duration) -> F,
    ) -> Result<ExitCode, RunError> {
        if let Some((server, gate, routes)) = requests {
            gate.keep_key_uses(&self.tasks);
            self.running.serve(server, gate.around(routes));
        }
        self.starting.opened(readiness);
        let ended = self.running.until_stopped(self.http.shutdown_timeout.saturating_sub(CLOSE)).await;
        if !close(CLOSE).await {
            tracing::warn!("the store was not closed in time; the next start has a little more to do");
        }
        ended.map(|()| ExitCode::SUCCESS)
    }
}

/// What lies under an error, in one line. Adapters keep addresses with passwords out of it.
fn cause(error: &dyn Error) -> Option<String> {
    let mut text = error.source()?.to_string();
    let mut source = error.source().and_then(Error::source);
    while let Some(under) = source {
        text = format!("{text}: {under}");
        source = under.source();
    }
    Some(text)
}
