//! Calls from web pages. Law: a page of another host gets nothing unless its origin was allowed.

use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN, UPGRADE, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use shared::error_code::ErrorCode;

use crate::config::{Origin, Origins};
use crate::error::{ApiError, ApiResult};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PATCH, DELETE");
const HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, x-api-key, content-type, idempotency-key, x-request-id");
const EXPOSED: HeaderValue =
    HeaderValue::from_static("x-request-id, ratelimit, ratelimit-policy, retry-after, idempotency-replayed");

/// The header `Origin`, if it names an allowed origin.
pub(super) fn allowed(headers: &HeaderMap, origins: &Origins) -> Option<HeaderValue> {
    if origins.is_empty() {
        return None;
    }
    let header = headers.get(ORIGIN)?;
    let origin = Origin::parse(header.to_str().ok()?)?;
    origins.contain(&origin).then(|| header.clone())
}

/// The answer to a browser that asks whether it may call.
pub(super) fn preflight(method: &Method, headers: &HeaderMap) -> Option<Response> {
    if method != Method::OPTIONS || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    Some(response)
}

/// Lets the page read the answer.
pub(super) fn expose(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.append(VARY, HeaderValue::from_static("origin"));
}

/// Browsers let any page open a WebSocket to any host: the page must be ours or allowed.
pub(super) fn check_upgrade(headers: &HeaderMap, origins: &Origins) -> ApiResult<()> {
    if !headers.contains_key(UPGRADE) {
        return Ok(());
    }
    let Some(header) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let origin = header.to_str().ok().and_then(Origin::parse);
    if origin.is_some_and(|origin| origin.is_same_host(host) || origins.contain(&origin)) {
        return Ok(());
    }
    Err(ApiError::new(ErrorCode::Forbidden, "pages of this origin may not connect; add it to ALLOWED_ORIGINS"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_of_foreign_pages_are_refused() {
        let origins: Origins = "https://app.example".parse().unwrap();
        for (origin, good) in [
            (None, true),
            (Some("http://recap.test:8000"), true),
            (Some("https://app.example"), true),
            (Some("https://evil.example"), false),
            (Some("http://recap.test"), false),
            (Some("null"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(HOST, HeaderValue::from_static("recap.test:8000"));
            origin.map(|origin| headers.insert(ORIGIN, HeaderValue::from_static(origin)));
            assert_eq!(check_upgrade(&headers, &origins).is_ok(), good, "{origin:?}");
        }
    }
}
