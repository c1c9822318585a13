//! Ending a conversation: once, however often it is asked for.

use anyhow::Result;
use http::Method;
use ingest_api::IngestConfig;
use shared::domain::{EndReason, RecordBody};

use crate::service::{Answer, Service, message, request};

async fn end(service: &Service, body: &'static str) -> Result<Answer> {
    service.send(request(Method::POST, "/chats/c%2F1/end", body)).await
}

#[tokio::test]
async fn an_end_is_one_record_however_often_it_is_asked_for() -> Result<()> {
    let service = Service::start(IngestConfig::default()).await?;
    let unknown = end(&service, "").await?;
    assert_eq!((unknown.status.as_u16(), unknown.code()), (404, "conversation_not_found"));
    service.post(message("c/1", "a")).await?;
    for body in ["", "{}", " {} "] {
        let ended = end(&service, body).await?;
        assert_eq!(ended.text, r#"{"status":"success","conversation_id":"c/1"}"#, "{ended:?}");
    }
    let records = service.records("c/1").await?;
    assert_eq!(records.len(), 2);
    assert_eq!(records[1].body, RecordBody::Ended(EndReason::Requested));
    service.post(message("c/1", "b")).await?;
    end(&service, "").await?;
    assert_eq!(service.records("c/1").await?.len(), 4);
    Ok(())
}

#[tokio::test]
async fn an_end_takes_no_fields() -> Result<()> {
    let service = Service::start(IngestConfig::default()).await?;
    service.post(message("c/1", "a")).await?;
    for (body, code, path) in [
        ("{\"x\":1}", "invalid_request", "x"),
        ("[]", "invalid_request", "body"),
        ("null", "invalid_request", "body"),
        ("{", "invalid_json", ""),
        ("{} {}", "invalid_json", ""),
    ] {
        let refused = end(&service, body).await?;
        assert_eq!(refused.paths().first().copied(), (code == "invalid_request").then_some(path), "{body}");
        assert_eq!((refused.status.as_u16(), refused.code()), (400, code), "{body}");
    }
    let mut form = request(Method::POST, "/chats/c%2F1/end", "a=b");
    form.headers_mut().insert("content-type", "application/x-www-form-urlencoded".parse()?);
    assert_eq!(service.send(form).await?.status, 415);
    let mut plain = request(Method::POST, "/chats/c%2F1/end", "");
    plain.headers_mut().remove("content-type");
    assert_eq!(service.send(plain).await?.status, 200);
    Ok(())
}
