//! The port over async-openai.

use std::time::Duration;

use async_openai::Client;
use async_trait::async_trait;
use compact_str::CompactString;
use futures_util::StreamExt as _;
use serde_json::Value;
use shared::ports::{ChatError, ChatModel, ChatProgress, ChatReply, ChatRequest};
use thiserror::Error;

use super::answer::Answer;
use super::config::OpenAiSettings;
use super::dialect::{Dialect, Known};
use super::endpoint::Endpoint;
use super::failure::{self, Complaint, Failure};
use super::question::Question;
use super::transport::{self, ClientError, Exchange};

/// A model behind an OpenAI-compatible endpoint.
pub struct OpenAiChat {
    client: Client<Endpoint>,
    model: CompactString,
    dialect: Known,
}

/// Why there is no model.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The settings cannot be used.
    #[error("OPENAI_API_KEY must be one word of printable characters, and OPENAI_BASE_URL an address")]
    Settings,
    /// No HTTP client.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl OpenAiChat {
    /// The model that settings name. Nothing is sent yet.
    pub fn new(settings: &OpenAiSettings) -> Result<Self, ModelError> {
        let endpoint = Endpoint::new(settings.base_url(), settings.key()).ok_or(ModelError::Settings)?;
        let client = transport::client(settings.openai_connect_timeout)?;
        let exchange = Exchange::new(client.clone());
        Ok(Self {
            client: Client::build(client, endpoint).with_http_service(exchange),
            model: CompactString::new(&settings.openai_model),
            dialect: Known::new(),
        })
    }

    /// Asks in one dialect.
    async fn ask(
        &self,
        request: &ChatRequest,
        dialect: Dialect,
        progress: Option<&mut dyn ChatProgress>,
    ) -> Result<ChatReply, Refused> {
        let mut answer = Answer::default();
        let Some(progress) = progress.filter(|_| dialect.stream) else {
            let question = Question::new(&self.model, request, dialect, false);
            let reply: Value = self.client.chat().create_byot(&question).await.map_err(refused)?;
            answer.take(&reply)?;
            return Ok(answer.done(false)?);
        };
        let question = Question::new(&self.model, request, dialect, true);
        let mut stream = self.client.chat().create_stream_byot::<_, Value>(&question).await.map_err(refused)?;
        while let Some(chunk) = stream.next().await {
            if answer.take(&chunk.map_err(failure::error)?)? {
                progress.so_far(answer.so_far());
            }
        }
        Ok(answer.done(true)?)
    }

    async fn ask_in_turn(
        &self,
        request: &ChatRequest,
        mut progress: Option<&mut dyn ChatProgress>,
    ) -> Result<ChatReply, ChatError> {
        let mut dialect = self.dialect.now();
        loop {
            let progress = progress.as_mut().map(|progress| &mut **progress as &mut dyn ChatProgress);
            match self.ask(request, dialect, progress).await {
                Ok(reply) => {
                    self.dialect.understood();
                    return Ok(reply);
                }
                Err(Refused::Form(status, complaint)) => {
                    let meaning = failure::meaning(status, &complaint, None);
                    if !matches!(meaning, ChatError::Rejected(_)) {
                        return Err(meaning);
                    }
                    let Some(next) = self.dialect.refused(dialect, &complaint) else { return Err(meaning) };
                    dialect = next;
                }
                Err(Refused::Call(error)) => return Err(error),
            }
        }
    }
}

/// A call that failed: perhaps because of its form.
enum Refused {
    Form(u16, Complaint),
    Call(ChatError),
}

impl From<ChatError> for Refused {
    fn from(error: ChatError) -> Self {
        Self::Call(error)
    }
}

fn refused(error: async_openai::error::OpenAIError) -> Refused {
    use async_openai::error::OpenAIError;
    match error {
        OpenAIError::Boxed(boxed) => match boxed.downcast::<Failure>() {
            Ok(failure) => match *failure {
                Failure::Status(status @ (400 | 415 | 422 | 501), complaint, _) => Refused::Form(status, complaint),
                failure => Refused::Call(failure::failed(failure)),
            },
            Err(boxed) => Refused::Call(failure::error(OpenAIError::Boxed(boxed))),
        },
        error => Refused::Call(failure::error(error)),
    }
}

#[async_trait]
impl ChatModel for OpenAiChat {
    fn model(&self) -> CompactString {
        self.model.clone()
    }

    async fn complete(
        &self,
        request: &ChatRequest,
        progress: Option<&mut dyn ChatProgress>,
    ) -> Result<ChatReply, ChatError> {
        let limit = request.limit.max(Duration::from_millis(1));
        match tokio::time::timeout(limit, self.ask_in_turn(request, progress)).await {
            Ok(result) => result,
            Err(_) => Err(failure::too_slow()),
        }
    }
}
