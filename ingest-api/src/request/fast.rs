//! The way of a good body: one pass, straight into valid values. The first fault ends it without a word.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use shared::config::MessageLimits;
use shared::domain::Metadata;

use super::json::lone_surrogate;
use super::received::{Received, ReceivedMessage};
use super::rules::FromText;
use super::{metadata, rules};

/// What a short message takes in a body. Room for as many is set aside, never more than the body's own size.
const LIKELY_MESSAGE_BYTES: usize = 128;

/// `None` if anything at all is wrong.
pub(super) fn read(text: &str, limits: &MessageLimits) -> Option<Received> {
    let mut json = serde_json::Deserializer::from_str(text);
    let likely_messages = (text.len() / LIKELY_MESSAGE_BYTES + 1).min(limits.max_messages);
    let received = Body { limits, likely_messages }.deserialize(&mut json).ok()?;
    json.end().ok()?;
    Some(received)
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum BodyField {
    ConversationId,
    UserId,
    Messages,
}

struct Body<'l> {
    limits: &'l MessageLimits,
    likely_messages: usize,
}

impl<'de> DeserializeSeed<'de> for Body<'_> {
    type Value = Received;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Received, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Body<'_> {
    type Value = Received;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Received, A::Error> {
        let (mut conversation, mut user, mut messages) = (None, None, None);
        while let Some(field) = map.next_key()? {
            match field {
                BodyField::ConversationId => once(&mut conversation, map.next_value_seed(Optional::new())?)?,
                BodyField::UserId => once(&mut user, map.next_value_seed(Optional::new())?)?,
                BodyField::Messages => once(&mut messages, map.next_value_seed(Messages(&self))?)?,
            }
        }
        let messages = messages.ok_or_else(|| A::Error::missing_field("messages"))?;
        Ok(Received { conversation: conversation.flatten(), user: user.flatten(), messages })
    }
}

fn once<T, E: de::Error>(slot: &mut Option<T>, value: T) -> Result<(), E> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::custom("twice")),
    }
}

struct Messages<'b, 'l>(&'b Body<'l>);

impl<'de> DeserializeSeed<'de> for Messages<'_, '_> {
    type Value = Vec<ReceivedMessage>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Messages<'_, '_> {
    type Value = Vec<ReceivedMessage>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let limits = self.0.limits;
        let mut messages = Vec::with_capacity(self.0.likely_messages);
        while let Some(message) = list.next_element_seed(Message(limits))? {
            if messages.len() == limits.max_messages {
                return Err(A::Error::custom("too many"));
            }
            messages.push(message);
        }
        Ok(messages)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum MessageField {
    Content,
    Timestamp,
    Metadata,
    MessageId,
    UserId,
}

struct Message<'l>(&'l MessageLimits);

impl<'de> DeserializeSeed<'de> for Message<'_> {
    type Value = ReceivedMessage;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<ReceivedMessage, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Message<'_> {
    type Value = ReceivedMessage;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ReceivedMessage, A::Error> {
        let (mut content, mut timestamp, mut metadata) = (None, None, None);
        let (mut message_id, mut user) = (None, None);
        while let Some(field) = map.next_key()? {
            match field {
                MessageField::Content => once(&mut content, map.next_value_seed(Content(self.0))?)?,
                MessageField::Timestamp => once(&mut timestamp, map.next_value_seed(Optional::new())?)?,
                MessageField::Metadata => once(&mut metadata, checked(map.next_value()?, self.0)?)?,
                MessageField::MessageId => once(&mut message_id, map.next_value_seed(Optional::new())?)?,
                MessageField::UserId => once(&mut user, map.next_value_seed(Optional::new())?)?,
            }
        }
        Ok(ReceivedMessage {
            user: user.flatten(),
            message_id: message_id.flatten(),
            content: content.ok_or_else(|| A::Error::missing_field("content"))?,
            timestamp: timestamp.flatten(),
            metadata: metadata.flatten(),
        })
    }
}

fn checked<E: de::Error>(value: &RawValue, limits: &MessageLimits) -> Result<Option<Metadata>, E> {
    if value.get() == "null" {
        return Ok(None);
    }
    let metadata = metadata::check(value, limits).map_err(E::custom)?;
    if lone_surrogate(value.get()).is_some() {
        return Err(E::custom("half a surrogate pair"));
    }
    Ok(Some(metadata))
}

/// The text of a message, copied out of the body once.
struct Content<'l>(&'l MessageLimits);

impl<'de> DeserializeSeed<'de> for Content<'_> {
    type Value = Box<str>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Box<str>, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Content<'_> {
    type Value = Box<str>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Box<str>, E> {
        rules::content(text, self.0).map_err(E::custom)?;
        Ok(text.into())
    }
}

/// A string read in place, or `null`.
struct Optional<T>(PhantomData<T>);

impl<T> Optional<T> {
    const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: FromText> DeserializeSeed<'de> for Optional<T> {
    type Value = Option<T>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<T>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<T: FromText> Visitor<'_> for Optional<T> {
    type Value = Option<T>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or null")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<T>, E> {
        T::from_text(text).map(Some).map_err(E::custom)
    }
}
