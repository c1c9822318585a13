//! The command line: every setting is a flag and an environment variable of the same words.

use clap::{Args, Parser, Subcommand};
use ingest_api::IngestConfig;
use query_api::QueryConfig;
use shared_adapters::StoreConfig;
use shared_service::{HttpConfig, LogConfig};
use summarizer_worker::WorkerConfig;

use crate::keys::KeysCommand;

/// Chat summarization and insights: takes messages in, never loses one, and keeps an honest summary of every
/// conversation. Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "recap", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub serve: ServeConfig,
}

/// What it can do.
#[derive(Debug, Subcommand)]
pub enum Command {
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
pub struct ServeConfig {
    #[command(flatten)]
    pub http: HttpConfig,
    #[command(flatten)]
    pub store: StoreConfig,
    #[command(flatten)]
    pub ingest: IngestConfig,
    #[command(flatten)]
    pub worker: WorkerConfig,
    #[command(flatten)]
    pub query: QueryConfig,
    #[command(flatten)]
    pub log: LogConfig,
}

/// Settings of the check.
#[derive(Debug, Args)]
pub struct CheckConfig {
    /// Make every view anew from the log
    #[arg(long)]
    pub repair: bool,
    #[command(flatten)]
    pub store: StoreConfig,
}
