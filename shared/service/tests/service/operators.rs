//! Health, readiness and metrics.

use shared_service::{Metrics, Readiness, ops};
use tower::ServiceExt as _;

use super::app::{App, unlimited};
use super::client::get;

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
