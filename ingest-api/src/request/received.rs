//! A body whose fields are each valid, before it is known who wrote what.

use std::collections::HashMap;

use shared::domain::{ConversationId, MessageId, Metadata, Timestamp, UserId};
use shared::ports::{Draft, IdSource};

use super::PostChatsRequest;

/// The fields outside of the messages, and the messages.
#[derive(Debug, Default)]
pub(super) struct Received {
    pub(super) conversation: Option<ConversationId>,
    pub(super) user: Option<UserId>,
    pub(super) messages: Vec<ReceivedMessage>,
}

/// A message that may not say who wrote it.
#[derive(Debug)]
pub(super) struct ReceivedMessage {
    pub(super) user: Option<UserId>,
    pub(super) message_id: Option<MessageId>,
    pub(super) content: Box<str>,
    pub(super) timestamp: Option<Timestamp>,
    pub(super) metadata: Option<Metadata>,
}

impl Received {
    /// Gives each message its writer and its salt. `None` if there is no message, one has no writer, or two have one
    /// id.
    pub(super) fn attribute(self, ids: &dyn IdSource) -> Option<PostChatsRequest> {
        let named = self.messages.iter().enumerate().filter_map(|(i, m)| Some((i, m.message_id.as_ref()?.as_str())));
        if self.messages.is_empty() || repeated(named).next().is_some() {
            return None;
        }
        let mut messages = Vec::with_capacity(self.messages.len());
        for message in self.messages {
            messages.push(Draft {
                user: message.user.or_else(|| self.user.clone())?,
                message_id: message.message_id,
                content: message.content,
                timestamp: message.timestamp,
                metadata: message.metadata,
                salt: ids.random(),
            });
        }
        Some(PostChatsRequest { conversation: self.conversation, messages })
    }
}

/// The places of names that stood before, each with the place where the name stood first.
pub(super) fn repeated<'n>(
    named: impl Iterator<Item = (usize, &'n str)> + 'n,
) -> impl Iterator<Item = (usize, usize)> + 'n {
    let mut places: HashMap<&str, usize> = HashMap::new();
    named.filter_map(move |(place, name)| {
        let first = *places.entry(name).or_insert(place);
        (first != place).then_some((place, first))
    })
}
