//! Tells the bus what a commit has reached (publish).
//!
//! Law: one notice for each conversation and commit, after the waiters were woken. `notify` neither waits nor fails,
//! so no reply depends on the bus; a lost notice is found by the reconciler.

use std::collections::HashMap;
use std::sync::Arc;

use metrics::gauge;
use shared::domain::{ConversationKey, Seq};
use shared::ports::{EventBus, Notice};

/// Collects what one lane's commit has reached.
pub(crate) struct Publisher {
    bus: Arc<dyn EventBus>,
    reached: HashMap<ConversationKey, Seq>,
}

impl Publisher {
    pub(crate) fn new(bus: Arc<dyn EventBus>) -> Self {
        Self { bus, reached: HashMap::new() }
    }

    /// Notes that a conversation has reached `seq`. A seq of zero (a replay into an erased conversation) is nothing.
    pub(crate) fn reached(&mut self, key: ConversationKey, seq: Seq) {
        if seq == Seq::ZERO {
            return;
        }
        let highest = self.reached.entry(key).or_insert(seq);
        *highest = seq.max(*highest);
    }

    /// Sends what was noted.
    pub(crate) fn publish(&mut self) {
        if self.reached.is_empty() {
            return;
        }
        let _span = tracing::info_span!("publish", conversations = self.reached.len()).entered();
        for (key, seq) in self.reached.drain() {
            self.bus.notify(Notice { key, seq });
        }
        gauge!("recap_publish_pending").set(self.bus.pending() as f64);
    }
}
