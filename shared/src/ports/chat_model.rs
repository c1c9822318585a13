//! Language models that answer one question in JSON (summarize).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use compact_str::CompactString;
use thiserror::Error;

use super::store_error::Source;
use crate::domain::Usage;

/// One model behind one endpoint.
///
/// Laws:
/// 1. A call is one try: nothing is repeated behind the caller's back, except to find out in what form the endpoint
///    takes a question, and such a try costs nothing.
/// 2. Every call ends within the request's limit.
/// 3. An answer is what the model wrote, unchecked. The role's text and the user's text are sent apart.
/// 4. Nothing of a question or an answer is logged.
#[async_trait]
pub trait ChatModel: Send + Sync + 'static {
    /// The model's name, as shown to users.
    fn model(&self) -> CompactString;

    /// Asks once. `progress` is told the whole text so far whenever some arrives.
    async fn complete(
        &self,
        request: &ChatRequest,
        progress: Option<&mut dyn ChatProgress>,
    ) -> Result<ChatReply, ChatError>;
}

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatRequest {
    /// What the model is to do: the only text that it may take instructions from.
    pub role: String,
    /// What it is to do it with.
    pub text: String,
    /// The form of the answer.
    pub schema: Arc<ReplySchema>,
    /// The most tokens that the answer may have.
    pub most_output: u32,
    /// The most time that this try may take.
    pub limit: Duration,
}

/// The form of an answer, in JSON Schema as "structured outputs" take it: all properties required, no others.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplySchema {
    /// Letters, digits and `_`.
    pub name: &'static str,
    /// The schema.
    pub schema: serde_json::Value,
    /// The same as text, for endpoints that know no schemas.
    pub text: String,
}

/// Told what has arrived of an answer.
pub trait ChatProgress: Send {
    /// The text so far, from its beginning.
    fn so_far(&mut self, text: &str);
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatReply {
    /// What the model wrote.
    pub text: String,
    /// What the endpoint says that it cost.
    pub usage: Option<Usage>,
    /// Why it ended.
    pub finish: ChatFinish,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatFinish {
    /// It was complete, or the endpoint does not say.
    Stop,
    /// The most tokens were reached.
    Length,
    /// The model would not answer, or a filter cut it off.
    Refused,
}

/// Why there is no answer, by what can be done about it.
#[derive(Debug, Clone, Error)]
pub enum ChatError {
    /// The endpoint refuses the key, the model or the account: for ever, until a person changes something.
    #[error("the model's endpoint refuses: {0}")]
    Refused(Refusal),
    /// The endpoint refuses this question only.
    #[error("the model's endpoint refuses this text (status {0})")]
    Rejected(u16),
    /// The text is longer than the model's context: ask with less.
    #[error("the text is too long for the model")]
    TooLarge,
    /// Too many calls or tokens: later, not before this time if one is named.
    #[error("the model's endpoint is busy")]
    Busy(Option<Duration>),
    /// Away, broken or too slow: later.
    #[error("the model's endpoint is not available: {what}")]
    Unavailable {
        /// What happened, without any text of the answer.
        what: &'static str,
        /// Not before this time, if one is named.
        after: Option<Duration>,
        /// Whether the call may have been paid for all the same.
        paid: bool,
        /// Why.
        #[source]
        source: Option<Source>,
    },
    /// What came cannot be an answer: another try may do better. It may have been paid for.
    #[error("the model's answer cannot be read: {0}")]
    Garbled(&'static str),
}

/// What an endpoint refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The key (401, 403).
    #[error("the key is not accepted")]
    Key,
    /// The model or the address (404, redirects).
    #[error("no such model or address")]
    Model,
    /// The account has no money left (402, `insufficient_quota`).
    #[error("the account has no budget left")]
    Account,
}

impl ChatError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Unavailable { .. } | Self::Garbled(_))
    }

    /// Whether the endpoint may have taken money for it.
    #[must_use]
    pub fn may_have_cost(&self) -> bool {
        matches!(self, Self::Unavailable { paid: true, .. } | Self::Garbled(_))
    }

    /// The time that the endpoint wants to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy(after) | Self::Unavailable { after, .. } => *after,
            _ => None,
        }
    }
}
