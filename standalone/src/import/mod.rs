//! `recap import`: chat exports of other programs into a running server, over HTTP like any client.
//!
//! Laws: message ids come from the source, so repeating and going on after a break double nothing; what was not
//! imported is counted by reason, with places.

mod batch;
mod post;
mod report;
pub(crate) mod sources;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use import_formats::Item;
use tokio::sync::mpsc;

use crate::client::{Client, ServerConfig};
use crate::import::batch::{Batches, Pushed};
use crate::import::post::Poster;
use crate::import::report::Report;
pub(crate) use crate::import::report::is_loss;
use crate::import::sources::{Event, SourceConfig};
use crate::terminal::{self, Progress};

/// Settings of an import.
#[derive(Debug, Args)]
pub(crate) struct ImportConfig {
    #[command(flatten)]
    sources: SourceConfig,
    #[command(flatten)]
    server: ServerConfig,
    /// Put all messages into this conversation, whatever the source says
    #[arg(long, value_name = "ID", value_parser = conversation)]
    conversation: Option<String>,
    /// Put this before the name of each conversation
    #[arg(long, value_name = "TEXT", default_value = "", conflicts_with = "conversation")]
    prefix: String,
    /// Read and report only: ask no server, store nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn conversation(text: &str) -> Result<String, String> {
    shared::domain::ConversationId::parse(text).map(|id| id.to_string()).map_err(|error| error.to_string())
}

/// So many entries go from the reading thread to the posting task in one go, and so many goes may wait.
const CHUNK: usize = 256;
const WAITING: usize = 8;

/// Reads on a thread of its own, and posts meanwhile.
pub(crate) async fn run(config: ImportConfig) -> anyhow::Result<ExitCode> {
    config.sources.check()?;
    let mut progress = Progress::new(config.sources.bytes());
    let read = config.sources.counter();
    let (send, mut receive) = mpsc::channel::<Vec<Event>>(WAITING);
    let sources = config.sources.clone();
    let reading = tokio::task::spawn_blocking(move || sources.read_all(&mut Chunks { send, chunk: Vec::new() }));
    let mut import = Import::new(&config)?;
    while let Some(chunk) = receive.recv().await {
        for event in chunk {
            import.take(event).await?;
        }
        progress.show(import.report.done(), read.load(std::sync::atomic::Ordering::Relaxed));
    }
    reading.await.context("reading was interrupted")?;
    import.finish().await?;
    progress.clear();
    let report = import.report;
    let shown = if config.json { report.json()? } else { report.text(config.dry_run) };
    terminal::unless_closed(std::io::Write::write_all(&mut std::io::stdout().lock(), shown.as_bytes()))?;
    Ok(report.exit_code())
}

/// Gathers events, so that the channel is not crossed for each.
struct Chunks {
    send: mpsc::Sender<Vec<Event>>,
    chunk: Vec<Event>,
}

impl sources::Receiver for Chunks {
    fn take(&mut self, event: Event) -> Result<(), import_formats::Stopped> {
        self.chunk.push(event);
        if self.chunk.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), import_formats::Stopped> {
        self.send.blocking_send(std::mem::take(&mut self.chunk)).map_err(|_| import_formats::Stopped)
    }
}

struct Import {
    conversation: Option<String>,
    prefix: String,
    batches: Batches,
    /// Absent when nothing is to be stored.
    poster: Option<Poster>,
    report: Report,
}

impl Import {
    fn new(config: &ImportConfig) -> anyhow::Result<Self> {
        let poster = if config.dry_run { None } else { Some(Poster::new(Client::new(&config.server)?)) };
        Ok(Self {
            conversation: config.conversation.clone(),
            prefix: config.prefix.clone(),
            batches: Batches::default(),
            poster,
            report: Report::default(),
        })
    }

    fn named(&self, conversation: &str) -> String {
        match &self.conversation {
            Some(name) => name.clone(),
            None if self.prefix.is_empty() => conversation.to_owned(),
            None => format!("{}{conversation}", self.prefix).chars().take(shared::domain::ids::MAX_ID_CHARS).collect(),
        }
    }

    async fn take(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Item(Item::Message(mut message)) => {
                message.conversation = self.named(&message.conversation);
                self.report.read(&message);
                if self.poster.is_none() {
                    return Ok(());
                }
                let (pushed, full) = self.batches.add(message);
                if let Pushed::Repeated { same, place } = pushed {
                    self.report.repeated(same, &place);
                }
                if let Some(batch) = full {
                    self.post(batch).await?;
                }
            }
            Event::Item(Item::Skipped(skipped)) => self.report.skipped(&skipped),
            Event::Item(Item::Ended { conversation }) => {
                let conversation = self.named(&conversation);
                if let Some(batch) = self.batches.take(&conversation) {
                    self.post(batch).await?;
                }
                if let Some(poster) = &mut self.poster {
                    poster.end(&conversation, &mut self.report).await?;
                }
            }
            Event::Item(Item::Note(note)) => self.report.note(note),
            Event::Read { format } => self.report.file(format),
            Event::Failed { file, error } => self.report.failed(file, error),
        }
        Ok(())
    }

    async fn post(&mut self, batch: batch::Batch) -> anyhow::Result<()> {
        match &mut self.poster {
            Some(poster) => poster.post(batch, &mut self.report).await,
            None => Ok(()),
        }
    }

    async fn finish(&mut self) -> anyhow::Result<()> {
        for batch in self.batches.rest() {
            self.post(batch).await?;
        }
        Ok(())
    }
}
