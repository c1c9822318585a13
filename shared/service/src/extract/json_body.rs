//! A JSON body as bytes. Law: at most the limit is ever held, and a body that came in one piece is not copied.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use shared::error_code::ErrorCode;

use crate::admission::{self, BodyLimits};
use crate::error::{ApiError, ApiResult};
use crate::limits::{self, Limit};
use crate::within::within;

/// The most bytes that are set aside on the word of a `Content-Length` alone.
const TRUSTED_LENGTH: usize = 64 * 1024;

/// The whole body of a request sent as `application/json`; not parsed, not checked to be UTF-8.
///
/// Errors: `unsupported_media_type`, `payload_too_large`, `timeout` (reading took too long),
/// `invalid_request` (the connection broke or the framing is wrong).
#[derive(Debug, Clone)]
pub struct JsonBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> ApiResult<Self> {
        let limits = admission::body_limits(request.extensions());
        if !is_json(request.headers()) {
            return Err(ApiError::new(
                ErrorCode::UnsupportedMediaType,
                "send the body as JSON, with the header `Content-Type: application/json`",
            ));
        }
        let announced = announced_length(request.headers());
        if announced.is_some_and(|length| length > limits.max_bytes) {
            return Err(too_large(limits));
        }
        let reading = read(request.into_body(), announced.unwrap_or(0), limits);
        let Some(body) = within(limits.timeout, reading).await else {
            limits::refused(Limit::BodyTime);
            return Err(ApiError::new(ErrorCode::Timeout, "the body did not arrive in time"));
        };
        body.map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

fn announced_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(limits: BodyLimits) -> ApiError {
    limits::refused(Limit::BodyBytes);
    let message = format!("the body is larger than {} bytes; send it in several requests", limits.max_bytes);
    ApiError::new(ErrorCode::PayloadTooLarge, message)
}

async fn read(mut body: Body, announced: usize, limits: BodyLimits) -> ApiResult<Bytes> {
    let Some(first) = next_data(&mut body).await? else {
        return Ok(Bytes::new());
    };
    if first.len() > limits.max_bytes {
        return Err(too_large(limits));
    }
    if body.is_end_stream() {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(announced.min(TRUSTED_LENGTH).max(first.len() * 2));
    whole.extend_from_slice(&first);
    drop(first);
    while let Some(data) = next_data(&mut body).await? {
        if whole.len() + data.len() > limits.max_bytes {
            return Err(too_large(limits));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

/// The next piece of data; trailers are passed over.
async fn next_data(body: &mut Body) -> ApiResult<Option<Bytes>> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            ApiError::new(ErrorCode::InvalidRequest, "the body could not be read to its end").because(error)
        })?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_json_by_its_media_type() {
        for (value, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/json ;x", true),
            ("application/jsonx", false),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, http::HeaderValue::from_static(value))]);
            assert_eq!(is_json(&headers), expected, "{value}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn one_piece_is_not_copied() {
        let piece = Bytes::from(vec![b'x'; 100]);
        let body = read(Body::from(piece.clone()), 100, BodyLimits::default()).await.unwrap();
        assert_eq!(body.as_ptr(), piece.as_ptr());
    }

    #[tokio::test]
    async fn a_byte_over_the_limit_is_too_large() {
        let limits = BodyLimits { max_bytes: 10, ..BodyLimits::default() };
        assert_eq!(read(Body::from(vec![0; 10]), 0, limits).await.unwrap().len(), 10);
        let error = read(Body::from(vec![0; 11]), 0, limits).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::PayloadTooLarge);
    }
}
