//! Where a request ends, and for whom it is. Law: what another reader could read in another way is refused before it is
//! read in ours, and the connection closes, so that nothing behind it is taken for a request (RFC 9112 §3.2, §6.1).

use axum::extract::Request;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, Version};
use shared::error_code::ErrorCode;

use crate::error::ApiError;

/// What is doubtful about a request, if anything is.
pub(super) fn fault(request: &Request) -> Option<ApiError> {
    let why = doubt(request.version(), request.headers())?;
    Some(ApiError::new(ErrorCode::InvalidRequest, why))
}

fn doubt(version: Version, headers: &HeaderMap) -> Option<&'static str> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        if headers.contains_key(CONTENT_LENGTH) {
            return Some("send a length or chunks, not both");
        }
        if codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
            return Some("the only transfer coding is `chunked`, named once");
        }
    }
    let hosts = headers.get_all(HOST).iter().take(2).count();
    if hosts > 1 || hosts == 0 && version >= Version::HTTP_11 {
        return Some("send one `Host`");
    }
    None
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn of(list: &[(HeaderName, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        doubt(Version::HTTP_11, &headers).is_some()
    }

    #[test]
    fn one_reading_or_none() {
        assert!(!of(&[(HOST, "x")]));
        assert!(!of(&[(HOST, "x"), (CONTENT_LENGTH, "5")]));
        assert!(!of(&[(HOST, "x"), (TRANSFER_ENCODING, "Chunked")]));
        assert_eq!(doubt(Version::HTTP_10, &HeaderMap::new()), None);
        for doubtful in [
            &[][..],
            &[(HOST, "x"), (HOST, "x")],
            &[(HOST, "x"), (TRANSFER_ENCODING, "chunked"), (CONTENT_LENGTH, "5")],
            &[(HOST, "x"), (TRANSFER_ENCODING, "chunked"), (TRANSFER_ENCODING, "chunked")],
            &[(HOST, "x"), (TRANSFER_ENCODING, "chunked, chunked")],
            &[(HOST, "x"), (TRANSFER_ENCODING, "identity, chunked")],
        ] {
            assert!(of(doubtful), "{doubtful:?}");
        }
    }
}
