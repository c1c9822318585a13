//! The export of a Slack workspace: `users.json`, `channels.json` and their like, and a folder for each channel with
//! a list of messages for each day.
//!
//! Format: <https://slack.com/help/articles/220556107>, and Slack's message event types.

mod markup;

use std::collections::HashMap;
use std::io::Read;

use serde::Deserialize;
use serde_json::value::RawValue;
use shared::domain::Timestamp;

use super::{Context, Extra, attach};
use crate::folder::Folder;
use crate::ids;
use crate::item::{Item, Message, Place, Reason, Skipped, as_id};
use crate::json::{Member, Walk, elements};
use crate::source::{Emit, Options, ReadError};

#[derive(Deserialize)]
struct Person {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    real_name: Option<String>,
    #[serde(default)]
    profile: Option<Profile>,
}

#[derive(Deserialize, Default)]
struct Profile {
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    real_name: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct Room {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    members: Vec<String>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    subtype: Option<String>,
    #[serde(default)]
    hidden: bool,
    #[serde(default)]
    ts: String,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    bot_id: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    thread_ts: Option<String>,
    #[serde(default)]
    edited: Option<Edited>,
    #[serde(default)]
    files: Option<Vec<File>>,
    #[serde(default)]
    file: Option<File>,
    #[serde(default)]
    attachments: Option<Vec<Attachment>>,
    #[serde(default)]
    user_profile: Option<Profile>,
}

#[derive(Deserialize)]
struct Edited {
    #[serde(default)]
    ts: String,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    mode: Option<String>,
}

#[derive(Deserialize)]
struct Attachment {
    #[serde(default)]
    fallback: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    title: Option<String>,
}

/// People and channels by id.
#[derive(Default)]
pub(crate) struct Workspace {
    people: HashMap<String, String>,
    rooms: HashMap<String, String>,
    /// What the folders are called, for direct messages by id.
    folders: HashMap<String, String>,
}

const LISTS: [&str; 5] = ["users.json", "channels.json", "groups.json", "dms.json", "mpims.json"];

impl Workspace {
    /// Whether these are the files of one.
    pub(crate) fn among(names: &[String]) -> bool {
        let plain = |name: &String| LISTS[..2].contains(&name.rsplit('/').next().unwrap_or(name));
        names.iter().any(plain) && names.iter().any(|name| is_day(name))
    }

    fn load(folder: &mut dyn Folder, names: &[String]) -> Result<Self, ReadError> {
        let mut workspace = Self::default();
        for list in LISTS {
            let Some(name) = names.iter().find(|name| name.rsplit('/').next() == Some(list)) else { continue };
            let from = folder.open(name)?;
            workspace.learn(list, from).map_err(|error| match error {
                ReadError::Stopped(stopped) => ReadError::Stopped(stopped),
                other => ReadError::Within { file: name.clone(), source: Box::new(other) },
            })?;
        }
        Ok(workspace)
    }

    fn learn(&mut self, list: &str, from: Box<dyn Read + '_>) -> Result<(), ReadError> {
        let mut each = |element: &RawValue| {
            if list == "users.json" {
                if let Ok(person) = serde_json::from_str::<Person>(element.get()) {
                    let shown = person.shown();
                    self.people.insert(person.id, shown);
                }
            } else if let Ok(room) = serde_json::from_str::<Room>(element.get()) {
                let name = room.name.clone().filter(|name| list != "mpims.json" && !name.is_empty());
                let members = || room.members.iter().map(|id| self.person(id)).collect::<Vec<_>>();
                let shown = name.clone().unwrap_or_else(|| {
                    let mut members = members();
                    members.sort();
                    members.join(", ")
                });
                for folder in [Some(room.id.clone()), room.name].into_iter().flatten() {
                    self.folders.insert(folder, shown.clone());
                }
                self.rooms.insert(room.id, shown);
            }
        };
        elements(from, &mut Each(&mut each))
    }

    fn person(&self, id: &str) -> String {
        self.people.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }
}

struct Each<'a>(&'a mut dyn FnMut(&RawValue));

