//! Files made by hand after each format's real exports, the odd ones among them, and properties of all parsers.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod discord;
mod folders;
mod json;
mod line_ends;
mod mattermost;
mod plain;
mod properties;
mod slack;
mod telegram;
mod whatsapp;

use std::io::Read;

use import_formats::{Format, Item, Message, Options, ReadError, Reason, Source, read};

/// All that a source gives.
#[derive(Debug, Default, PartialEq)]
struct Given {
    format: Option<Format>,
    messages: Vec<Message>,
    /// Reason, line, beginning of the text.
    skipped: Vec<(Reason, u64, String)>,
    ended: Vec<String>,
    notes: Vec<String>,
    error: Option<String>,
}

impl Given {
    fn of(source: Source, options: &Options) -> Self {
        let mut given = Self::default();
        let read: Result<Format, ReadError> = read(source, options, &mut |item| {
            match item {
                Item::Message(message) => given.messages.push(message),
                Item::Skipped(skipped) => given.skipped.push((skipped.reason, skipped.place.line, skipped.excerpt)),
                Item::Ended { conversation } => given.ended.push(conversation),
                Item::Note(note) => given.notes.push(note),
            }
            Ok(())
        });
        match read {
            Ok(format) => given.format = Some(format),
            Err(error) => given.error = Some(said(&error)),
        }
        given
    }

    fn stream(name: &str, from: impl Read + 'static, options: &Options) -> Self {
        Self::of(Source::Stream(name.to_owned(), Box::new(from)), options)
    }

    /// User and content of each message.
    fn said(&self) -> Vec<(&str, &str)> {
        self.messages.iter().map(|message| (message.user.as_str(), message.content.as_str())).collect()
    }

    fn times(&self) -> Vec<String> {
        self.messages.iter().map(|m| m.timestamp.map_or_else(|| "none".to_owned(), |at| at.to_string())).collect()
    }

    fn ids(&self) -> Vec<&str> {
        self.messages.iter().map(|message| message.message_id.as_str()).collect()
    }

    fn reasons(&self) -> Vec<(Reason, u64)> {
        self.skipped.iter().map(|(reason, line, _)| (*reason, *line)).collect()
    }

    fn metadata(&self, at: usize) -> serde_json::Value {
        let json = self.messages[at].metadata.as_deref().unwrap_or("null");
        serde_json::from_str(json).unwrap()
    }
}

/// An error with its causes.
fn said(error: &ReadError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// A text read by its name and bytes alone.
fn text(name: &str, text: &str) -> Given {
    Given::stream(name, std::io::Cursor::new(text.as_bytes().to_vec()), &Options::default())
}
