//! The way of a bad body: all that is wrong with it, and where.
//!
//! It goes down level by level over the raw text, never into a tree, so a bad body costs a few more passes and no
//! memory of its size. If it finds no fault, the body is good and is taken: the fast pass is a shortcut only.

use std::fmt;
use std::ops::ControlFlow;

use serde_json::value::RawValue;
use shared::config::MessageLimits;
use shared::ports::IdSource;

use super::faults::{Faults, shortened};
use super::json::well_formed;
use super::received::{Received, ReceivedMessage, repeated};
use super::rules::FromText;
use super::walk::{count, elements, fields, text};
use super::{Fault, FieldFault, JsonType, PostChatsRequest, RequestError, metadata, rules};

/// Reads the body again, slowly.
pub(super) fn read(body: &str, limits: &MessageLimits, ids: &dyn IdSource) -> Result<PostChatsRequest, RequestError> {
    let root = well_formed(body)?;
    let mut pass = Pass { limits, faults: Faults::default(), unattributed: false };
    let received = pass.body(root);
    pass.faults.finish()?;
    let unknown = || RequestError::Invalid(vec![FieldFault { path: "body".into(), fault: Fault::Missing }]);
    received.attribute(ids).ok_or_else(unknown)
}

struct Pass<'l> {
    limits: &'l MessageLimits,
    faults: Faults,
    /// Whether a message names no writer.
    unattributed: bool,
}

/// A field of the body, or of the message at a place.
#[derive(Clone, Copy)]
struct Path<'p>(Option<usize>, &'p str);

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str(self.1),
            Some(place) => write!(f, "messages[{place}].{}", self.1),
        }
    }
}

impl Pass<'_> {
    fn body(&mut self, root: &RawValue) -> Received {
        const KNOWN: [&str; 3] = ["conversation_id", "user_id", "messages"];
        let [conversation, user, messages] = match self.split(None, root, KNOWN, "conversation_id, user_id, messages") {
            Ok(values) => values,
            Err(fault) => {
                self.faults.add("body", fault);
                return Received::default();
            }
        };
        let user = present(user);
        let received = Received {
            conversation: self.optional(Path(None, "conversation_id"), conversation),
            user: self.optional(Path(None, "user_id"), user),
            messages: self.messages(messages),
        };
        if user.is_none() && (self.unattributed || received.messages.is_empty()) {
            self.faults.add("user_id", Fault::NoUser);
        }
        received
    }

    fn messages(&mut self, list: Option<&RawValue>) -> Vec<ReceivedMessage> {
        let Some(list) = list else {
            self.faults.add("messages", Fault::Missing);
            return Vec::new();
        };
        let limit = self.limits.max_messages;
        match count(list) {
            Err(fault) => self.faults.add("messages", fault),
            Ok(0) => self.faults.add("messages", Fault::NoMessages),
            Ok(count) if count > limit => self.faults.add("messages", Fault::TooManyMessages { limit, count }),
            Ok(_) => {}
        }
        let mut messages = Vec::new();
        let mut named = Vec::new();
        // What is no list was noted above.
        let _ = elements(list, |place, value: &RawValue| {
            if place >= limit || self.faults.full() {
                return ControlFlow::Break(());
            }
            let message = self.message(place, value);
            named.extend(message.as_ref().and_then(|m| Some((place, m.message_id.clone()?))));
            messages.extend(message);
            ControlFlow::Continue(())
        });
        for (place, first) in repeated(named.iter().map(|(place, id)| (*place, id.as_str()))) {
            self.faults.add(Path(Some(place), "message_id"), Fault::MessageIdRepeated { first });
        }
        messages
    }

    fn message(&mut self, place: usize, value: &RawValue) -> Option<ReceivedMessage> {
        const KNOWN: [&str; 5] = ["content", "timestamp", "metadata", "message_id", "user_id"];
        let at = |name| Path(Some(place), name);
        let known = "content, timestamp, metadata, message_id, user_id";
        let split = self.split(Some(place), value, KNOWN, known);
        let [content, timestamp, metadata, message_id, user] =
            self.faults.keep(format_args!("messages[{place}]"), split)?;
        self.unattributed |= present(user).is_none();
        let content = content.ok_or(Fault::Missing).and_then(text).and_then(|text| {
            rules::content(&text, self.limits)?;
            Ok(text.into_boxed_str())
        });
        let content = self.faults.keep(at("content"), content);
        let timestamp = self.optional(at("timestamp"), timestamp);
        let metadata = present(metadata).map(|value| metadata::check(value, self.limits));
        let metadata = metadata.and_then(|result| self.faults.keep(at("metadata"), result));
        let message_id = self.optional(at("message_id"), message_id);
        let user = self.optional(at("user_id"), user);
        Some(ReceivedMessage { user, message_id, content: content?, timestamp, metadata })
    }

    /// The known fields of an object, in the order of `known`. Notes those that are unknown or come twice.
    fn split<'a, const N: usize>(
        &mut self,
        place: Option<usize>,
        object: &'a RawValue,
        known: [&str; N],
        listed: &'static str,
    ) -> Result<[Option<&'a RawValue>; N], Fault> {
        let mut values = [None; N];
        fields(object, |name, value| {
            match known.iter().position(|known| *known == name) {
                None => self.faults.add(Path(place, &shortened(name)), Fault::Unknown { known: listed }),
                Some(slot) if values[slot].is_some() => self.faults.add(Path(place, name), Fault::Repeated),
                Some(slot) => values[slot] = Some(value),
            }
            if self.faults.full() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(values)
    }

    fn optional<T: FromText>(&mut self, path: Path<'_>, value: Option<&RawValue>) -> Option<T> {
        let result = text(present(value)?).and_then(|text| T::from_text(&text));
        self.faults.keep(path, result)
    }
}

/// `null` is the same as nothing.
fn present(value: Option<&RawValue>) -> Option<&RawValue> {
    value.filter(|value| JsonType::of(value) != JsonType::Null)
}
