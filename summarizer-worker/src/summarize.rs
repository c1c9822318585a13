//! Summarize: conversations with uncovered messages get a new version when the policy says so, or somebody asks.
//!
//! - [`schedule`]: when which conversation is due; [`lane`] works it off; [`sweep`] finds what it lost
//! - [`thrift`]: what is new waits until it is worth a model's call
//! - [`redo`]: what a fallback engine wrote is made again
//! - [`ask`]: requests for a summary now, equal ones joined
//! - [`run`]: one version: lease, cut, fold, proof, compare-and-set
//! - [`segments`], [`cut`], [`stored`], [`gists`]: a long conversation in bounded cost
//! - [`engine`]: the engine, given less where it says that it is too much; [`engines`]: which one, and which else
//!
//! Law: a version is stored only if the chain over what was read equals the chain of the view, and nothing
//! uncovered is ever skipped: it is made, or tried again later, or counted as uncovered.

mod ask;
mod cut;
mod engine;
mod engines;
mod flight;
mod gists;
mod lane;
mod redo;
mod run;
mod schedule;
mod segments;
mod stored;
mod sweep;
mod thrift;

pub(crate) use ask::{answer, take as take_asks};
pub(crate) use cut::FAN;
pub use engines::Engines;
pub(crate) use lane::{Backoff, lane};
pub(crate) use redo::redo;
pub(crate) use run::Summaries;
pub(crate) use schedule::Schedule;
pub(crate) use segments::tokens;
pub(crate) use sweep::sweep;

use shared::config::summary_policy::SummaryNeed;
use shared::ports::ConversationRow;

/// What the policy has to know of a conversation.
pub(crate) fn need(row: &ConversationRow) -> SummaryNeed {
    let covered = row.summary.map_or(0, |pointer| pointer.covers.messages);
    // What was erased before any summary knew of it leaves nothing to tell, but a place that none covers.
    let behind = row.summary.is_some_and(|pointer| pointer.covers.last_seq < row.view.last_message);
    let least = u64::from(behind && row.view.messages > 0);
    SummaryNeed {
        uncovered: row.view.messages.saturating_sub(covered).max(least),
        last_received: row.view.received_at,
        ended: row.view.ended.is_some(),
        last_summary: row.summary.map(|pointer| pointer.generated_at),
        retracted: row.retracted(),
    }
}
