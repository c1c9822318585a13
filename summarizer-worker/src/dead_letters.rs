//! Dead letters: conversations whose work failed so often that it is not tried any more by itself.
//!
//! Law: a letter is dropped only when its work was done, or begins to be counted anew.

use std::sync::Arc;

use shared::domain::{ConversationKey, Seq};
use shared::ports::{DeadLetter, Notice, Ports, StoreError};

use crate::WorkerConfig;
use crate::project::Projector;
use crate::summarize::Schedule;

/// The most letters in one list. More is trouble of another kind.
pub const MOST_LETTERS: usize = 100_000;

/// What became of a replayed letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replayed {
    /// The view has come to this seq, where the log ends. Summaries follow when a worker runs.
    Reached(Seq),
    /// There is no such conversation any more.
    Gone,
    /// It fails still; why, without any text of the conversation. One failure is counted.
    Failed(String),
}

/// Conversations with failures, those that are tried again by themselves too, at most [`MOST_LETTERS`].
pub async fn dead_letters(ports: &Ports) -> Result<Vec<DeadLetter>, StoreError> {
    ports.views.dead_letters(1, MOST_LETTERS).await
}

/// Forgets the failures of these conversations and projects them now, beside running workers or without any.
/// Answers in their order. A store that goes away in between leaves the rest as they were.
pub async fn replay(ports: &Ports, keys: &[ConversationKey]) -> Result<Vec<Replayed>, StoreError> {
    let config = WorkerConfig::default();
    let schedule = Arc::new(Schedule::new(config.summary_schedule));
    let projector = Projector::new(ports.clone(), config.policy, schedule, 0, 1);
    let mut replayed = Vec::with_capacity(keys.len());
    for key in keys {
        replayed.push(replay_one(ports, &projector, key).await?);
    }
    Ok(replayed)
}

async fn replay_one(ports: &Ports, projector: &Projector, key: &ConversationKey) -> Result<Replayed, StoreError> {
    let Some(head) = ports.log.head(key).await? else {
        projector.erase(key).await?;
        ports.views.succeeded(key).await?;
        return Ok(Replayed::Gone);
    };
    let notice = Notice { key: key.clone(), seq: head.seq };
    let broken = projector.reach(vec![notice.clone()]).await?;
    ports.views.succeeded(key).await?;
    // A running worker may keep an older view at hand, and sees when a summary is due.
    ports.bus.notify(notice);
    let Some((_, reason)) = broken.into_iter().next() else { return Ok(Replayed::Reached(head.seq)) };
    let letter = DeadLetter {
        key: key.clone(),
        hop: "project".to_owned(),
        reason: reason.clone(),
        at: ports.clock.now(),
        attempts: 1,
    };
    ports.views.failed(&letter).await?;
    Ok(Replayed::Failed(reason))
}
