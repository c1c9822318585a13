//! Messages gathered into bodies of `POST /chats`, one for each conversation. Laws: order within a conversation
//! stays; memory is bounded however many conversations are interleaved.

use std::collections::HashMap;

use import_formats::{Message, Place};
use serde::Serialize;
use serde_json::value::RawValue;
use shared::domain::Timestamp;

/// As many as a server takes by default.
const MESSAGES: usize = 1000;
/// Half of what a server takes by default.
const BYTES: usize = 4 * 1024 * 1024;
/// Of all conversations together.
const ALL_MESSAGES: usize = 20_000;
const ALL_BYTES: usize = 32 * 1024 * 1024;

/// Messages of one conversation, each encoded.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) conversation: String,
    pub(crate) messages: Vec<Encoded>,
    bytes: usize,
    ids: HashMap<String, usize>,
}

/// A message as it stands in a body.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) id: String,
    pub(crate) json: String,
    pub(crate) place: Place,
}

/// What became of a message.
#[derive(Debug)]
pub(crate) enum Pushed {
    Added,
    /// One with its id stands in this body already.
    Repeated {
        same: bool,
        place: Place,
    },
}

#[derive(Serialize)]
struct MessageRequest<'a> {
    user_id: &'a str,
    content: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Timestamp>,
    message_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a RawValue>,
}

fn encoded(message: &Message) -> String {
    let metadata = message.metadata.as_deref().and_then(|json| serde_json::from_str(json).ok());
    let request = MessageRequest {
        user_id: &message.user,
        content: &message.content,
        timestamp: message.timestamp,
        message_id: &message.message_id,
        metadata,
    };
    // Strings and a raw value always have a JSON form.
    serde_json::to_string(&request).unwrap_or_default()
}

impl Batch {
    fn push(&mut self, message: Message) -> Pushed {
        let json = encoded(&message);
        if let Some(first) = self.ids.get(&message.message_id) {
            return Pushed::Repeated { same: self.messages[*first].json == json, place: message.place };
        }
        self.ids.insert(message.message_id.clone(), self.messages.len());
        self.bytes += json.len() + 1;
        self.messages.push(Encoded { id: message.message_id, json, place: message.place });
        Pushed::Added
    }

    /// The body of the request.
    pub(crate) fn body(conversation: &str, messages: &[Encoded]) -> String {
        let name = serde_json::to_string(conversation).unwrap_or_default();
        let bytes: usize = messages.iter().map(|message| message.json.len() + 1).sum();
        let mut body = String::with_capacity(bytes + name.len() + 40);
        body.push_str("{\"conversation_id\":");
        body.push_str(&name);
        body.push_str(",\"messages\":[");
        for (at, message) in messages.iter().enumerate() {
            if at > 0 {
                body.push(',');
            }
            body.push_str(&message.json);
        }
        body.push_str("]}");
        body
    }
}

/// Open batches.
#[derive(Debug, Default)]
pub(crate) struct Batches {
    open: HashMap<String, Batch>,
    messages: usize,
    bytes: usize,
}

impl Batches {
    /// Adds a message; gives a batch that is to be posted now.
    pub(crate) fn add(&mut self, message: Message) -> (Pushed, Option<Batch>) {
        let name = message.conversation.clone();
        let batch =
            self.open.entry(name.clone()).or_insert_with(|| Batch { conversation: name.clone(), ..Batch::default() });
        let before = batch.bytes;
        let pushed = batch.push(message);
        if matches!(pushed, Pushed::Added) {
            self.messages += 1;
            self.bytes += batch.bytes - before;
        }
        if batch.messages.len() >= MESSAGES || batch.bytes >= BYTES {
            return (pushed, self.take(&name));
        }
        let crowded = self.messages >= ALL_MESSAGES || self.bytes >= ALL_BYTES;
        let largest = || self.open.values().max_by_key(|batch| batch.bytes).map(|batch| batch.conversation.clone());
        let full = if crowded { largest().and_then(|name| self.take(&name)) } else { None };
        (pushed, full)
    }

    /// The open batch of a conversation.
    pub(crate) fn take(&mut self, conversation: &str) -> Option<Batch> {
        let batch = self.open.remove(conversation)?;
        self.messages -= batch.messages.len();
        self.bytes -= batch.bytes;
        Some(batch)
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> Vec<Batch> {
        self.messages = 0;
        self.bytes = 0;
        let mut rest: Vec<Batch> = self.open.drain().map(|(_, batch)| batch).collect();
        rest.sort_by(|a, b| a.conversation.cmp(&b.conversation));
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(conversation: &str, id: usize, content: &str) -> Message {
        Message {
            conversation: conversation.to_owned(),
            user: "u".to_owned(),
            content: content.to_owned(),
            timestamp: None,
            message_id: id.to_string(),
            metadata: Some("{ \"a\":1 }".to_owned()),
            place: Place { file: "f".into(), line: id as u64 },
        }
    }

    #[test]
    fn bodies_hold_at_most_a_thousand_messages_in_order() {
        let mut batches = Batches::default();
        let full = (0..1500).filter_map(|id| batches.add(message("c", id, "x")).1).collect::<Vec<_>>();
        assert_eq!((full.len(), full[0].messages.len()), (1, 1000));
        assert_eq!(full[0].messages[999].id, "999");
        let rest = batches.rest();
        assert_eq!((rest.len(), rest[0].messages.len()), (1, 500));
        let body = Batch::body("a\"b", &rest[0].messages[..2]);
        assert!(body.starts_with(r#"{"conversation_id":"a\"b","messages":[{"user_id":"u","content":"x","message_id":"1000","metadata":{ "a":1 }},"#));
        assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok());
    }

    #[test]
    fn many_conversations_together_are_bounded() {
        let mut batches = Batches::default();
        let mut posted = 0;
        for id in 0..50_000 {
            posted +=
                batches.add(message(&format!("c{}", id % 10_000), id, "x")).1.map_or(0, |batch| batch.messages.len());
            assert!(batches.messages <= ALL_MESSAGES);
        }
        posted += batches.rest().iter().map(|batch| batch.messages.len()).sum::<usize>();
        assert_eq!(posted, 50_000);
        let large = "x".repeat(BYTES);
        assert!(batches.add(message("c", 0, &large)).1.is_some());
    }

    #[test]
    fn an_id_stands_once_in_a_body() {
        let mut batches = Batches::default();
        batches.add(message("c", 1, "x"));
        assert!(matches!(batches.add(message("c", 1, "x")).0, Pushed::Repeated { same: true, .. }));
        assert!(matches!(batches.add(message("c", 1, "y")).0, Pushed::Repeated { same: false, .. }));
        assert!(matches!(batches.add(message("d", 1, "y")).0, Pushed::Added));
    }
}
