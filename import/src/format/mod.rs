//! The formats. Law: a parser keeps at most one entry and what names people and places; it never panics.

pub(crate) mod discord;
pub(crate) mod json;
pub(crate) mod markdown;
pub(crate) mod mattermost;
pub(crate) mod plain;
pub(crate) mod slack;
pub(crate) mod telegram;
pub(crate) mod whatsapp;

use std::fmt;
use std::io::Read;
use std::str::FromStr;
use std::sync::Arc;

use crate::item::{Item, Place, Reason, Skipped, excerpt};
use crate::source::{Emit, Options, ReadError, Stopped};

/// A format that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// The export of a Slack workspace: a zip, or its folder.
    Slack,
    /// A channel as `DiscordChatExporter` writes it as JSON.
    Discord,
    /// A chat that WhatsApp exported as text, on Android or iOS, or the zip around it.
    WhatsApp,
    /// Mattermost's bulk export: JSON lines, or the zip around them.
    Mattermost,
    /// `result.json` of Telegram Desktop, of one chat or of all.
    Telegram,
    /// Lines `Name: text`.
    Plain,
    /// JSON lines: Recap's own export, bodies of `POST /chats`, and simple objects.
    Json,
    /// Recap's own export as Markdown.
    Markdown,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Slack,
        Self::Discord,
        Self::WhatsApp,
        Self::Mattermost,
        Self::Telegram,
        Self::Plain,
        Self::Json,
        Self::Markdown,
    ];

    /// As it is named on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::WhatsApp => "whatsapp",
            Self::Mattermost => "mattermost",
            Self::Telegram => "telegram",
            Self::Plain => "plain",
            Self::Json => "jsonl",
            Self::Markdown => "markdown",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|format| format.name()).collect();
            format!("must be one of {}", names.join(", "))
        })
    }
}

/// What a parser knows beside the bytes.
pub(crate) struct Context<'o> {
    pub(crate) options: &'o Options,
    /// The file, for places.
    pub(crate) name: Arc<str>,
    /// The file without folders and ending: the conversation, where the source names none.
    pub(crate) stem: String,
}

impl Context<'_> {
    pub(crate) fn place(&self, line: u64) -> Place {
        Place { file: Arc::clone(&self.name), line }
    }

    pub(crate) fn skip(&self, emit: Emit<'_>, reason: Reason, line: u64, text: &str) -> Result<(), Stopped> {
        emit(Item::Skipped(Skipped { reason, place: self.place(line), excerpt: excerpt(text) }))
    }
}

/// Reads one file of this format.
pub(crate) fn read(
    format: Format,
    context: &Context<'_>,
    from: &mut dyn Read,
    emit: Emit<'_>,
) -> Result<(), ReadError> {
    match format {
        Format::Slack => slack::day(context, from, emit),
        Format::Discord => discord::read(context, from, emit),
        Format::WhatsApp => whatsapp::read(context, from, emit),
        Format::Mattermost => mattermost::read(context, from, emit),
        Format::Telegram => telegram::read(context, from, emit),
        Format::Plain => plain::read(context, from, emit),
        Format::Json => json::read(context, from, emit),
        Format::Markdown => markdown::read(context, from, emit),
    }
}

/// What is kept beside a text, as one JSON object; `None` where there is nothing.
#[derive(Debug, Default)]
pub(crate) struct Extra {
    json: String,
}

impl Extra {
    /// Adds a member.
    pub(crate) fn add(&mut self, key: &str, value: impl serde::Serialize) {
        if let Ok(value) = serde_json::to_string(&value) {
            self.raw(key, &value);
        }
    }

    /// Adds a member whose value is JSON.
    pub(crate) fn raw(&mut self, key: &str, value: &str) {
        let Ok(key) = serde_json::to_string(key) else { return };
        self.json.push(if self.json.is_empty() { '{' } else { ',' });
        self.json.push_str(&key);
        self.json.push(':');
        self.json.push_str(value);
    }

    /// The object.
    pub(crate) fn finish(mut self) -> Option<String> {
        if self.json.is_empty() {
            return None;
        }
        self.json.push('}');
        Some(self.json)
    }
}

/// So many attachments of a message are named.
const ATTACHMENTS: usize = 20;
/// Characters of an attachment's name.
const NAME: usize = 120;

/// Notes attachments beside the text; where there is no text, they become it.
pub(crate) fn attach(content: &mut String, extra: &mut Extra, names: Vec<String>) {
    let names: Vec<String> = names
        .into_iter()
        .filter(|name| !name.trim().is_empty())
        .take(ATTACHMENTS)
        .map(|name| name.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).take(NAME).collect())
        .collect();
    if names.is_empty() {
        return;
    }
    if content.trim().is_empty() {
        *content = format!("[attachment: {}]", names.join(", "));
    }
    extra.add("attachments", names);
}
