//! Web pages: CORS and sockets.

use shared::domain::Scope;
use shared_service::HttpConfig;

use super::app::{App, key, unlimited};
use super::client::{Answer, Client, ask, get, request};

fn upgrade(headers: &[&str]) -> String {
    let mut all = vec![
        "connection: upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    all.extend(headers);
    request("GET", "/ws/summarize", &all, "")
}

#[tokio::test]
async fn sockets_are_upgraded_for_programs_own_pages_and_allowed_ones() {
    let app = App::start(HttpConfig { allowed_origins: "https://app.example".parse().unwrap(), ..unlimited() }).await;
    for headers in [&[][..], &["origin: http://recap.test:8000"], &["origin: https://app.example"]] {
        let answer = ask(app.addr, upgrade(headers)).await;
        assert_eq!(answer.status, 101, "{headers:?}");
        assert!(answer.header("x-request-id").is_some());
    }
    let answer = ask(app.addr, upgrade(&["origin: https://evil.example"])).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"));
}

#[tokio::test]
async fn a_browser_sends_its_key_as_a_subprotocol_and_gets_another_one_back() {
    let app = App::start(unlimited()).await;
    app.add_key(key("rk_a", "acme", &[Scope::Read]));
    let protocol = |answer: &Answer| answer.header("sec-websocket-protocol").map(str::to_owned);
    let answer = ask(app.addr, upgrade(&["sec-websocket-protocol: recap.key.rk_a, recap"])).await;
    assert_eq!((answer.status, protocol(&answer).as_deref()), (101, Some("recap")));
    let answer = ask(app.addr, upgrade(&["sec-websocket-protocol: recap.key.rk_a"])).await;
    assert_eq!((answer.status, protocol(&answer).as_deref()), (101, Some("recap.key.rk_a")));
    let answer = ask(app.addr, upgrade(&["sec-websocket-protocol: recap.key.rk_b"])).await;
    assert_eq!(answer.code(), "unauthenticated");
}

#[tokio::test]
async fn half_an_upgrade_is_an_invalid_request() {
    let app = App::start(unlimited()).await;
    for headers in [&["connection: upgrade"][..], &["upgrade: websocket"], &["connection: upgrade", "upgrade: h2c"]] {
        let answer = get(app.addr, "/ws/summarize", headers).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_request"), "{headers:?}");
    }
}

#[tokio::test]
async fn pages_are_let_in_only_where_allowed() {
    let app = App::start(HttpConfig { allowed_origins: "https://app.example".parse().unwrap(), ..unlimited() }).await;
    let preflight = |origin: &str| {
        let origin = format!("origin: {origin}");
        request("OPTIONS", "/chats", &[&origin, "access-control-request-method: POST"], "")
    };
    let answer = ask(app.addr, preflight("https://app.example")).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some("https://app.example")));
    assert!(answer.header("access-control-allow-headers").unwrap().contains("authorization"));
    assert_eq!(answer.header("vary"), Some("origin"));
    let answer = ask(app.addr, preflight("https://evil.example")).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (405, None));

    let answer = get(app.addr, "/nowhere", &["origin: https://app.example"]).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (404, Some("https://app.example")));
    assert!(answer.header("access-control-expose-headers").unwrap().contains("x-request-id"));
    let answer = get(app.addr, "/", &["origin: https://evil.example"]).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn sockets_hold_their_place_among_the_connections() {
    let app = App::start(HttpConfig { max_connections: 1, ..unlimited() }).await;
    let mut socket = Client::connect(app.addr).await;
    socket.send(upgrade(&[])).await;
    assert_eq!(socket.answer().await.status, 101);
    assert_eq!(get(app.addr, "/", &[]).await.code(), "overloaded");
    drop(socket);
    let freed = async { while get(app.addr, "/", &[]).await.status != 200 {} };
    tokio::time::timeout(super::client::LIMIT, freed).await.unwrap();
}
