//! `recap summarize`: a chat export summarized here and now by the local engine, without a server.
//!
//! Law: the same engine and the same cut into segments as on a server, so the same messages give the same summary.

mod fold;
mod show;

use std::collections::HashMap;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use import_formats::{Item, Stopped};
use shared::domain::Timestamp;
use shared::ports::Clock as _;
use shared_adapters::SystemClock;

use self::fold::Folding;
use crate::exit;
use crate::import::sources::{Event, Receiver, SourceConfig};
use crate::terminal;

/// Settings of a summary.
#[derive(Debug, Args)]
pub(crate) struct SummarizeConfig {
    #[command(flatten)]
    sources: SourceConfig,
    /// Only this conversation of the source
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
    /// Say which engine wrote it, what it covers, and which messages stand behind each item
    #[arg(long)]
    explain: bool,
    /// Print JSON, one line for each conversation
    #[arg(long)]
    json: bool,
}

/// Reads everything, then writes one summary for each conversation.
pub(crate) async fn run(config: SummarizeConfig) -> anyhow::Result<ExitCode> {
    config.sources.check()?;
    let now = SystemClock.now();
    let work = tokio::task::spawn_blocking(move || summarize(&config, now));
    work.await.context("summarizing was interrupted")?
}

fn summarize(config: &SummarizeConfig, now: Timestamp) -> anyhow::Result<ExitCode> {
    let mut chats = Chats { now, wanted: config.conversation.clone(), ..Chats::default() };
    config.sources.read_all(&mut chats);
    for failed in &chats.failed {
        terminal::note(&format!("not read to its end: {failed}"));
    }
    if chats.order.is_empty() {
        let what = config.conversation.as_ref().map_or_else(String::new, |name| format!(" of a conversation {name:?}"));
        anyhow::bail!("there are no messages{what} to summarize");
    }
    let style = terminal::Style::stdout();
    let mut out = std::io::stdout().lock();
    for (at, name) in chats.order.iter().enumerate() {
        let Some(folding) = chats.open.remove(name) else { continue };
        let whole = folding.finish();
        let text = if config.json {
            show::json(name, &whole)? + "\n"
        } else {
            let gap = if at == 0 { "" } else { "\n" };
            format!("{gap}{}", show::text(name, &whole, config.explain, style))
        };
        terminal::unless_closed(std::io::Write::write_all(&mut out, text.as_bytes()))?;
    }
    Ok(if chats.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(exit::PARTLY) })
}

struct Chats {
    now: Timestamp,
    wanted: Option<String>,
    /// Conversations as they first appear.
    order: Vec<String>,
    open: HashMap<String, Folding>,
    failed: Vec<String>,
}

impl Default for Chats {
    fn default() -> Self {
        Self {
            now: Timestamp::from_millis(0),
            wanted: None,
            order: Vec::new(),
            open: HashMap::new(),
            failed: Vec::new(),
        }
    }
}

impl Receiver for Chats {
    fn take(&mut self, event: Event) -> Result<(), Stopped> {
        match event {
            Event::Item(Item::Message(message)) => {
                if self.wanted.as_ref().is_some_and(|wanted| *wanted != message.conversation) {
                    return Ok(());
                }
                if !self.open.contains_key(&message.conversation) {
                    self.order.push(message.conversation.clone());
                }
                self.open.entry(message.conversation.clone()).or_default().push(message, self.now);
            }
            Event::Item(Item::Note(note)) => terminal::note(&note),
            Event::Failed { file, error } => self.failed.push(format!("{file}: {error}")),
            Event::Item(Item::Skipped(_) | Item::Ended { .. }) | Event::Read { .. } => {}
        }
        Ok(())
    }
}
