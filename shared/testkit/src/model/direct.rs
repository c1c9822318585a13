//! The model behind the port, without a socket.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use shared::domain::Usage;
use shared::ports::{ChatError, ChatFinish, ChatModel, ChatProgress, ChatReply, ChatRequest};

use super::brain::{Brain, Question};

/// Answers at once, or fails as it is told to.
pub struct DirectModel {
    brain: Brain,
    state: Mutex<State>,
    takes: Duration,
    /// Between two pieces of an answer.
    pace: Duration,
}

#[derive(Default)]
struct State {
    faults: VecDeque<ChatError>,
    away: Option<ChatError>,
    calls: Vec<Question>,
    answered: u64,
    billed: Usage,
}

impl DirectModel {
    /// A good one, or one that obeys what it reads.
    #[must_use]
    pub fn new(obeys: bool) -> Self {
        Self { brain: Brain::new(obeys), state: Mutex::default(), takes: Duration::ZERO, pace: Duration::ZERO }
    }

    /// A good one that takes so long for each call.
    #[must_use]
    pub fn slow(takes: Duration) -> Self {
        Self { takes, ..Self::new(false) }
    }

    /// A good one that takes so long between two pieces of an answer.
    #[must_use]
    pub fn typing(pace: Duration) -> Self {
        Self { pace, ..Self::new(false) }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The next calls fail like this, one each.
    pub fn play(&self, faults: impl IntoIterator<Item = ChatError>) {
        self.state().faults.extend(faults);
    }

    /// All calls fail like this from now on; or none does.
    pub fn away(&self, error: Option<ChatError>) {
        self.state().away = error;
    }

    /// All questions so far, those that failed included.
    #[must_use]
    pub fn calls(&self) -> Vec<Question> {
        self.state().calls.clone()
    }

    /// How many questions were answered.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.state().answered
    }

    /// What all answers cost.
    #[must_use]
    pub fn billed(&self) -> Usage {
        self.state().billed
    }

    /// Tokens as the model counts them.
    #[must_use]
    pub fn tokens(&self, text: &str) -> u64 {
        self.brain.tokens(text)
    }
}

#[async_trait]
impl ChatModel for DirectModel {
    fn model(&self) -> compact_str::CompactString {
        "mock".into()
    }

    async fn complete(
        &self,
        request: &ChatRequest,
        progress: Option<&mut dyn ChatProgress>,
    ) -> Result<ChatReply, ChatError> {
        let question = Question {
            role: request.role.clone(),
            text: request.text.clone(),
            form: request.schema.name.to_owned(),
            schema: request.schema.text.clone(),
        };
        let fault = {
            let mut state = self.state();
            state.calls.push(question.clone());
            state.faults.pop_front().or_else(|| state.away.clone())
        };
        if !self.takes.is_zero() {
            tokio::time::sleep(self.takes).await;
        }
        if let Some(fault) = fault {
            return Err(fault);
        }
        let text = self.brain.answer(&question);
        if let Some(progress) = progress {
            for end in (0..text.len()).step_by(16).filter(|end| text.is_char_boundary(*end)) {
                progress.so_far(&text[..end]);
                if !self.pace.is_zero() {
                    tokio::time::sleep(self.pace).await;
                }
            }
            progress.so_far(&text);
        }
        let usage = Usage { tokens_in: self.brain.asked(&question), tokens_out: self.brain.tokens(&text) };
        let mut state = self.state();
        state.answered += 1;
        state.billed.tokens_in += usage.tokens_in;
        state.billed.tokens_out += usage.tokens_out;
        Ok(ChatReply { text, usage: Some(usage), finish: ChatFinish::Stop })
    }
}
