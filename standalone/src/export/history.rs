//! Conversations and their messages, as the API gives them.

use serde::Deserialize;
use serde_json::value::RawValue;
use shared::domain::Timestamp;

/// A page of messages.
#[derive(Debug, Deserialize)]
pub(crate) struct HistoryPage {
    pub(crate) messages: Vec<HistoryMessage>,
    #[serde(default)]
    pub(crate) next_cursor: Option<String>,
}

/// A message.
#[derive(Debug, Deserialize)]
pub(crate) struct HistoryMessage {
    pub(crate) content: String,
    pub(crate) timestamp: Timestamp,
    pub(crate) user_id: String,
    pub(crate) seq: u64,
    #[serde(default)]
    pub(crate) message_id: Option<String>,
    #[serde(default)]
    pub(crate) metadata: Option<Box<RawValue>>,
}

/// A page of conversations.
#[derive(Debug, Deserialize)]
pub(crate) struct ListPage {
    pub(crate) conversations: Vec<ListRow>,
    pub(crate) total_pages: u64,
}

/// A conversation.
#[derive(Debug, Deserialize)]
pub(crate) struct ListRow {
    pub(crate) conversation_id: String,
    #[serde(default)]
    pub(crate) ended: Option<String>,
}

impl ListRow {
    /// Whether somebody ended it. One that nobody wrote to ends by itself, wherever it is.
    pub(crate) fn was_ended(&self) -> bool {
        self.ended.as_deref() == Some("requested")
    }
}
