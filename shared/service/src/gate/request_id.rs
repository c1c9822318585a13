//! The id under which logs and clients name a request.

use http::{HeaderMap, HeaderName, HeaderValue};
use shared::ports::IdSource;

/// The header that carries it both ways.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The client's own if it is sane (1 to 128 of letters, digits, `.`, `_`, `-`), else a fresh one.
pub(super) fn of(headers: &HeaderMap, ids: &dyn IdSource) -> HeaderValue {
    match headers.get(X_REQUEST_ID) {
        Some(id) if is_sane(id.as_bytes()) => id.clone(),
        _ => fresh(ids.random()),
    }
}

fn is_sane(id: &[u8]) -> bool {
    (1..=128).contains(&id.len())
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// 32 hex digits.
fn fresh(random: [u8; 16]) -> HeaderValue {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 32];
    for (pair, byte) in text.chunks_exact_mut(2).zip(random) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl IdSource for Fixed {
        fn random(&self) -> [u8; 16] {
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0xab, 0xff]
        }
    }

    #[test]
    fn echoes_only_what_is_sane() {
        let long = "x".repeat(129);
        for (sent, echoed) in
            [("a", true), ("A-b_c.9", true), (&long[..128], true), ("", false), (&long, false), ("a b", false)]
        {
            let headers = HeaderMap::from_iter([(X_REQUEST_ID, HeaderValue::from_str(sent).unwrap())]);
            let id = of(&headers, &Fixed);
            assert_eq!(id == sent, echoed, "{sent}");
        }
        assert_eq!(of(&HeaderMap::new(), &Fixed), "000102030405060708090a0b0c0dabff");
    }
}
