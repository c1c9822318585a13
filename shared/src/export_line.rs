//! A message as a line of an export. Law: what it says can be imported again and is then the same: user, time, id,
//! text, metadata; and one message is one line.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::{Seq, Timestamp};

/// What stands for the id of a message that has none, before its seq: so an export can be imported twice.
pub const SEQ_ID: &str = "seq:";

/// What a line says.
#[derive(Debug, Clone, Copy)]
pub struct ExportLine<'a> {
    /// Where it was said.
    pub conversation: &'a str,
    /// Who said it.
    pub user: &'a str,
    /// When.
    pub timestamp: Timestamp,
    /// Its place, which names it where it has no other name.
    pub seq: Seq,
    /// Its name.
    pub message_id: Option<&'a str>,
    /// What was said; none where that stands elsewhere.
    pub content: Option<&'a str>,
    /// The JSON object of the client's own data about it.
    pub metadata: Option<&'a str>,
}

#[derive(Serialize)]
struct Line<'a> {
    conversation_id: &'a str,
    user_id: &'a str,
    timestamp: Timestamp,
    message_id: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Box<RawValue>>,
}

impl ExportLine<'_> {
    /// The line as JSON, without a line break. Fails where the metadata are no JSON.
    pub fn to_json(&self) -> serde_json::Result<String> {
        let id = self.message_id.map_or_else(|| Cow::from(format!("{SEQ_ID}{}", self.seq)), Cow::from);
        let metadata = self.metadata.map(|raw| RawValue::from_string(on_one_line(raw))).transpose()?;
        serde_json::to_string(&Line {
            conversation_id: self.conversation,
            user_id: self.user,
            timestamp: self.timestamp,
            message_id: id,
            content: self.content,
            metadata,
        })
    }
}

/// JSON as it is written, unless it has line breaks: then without blanks between its parts.
fn on_one_line(json: &str) -> String {
    if !json.contains(['\n', '\r']) {
        return json.to_owned();
    }
    let mut line = String::with_capacity(json.len());
    let (mut quoted, mut escaped) = (false, false);
    for sign in json.chars() {
        if quoted || !matches!(sign, ' ' | '\t' | '\n' | '\r') {
            line.push(sign);
        }
        if sign == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && sign == '\\' && !escaped;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_stay_as_they_are_but_on_one_line() {
        for (written, line) in [
            (r#"{"a": 1.0,  "b":"x y"}"#, r#"{"a": 1.0,  "b":"x y"}"#),
            ("{\n \"a b\\\"\\\\\": [1,\r\n\t2]}", r#"{"a b\"\\":[1,2]}"#),
        ] {
            assert_eq!(on_one_line(written), line);
        }
    }
}