impl Walk for Each<'_> {
    fn member(&mut self, _depth: usize, _key: &str) -> Member {
        Member::Ignore
    }

    fn value(&mut self, _key: &str, _value: &RawValue) -> Result<(), ReadError> {
        Ok(())
    }

    fn element(&mut self, element: &RawValue, _line: u64) -> Result<(), ReadError> {
        (self.0)(element);
        Ok(())
    }
}

impl Person {
    /// The handle, which is unique and stays; display names are neither.
    fn shown(&self) -> String {
        let profile = self.profile.as_ref();
        let names = [
            self.name.as_deref(),
            profile.and_then(|profile| profile.display_name.as_deref()),
            profile.and_then(|profile| profile.real_name.as_deref()),
            self.real_name.as_deref(),
        ];
        names.into_iter().flatten().map(as_id).find(|name| !name.is_empty()).unwrap_or_else(|| self.id.clone())
    }
}

/// `general/2024-01-31.json`, also below other folders.
fn is_day(name: &str) -> bool {
    let Some((folder, file)) = name.rsplit_once('/') else { return false };
    let date = file.strip_suffix(".json").map(str::as_bytes);
    let dated = |date: &[u8]| date.len() == 10 && date[4] == b'-' && date[7] == b'-' && date[0].is_ascii_digit();
    !folder.is_empty() && date.is_some_and(dated)
}

/// Reads a whole workspace, channel by channel, each in order of days.
pub(crate) fn workspace(folder: &mut dyn Folder, options: &Options, emit: Emit<'_>) -> Result<(), ReadError> {
    let names = folder.names();
    let workspace = Workspace::load(folder, &names)?;
    for name in names {
        if !is_day(&name) {
            let plain = name.rsplit('/').next().unwrap_or(&name);
            if !LISTS.contains(&plain) && !plain.ends_with("_logs.json") && plain != "canvases.json" {
                let place = Place { file: name.as_str().into(), line: 0 };
                emit(Item::Skipped(Skipped { reason: Reason::NotChat, place, excerpt: String::new() }))?;
            }
            continue;
        }
        let context = Context { options, name: name.as_str().into(), stem: String::new() };
        let from = folder.open(&name)?;
        let mut days = Days::new(&context, &workspace, emit);
        elements(from, &mut days).map_err(|error| match error {
            ReadError::Stopped(stopped) => ReadError::Stopped(stopped),
            other => ReadError::Within { file: name.clone(), source: Box::new(other) },
        })?;
    }
    Ok(())
}

/// Reads one list of messages by itself; people keep their ids where the messages do not name them.
pub(crate) fn day(context: &Context<'_>, from: &mut dyn Read, emit: Emit<'_>) -> Result<(), ReadError> {
    let workspace = Workspace::default();
    elements(from, &mut Days::new(context, &workspace, emit))
}

struct Days<'a, 'e> {
    context: &'a Context<'a>,
    workspace: &'a Workspace,
    emit: Emit<'e>,
    folder: String,
    conversation: String,
}

impl<'a, 'e> Days<'a, 'e> {
    fn new(context: &'a Context<'a>, workspace: &'a Workspace, emit: Emit<'e>) -> Self {
        let parent = context.name.rsplit('/').nth(1).unwrap_or(&context.stem).to_owned();
        let conversation = workspace.folders.get(&parent).map_or_else(|| as_id(&parent), |name| as_id(name));
        Self { context, workspace, emit, folder: parent, conversation }
    }

