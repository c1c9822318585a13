//! The worker's tasks, started and named.

use std::sync::Arc;
use std::time::Duration;

use shared::ports::Ports;
use shared_service::Tasks;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::config::WorkerConfig;
use crate::erase_users::erase_users;
use crate::failures::{Failures, wait};
use crate::idle::end_idle;
use crate::project::{Projector, project, take};
use crate::reconcile::reconcile;
use crate::summarize::{Backoff, Engines, Schedule, Summaries, answer, lane, redo, sweep, take_asks};

/// Asks that wait between the bus and the desk.
const ASKS: usize = 256;

/// Starts project, reconcile, summarize and idle end. They run until `tasks` stops.
pub fn build(ports: &Ports, engines: impl Into<Engines>, config: &WorkerConfig, tasks: &Tasks) {
    let schedule = Arc::new(Schedule::new(config.summary_schedule));
    let projector = Arc::new(Projector::new(
        ports.clone(),
        config.policy,
        Arc::clone(&schedule),
        config.project_cache,
        count(config.project_parallelism),
    ));
    start_projecting(ports, &projector, config, tasks);
    start_summarizing(ports, engines.into(), &projector, &schedule, config, tasks);
    let idle_end = config.policy.conversation_idle_end;
    if !idle_end.is_zero() {
        tasks.spawn("idle-end", end_idle(ports.clone(), idle_end, tasks.stopping()));
    }
}

fn start_projecting(ports: &Ports, projector: &Arc<Projector>, config: &WorkerConfig, tasks: &Tasks) {
    let failures = Arc::new(Failures::new(ports.clone(), "project", config.project_attempts));
    tasks.spawn("hear-erasures", hear_erasures(ports.clone(), Arc::clone(projector), tasks.stopping()));
    for _ in 0..config.project_parallelism {
        let (queue, queued) = mpsc::channel(1);
        let wanted = Arc::new(Notify::new());
        tasks.spawn("take-notices", take(Arc::clone(&ports.bus), queue, Arc::clone(&wanted), tasks.stopping()));
        tasks.spawn("project", project(Arc::clone(projector), Arc::clone(&failures), queued, wanted, tasks.stopping()));
    }
    let interval = config.reconcile_interval;
    let erasing = erase_users(ports.clone(), Arc::clone(projector), interval, tasks.stopping());
    tasks.spawn("erase-users", erasing);
    let reconciling = reconcile(ports.clone(), Arc::clone(projector), failures, interval, tasks.stopping());
    tasks.spawn("reconcile", reconciling);
}

fn start_summarizing(
    ports: &Ports,
    engines: Engines,
    projector: &Arc<Projector>,
    schedule: &Arc<Schedule>,
    config: &WorkerConfig,
    tasks: &Tasks,
) {
    let lease = config.summary_lease;
    let summaries = Arc::new(Summaries::new(ports.clone(), engines, Arc::clone(projector), lease));
    let backoff = Arc::new(Backoff::default());
    let failures = Arc::new(Failures::new(ports.clone(), "summarize", config.project_attempts));
    for _ in 0..config.summarize_parallelism {
        let lane = lane(
            Arc::clone(&summaries),
            Arc::clone(schedule),
            config.policy,
            Arc::clone(&backoff),
            Arc::clone(&failures),
            tasks.stopping(),
        );
        tasks.spawn("summarize", lane);
    }
    if summaries.engines.fallback.is_some() {
        let interval = summaries.engines.redo_interval;
        tasks.spawn("redo", redo(Arc::clone(&summaries), Arc::clone(schedule), interval, tasks.stopping()));
    }
    let (queue, queued) = mpsc::channel(ASKS);
    tasks.spawn("take-asks", take_asks(Arc::clone(&ports.bus), queue, tasks.stopping()));
    tasks.spawn("answer-asks", answer(summaries, count(config.summarize_asks), queued, tasks.stopping()));
    let interval = config.summary_sweep_interval;
    let sweeping = sweep(ports.clone(), config.policy, Arc::clone(schedule), backoff, interval, tasks.stopping());
    tasks.spawn("sweep-summaries", sweeping);
}

/// Until the bus tells of erasures, the projector keeps no rows.
async fn hear_erasures(ports: Ports, projector: Arc<Projector>, stopping: CancellationToken) -> crate::TaskResult {
    let mut attempts = 0;
    loop {
        match ports.bus.announcements().await {
            Ok(announcements) => {
                attempts = 0;
                projector.listen(announcements);
                tokio::select! {
                    () = stopping.cancelled() => return Ok(()),
                    () = projector.deaf() => {}
                }
            }
            Err(_) if stopping.is_cancelled() => return Ok(()),
            Err(error) => {
                attempts += 1;
                tracing::warn!(%error, "erasures are not heard of yet");
                pause(wait(attempts), &stopping).await;
            }
        }
    }
}

fn count(setting: u64) -> usize {
    usize::try_from(setting).unwrap_or(1)
}

/// Waits, but not longer than the process lives.
pub(crate) async fn pause(length: Duration, stopping: &CancellationToken) {
    tokio::select! {
        () = stopping.cancelled() => {}
        () = tokio::time::sleep(length) => {}
    }
}
