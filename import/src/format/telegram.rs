//! `result.json` of Telegram Desktop: one chat (`name`, `type`, `id`, `messages`), or all of them under `chats.list`.
//!
//! Format: <https://core.telegram.org/import-export>, and what Telegram Desktop 5 writes.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use serde::Deserialize;
use serde_json::value::RawValue;
use shared::domain::Timestamp;

use super::{Context, Extra, attach};
use crate::ids;
use crate::item::{Message, Reason, as_id};
use crate::json::{Member, Walk, text, walk};
use crate::source::{Emit, ReadError};

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    date: String,
    #[serde(borrow, default)]
    date_unixtime: Option<&'a RawValue>,
    #[serde(default)]
    edited: Option<String>,
    #[serde(borrow, default)]
    edited_unixtime: Option<&'a RawValue>,
    #[serde(default)]
    from: Option<String>,
    #[serde(borrow, default)]
    from_id: Option<&'a RawValue>,
    #[serde(default)]
    actor: Option<String>,
    #[serde(default)]
    action: Option<String>,
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reply_to_message_id: Option<&'a RawValue>,
    #[serde(default)]
    forwarded_from: Option<String>,
    #[serde(default)]
    photo: Option<String>,
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    file_name: Option<String>,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    sticker_emoji: Option<String>,
    #[serde(borrow, default)]
    poll: Option<&'a RawValue>,
    #[serde(borrow, default)]
    location_information: Option<&'a RawValue>,
    #[serde(borrow, default)]
    contact_information: Option<&'a RawValue>,
}

pub(crate) fn read(context: &Context<'_>, from: &mut dyn Read, emit: Emit<'_>) -> Result<(), ReadError> {
    let mut chats = Chats {
        context,
        emit,
        taken: HashSet::new(),
        people: HashMap::new(),
        names: HashMap::new(),
        chat: Chat::default(),
    };
    walk(from, &mut chats)
}

#[derive(Default)]
struct Chat {
    name: Option<String>,
    id: Option<String>,
    /// Given to the first message, then kept.
    conversation: Option<String>,
}

struct Chats<'a, 'e> {
    context: &'a Context<'a>,
    emit: Emit<'e>,
    /// Conversations so far: two chats may have one name.
    taken: HashSet<String>,
    /// Shown names by id, and ids by shown name: two people may have one name.
    people: HashMap<String, String>,
    names: HashMap<String, String>,
    chat: Chat,
}

impl Chats<'_, '_> {
    fn conversation(&mut self) -> String {
        if let Some(conversation) = &self.chat.conversation {
            return conversation.clone();
        }
        let id = self.chat.id.as_deref().unwrap_or("0");
        let name = self.chat.name.as_deref().map(as_id).filter(|name| !name.is_empty());
        let mut name = name.unwrap_or_else(|| match &self.chat.id {
            Some(id) => format!("telegram {id}"),
            None => as_id(&self.context.stem),
        });
        if self.taken.contains(&name) {
            name = as_id(&format!("{name} ({id})"));
        }
        self.taken.insert(name.clone());
        self.chat.conversation = Some(name.clone());
        name
    }

    fn person(&mut self, entry: &Entry<'_>) -> String {
        let id = entry.from_id.and_then(text);
        let name = entry.from.as_deref().map(as_id).filter(|name| !name.is_empty());
        let (Some(id), Some(name)) = (&id, &name) else {
            return name.or(id).unwrap_or_default();
        };
        if let Some(shown) = self.people.get(id) {
            return shown.clone();
        }
        let shown = match self.names.get(name) {
            Some(other) if other != id => as_id(&format!("{name} ({id})")),
            _ => name.clone(),
        };
        self.names.insert(name.clone(), id.clone());
        self.people.insert(id.clone(), shown.clone());
        shown
    }

    /// The exact time where it is told, as newer exports do; else the local one, by the clock that was named.
    fn moment(&self, exact: Option<&RawValue>, local: &str) -> Option<Timestamp> {
        match exact.and_then(text).and_then(|seconds| seconds.parse::<i64>().ok()) {
            Some(seconds) => Some(Timestamp::from_millis(seconds.saturating_mul(1000))),
            None => self.context.options.zone.parse(local),
        }
    }

