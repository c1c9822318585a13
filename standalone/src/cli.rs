//! The command line: every setting is a flag and an environment variable of the same words.

use clap::{Args, Parser, Subcommand};
use ingest_api::IngestConfig;
use query_api::QueryConfig;
use shared_adapters::{OpenAiSettings, StoreConfig};
use shared_service::{HttpConfig, LogConfig};
use summarizer_worker::{ModelConfig, WorkerConfig};

use crate::completions::CompletionsConfig;
use crate::dead_letters::DeadLettersCommand;
use crate::export::ExportConfig;
use crate::health::HealthConfig;
use crate::import::ImportConfig;
use crate::keys::KeysCommand;
use crate::migrate::MigrateConfig;
use crate::summarize::SummarizeConfig;
use crate::watch::WatchConfig;

const EXAMPLES: &str = "\
Examples:
  recap                                    serve on http://127.0.0.1:8000 with data under ./data
  recap import 'WhatsApp Chat.txt'         bring a chat along, into the running server
  recap watch team-sync                    see its summary change
  recap summarize notes.txt                summarize a file here and now, without a server
  recap export --all -o backup.jsonl       everything, to be imported again
  recap keys create --tenant acme --scopes write,read

Exit codes:
  0  done
  1  failed; the last line on standard error says why, and what to do
  2  bad usage or configuration; nothing was begun
  3  done in part: something was left out, and the report says what

How fast it is, measured on your machine: `cargo run --release -p bench`.";

const IMPORT: &str = "\
Formats, each found out by itself:
  slack       the export of a workspace: the zip, or its folder
  discord     JSON of DiscordChatExporter
  whatsapp    an exported chat of Android or iOS: the text, or the zip around it
  mattermost  bulk export: JSON lines, or the zip around them
  telegram    result.json of Telegram Desktop, one chat or all
  plain       lines `Name: text`, with or without a date before
  jsonl       what `recap export` wrote; bodies of POST /chats; objects with text, user, time
  markdown    what `recap export --format markdown` wrote

Examples:
  recap import acme-slack.zip --prefix acme/
  recap import 'WhatsApp Chat with Ski.txt' --timezone Europe/Berlin --conversation ski
  recap import chat.json --dry-run
  zcat log.jsonl.gz | recap import -

Importing needs a running server (`recap serve`, in another terminal), and a key or its anonymous
access. Importing the same again, or going on after a break, doubles nothing: message ids are made
from the source.

Exit codes:
  0  all imported, also where only joins, deletions and the like were skipped
  1  failed
  2  bad usage
  3  something was left out, and the report says what";

const EXPORT: &str = "\
Examples:
  recap export team-sync                           to standard output, one JSON object a line
  recap export team-sync --format markdown -o team-sync.md
  recap export --all -o backup.jsonl && recap import backup.jsonl --url http://other:8000

Both forms hold users, times, message ids, metadata and order, and `recap import` reads them back.
Messages that have no id of their own get one made of their number.";

const SUMMARIZE: &str = "\
Examples:
  recap summarize 'WhatsApp Chat with Ski.txt'
  recap summarize acme-slack.zip --conversation general --explain
  pbpaste | recap summarize - --json
  recap summarize notes.txt --engine model --explain

Reads all that `recap import` reads. Nothing leaves this machine, unless the model is asked for by
`--engine model`. It is named and limited by the variables that a server reads, also from `.env`
(OPENAI_*, LLM_*); a daily cap counts for this command alone.

Exit codes: 0 done, 3 a file could not be read to its end, 1 failed, 2 bad usage.";

const WATCH: &str = "\
Examples:
  recap watch team-sync
  recap watch team-sync --json | jq -r 'select(.type == \"summary\").summary'
  recap watch team-sync --once --summary-type detailed

Ends with the conversation, or with Ctrl-C. A connection that breaks is made again.";

const HEALTH: &str = "\
Example, in a Dockerfile:
  HEALTHCHECK CMD [\"recap\", \"health\"]

Exit codes: 0 the server can serve, 1 it cannot or does not answer, 2 bad usage.";

/// Chat summarization and insights: takes messages in, never loses one, and keeps an honest summary of every
/// conversation. Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "recap", version, args_conflicts_with_subcommands = true, after_long_help = EXAMPLES)]
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
    /// Bring chat exports of other programs into a running server
    #[command(after_long_help = IMPORT)]
    Import(Box<ImportConfig>),
    /// Write conversations of a running server as JSON lines or Markdown
    #[command(after_long_help = EXPORT)]
    Export(ExportConfig),
    /// Summarize a chat export here and now, without a server
    #[command(after_long_help = SUMMARIZE)]
    Summarize(SummarizeConfig),
    /// See the summary of a conversation change, live
    #[command(after_long_help = WATCH)]
    Watch(WatchConfig),
    /// Say by exit code whether a server can serve
    #[command(after_long_help = HEALTH)]
    Health(HealthConfig),
    /// Bring a store to the format of this version, and say what was done
    Migrate(MigrateConfig),
    /// List and replay work that keeps failing
    DeadLetters {
        #[command(subcommand)]
        command: DeadLettersCommand,
    },
    /// Print completions for a shell
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
    /// Make every view anew from the log
    #[arg(long)]
    pub(crate) repair: bool,
    #[command(flatten)]
    pub(crate) store: StoreConfig,
}