    fn take(&mut self, entry: Entry, line: u64) -> Result<(), ReadError> {
        let raw = entry.text.as_deref().unwrap_or_default();
        if let Some(reason) = entry.unsaid() {
            return Ok(self.context.skip(self.emit, reason, line, raw)?);
        }
        let Some(timestamp) = moment(&entry.ts) else {
            return Ok(self.context.skip(self.emit, Reason::BadDate, line, &entry.ts)?);
        };
        let user = self.author(&entry);
        let mut extra = Extra::default();
        let mut content = markup::plain(raw, &self.workspace.people, &self.workspace.rooms);
        if content.trim().is_empty() {
            let shown = |one: &Attachment| one.text.clone().or(one.fallback.clone()).or(one.title.clone());
            let texts: Vec<String> = entry.attachments.iter().flatten().filter_map(shown).collect();
            content = markup::plain(&texts.join("\n"), &self.workspace.people, &self.workspace.rooms);
        }
        let files = entry.files.into_iter().flatten().chain(entry.file);
        let gone = |file: &File| matches!(file.mode.as_deref(), Some("tombstone" | "hidden_by_limit"));
        let names = files.filter(|file| !gone(file)).filter_map(|file| file.name.or(file.title)).collect();
        attach(&mut content, &mut extra, names);
        if let Some(thread) = entry.thread_ts.filter(|thread| *thread != entry.ts && !thread.is_empty()) {
            extra.add("reply_to", ids::own("slack", &self.folder, &thread));
        }
        if let Some(edited) = entry.edited.and_then(|edited| moment(&edited.ts)) {
            extra.add("edited_at", edited);
        }
        if entry.bot_id.is_some() {
            extra.add("bot", true);
        }
        if content.trim().is_empty() {
            return Ok(self.context.skip(self.emit, Reason::NoText, line, "")?);
        }
        let message = Message {
            conversation: self.conversation.clone(),
            user,
            content,
            timestamp: Some(timestamp),
            message_id: ids::own("slack", &self.folder, &entry.ts),
            metadata: extra.finish(),
            place: self.context.place(line),
        };
        Ok((self.emit)(message.checked())?)
    }

    fn author(&self, entry: &Entry) -> String {
        if let Some(known) = entry.user.as_ref().and_then(|id| self.workspace.people.get(id)) {
            return known.clone();
        }
        let profile = entry.user_profile.as_ref();
        let named = profile.and_then(|profile| {
            [&profile.name, &profile.display_name, &profile.real_name]
                .into_iter()
                .flatten()
                .find(|name| !name.is_empty())
        });
        let all = [entry.username.as_ref(), named, entry.user.as_ref(), entry.bot_id.as_ref()];
        all.into_iter().flatten().map(|name| as_id(name)).find(|name| !name.is_empty()).unwrap_or_default()
    }
}

impl Entry {
    /// Why this was not said by anybody.
    fn unsaid(&self) -> Option<Reason> {
        if !matches!(self.kind.as_str(), "message" | "") {
            return Some(Reason::System);
        }
        match self.subtype.as_deref() {
            Some("tombstone" | "message_deleted") => Some(Reason::Deleted),
            None | Some("" | "bot_message" | "me_message" | "thread_broadcast" | "file_share" | "file_comment") => {
                self.hidden.then_some(Reason::System)
            }
            // An older form of the same message that the export keeps as well.
            Some(_) => Some(Reason::System),
        }
    }
}

/// Seconds since 1970 with a fraction, which together are unique in a channel.
fn moment(ts: &str) -> Option<Timestamp> {
    let (seconds, fraction) = ts.split_once('.').unwrap_or((ts, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(seconds) || !digits(fraction) {
        return None;
    }
    let seconds: i64 = seconds.parse().ok().filter(|seconds| *seconds > 0)?;
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some(Timestamp::from_millis(seconds.checked_mul(1000)?.checked_add(millis)?))
}

impl Walk for Days<'_, '_> {
    fn member(&mut self, _depth: usize, _key: &str) -> Member {
        Member::Ignore
    }

    fn value(&mut self, _key: &str, _value: &RawValue) -> Result<(), ReadError> {
        Ok(())
    }

    fn element(&mut self, element: &RawValue, line: u64) -> Result<(), ReadError> {
        match serde_json::from_str::<Entry>(element.get()) {
            Ok(entry) => self.take(entry, line),
            Err(_) => Ok(self.context.skip(self.emit, Reason::Malformed, line, element.get())?),
        }
    }
}
