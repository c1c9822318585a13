//! Bodies, read and checked (append): that of `POST /chats`, that of an edit, and the empty one.
//!
//! Law: what [`PostChatsRequest::parse`] gives may be stored as it is; what it refuses, it refuses with every fault
//! at once (at most [`MAX_FAULTS`]), and nothing is queued before.
//!
//! A good body is read once, straight into what the log takes. Only a refused one is read a second time, more
//! slowly, to say everything that is wrong with it and where. What users may rely on beyond the API contract:
//!
//! - `null` for an optional field is the same as leaving it out.
//! - `user_id` outside is needed unless every message names its own.
//! - `metadata` is kept as the text that was sent; its size is counted in bytes of that text, its depth in nested
//!   objects and lists, itself included.
//! - A body that is no JSON (broken syntax, no UTF-8, half a surrogate pair in an escape, anything after the end) is
//!   told apart from JSON of the wrong shape. `\u0000` in a `content` is text like any other.

mod careful;
mod empty;
mod fast;
mod faults;
mod json;
mod metadata;
mod patch;
mod received;
mod rules;
mod walk;

#[cfg(test)]
mod tests;

use shared::config::MessageLimits;
use shared::domain::ConversationId;
use shared::ports::{Draft, IdSource};

pub use empty::check_empty;
pub use faults::{FieldFault, MAX_FAULTS, RequestError};
pub use json::JsonType;
pub use patch::PatchMessageRequest;
pub use rules::Fault;

/// A valid body of `POST /chats`.
#[derive(Debug)]
pub struct PostChatsRequest {
    /// Where to append; a new conversation if left out.
    pub conversation: Option<ConversationId>,
    /// What to append, at least one.
    pub messages: Vec<Draft>,
}

impl PostChatsRequest {
    /// Reads and checks a body. Every message gets a fresh salt from `ids`.
    ///
    /// Costs one pass for a good body, a few more for a bad one, and never recurses into what was sent.
    pub fn parse(body: &[u8], limits: &MessageLimits, ids: &dyn IdSource) -> Result<Self, RequestError> {
        let text = std::str::from_utf8(body).map_err(|error| RequestError::not_utf8(&error))?;
        if let Some(request) = fast::read(text, limits).and_then(|received| received.attribute(ids)) {
            return Ok(request);
        }
        careful::read(text, limits, ids)
    }
}
