//! The documents, the page and its two files. Law: all is built once at start, and nothing of another origin runs.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};
use shared::config::MessageLimits;

/// Only this origin's script and style; requests and sockets to this origin only; in no frame; no forms sent.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// Kept, and asked for again: the address stays while the content may change with the binary.
const ASKED_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// `/openapi.json`, `/asyncapi.json`, `/docs` and its files. They need no caller and do not count against any limit.
pub fn routes<S>(limits: &MessageLimits) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    const JSON: &str = "application/json";
    let document = |document: serde_json::Value| served(document.to_string().into(), JSON, false);
    let page = |text: &'static str, content_type| served(Bytes::from_static(text.as_bytes()), content_type, true);
    Router::new()
        .route("/openapi.json", document(crate::openapi(limits)))
        .route("/asyncapi.json", document(crate::asyncapi()))
        .route("/docs", page(include_str!("../page/docs.html"), "text/html; charset=utf-8"))
        .route("/assets/docs.css", page(include_str!("../page/docs.css"), "text/css; charset=utf-8"))
        .route("/assets/docs.js", page(include_str!("../page/docs.js"), "text/javascript; charset=utf-8"))
}

struct Served {
    bytes: Bytes,
    content_type: HeaderValue,
    etag: HeaderValue,
    guarded: bool,
}

fn served<S>(bytes: Bytes, content_type: &'static str, guarded: bool) -> MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    let tag = format!("\"{:.16}\"", format!("{:x}", Sha256::digest(&bytes)));
    let etag = HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"0\""));
    let served = Arc::new(Served { bytes, content_type: HeaderValue::from_static(content_type), etag, guarded });
    get(move |asked: HeaderMap| std::future::ready(served.reply(&asked)))
}

impl Served {
    fn reply(&self, asked: &HeaderMap) -> Response {
        let mut response = Response::new(Body::empty());
        let known = self.is_known(asked);
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            *response.body_mut() = Body::from(self.bytes.clone());
        }
        let headers = response.headers_mut();
        if !known {
            headers.insert(header::CONTENT_TYPE, self.content_type.clone());
        }
        headers.insert(header::ETAG, self.etag.clone());
        headers.insert(header::CACHE_CONTROL, ASKED_AGAIN);
        if self.guarded {
            headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
            headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
            headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
        }
        response
    }

    /// `If-None-Match` by weak comparison (RFC 9110 §13.1.2).
    fn is_known(&self, asked: &HeaderMap) -> bool {
        let values = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|one| {
            let one = one.trim();
            one == "*" || self.etag == one.strip_prefix("W/").unwrap_or(one)
        })
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(path: &str, etag: Option<&HeaderValue>) -> (StatusCode, HeaderMap, Bytes) {
        let mut request = Request::get(path);
        if let Some(etag) = etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        let router: Router = routes(&MessageLimits::default());
        let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status, parts.headers, body.collect().await.unwrap().to_bytes())
    }

    #[tokio::test]
    async fn everything_is_served_and_asked_for_again() {
        for (path, content_type) in [
            ("/openapi.json", "application/json"),
            ("/asyncapi.json", "application/json"),
            ("/docs", "text/html; charset=utf-8"),
            ("/assets/docs.css", "text/css; charset=utf-8"),
            ("/assets/docs.js", "text/javascript; charset=utf-8"),
        ] {
            let (status, headers, body) = ask(path, None).await;
            assert_eq!(
                (status, &headers[header::CONTENT_TYPE]),
                (StatusCode::OK, &HeaderValue::from_static(content_type))
            );
            assert!(!body.is_empty(), "{path}");
            let (status, _, body) = ask(path, Some(&headers[header::ETAG])).await;
            assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0), "{path}");
            let (status, ..) = ask(path, Some(&HeaderValue::from_static("\"other\""))).await;
            assert_eq!(status, StatusCode::OK, "{path}");
        }
    }

    #[tokio::test]
    async fn the_page_runs_its_own_script_only() {
        let (_, headers, page) = ask("/docs", None).await;
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        let page = std::str::from_utf8(&page).unwrap();
        assert!(!page.contains("<style") && !page.contains("style=") && !page.contains("//"), "{page}");
        assert_eq!(page.matches("<script").count(), 1);
        let (_, _, script) = ask("/assets/docs.js", None).await;
        let script = std::str::from_utf8(&script).unwrap();
        for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "https://"] {
            assert!(!script.contains(word), "{word}");
        }
    }
}
