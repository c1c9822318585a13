//! Announcements, without an end: what was missed is said, and a lost subscription is made anew.

use std::sync::Arc;
use std::time::Duration;

use shared::ports::{Announcement, EventBus};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{Instant, sleep_until, timeout};

const RETRY: Duration = Duration::from_secs(1);
const SUBSCRIBE: Duration = Duration::from_secs(5);

/// What was heard.
#[derive(Debug)]
pub enum Heard {
    /// One announcement.
    One(Announcement),
    /// Some were missed: look at the views.
    Missed,
}

/// Hears all announcements of the bus.
pub struct Announcements {
    bus: Arc<dyn EventBus>,
    receiver: Option<Receiver<Announcement>>,
    retry_at: Instant,
}

impl Announcements {
    /// Of this bus. Subscribes when first listened to.
    #[must_use]
    pub fn new(bus: Arc<dyn EventBus>) -> Self {
        Self { bus, receiver: None, retry_at: Instant::now() }
    }

    /// The next one. Loses nothing when it is dropped before it is ready.
    pub async fn next(&mut self) -> Heard {
        loop {
            let Some(receiver) = &mut self.receiver else {
                sleep_until(self.retry_at).await;
                self.retry_at = Instant::now() + RETRY;
                match timeout(SUBSCRIBE, self.bus.announcements()).await {
                    Ok(Ok(receiver)) => {
                        self.receiver = Some(receiver);
                        return Heard::Missed;
                    }
                    Ok(Err(error)) => tracing::warn!(hop = "push", error = %error, "no announcements for now"),
                    Err(_) => tracing::warn!(hop = "push", "no announcements for now: the bus does not answer"),
                }
                continue;
            };
            match receiver.recv().await {
                Ok(announcement) => return Heard::One(announcement),
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(hop = "push", missed, "announcements were missed");
                    return Heard::Missed;
                }
                Err(RecvError::Closed) => self.lost(),
            }
        }
    }

    /// One that is there already.
    pub fn waiting(&mut self) -> Option<Heard> {
        match self.receiver.as_mut()?.try_recv() {
            Ok(announcement) => Some(Heard::One(announcement)),
            Err(TryRecvError::Lagged(_)) => Some(Heard::Missed),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Closed) => {
                self.lost();
                None
            }
        }
    }

    fn lost(&mut self) {
        self.receiver = None;
        self.retry_at = Instant::now() + RETRY;
    }
}
