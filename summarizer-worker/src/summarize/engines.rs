//! Which engine writes summaries, and which one when it cannot.

use std::sync::Arc;
use std::time::Duration;

use shared::ports::{ChatModel, Ports, Summarizer};

use super::thrift::Thrift;
use crate::{LocalSummarizer, ModelConfig, ModelEngineError, ModelSummarizer};

/// The engines of a process.
#[derive(Clone)]
pub struct Engines {
    /// The one that is wanted.
    pub wanted: Arc<dyn Summarizer>,
    /// Answers where the wanted one fails; what it writes is marked, and made again later. `None`: nobody does, and
    /// failures are tried again.
    pub fallback: Option<Arc<dyn Summarizer>>,
    /// How often what the fallback wrote is tried again.
    pub redo_interval: Duration,
    /// How much has to be new; `None` where a summary costs nothing.
    pub(crate) thrift: Option<Thrift>,
}

impl Engines {
    /// One engine with nobody to take its place.
    fn alone(wanted: Arc<dyn Summarizer>) -> Self {
        Self { wanted, fallback: None, redo_interval: Duration::ZERO, thrift: None }
    }

    /// The model, if there is one; else the local engine.
    pub fn of(chat: Option<Arc<dyn ChatModel>>, ports: &Ports, config: &ModelConfig) -> Result<Self, ModelEngineError> {
        match chat {
            Some(chat) => Ok(Self::model(ModelSummarizer::new(chat, ports, config)?, config)),
            None => Ok(Arc::new(LocalSummarizer).into()),
        }
    }

    /// A model, for which the local engine answers where it fails.
    #[must_use]
    pub fn model(model: ModelSummarizer, config: &ModelConfig) -> Self {
        let fallback: Arc<dyn Summarizer> = Arc::new(LocalSummarizer);
        let engines = Self { fallback: Some(fallback), ..Self::alone(Arc::new(model)) };
        Self { redo_interval: config.llm_redo_interval, ..engines.thrifty(config) }
    }

    /// What is new waits until it is worth a call.
    #[must_use]
    pub fn thrifty(self, config: &ModelConfig) -> Self {
        Self { thrift: Some(Thrift::of(config)), ..self }
    }
}

impl<S: Summarizer> From<Arc<S>> for Engines {
    fn from(wanted: Arc<S>) -> Self {
        Self::alone(wanted)
    }
}

impl From<Arc<dyn Summarizer>> for Engines {
    fn from(wanted: Arc<dyn Summarizer>) -> Self {
        Self::alone(wanted)
    }
}
