//! Summaries that a fallback engine wrote, made again by the wanted one once it is back.
//!
//! Law: newest conversation first, one at a time, and only while nothing else is due; what fails is left for later,
//! each time longer.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use shared::domain::{ConversationKey, TenantId, Trigger};
use shared::ports::{ConversationRow, SummarizerError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::run::{RunError, Summaries};
use super::schedule::Schedule;
use crate::{TaskResult, pause};

/// Conversations looked at in one round.
const ROUND: usize = 256;
/// The first wait after a failure of one conversation; it doubles, to a day at most.
const FIRST_WAIT: Duration = Duration::from_mins(5);
const LONGEST_WAIT: Duration = Duration::from_hours(24);
/// While live work is due, it is looked again after this long.
const YIELD: Duration = Duration::from_millis(500);

/// Which conversations failed, how often, and until when they are left alone.
type Failed = HashMap<ConversationKey, (u32, Instant)>;

/// Makes rounds until the process stops. Nothing to do without a fallback.
pub(crate) async fn redo(
    summaries: Arc<Summaries>,
    schedule: Arc<Schedule>,
    interval: Duration,
    stopping: CancellationToken,
) -> TaskResult {
    let mut failed = Failed::new();
    while !stopping.is_cancelled() {
        pause(interval, &stopping).await;
        tokio::select! {
            () = stopping.cancelled() => {}
            () = round(&summaries, &schedule, &mut failed) => {}
        }
    }
    Ok(())
}

async fn round(summaries: &Summaries, schedule: &Schedule, failed: &mut Failed) {
    let now = summaries.ports.clock.now();
    let rows = match summaries.ports.views.degraded(now, ROUND).await {
        Ok(rows) => rows,
        Err(error) => {
            tracing::warn!(%error, "summaries to make again are not known");
            return;
        }
    };
    failed.retain(|key, _| rows.iter().any(|row| row.key == *key));
    // Tenants without budget are left out for the rest of the round.
    let mut spent: HashSet<TenantId> = HashSet::new();
    for row in rows {
        let waits = failed.get(&row.key).is_some_and(|(_, until)| *until > Instant::now());
        if waits || spent.contains(&row.key.tenant) {
            continue;
        }
        while schedule.is_due(summaries.ports.clock.now()) {
            tokio::time::sleep(YIELD).await;
        }
        match one(summaries, &row).await {
            Ok(()) => {
                failed.remove(&row.key);
            }
            Err(SummarizerError::Unavailable(_)) => return,
            Err(SummarizerError::Cap) => {
                spent.insert(row.key.tenant);
            }
            Err(SummarizerError::Refused(_) | SummarizerError::TooLarge) => {
                let (times, until) = failed.entry(row.key).or_insert((0, Instant::now()));
                let wait = FIRST_WAIT.saturating_mul(1 << (*times).min(16)).min(LONGEST_WAIT);
                (*times, *until) = (*times + 1, Instant::now() + wait);
            }
        }
    }
}

async fn one(summaries: &Summaries, row: &ConversationRow) -> Result<(), SummarizerError> {
    match summaries.run(&row.key, Trigger::Redo, row.view.last_message).await {
        Ok(_) => Ok(()),
        Err(RunError::Engine(error)) => Err(error),
        Err(error) => {
            tracing::warn!(%error, "a summary could not be made again");
            Err(SummarizerError::Refused("not for the engine's sake".to_owned()))
        }
    }
}
