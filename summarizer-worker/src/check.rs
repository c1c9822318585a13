//! `recap check`: the log proved dense, and views and summaries proved against it; `--repair` makes views anew.
//!
//! Law: a view that passes is, byte for byte, the fold of the log from its first record; a summary that passes has
//! the log's chain at its last message.

mod proof;
mod report;

pub use report::{CheckReport, Fault, FaultKind};

use shared::ports::{ConversationMark, Ports, StoreError};

/// Conversations listed in one call.
const CONVERSATIONS: usize = 100;

/// Checks every conversation that the log knows of. Changes nothing.
pub async fn check(ports: &Ports) -> Result<CheckReport, StoreError> {
    walk(ports, false).await
}

/// Checks, and puts a view folded from the log in place of every one that is wrong, missing or behind. Summaries
/// stay as they are: those that fail are named only.
pub async fn rebuild(ports: &Ports) -> Result<CheckReport, StoreError> {
    walk(ports, true).await
}

async fn walk(ports: &Ports, repair: bool) -> Result<CheckReport, StoreError> {
    let mut report = CheckReport::default();
    let mut mark = ConversationMark::default();
    loop {
        let listed = ports.log.conversations(&mark, CONVERSATIONS).await?;
        for key in &listed.keys {
            proof::prove(ports, key, repair, &mut report).await?;
        }
        if !listed.more {
            return Ok(report);
        }
        mark = listed.mark;
    }
}
