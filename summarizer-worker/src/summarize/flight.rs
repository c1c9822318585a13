//! One run of a conversation at a time in this process. Law: whoever waits finds what the one before stored.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use shared::domain::ConversationKey;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// Which conversations are being summarized here.
#[derive(Default)]
pub(crate) struct Flights(Arc<Mutex<HashMap<ConversationKey, Arc<Turn<()>>>>>);

/// The right to summarize a conversation in this process.
pub(crate) struct Flight {
    flights: Arc<Mutex<HashMap<ConversationKey, Arc<Turn<()>>>>>,
    key: ConversationKey,
    turn: Option<OwnedMutexGuard<()>>,
}

impl Flights {
    /// Waits until no other run of the conversation goes on.
    pub(crate) async fn begin(&self, key: &ConversationKey) -> Flight {
        let turn = Arc::clone(self.0.lock().entry(key.clone()).or_default());
        let mut flight = Flight { flights: Arc::clone(&self.0), key: key.clone(), turn: None };
        flight.turn = Some(turn.lock_owned().await);
        flight
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut flights = self.flights.lock();
        self.turn = None;
        // The map's own is the last: nobody waits.
        if flights.get(&self.key).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            flights.remove(&self.key);
        }
    }
}
