//! `/` and `/assets/{name}`. Law: every reply carries the policy that keeps foreign code off the page, and a
//! versioned asset may be kept for ever because its address changes with its content.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::asset::{self, Asset};
use crate::encoding::Encoding;

/// Only this origin's script and style; requests and sockets to this origin only; in no frame; no forms sent.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const KEPT_FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASKED_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// The routes of the dashboard. They need no caller and do not count against any limit.
///
/// An asset's name that is not there is answered 404 without a body, for the outer layer to fill in.
pub fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    Router::new().route("/", get(page)).route("/assets/{name}", get(asset)).with_state(Arc::new(asset::all()))
}

type Assets = Arc<[Asset; 4]>;

async fn page(State(assets): State<Assets>, headers: HeaderMap) -> Response {
    reply(&assets[0], ASKED_AGAIN, &headers)
}

async fn asset(
    State(assets): State<Assets>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Some(asset) = assets[1..].iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let versioned = query.as_deref().and_then(|query| query.strip_prefix("v=")) == Some(asset.version.as_str());
    reply(asset, if versioned { KEPT_FOR_EVER } else { ASKED_AGAIN }, &headers)
}

fn reply(asset: &Asset, caching: HeaderValue, asked: &HeaderMap) -> Response {
    let encoding = Encoding::accepted(asked);
    let etag = asset.etag(encoding);
    let mut response = if has(asked, &etag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        Response::new(Body::from(asset.bytes(encoding)))
    };
    let fresh = response.status() == StatusCode::OK;
    let headers = response.headers_mut();
    if fresh {
        headers.insert(header::CONTENT_TYPE, asset.content_type.clone());
        if let Some(token) = encoding.token() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(token));
        }
    }
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(header::ETAG, etag);
    }
    headers.insert(header::CACHE_CONTROL, caching);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}

/// `If-None-Match` by weak comparison (RFC 9110 §13.1.2).
fn has(asked: &HeaderMap, etag: &str) -> bool {
    let values = asked.get_all(header::IF_NONE_MATCH);
    values.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag
    })
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn get(path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, bytes::Bytes) {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let router: Router = routes();
        let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status, parts.headers, body.collect().await.unwrap().to_bytes())
    }

    #[tokio::test]
    async fn the_page_is_never_kept_without_asking_and_guards_itself() {
        let (status, headers, body) = get("/", &[]).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        for rule in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(rule), "{rule}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert!(body.starts_with(b"<!doctype html>"));
    }

    #[tokio::test]
    async fn an_asset_in_the_version_of_the_page_is_kept_for_ever_any_other_is_asked_for_again() {
        let version = asset::all()[1].version.clone();
        let (status, headers, _) = get(&format!("/assets/app.js?v={version}"), &[]).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
        assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        for path in ["/assets/app.js", "/assets/app.js?v=0000", "/assets/app.css?v="] {
            let (status, headers, _) = get(path, &[]).await;
            assert_eq!((status, &headers[header::CACHE_CONTROL]), (StatusCode::OK, &ASKED_AGAIN), "{path}");
        }
    }

    #[tokio::test]
    async fn what_the_client_has_is_not_sent_again() {
        for accept in ["identity", "gzip", "br"] {
            let (_, headers, body) = get("/assets/app.css", &[("accept-encoding", accept)]).await;
            assert!(!body.is_empty());
            let etag = headers[header::ETAG].to_str().unwrap().to_owned();
            for known in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
                let asked = [("accept-encoding", accept), ("if-none-match", known.as_str())];
                let (status, headers, body) = get("/assets/app.css", &asked).await;
                assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
                assert_eq!(headers[header::ETAG], etag);
            }
            let (status, ..) = get("/assets/app.css", &[("if-none-match", "\"other\"")]).await;
            assert_eq!(status, StatusCode::OK);
        }
    }

    #[tokio::test]
    async fn each_coding_is_named_and_has_a_tag_of_its_own() {
        let mut tags = Vec::new();
        for (accept, coding) in [("br, gzip", Some("br")), ("gzip", Some("gzip")), ("identity", None)] {
            let (_, headers, body) = get("/assets/app.js", &[("accept-encoding", accept)]).await;
            let named = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap());
            assert_eq!(named, coding);
            assert_eq!(headers[header::VARY], "accept-encoding");
            assert_eq!(body.starts_with(&[0x1f, 0x8b]), coding == Some("gzip"));
            tags.push(headers[header::ETAG].clone());
        }
        assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2], "{tags:?}");
    }

    #[tokio::test]
    async fn other_names_are_not_there() {
        for path in ["/assets/index.html", "/assets/app.js.br", "/assets/%2e%2e%2fCargo.toml", "/assets/"] {
            let (status, ..) = get(path, &[]).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        }
    }
}
