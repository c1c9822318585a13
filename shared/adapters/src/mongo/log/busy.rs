//! Names that one commit at a time works on, within this process. Law: all names of a commit are taken at once, so
//! commits that share names wait for each other and never for themselves in a ring.
//!
//! Other processes are met in the database; this only keeps callers of the same process from losing to each other
//! again and again.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// A conversation or an idempotency key.
pub(super) type Name = [u8; 16];

/// The names that are taken.
#[derive(Default)]
pub(super) struct Busy {
    taken: Mutex<HashSet<Name>>,
    freed: Notify,
}

/// Names that are given back when this is dropped.
pub(super) struct Held {
    busy: Arc<Busy>,
    names: Vec<Name>,
}

impl Busy {
    /// Waits until none of the names is taken, and takes them all.
    pub(super) async fn hold(self: &Arc<Self>, mut names: Vec<Name>) -> Held {
        names.sort_unstable();
        names.dedup();
        loop {
            let freed = self.freed.notified();
            if self.take(&names) {
                return Held { busy: Arc::clone(self), names };
            }
            freed.await;
        }
    }

    fn take(&self, names: &[Name]) -> bool {
        let mut taken = self.taken.lock();
        if names.iter().any(|name| taken.contains(name)) {
            return false;
        }
        taken.extend(names);
        true
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut taken = self.busy.taken.lock();
        for name in &self.names {
            taken.remove(name);
        }
        drop(taken);
        self.busy.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_are_held_by_one_at_a_time() {
        let busy = Arc::new(Busy::default());
        let (a, b, c) = ([1; 16], [2; 16], [3; 16]);
        let held = busy.hold(vec![a, b, a]).await;
        let beside = busy.hold(vec![c]).await;
        let waiting = tokio::spawn({
            let busy = Arc::clone(&busy);
            async move { busy.hold(vec![c, b]).await.names.len() }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(held);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "the other name is still taken");
        drop(beside);
        assert_eq!(waiting.await.unwrap(), 2);
        assert!(busy.taken.lock().is_empty());
    }
}
