//! `GET /ws/summarize`: from HTTP to a socket (RFC 6455 §4.2). A refused upgrade has the error body of every route.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::{Method, StatusCode, Version};
use hyper::upgrade::OnUpgrade;
use shared::error_code::ErrorCode;
use shared_service::limits::{self, Limit};
use shared_service::{ApiError, ApiResult, Listener, StrictQuery};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::hub::Hub;
use super::socket::{self, Arrival};
use super::subscription::ListenParameters;

/// How long the connection may take to be handed over after the reply.
const HAND_OVER: Duration = Duration::from_secs(10);

/// Counts a socket as long as it lives.
struct Counted;

impl Counted {
    fn new() -> Self {
        metrics::gauge!("recap_push_sockets").increment(1);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!("recap_push_sockets").decrement(1);
    }
}

/// Upgrades the connection.
pub async fn listen(
    State(hub): State<Arc<Hub>>,
    listener: Listener,
    StrictQuery(parameters): StrictQuery<ListenParameters>,
    mut request: Request,
) -> ApiResult<Response> {
    let asked = parameters.parse()?;
    let accept = match handshake(request.method(), request.version(), request.headers()) {
        Ok(accept) => accept,
        Err(refusal) => return Ok(*refusal),
    };
    let Some(on_upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return Err(refused("this connection cannot be upgraded to a WebSocket"));
    };
    let permit = Arc::clone(&hub.sockets).try_acquire_owned().map_err(|_| {
        limits::refused(Limit::Sockets);
        ApiError::new(ErrorCode::Overloaded, "too many listeners are connected").retry_after(Duration::from_secs(5))
    })?;
    let seat = hub.callers.enter(&listener.counted)?;
    let own = Arc::clone(&hub);
    let held = (permit, hub.hold(), Counted::new());
    tokio::spawn(async move {
        let _held = held;
        // A client that hung up after the reply is no fault of anybody here.
        let Ok(Ok(upgraded)) = timeout(HAND_OVER, on_upgrade).await else { return };
        let stream = socket::accept(upgraded).await;
        socket::serve(own, stream, Arrival { listener, seat, asked }).await;
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}

fn refused(why: &str) -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, why)
}

/// Checks the client's half of the handshake; answers with ours.
fn handshake(method: &Method, version: Version, headers: &HeaderMap) -> Result<HeaderValue, Box<Response>> {
    if method != Method::GET
        || version != Version::HTTP_11
        || !has_token(headers, &CONNECTION, "upgrade")
        || !has_token(headers, &UPGRADE, "websocket")
    {
        return Err(Box::new(refused("this route speaks WebSocket: connect with ws://").into_response()));
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let mut response = refused("Sec-WebSocket-Version must be 13").into_response();
        response.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return Err(Box::new(response));
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
    if !is_nonce(key) {
        return Err(Box::new(refused("Sec-WebSocket-Key must be 16 bytes in base64").into_response()));
    }
    HeaderValue::try_from(derive_accept_key(key))
        .map_err(|_| Box::new(refused("bad Sec-WebSocket-Key").into_response()))
}

fn is_nonce(key: &[u8]) -> bool {
    use base64::Engine as _;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    // Clients are known that leave the last character's unused bits set.
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, config);
    let mut nonce = [0; 18];
    key.len() == 24 && engine.decode_slice(key, &mut nonce) == Ok(16)
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers.get_all(name).iter().any(|value| {
        value
            .as_bytes()
            .split(|byte| *byte == b',')
            .any(|part| part.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        list.iter().map(pair).collect()
    }

    const GOOD: [(&str, &str); 4] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    #[test]
    fn the_example_of_the_rfc_is_accepted() {
        let accept = handshake(&Method::GET, Version::HTTP_11, &headers(&GOOD)).unwrap();
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(handshake(&Method::GET, Version::HTTP_10, &headers(&GOOD)).is_err());
        assert!(handshake(&Method::HEAD, Version::HTTP_11, &headers(&GOOD)).is_err());
    }

    #[test]
    fn anything_missing_or_wrong_is_refused() {
        for at in 0..GOOD.len() {
            let mut list = GOOD.to_vec();
            list.remove(at);
            assert!(handshake(&Method::GET, Version::HTTP_11, &headers(&list)).is_err(), "without {}", GOOD[at].0);
            for wrong in ["", "14", "c2hvcnQ=", "closed"] {
                list = GOOD.to_vec();
                list[at].1 = wrong;
                assert!(handshake(&Method::GET, Version::HTTP_11, &headers(&list)).is_err(), "{}: {wrong}", GOOD[at].0);
            }
        }
    }
}
