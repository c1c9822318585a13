//! The connection: whether it is up, and what was last said about it. Law: it is sought for ever, and whoever waits
//! for it waits for a limited time.

use std::time::Duration;

use async_nats::Event;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::failure::NatsFailure;

/// While it is away, so often a line says so.
const SAY_SO: Duration = Duration::from_secs(5);
/// The longest pause between two attempts to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// Each connection has a number of its own: what was begun on one is not relied on in the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Epoch(u64);

/// What is known of the connection.
pub(super) struct Link {
    /// The number of the connection while it is up.
    up: watch::Sender<Option<Epoch>>,
    last: Mutex<(Epoch, String)>,
}

impl Link {
    pub(super) fn new() -> Self {
        Self { up: watch::Sender::new(None), last: Mutex::new((Epoch(0), "no answer yet".to_owned())) }
    }

    /// Told by the driver, in order.
    pub(super) fn happened(&self, event: &Event) {
        match event {
            // Messages were dropped: all that listens begins anew, as after a lost connection.
            Event::Connected | Event::SlowConsumer(_) => {
                let mut last = self.last.lock();
                last.0 = Epoch(last.0.0 + 1);
                self.up.send_replace(Some(last.0));
            }
            Event::Disconnected => {
                "the connection was lost".clone_into(&mut self.last.lock().1);
                self.up.send_replace(None);
            }
            Event::Closed => {
                self.up.send_replace(None);
            }
            Event::ServerError(_) | Event::ClientError(_) => self.last.lock().1 = event.to_string(),
            Event::LameDuckMode | Event::Draining => {}
        }
    }

    /// The connection, if it is up now.
    pub(super) fn now(&self) -> Option<Epoch> {
        *self.up.borrow()
    }

    /// Why it is not up.
    pub(super) fn away(&self) -> NatsFailure {
        NatsFailure::Away(self.last.lock().1.clone())
    }

    /// Waits until it is up.
    pub(super) async fn up(&self) -> Epoch {
        let mut up = self.up.subscribe();
        loop {
            if let Some(epoch) = *up.borrow_and_update() {
                return epoch;
            }
            // The sender lives as long as `self`.
            let _ = up.changed().await;
        }
    }

    /// Waits until it is up, at most until `deadline`.
    pub(super) async fn up_by(&self, deadline: Instant) -> Result<Epoch, NatsFailure> {
        timeout_at(deadline, self.up()).await.map_err(|_| self.away())
    }

    /// Waits until this connection is no more.
    pub(super) async fn left(&self, epoch: Epoch) {
        let mut up = self.up.subscribe();
        while *up.borrow_and_update() == Some(epoch) {
            let _ = up.changed().await;
        }
    }

    /// Says in the log how it stands, until the bus is closed.
    pub(super) async fn tell(&self, servers: &str, closing: &CancellationToken) {
        let mut up = self.up.subscribe();
        loop {
            let now = *up.borrow_and_update();
            if now.is_some() {
                tracing::info!(servers, "connected to NATS");
            } else {
                tracing::warn!(servers, reason = self.last.lock().1, "NATS is away, trying again");
            }
            tokio::select! {
                () = closing.cancelled() => return,
                changed = up.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(SAY_SO), if now.is_none() => {}
            }
        }
    }
}

/// How long to wait before an attempt to connect: the second at once, later ones ever longer, each a little
/// different, so that not all processes come back at the same moment.
pub(super) fn pause(attempt: usize) -> Duration {
    if attempt <= 1 {
        return Duration::ZERO;
    }
    let doubled = u32::try_from(attempt - 2).unwrap_or(u32::MAX).min(16);
    let longest = (Duration::from_millis(20) * (1 << doubled)).min(LONGEST_PAUSE);
    longest.mul_f64(rand::random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_connection_is_another_one() {
        let link = Link::new();
        assert_eq!(link.now(), None);
        link.happened(&Event::Connected);
        let first = link.up().await;
        link.happened(&Event::Disconnected);
        link.left(first).await;
        assert_eq!(link.now(), None);
        link.happened(&Event::Connected);
        assert!(link.up().await > first);
    }

    #[test]
    fn pauses_grow_to_their_limit() {
        assert_eq!(pause(1), Duration::ZERO);
        assert!(pause(2) <= Duration::from_millis(20));
        for attempt in [20, 1000, usize::MAX] {
            assert!(pause(attempt) >= LONGEST_PAUSE / 2 && pause(attempt) <= LONGEST_PAUSE);
        }
    }
}
