//! When a model is asked about what is new: not before that is worth a call.
//!
//! A call sends its orders, the form of its answer and the summary so far, however little is new. So beside a summary
//! that is there, few new words wait: for more of them, for a silence, or for their time.
//!
//! Law: what waits is bounded in words, in messages and in time. The first summary, the end, a change of what a summary
//! tells of, and whoever asks do not wait.

use std::time::Duration;

use shared::domain::{Seq, Timestamp, Trigger};
use shared::ports::{ConversationRow, MessageLog, StoreError};

use crate::ModelConfig;

/// Records read at once,
const PAGE: usize = 64;
/// and so often at most: of more than that nothing waits.
const PAGES: usize = 8;

/// What new text has to come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Thrift {
    /// Tokens that are worth a call.
    least: u64,
    /// Fewer of them wait for a silence of this length,
    idle: Duration,
    /// or until the first of them is as old as this.
    longest: Duration,
}

/// What came since a summary.
struct New {
    first: Timestamp,
    tokens: u64,
}

impl Thrift {
    pub(crate) fn of(config: &ModelConfig) -> Self {
        Self { least: config.llm_min_new_tokens, idle: config.llm_idle, longest: config.llm_max_wait }
    }

    /// Until when a conversation waits if no more comes; `None` if it is worth a call now.
    pub(crate) async fn wait(
        &self,
        log: &dyn MessageLog,
        row: &ConversationRow,
        trigger: Trigger,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let waits = self.least > 0 && matches!(trigger, Trigger::Count | Trigger::Silence);
        let Some(pointer) = row.summary.filter(|_| waits) else { return Ok(None) };
        let Some(new) = self.few(log, row, pointer.covers.last_seq.next()).await? else { return Ok(None) };
        let until = row.view.received_at.plus(self.idle).min(new.first.plus(self.longest));
        Ok((until > now).then_some(until))
    }

    /// What came since, if that is less than is worth a call.
    async fn few(&self, log: &dyn MessageLog, row: &ConversationRow, mut from: Seq) -> Result<Option<New>, StoreError> {
        let mut new = New { first: row.view.received_at, tokens: 0 };
        for _ in 0..PAGES {
            let records = log.read(&row.key, from, PAGE).await?;
            let Some(last) = records.last() else { return Ok(Some(new)) };
            from = last.seq.next();
            for (record, posted) in records.iter().filter_map(|record| Some((record, record.posted()?))) {
                new.first = new.first.min(record.received_at);
                new.tokens += u64::from(posted.weight());
            }
            if new.tokens >= self.least {
                return Ok(None);
            }
            if from > row.view.last_message {
                return Ok(Some(new));
            }
        }
        Ok(None)
    }
}
