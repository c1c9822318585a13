//! Health, readiness and metrics.

use metrics_exporter_prometheus::PrometheusBuilder;
use shared_service::{Metrics, Readiness, ops};
use tower::ServiceExt as _;

use super::app::{App, unlimited};
use super::client::{ask, get, request};

#[tokio::test]
async fn alive_and_ready() {
    let app = App::start(unlimited()).await;
    assert_eq!(get(app.addr, "/healthz", &[]).await.json(), serde_json::json!({ "status": "alive" }));
    let ready = get(app.addr, "/readyz", &[]).await.json();
    assert_eq!(ready, serde_json::json!({ "status": "ready", "checks": { "store": "ok" } }));
    assert_eq!(
        get(app.addr, "/metrics", &[]).await.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
}

#[tokio::test]
async fn what_fails_makes_it_unready() {
    let readiness = Readiness::new().check("bus", || async { Err("the bus is not available") });
    let routes = ops::routes(readiness, Metrics::detached().unwrap());
    let request = http::Request::get("/readyz").body(axum::body::Body::empty()).unwrap();
    let response = routes.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 503);
    let error = response.extensions().get::<shared_service::ApiError>().unwrap();
    assert_eq!(error.fields()[0].path, "bus");
}

#[tokio::test]
async fn requests_and_errors_are_counted_by_route_and_code() {
    // All tasks of this runtime run on this thread.
    let recorder = PrometheusBuilder::new().build_recorder();
    let _here = metrics::set_default_local_recorder(&recorder);
    let app = App::start(unlimited()).await;
    for path in ["/chats/whoami", "/chats/secret-id", "/chats/secret-id", "/nowhere/secret-id"] {
        get(app.addr, path, &[]).await;
    }
    ask(app.addr, request("BREW", "/chats/secret-id", &[], "")).await;
    ask(app.addr, "garbage\r\n\r\n").await;
    let text = recorder.handle().render();
    for line in [
        r#"recap_http_requests_total{route="/chats/{conversation_id}",method="GET",status="200"} 1"#,
        r#"recap_http_requests_total{route="/chats/{conversation_id}",method="GET",status="404"} 2"#,
        r#"recap_http_requests_total{route="unmatched",method="GET",status="404"} 1"#,
        r#"recap_http_requests_total{route="/chats/{conversation_id}",method="other",status="405"} 1"#,
        r#"recap_http_errors_total{code="conversation_not_found"} 2"#,
        r#"recap_http_errors_total{code="method_not_allowed"} 1"#,
        r#"recap_http_errors_total{code="invalid_request"} 1"#,
        r#"recap_http_request_duration_seconds_count{route="unmatched"} 1"#,
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains("secret"), "{text}");
}
