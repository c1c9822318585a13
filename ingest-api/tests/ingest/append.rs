//! What is stored, what is answered, and what is told to the next hop.

use anyhow::{Context as _, Result};
use http::Method;
use ingest_api::IngestConfig;
use shared::domain::{Scope, Seq};
use shared::ports::Notice;

use crate::service::{Service, caller, key, message, post, request};
use crate::steered_log::Fate;

async fn service() -> Result<Service> {
    Service::start(IngestConfig::default()).await
}

#[tokio::test]
async fn a_post_is_stored_answered_and_announced() -> Result<()> {
    let service = service().await?;
    let body = r#"{"conversation_id":"meet\"ing","user_id":"john","messages":[
        {"content":"Hello team!","timestamp":"2023-01-01T09:00:00"},{"content":"a\u0000b","user_id":"eve","metadata":{"a": 1}}]}"#;
    let answer = service.post(body).await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.text, r#"{"status":"success","inserted_count":2,"conversation_id":"meet\"ing"}"#);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert!(!answer.headers.contains_key("idempotency-replayed"));

    let records = service.records("meet\"ing").await?;
    let [first, second] = [0, 1].map(|i| records[i].posted().unwrap());
    assert_eq!((records.len(), records[0].seq, records[1].seq), (2, Seq(1), Seq(2)));
    assert_eq!((first.user.as_str(), &*first.content), ("john", "Hello team!"));
    assert_eq!(first.timestamp.to_string(), "2023-01-01T09:00:00Z");
    assert_eq!((second.user.as_str(), &*second.content), ("eve", "a\0b"));
    assert_eq!(second.timestamp, records[1].received_at);
    assert_eq!(second.metadata.as_ref().unwrap().as_json(), r#"{"a": 1}"#);
    assert_ne!(first.salt, second.salt);

    let delivered = service.ports.bus.notices().await?.next(10).await?;
    let notices: Vec<&Notice> = delivered.iter().map(|delivery| &delivery.notice).collect();
    assert_eq!(notices, [&Notice { key: key("meet\"ing"), seq: Seq(2) }]);
    Ok(())
}

#[tokio::test]
async fn a_conversation_without_a_name_gets_a_fresh_one() -> Result<()> {
    let service = service().await?;
    let body = r#"{"user_id":"u","messages":[{"content":"a"}]}"#;
    let (first, second) = (service.post(body).await?, service.post(body).await?);
    assert!(first.text.contains(r#""conversation_id":"conv_"#), "{first:?}");
    assert_ne!(first.text, second.text);
    Ok(())
}

#[tokio::test]
async fn an_idempotency_key_answers_as_the_first_time() -> Result<()> {
    let service = service().await?;
    let body = r#"{"user_id":"u","messages":[{"content":"a","message_id":"m"},{"content":"b"}]}"#;
    let first = service.keyed("key-1", body).await?;
    let again = service.keyed("key-1", body).await?;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (200, 200));
    assert_eq!(first.text, again.text);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let other = service.keyed("key-1", &body.replace("\"b\"", "\"c\"")).await?;
    assert_eq!((other.status.as_u16(), other.code()), (409, "idempotency_mismatch"));
    // The same JSON in other bytes is another body, since it is the bytes that are compared.
    assert_eq!(service.keyed("key-1", &format!("{body} ")).await?.code(), "idempotency_mismatch");
    assert_ne!(service.keyed("key-2", body).await?.text, first.text);
    Ok(())
}

#[tokio::test]
async fn equal_requests_at_the_same_time_store_once() -> Result<()> {
    let service = service().await?;
    let body = r#"{"user_id":"u","messages":[{"content":"a"}]}"#;
    let held = service.log.hold().await;
    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (router, mut request) = (service.router.clone(), post(body));
        request.headers_mut().insert("idempotency-key", "race".parse()?);
        racing.spawn(crate::service::send(router, request));
    }
    drop(held);
    let answers: Vec<_> = racing.join_all().await.into_iter().collect::<Result<_>>()?;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.text == answers[0].text), "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| !answer.headers.contains_key("idempotency-replayed")).count(), 1);
    Ok(())
}

#[tokio::test]
async fn a_message_id_stands_for_one_content() -> Result<()> {
    let service = service().await?;
    let body = |text: &str| {
        format!(
            r#"{{"conversation_id":"c","user_id":"u","messages":[{{"content":"new {text}"}},{{"content":"{text}","message_id":"m"}}]}}"#
        )
    };
    assert_eq!(service.post(body("a")).await?.status, 200);
    let again = service.post(body("a")).await?;
    assert_eq!(again.text, r#"{"status":"success","inserted_count":1,"conversation_id":"c","duplicate_count":1}"#);
    let other = service.post(body("b")).await?;
    assert_eq!((other.status.as_u16(), other.code()), (409, "conflict"));
    assert_eq!(other.paths(), ["messages[1].message_id"]);
    assert_eq!(service.texts("c").await?, ["new a", "a", "new a"]);
    Ok(())
}

#[tokio::test]
async fn a_log_that_is_away_or_silent_is_told_apart() -> Result<()> {
    let service = service().await?;
    service.log.next(Fate::Unavailable);
    let away = service.keyed("k", &message("c", "a")).await?;
    assert_eq!((away.status.as_u16(), away.code()), (503, "unavailable"));
    assert!(service.records("c").await?.is_empty());
    for fate in [Fate::Unknown, Fate::Silent] {
        service.log.next(fate);
        let unknown = service.keyed("k", &message("c", "a")).await?;
        let error = unknown.error.as_ref().context("an error")?;
        assert_eq!((unknown.status.as_u16(), unknown.code()), (503, "unavailable"));
        assert!(error.message().contains("not known") && error.wait().is_some(), "{error:?}");
    }
    let repeated = service.keyed("k", &message("c", "a")).await?;
    assert_eq!(repeated.headers["idempotency-replayed"], "true");
    assert_eq!(service.texts("c").await?, ["a"]);
    Ok(())
}

#[tokio::test]
async fn a_large_body_is_taken_whole() -> Result<()> {
    let service = service().await?;
    let text = "x".repeat(8 * 1024 - 100);
    let list = vec![format!(r#"{{"content":"{text}"}}"#); 1000].join(",");
    let answer = service.post(format!(r#"{{"conversation_id":"c","user_id":"u","messages":[{list}]}}"#)).await?;
    assert_eq!(answer.text, r#"{"status":"success","inserted_count":1000,"conversation_id":"c"}"#);
    assert_eq!(service.texts("c").await?, vec![text; 1000]);
    Ok(())
}

#[tokio::test]
async fn every_route_needs_the_scope_to_write() -> Result<()> {
    let service = service().await?;
    for (method, path) in [(Method::POST, "/chats"), (Method::POST, "/chats/c/end"), (Method::DELETE, "/chats/c")] {
        let mut request = request(method, path, message("c", "a"));
        request.extensions_mut().insert(caller(&[Scope::Read]));
        let answer = service.send(request).await?;
        assert_eq!((answer.status.as_u16(), answer.code()), (403, "forbidden"), "{path}");
    }
    Ok(())
}
