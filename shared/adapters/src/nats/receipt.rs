//! Notices in workers' hands. Law: while a worker holds one, the server hears that it is worked on; dropped, it goes
//! back; and a conversation that was put off stays put off, whatever comes meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Message, Subject};
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use shared::domain::ConversationKey;
use shared::ports::event_bus::Receipt;
use shared::ports::{Delivery, Notice};
use tokio::time::{Instant, interval};

use super::jetstream::ACK_WAIT;
use super::session::{Born, Session};

/// A dropped notice comes again after this long.
const DROPPED: Duration = Duration::from_millis(100);
/// Conversations that are put off at the same time. More come too early.
const PUT_OFF: usize = 65_536;

/// All notices that workers of this process hold.
pub(super) struct Held {
    session: Arc<Session>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    /// Where progress is told, and since when.
    held: HashMap<u64, (Subject, Instant)>,
    put_off: HashMap<ConversationKey, Instant>,
}

impl Held {
    pub(super) fn new(session: Arc<Session>) -> Self {
        Self { session, state: Mutex::default() }
    }

    /// A message as a delivery, unless it must wait or cannot be read.
    pub(super) fn take(self: &Arc<Self>, message: &Message, born: Born) -> Option<Delivery> {
        let reply = message.reply.clone()?;
        let Ok(notice) = serde_json::from_slice::<Notice>(&message.payload) else {
            tracing::error!(subject = %message.subject, "a message on a subject of notices is none; it is dropped");
            self.session.send_at_once(reply, Bytes::from_static(b"+TERM"));
            return None;
        };
        let now = Instant::now();
        let mut state = self.state.lock();
        if let Some(until) = state.put_off.get(&notice.key).copied() {
            if until > now {
                drop(state);
                self.session.send_at_once(reply, nak(until - now));
                return None;
            }
            state.put_off.remove(&notice.key);
        }
        let id = state.next;
        state.next += 1;
        state.held.insert(id, (reply.clone(), now));
        drop(state);
        let key = notice.key.clone();
        let receipt = Box::new(InHand { all: Arc::clone(self), id, reply, born, key, settled: false });
        Some(Delivery { notice, receipt })
    }

    /// Tells of progress for ever.
    pub(super) async fn progress(self: Arc<Self>) {
        let mut ticks = interval(ACK_WAIT / 3);
        loop {
            ticks.tick().await;
            let now = Instant::now();
            let old = |(_, since): &&(Subject, Instant)| now.duration_since(*since) >= ACK_WAIT / 6;
            let due: Vec<Subject> =
                self.state.lock().held.values().filter(old).map(|(reply, _)| reply.clone()).collect();
            for reply in due {
                if self.session.send(reply, None, None, Bytes::from_static(b"+WPI")).await.is_err() {
                    break;
                }
            }
        }
    }

    fn put_off(&self, key: ConversationKey, delay: Duration) {
        let now = Instant::now();
        let mut state = self.state.lock();
        if state.put_off.len() >= PUT_OFF {
            state.put_off.retain(|_, until| *until > now);
        }
        if state.put_off.len() < PUT_OFF {
            state.put_off.insert(key, now + delay);
        }
    }
}

/// «Not now», always with a delay: without one the server would send it again at once, for ever.
fn nak(delay: Duration) -> Bytes {
    Bytes::from(format!("-NAK {{\"delay\":{}}}", delay.max(Duration::from_millis(1)).as_nanos()))
}

struct InHand {
    all: Arc<Held>,
    id: u64,
    reply: Subject,
    born: Born,
    key: ConversationKey,
    settled: bool,
}

impl InHand {
    /// Ends the progress; answers whether the server still knows what is meant.
    fn settle(&mut self) -> bool {
        self.settled = true;
        self.all.state.lock().held.remove(&self.id);
        self.all.session.born().is_none_or(|born| born == self.born)
    }

    /// An answer that does not arrive costs one more delivery.
    async fn say(&self, what: Bytes) {
        if let Err(failure) = self.all.session.send(self.reply.clone(), None, None, what).await {
            tracing::debug!(hop = "project", %failure, "a notice could not be acknowledged and will come again");
        }
    }
}

#[async_trait]
impl Receipt for InHand {
    async fn ack(mut self: Box<Self>) {
        if self.settle() {
            self.say(Bytes::from_static(b"+ACK")).await;
        }
    }

    async fn retry_later(mut self: Box<Self>, delay: Duration) {
        self.all.put_off(self.key.clone(), delay);
        if self.settle() {
            self.say(nak(delay)).await;
        }
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        if !self.settled && self.settle() {
            self.all.session.send_at_once(self.reply.clone(), nak(DROPPED));
        }
    }
}
