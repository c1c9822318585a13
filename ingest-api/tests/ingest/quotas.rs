//! Quotas: the last message passes, one more does not, and what was not stored or is erased does not count.

use anyhow::Result;
use http::Method;
use ingest_api::IngestConfig;
use shared::domain::{Caller, Scope, TenantId};

use crate::service::{Answer, Service, caller, message, post, request, send, until};
use crate::steered_log::Fate;

fn of_conversation(most: u64) -> IngestConfig {
    IngestConfig { max_messages_per_conversation: most, ..IngestConfig::default() }
}

/// So many messages in one request.
fn several(conversation: &str, count: usize) -> String {
    let messages = vec![r#"{"content":"a"}"#; count].join(",");
    format!(r#"{{"conversation_id":"{conversation}","user_id":"u","messages":[{messages}]}}"#)
}

fn exceeded(answer: &Answer) -> bool {
    (answer.status.as_u16(), answer.code()) == (403, "quota_exceeded") && !answer.headers.contains_key("retry-after")
}

#[tokio::test]
async fn a_conversation_takes_as_many_messages_as_set() -> Result<()> {
    let service = Service::start(of_conversation(3)).await?;
    assert_eq!(service.post(several("c", 2)).await?.status, 200);
    assert!(exceeded(&service.post(several("c", 2)).await?));
    assert_eq!(service.post(several("c", 1)).await?.status, 200);
    assert!(exceeded(&service.post(several("c", 1)).await?));
    assert_eq!(service.texts("c").await?.len(), 3, "nothing of a refused request was stored");
    assert_eq!(service.post(several("d", 3)).await?.status, 200);
    // It can still be ended.
    assert_eq!(service.send(request(Method::POST, "/chats/c/end", "")).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn what_was_there_before_counts_and_what_is_erased_does_not() -> Result<()> {
    let before = Service::start(IngestConfig::default()).await?;
    before.post(several("c", 3)).await?;
    let tasks = shared_service::Tasks::new();
    let router = ingest_api::build(&before.ports, &of_conversation(3), &tasks);
    let ask = async |request| send(router.clone(), request).await;
    assert!(exceeded(&ask(post(message("c", "a"))).await?));
    assert_eq!(ask(request(Method::DELETE, "/chats/c", "")).await?.status, 204);
    assert_eq!(ask(post(several("c", 3))).await?.status, 200);
    assert!(exceeded(&ask(post(message("c", "a"))).await?));
    Ok(())
}

#[tokio::test]
async fn what_is_on_its_way_counts_and_what_fails_or_is_repeated_does_not() -> Result<()> {
    let service = Service::start(of_conversation(3)).await?;
    let held = service.log.hold().await;
    let first = tokio::spawn(send(service.router.clone(), post(several("c", 2))));
    until("the first to be committed", || async { Ok(!service.log.commits().is_empty()) }).await?;
    assert!(exceeded(&service.post(several("c", 2)).await?), "both at once would be too many");
    drop(held);
    assert_eq!(first.await??.status, 200);
    service.log.next(Fate::Unavailable);
    assert_eq!(service.post(message("c", "lost")).await?.code(), "unavailable");
    let last = message("c", "last");
    assert_eq!(service.keyed("key", &last).await?.status, 200);
    assert!(exceeded(&service.post(message("c", "one more")).await?));

    let service = Service::start(of_conversation(3)).await?;
    for _ in 0..2 {
        assert_eq!(service.keyed("key", &last).await?.status, 200);
    }
    assert_eq!(service.post(several("c", 2)).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_tenant_takes_as_many_messages_as_set_in_all_its_conversations() -> Result<()> {
    let config = IngestConfig { max_messages_per_tenant: 3, ..IngestConfig::default() };
    let service = Service::start(config).await?;
    let other = |body: String| {
        let mut request = post(body);
        let caller = Caller { tenant: TenantId::parse("other").unwrap(), ..caller(&[Scope::Write]) };
        request.extensions_mut().insert(caller);
        request
    };
    assert_eq!(service.post(several("c", 2)).await?.status, 200);
    assert!(exceeded(&service.post(several("d", 2)).await?));
    assert_eq!(service.post(several("d", 1)).await?.status, 200);
    assert!(exceeded(&service.post(several("c", 1)).await?));
    assert_eq!(service.send(other(several("c", 3))).await?.status, 200);
    assert!(exceeded(&service.send(other(several("c", 1))).await?));
    Ok(())
}

#[tokio::test]
async fn an_erased_message_makes_room_here_at_once_and_elsewhere_soon() -> Result<()> {
    let service = Service::start(of_conversation(3)).await?;
    assert_eq!(service.post(several("c", 3)).await?.status, 200);
    assert!(exceeded(&service.post(message("c", "a")).await?));
    assert_eq!(service.send(request(Method::DELETE, "/chats/c/messages/1", "")).await?.status, 204);
    assert_eq!(service.post(message("c", "a")).await?.status, 200);
    assert!(exceeded(&service.post(message("c", "a")).await?));
    // Another replica erases one, and says so.
    let another = ingest_api::build(&service.ports, &IngestConfig::default(), &shared_service::Tasks::new());
    assert_eq!(send(another, request(Method::DELETE, "/chats/c/messages/2", "")).await?.status, 204);
    until("room", || async { Ok(service.post(message("c", "b")).await?.status == 200) }).await?;
    assert!(exceeded(&service.post(message("c", "a")).await?));
    Ok(())
}
