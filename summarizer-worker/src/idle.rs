//! Idle end: a conversation without a word for long enough ends by a record of its own.
//!
//! Law: the end is appended only behind the record that was the last one; whoever posts meanwhile wins.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use shared::domain::{ConversationKey, EndReason, Seq, Timestamp};
use shared::ports::{Append, AppendError, Condition, ConversationRow, Entry, Notice, Ports, StoreError};
use tokio_util::sync::CancellationToken;

use crate::{TaskResult, pause};

/// Conversations ended in one commit.
const PAGE: usize = 128;
/// So many conversations are passed over until their views have moved on.
const TRIED: usize = 10_000;

/// Ends what fell silent, until the process stops.
pub(crate) async fn end_idle(ports: Ports, after: Duration, stopping: CancellationToken) -> TaskResult {
    let interval = (after / 10).clamp(Duration::from_millis(20), Duration::from_secs(15));
    let mut tried = HashMap::new();
    while !stopping.is_cancelled() {
        let ended = tokio::select! {
            () = stopping.cancelled() => return Ok(()),
            ended = once(&ports, after, &mut tried) => ended,
        };
        match ended {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "silent conversations are not ended now"),
        }
        pause(interval, &stopping).await;
    }
    Ok(())
}

/// Ends a page of silent conversations; answers whether there may be more.
async fn once(ports: &Ports, after: Duration, tried: &mut HashMap<ConversationKey, Seq>) -> Result<bool, StoreError> {
    let now = ports.clock.now();
    let before = earlier(now, after);
    let limit = PAGE + tried.len();
    let mut rows = ports.views.idle(before, limit).await?;
    let full = rows.len() == limit;
    let listed: HashSet<&ConversationKey> = rows.iter().map(|row| &row.key).collect();
    tried.retain(|key, _| listed.contains(key));
    rows.retain(|row| tried.get(&row.key) != Some(&row.view.applied_seq));
    rows.truncate(PAGE);
    if rows.is_empty() {
        return Ok(false);
    }
    let outcomes = ports.log.append(rows.iter().map(|row| end(row, now)).collect()).await;
    let mut failed = None;
    for (row, outcome) in rows.into_iter().zip(outcomes) {
        match outcome {
            Ok(appended) => ports.bus.notify(Notice { key: row.key.clone(), seq: appended.head }),
            // The view is behind the log: it is not known yet whether the conversation is silent.
            Err(AppendError::HeadMoved | AppendError::NotFound) => {}
            Err(error) => {
                failed = Some(error);
                continue;
            }
        }
        if tried.len() < TRIED {
            tried.insert(row.key, row.view.applied_seq);
        }
    }
    match failed {
        Some(error) => Err(StoreError::unavailable(error)),
        None => Ok(full),
    }
}

fn earlier(now: Timestamp, by: Duration) -> Timestamp {
    let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.as_millis().saturating_sub(millis))
}

fn end(row: &ConversationRow, now: Timestamp) -> Append {
    Append {
        key: row.key.clone(),
        entries: vec![Entry::Ended(EndReason::Idle)],
        idempotency: None,
        received_at: now,
        condition: Condition::HeadIs(row.view.applied_seq),
    }
}
