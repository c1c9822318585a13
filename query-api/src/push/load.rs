//! One load of the views fills the boards of all conversations that are due.

use std::sync::Arc;

use futures_util::future::try_join_all;
use shared::domain::{ConversationKey, SummaryVersion, Version};
use shared::ports::{ConversationRow, MessageLog, StoreError, ViewStore};

use super::board::{Board, SummaryFrame};
use super::frames::{self, Ending};
use super::schedule::{Due, Room};
use crate::query::SummaryType;

/// What became of a load.
#[derive(Debug)]
pub struct Loaded {
    /// What was to be loaded.
    pub batch: Vec<Due>,
    /// Which of these have ended, in the order of the batch; or why nothing was loaded.
    pub ended: Result<Vec<bool>, StoreError>,
}

/// Where a load reads.
#[derive(Clone)]
pub struct Sources {
    /// What is shown.
    pub views: Arc<dyn ViewStore>,
    /// Whether it is over.
    pub log: Arc<dyn MessageLog>,
}

/// Loads the conversations and shows what is new.
pub async fn load(sources: Sources, batch: Vec<Due>) -> Loaded {
    let ended = fill(&sources, &batch).await;
    Loaded { batch, ended }
}

async fn fill(sources: &Sources, batch: &[Due]) -> Result<Vec<bool>, StoreError> {
    let keys: Vec<ConversationKey> = batch.iter().map(|due| due.room.key.clone()).collect();
    let rows = sources.views.conversations(&keys).await?;
    try_join_all(batch.iter().zip(rows).map(|(due, row)| show(sources, due, row))).await
}

/// Shows a row on its board. Answers whether that was the last.
async fn show(sources: &Sources, due: &Due, row: Option<ConversationRow>) -> Result<bool, StoreError> {
    let views = sources.views.as_ref();
    let room = due.room.as_ref();
    let newest = row.as_ref().and_then(|row| row.summary).map_or(Version::ZERO, |pointer| pointer.version);
    let (shown, blank) = {
        let board = room.board.borrow();
        (board.version(), board.is_blank())
    };
    // Versions and views never go back but by erasure: its announcement was missed.
    let given = row.as_ref().map_or(Version::ZERO, |row| row.version);
    if given < shown || (row.is_none() && !blank) {
        end(room, Ending::Erased);
        return Ok(true);
    }
    let Some(row) = row else { return Ok(false) };
    if row.retracted() {
        room.board.send_modify(|board| board.take_back(row.version));
    }
    let summaries = summaries(views, due, newest).await?;
    let participant_count = match row.view.unlisted_messages {
        0 => row.view.participants.len() as u64,
        _ => views.participants(&room.key).await?,
    };
    let (summaries, insights) = encode(&row, summaries.as_ref(), participant_count).map_err(unwritable)?;
    room.board.send_if_modified(|board| {
        let before = board.version();
        let several = !summaries.is_empty();
        for (summary_type, frame) in summaries {
            board.show_summary(summary_type, frame);
        }
        let new = (row.view.messages > 0 || !blank) && board.show_insights(insights);
        new || several || board.version() > before
    });
    match ending(sources, due, &row).await? {
        Some(reason) => {
            end(room, reason);
            Ok(true)
        }
        None => Ok(false),
    }
}

/// Why the conversation is over, if it is and its last summary is there.
async fn ending(sources: &Sources, due: &Due, row: &ConversationRow) -> Result<Option<Ending>, StoreError> {
    let covered = row.summary.is_some_and(|pointer| pointer.covers.last_seq >= row.view.last_message);
    if row.view.ended.is_none() || !(covered || due.ended || row.view.messages == 0) {
        return Ok(None);
    }
    // A message that opened it again may not be in the view yet.
    match sources.log.head(&due.room.key).await? {
        Some(head) => Ok(head.ended.map(Ending::from)),
        None => Ok(Some(Ending::Erased)),
    }
}

/// A version, and the types to show it as.
type Wanted = (Vec<SummaryType>, SummaryVersion);

/// The newest version, for each type that somebody wants and the board does not show.
async fn summaries(views: &dyn ViewStore, due: &Due, newest: Version) -> Result<Option<Wanted>, StoreError> {
    let mut wanted = Vec::with_capacity(2);
    {
        let board = due.room.board.borrow();
        let lacks = |summary_type| board.summary(summary_type).is_none_or(|frame| frame.version < newest);
        for (summary_type, listened) in [(SummaryType::Brief, due.brief), (SummaryType::Detailed, due.detailed)] {
            if listened && lacks(summary_type) {
                wanted.push(summary_type);
            }
        }
    }
    if newest == Version::ZERO || wanted.is_empty() {
        return Ok(None);
    }
    Ok(views.newest_summary(&due.room.key).await?.map(|version| (wanted, version)))
}

type Encoded = (Vec<(SummaryType, SummaryFrame)>, bytes::Bytes);

fn encode(
    row: &ConversationRow,
    summaries: Option<&Wanted>,
    participant_count: u64,
) -> Result<Encoded, serde_json::Error> {
    let mut frames = Vec::with_capacity(2);
    if let Some((wanted, version)) = summaries {
        for &summary_type in wanted {
            let frame = frames::summary(&row.key, version, summary_type, &row.view.participants)?;
            frames.push((summary_type, frame));
        }
    }
    Ok((frames, frames::insights(row, participant_count)?))
}

fn unwritable(error: serde_json::Error) -> StoreError {
    StoreError::corrupt("a view or summary", error)
}

/// Shows that nothing more will come.
pub fn end(room: &Room, reason: Ending) {
    match frames::ended(&room.key, reason) {
        Ok(frame) => room.board.send_modify(|board: &mut Board| board.end(frame)),
        Err(error) => tracing::error!(hop = "push", error = %error, "the last frame could not be written"),
    }
}
