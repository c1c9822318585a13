//! Changes of messages within a commit. Law: a part's records are inserted behind its changes, or not at all.

use std::sync::Arc;

use shared::domain::Seq;
use shared::ports::{AppendError, StoreError};

use super::super::super::place::Cid;
use super::super::change::Targets;
use super::super::heads::Place;
use super::super::plan::Part;
use super::Commit;

impl Commit<'_> {
    /// What stands where these batches want something changed; mostly none do, and nothing is asked.
    pub(super) async fn targets(&self, known: &[(Place, Vec<usize>)]) -> Result<Targets, StoreError> {
        let mut places: Vec<(Cid, Seq)> = Vec::new();
        for (place, indexes) in known {
            let entries = indexes.iter().flat_map(|index| &self.batches[*index].entries);
            places.extend(entries.filter_map(|entry| Some((place.cid, entry.target()?))));
        }
        if places.is_empty() {
            return Ok(Targets::default());
        }
        self.records.targets(places.into_iter()).await
    }

    /// Changes messages. Parts of which one was changed by somebody else meanwhile drop out, and are looked at again.
    pub(super) async fn change(&mut self, parts: Vec<Part>) -> Vec<Part> {
        let mut kept = Vec::with_capacity(parts.len());
        for mut part in parts {
            let changes = std::mem::take(&mut part.changes);
            if changes.is_empty() {
                kept.push(part);
                continue;
            }
            match self.records.change(changes).await {
                Ok(true) => kept.push(part),
                Ok(false) => self.records.heads.forget(Cid::of(&part.key, 0)),
                // Nobody can say whether it was done; it may be sent again.
                Err(error) => self.lose(&part, &AppendError::Unknown(Some(Arc::new(error)))),
            }
        }
        kept
    }

    /// Notes of messages that their change is recorded. One that is missed is recorded twice, which does no harm.
    pub(super) async fn settle(&mut self) {
        let changed = std::mem::take(&mut self.changed);
        let Some(at) = changed.iter().map(|(.., at)| *at).max() else { return };
        let places: Vec<_> = changed.into_iter().map(|(cid, seq, _)| (cid, seq)).collect();
        if let Err(error) = self.records.settled(&places, at).await {
            tracing::debug!(%error, "changes of messages are recorded once more, later");
        }
    }
}
