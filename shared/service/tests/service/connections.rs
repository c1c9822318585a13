//! Many connections, idle ones, and clients that do not read.

use std::time::Duration;

use shared_service::HttpConfig;
use tokio::io::AsyncReadExt as _;

use super::app::{App, unlimited};
use super::client::{Client, LIMIT, get, request};

/// Two connections have their place, a third is refused like this, and a place that becomes free is used again.
async fn two_have_a_place(config: HttpConfig, refusal: (u16, &str)) {
    let app = App::start(config).await;
    let mut first = Client::connect(app.addr).await;
    let mut second = Client::connect(app.addr).await;
    for client in [&mut first, &mut second] {
        client.send(request("GET", "/", &[], "")).await;
        assert_eq!(client.answer().await.status, 200);
    }
    let refused = get(app.addr, "/", &[]).await;
    assert_eq!((refused.status, refused.code().as_str()), refusal);
    assert_eq!(refused.header("retry-after"), Some("1"));
    drop(first);
    let freed = async { while get(app.addr, "/", &[]).await.status != 200 {} };
    tokio::time::timeout(LIMIT, freed).await.unwrap();
}

#[tokio::test]
async fn over_the_cap_is_told_so_and_a_free_place_is_used_again() {
    two_have_a_place(HttpConfig { max_connections: 2, ..unlimited() }, (503, "overloaded")).await;
}

#[tokio::test]
async fn an_address_gets_as_many_connections_as_set() {
    let config = HttpConfig { max_connections_per_address: Some(2), ..unlimited() };
    two_have_a_place(config, (429, "rate_limited")).await;
}

#[tokio::test]
async fn a_proxy_that_is_trusted_comes_for_many() {
    let config = HttpConfig {
        max_connections_per_address: Some(1),
        trusted_proxies: "127.0.0.0/8".parse().unwrap(),
        ..unlimited()
    };
    let app = App::start(config).await;
    let _held = Client::connect(app.addr).await;
    assert_eq!(get(app.addr, "/", &[]).await.status, 200);
}

#[tokio::test]
async fn a_connection_serves_many_requests_and_pipelined_ones() {
    let app = App::start(unlimited()).await;
    let mut client = Client::connect(app.addr).await;
    let one = request("GET", "/chats/whoami", &[], "");
    client.send(one.repeat(50)).await;
    for _ in 0..50 {
        assert_eq!(client.answer().await.status, 200);
    }
}

#[tokio::test]
async fn a_rest_between_requests_may_be_longer_than_the_header_limit() {
    let app = App::start(HttpConfig { header_timeout: Duration::from_millis(30), ..unlimited() }).await;
    let mut client = Client::connect(app.addr).await;
    client.send(request("GET", "/", &[], "")).await;
    assert_eq!(client.answer().await.status, 200);
    let mut byte = [0];
    let ended = tokio::time::timeout(Duration::from_millis(300), client.stream.read(&mut byte)).await;
    assert!(ended.is_err(), "closed although it only rested");
}

#[tokio::test]
async fn a_rest_longer_than_the_idle_limit_ends_the_connection_in_silence() {
    let app = App::start(HttpConfig { idle_timeout: Duration::from_millis(100), ..unlimited() }).await;
    let mut client = Client::connect(app.addr).await;
    client.send(request("GET", "/", &[], "")).await;
    assert_eq!(client.answer().await.status, 200);
    assert!(client.closed().await.is_empty());
}

#[tokio::test]
async fn a_handler_slower_than_header_and_idle_limits_is_waited_for() {
    let config = HttpConfig {
        header_timeout: Duration::from_millis(20),
        idle_timeout: Duration::from_millis(20),
        ..unlimited()
    };
    let mut app = App::start(config).await;
    let mut client = Client::connect(app.addr).await;
    client.send(request("GET", "/slow", &[], "")).await;
    app.entered.recv().await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(200), client.try_answer()).await;
    assert!(early.is_err(), "ended while the handler worked");
    app.slow.add_permits(1);
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answers_is_ended() {
    let config = HttpConfig { idle_timeout: Duration::from_millis(200), max_connections: 1, ..unlimited() };
    let app = App::start(config).await;
    let mut client = Client::connect(app.addr).await;
    // 64 MiB of answers do not fit into socket buffers, so the server has to wait.
    client.send(request("GET", "/large", &[], "").repeat(16)).await;
    let freed = async { while get(app.addr, "/", &[]).await.status != 200 {} };
    tokio::time::timeout(LIMIT, freed).await.unwrap();
    assert!(client.closed().await.len() < 64 * 1024 * 1024);
}
