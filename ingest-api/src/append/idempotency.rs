//! The `Idempotency-Key` header: 1 to 255 visible ASCII characters, given once.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::HeaderValue;
use http::request::Parts;
use shared::domain::Digest;
use shared::ports::Idempotency;
use shared_service::FieldError;

const NAME: &str = "idempotency-key";

/// The header as it was sent; checked by [`Self::key`], so that its fault is told together with those of the body.
pub(crate) enum IdempotencyHeader {
    None,
    One(HeaderValue),
    Several,
}

impl<S: Sync> FromRequestParts<S> for IdempotencyHeader {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let mut values = parts.headers.get_all(NAME).iter();
        Ok(match (values.next(), values.next()) {
            (None, _) => Self::None,
            (Some(value), None) => Self::One(value.clone()),
            (Some(_), Some(_)) => Self::Several,
        })
    }
}

impl IdempotencyHeader {
    /// The key, if one was sent.
    pub(crate) fn key(&self) -> Result<Option<&str>, FieldError> {
        match self {
            Self::None => Ok(None),
            Self::One(value) => match value.to_str() {
                Ok(key) if (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) => {
                    Ok(Some(key))
                }
                _ => Err(FieldError::new("Idempotency-Key", "must be 1 to 255 visible ASCII characters")),
            },
            Self::Several => Err(FieldError::new("Idempotency-Key", "must be given once only")),
        }
    }
}

/// What the log keeps: the key and the digest of the body as it was sent.
pub(crate) fn of(key: &str, body: &[u8]) -> Idempotency {
    Idempotency { key: key.into(), body: Digest::of(body) }
}
