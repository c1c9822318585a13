//! One question asked until it is answered, or given up: limits, money, tries, and what is made of failures.
//!
//! Law: every call that is sent was reserved before and is settled after; a question ends within its deadline; what
//! one call finds out about the endpoint, all heed.

use std::sync::Arc;
use std::time::Duration;

use shared::domain::{TenantId, Usage};
use shared::ports::{
    ChatError, ChatFinish, ChatModel, ChatProgress, ChatReply, ChatRequest, IdSource, ReplySchema, SummarizerError,
};
use tokio::time::Instant;

use super::breaker::Breaker;
use super::config::ModelConfig;
use super::ledger::{Hold, Ledger};
use super::limits::Limits;
use super::prompts::Prompt;
use super::tokens::Tokens;

/// The wait before a second try is below this; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// A question ready to be asked.
pub(crate) struct Question<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) prompt: Prompt,
    pub(crate) role: String,
    pub(crate) text: String,
    pub(crate) schema: Arc<ReplySchema>,
    pub(crate) most_output: u32,
}

/// Asks questions of one endpoint.
pub(crate) struct Caller {
    pub(crate) model: Arc<dyn ChatModel>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) ledger: Ledger,
    pub(crate) tokens: Tokens,
    pub(crate) config: ModelConfig,
    limits: Limits,
    breaker: Breaker,
}

/// How a try ended.
enum Tried<T> {
    Answered(T),
    /// Another try may do better, not before this time.
    Failed(SummarizerError, Option<Duration>),
    GivenUp(SummarizerError),
}

impl Caller {
    pub(crate) fn new(
        model: Arc<dyn ChatModel>,
        ids: Arc<dyn IdSource>,
        ledger: Ledger,
        tokens: Tokens,
        config: ModelConfig,
    ) -> Self {
        let limits = Limits::new(config.llm_concurrency, config.llm_tokens_per_minute);
        Self { model, ids, ledger, tokens, config, limits, breaker: Breaker::default() }
    }

