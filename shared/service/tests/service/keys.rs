//! Who is asking.

use shared::domain::{Scope, Timestamp};
use shared_service::HttpConfig;
use shared_service::config::Anonymous;

use super::app::{App, key, unlimited};
use super::client::get;

#[tokio::test]
async fn a_key_opens_its_tenant_with_its_scopes() {
    let app = App::start(unlimited()).await;
    app.add_key(key("rk_reader", "acme", &[Scope::Read]));
    app.add_key(key("rk_admin", "acme", &[Scope::Admin]));
    for header in ["authorization: Bearer rk_reader", "x-api-key: rk_reader"] {
        let answer = get(app.addr, "/chats/whoami", &[header]).await;
        assert_eq!(answer.json()["tenant"], "acme", "{header}");
    }
    assert_eq!(get(app.addr, "/admin", &["x-api-key: rk_admin"]).await.status, 200);
    let answer = get(app.addr, "/admin", &["x-api-key: rk_reader"]).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"));
    let answer = get(app.addr, "/chats/whoami", &["x-api-key: rk_admin"]).await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn what_is_no_good_key_is_unauthenticated() {
    let app = App::start(unlimited()).await;
    let past = Some(Timestamp::parse("2023-01-01T11:59:59Z").unwrap());
    app.add_key(shared::domain::ApiKey { revoked_at: past, ..key("rk_revoked", "acme", &[Scope::Read]) });
    app.add_key(shared::domain::ApiKey { expires_at: past, ..key("rk_expired", "acme", &[Scope::Read]) });
    for header in [
        "x-api-key: rk_unknown",
        "x-api-key: rk_revoked",
        "x-api-key: rk_expired",
        "x-api-key: other",
        "authorization: Basic dXNlcjpwYXNz",
        "authorization: Bearer",
    ] {
        let answer = get(app.addr, "/chats/whoami", &[header]).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "unauthenticated"), "{header}");
        assert_eq!(answer.header("www-authenticate"), Some("bearer realm=\"recap\""));
    }
    let two = ["x-api-key: rk_unknown", "authorization: Bearer rk_other"];
    assert_eq!(get(app.addr, "/chats/whoami", &two).await.code(), "invalid_request");
}

#[tokio::test]
async fn without_a_key_one_is_anonymous_unless_that_is_off() {
    let app = App::start(unlimited()).await;
    let answer = get(app.addr, "/chats/whoami", &[]).await;
    assert_eq!(answer.json(), serde_json::json!({ "tenant": "public", "id": "127.0.0.1" }));

    let app = App::start(HttpConfig { anonymous: Anonymous::Off, ..unlimited() }).await;
    assert_eq!(get(app.addr, "/chats/whoami", &[]).await.code(), "unauthenticated");
    assert_eq!(get(app.addr, "/nowhere", &[]).await.status, 401);
    assert_eq!(get(app.addr, "/healthz", &[]).await.status, 200);
}

#[tokio::test]
async fn proxies_are_believed_only_where_trusted() {
    let forwarded = ["x-forwarded-for: 9.9.9.9, 8.8.8.8"];
    let app = App::start(unlimited()).await;
    assert_eq!(get(app.addr, "/chats/whoami", &forwarded).await.json()["id"], "127.0.0.1");
    let app = App::start(HttpConfig { trusted_proxies: "127.0.0.0/8".parse().unwrap(), ..unlimited() }).await;
    assert_eq!(get(app.addr, "/chats/whoami", &forwarded).await.json()["id"], "8.8.8.8");
}

#[tokio::test]
async fn a_store_that_is_away_is_unavailable_and_says_no_more() {
    let app = App::start(unlimited()).await;
    app.keys.0.lock().take();
    let answer = get(app.addr, "/chats/whoami", &["x-api-key: rk_a"]).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "unavailable"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(!String::from_utf8_lossy(&answer.body).contains("10.9.8.7"));
    assert_eq!(get(app.addr, "/chats/whoami", &[]).await.status, 200);
}
