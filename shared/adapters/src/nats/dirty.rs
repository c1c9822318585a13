//! The dirty set: what is still to be published. Law: one entry for each conversation, a bounded number of them,
//! however long NATS is away.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;
use shared::domain::{ConversationKey, Seq};
use shared::ports::Notice;
use tokio::sync::Notify;

/// Conversations that may wait. What does not fit is found by the reconciler.
pub(super) const CAPACITY: usize = 65_536;

/// A notice to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outgoing {
    pub(super) notice: Notice,
    /// Whether it may have been stored already: then the server's answer «seen before» means that it was.
    pub(super) tried: bool,
}

#[derive(Default)]
struct State {
    waiting: HashMap<ConversationKey, (Seq, bool)>,
    order: VecDeque<ConversationKey>,
    flying: usize,
    closed: bool,
}

/// Filled by those who append, emptied by the publisher.
#[derive(Default)]
pub(super) struct DirtySet {
    state: Mutex<State>,
    filled: Notify,
    idle: Notify,
}

impl DirtySet {
    /// Marks a conversation. Answers false when there is no room, or no more is taken.
    pub(super) fn mark(&self, notice: Notice) -> bool {
        let mut state = self.state.lock();
        if state.closed || !state.add(notice, false) {
            return false;
        }
        drop(state);
        self.filled.notify_one();
        true
    }

    /// How many wait to be sent.
    pub(super) fn len(&self) -> usize {
        self.state.lock().waiting.len()
    }

    /// Takes some, the longest waiting first; waits for the first one. [`Self::landed`] must follow.
    pub(super) async fn take(&self, most: usize) -> Vec<Outgoing> {
        loop {
            let filled = self.filled.notified();
            let taken = self.state.lock().take(most);
            if !taken.is_empty() {
                return taken;
            }
            filled.await;
        }
    }

    /// Those that were taken have been published, but for some that go back, behind the others.
    pub(super) fn landed(&self, failed: impl IntoIterator<Item = Outgoing>) {
        let mut state = self.state.lock();
        for Outgoing { notice, tried } in failed {
            if !state.add(notice, tried) {
                metrics::counter!("recap_publish_dropped_total").increment(1);
            }
        }
        state.flying = 0;
        let left = !state.waiting.is_empty();
        drop(state);
        if left {
            self.filled.notify_one();
        } else {
            self.idle.notify_waiters();
        }
    }

    /// Takes no more, and waits until all is published.
    pub(super) async fn drain(&self) {
        self.state.lock().closed = true;
        loop {
            let idle = self.idle.notified();
            tokio::pin!(idle);
            idle.as_mut().enable();
            {
                let state = self.state.lock();
                if state.waiting.is_empty() && state.flying == 0 {
                    return;
                }
            }
            idle.await;
        }
    }
}

impl State {
    fn add(&mut self, Notice { key, seq }: Notice, tried: bool) -> bool {
        if let Some((highest, was)) = self.waiting.get_mut(&key) {
            if seq > *highest {
                (*highest, *was) = (seq, tried);
            } else if seq == *highest {
                *was |= tried;
            }
            return true;
        }
        if self.waiting.len() >= CAPACITY {
            return false;
        }
        self.order.push_back(key.clone());
        self.waiting.insert(key, (seq, tried));
        true
    }

    fn take(&mut self, most: usize) -> Vec<Outgoing> {
        let count = self.order.len().min(most);
        let mut taken = Vec::with_capacity(count);
        for key in self.order.drain(..count) {
            let Some((seq, tried)) = self.waiting.remove(&key) else { continue };
            taken.push(Outgoing { notice: Notice { key, seq }, tried });
        }
        self.flying = taken.len();
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::domain::{ConversationId, TenantId};

    fn notice(name: &str, seq: u64) -> Notice {
        let key = ConversationKey::new(TenantId::public(), ConversationId::parse(name).unwrap());
        Notice { key, seq: Seq(seq) }
    }

    #[tokio::test]
    async fn one_entry_for_each_conversation_with_its_highest_seq() {
        let dirty = DirtySet::default();
        for (name, seq) in [("a", 2), ("b", 1), ("a", 9), ("a", 4)] {
            assert!(dirty.mark(notice(name, seq)));
        }
        let taken = dirty.take(10).await;
        assert_eq!(taken.iter().map(|one| one.notice.clone()).collect::<Vec<_>>(), [notice("a", 9), notice("b", 1)]);
        assert!(taken.iter().all(|one| !one.tried) && dirty.len() == 0);
    }

    #[tokio::test]
    async fn what_failed_goes_back_and_gives_way_to_what_is_newer() {
        let dirty = DirtySet::default();
        dirty.mark(notice("a", 1));
        dirty.mark(notice("b", 1));
        let mut taken = dirty.take(10).await;
        dirty.mark(notice("b", 2));
        for one in &mut taken {
            one.tried = true;
        }
        dirty.landed(taken);
        let again = dirty.take(10).await;
        let expected = |name, seq, tried| Outgoing { notice: notice(name, seq), tried };
        assert_eq!(again, [expected("b", 2, false), expected("a", 1, true)]);
    }

    #[tokio::test]
    async fn it_is_bounded_and_drained_at_the_end() {
        let dirty = DirtySet::default();
        for n in 0..CAPACITY + 10 {
            assert_eq!(dirty.mark(notice(&n.to_string(), 1)), n < CAPACITY);
        }
        assert!(dirty.mark(notice("0", 2)), "a known one still moves");
        let (drained, ()) = tokio::join!(dirty.drain(), async {
            while dirty.len() > 0 {
                dirty.take(1000).await;
                dirty.landed([]);
            }
        });
        let () = drained;
        assert!(!dirty.mark(notice("a", 1)));
    }
}
