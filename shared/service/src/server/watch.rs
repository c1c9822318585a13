//! What a connection is doing and since when. Law: watching costs a request no timer, only a few stores.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The first byte of all.
    Fresh = 0,
    /// The rest of the head of a request.
    Head = 1,
    /// The handler; it has a limit of its own.
    Busy = 2,
    /// The client: to read the answer, or to send another request.
    Idle = 3,
}

/// The phase and when it began, shared by the three sides of one connection: socket, service, timer.
#[derive(Debug)]
pub(super) struct Watch {
    born: Instant,
    /// Milliseconds since `born`, times four, plus the phase.
    state: AtomicU64,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self { born: Instant::now(), state: AtomicU64::new(Phase::Fresh as u64) }
    }

    /// Bytes came.
    pub(super) fn has_read(&self) {
        match self.phase() {
            // The time counts from the accept, so the moment stays.
            Phase::Fresh => self.state.store(Phase::Head as u64, Ordering::Relaxed),
            Phase::Idle => self.set(Phase::Head),
            Phase::Head | Phase::Busy => {}
        }
    }

    /// Bytes went: an answer that is being read does not time out.
    pub(super) fn has_written(&self) {
        if self.phase() == Phase::Idle {
            self.set(Phase::Idle);
        }
    }

    /// The head is whole.
    pub(super) fn is_called(&self) {
        // When it began is not needed, since this phase has no limit here.
        self.state.store(Phase::Busy as u64, Ordering::Relaxed);
    }

    /// The handler has answered.
    pub(super) fn has_answered(&self) {
        self.set(Phase::Idle);
    }

    pub(super) fn phase(&self) -> Phase {
        match self.state.load(Ordering::Relaxed) % 4 {
            0 => Phase::Fresh,
            1 => Phase::Head,
            2 => Phase::Busy,
            _ => Phase::Idle,
        }
    }

    fn set(&self, phase: Phase) {
        let millis = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX / 8);
        self.state.store(millis * 4 + phase as u64, Ordering::Relaxed);
    }

    /// When the present phase is over its limit; a busy connection has none.
    pub(super) fn deadline(&self, header_timeout: Duration, idle_timeout: Duration) -> Option<Instant> {
        let began = self.born + Duration::from_millis(self.state.load(Ordering::Relaxed) / 4);
        match self.phase() {
            Phase::Fresh | Phase::Head => Some(began + header_timeout),
            Phase::Busy => None,
            Phase::Idle => Some(began + idle_timeout),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_goes_through_its_phases() {
        let watch = Watch::new();
        assert_eq!(watch.phase(), Phase::Fresh);
        watch.has_read();
        assert_eq!(watch.phase(), Phase::Head);
        watch.is_called();
        watch.has_read();
        assert_eq!(watch.phase(), Phase::Busy);
        watch.has_answered();
        watch.has_written();
        assert_eq!(watch.phase(), Phase::Idle);
        watch.has_read();
        assert_eq!(watch.phase(), Phase::Head);
        watch.has_written();
        assert_eq!(watch.phase(), Phase::Head);
    }

    #[test]
    fn limits_count_from_the_start_of_the_phase() {
        let watch = Watch::new();
        let (head, idle) = (Duration::from_secs(10), Duration::from_secs(75));
        assert_eq!(watch.deadline(head, idle), Some(watch.born + head));
        watch.is_called();
        assert_eq!(watch.deadline(head, idle), None);
        watch.state.store(5000 * 4 + Phase::Idle as u64, Ordering::Relaxed);
        assert_eq!(watch.deadline(head, idle), Some(watch.born + Duration::from_secs(80)));
    }
}
