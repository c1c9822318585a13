//! The key that a request carries. Law: only in headers, and only one.

use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName, SEC_WEBSOCKET_PROTOCOL};
use percent_encoding::percent_decode_str;
use shared::error_code::ErrorCode;

use crate::error::{ApiError, ApiResult};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// What comes before a key among the subprotocols of a browser's WebSocket, which can set no other header.
pub(super) const KEY_PROTOCOL: &str = "recap.key.";
/// Longer texts are no keys; nothing that long is hashed.
const MAX_KEY_BYTES: usize = 256;

/// The one key of a request, or none.
pub(super) fn key(headers: &HeaderMap) -> ApiResult<Option<&str>> {
    let mut found = None;
    for value in headers.get_all(AUTHORIZATION) {
        add(&mut found, bearer(value.to_str().unwrap_or_default())?)?;
    }
    for value in headers.get_all(X_API_KEY) {
        add(&mut found, value.to_str().unwrap_or_default().trim())?;
    }
    for value in headers.get_all(SEC_WEBSOCKET_PROTOCOL) {
        for protocol in value.to_str().unwrap_or_default().split(',') {
            if let Some(key) = protocol.trim().strip_prefix(KEY_PROTOCOL) {
                add(&mut found, key)?;
            }
        }
    }
    Ok(found)
}

fn bearer(value: &str) -> ApiResult<&str> {
    match value.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => Ok(key.trim()),
        _ => Err(refused("the header `Authorization` must be `Bearer rk_...`")),
    }
}

/// A text that may be a key.
pub(super) fn checked(key: &str) -> ApiResult<&str> {
    if !key.starts_with("rk_") || key.len() > MAX_KEY_BYTES {
        return Err(refused("this is no API key; keys begin with `rk_`"));
    }
    Ok(key)
}

fn add<'a>(found: &mut Option<&'a str>, key: &'a str) -> ApiResult<()> {
    checked(key)?;
    if found.is_some_and(|earlier| earlier != key) {
        return Err(ApiError::new(ErrorCode::InvalidRequest, "the request carries two different keys; send one"));
    }
    *found = Some(key);
    Ok(())
}

/// `unauthenticated`.
pub(super) fn refused(message: &str) -> ApiError {
    ApiError::new(ErrorCode::Unauthenticated, message)
}

/// Whether a query carries a key, where logs of proxies and browsers would keep it.
pub(super) fn is_in_query(query: &str) -> bool {
    query.split('&').any(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        is(name, |name| ["api_key", "key", "token"].iter().any(|bad| name.eq_ignore_ascii_case(bad)))
            || is(value, |value| value.starts_with("rk_"))
    })
}

fn is(text: &str, wanted: impl Fn(&str) -> bool) -> bool {
    if !text.contains('%') {
        return wanted(text);
    }
    wanted(&percent_decode_str(text).decode_utf8_lossy())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(lines: &[(HeaderName, &'static str)]) -> Result<Option<String>, ErrorCode> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        key(&headers).map(|key| key.map(str::to_owned)).map_err(|error| error.code())
    }

    #[test]
    fn three_places_for_one_key() {
        assert_eq!(of(&[]), Ok(None));
        for line in [
            (AUTHORIZATION, "Bearer rk_a"),
            (AUTHORIZATION, "bearer  rk_a "),
            (X_API_KEY, "rk_a"),
            (SEC_WEBSOCKET_PROTOCOL, "recap, recap.key.rk_a"),
        ] {
            assert_eq!(of(std::slice::from_ref(&line)), Ok(Some("rk_a".to_owned())), "{line:?}");
        }
        assert_eq!(of(&[(AUTHORIZATION, "Bearer rk_a"), (X_API_KEY, "rk_a")]), Ok(Some("rk_a".to_owned())));
        assert_eq!(of(&[(SEC_WEBSOCKET_PROTOCOL, "graphql-ws")]), Ok(None));
    }

    #[test]
    fn two_keys_are_invalid_and_other_things_are_refused() {
        let two = [(AUTHORIZATION, "Bearer rk_a"), (X_API_KEY, "rk_b")];
        assert_eq!(of(&two), Err(ErrorCode::InvalidRequest));
        for line in [(AUTHORIZATION, "Basic rk_a"), (AUTHORIZATION, "rk_a"), (X_API_KEY, ""), (X_API_KEY, "sk_a")] {
            assert_eq!(of(std::slice::from_ref(&line)), Err(ErrorCode::Unauthenticated), "{line:?}");
        }
    }

    #[test]
    fn keys_in_the_query_are_seen() {
        for query in ["api_key=1", "a=1&key=", "Token", "x=rk_abc", "x=%72k_abc", "%6Bey=1"] {
            assert!(is_in_query(query), "{query}");
        }
        for query in ["", "page=1&limit=2", "monkey=1", "x=ark_", "conversation_id=a%20b"] {
            assert!(!is_in_query(query), "{query}");
        }
    }
}
