//! JSON lines: Recap's own export, bodies of `POST /chats`, and simple objects with fields of the usual names. One
//! object a line, or one list or object as the whole file.
//!
//! Law: what Recap exported comes back byte for byte: ids, texts, times, metadata.

use std::io::{Cursor, Read};

use serde_json::value::RawValue;
use shared::domain::{Metadata, Timestamp};

use super::telegram::flat;
use super::{Context, Extra};
use crate::ids;
use crate::item::{Item, Message, Reason, as_id};
use crate::json::{Member, Walk, elements, members, text};
use crate::lines::{Ends, Lines};
use crate::nth::Nth;
use crate::source::{Emit, ReadError, Stopped};

/// A body of `POST /chats` may be a line, with all its messages.
const LINE: usize = 32 * 1024 * 1024;

const CONVERSATION: [&str; 7] =
    ["conversation_id", "conversation", "chat_id", "channel", "thread_id", "thread", "room"];
const USER: [&str; 8] = ["user_id", "user", "author", "from", "sender", "name", "username", "role"];
const CONTENT: [&str; 4] = ["content", "text", "message", "body"];
const TIME: [&str; 6] = ["timestamp", "time", "date", "created_at", "sent_at", "ts"];
const ID: [&str; 2] = ["message_id", "id"];

pub(crate) fn read(context: &Context<'_>, from: &mut dyn Read, emit: Emit<'_>) -> Result<(), ReadError> {
    let mut beginning = Vec::new();
    from.take(64 * 1024).read_to_end(&mut beginning)?;
    let text = String::from_utf8_lossy(beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&beginning)).into_owned();
    let all = Cursor::new(beginning).chain(from);
    let mut objects = Objects { context, emit, nth: Nth::default(), number: 0 };
    if text.trim_start().starts_with('[') {
        return elements(all, &mut objects);
    }
    if text.trim_start().lines().next().is_some_and(|line| line.trim() == "{") {
        return whole(all, &mut objects);
    }
    let mut lines = Lines::new(all, Ends::Newline, LINE);
    while let Some(line) = lines.next()? {
        if line.cut {
            objects.context.skip(objects.emit, Reason::TooLong, line.number, &line.text)?;
        } else if !line.text.trim().is_empty() {
            objects.object(&line.text, line.number, &Outer::default())?;
        }
    }
    Ok(())
}

/// One object, written over many lines.
fn whole(mut from: impl Read, objects: &mut Objects<'_, '_>) -> Result<(), ReadError> {
    let mut text = String::new();
    (&mut from).take(LINE as u64).read_to_string(&mut text)?;
    let object: &RawValue = serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(&text)).map_err(|error| {
        let line = error.line() as u64;
        if error.is_eof() { ReadError::CutOff { line } } else { ReadError::malformed(line, "it is not JSON here") }
    })?;
    Ok(objects.object(object.get(), 1, &Outer::default())?)
}

/// What stands around a list of messages.
#[derive(Default)]
struct Outer {
    conversation: Option<String>,
    user: Option<String>,
}

struct Objects<'a, 'e> {
    context: &'a Context<'a>,
    emit: Emit<'e>,
    nth: Nth,
    number: u64,
}

impl Walk for Objects<'_, '_> {
    fn member(&mut self, _depth: usize, _key: &str) -> Member {
        Member::Ignore
    }

    fn value(&mut self, _key: &str, _value: &RawValue) -> Result<(), ReadError> {
        Ok(())
    }

    fn element(&mut self, element: &RawValue, line: u64) -> Result<(), ReadError> {
        Ok(self.object(element.get(), line, &Outer::default())?)
    }
}

/// The first of these names that has a value.
fn find<'o>(object: &[(String, &'o RawValue)], names: &[&str]) -> Option<(usize, &'o RawValue)> {
    names.iter().find_map(|name| {
        let at = object.iter().position(|(key, value)| key == name && value.get() != "null")?;
        Some((at, object[at].1))
    })
}

/// A name, or the name in an object that describes a person or a place.
fn name(value: &RawValue) -> Option<String> {
    if let Some(name) = text(value) {
        return Some(as_id(&name));
    }
    let object = members(value.get())?;
    let (_, inner) = find(&object, &["name", "username", "login", "display_name", "id"])?;
    text(inner).map(|name| as_id(&name))
}

/// RFC 3339, or seconds or milliseconds since 1970.
fn moment(value: &RawValue, context: &Context<'_>) -> Option<Timestamp> {
    let written = text(value)?;
    if let Ok(number) = written.parse::<f64>() {
        let millis = if number.abs() >= 1e11 { number } else { number * 1000.0 };
        #[expect(clippy::cast_possible_truncation, reason = "the range was checked on the line")]
        return (millis.abs() < 2.5e14).then(|| Timestamp::from_millis(millis.round() as i64));
    }
    context.options.zone.parse(&written)
}

