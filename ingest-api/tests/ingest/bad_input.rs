//! One table: what is wrong with a request, and the status, code and paths that it gets. None of it stores anything.

use anyhow::Result;
use http::HeaderValue;
use ingest_api::IngestConfig;

use crate::service::{Service, post, request};

type Row = (Vec<u8>, u16, &'static str, &'static [&'static str]);

fn with(message: &str) -> Vec<u8> {
    format!(r#"{{"conversation_id":"bad","user_id":"u","messages":[{message}]}}"#).into_bytes()
}

fn table() -> Vec<Row> {
    const JSON: &str = "invalid_json";
    const SHAPE: &str = "invalid_request";
    let object_bomb = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    let many_keys = |first| {
        let keys: Vec<String> = (first..1400).map(|i| format!("\"{i}\":1")).collect();
        format!(r#"{{"content":"x","metadata":{{{}}}}}"#, keys.join(","))
    };
    vec![
        (b"".to_vec(), 400, JSON, &[]),
        (b"\x00\x01\xfe".to_vec(), 400, JSON, &[]),
        (b"{\"user_id\":\"\xc3\x28\"}".to_vec(), 400, JSON, &[]),
        (b"{\"user_id\":\"u\"".to_vec(), 400, JSON, &[]),
        ([with(r#"{"content":"x"}"#), b"x".to_vec()].concat(), 400, JSON, &[]),
        (with(r#"{"content":"\ud800"}"#), 400, JSON, &[]),
        (with(r#"{"content":"x","metadata":{"a":"\udfff"}}"#), 400, JSON, &[]),
        ("[".repeat(1_000_000).into_bytes(), 400, JSON, &[]),
        (b"null".to_vec(), 400, SHAPE, &["body"]),
        (b"{}".to_vec(), 400, SHAPE, &["messages", "user_id"]),
        (with(""), 400, SHAPE, &["messages"]),
        (with(&vec![r#"{"content":"x"}"#; 1001].join(",")), 400, SHAPE, &["messages"]),
        (with("[]"), 400, SHAPE, &["messages[0]"]),
        (with(r#"{"content":7}"#), 400, SHAPE, &["messages[0].content"]),
        (with(r#"{"content":""}"#), 400, SHAPE, &["messages[0].content"]),
        (with(&format!(r#"{{"content":"{}"}}"#, "ä".repeat(16 * 1024 + 1))), 400, SHAPE, &["messages[0].content"]),
        (with(r#"{"content":"x"},{"content":"x","content":"y"}"#), 400, SHAPE, &["messages[1].content"]),
        (with(r#"{"content":"x","text":"y"}"#), 400, SHAPE, &["messages[0].text"]),
        (with(r#"{"content":"x","timestamp":"2023-02-30T00:00:00Z"}"#), 400, SHAPE, &["messages[0].timestamp"]),
        (with(r#"{"content":"x","timestamp":"0000-01-01T00:00:00Z"}"#), 400, SHAPE, &["messages[0].timestamp"]),
        (with(r#"{"content":"x","timestamp":"10000-01-01T00:00:00Z"}"#), 400, SHAPE, &["messages[0].timestamp"]),
        (with(r#"{"content":"x","metadata":7}"#), 400, SHAPE, &["messages[0].metadata"]),
        (with(&format!(r#"{{"content":"x","metadata":{object_bomb}}}"#)), 400, SHAPE, &["messages[0].metadata"]),
        (with(&many_keys(0)), 400, SHAPE, &["messages[0].metadata"]),
        (with(r#"{"content":"x","metadata":{"a":1,"b":2,"a":3}}"#), 400, SHAPE, &["messages[0].metadata"]),
        (with(r#"{"content":"x","message_id":"a\nb"}"#), 400, SHAPE, &["messages[0].message_id"]),
        (
            with(r#"{"content":"x","message_id":"m"},{"content":"y"},{"content":"x","message_id":"m"}"#),
            400,
            SHAPE,
            &["messages[2].message_id"],
        ),
        (
            br#"{"conversation_id":7,"user_id":"","messages":[{"content":"x"},{"content":null,"timestamp":"x","y":1}]}"#.to_vec(),
            400,
            SHAPE,
            &["conversation_id", "user_id", "messages[1].y", "messages[1].content", "messages[1].timestamp"],
        ),
    ]
}

#[tokio::test]
async fn every_fault_has_its_answer_and_stores_nothing() -> Result<()> {
    let service = Service::start(IngestConfig::default()).await?;
    for (body, status, code, paths) in table() {
        let shown = String::from_utf8_lossy(&body[..body.len().min(100)]).into_owned();
        let answer = service.post(body).await?;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{shown}: {answer:?}");
        assert_eq!(answer.paths(), paths, "{shown}");
    }
    assert!(service.log.commits().is_empty(), "something came as far as the log");
    Ok(())
}

#[tokio::test]
async fn limits_themselves_are_allowed() -> Result<()> {
    let service = Service::start(IngestConfig::default()).await?;
    let deep = format!("{}1{}", r#"{"a":"#.repeat(8), "}".repeat(8));
    let wide = format!(r#"{{"a":"{}"}}"#, "x".repeat(8 * 1024 - 8));
    let content = "x".repeat(32 * 1024);
    let id = "🦀".repeat(256);
    let message = |metadata: &str| format!(r#"{{"content":"{content}","message_id":"{id}","metadata":{metadata}}}"#);
    for metadata in [&deep, &wide] {
        let body = format!(r#"{{"user_id":"{id}","messages":[{}]}}"#, message(metadata));
        assert_eq!(service.post(body).await?.status, 200, "{}", metadata.len());
    }
    Ok(())
}

#[tokio::test]
async fn the_idempotency_key_is_checked_with_the_body() -> Result<()> {
    let service = Service::start(IngestConfig::default()).await?;
    let good = r#"{"user_id":"u","messages":[{"content":"x"}]}"#;
    let long = "k".repeat(256);
    for value in ["", "two words", "clé", &long] {
        let mut request = post(r#"{"user_id":"u","messages":[]}"#);
        request.headers_mut().insert("idempotency-key", HeaderValue::from_bytes(value.as_bytes())?);
        let answer = service.send(request).await?;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "invalid_request"), "{value}");
        assert_eq!(answer.paths(), ["Idempotency-Key", "messages"], "{value}");
    }
    let mut twice = post(good);
    twice.headers_mut().append("idempotency-key", "a".parse()?);
    twice.headers_mut().append("idempotency-key", "a".parse()?);
    assert_eq!(service.send(twice).await?.paths(), ["Idempotency-Key"]);
    assert_eq!(service.keyed(&long[1..], good).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn other_media_types_and_larger_bodies_are_refused() -> Result<()> {
    let service = Service::start(IngestConfig::default()).await?;
    let mut text = post(with(r#"{"content":"x"}"#));
    text.headers_mut().insert("content-type", "text/plain".parse()?);
    assert_eq!(service.send(text).await?.code(), "unsupported_media_type");
    assert_eq!(service.post(vec![b' '; 10_000_000]).await?.code(), "payload_too_large");
    let bad_path = service.send(request(http::Method::POST, "/chats/%00/end", "")).await?;
    assert_eq!((bad_path.code(), bad_path.paths()), ("invalid_request", vec!["conversation_id"]));
    Ok(())
}
