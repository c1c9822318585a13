//! How often, and how many at once.

use std::sync::atomic::Ordering;

use shared::domain::{ApiKey, Scope};
use shared_service::HttpConfig;

use super::app::{App, key, unlimited};
use super::client::{Client, LIMIT, ask, get, request};

#[tokio::test]
async fn the_quota_passes_and_one_more_does_not() {
    let app = App::start(HttpConfig { rate_limit_anonymous: 3, rate_limit_key: 5, ..unlimited() }).await;
    for left in ["2", "1", "0"] {
        let answer = get(app.addr, "/chats/whoami", &[]).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit-policy"), Some("\"default\";q=3;w=60"));
        assert_eq!(answer.header("ratelimit"), Some(format!("\"default\";r={left};t=6").as_str()));
    }
    let refused = get(app.addr, "/chats/whoami", &[]).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "rate_limited"));
    assert_eq!(refused.header("retry-after"), Some("6"));
    assert_eq!(refused.header("ratelimit"), Some("\"default\";r=0;t=6"));

    // A key has a quota of its own.
    app.add_key(key("rk_a", "acme", &[Scope::Read]));
    app.add_key(ApiKey { rate: Some(2), ..key("rk_slow", "acme", &[Scope::Read]) });
    let answer = get(app.addr, "/chats/whoami", &["x-api-key: rk_a"]).await;
    assert_eq!((answer.status, answer.header("ratelimit-policy")), (200, Some("\"default\";q=5;w=60")));
    let answer = get(app.addr, "/chats/whoami", &["x-api-key: rk_slow"]).await;
    assert_eq!(answer.header("ratelimit-policy"), Some("\"default\";q=2;w=60"));
}

#[tokio::test]
async fn errors_count_and_say_so_too() {
    let app = App::start(HttpConfig { rate_limit_anonymous: 2, ..unlimited() }).await;
    assert_eq!(get(app.addr, "/nowhere", &[]).await.header("ratelimit"), Some("\"default\";r=1;t=6"));
    assert_eq!(get(app.addr, "/chats/x", &[]).await.header("ratelimit"), Some("\"default\";r=0;t=6"));
    assert_eq!(get(app.addr, "/nowhere", &[]).await.status, 429);
}

#[tokio::test]
async fn what_operators_and_browsers_need_is_not_counted() {
    let app = App::start(HttpConfig { rate_limit_anonymous: 1, ..unlimited() }).await;
    for path in ["/", "/healthz", "/readyz", "/metrics", "/", "/metrics"] {
        let answer = get(app.addr, path, &[]).await;
        assert_eq!((answer.status, answer.header("ratelimit")), (200, None), "{path}");
    }
    assert_eq!(app.limiter.asked.load(Ordering::Relaxed), 0);
    assert_eq!(get(app.addr, "/chats/whoami", &[]).await.status, 200);
}

#[tokio::test]
async fn without_a_limit_the_limiter_is_not_asked() {
    let app = App::start(unlimited()).await;
    let answer = get(app.addr, "/chats/whoami", &[]).await;
    assert_eq!((answer.status, answer.header("ratelimit-policy")), (200, None));
    assert_eq!(app.limiter.asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn reads_are_answered_while_writes_and_summaries_are_shed() {
    let mut app = App::start(HttpConfig { max_in_flight: 4, ..unlimited() }).await;
    let mut working = Vec::new();
    for _ in 0..3 {
        let mut client = Client::connect(app.addr).await;
        client.send(request("GET", "/slow", &[], "")).await;
        tokio::time::timeout(LIMIT, app.entered.recv()).await.unwrap().unwrap();
        working.push(client);
    }
    let post = request("POST", "/chats", &["content-type: application/json"], "{}");
    for _ in 0..3 {
        let shed = ask(app.addr, &post).await;
        assert_eq!((shed.status, shed.code().as_str()), (503, "overloaded"));
        assert_eq!(shed.header("retry-after"), Some("1"));
        assert_eq!(get(app.addr, "/chats/whoami", &[]).await.status, 200);
        assert_eq!(get(app.addr, "/healthz", &[]).await.status, 200);
    }
    app.slow.add_permits(3);
    for client in &mut working {
        assert_eq!(client.answer().await.status, 200);
    }
    assert_eq!(ask(app.addr, &post).await.status, 200);
}

#[tokio::test]
async fn too_many_in_work_are_refused_and_health_is_not() {
    let mut app = App::start(HttpConfig { max_in_flight: 1, ..unlimited() }).await;
    let mut working = Client::connect(app.addr).await;
    working.send(request("GET", "/slow", &[], "")).await;
    tokio::time::timeout(LIMIT, app.entered.recv()).await.unwrap().unwrap();
    let refused = get(app.addr, "/chats/whoami", &[]).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "overloaded"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(get(app.addr, "/healthz", &[]).await.status, 200);
    app.slow.add_permits(1);
    assert_eq!(working.answer().await.status, 200);
    assert_eq!(get(app.addr, "/chats/whoami", &[]).await.status, 200);
}
