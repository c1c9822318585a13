//! Bytes that are no requests, or only halves of them.

use std::time::Duration;

use super::app::{App, unlimited};
use super::client::{Client, LIMIT, ask, get, request};
use shared_service::HttpConfig;

#[tokio::test]
async fn garbage_gets_the_one_error_body() {
    let app = App::start(unlimited()).await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 tls hello\r\n\r\n"[..],
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\x01b\r\n\r\n",
        b"POST /chats HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST /chats HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
    ] {
        let answer = ask(app.addr, bytes).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_request"), "{bytes:?}");
        assert_eq!(answer.header("connection"), Some("close"));
    }
    assert_eq!(get(app.addr, "/", &[]).await.status, 200);
}

#[tokio::test]
async fn garbage_after_a_good_request_does_not_disturb_its_answer() {
    let app = App::start(unlimited()).await;
    let mut client = Client::connect(app.addr).await;
    client.send(request("GET", "/nowhere", &[], "") + "garbage\r\n\r\n").await;
    assert_eq!(client.answer().await.code(), "not_found");
    assert_eq!(client.answer().await.code(), "invalid_request");
}

#[tokio::test]
async fn too_many_and_too_large_headers_are_too_large() {
    let app = App::start(unlimited()).await;
    let many: Vec<String> = (0..101).map(|i| format!("x-{i}: 1")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let big = format!("x-big: {}", "x".repeat(40_000));
    for headers in [&many[..], &[big.as_str()]] {
        let answer = get(app.addr, "/", headers).await;
        assert_eq!((answer.status, answer.code().as_str()), (413, "payload_too_large"));
    }
    let answer = get(app.addr, &format!("/{}", "x".repeat(70_000)), &[]).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "payload_too_large"));
    assert_eq!(get(app.addr, "/", &many[..99]).await.status, 200);
}

#[tokio::test]
async fn the_largest_heads_pass_and_one_more_does_not() {
    let app = App::start(HttpConfig { max_header_bytes: 8 * 1024, ..unlimited() }).await;
    let of = |bytes: usize| {
        let empty = request("GET", "/", &["x-big: "], "").len();
        request("GET", "/", &[&format!("x-big: {}", "x".repeat(bytes - empty))], "")
    };
    assert_eq!(ask(app.addr, of(8 * 1024)).await.status, 200);
    let answer = ask(app.addr, of(8 * 1024 + 1)).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "payload_too_large"));
    // With `host` there are 100, and 101.
    let named: Vec<String> = (0..100).map(|i| format!("x-{i}: 1")).collect();
    let named: Vec<&str> = named.iter().map(String::as_str).collect();
    assert_eq!(get(app.addr, "/", &named[..99]).await.status, 200);
    assert_eq!(get(app.addr, "/", &named).await.status, 413);
}

#[tokio::test]
async fn the_largest_body_passes_and_one_byte_more_does_not() {
    let app = App::start(unlimited()).await;
    let json = ["content-type: application/json"];
    let most = ask(app.addr, request("POST", "/chats", &json, &"x".repeat(super::app::MAX_BODY))).await;
    assert_eq!(most.json()["bytes"], super::app::MAX_BODY);
    let more = ask(app.addr, request("POST", "/chats", &json, &"x".repeat(super::app::MAX_BODY + 1))).await;
    assert_eq!((more.status, more.code().as_str()), (413, "payload_too_large"));
}

#[tokio::test]
async fn slow_heads_are_ended() {
    let app = App::start(HttpConfig { header_timeout: Duration::from_millis(200), ..unlimited() }).await;
    let mut half = Client::connect(app.addr).await;
    half.send("GET / HTTP/1.1\r\nhost:").await;
    assert_eq!(half.answer().await.code(), "timeout");

    let silent = Client::connect(app.addr).await;
    assert!(silent.closed().await.is_empty());
}

#[tokio::test]
async fn slow_heads_are_ended_on_a_connection_that_was_good_before() {
    let app = App::start(HttpConfig { header_timeout: Duration::from_millis(200), ..unlimited() }).await;
    let mut client = Client::connect(app.addr).await;
    client.send(request("GET", "/", &[], "")).await;
    assert_eq!(client.answer().await.status, 200);
    // Some looks of the timer find it at rest, which is allowed for 75 s.
    assert!(tokio::time::timeout(Duration::from_millis(500), client.try_answer()).await.is_err());
    // A byte now and then does not help.
    let dripping = async {
        loop {
            client.send("G").await;
            if let Ok(answer) = tokio::time::timeout(Duration::from_millis(30), client.try_answer()).await {
                return answer;
            }
        }
    };
    assert_eq!(tokio::time::timeout(LIMIT, dripping).await.unwrap().unwrap().code(), "timeout");
}

#[tokio::test]
async fn slow_bodies_are_ended() {
    let app = App::start(HttpConfig { body_timeout: Duration::from_millis(100), ..unlimited() }).await;
    let mut client = Client::connect(app.addr).await;
    client
        .send("POST /chats HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{")
        .await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.code().as_str()), (504, "timeout"));
}

#[tokio::test]
async fn half_a_request_and_a_hang_up_leave_the_server_well() {
    let app = App::start(unlimited()).await;
    for half in ["G", "GET / HTTP/1.1\r\n", "POST /chats HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{"] {
        let mut client = Client::connect(app.addr).await;
        client.send(half).await;
    }
    assert_eq!(get(app.addr, "/", &[]).await.status, 200);
}
