//! The forms of an export. Law: all that the API tells of a message is in it, metadata as they were sent.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::value::RawValue;
use shared::domain::Seq;
use shared::export_line::ExportLine;

use super::history::HistoryMessage;

/// Writes conversations.
pub(super) trait Writer {
    fn begin(&mut self, conversation: &str, to: &mut String);
    fn message(&mut self, conversation: &str, message: &HistoryMessage, to: &mut String) -> serde_json::Result<()>;
    fn ended(&mut self, conversation: &str, to: &mut String);
}

#[derive(Serialize)]
struct EndedLine<'a> {
    conversation_id: &'a str,
    ended: bool,
}

fn line(conversation: &str, message: &HistoryMessage, with_content: bool) -> serde_json::Result<String> {
    let line = ExportLine {
        conversation,
        user: &message.user_id,
        timestamp: message.timestamp,
        seq: Seq(message.seq),
        message_id: message.message_id.as_deref(),
        content: with_content.then_some(&message.content),
        metadata: message.metadata.as_deref().map(RawValue::get),
    };
    line.to_json()
}

fn ended_line(conversation: &str) -> String {
    // A string and a truth value always have a JSON form.
    serde_json::to_string(&EndedLine { conversation_id: conversation, ended: true }).unwrap_or_default()
}

/// One object a line.
pub(super) struct Jsonl;

impl Writer for Jsonl {
    fn begin(&mut self, _conversation: &str, _to: &mut String) {}

    fn message(&mut self, conversation: &str, message: &HistoryMessage, to: &mut String) -> serde_json::Result<()> {
        to.push_str(&line(conversation, message, true)?);
        to.push('\n');
        Ok(())
    }

    fn ended(&mut self, conversation: &str, to: &mut String) {
        to.push_str(&ended_line(conversation));
        to.push('\n');
    }
}

/// A heading, and for each message a comment with all of it but the text, a line for people, and the text quoted.
pub(super) struct Markdown;

impl Writer for Markdown {
    fn begin(&mut self, conversation: &str, to: &mut String) {
        // Writing to a string does not fail.
        let _ = writeln!(to, "# {}\n", escaped(conversation));
    }

    fn message(&mut self, conversation: &str, message: &HistoryMessage, to: &mut String) -> serde_json::Result<()> {
        let comment = commented(&line(conversation, message, false)?);
        let time = message.timestamp.to_string().replacen('T', " ", 1);
        let _ = writeln!(to, "<!-- recap {comment} -->\n**{}** · {time}\n", escaped(&message.user_id));
        for text in message.content.split('\n') {
            let _ = writeln!(to, "> {}", escaped(text));
        }
        to.push('\n');
        Ok(())
    }

    fn ended(&mut self, conversation: &str, to: &mut String) {
        let _ = writeln!(to, "<!-- recap {} -->\n*Ended.*\n", commented(&ended_line(conversation)));
    }
}

/// A comment ends at the first `>` behind two dashes; the capital tells this escape from the sender's own.
fn commented(json: &str) -> String {
    json.replace('>', "\\u003E")
}

/// HTML in a chat is text.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    use shared::domain::Timestamp;

    #[test]
    fn hostile_texts_stay_within_their_quotation() {
        let message = HistoryMessage {
            content: "<script>\n# heading & -->\n".to_owned(),
            timestamp: Timestamp::from_millis(0),
            user_id: "<b>".to_owned(),
            seq: 7,
            message_id: None,
            metadata: Some(RawValue::from_string(r#"{"x":"--><script>"}"#.to_owned()).unwrap()),
        };
        let mut to = String::new();
        Markdown.message("c", &message, &mut to).unwrap();
        assert_eq!(
            to,
            "<!-- recap {\"conversation_id\":\"c\",\"user_id\":\"<b\\u003E\",\"timestamp\":\"1970-01-01T00:00:00Z\",\
             \"message_id\":\"seq:7\",\"metadata\":{\"x\":\"--\\u003E<script\\u003E\"}} -->\n**&lt;b>** · 1970-01-01 00:00:00Z\n\n\
             > &lt;script>\n> # heading &amp; -->\n> \n\n"
        );
    }
}
