//! Recap's own export as Markdown: for each message one comment that holds all of it but the text, a line for
//! people, and the text as a quotation, which keeps its line breaks.
//!
//! Law: what was exported comes back byte for byte; what people wrote between is passed over.

use std::io::Read;

use serde::Deserialize;
use shared::config::MessageLimits;
use shared::domain::Timestamp;

use super::Context;
use crate::item::{Item, Message, Reason};
use crate::lines::{Ends, Lines};
use crate::source::{Emit, ReadError, Stopped};

const LINE: usize = 256 * 1024;
const BEGIN: &str = "<!-- recap ";
const END: &str = " -->";

#[derive(Deserialize)]
struct Mark<'a> {
    conversation_id: String,
    #[serde(default)]
    user_id: Option<String>,
    #[serde(default)]
    message_id: Option<String>,
    #[serde(default)]
    timestamp: Option<Timestamp>,
    #[serde(borrow, default)]
    metadata: Option<&'a serde_json::value::RawValue>,
    #[serde(default)]
    ended: bool,
}

/// Whether a line begins an entry.
pub(crate) fn is_mark(line: &str) -> bool {
    line.starts_with(BEGIN) && line.trim_end().ends_with(END)
}

pub(crate) fn read(context: &Context<'_>, from: &mut dyn Read, emit: Emit<'_>) -> Result<(), ReadError> {
    let mut lines = Lines::new(from, Ends::Newline, LINE);
    let mut open: Option<(Message, bool)> = None;
    let mut windows = false;
    while let Some(line) = lines.next()? {
        if is_mark(&line.text) {
            close(context, open.take(), emit)?;
            windows = line.text.ends_with('\r');
            let json = line.text.trim_end().trim_start_matches(BEGIN).trim_end_matches(END);
            match serde_json::from_str::<Mark<'_>>(json) {
                Ok(mark) if mark.ended => emit(Item::Ended { conversation: mark.conversation_id })?,
                Ok(mark) => open = mark.message(context, line.number).map(|message| (message, false)),
                Err(_) => context.skip(emit, Reason::Malformed, line.number, &line.text)?,
            }
            continue;
        }
        let Some((message, begun)) = &mut open else { continue };
        let text = if windows { line.text.strip_suffix('\r').unwrap_or(&line.text) } else { &line.text };
        let Some(quoted) = text.strip_prefix("> ").or_else(|| (text == ">").then_some("")) else {
            if *begun {
                close(context, open.take(), emit)?;
            }
            continue;
        };
        if *begun {
            message.content.push('\n');
        }
        *begun = true;
        if line.cut || message.content.len() <= MessageLimits::default().max_content_bytes {
            // As they were escaped, in the other order.
            message.content.push_str(&quoted.replace("&lt;", "<").replace("&amp;", "&"));
        }
    }
    Ok(close(context, open, emit)?)
}

fn close(context: &Context<'_>, open: Option<(Message, bool)>, emit: Emit<'_>) -> Result<(), Stopped> {
    match open {
        None => Ok(()),
        Some((message, true)) => emit(message.checked()),
        Some((message, false)) => context.skip(emit, Reason::NoText, message.place.line, ""),
    }
}

impl Mark<'_> {
    fn message(self, context: &Context<'_>, line: u64) -> Option<Message> {
        Some(Message {
            conversation: self.conversation_id,
            user: self.user_id?,
            content: String::new(),
            timestamp: self.timestamp,
            message_id: self.message_id?,
            metadata: self.metadata.map(|json| uncommented(json.get())),
            place: context.place(line),
        })
    }
}

/// Takes back that `>` was written as `\u003E`, with a capital, so that no text ends the comment.
fn uncommented(json: &str) -> String {
    let mut plain = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        if let Some(after) = rest[at..].strip_prefix("\\u003E") {
            plain.push('>');
            rest = after;
            continue;
        }
        // The sign behind it belongs to it, a second backslash most of all.
        let end = rest[at + 1..].chars().next().map_or(at + 1, |sign| at + 1 + sign.len_utf8());
        plain.push_str(&rest[at..end]);
        rest = &rest[end..];
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_escape_is_taken_back() {
        assert_eq!(uncommented(r#"{"a":"--\u003E \\u003E \u003e \"\n\\"}"#), r#"{"a":"--> \\u003E \u003e \"\n\\"}"#);
    }
}
