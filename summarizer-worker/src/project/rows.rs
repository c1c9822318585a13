//! Recent conversation rows, so that an active conversation is not read again for each of its messages.
//!
//! Law: a row here was committed or read once; it may be out of date, which the compare-and-set finds out.

use parking_lot::Mutex;
use quick_cache::unsync::Cache;
use shared::domain::{ConversationKey, Seq, SummaryPointer};
use shared::ports::ConversationRow;

/// A bounded cache of rows by conversation.
pub(crate) struct Rows(Mutex<Cache<ConversationKey, ConversationRow>>);

impl Rows {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Mutex::new(Cache::new(capacity.max(1))))
    }

    /// Takes a row out, to be folded further and put back.
    pub(crate) fn take(&self, key: &ConversationKey) -> Option<ConversationRow> {
        self.0.lock().remove(key).map(|(_, row)| row)
    }

    /// Keeps a row, unless one that has come further is there.
    pub(crate) fn put(&self, row: ConversationRow) {
        let mut rows = self.0.lock();
        if rows.peek(&row.key).is_none_or(|known| known.view.applied_seq <= row.view.applied_seq) {
            rows.insert(row.key.clone(), row);
        }
    }

    /// How far a conversation's view is known to have come.
    pub(crate) fn applied(&self, key: &ConversationKey) -> Option<Seq> {
        self.0.lock().peek(key).map(|row| row.view.applied_seq)
    }

    /// A new summary was stored.
    pub(crate) fn summarized(&self, key: &ConversationKey, pointer: SummaryPointer) {
        if let Some(mut row) = self.0.lock().get_mut(key) {
            row.summary = Some(pointer);
            row.version = pointer.version;
        }
    }

    pub(crate) fn forget(&self, key: &ConversationKey) {
        self.0.lock().remove(key);
    }

    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }
}
