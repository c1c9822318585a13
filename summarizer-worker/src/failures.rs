//! Conversations that keep failing, counted in the store so that every worker sees the same number.
//!
//! Law: what fails is tried again later, each time after a longer wait, and never forgotten silently.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use shared::domain::ConversationKey;
use shared::ports::{DeadLetter, Ports};
use tokio::time::Instant;

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// More conversations than this that fail at once are still counted; only their success is not noted.
const KNOWN: usize = 100_000;

/// Counts failures of one hop.
pub(crate) struct Failures {
    ports: Ports,
    hop: &'static str,
    attempts: u32,
    /// Conversations that failed, and until when another failure is still the same one.
    known: Mutex<HashMap<ConversationKey, Instant>>,
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Try again after this long.
    Retry(Duration),
    /// It failed too often: a dead letter.
    Dead,
}

impl Failures {
    pub(crate) fn new(ports: Ports, hop: &'static str, attempts: u32) -> Self {
        Self { ports, hop, attempts, known: Mutex::default() }
    }

    /// Learns which conversations had failed before this process began.
    pub(crate) async fn recall(&self) {
        match self.ports.views.dead_letters(1, KNOWN).await {
            Ok(letters) => {
                let own = letters.into_iter().filter(|letter| letter.hop == self.hop);
                let now = Instant::now();
                self.known.lock().extend(own.map(|letter| (letter.key, now)));
            }
            Err(error) => tracing::warn!(%error, "earlier failures are not known"),
        }
    }

    /// Counts a failure, unless one was counted and its wait is not over: several ways lead to a conversation.
    /// `reason` holds no text of the conversation.
    pub(crate) async fn failed(&self, key: &ConversationKey, reason: &str) -> Verdict {
        let now = Instant::now();
        if let Some(until) = self.known.lock().get(key).filter(|until| **until > now) {
            return Verdict::Retry(*until - now);
        }
        let letter = DeadLetter {
            key: key.clone(),
            hop: self.hop.to_owned(),
            reason: reason.to_owned(),
            at: self.ports.clock.now(),
            attempts: 1,
        };
        let attempts = match self.ports.views.failed(&letter).await {
            Ok(attempts) => attempts,
            Err(error) => {
                tracing::warn!(%error, hop = self.hop, "a failure could not be counted");
                return Verdict::Retry(LONGEST_WAIT);
            }
        };
        let delay = wait(attempts);
        let mut known = self.known.lock();
        if known.len() < KNOWN || known.contains_key(key) {
            known.insert(key.clone(), now + delay);
        }
        drop(known);
        if attempts >= self.attempts {
            tracing::error!(hop = self.hop, ?key, attempts, reason, "dead letter: see `recap check --repair`");
            return Verdict::Dead;
        }
        tracing::warn!(hop = self.hop, ?key, attempts, reason, "failed, will be tried again");
        Verdict::Retry(delay)
    }

    /// Forgets a conversation's failures, if it had any.
    pub(crate) async fn succeeded(&self, key: &ConversationKey) {
        let Some(until) = self.known.lock().remove(key) else { return };
        if let Err(error) = self.ports.views.succeeded(key).await {
            tracing::warn!(%error, hop = self.hop, "a success could not be noted");
            self.known.lock().insert(key.clone(), until);
        }
    }
}

/// How long to wait after so many failures in a row: doubled each time, at most a minute.
pub(crate) fn wait(attempts: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_minute() {
        assert_eq!(wait(1), Duration::from_millis(500));
        assert_eq!(wait(3), Duration::from_secs(2));
        assert_eq!(wait(40), LONGEST_WAIT);
    }
}
