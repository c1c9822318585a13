//! How long a lane's commit waits for those who come again (append). Laws: where one came alone, the next one waits for
//! nothing; nobody waits longer than half of what the last commit took, or [`AT_MOST`], and no longer than a quarter of
//! that where it has gone quiet.
//!
//! A commit costs the database the same few commands however much it holds. With many callers, half of them are answered
//! by a commit while the other half wait for the next one, and so they would take turns for ever, in commits half as
//! large as they could be. So a commit waits until as many have come as the last one answered and left waiting.

use std::time::Duration;

use tokio::time::Instant;

/// However long the last commit took.
const AT_MOST: Duration = Duration::from_millis(5);
/// Of what the last commit took, the next one waits one part in so many.
const PART: u32 = 2;
/// Requests that were answered together come again together: of that, it waits for the next of them one part in so many.
const QUIET: u32 = 4;

/// Who is expected.
#[derive(Default)]
pub(super) struct Crowd {
    expected: usize,
    /// Until when they are, and how long the next one of them may stay away.
    patience: Option<(Instant, Duration)>,
}

impl Crowd {
    /// A commit has ended that took so long and answered so many requests, while others came.
    pub(super) fn answered(&mut self, now: Instant, took: Duration, requests: usize, waiting: usize) {
        self.expected = requests + waiting;
        let all = (took / PART).min(AT_MOST);
        self.patience = Some((now + all, all / QUIET));
    }

    /// Until when the next commit, for which so many are there, waits for one more.
    pub(super) fn waits(&self, now: Instant, requests: usize) -> Option<Instant> {
        let (until, quiet) = self.patience.filter(|_| requests < self.expected)?;
        (until > now).then(|| until.min(now + quiet))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    #[test]
    fn those_who_were_answered_are_expected_beside_those_who_wait() {
        let mut crowd = Crowd::default();
        let now = Instant::now();
        assert_eq!(crowd.waits(now, 1), None, "nobody was answered yet");
        crowd.answered(now, LONG, 15, 17);
        assert_eq!(crowd.waits(now, 31), Some(now + AT_MOST / 4));
        assert_eq!(crowd.waits(now, 32), None);
        assert_eq!(crowd.waits(now + AT_MOST * 7 / 8, 31), Some(now + AT_MOST), "the rest of the time");
        assert_eq!(crowd.waits(now + AT_MOST, 1), None, "they stay away");
    }

    #[test]
    fn who_comes_alone_is_not_kept_waiting() {
        let mut crowd = Crowd::default();
        let now = Instant::now();
        crowd.answered(now, LONG, 1, 0);
        assert_eq!(crowd.waits(now, 1), None);
        let took = Duration::from_millis(2);
        crowd.answered(now, took, 8, 0);
        assert_eq!(crowd.waits(now + took * 9 / 20, 1), Some(now + took / 2), "half of a short commit");
    }
}