    /// Asks, and reads the answer with `read`; an answer that it makes nothing of is asked for again. Adds what all
    /// tries cost to `usage`.
    pub(crate) async fn ask<T>(
        &self,
        question: &Question<'_>,
        mut progress: Option<&mut dyn ChatProgress>,
        read: impl Fn(&str) -> Option<T>,
        usage: &mut Usage,
    ) -> Result<T, SummarizerError> {
        let counted = self.tokens.question(&[&question.role, &question.text, &question.schema.text]);
        if counted + u64::from(question.most_output) > u64::from(self.config.llm_context_tokens) {
            return Err(SummarizerError::TooLarge);
        }
        let deadline = Instant::now() + self.config.llm_deadline;
        for attempt in 1.. {
            let progress = progress.as_mut().map(|progress| &mut **progress as &mut dyn ChatProgress);
            let (error, after) = match self.try_once(question, counted, deadline, progress, &read, usage).await {
                Tried::Answered(answer) => return Ok(answer),
                Tried::GivenUp(error) => return Err(error),
                Tried::Failed(error, after) => (error, after),
            };
            let wait = self.jitter(attempt).max(after.unwrap_or_default());
            let in_time = Instant::now() + wait < deadline;
            if attempt >= self.config.llm_tries || !in_time || !self.limits.may_retry() {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
        }
        Err(SummarizerError::Unavailable(None))
    }

    async fn try_once<T>(
        &self,
        question: &Question<'_>,
        counted: u64,
        deadline: Instant,
        progress: Option<&mut dyn ChatProgress>,
        read: &impl Fn(&str) -> Option<T>,
        usage: &mut Usage,
    ) -> Tried<T> {
        if !self.breaker.admits(self.config.llm_timeout) {
            return Tried::GivenUp(SummarizerError::Unavailable(None));
        }
        let most = Usage { tokens_in: self.tokens.at_most(counted), tokens_out: u64::from(question.most_output) };
        let Some(_permit) = self.limits.enter(most.tokens_in + most.tokens_out, deadline).await else {
            self.breaker.undecided();
            return Tried::GivenUp(SummarizerError::Unavailable(None));
        };
        let hold = match self.ledger.reserve(question.tenant, most).await {
            Ok(Some(hold)) => hold,
            Ok(None) => {
                self.breaker.undecided();
                return Tried::GivenUp(SummarizerError::Cap);
            }
            Err(error) => {
                self.breaker.undecided();
                return Tried::GivenUp(SummarizerError::Unavailable(Some(Arc::new(error))));
            }
        };
        let request = ChatRequest {
            role: question.role.clone(),
            text: question.text.clone(),
            schema: Arc::clone(&question.schema),
            most_output: question.most_output,
            limit: self.config.llm_timeout.min(deadline - Instant::now()),
        };
        self.limits.called();
        let begun = Instant::now();
        let reply = self.model.complete(&request, progress).await;
        let outcome = outcome(&reply);
        metrics::counter!("recap_llm_calls_total", "prompt" => question.prompt.as_str(), "outcome" => outcome)
            .increment(1);
        metrics::histogram!("recap_llm_call_duration_seconds", "outcome" => outcome)
            .record(begun.elapsed().as_secs_f64());
        match reply {
            Ok(reply) => self.answered(reply, counted, hold, read, usage).await,
            Err(error) => self.failed(error, hold, most, usage).await,
        }
    }

    async fn answered<T>(
        &self,
        reply: ChatReply,
        counted: u64,
        hold: Hold,
        read: &impl Fn(&str) -> Option<T>,
        usage: &mut Usage,
    ) -> Tried<T> {
        // A count far beyond the text is a fault of the endpoint, and must not use up a tenant's day.
        let believed = reply.usage.filter(|usage| {
            usage.tokens_in <= counted.saturating_mul(4)
                && usage.tokens_out <= u64::from(self.config.llm_context_tokens) * 4
        });
        if let Some(reported) = believed {
            self.tokens.reported(counted, reported.tokens_in);
        }
        let cost = believed.unwrap_or_else(|| Usage {
            tokens_in: self.tokens.at_most(counted),
            tokens_out: self.tokens.count(&reply.text),
        });
        self.ledger.settle(hold, cost).await;
        charge(usage, cost);
        self.breaker.succeeded();
        match reply.finish {
            // The answer does not fit: less text has a shorter answer.
            ChatFinish::Length => return Tried::GivenUp(SummarizerError::TooLarge),
            ChatFinish::Refused => {
                return Tried::GivenUp(SummarizerError::Refused("the model would not answer".to_owned()));
            }
            ChatFinish::Stop => {}
        }
        match read(&reply.text) {
            Some(answer) => Tried::Answered(answer),
            None => {
                Tried::Failed(SummarizerError::Unavailable(Some(Arc::new(ChatError::Garbled("not of the form")))), None)
            }
        }
    }

    async fn failed<T>(&self, error: ChatError, hold: Hold, most: Usage, usage: &mut Usage) -> Tried<T> {
        if error.may_have_cost() {
            // The hold stands.
            charge(usage, most);
        } else {
            self.ledger.settle(hold, Usage::default()).await;
        }
        let after = error.retry_after().map(|after| after.min(self.config.llm_retry_after_max));
        match &error {
            ChatError::Refused(_) => {
                self.breaker.failed(true, None);
                tracing::error!(%error, "the model cannot be used: see OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL");
                Tried::GivenUp(SummarizerError::Refused(error.to_string()))
            }
            ChatError::Rejected(_) => {
                self.breaker.undecided();
                Tried::GivenUp(SummarizerError::Refused(error.to_string()))
            }
            ChatError::TooLarge => {
                self.breaker.undecided();
                Tried::GivenUp(SummarizerError::TooLarge)
            }
            ChatError::Busy(_) | ChatError::Unavailable { .. } | ChatError::Garbled(_) => {
                self.breaker.failed(false, after);
                tracing::warn!(%error, "a call of the model failed");
                Tried::Failed(SummarizerError::Unavailable(Some(Arc::new(error))), after)
            }
        }
    }

    /// A random wait between nothing and a bound that doubles ("full jitter").
    fn jitter(&self, attempt: u32) -> Duration {
        let bound = FIRST_WAIT.saturating_mul(1 << (attempt - 1).min(6));
        let random = self.ids.random();
        let share = f64::from(u32::from_be_bytes([random[0], random[1], random[2], random[3]])) / f64::from(u32::MAX);
        bound.mul_f64(share)
    }
}

fn charge(usage: &mut Usage, cost: Usage) {
    usage.tokens_in += cost.tokens_in;
    usage.tokens_out += cost.tokens_out;
    metrics::counter!("recap_llm_tokens_total", "direction" => "in").increment(cost.tokens_in);
    metrics::counter!("recap_llm_tokens_total", "direction" => "out").increment(cost.tokens_out);
}

fn outcome(reply: &Result<ChatReply, ChatError>) -> &'static str {
    match reply {
        Ok(ChatReply { finish: ChatFinish::Stop, .. }) => "answered",
        Ok(ChatReply { finish: ChatFinish::Length, .. }) => "cut",
        Ok(ChatReply { finish: ChatFinish::Refused, .. }) => "declined",
        Err(ChatError::Refused(_)) => "refused",
        Err(ChatError::Rejected(_)) => "rejected",
        Err(ChatError::TooLarge) => "too_large",
        Err(ChatError::Busy(_)) => "busy",
        Err(ChatError::Unavailable { .. }) => "unavailable",
        Err(ChatError::Garbled(_)) => "garbled",
    }
}
