//! A view folded anew from the first record, since messages in it were edited or erased.
//!
//! Law: page by page, so memory grows with the users of the conversation, not with its length.

use std::collections::BTreeMap;

use shared::domain::{Record, Seq, UserId};
use shared::ports::{ConversationRow, MessageLog, ParticipationDelta, StoreError};
use shared::projections::{ConversationView, participations};

/// Records read in one call.
const PAGE: usize = 2_000;

/// What is known of users, and more of it.
#[derive(Default)]
pub(crate) struct Users(BTreeMap<UserId, ParticipationDelta>);

impl Users {
    /// Adds what some records say.
    pub(crate) fn add(&mut self, records: &[Record]) {
        for delta in participations(records) {
            let Some(known) = self.0.get_mut(&delta.user) else {
                self.0.insert(delta.user.clone(), delta);
                continue;
            };
            known.messages += delta.messages;
            known.first = known.first.min(delta.first);
            if delta.last >= known.last {
                known.last = delta.last;
                known.last_seq = delta.last_seq;
            }
        }
    }

    /// How many have posted.
    pub(crate) fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// One row for each.
    pub(crate) fn into_rows(self) -> Vec<ParticipationDelta> {
        self.0.into_values().collect()
    }
}

/// Folds the records up to `until`; with the first of them, and all participations. `None` if they do not go so far.
pub(super) async fn whole(
    log: &dyn MessageLog,
    mut row: ConversationRow,
    until: Seq,
) -> Result<Option<(Record, ConversationRow, Vec<ParticipationDelta>)>, StoreError> {
    let (mut view, mut users, mut first) = (ConversationView::empty(&row.key), Users::default(), None);
    while view.applied_seq < until {
        let mut records = log.read(&row.key, view.applied_seq.next(), PAGE).await?;
        records.retain(|record| record.seq <= until);
        if records.is_empty() || !records.iter().all(|record| view.apply(record)) {
            return Ok(None);
        }
        users.add(&records);
        first = first.or_else(|| records.into_iter().next());
    }
    row.view = view;
    Ok(first.map(|first| (first, row, users.into_rows())))
}
