//! The sweep over conversations that no summary covers: what a restart, a full schedule or a lost word left behind.

use std::sync::Arc;
use std::time::Duration;

use shared::config::SummaryPolicy;
use shared::ports::{Ports, StoreError};
use tokio_util::sync::CancellationToken;

use super::lane::Backoff;
use super::need;
use super::schedule::Schedule;
use crate::{TaskResult, pause};

const PAGE: usize = 256;

/// Sweeps at once and then regularly, until the process stops.
pub(crate) async fn sweep(
    ports: Ports,
    policy: SummaryPolicy,
    schedule: Arc<Schedule>,
    backoff: Arc<Backoff>,
    interval: Duration,
    stopping: CancellationToken,
) -> TaskResult {
    while !stopping.is_cancelled() {
        match once(&ports, &policy, &schedule, &backoff, &stopping).await {
            Ok(uncovered) => metrics::gauge!("recap_summary_uncovered_messages").set(uncovered as f64),
            Err(error) => tracing::warn!(%error, "uncovered conversations are not known"),
        }
        pause(interval, &stopping).await;
    }
    Ok(())
}

/// Schedules what is due; answers how many messages no summary covers.
async fn once(
    ports: &Ports,
    policy: &SummaryPolicy,
    schedule: &Schedule,
    backoff: &Backoff,
    stopping: &CancellationToken,
) -> Result<u64, StoreError> {
    let mut uncovered = 0;
    let mut after = None;
    while !stopping.is_cancelled() {
        let rows = ports.views.uncovered(after.as_ref(), PAGE).await?;
        for row in &rows {
            let need = need(row);
            uncovered += need.uncovered;
            if let Some((at, trigger)) = policy.due(&need) {
                schedule.put_new(&row.key, at.max(backoff.until(&row.key)), trigger);
            }
        }
        if rows.len() < PAGE {
            break;
        }
        after = rows.into_iter().last().map(|row| row.key);
    }
    Ok(uncovered)
}
