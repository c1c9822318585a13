//! Ids in paths: always the second segment, percent-decoded; the seq of a message: the fourth. Law: taken from the path itself, so that an id
//! which is also the name of a route (`/chats/summarize`) reads like any other.

use std::borrow::Cow;

use axum::extract::FromRequestParts;
use http::request::Parts;
use shared::domain::{ConversationId, IdError, Seq, UserId};

use super::query::percent_decoded;
use crate::error::{ApiError, ApiResult, FieldError};

/// The conversation that a path names; else `invalid_request` for `conversation_id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationPath(pub ConversationId);

/// The user that a path names; else `invalid_request` for `user_id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPath(pub UserId);

/// The message that a path names; else `invalid_request` for `conversation_id` or `seq`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagePath(pub ConversationId, pub Seq);

impl<S: Send + Sync> FromRequestParts<S> for MessagePath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> ApiResult<Self> {
        let path = parts.uri.path();
        let conversation = parse(path, "conversation_id", |text| ConversationId::parse(text))?;
        let seq = seq(path.split('/').nth(4).unwrap_or_default());
        seq.map(|seq| Self(conversation, seq)).ok_or_else(|| {
            ApiError::invalid(vec![FieldError::new("seq", "must be a whole number of 1 or more, in plain digits")])
        })
    }
}

/// Only as it is shown: without a sign, without zeros before it.
fn seq(segment: &str) -> Option<Seq> {
    let plain = segment.bytes().all(|byte| byte.is_ascii_digit()) && !segment.starts_with('0');
    segment.parse().ok().filter(|_| plain).map(Seq)
}

fn parse<T>(path: &str, name: &str, parse: impl FnOnce(&str) -> Result<T, IdError>) -> ApiResult<T> {
    let segment = path.split('/').nth(2).unwrap_or_default();
    let fault = |error: String| ApiError::invalid(vec![FieldError::new(name, error)]);
    let text: Cow<'_, str> = percent_decoded(segment.as_bytes()).map_err(|error| fault(error.to_owned()))?;
    parse(&text).map_err(|error| fault(error.to_string()))
}

impl<S: Send + Sync> FromRequestParts<S> for ConversationPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> ApiResult<Self> {
        parse(parts.uri.path(), "conversation_id", |text| ConversationId::parse(text)).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for UserPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> ApiResult<Self> {
        parse(parts.uri.path(), "user_id", |text| UserId::parse(text)).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(path: &str) -> Result<String, Vec<FieldError>> {
        parse(path, "conversation_id", |text| ConversationId::parse(text))
            .map(|id| id.to_string())
            .map_err(|error| error.fields().to_vec())
    }

    #[test]
    fn any_id_can_be_named() {
        for (path, expected) in [
            ("/chats/a", "a"),
            ("/chats/summarize", "summarize"),
            ("/chats/a%2Fb%3F%20%25/summary", "a/b? %"),
            ("/chats/a+b", "a+b"),
            ("/chats/%F0%9F%A6%80", "🦀"),
        ] {
            assert_eq!(id(path).as_deref(), Ok(expected), "{path}");
        }
    }

    #[test]
    fn a_seq_is_read_only_as_it_is_shown() {
        for (text, read) in [("1", Some(1)), ("18446744073709551615", Some(u64::MAX))] {
            assert_eq!(seq(text), read.map(Seq), "{text}");
        }
        for text in ["", "0", "01", "+1", "-1", "1.0", "x", "1%20", "18446744073709551616"] {
            assert_eq!(seq(text), None, "{text}");
        }
    }

    #[test]
    fn broken_ids_are_named_as_the_field() {
        for path in ["/chats/", "/chats/%", "/chats/%2", "/chats/%zz", "/chats/%ff", "/chats/%00"] {
            let fields = id(path).unwrap_err();
            assert_eq!(fields[0].path, "conversation_id", "{path}");
        }
        assert!(id(&format!("/chats/{}", "é".repeat(257))).is_err());
    }
}
