//! Who posted in a step: what it adds to each user's row.

use std::collections::BTreeMap;

use crate::domain::{Record, UserId};
use crate::ports::ParticipationDelta;

/// What these records add, one entry for each user, ordered by user.
#[must_use]
pub fn participations(records: &[Record]) -> Vec<ParticipationDelta> {
    let mut by_user: BTreeMap<&UserId, ParticipationDelta> = BTreeMap::new();
    for record in records {
        let Some(posted) = record.posted() else { continue };
        let at = posted.timestamp;
        let delta = by_user.entry(&posted.user).or_insert_with(|| ParticipationDelta {
            user: posted.user.clone(),
            first: at,
            last: at,
            last_seq: record.seq,
            messages: 0,
        });
        delta.messages += 1;
        delta.first = delta.first.min(at);
        if at >= delta.last {
            delta.last = at;
            delta.last_seq = record.seq;
        }
    }
    by_user.into_values().collect()
}
