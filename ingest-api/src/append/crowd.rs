//! How long a lane's commit waits for those who come again (append). Laws: a request that comes alone waits for nothing,
//! and nobody waits longer than half of what the last commit took, or [`AT_MOST`].
//!
//! A commit costs the database the same few commands however much it holds. With many callers, half of them are answered
//! by a commit while the other half wait for the next one, and so they would take turns for ever, in commits half as
//! large as they could be. So a commit waits until as many have come as the last one answered and left waiting.

use std::time::Duration;

use tokio::time::Instant;

/// However long the last commit took.
const AT_MOST: Duration = Duration::from_millis(5);
/// Of what the last commit took: one part in so many.
const PART: u32 = 2;

/// Who is expected.
#[derive(Default)]
pub(super) struct Crowd {
    expected: usize,
    until: Option<Instant>,
}

impl Crowd {
    /// A commit has ended that took so long and answered so many requests, while others came.
    pub(super) fn answered(&mut self, took: Duration, requests: usize, waiting: usize) {
        self.expected = requests + waiting;
        self.until = Some(Instant::now() + (took / PART).min(AT_MOST));
    }

    /// Until when the next commit waits for more than so many requests.
    pub(super) fn waits(&self, requests: usize) -> Option<Instant> {
        self.until.filter(|until| requests < self.expected && *until > Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    #[tokio::test(start_paused = true)]
    async fn those_who_were_answered_are_expected_beside_those_who_wait() {
        let mut crowd = Crowd::default();
        assert_eq!(crowd.waits(1), None, "nobody was answered yet");
        crowd.answered(LONG, 15, 17);
        assert_eq!(crowd.waits(31), Some(Instant::now() + AT_MOST));
        assert_eq!(crowd.waits(32), None);
        tokio::time::advance(AT_MOST).await;
        assert_eq!(crowd.waits(1), None, "they stay away");
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_alone_is_not_kept_waiting() {
        let mut crowd = Crowd::default();
        crowd.answered(LONG, 1, 0);
        assert_eq!(crowd.waits(1), None);
        crowd.answered(Duration::from_millis(2), 8, 0);
        assert_eq!(crowd.waits(1), Some(Instant::now() + Duration::from_millis(1)), "half of a short commit");
    }
}
