//! The command line: every setting is a flag and an environment variable of the same words.

use clap::{Args, Parser, Subcommand};
use ingest_api::IngestConfig;
use query_api::QueryConfig;
use shared_adapters::{OpenAiSettings, StoreConfig};
use shared_service::{HttpConfig, LogConfig};
use summarizer_worker::{ModelConfig, WorkerConfig};

use crate::keys::KeysCommand;

/// Chat summarization and insights: takes messages in, never loses one, and keeps an honest summary of every
/// conversation. Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "recap", version, args_conflicts_with_subcommands = true)]
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
    Serve(Box<ServeConfig>),
    /// Make, list and revoke API keys, also while a server runs on the same store
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
        #[command(flatten)]
        store: StoreConfig,
    },
    /// Verify that seqs have no holes, views equal the log, and summaries prove what they cover
    Check(CheckConfig),
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
    /// Make every view anew from the log
    #[arg(long)]
    pub(crate) repair: bool,
    #[command(flatten)]
    pub(crate) store: StoreConfig,
}
