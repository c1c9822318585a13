//! `recap check`: the log proved dense, and views and summaries proved against it; `--repair` makes views anew.
//!
//! Law: a view that passes is, byte for byte, the fold of the log from its first record; a summary that passes has
//! the log's chain at its last message.

mod proof;
mod report;

pub use report::{CheckReport, Fault, FaultKind};

use std::collections::HashSet;

use shared::domain::{ConversationKey, Digest};
use shared::ports::{ArrivalMark, Ports, StoreError};

/// Arrivals looked at in one call.
const ARRIVALS: usize = 10_000;

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
    let mut seen: HashSet<[u8; 16]> = HashSet::new();
    let mut mark = ArrivalMark::default();
    loop {
        let arrivals = ports.log.arrivals(&mark, ARRIVALS).await?;
        for reach in arrivals.reached {
            if seen.insert(short(&reach.key)) {
                proof::prove(ports, &reach.key, repair, &mut report).await?;
            }
        }
        if !arrivals.more {
            return Ok(report);
        }
        mark = arrivals.mark;
    }
}

/// Half a digest is enough to tell conversations apart, and keeps a million of them in 16 MB.
fn short(key: &ConversationKey) -> [u8; 16] {
    let digest = Digest::genesis(key);
    let mut half = [0; 16];
    half.copy_from_slice(&digest.as_bytes()[..16]);
    half
}
