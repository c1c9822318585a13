//! One error body for everything, whatever layer refuses.

use std::time::Duration;

use super::app::{App, unlimited};
use super::client::{Client, ask, get, request};
use shared_service::HttpConfig;

const JSON: &str = "content-type: application/json";

#[tokio::test]
async fn every_layer_refuses_in_the_same_form() {
    let app = App::start(unlimited()).await;
    for (wanted, code, bytes) in [
        (404, "not_found", request("GET", "/nowhere", &[], "")),
        (404, "not_found", request("POST", "/chats/", &[], "")),
        (404, "conversation_not_found", request("GET", "/chats/x", &[], "")),
        (400, "invalid_request", request("GET", "/chats/%zz", &[], "")),
        (400, "invalid_request", request("GET", "/chats/a%00", &[], "")),
        (405, "method_not_allowed", request("PUT", "/chats", &[], "")),
        (405, "method_not_allowed", request("BREW", "/chats", &[], "")),
        (415, "unsupported_media_type", request("POST", "/chats", &[], "{}")),
        (415, "unsupported_media_type", request("POST", "/chats", &["content-type: text/plain"], "{}")),
        (500, "internal", request("GET", "/panic", &[], "")),
        (500, "internal", request("GET", "/broken", &[], "")),
        (400, "invalid_request", request("GET", "/ws/summarize", &[], "")),
        (400, "key_in_url", request("GET", "/chats/whoami?api_key=x", &[], "")),
        (400, "key_in_url", request("GET", "/nowhere?q=rk_live", &[], "")),
        (403, "forbidden", request("GET", "/admin", &[], "")),
    ] {
        let answer = ask(app.addr, &bytes).await;
        assert_eq!((answer.status, answer.code().as_str()), (wanted, code), "{bytes}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!text.contains("secret"), "{text}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let app = App::start(unlimited()).await;
    assert_eq!(ask(app.addr, request("PUT", "/chats", &[], "")).await.header("allow"), Some("post"));
    let answer = ask(app.addr, request("POST", "/chats/x", &[], "")).await;
    assert_eq!(answer.header("allow"), Some("get,head"));
}

#[tokio::test]
async fn request_ids_are_echoed_when_sane() {
    let app = App::start(unlimited()).await;
    let id = |answer: &super::client::Answer| answer.header("x-request-id").unwrap().to_owned();
    assert_eq!(id(&get(app.addr, "/", &["x-request-id: abc-1.2_3"]).await), "abc-1.2_3");
    let fresh = id(&get(app.addr, "/", &["x-request-id: a b"]).await);
    assert!(fresh.len() == 32 && fresh.bytes().all(|byte| byte.is_ascii_hexdigit()), "{fresh}");
    assert_ne!(fresh, id(&get(app.addr, "/nowhere", &[]).await));
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let app = App::start(unlimited()).await;
    let mut client = Client::connect(app.addr).await;
    client.send(request("HEAD", "/chats/whoami", &[], "")).await;
    let head = client.head_only().await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    client.send(request("GET", "/chats/whoami", &[], "")).await;
    let answer = client.answer().await;
    assert!(head.contains(&format!("content-length: {}\r\n", answer.body.len())), "{head}");
}

#[tokio::test]
async fn a_handler_that_takes_too_long_is_a_timeout() {
    let app = App::start(HttpConfig { handler_timeout: Duration::from_millis(50), ..unlimited() }).await;
    let answer = get(app.addr, "/slow", &[]).await;
    assert_eq!((answer.status, answer.code().as_str()), (504, "timeout"));
}

#[tokio::test]
async fn bodies_up_to_the_limit_and_no_further() {
    let app = App::start(unlimited()).await;
    let mut client = Client::connect(app.addr).await;
    for size in [1, 100, 100_000, super::app::MAX_BODY] {
        client.send(request("POST", "/chats", &[JSON], &"x".repeat(size))).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.json()["bytes"].as_u64()), (200, Some(size as u64)));
    }
    let answer = ask(app.addr, request("POST", "/chats", &[JSON], &"x".repeat(super::app::MAX_BODY + 1))).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "payload_too_large"));
}

#[tokio::test]
async fn a_client_that_sends_all_before_it_reads_still_gets_the_413() {
    let app = App::start(unlimited()).await;
    let answer = ask(app.addr, request("POST", "/chats", &[JSON], &"x".repeat(20 * super::app::MAX_BODY))).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "payload_too_large"));
    // The same without a length, in chunks.
    let mut client = Client::connect(app.addr).await;
    let head =
        "POST /chats HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    client.send(head).await;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..40 {
        client.send(&chunk).await;
    }
    assert_eq!(client.answer().await.code(), "payload_too_large");
}
