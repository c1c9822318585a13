//! `recap export`: conversations of a running server as JSON lines or Markdown.
//!
//! Law: what is exported can be imported again, and then exports to the same bytes: users, times, ids, metadata,
//! order, ends.

pub(crate) mod history;
mod write;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use self::history::{HistoryPage, ListPage};
use self::write::{Jsonl, Markdown, Writer};
use crate::client::{Client, ServerConfig, encode};
use crate::import::conversation;
use crate::terminal::{self, Progress, counted};

/// Settings of an export.
#[derive(Debug, Args)]
pub(crate) struct ExportConfig {
    /// Which conversation
    #[arg(required_unless_present = "all", value_parser = conversation)]
    conversation: Option<String>,
    /// All conversations that the key may read
    #[arg(long, conflicts_with = "conversation")]
    all: bool,
    /// JSON lines, for programs and for `recap import`; or Markdown, for people and for `recap import`
    #[arg(long, value_enum, default_value_t = Form::Jsonl)]
    format: Form,
    /// Write to this file, whole or not at all; else to standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    server: ServerConfig,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Jsonl,
    Markdown,
}

/// Messages asked for in one call: the most that a server gives.
const PAGE: usize = 500;

/// Writes one conversation after the other.
pub(crate) async fn run(config: ExportConfig) -> anyhow::Result<ExitCode> {
    let mut client = Client::new(&config.server)?;
    client.on_wait(|why, wait| terminal::note(&format!("waiting {} s: {why}", wait.as_secs().max(1))));
    let wanted = match &config.conversation {
        Some(name) => BTreeMap::from([(name.clone(), ended(&mut client, name).await?)]),
        None => all(&mut client).await?,
    };
    let mut output = Output::open(config.output.as_deref())?;
    let mut export = Export { client, form: config.format, progress: Progress::new(None), messages: 0 };
    let done = export.conversations(&wanted, &mut output).await;
    export.progress.clear();
    if let Err(error) = done {
        // A reader that has seen enough is no failure.
        let closed = error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        return if closed { Ok(ExitCode::SUCCESS) } else { Err(error) };
    }
    terminal::unless_closed(output.finish())?;
    if let Some(path) = &config.output {
        let (messages, of) = (counted(export.messages, "message"), counted(wanted.len() as u64, "conversation"));
        eprintln!("Exported {messages} of {of} to {}.", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// All conversations, each with whether somebody ended it. Rows move up while messages come, so the list is read
/// until nothing new is in it.
async fn all(client: &mut Client) -> anyhow::Result<BTreeMap<String, bool>> {
    let mut found = BTreeMap::new();
    loop {
        let before = found.len();
        let mut page = 1;
        loop {
            let rows: ListPage = client.get(&format!("/chats?limit=100&page={page}")).await?;
            let last = page >= rows.total_pages || rows.conversations.is_empty();
            for row in rows.conversations {
                let ended = row.was_ended();
                found.insert(row.conversation_id, ended);
            }
            if last {
                break;
            }
            page += 1;
        }
        if found.len() == before || page == 1 {
            return Ok(found);
        }
    }
}

/// Whether somebody ended this conversation.
async fn ended(client: &mut Client, name: &str) -> anyhow::Result<bool> {
    let mut page = 1;
    loop {
        let rows: ListPage = client.get(&format!("/chats?limit=100&page={page}&contains={}", encode(name))).await?;
        if let Some(row) = rows.conversations.iter().find(|row| row.conversation_id == name) {
            return Ok(row.was_ended());
        }
        if page >= rows.total_pages || rows.conversations.is_empty() {
            return Ok(false);
        }
        page += 1;
    }
}

struct Export {
    client: Client,
    form: Form,
    progress: Progress,
    messages: u64,
}

impl Export {
    async fn conversations(&mut self, wanted: &BTreeMap<String, bool>, to: &mut Output) -> anyhow::Result<()> {
        for (name, ended) in wanted {
            self.conversation(name, *ended, to).await.with_context(|| format!("conversation {name:?}"))?;
        }
        Ok(())
    }

    async fn conversation(&mut self, name: &str, ended: bool, to: &mut Output) -> anyhow::Result<()> {
        let mut writer: Box<dyn Writer + Send> = match self.form {
            Form::Jsonl => Box::new(Jsonl),
            Form::Markdown => Box::new(Markdown),
        };
        let mut text = String::new();
        writer.begin(name, &mut text);
        let path = format!("/chats/{}?limit={PAGE}", encode(name));
        let mut next = path.clone();
        loop {
            let page: HistoryPage = self.client.get(&next).await?;
            for message in &page.messages {
                writer.message(name, message, &mut text)?;
            }
            to.write(&text)?;
            text.clear();
            self.messages += page.messages.len() as u64;
            self.progress.show(self.messages, 0);
            let Some(cursor) = page.next_cursor else { break };
            next = format!("{path}&cursor={}", encode(&cursor));
        }
        if ended {
            writer.ended(name, &mut text);
        }
        Ok(to.write(&text)?)
    }
}

/// Standard output, or a file that takes its name when it is whole.
enum Output {
    Stdout(BufWriter<io::Stdout>),
    File { writer: BufWriter<File>, part: PathBuf, path: PathBuf },
}

impl Output {
    fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::Stdout(BufWriter::new(io::stdout()))) };
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = File::create(&part).with_context(|| format!("{} cannot be written", part.display()))?;
        Ok(Self::File { writer: BufWriter::new(file), part, path: path.to_owned() })
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        match self {
            Self::Stdout(writer) => writer.write_all(text.as_bytes()),
            Self::File { writer, .. } => writer.write_all(text.as_bytes()),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Stdout(mut writer) => writer.flush(),
            Self::File { writer, part, path } => {
                writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
                std::fs::rename(part, path)
            }
        }
    }
}
