//! Summaries of files by the model: the worker's own runs, over a store that lasts as long as the command.
//!
//! Law: what a server checks and records is checked and recorded here; of the texts nothing stays behind.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::Parser;
use shared::config::SummaryPolicy;
use shared::domain::{ConversationId, ConversationKey, Seq, SummaryVersion, TenantId, Timestamp, UserId};
use shared::ports::{Append, ChatModel, Condition, Draft, Entry, Notice, Ports, SummarizeAsk, SummarizeReply};
use shared_adapters::{OpenAiChat, OpenAiSettings, StoreConfig, open};
use shared_service::Tasks;
use summarizer_worker::{Engines, ModelConfig, WorkerConfig};
use tempfile::TempDir;
use tokio::runtime::Handle;

/// Messages stored at once.
const BATCH: usize = 500;
/// The most time for one conversation.
const PATIENCE: Duration = Duration::from_hours(1);

/// The settings of the model, as a server reads them: from the environment and `.env`.
#[derive(Debug, Parser)]
#[command(name = "recap summarize")]
struct Settings {
    #[command(flatten)]
    endpoint: OpenAiSettings,
    #[command(flatten)]
    model: ModelConfig,
}

/// A worker with a store of its own.
pub(super) struct Desk {
    ports: Ports,
    tasks: Tasks,
    runtime: Handle,
    _folder: TempDir,
}

impl Desk {
    pub(super) async fn open() -> anyhow::Result<Arc<Self>> {
        let Settings { endpoint, model } = Settings::try_parse_from(["recap summarize"])?;
        ensure!(
            endpoint.is_set(),
            "there is no model: OPENAI_API_KEY or OPENAI_BASE_URL names one (docs/summaries.md)"
        );
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let ports = open(&StoreConfig::embedded(folder.path())).await?;
        let chat: Arc<dyn ChatModel> = Arc::new(OpenAiChat::new(&endpoint)?);
        let engines = Engines::of(Some(chat), &ports, &model)?;
        let policy = SummaryPolicy {
            summary_every: u64::MAX,
            summary_idle: PATIENCE,
            conversation_idle_end: Duration::ZERO,
            ..SummaryPolicy::default()
        };
        let tasks = Tasks::new();
        summarizer_worker::build(&ports, engines, &WorkerConfig { policy, ..WorkerConfig::default() }, &tasks);
        Ok(Arc::new(Self { ports, tasks, runtime: Handle::current(), _folder: folder }))
    }

    pub(super) async fn close(&self) {
        if let Err(error) = self.tasks.shutdown(Duration::from_secs(10)).await {
            tracing::debug!(%error, "not all came to its end");
        }
    }
}

/// A conversation as it is read, on the reading thread.
pub(super) struct Chat {
    desk: Arc<Desk>,
    key: ConversationKey,
    entries: Vec<Entry>,
    head: Seq,
}

impl Chat {
    pub(super) fn new(desk: &Arc<Desk>, number: usize) -> anyhow::Result<Self> {
        let conversation = ConversationId::parse(format!("{number}"))?;
        let key = ConversationKey::new(TenantId::public(), conversation);
        Ok(Self { desk: Arc::clone(desk), key, entries: Vec::new(), head: Seq::ZERO })
    }

    pub(super) fn push(&mut self, user: &str, content: &str, at: Timestamp) -> anyhow::Result<()> {
        let user = UserId::parse(user).with_context(|| format!("{user:?} cannot be the name of a user"))?;
        self.entries.push(Entry::Posted(Draft {
            user,
            message_id: None,
            content: content.into(),
            timestamp: Some(at),
            metadata: None,
            salt: self.desk.ports.ids.random(),
        }));
        if self.entries.len() >= BATCH { self.store() } else { Ok(()) }
    }

    fn store(&mut self) -> anyhow::Result<()> {
        let ports = &self.desk.ports;
        let append = Append {
            key: self.key.clone(),
            entries: std::mem::take(&mut self.entries),
            idempotency: None,
            received_at: ports.clock.now(),
            condition: Condition::Always,
        };
        let appended = self.desk.runtime.block_on(ports.log.append(vec![append])).pop();
        self.head = appended.context("nothing was stored")??.head;
        Ok(())
    }

    pub(super) fn finish(mut self) -> anyhow::Result<SummaryVersion> {
        if !self.entries.is_empty() {
            self.store()?;
        }
        let ports = &self.desk.ports;
        ports.bus.notify(Notice { key: self.key.clone(), seq: self.head });
        let ask = SummarizeAsk { key: self.key.clone(), at_least: self.head };
        let made = self.desk.runtime.block_on(async {
            match ports.bus.ask(ask, PATIENCE).await? {
                SummarizeReply::Stored { .. } => Ok(ports.views.newest_summary(&self.key).await?),
                SummarizeReply::Gone | SummarizeReply::Failed => bail!("no summary could be made"),
            }
        });
        made?.context("the summary is gone")
    }
}
