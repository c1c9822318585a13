//! What views must be: the log folded from its first record, one record at a time.

use std::collections::BTreeMap;

use shared::domain::{ConversationKey, Digest, Record, UserId};
use shared::projections::ConversationView;

use crate::world::World;

/// Compares every view and every user's count with the log.
pub(crate) fn assert_views(world: &World) {
    let state = world.views.state.lock();
    let keys: Vec<ConversationKey> = state.views.keys().cloned().collect();
    assert_eq!(keys, world.log.keys(), "a conversation without a view, or a view without a conversation");
    for key in keys {
        let records = world.log.all(&key);
        let expected = folded(&key, &records);
        assert_eq!(state.views[&key].to_json().unwrap(), expected.to_json().unwrap(), "{key:?}");
        let counts = |(user, row): (&UserId, &shared::ports::ParticipationDelta)| (user.clone(), row.messages);
        let counted: BTreeMap<UserId, u64> = state.users[&key].iter().map(counts).collect();
        assert_eq!(counted, posted(&records), "{key:?}");
    }
}

fn folded(key: &ConversationKey, records: &[Record]) -> ConversationView {
    let mut view = ConversationView::empty(key);
    for record in records {
        assert!(view.apply(record));
    }
    view
}

/// The chain over all records.
pub(crate) fn chain(key: &ConversationKey, records: &[Record]) -> Digest {
    records.iter().fold(Digest::genesis(key), Digest::then)
}

fn posted(records: &[Record]) -> BTreeMap<UserId, u64> {
    let mut counts = BTreeMap::new();
    for posted in records.iter().filter_map(Record::posted) {
        *counts.entry(posted.user.clone()).or_default() += 1;
    }
    counts
}

/// Every message is covered, every version holds the log's chain, and every fold was made from all its messages.
pub(crate) fn assert_covered(world: &World) {
    for key in world.log.keys() {
        let records = world.log.all(&key);
        let versions = world.views.versions(&key);
        // Versions that were taken back leave holes.
        assert!(versions.is_sorted_by(|one, next| one.version < next.version));
        for version in &versions {
            let last = usize::try_from(version.covers.last_seq.0).unwrap();
            let view = folded(&key, &records[..last]);
            assert_eq!(version.covers.digest, view.digest);
            assert_eq!(version.covers.messages, view.messages);
            let seqs: Vec<u64> = serde_json::from_str(&version.content.brief).unwrap();
            let messages = records[..last].iter().filter(|record| record.posted().is_some());
            assert_eq!(seqs, messages.map(|record| record.seq.0).collect::<Vec<_>>(), "{key:?}");
        }
        let view = folded(&key, &records);
        let last = (view.messages > 0).then_some(view.last_message);
        assert_eq!(versions.last().map(|version| version.covers.last_seq), last, "{key:?}");
    }
}
