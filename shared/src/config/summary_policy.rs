//! When a new summary is made unasked, and when a conversation ends by itself.

use std::time::Duration;

use clap::Args;

use crate::domain::{Timestamp, Trigger};

/// When summaries are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct SummaryPolicy {
    /// A new version after so many new messages
    #[arg(long, env = "SUMMARY_EVERY", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub summary_every: u64,
    /// A new version after a silence of this length
    #[arg(long, env = "SUMMARY_IDLE", default_value = "10s", value_parser = duration)]
    pub summary_idle: Duration,
    /// At least this long between two unasked versions of a conversation
    #[arg(long, env = "SUMMARY_MIN_INTERVAL", default_value = "30s", value_parser = duration)]
    pub summary_min_interval: Duration,
    /// A conversation ends after this long without a message; 0 = never
    #[arg(long, env = "CONVERSATION_IDLE_END", default_value = "30m", value_parser = duration)]
    pub conversation_idle_end: Duration,
}

impl Default for SummaryPolicy {
    fn default() -> Self {
        Self {
            summary_every: 20,
            summary_idle: Duration::from_secs(10),
            summary_min_interval: Duration::from_secs(30),
            conversation_idle_end: Duration::from_mins(30),
        }
    }
}

/// Reads `10s`, `30m`, `1h 30m`; a plain `0` is zero.
pub fn duration(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    humantime::parse_duration(text).map_err(|error| format!("{error}; write a duration as 10s or 30m"))
}

/// What the policy looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SummaryNeed {
    /// Messages that the newest summary does not cover.
    pub uncovered: u64,
    /// When the last record was received.
    pub last_received: Timestamp,
    /// Whether the conversation has ended.
    pub ended: bool,
    /// When the newest summary was made.
    pub last_summary: Option<Timestamp>,
    /// Whether there was a summary, made from what has been edited or erased since.
    pub retracted: bool,
}

impl SummaryPolicy {
    /// From when on a new version is due, and why. `None` while nothing is uncovered.
    #[must_use]
    pub fn due(&self, need: &SummaryNeed) -> Option<(Timestamp, Trigger)> {
        if need.uncovered == 0 {
            return None;
        }
        if need.retracted {
            return Some((need.last_received, Trigger::Change));
        }
        if need.ended {
            return Some((need.last_received, Trigger::End));
        }
        let earliest = need.last_summary.map_or(Timestamp::MIN, |at| at.plus(self.summary_min_interval));
        if need.uncovered >= self.summary_every {
            return Some((need.last_received.max(earliest), Trigger::Count));
        }
        Some((need.last_received.plus(self.summary_idle).max(earliest), Trigger::Silence))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn need(uncovered: u64) -> SummaryNeed {
        SummaryNeed { uncovered, last_received: at(100), ended: false, last_summary: None, retracted: false }
    }

    #[test]
    fn nothing_new_is_never_due() {
        assert_eq!(SummaryPolicy::default().due(&SummaryNeed { ended: true, ..need(0) }), None);
    }

    #[test]
    fn count_silence_and_end() {
        let policy = SummaryPolicy::default();
        assert_eq!(policy.due(&need(20)), Some((at(100), Trigger::Count)));
        assert_eq!(policy.due(&need(19)), Some((at(110), Trigger::Silence)));
        assert_eq!(policy.due(&SummaryNeed { ended: true, ..need(1) }), Some((at(100), Trigger::End)));
    }

    #[test]
    fn unasked_versions_keep_their_distance_but_the_last_one_does_not_wait() {
        let policy = SummaryPolicy::default();
        let recent = SummaryNeed { last_summary: Some(at(95)), ..need(50) };
        assert_eq!(policy.due(&recent), Some((at(125), Trigger::Count)));
        assert_eq!(policy.due(&SummaryNeed { ended: true, ..recent }), Some((at(100), Trigger::End)));
    }

    #[test]
    fn a_summary_that_was_taken_back_is_made_anew_at_once() {
        let policy = SummaryPolicy::default();
        let need = SummaryNeed { retracted: true, ..need(1) };
        assert_eq!(policy.due(&need), Some((at(100), Trigger::Change)));
        assert_eq!(policy.due(&SummaryNeed { uncovered: 0, ..need }), None, "nothing is left");
    }

    #[test]
    fn durations_read_as_documented() {
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        assert_eq!(duration("30m"), Ok(Duration::from_mins(30)));
        assert!(duration("soon").is_err());
    }
}
