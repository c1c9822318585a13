//! The command line: every setting is a flag and an environment variable of the same words.

pub(crate) mod texts;

use clap::{Args, Parser, Subcommand};
use ingest_api::IngestConfig;
use query_api::QueryConfig;
use shared_adapters::{OpenAiSettings, StoreConfig};
use shared_service::{HttpConfig, LogConfig};
use summarizer_worker::{ModelConfig, WorkerConfig};

use crate::audit::AuditConfig;
use crate::completions::CompletionsConfig;
use crate::dead_letters::DeadLettersCommand;
use crate::export::ExportConfig;
use crate::health::HealthConfig;
use crate::import::ImportConfig;
use crate::keys::KeysCommand;
use crate::migrate::MigrateConfig;
use crate::summarize::SummarizeConfig;
use crate::watch::WatchConfig;

/// Chat summarization and insights: takes messages in, never loses one, and keeps an honest summary of every
/// conversation. Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "recap", version, args_conflicts_with_subcommands = true, after_long_help = texts::EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: ServeConfig,
}

/// What it can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the whole API in this process (the default)
    #[command(after_long_help = texts::SERVE)]
    Serve(Box<ServeConfig>),
    /// Make, list and revoke API keys, also while a server runs on the same store
    #[command(after_long_help = texts::KEYS)]
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
        #[command(flatten)]
        store: StoreConfig,
    },
    /// List who erased, changed and exported what, also while a server runs on the same store
    #[command(after_long_help = texts::AUDIT)]
    Audit(AuditConfig),
    /// Verify that seqs have no holes, views equal the log, and summaries prove what they cover
    #[command(after_long_help = texts::CHECK)]
    Check(CheckConfig),
    /// Bring chat exports of other programs into a running server
    #[command(after_long_help = texts::IMPORT)]
    Import(Box<ImportConfig>),
    /// Write conversations of a running server as JSON lines or Markdown
    #[command(after_long_help = texts::EXPORT)]
    Export(ExportConfig),
    /// Summarize a chat export here and now, without a server
    #[command(after_long_help = texts::SUMMARIZE)]
    Summarize(SummarizeConfig),
    /// See the summary of a conversation change, live
    #[command(after_long_help = texts::WATCH)]
    Watch(WatchConfig),
    /// Say by exit code whether a server can serve
    #[command(after_long_help = texts::HEALTH)]
    Health(HealthConfig),
    /// Bring a store to the format of this version, and say what was done
    #[command(after_long_help = texts::MIGRATE)]
    Migrate(MigrateConfig),
    /// List and replay work that keeps failing
    #[command(after_long_help = texts::DEAD_LETTERS)]
    DeadLetters {
        #[command(subcommand)]
        command: DeadLettersCommand,
    },
    /// Say how its speed is measured on your machine
    Bench,
    /// Print completions for a shell
    #[command(after_long_help = texts::COMPLETIONS)]
    Completions(CompletionsConfig),
}

/// Settings of the server.
#[derive(Debug, Args)]
pub(crate) struct ServeConfig {
    #[command(flatten)]
    pub(crate) http: HttpConfig,
    #[command(flatten)]
    pub(crate) store: StoreConfig,
    #[command(flatten)]
    pub(crate) ingest: IngestConfig,
    #[command(flatten)]
    pub(crate) worker: WorkerConfig,
    #[command(flatten, next_help_heading = "Model")]
    pub(crate) endpoint: OpenAiSettings,
    #[command(flatten)]
    pub(crate) model: ModelConfig,
    #[command(flatten)]
    pub(crate) query: QueryConfig,
    #[command(flatten)]
    pub(crate) log: LogConfig,
}

/// Settings of the check.
#[derive(Debug, Args)]
pub(crate) struct CheckConfig {
    /// Make views that are wrong, missing or behind anew from the log
    #[arg(long)]
    pub(crate) repair: bool,
    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreConfig,
}
