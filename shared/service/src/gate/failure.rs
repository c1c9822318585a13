//! The one error body, for refusals of every layer. Law: whatever failed, the client reads the same form.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, TRANSFER_ENCODING, UPGRADE,
    WWW_AUTHENTICATE,
};
use http::{HeaderValue, StatusCode};
use shared::domain::Timestamp;
use shared::error_code::ErrorCode;

use super::quotas::whole_seconds;
use super::stats::RouteStats;
use crate::error::ApiError;
use crate::reply::APPLICATION_JSON;

/// The error that a response stands for: the one that a handler gave, else what the framework's status means.
pub(super) fn of(response: &mut Response, route: &RouteStats) -> Option<ApiError> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    let given = response.extensions_mut().remove::<ApiError>();
    Some(given.unwrap_or_else(|| from_status(status, route)))
}

fn from_status(status: StatusCode, route: &RouteStats) -> ApiError {
    let (code, message) = match status {
        StatusCode::UNAUTHORIZED => (ErrorCode::Unauthenticated, "send an API key as `Authorization: Bearer rk_...`"),
        StatusCode::FORBIDDEN => (ErrorCode::Forbidden, "this key may not do this"),
        StatusCode::NOT_FOUND => (ErrorCode::NotFound, "there is nothing at this path; see /docs for what there is"),
        StatusCode::METHOD_NOT_ALLOWED => (
            ErrorCode::MethodNotAllowed,
            "this path does not take this method; the header `Allow` names those it takes",
        ),
        StatusCode::CONFLICT => (ErrorCode::Conflict, "this contradicts what is stored"),
        StatusCode::PAYLOAD_TOO_LARGE => (ErrorCode::PayloadTooLarge, "the body is too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            (ErrorCode::UnsupportedMediaType, "send the body with the header `Content-Type: application/json`")
        }
        StatusCode::TOO_MANY_REQUESTS => (ErrorCode::RateLimited, "too many requests; try again later"),
        StatusCode::SERVICE_UNAVAILABLE => (ErrorCode::Unavailable, "not available now; try again"),
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => {
            (ErrorCode::Timeout, "it took too long; try again")
        }
        status if status.is_server_error() => {
            (ErrorCode::Internal, "something went wrong on our side; the request id names it in our logs")
        }
        _ if route.is_socket() => {
            (ErrorCode::InvalidRequest, "this path takes WebSockets only: send a WebSocket upgrade request (RFC 6455)")
        }
        _ => (ErrorCode::InvalidRequest, "the request is not valid"),
    };
    ApiError::new(code, message)
}

/// Writes the error into the response that it came with, whose other headers stay.
pub(super) fn write(response: &mut Response, error: &ApiError, now: Timestamp) {
    *response.status_mut() = error.status();
    *response.body_mut() = Body::from(error.body(now));
    let headers = response.headers_mut();
    for about_the_old_body in [CONTENT_LENGTH, CONTENT_ENCODING, TRANSFER_ENCODING, UPGRADE, CONNECTION] {
        headers.remove(about_the_old_body);
    }
    headers.insert(CONTENT_TYPE, APPLICATION_JSON);
    if let Some(wait) = error.wait() {
        headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait).max(1)));
    }
    if error.code() == ErrorCode::Unauthenticated {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"recap\""));
    }
}

/// A whole response for an error that came from nowhere else.
pub(super) fn response(error: &ApiError) -> Response {
    error.status().into_response()
}

/// The bytes of a response after which the connection closes.
pub(super) fn raw(error: &ApiError, request_id: &HeaderValue, now: Timestamp) -> Bytes {
    let body = error.body(now);
    let status = error.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let retry_after = error.wait().map_or(String::new(), |wait| {
        let seconds = whole_seconds(wait).max(1);
        format!("retry-after: {seconds}\r\n")
    });
    let (code, request_id, length) = (status.as_u16(), request_id.to_str().unwrap_or_default(), body.len());
    let text = format!(
        "HTTP/1.1 {code} {reason}\r\ncontent-type: application/json\r\nx-request-id: {request_id}\r\n\
         x-content-type-options: nosniff\r\n{retry_after}connection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(&body);
    Bytes::from(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_of_the_framework_has_a_code() {
        let route = RouteStats::new(Some("/ws/summarize"));
        for (status, code) in [
            (400, ErrorCode::InvalidRequest),
            (404, ErrorCode::NotFound),
            (405, ErrorCode::MethodNotAllowed),
            (408, ErrorCode::Timeout),
            (413, ErrorCode::PayloadTooLarge),
            (415, ErrorCode::UnsupportedMediaType),
            (422, ErrorCode::InvalidRequest),
            (426, ErrorCode::InvalidRequest),
            (500, ErrorCode::Internal),
            (502, ErrorCode::Internal),
        ] {
            let mut response = StatusCode::from_u16(status).unwrap().into_response();
            assert_eq!(of(&mut response, &route).unwrap().code(), code, "{status}");
        }
        assert!(of(&mut StatusCode::NO_CONTENT.into_response(), &route).is_none());
    }

    #[test]
    fn whole_seconds_at_least_one() {
        let mut response = Response::default();
        let error = ApiError::new(ErrorCode::Overloaded, "").retry_after(std::time::Duration::from_millis(1100));
        write(&mut response, &error, Timestamp::MIN);
        assert_eq!(response.headers()[RETRY_AFTER], "2");
        write(&mut response, &error.retry_after(std::time::Duration::ZERO), Timestamp::MIN);
        assert_eq!(response.headers()[RETRY_AFTER], "1");
    }
}