    fn take(&mut self, entry: &Entry<'_>, line: u64) -> Result<(), ReadError> {
        if entry.kind == "service" {
            let what = entry.action.as_deref().unwrap_or_default();
            let said = format!("{} {what}", entry.actor.as_deref().unwrap_or_default());
            return Ok(self.context.skip(self.emit, Reason::System, line, said.trim())?);
        }
        let timestamp = self.moment(entry.date_unixtime, &entry.date);
        let (Some(timestamp), Some(id)) = (timestamp, text(entry.id)) else {
            return Ok(self.context.skip(self.emit, Reason::BadDate, line, &entry.date)?);
        };
        let scope = self.chat.id.clone().unwrap_or_else(|| self.context.stem.clone());
        let mut content = entry.text.map(flat).unwrap_or_default();
        let mut extra = Extra::default();
        attach(&mut content, &mut extra, entry.attachments());
        if content.trim().is_empty()
            && let Some(question) = entry.question()
        {
            content = question;
        }
        if let Some(edited) = entry.edited.as_ref().and_then(|edited| self.moment(entry.edited_unixtime, edited)) {
            extra.add("edited_at", edited);
        }
        if let Some(replied) = entry.reply_to_message_id.and_then(text) {
            extra.add("reply_to", ids::own("telegram", &scope, &replied));
        }
        if let Some(source) = &entry.forwarded_from {
            extra.add("forwarded_from", source);
        }
        let message = Message {
            conversation: self.conversation(),
            user: self.person(entry),
            content,
            timestamp: Some(timestamp),
            message_id: ids::own("telegram", &scope, &id),
            metadata: extra.finish(),
            place: self.context.place(line),
        };
        if message.content.trim().is_empty() {
            return Ok(self.context.skip(self.emit, Reason::NoText, line, "")?);
        }
        Ok((self.emit)(message.checked())?)
    }
}

impl Entry<'_> {
    fn attachments(&self) -> Vec<String> {
        // What was left out of the export stands as a sentence in parentheses.
        let file = |path: &String| (!path.starts_with('(')).then(|| path.rsplit('/').next().unwrap_or(path).to_owned());
        let named = self.file_name.clone().or_else(|| self.file.as_ref().and_then(file));
        let kind = || {
            let kind = self.media_type.as_deref().map(|kind| kind.replace('_', " "));
            let sticker = self.sticker_emoji.as_deref().map(|emoji| format!("sticker {emoji}"));
            sticker.or(kind).or_else(|| self.file.as_ref().map(|_| "file".to_owned()))
        };
        let photo = self.photo.as_ref().map(|path| file(path).unwrap_or_else(|| "photo".to_owned()));
        let place = self.location_information.map(|_| "location".to_owned());
        let contact = self.contact_information.map(|_| "contact".to_owned());
        [named.or_else(kind), photo, place, contact].into_iter().flatten().collect()
    }

    fn question(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Poll {
            question: String,
        }
        let poll: Poll = serde_json::from_str(self.poll?.get()).ok()?;
        Some(format!("[poll] {}", poll.question))
    }
}

/// A text, or a list of texts and of marked-up parts with a text each.
pub(super) fn flat(value: &RawValue) -> String {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Part {
        Plain(String),
        Marked {
            #[serde(default)]
            text: String,
        },
        Other(serde::de::IgnoredAny),
    }
    if let Some(text) = text(value) {
        return text;
    }
    let parts: Vec<Part> = serde_json::from_str(value.get()).unwrap_or_default();
    parts
        .into_iter()
        .map(|part| match part {
            Part::Plain(text) | Part::Marked { text } => text,
            Part::Other(_) => String::new(),
        })
        .collect()
}

impl Walk for Chats<'_, '_> {
    fn member(&mut self, _depth: usize, key: &str) -> Member {
        match key {
            "name" | "id" => Member::Value,
            "messages" => Member::Elements,
            "chats" | "left_chats" | "list" => Member::Into,
            _ => Member::Ignore,
        }
    }

    fn value(&mut self, key: &str, value: &RawValue) -> Result<(), ReadError> {
        if key == "name" {
            self.chat.name = text(value);
        } else {
            self.chat.id = text(value);
        }
        Ok(())
    }

    fn element(&mut self, element: &RawValue, line: u64) -> Result<(), ReadError> {
        match serde_json::from_str::<Entry<'_>>(element.get()) {
            Ok(entry) => self.take(&entry, line),
            Err(_) => Ok(self.context.skip(self.emit, Reason::Malformed, line, element.get())?),
        }
    }

    fn left(&mut self, _depth: usize) -> Result<(), ReadError> {
        self.chat = Chat::default();
        Ok(())
    }
}
