//! `recap summarize`: a chat export summarized here and now, without a server.
//!
//! Law: the same engine and the same cut into segments as on a server, so the same messages give the same summary.

mod fold;
mod model;
mod show;

use std::collections::{BTreeMap, HashMap};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use import_formats::{Item, Message, Place, Stopped};
use shared::domain::Timestamp;
use shared::ports::Clock as _;
use shared_adapters::SystemClock;
use summarizer_worker::OfflineFold;

use self::fold::{Folding, Writer};
use self::model::{Chat, Desk};
use crate::exit;
use crate::import::is_loss;
use crate::import::sources::{Event, Receiver, SourceConfig};
use crate::terminal::{self, grouped, tame};

/// Settings of a summary.
#[derive(Debug, Args)]
pub(crate) struct SummarizeConfig {
    #[command(flatten)]
    sources: SourceConfig,
    /// Only this conversation of the source
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
    /// Who writes it: the rules of this program, or the model that OPENAI_* variables name, which is sent the text
    #[arg(long, value_enum, default_value = "local")]
    engine: Engine,
    /// Say which engine wrote it and how, what it cost and covers, what was dropped and why, and which messages stand
    /// behind each item
    #[arg(long)]
    explain: bool,
    /// Print JSON, one line for each conversation
    #[arg(long)]
    json: bool,
}

/// Who writes a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    Local,
    Model,
}

/// Reads everything, then writes one summary for each conversation.
pub(crate) async fn run(config: SummarizeConfig) -> anyhow::Result<ExitCode> {
    config.sources.check()?;
    let now = SystemClock.now();
    let desk = match config.engine {
        Engine::Local => None,
        Engine::Model => Some(Desk::open().await?),
    };
    let at_work = desk.clone();
    let work = tokio::task::spawn_blocking(move || summarize(&config, now, at_work)).await;
    if let Some(desk) = desk {
        desk.close().await;
    }
    work.context("summarizing was interrupted")?
}

fn summarize(config: &SummarizeConfig, now: Timestamp, desk: Option<Arc<Desk>>) -> anyhow::Result<ExitCode> {
    let mut chats = Chats { now, desk, wanted: config.conversation.clone(), ..Chats::default() };
    config.sources.read_all(&mut chats);
    if let Some(broken) = chats.broken {
        return Err(broken);
    }
    for failed in &chats.failed {
        terminal::note(&format!("not read to its end: {failed}"));
    }
    for (reason, (count, place)) in &chats.lost {
        let (count, place) = (grouped(*count), tame(&place.to_string()));
        terminal::note(&format!("left out, {reason}: {count}, first at {place}"));
    }
    if chats.order.is_empty() {
        let what = config.conversation.as_ref().map_or_else(String::new, |name| format!(" of a conversation {name:?}"));
        anyhow::bail!("there are no messages{what} to summarize");
    }
    let style = terminal::Style::stdout();
    let mut out = std::io::stdout().lock();
    for (at, name) in chats.order.iter().enumerate() {
        let Some(folding) = chats.open.remove(name) else { continue };
        let whole = folding.finish()?;
        let text = if config.json {
            show::json(name, &whole)? + "\n"
        } else {
            let gap = if at == 0 { "" } else { "\n" };
            format!("{gap}{}", show::text(name, &whole, config.explain, style))
        };
        terminal::unless_closed(std::io::Write::write_all(&mut out, text.as_bytes()))?;
    }
    Ok(if chats.failed.is_empty() && chats.lost.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(exit::PARTLY) })
}

struct Chats {
    now: Timestamp,
    desk: Option<Arc<Desk>>,
    wanted: Option<String>,
    /// Conversations as they first appear.
    order: Vec<String>,
    open: HashMap<String, Folding>,
    failed: Vec<String>,
    /// What somebody may miss: why it was left out, how often, and where first.
    lost: BTreeMap<String, (u64, Place)>,
    /// Why nothing more is taken.
    broken: Option<anyhow::Error>,
}

impl Default for Chats {
    fn default() -> Self {
        Self {
            now: Timestamp::from_millis(0),
            desk: None,
            wanted: None,
            order: Vec::new(),
            open: HashMap::new(),
            failed: Vec::new(),
            lost: BTreeMap::new(),
            broken: None,
        }
    }
}

impl Chats {
    fn push(&mut self, message: Message) -> anyhow::Result<()> {
        if !self.open.contains_key(&message.conversation) {
            let writer = match &self.desk {
                None => Writer::Local(OfflineFold::default()),
                Some(desk) => Writer::Model(Chat::new(desk, self.order.len())?),
            };
            self.order.push(message.conversation.clone());
            self.open.insert(message.conversation.clone(), Folding::new(writer));
        }
        match self.open.get_mut(&message.conversation) {
            Some(folding) => folding.push(message, self.now),
            None => Ok(()),
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
                if let Err(error) = self.push(message) {
                    self.broken = Some(error);
                    return Err(Stopped);
                }
            }
            Event::Item(Item::Note(note)) => terminal::note(&note),
            Event::Failed { file, error } => self.failed.push(format!("{file}: {error}")),
            Event::Item(Item::Skipped(skipped)) if is_loss(skipped.reason) => {
                self.lost.entry(skipped.reason.to_string()).or_insert((0, skipped.place)).0 += 1;
            }
            Event::Item(Item::Skipped(_) | Item::Ended { .. }) | Event::Read { .. } => {}
        }
        Ok(())
    }
}