impl Objects<'_, '_> {
    fn skip(&mut self, reason: Reason, line: u64, text: &str) -> Result<(), Stopped> {
        self.context.skip(self.emit, reason, line, text)
    }

    fn object(&mut self, json: &str, line: u64, outer: &Outer) -> Result<(), Stopped> {
        let Some(object) = members(json) else { return self.skip(Reason::Malformed, line, json) };
        let conversation = find(&object, &CONVERSATION);
        if let Some((_, list)) = find(&object, &["messages"]) {
            // Here an `id` is that of the whole.
            let named = conversation.or_else(|| find(&object, &["id"])).and_then(|(_, value)| name(value));
            let user = find(&object, &["user_id"]).and_then(|(_, value)| name(value));
            let inner = Outer { conversation: named.or_else(|| outer.conversation.clone()), user };
            let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(list.get()) else {
                return self.skip(Reason::Malformed, line, json);
            };
            if outer.conversation.is_some() {
                return self.skip(Reason::Malformed, line, json);
            }
            for message in list {
                self.message(message.get(), line, &inner)?;
            }
            return Ok(());
        }
        if let Some((_, ended)) = find(&object, &["ended"])
            && let Some(conversation) = conversation.and_then(|(_, value)| name(value))
            && ended.get() == "true"
        {
            return (self.emit)(Item::Ended { conversation });
        }
        self.message(json, line, outer)
    }

    fn message(&mut self, json: &str, line: u64, outer: &Outer) -> Result<(), Stopped> {
        self.number += 1;
        let Some(object) = members(json) else { return self.skip(Reason::Malformed, line, json) };
        let mut known = Vec::new();
        let mut take = |names: &[&str]| {
            let (at, value) = find(&object, names)?;
            known.push(at);
            Some(value)
        };
        let conversation = take(&CONVERSATION).and_then(name).or_else(|| outer.conversation.clone());
        let user = take(&USER).and_then(name).or_else(|| outer.user.clone()).unwrap_or_default();
        let content = take(&CONTENT).map(flat).unwrap_or_default();
        let time = take(&TIME);
        let id = take(&ID).and_then(text).map(|id| as_id(&id)).filter(|id| !id.is_empty());
        let metadata = take(&["metadata"]);
        let timestamp = match time {
            None => None,
            Some(value) => match moment(value, self.context) {
                Some(at) => Some(at),
                None => return self.skip(Reason::BadDate, line, value.get()),
            },
        };
        let Ok(metadata) = with_rest(metadata, &object, &known) else {
            return self.skip(Reason::BadMetadata, line, json);
        };
        let message_id = id.unwrap_or_else(|| self.made(timestamp, &user, &content));
        let message = Message {
            conversation: conversation.filter(|name| !name.is_empty()).unwrap_or_else(|| as_id(&self.context.stem)),
            user,
            content,
            timestamp,
            message_id,
            metadata,
            place: self.context.place(line),
        };
        (self.emit)(message.checked())
    }

    fn made(&mut self, timestamp: Option<Timestamp>, user: &str, content: &str) -> String {
        match timestamp {
            Some(at) => {
                let nth = self.nth.count(at.as_millis(), user, content).to_string();
                ids::made("json", &[&at.to_string(), user, content, &nth])
            }
            None => ids::made("json", &[&self.context.name, &self.number.to_string(), user, content]),
        }
    }
}

/// The metadata as they are written, with the fields that are none of a message's beside them.
fn with_rest(
    metadata: Option<&RawValue>,
    object: &[(String, &RawValue)],
    used: &[usize],
) -> Result<Option<String>, shared::domain::record::MetadataError> {
    let given = match metadata {
        Some(value) => Some(Metadata::from_raw(value)?.as_json().to_owned()),
        None => None,
    };
    let rest = || {
        let unused = object.iter().enumerate().filter(|(at, _)| !used.contains(at));
        unused.map(|(_, entry)| entry).filter(|(_, value)| value.get() != "null")
    };
    if rest().next().is_none() {
        return Ok(given);
    }
    let mut extra = Extra::default();
    let inner = given.as_deref().and_then(members).unwrap_or_default();
    for (key, value) in inner.iter().chain(rest().filter(|(key, _)| !inner.iter().any(|(known, _)| known == key))) {
        extra.raw(key, value.get());
    }
    Ok(extra.finish())
}
