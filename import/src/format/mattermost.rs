//! Mattermost's bulk export: one object a line, `post` and `direct_post` with their replies within.
//!
//! Format: <https://docs.mattermost.com/onboard/bulk-loading-data.html#data-format>.

use std::collections::HashMap;
use std::io::Read;

use serde::Deserialize;
use shared::domain::Timestamp;

use super::{Context, Extra, attach};
use crate::ids;
use crate::item::{Message, Reason, as_id};
use crate::lines::{Ends, Lines};
use crate::source::{Emit, ReadError};

/// A post stands on one line with all its replies.
const LINE: usize = 32 * 1024 * 1024;

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    channel: Option<ChannelLine>,
    #[serde(default)]
    post: Option<Post>,
    #[serde(default)]
    direct_post: Option<Post>,
}

#[derive(Deserialize)]
struct ChannelLine {
    #[serde(default)]
    team: String,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Post {
    #[serde(default)]
    team: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    channel_members: Option<Vec<String>>,
    #[serde(flatten)]
    said: Said,
    #[serde(default)]
    replies: Option<Vec<Said>>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    user: String,
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    message: String,
    #[serde(default)]
    create_at: i64,
    #[serde(default)]
    edit_at: Option<i64>,
    #[serde(default)]
    delete_at: Option<i64>,
    #[serde(default)]
    attachments: Option<Vec<Attachment>>,
    #[serde(default)]
    props: Option<Props>,
}

#[derive(Deserialize)]
struct Attachment {
    #[serde(default)]
    path: String,
}

#[derive(Deserialize, Default)]
struct Props {
    #[serde(default)]
    override_username: Option<String>,
    #[serde(default)]
    attachments: Option<serde_json::Value>,
}

/// Which channel, and its conversation.
struct Room {
    scope: String,
    conversation: String,
}

#[derive(Default)]
struct Rooms {
    /// How many teams have a channel of this name.
    teams: HashMap<String, Vec<String>>,
}

impl Rooms {
    /// A channel name, with its team where several teams have such a channel.
    fn of(&self, post: &Post) -> Room {
        if let Some(members) = &post.channel_members {
            let mut members = members.clone();
            members.sort();
            let all = members.join(", ");
            return Room { conversation: as_id(&all), scope: all };
        }
        let several = self.teams.get(&post.channel).is_some_and(|teams| teams.len() > 1);
        let scope = format!("{}/{}", post.team, post.channel);
        let conversation = if several { as_id(&scope) } else { as_id(&post.channel) };
        Room { scope, conversation }
    }
}

pub(crate) fn read(context: &Context<'_>, from: &mut dyn Read, emit: Emit<'_>) -> Result<(), ReadError> {
    let mut lines = Lines::new(from, Ends::Any, LINE);
    let mut rooms = Rooms::default();
    while let Some(line) = lines.next()? {
        if line.text.trim().is_empty() {
            continue;
        }
        let parsed = if line.cut { None } else { serde_json::from_str::<Line>(&line.text).ok() };
        let Some(parsed) = parsed else {
            let reason = if line.cut { Reason::TooLong } else { Reason::Malformed };
            context.skip(emit, reason, line.number, &line.text)?;
            continue;
        };
        match (parsed.kind.as_str(), parsed.channel, parsed.post, parsed.direct_post) {
            ("channel", Some(channel), _, _) => {
                let teams = rooms.teams.entry(channel.name).or_default();
                if !teams.contains(&channel.team) {
                    teams.push(channel.team);
                }
            }
            ("post", _, Some(post), _) | ("direct_post", _, _, Some(post)) => {
                thread(context, &rooms, &post, line.number, emit)?;
            }
            ("post" | "direct_post", ..) => context.skip(emit, Reason::Malformed, line.number, &line.text)?,
            // Versions, teams, people, emoji: no entries of a chat.
            _ => {}
        }
    }
    Ok(())
}

fn thread(context: &Context<'_>, rooms: &Rooms, post: &Post, line: u64, emit: Emit<'_>) -> Result<(), ReadError> {
    let room = rooms.of(post);
    let first = post.said.id(&room, None);
    one(context, &room, &post.said, None, line, emit)?;
    for reply in post.replies.iter().flatten() {
        one(context, &room, reply, Some(&first), line, emit)?;
    }
    Ok(())
}

impl Said {
    /// Posts have no id of their own here; these fields identify one for Mattermost's own import too.
    fn id(&self, room: &Room, first: Option<&str>) -> String {
        let at = self.create_at.to_string();
        ids::made("mattermost", &[&room.scope, first.unwrap_or_default(), &self.user, &at, &self.message])
    }
}

fn one(
    context: &Context<'_>,
    room: &Room,
    said: &Said,
    first: Option<&str>,
    line: u64,
    emit: Emit<'_>,
) -> Result<(), ReadError> {
    if said.kind.as_deref().is_some_and(|kind| kind.starts_with("system_")) {
        return Ok(context.skip(emit, Reason::System, line, &said.message)?);
    }
    if said.delete_at.is_some_and(|at| at > 0) {
        return Ok(context.skip(emit, Reason::Deleted, line, &said.message)?);
    }
    if said.create_at <= 0 {
        return Ok(context.skip(emit, Reason::BadDate, line, &said.message)?);
    }
    let mut extra = Extra::default();
    let mut text = said.message.clone();
    let shown = said.props.as_ref();
    if text.trim().is_empty() {
        text = shown.and_then(|props| props.attachments.as_ref()).map(fallback).unwrap_or_default();
    }
    let files = said.attachments.iter().flatten();
    let names = files.map(|file| file.path.rsplit('/').next().unwrap_or_default().to_owned()).collect();
    attach(&mut text, &mut extra, names);
    if let Some(first) = first {
        extra.add("reply_to", first);
    }
    if let Some(edited) = said.edit_at.filter(|at| *at > 0) {
        extra.add("edited_at", Timestamp::from_millis(edited));
    }
    let author = shown.and_then(|props| props.override_username.as_deref()).unwrap_or(&said.user);
    if text.trim().is_empty() {
        return Ok(context.skip(emit, Reason::NoText, line, "")?);
    }
    let message = Message {
        conversation: room.conversation.clone(),
        user: as_id(author),
        content: text,
        timestamp: Some(Timestamp::from_millis(said.create_at)),
        message_id: said.id(room, first),
        metadata: extra.finish(),
        place: context.place(line),
    };
    Ok(emit(message.checked())?)
}

/// What integrations show instead of a text.
fn fallback(attachments: &serde_json::Value) -> String {
    let of = |one: &serde_json::Value| {
        let field = |name: &str| one.get(name).and_then(serde_json::Value::as_str).filter(|text| !text.is_empty());
        field("text").or_else(|| field("fallback")).or_else(|| field("title")).map(str::to_owned)
    };
    let texts: Vec<String> = attachments.as_array().into_iter().flatten().filter_map(of).collect();
    texts.join("\n")
}
