//! A channel as `DiscordChatExporter` writes it: one object with `guild`, `channel` and the list `messages`.
//!
//! Format: `JsonMessageWriter` of <https://github.com/Tyrrrz/DiscordChatExporter>.

use std::io::Read;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Context, Extra, attach};
use crate::ids;
use crate::item::{Message, Reason, as_id};
use crate::json::{Member, Walk, walk};
use crate::source::{Emit, ReadError};

#[derive(Deserialize)]
struct Place {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    id: String,
    #[serde(rename = "type", default)]
    kind: String,
    timestamp: String,
    #[serde(default)]
    timestamp_edited: Option<String>,
    #[serde(default)]
    content: String,
    author: Author,
    #[serde(default)]
    attachments: Vec<Attachment>,
    #[serde(default)]
    embeds: Vec<Embed>,
    #[serde(default)]
    stickers: Vec<Sticker>,
    #[serde(default)]
    reference: Option<Reference>,
    #[serde(default)]
    forwarded_message: Option<Forwarded>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Author {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    discriminator: Option<String>,
    #[serde(default)]
    is_bot: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attachment {
    #[serde(default)]
    file_name: String,
}

#[derive(Deserialize)]
struct Embed {
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

#[derive(Deserialize)]
struct Sticker {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    #[serde(default)]
    message_id: Option<String>,
}

#[derive(Deserialize)]
struct Forwarded {
    #[serde(default)]
    content: String,
}

pub(crate) fn read(context: &Context<'_>, from: &mut dyn Read, emit: Emit<'_>) -> Result<(), ReadError> {
    let mut channel = Channel { context, emit, guild: None, name: None, scope: context.stem.clone() };
    walk(from, &mut channel)
}

struct Channel<'a, 'e> {
    context: &'a Context<'a>,
    emit: Emit<'e>,
    guild: Option<String>,
    name: Option<String>,
    /// Where message ids are unique.
    scope: String,
}

impl Channel<'_, '_> {
    fn conversation(&self) -> String {
        match (&self.guild, &self.name) {
            (Some(guild), Some(channel)) => as_id(&format!("{guild}/{channel}")),
            (None, Some(channel)) => as_id(channel),
            (_, None) => as_id(&self.context.stem),
        }
    }

    fn take(&mut self, entry: Entry, line: u64) -> Result<(), ReadError> {
        let Some(timestamp) = self.context.options.zone.parse(&entry.timestamp) else {
            return Ok(self.context.skip(self.emit, Reason::BadDate, line, &entry.timestamp)?);
        };
        // Whatever is neither said nor answered is a notice: joined, pinned, boosted, called.
        let said = matches!(
            entry.kind.as_str(),
            "" | "Default"
                | "Reply"
                | "ApplicationCommand"
                | "ContextMenuCommand"
                | "ThreadStarterMessage"
                | "0"
                | "19"
        );
        if !said {
            return Ok(self.context.skip(self.emit, Reason::System, line, &entry.content)?);
        }
        let mut extra = Extra::default();
        let mut content = entry.content;
        if content.trim().is_empty() {
            content = entry.forwarded_message.map(|forwarded| forwarded.content).unwrap_or_default();
        }
        if content.trim().is_empty() {
            let parts = entry.embeds.into_iter().flat_map(|embed| [embed.title, embed.description]).flatten();
            content = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n");
        }
        let stickers = entry.stickers.into_iter().map(|sticker| format!("sticker {}", sticker.name));
        let names = entry.attachments.into_iter().map(|attachment| attachment.file_name).chain(stickers).collect();
        attach(&mut content, &mut extra, names);
        if let Some(edited) = entry.timestamp_edited {
            extra.add("edited_at", edited);
        }
        if let Some(replied) = entry.reference.and_then(|reference| reference.message_id) {
            extra.add("reply_to", ids::own("discord", &self.scope, &replied));
        }
        if entry.author.is_bot {
            extra.add("bot", true);
        }
        let message = Message {
            conversation: self.conversation(),
            user: entry.author.shown(),
            content,
            timestamp: Some(timestamp),
            message_id: ids::own("discord", &self.scope, &entry.id),
            metadata: extra.finish(),
            place: self.context.place(line),
        };
        Ok((self.emit)(message.checked())?)
    }
}

impl Author {
    /// The name, which is unique with the four digits that old accounts have behind it.
    fn shown(&self) -> String {
        let name = if self.name.is_empty() { &self.id } else { &self.name };
        match self.discriminator.as_deref() {
            Some("" | "0" | "0000") | None => as_id(name),
            Some(digits) => as_id(&format!("{name}#{digits}")),
        }
    }
}

impl Walk for Channel<'_, '_> {
    fn member(&mut self, _depth: usize, key: &str) -> Member {
        match key {
            "guild" | "channel" => Member::Value,
            "messages" => Member::Elements,
            _ => Member::Ignore,
        }
    }

    fn value(&mut self, key: &str, value: &RawValue) -> Result<(), ReadError> {
        let Ok(place) = serde_json::from_str::<Place>(value.get()) else { return Ok(()) };
        if key == "channel" {
            if !place.id.is_empty() {
                self.scope.clone_from(&place.id);
            }
            self.name = place.name;
        } else if place.id != "0" {
            // 0 stands for direct messages, which belong to no guild.
            self.guild = place.name;
        }
        Ok(())
    }

    fn element(&mut self, element: &RawValue, line: u64) -> Result<(), ReadError> {
        match serde_json::from_str::<Entry>(element.get()) {
            Ok(entry) => self.take(entry, line),
            Err(_) => Ok(self.context.skip(self.emit, Reason::Malformed, line, element.get())?),
        }
    }
}
